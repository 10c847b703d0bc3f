// Owns the simulated API server's memory: objects by resource, the resourceVersion clock, the history that watches replay.
// Promises a version for each change, and that what is compacted is gone.
// Does not speak HTTP.

import {
  encodeObject,
  encodeWatchEvent,
  frame,
  message,
  onTheWire,
  type Obj,
  unknown,
  wrapWatchEvent,
} from './encode.ts'

export type ChangeType = 'ADDED' | 'MODIFIED' | 'DELETED'

export interface Change {
  readonly resource: string
  readonly type: ChangeType
  readonly version: number
  readonly object: Obj
  protobuf?: Buffer
  json?: Buffer
}

/** One stored object with its bytes: made when first asked for, or given by a bench. */
export interface Stored {
  readonly object: Obj
  readonly version: number
  bare?: Buffer
}

type Meta = { readonly uid: string; readonly name: string; readonly namespace?: string }
export const metaOf = (object: Obj): Meta => object['metadata'] as Meta

export class Store {
  version = 1
  compacted = 0
  readonly history: Change[] = []
  private readonly objects = new Map<string, Map<string, Stored>>()
  private readonly listeners = new Set<(change: Change) => void>()

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

  /** Fills without history, for large lists. */
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
    const change: Change = { resource, type, version: this.version, object }
    if (type === 'DELETED') this.of(resource).delete(metaOf(object).uid)
    else this.of(resource).set(metaOf(object).uid, { object, version: this.version })
    this.history.push(change)
    for (const listener of this.listeners) listener(change)
    return this.version
  }

  /** Forgets the history up to now: a watch from before gets 410. */
  compact(): void {
    this.compacted = this.version
    this.history.length = 0
  }

  subscribe(listener: (change: Change) => void): () => void {
    this.listeners.add(listener)
    return () => void this.listeners.delete(listener)
  }
}

const withVersion = (object: Obj, version: number): Obj => ({
  ...object,
  metadata: { ...(object['metadata'] as Obj), resourceVersion: String(version) },
})

/** The kind a resource's objects have on the wire. */
export const bareOf = (stored: Stored): Buffer => {
  const shown = onTheWire(stored.object)
  stored.bare ??= message(String(shown['kind']), shown)
  return stored.bare
}

export function changeBytes(change: Change, encoding: 'protobuf' | 'json'): Buffer {
  if (encoding === 'protobuf') {
    change.protobuf ??= frame(encodeWatchEvent(change.type, change.object))
    return change.protobuf
  }
  change.json ??= jsonLine(change.type, change.object)
  return change.json
}

/** An initial event from bytes that are there already. */
export const addedBytes = (
  stored: Stored,
  apiVersion: string,
  kind: string,
  encoding: 'protobuf' | 'json',
): Buffer =>
  encoding === 'json'
    ? jsonLine('ADDED', stored.object)
    : frame(wrapWatchEvent('ADDED', unknown(apiVersion, kind, bareOf(stored))))

export function eventBytes(type: string, object: Obj, encoding: 'protobuf' | 'json'): Buffer {
  return encoding === 'json' ? jsonLine(type, object) : frame(wrapWatchEvent(type, encodeObject(object)))
}

const jsonLine = (type: string, object: Obj): Buffer => Buffer.from(`${JSON.stringify({ type, object })}\n`)
