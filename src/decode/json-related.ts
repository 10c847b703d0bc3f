// Owns the decoding of what a start may wait for besides its node and its images: claims, attachments, NodeClaims, Workloads, devices.
// Promises the same record from every version of a group that resources.ts names. JSON only: these change seldom.
// Does not read what base/record.ts does not name.

import type { Source } from '../base/frame.ts'
import type {
  AttachmentRecord,
  ClaimRecord,
  DeviceClaimRecord,
  NodeClaimRecord,
  ObjectMeta,
  RelatedRecord,
  WorkloadRecord,
} from '../base/record.ts'
import { booleanAt, type Json, listAt, objectAt, put, secondsAt, sharedAt, textAt } from './json-fields.ts'
import { fillMeta, readCondition } from './json-meta.ts'
import { DecodeFailure, type Mutable } from './result.ts'

const NO_META: ObjectMeta = { uid: '', name: '', namespace: '', resourceVersion: '' }

/** The record of an object of which only its metadata is known: a list no longer shows it. */
export function emptyRelated(source: Source, meta: ObjectMeta): RelatedRecord {
  switch (source) {
    case 'persistentvolumeclaims':
    case 'nodeclaims':
    case 'workloads':
      return { resource: source, ...meta }
    case 'volumeattachments':
      return { resource: source, ...meta, attacher: '', node: '', attached: false }
    case 'resourceclaims':
      return { resource: source, ...meta, allocated: false }
    default:
      throw new DecodeFailure('unsupported', 'no record for this resource', source)
  }
}

export function relatedOf(object: Json, source: Source): RelatedRecord {
  const record: Mutable<RelatedRecord> = { ...emptyRelated(source, NO_META) }
  fillMeta(object, record)
  const spec = objectAt(object, 'spec', '') ?? {}
  const status = objectAt(object, 'status', '') ?? {}
  switch (record.resource) {
    case 'persistentvolumeclaims':
      fillClaim(spec, status, record)
      break
    case 'volumeattachments':
      fillAttachment(spec, status, record)
      break
    case 'nodeclaims':
      fillNodeClaim(status, record)
      break
    case 'workloads':
      fillWorkload(spec, status, record)
      break
    case 'resourceclaims':
      fillDeviceClaim(status, record)
      break
  }
  return record
}

function fillClaim(spec: Json, status: Json, claim: Mutable<ClaimRecord>): void {
  put(claim, 'storageClass', sharedAt(spec, 'storageClassName', 'spec'))
  put(claim, 'volume', textAt(spec, 'volumeName', 'spec'))
  put(claim, 'phase', sharedAt(status, 'phase', 'status'))
}

function fillAttachment(spec: Json, status: Json, attachment: Mutable<AttachmentRecord>): void {
  attachment.attacher = sharedAt(spec, 'attacher', 'spec') ?? ''
  attachment.node = sharedAt(spec, 'nodeName', 'spec') ?? ''
  attachment.attached = booleanAt(status, 'attached', 'status') ?? false
  const source = objectAt(spec, 'source', 'spec')
  if (source) put(attachment, 'volume', textAt(source, 'persistentVolumeName', 'spec.source'))
  const error = objectAt(status, 'attachError', 'status')
  if (error) attachment.error = readError(error)
}

function readError(from: Json): NonNullable<AttachmentRecord['error']> {
  const error: Mutable<NonNullable<AttachmentRecord['error']>> = {}
  put(error, 'seconds', secondsAt(from, 'time', 'status.attachError'))
  put(error, 'message', textAt(from, 'message', 'status.attachError'))
  return error
}

function fillNodeClaim(status: Json, claim: Mutable<NodeClaimRecord>): void {
  put(claim, 'node', sharedAt(status, 'nodeName', 'status'))
  put(claim, 'conditions', listAt(status, 'conditions', 'status', readCondition))
}

function fillWorkload(spec: Json, status: Json, workload: Mutable<WorkloadRecord>): void {
  put(workload, 'queue', sharedAt(spec, 'queueName', 'spec'))
  const admission = objectAt(status, 'admission', 'status')
  if (admission) put(workload, 'clusterQueue', sharedAt(admission, 'clusterQueue', 'status.admission'))
  put(workload, 'conditions', listAt(status, 'conditions', 'status', readCondition))
}

function fillDeviceClaim(status: Json, claim: Mutable<DeviceClaimRecord>): void {
  const allocation = objectAt(status, 'allocation', 'status')
  claim.allocated = allocation !== undefined
  put(claim, 'reservedFor', listAt(status, 'reservedFor', 'status', readUid))
  put(claim, 'conditions', listAt(status, 'devices', 'status', readDeviceConditions)?.flat())
  if (!allocation) return
  put(claim, 'allocatedSeconds', secondsAt(allocation, 'allocationTimestamp', 'status.allocation'))
  const devices = objectAt(allocation, 'devices', 'status.allocation')
  const drivers = devices && listAt(devices, 'results', 'status.allocation.devices', readDriver)
  if (drivers) claim.drivers = [...new Set(drivers)]
}

const readUid = (from: Json, where: string): string => sharedAt(from, 'uid', where) ?? ''
const readDriver = (from: Json, where: string): string => sharedAt(from, 'driver', where) ?? ''
const readDeviceConditions = (from: Json, where: string) =>
  listAt(from, 'conditions', where, readCondition) ?? []
