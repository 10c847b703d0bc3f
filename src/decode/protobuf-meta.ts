// Owns the decoding of ObjectMeta and of what several kinds share: maps, owner references, field managers, conditions.
// Promises to keep only what base/record.ts names; `managedFields` lose their fields unread.
// Each case is a tag: field number × 8 + wire type. Numbers: apimachinery meta/v1/generated.proto, core/v1/generated.proto.

import {
  type Condition,
  type FieldManager,
  isKeptManager,
  KEPT_ANNOTATIONS,
  type ObjectMeta,
  type OwnerReference,
} from '../base/record.ts'
import { DecodeFailure, type Mutable } from './result.ts'
import {
  type Cursor,
  enter,
  leave,
  readBool,
  readInt,
  readSeconds,
  readShared,
  readTag,
  readText,
  skip,
} from './wire.ts'

export function readMeta(c: Cursor, meta: Mutable<ObjectMeta>): void {
  const outer = enter(c)
  let labels: Record<string, string> | undefined
  let annotations: Record<string, string> | undefined
  let owners: OwnerReference[] | undefined
  let managers: FieldManager[] | undefined
  while (c.at < c.end) {
    const tag = readTag(c)
    switch (tag) {
      case 10: // name = 1
        meta.name = readText(c)
        break
      case 26: // namespace = 3
        meta.namespace = readShared(c)
        break
      case 42: // uid = 5
        meta.uid = readText(c)
        break
      case 50: // resourceVersion = 6
        meta.resourceVersion = readText(c)
        break
      case 66: // creationTimestamp = 8
        setSeconds(meta, 'createdSeconds', readSeconds(c))
        break
      case 74: // deletionTimestamp = 9
        setSeconds(meta, 'deletionSeconds', readSeconds(c))
        break
      case 80: // deletionGracePeriodSeconds = 10
        meta.deletionGraceSeconds = readInt(c)
        break
      case 90: // labels = 11
        labels = readEntry(c, labels)
        break
      case 98: // annotations = 12
        annotations = readKeptEntry(c, annotations)
        break
      case 106: // ownerReferences = 13
        owners = owners ?? []
        owners.push(readOwner(c))
        break
      case 138: // managedFields = 17
        managers = readKeptManager(c, managers)
        break
      default:
        skip(c, tag)
    }
  }
  leave(c, outer)
  if (labels) meta.labels = labels
  if (annotations) meta.annotations = annotations
  if (owners) meta.owners = owners
  if (managers) meta.managers = managers
}

/** An object without a uid cannot be told from another one, so it is no record. */
export function requireIdentity(meta: ObjectMeta, c: Cursor): void {
  if (meta.uid === '') throw new DecodeFailure('missing', 'the object has no uid', `byte ${c.at}`)
  if (meta.name === '') throw new DecodeFailure('missing', 'the object has no name', `byte ${c.at}`)
}

export function setSeconds<K extends string>(
  target: { [key in K]?: number },
  key: K,
  seconds: number | undefined,
): void {
  if (seconds !== undefined) target[key] = seconds as { [key in K]?: number }[K]
}

/** One `map<string, string>` entry: key = 1, value = 2. */
function readEntry(c: Cursor, map: Record<string, string> | undefined): Record<string, string> {
  const outer = enter(c)
  let key = ''
  let value = ''
  while (c.at < c.end) {
    const tag = readTag(c)
    if (tag === 10) key = readShared(c)
    else if (tag === 18) value = readShared(c)
    else skip(c, tag)
  }
  leave(c, outer)
  const into = map ?? {}
  into[key] = value
  return into
}

/** An annotation is copied only when its key is one of those kept; last-applied configurations are long and may hold secrets. */
function readKeptEntry(
  c: Cursor,
  map: Record<string, string> | undefined,
): Record<string, string> | undefined {
  const start = c.at
  const outer = enter(c)
  let kept = false
  while (c.at < c.end && !kept) {
    const tag = readTag(c)
    if (tag === 10) kept = KEPT_ANNOTATIONS.has(readShared(c))
    else skip(c, tag)
  }
  leave(c, outer)
  if (!kept) return map
  c.at = start
  return readEntry(c, map)
}

/** One `map<string, Quantity>` entry into `map`: key = 1, value = 2 holding the quantity's text = 1. */
export function readQuantityEntry(c: Cursor, map: Record<string, string>): void {
  const outer = enter(c)
  let key = ''
  let value = ''
  while (c.at < c.end) {
    const tag = readTag(c)
    if (tag === 10) key = readShared(c)
    else if (tag === 18) value = readWrappedText(c)
    else skip(c, tag)
  }
  leave(c, outer)
  map[key] = value
}

/** A message of which only string field 1 matters: Quantity, PodSchedulingGate, PodReadinessGate, a claim's name. */
export function readWrappedText(c: Cursor): string {
  const outer = enter(c)
  let text = ''
  while (c.at < c.end) {
    const tag = readTag(c)
    if (tag === 10) text = readShared(c)
    else skip(c, tag)
  }
  leave(c, outer)
  return text
}

function readOwner(c: Cursor): OwnerReference {
  const outer = enter(c)
  const owner: Mutable<OwnerReference> = { apiVersion: '', kind: '', name: '', uid: '' }
  while (c.at < c.end) {
    const tag = readTag(c)
    if (tag === 42) owner.apiVersion = readShared(c)
    else if (tag === 10) owner.kind = readShared(c)
    else if (tag === 26) owner.name = readShared(c)
    else if (tag === 34) owner.uid = readShared(c)
    else if (tag === 48) owner.controller = readBool(c)
    else skip(c, tag)
  }
  leave(c, outer)
  return owner
}

function readKeptManager(c: Cursor, managers: FieldManager[] | undefined): FieldManager[] | undefined {
  const outer = enter(c)
  const entry: Mutable<FieldManager> = { manager: '', operation: '' }
  while (c.at < c.end) {
    const tag = readTag(c)
    if (tag === 10) entry.manager = readShared(c)
    else if (tag === 18) entry.operation = readShared(c)
    else if (tag === 34) setSeconds(entry, 'seconds', readSeconds(c))
    else if (tag === 66) setText(entry, 'subresource', readShared(c))
    else skip(c, tag)
  }
  leave(c, outer)
  if (!isKeptManager(entry.manager, entry.subresource)) return managers
  return managers ? [...managers, entry] : [entry]
}

/** PodCondition and NodeCondition have the same numbers for what is kept. */
export function readCondition(c: Cursor): Condition {
  const outer = enter(c)
  const condition: Mutable<Condition> = { type: '', status: '' }
  while (c.at < c.end) {
    const tag = readTag(c)
    if (tag === 10) condition.type = readShared(c)
    else if (tag === 18) condition.status = readShared(c)
    else if (tag === 34) setSeconds(condition, 'transitionSeconds', readSeconds(c))
    else if (tag === 42) setText(condition, 'reason', readShared(c))
    else if (tag === 50) setText(condition, 'message', readShared(c))
    else skip(c, tag)
  }
  leave(c, outer)
  return condition
}

/** Go writes an unset string as an empty one, JSON leaves it out: empty is absent. */
export function setText<K extends string>(target: { [key in K]?: string }, key: K, text: string): void {
  if (text !== '') target[key] = text as { [key in K]?: string }[K]
}

/** Go writes an unset number that is no pointer as 0, JSON leaves it out: 0 is absent. */
export function setCount<K extends string>(target: { [key in K]?: number }, key: K, count: number): void {
  if (count !== 0) target[key] = count as { [key in K]?: number }[K]
}
