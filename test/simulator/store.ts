// Owns the simulated API server's memory: objects by resource, the resourceVersion clock, the window of changes that watches replay.
// Promises a version for each change, and that what is compacted is gone.
// Does not speak HTTP and does not encode.

import type { Obj } from './encode.ts'
import { eventBytes, type Form } from './forms.ts'

export type ChangeType = 'ADDED' | 'MODIFIED' | 'DELETED'

/** One stored object; `bare` are its protobuf bytes, made when first asked for, or given. */
export interface Stored {
  readonly object: Obj
  readonly version: number
  /** `NAMESPACE/NAME`, where it is known without making the object. */
  readonly key?: string
  bare?: Buffer
}

export interface Change extends Stored {
  readonly resource: string
  readonly type: ChangeType
  readonly uid: string
  /** As it was before: for selectors, which it may have left. */
  before?: Stored | undefined
  /** The frame that shows it as this type: made once for all readers, or by who can make it faster. */
  frame(type: ChangeType, form: Form): Buffer
}

type Meta = { readonly uid: string; readonly name: string; readonly namespace?: string }
export const metaOf = (object: Obj): Meta => object['metadata'] as Meta

/** As many changes as a watch cache keeps at the most. */
const WINDOW = 102_400

export class Store {
  version = 1
  compacted = 0
  readonly window: Change[] = []
  private readonly objects = new Map<string, Map<string, Stored>>()
  private readonly listeners = new Map<string, Set<(change: Change) => void>>()

  of(resource: string): Map<string, Stored> {
    let map = this.objects.get(resource)
    if (!map) {
      map = new Map()
      this.objects.set(resource, map)
    }
    return map
  }

  /** Stores an object under the next version and tells the watches. */
  apply(resource: string, object: Obj): number {
    const known = this.of(resource).has(metaOf(object).uid)
    return this.change(resource, known ? 'MODIFIED' : 'ADDED', object)
  }

  remove(resource: string, uid: string): number {
    const stored = this.of(resource).get(uid)
    if (!stored) throw new Error(`${resource} ${uid} is not stored`)
    return this.change(resource, 'DELETED', stored.object)
  }

  /** Fills without a change, for large lists. */
  load(resource: string, objects: Iterable<Obj>): void {
    const map = this.of(resource)
    for (const object of objects) {
      this.version += 1
      map.set(metaOf(object).uid, { object: withVersion(object, this.version), version: this.version })
    }
  }

  private change(resource: string, type: ChangeType, from: Obj): number {
    return this.put(new PlainChange(resource, type, this.version + 1, from))
  }

  /** A change that its maker has numbered with the version that is next. */
  put(change: Change): number {
    const map = this.of(change.resource)
    change.before = map.get(change.uid)
    this.version = change.version
    if (change.type === 'DELETED') map.delete(change.uid)
    else map.set(change.uid, change)
    this.window.push(change)
    if (this.window.length > WINDOW) this.forget(this.window.length >> 1)
    for (const listener of this.listeners.get(change.resource) ?? NOBODY) listener(change)
    return this.version
  }

  /** As a restored backup: what was stored after that version never was, and its numbers are given anew. Returns what is undone. */
  rewind(version: number): readonly Change[] {
    const undone = this.window.filter((change) => change.version > version).reverse()
    for (const { before, resource, uid } of undone) {
      if (before) this.of(resource).set(uid, before)
      else this.of(resource).delete(uid)
    }
    this.version = version
    this.compact()
    return undone
  }

  /** The window has a limit: a watch from before it gets 410. */
  private forget(count: number): void {
    this.compacted = this.window[count - 1]?.version ?? this.compacted
    // What is still stored would hold each of its earlier versions by the one after it.
    for (const change of this.window.splice(0, count)) change.before = undefined
  }

  /** Forgets all changes up to now: a watch from before gets 410. */
  compact(): void {
    this.forget(this.window.length)
    this.compacted = this.version
  }

  subscribe(resource: string, listener: (change: Change) => void): () => void {
    let own = this.listeners.get(resource)
    if (!own) this.listeners.set(resource, (own = new Set()))
    own.add(listener)
    return () => void own.delete(listener)
  }
}

const NOBODY: ReadonlySet<(change: Change) => void> = new Set()

class PlainChange implements Change {
  readonly resource: string
  readonly type: ChangeType
  readonly version: number
  readonly object: Obj
  readonly uid: string
  before?: Stored | undefined
  bare?: Buffer
  private readonly frames = new Map<string, Buffer>()

  constructor(resource: string, type: ChangeType, version: number, from: Obj) {
    this.resource = resource
    this.type = type
    this.version = version
    this.object = withVersion(from, version)
    this.uid = metaOf(from).uid
  }

  frame(type: ChangeType, form: Form): Buffer {
    const key = `${type} ${form.encoding} ${form.partial}`
    let bytes = this.frames.get(key)
    if (!bytes) this.frames.set(key, (bytes = eventBytes(type, this.object, form)))
    return bytes
  }
}

const withVersion = (object: Obj, version: number): Obj => ({
  ...object,
  metadata: { ...(object['metadata'] as Obj), resourceVersion: String(version) },
})
