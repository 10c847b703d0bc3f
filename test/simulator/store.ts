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

export function keyOf(stored: Stored): string {
  if (stored.key !== undefined) return stored.key
  const { name, namespace } = metaOf(stored.object)
  return namespace === undefined ? name : `${namespace}/${name}`
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
  private readonly orders = new Map<string, KeyOrder>()
  private readonly listeners = new Map<string, Set<(change: Change) => void>>()

  of(resource: string): ReadonlyMap<string, Stored> {
    return this.mapOf(resource)
  }

  private mapOf(resource: string): Map<string, Stored> {
    let map = this.objects.get(resource)
    if (!map) {
      map = new Map()
      this.objects.set(resource, map)
    }
    return map
  }

  /** By key, as lists show them. */
  inOrder(resource: string): readonly Stored[] {
    return this.orderOf(resource).of(this.of(resource))
  }

  private orderOf(resource: string): KeyOrder {
    let order = this.orders.get(resource)
    if (!order) this.orders.set(resource, (order = new KeyOrder()))
    return order
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
    for (const object of objects) {
      this.version += 1
      const stored = { object: withVersion(object, this.version), version: this.version }
      this.set(resource, metaOf(object).uid, stored)
    }
  }

  /** What was made by who can make it faster, under a version of its own. */
  set(resource: string, uid: string, stored: Stored): void {
    const map = this.mapOf(resource)
    if (!map.has(uid)) this.orderOf(resource).add(uid)
    map.set(uid, stored)
  }

  private change(resource: string, type: ChangeType, from: Obj): number {
    return this.put(new PlainChange(resource, type, this.version + 1, from))
  }

  /** A change that its maker has numbered with the version that is next. */
  put(change: Change): number {
    const { resource, uid } = change
    change.before = this.of(resource).get(uid)
    this.version = change.version
    if (change.type === 'DELETED') this.mapOf(resource).delete(uid)
    else this.set(resource, uid, change)
    this.window.push(change)
    if (this.window.length > WINDOW) this.forget(this.window.length >> 1)
    for (const listener of this.listeners.get(change.resource) ?? NOBODY) listener(change)
    return this.version
  }

  /** As a restored backup: what was stored after that version never was, and its numbers are given anew. Returns what is undone. */
  rewind(version: number): readonly Change[] {
    const undone = this.window.filter((change) => change.version > version).reverse()
    for (const { before, resource, uid } of undone) {
      if (before) this.set(resource, uid, before)
      else this.mapOf(resource).delete(uid)
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

interface Place {
  readonly key: string
  readonly uid: string
}

const byKey = (a: Place, b: Place): number => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0)

/** The order of one resource's keys. What has come since it was last asked for is sorted and merged then: of a million the rest stays in order. */
class KeyOrder {
  private places: readonly Place[] = []
  private fresh: string[] = []

  add(uid: string): void {
    this.fresh.push(uid)
  }

  of(map: ReadonlyMap<string, Stored>): readonly Stored[] {
    const fresh = this.fresh.flatMap((uid) => {
      const stored = map.get(uid)
      return stored ? [{ uid, key: keyOf(stored) }] : []
    })
    this.fresh = []
    const places: Place[] = []
    const stored: Stored[] = []
    for (const place of merged(this.places, fresh.sort(byKey))) {
      const one = place.uid === places.at(-1)?.uid ? undefined : map.get(place.uid)
      if (!one) continue
      places.push(place)
      stored.push(one)
    }
    this.places = places
    return stored
  }
}

function* merged(left: readonly Place[], right: readonly Place[]): Iterable<Place> {
  let at = 0
  for (const place of left) {
    for (let next = right[at]; next && byKey(next, place) <= 0; next = right[++at]) yield next
    yield place
  }
  yield* right.slice(at)
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
