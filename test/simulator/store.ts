// Owns the simulated API server's memory: objects by resource, the resourceVersion clock, the window of changes that watches replay.
// Promises a version for each change, and that what is compacted is gone.
// Does not speak HTTP and does not encode.

import type { Obj } from './encode.ts'

export type ChangeType = 'ADDED' | 'MODIFIED' | 'DELETED'

export interface Change {
  readonly resource: string
  readonly type: ChangeType
  readonly version: number
  readonly object: Obj
  /** As it was before: for selectors, which it may have left. */
  readonly before: Obj | undefined
  /** Encoded frames by form, made when first asked for; or made at once, by who can make them faster. */
  readonly frames: Map<string, Buffer>
}

/** One stored object; `bare` are its protobuf bytes, made when first asked for, or given. */
export interface Stored {
  readonly object: Obj
  readonly version: number
  bare?: Buffer
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
    this.version += 1
    const object = withVersion(from, this.version)
    return this.put({ resource, type, version: this.version, object, frames: new Map() })
  }

  /** A change that its maker has numbered with the version that is next. */
  put(made: Omit<Change, 'before'>): number {
    const map = this.of(made.resource)
    const { uid } = metaOf(made.object)
    const change: Change = { ...made, before: map.get(uid)?.object }
    this.version = change.version
    if (change.type === 'DELETED') map.delete(uid)
    else map.set(uid, change)
    this.window.push(change)
    if (this.window.length > WINDOW) this.forget(this.window.length >> 1)
    for (const listener of this.listeners.get(change.resource) ?? NOBODY) listener(change)
    return this.version
  }

  /** The window has a limit: a watch from before it gets 410. */
  private forget(count: number): void {
    this.compacted = this.window[count - 1]?.version ?? this.compacted
    this.window.splice(0, count)
  }

  /** Forgets all changes up to now: a watch from before gets 410. */
  compact(): void {
    this.compacted = this.version
    this.window.length = 0
  }

  subscribe(resource: string, listener: (change: Change) => void): () => void {
    let own = this.listeners.get(resource)
    if (!own) this.listeners.set(resource, (own = new Set()))
    own.add(listener)
    return () => void own.delete(listener)
  }
}

const NOBODY: ReadonlySet<(change: Change) => void> = new Set()

const withVersion = (object: Obj, version: number): Obj => ({
  ...object,
  metadata: { ...(object['metadata'] as Obj), resourceVersion: String(version) },
})
