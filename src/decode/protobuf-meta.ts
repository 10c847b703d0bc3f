// Owns the decoding of ObjectMeta and of what several kinds share: maps, owner references, field managers, conditions.
// Promises to keep only what base/record.ts names; `managedFields` lose their fields unread.
// Each case is a tag: field number × 8 + wire type. Numbers: apimachinery meta/v1/generated.proto, core/v1/generated.proto.

import {
  type Condition,
  type FieldManager,
  KEPT_ANNOTATIONS,
  KEPT_MANAGER,
  type KeptManager,
  type ObjectMeta,
  type OwnerReference,
} from '../base/record.ts'
import { recall, remember, repeatsOf } from './repeats.ts'
import { DecodeFailure, type Mutable } from './result.ts'
import {
  type Cursor,
  enter,
  leave,
  nextSet,
  present,
  readBool,
  readInt,
  readSeconds,
  readShared,
  readTag,
  readText,
  runEnd,
  skip,
} from './wire.ts'

const LABEL = 90
const OWNER = 106

type Texts = Readonly<Record<string, string>>

/** All labels of an object, and all its owners, are one run of fields each, the same for every pod of a ReplicaSet. */
const LABELS = repeatsOf<Texts>(10, 512)
const OWNERS = repeatsOf<readonly OwnerReference[]>(10, 256)
const CONDITIONS = repeatsOf<Condition>(11, 192)

/** `readId` reads name and uid: `readShared` for objects that come in many versions, `readText` for those that come once. */
export function readMeta(
  c: Cursor,
  meta: Mutable<ObjectMeta>,
  readId: typeof readText,
  kept: KeptManager = KEPT_MANAGER,
): void {
  const outer = enter(c)
  let labels: Texts | undefined
  let annotations: Record<string, string> | undefined
  let owners: readonly OwnerReference[] | undefined
  let generation = 0
  let managers: FieldManager[] | undefined
  while (c.at < c.end) {
    const tag = readTag(c)
    switch (tag) {
      case 10: // name = 1
        meta.name = readId(c)
        break
      case 26: // namespace = 3
        meta.namespace = readShared(c)
        break
      case 42: // uid = 5
        meta.uid = readId(c)
        break
      case 50: // resourceVersion = 6
        meta.resourceVersion = readText(c)
        break
      case 56: // generation = 7
        generation = readInt(c)
        break
      case 66: // creationTimestamp = 8
        if (present(c)) meta.createdSeconds = readSeconds(c)
        break
      case 74: // deletionTimestamp = 9
        if (present(c)) meta.deletionSeconds = readSeconds(c)
        break
      case 80: // deletionGracePeriodSeconds = 10
        meta.deletionGraceSeconds = readInt(c)
        break
      case 90: // labels = 11
        labels = readLabels(c, labels)
        break
      case 98: // annotations = 12
        annotations = readKeptEntry(c, annotations)
        break
      case 106: // ownerReferences = 13
        owners = readOwners(c, owners)
        break
      case 138: // managedFields = 17
        managers = readKeptManager(c, managers, kept)
        break
      default:
        skip(c, tag)
    }
  }
  leave(c, outer)
  if (kept.generation && generation !== 0) meta.generation = generation
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

/** The labels from here on; they are only in pieces where a writer does not order its fields. */
function readLabels(c: Cursor, before: Texts | undefined): Texts {
  const start = c.at
  const end = runEnd(c, LABEL)
  const known = before ? undefined : recall(LABELS, c, start, end)
  if (known) {
    c.at = end
    return known
  }
  const labels = readEntry(c, { ...before })
  while (c.at < end && readTag(c) === LABEL) readEntry(c, labels)
  return before ? labels : remember(LABELS, c, start, end, labels)
}

function readOwners(c: Cursor, before: readonly OwnerReference[] | undefined): readonly OwnerReference[] {
  const start = c.at
  const end = runEnd(c, OWNER)
  const known = before ? undefined : recall(OWNERS, c, start, end)
  if (known) {
    c.at = end
    return known
  }
  const owners = [...(before ?? []), readOwner(c)]
  while (c.at < end && readTag(c) === OWNER) owners.push(readOwner(c))
  return before ? owners : remember(OWNERS, c, start, end, owners)
}

/** One `map<string, string>` entry: key = 1, value = 2. */
function readEntry(c: Cursor, map: Record<string, string>): Record<string, string> {
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
  map[key] = value
  return map
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
  return readEntry(c, map ?? {})
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

function readKeptManager(
  c: Cursor,
  managers: FieldManager[] | undefined,
  { manager, subresource }: KeptManager,
): FieldManager[] | undefined {
  const outer = enter(c)
  const entry: Mutable<FieldManager> = { manager: '', operation: '' }
  for (let tag = nextSet(c); tag !== 0; tag = nextSet(c)) {
    if (tag === 10) {
      entry.manager = readShared(c)
      if (manager !== undefined && entry.manager !== manager) break
    } else if (tag === 18) entry.operation = readShared(c)
    else if (tag === 34) entry.seconds = readSeconds(c)
    else if (tag === 66) entry.subresource = readShared(c)
    else skip(c, tag)
  }
  leave(c, outer)
  if ((manager !== undefined && entry.manager !== manager) || entry.subresource !== subresource)
    return managers
  return managers ? [...managers, entry] : [entry]
}

/** PodCondition and NodeCondition have the same numbers for what is kept. */
export function readCondition(c: Cursor): Condition {
  const outer = enter(c)
  const start = c.at
  const known = recall(CONDITIONS, c, start, c.end)
  if (known) {
    leave(c, outer)
    return known
  }
  const condition: Mutable<Condition> = { type: '', status: '' }
  for (let tag = nextSet(c); tag !== 0; tag = nextSet(c)) {
    if (tag === 10) condition.type = readShared(c)
    else if (tag === 18) condition.status = readShared(c)
    else if (tag === 34) condition.transitionSeconds = readSeconds(c)
    else if (tag === 42) condition.reason = readShared(c)
    else if (tag === 50) condition.message = readShared(c)
    else skip(c, tag)
  }
  leave(c, outer)
  return remember(CONDITIONS, c, start, c.at, condition)
}
