// Owns what all kinds share in JSON: ObjectMeta, owner references, field managers, conditions.
// Promises to keep only what base/record.ts names.
// Does not read spec or status.

import {
  type Condition,
  type FieldManager,
  KEPT_ANNOTATIONS,
  KEPT_MANAGER,
  type KeptManager,
  type ObjectMeta,
  type OwnerReference,
} from '../base/record.ts'
import {
  booleanAt,
  type Json,
  listAt,
  mapAt,
  numberAt,
  objectAt,
  put,
  secondsAt,
  sharedAt,
  textAt,
} from './json-fields.ts'
import { DecodeFailure, type Mutable } from './result.ts'

export function fillMeta(object: Json, meta: Mutable<ObjectMeta>, kept: KeptManager = KEPT_MANAGER): void {
  const from = objectAt(object, 'metadata', '')
  if (!from) throw new DecodeFailure('missing', 'the object has no metadata', 'metadata')
  const where = 'metadata'
  meta.uid = required(from, 'uid')
  meta.name = required(from, 'name')
  meta.namespace = sharedAt(from, 'namespace', where) ?? ''
  meta.resourceVersion = textAt(from, 'resourceVersion', where) ?? ''
  if (kept.generation) put(meta, 'generation', numberAt(from, 'generation', where))
  put(meta, 'createdSeconds', secondsAt(from, 'creationTimestamp', where))
  put(meta, 'deletionSeconds', secondsAt(from, 'deletionTimestamp', where))
  put(meta, 'deletionGraceSeconds', numberAt(from, 'deletionGracePeriodSeconds', where))
  put(meta, 'labels', mapAt(from, 'labels', where))
  put(meta, 'annotations', mapAt(from, 'annotations', where, KEPT_ANNOTATIONS))
  put(meta, 'owners', listAt(from, 'ownerReferences', where, readOwner))
  put(meta, 'managers', keptManagers(listAt(from, 'managedFields', where, readManager), kept))
}

function required(from: Json, key: 'uid' | 'name'): string {
  const text = textAt(from, key, 'metadata')
  if (text === undefined) throw new DecodeFailure('missing', `the object has no ${key}`, `metadata.${key}`)
  return text
}

function readOwner(from: Json, where: string): OwnerReference {
  const owner: Mutable<OwnerReference> = {
    apiVersion: sharedAt(from, 'apiVersion', where) ?? '',
    kind: sharedAt(from, 'kind', where) ?? '',
    name: sharedAt(from, 'name', where) ?? '',
    uid: sharedAt(from, 'uid', where) ?? '',
  }
  put(owner, 'controller', booleanAt(from, 'controller', where))
  return owner
}

function keptManagers(
  all: readonly FieldManager[] | undefined,
  { manager, subresource }: KeptManager,
): readonly FieldManager[] | undefined {
  const kept = all?.filter(
    (one) => one.subresource === subresource && (manager === undefined || one.manager === manager),
  )
  return kept?.length ? kept : undefined
}

function readManager(from: Json, where: string): FieldManager {
  const entry: Mutable<FieldManager> = {
    manager: sharedAt(from, 'manager', where) ?? '',
    operation: sharedAt(from, 'operation', where) ?? '',
  }
  put(entry, 'subresource', sharedAt(from, 'subresource', where))
  put(entry, 'seconds', secondsAt(from, 'time', where))
  return entry
}

export function readCondition(from: Json, where: string): Condition {
  const condition: Mutable<Condition> = {
    type: sharedAt(from, 'type', where) ?? '',
    status: sharedAt(from, 'status', where) ?? '',
  }
  put(condition, 'reason', sharedAt(from, 'reason', where))
  put(condition, 'message', sharedAt(from, 'message', where))
  put(condition, 'transitionSeconds', secondsAt(from, 'lastTransitionTime', where))
  return condition
}
