// Owns which objects of a stream exist, as UID → resourceVersion and name: enough to tell new from known, and to find what is gone.
// Promises about 200 bytes an object, and that an unchanged object is delivered once.
// Does not keep objects. Mutable, since a copy per frame of 60,000 entries would be absurd; it belongs to one stream.

import type { AnyRecord } from '../base/record.ts'
import type { WatchType } from '../decode/result.ts'

export interface KnownObject {
  resourceVersion: string
  readonly namespace: string
  readonly name: string
  /** The list that showed it last. */
  sweep: number
}

export interface KnownObjects {
  readonly byUid: Map<string, KnownObject>
  sweep: number
}

export const knownObjects = (): KnownObjects => ({ byUid: new Map(), sweep: 0 })

/** What this version of an object is to a reader who has seen all earlier ones; undefined where it is nothing new. */
export function observe(
  known: KnownObjects,
  type: WatchType,
  record: AnyRecord,
): 'added' | 'modified' | 'deleted' | undefined {
  if (type === 'DELETED') {
    known.byUid.delete(record.uid)
    return 'deleted'
  }
  const { uid, resourceVersion, namespace, name } = record
  const entry = known.byUid.get(uid)
  if (!entry) {
    known.byUid.set(uid, { resourceVersion, namespace, name, sweep: known.sweep })
    return 'added'
  }
  entry.sweep = known.sweep
  if (entry.resourceVersion === resourceVersion) return undefined
  entry.resourceVersion = resourceVersion
  return 'modified'
}

/** A list begins: whatever it does not show before `sweepMissing` is gone. A list that breaks off is simply begun again. */
export function beginSweep(known: KnownObjects): void {
  known.sweep += 1
}

/** Removes and returns what the finished list did not show. */
export function sweepMissing(known: KnownObjects): readonly (readonly [uid: string, object: KnownObject])[] {
  const missing: (readonly [string, KnownObject])[] = []
  for (const entry of known.byUid) if (entry[1].sweep !== known.sweep) missing.push(entry)
  for (const [uid] of missing) known.byUid.delete(uid)
  return missing
}
