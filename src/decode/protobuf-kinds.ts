// Owns the decoding of Events, Nodes, Leases and owners' metadata.
// Promises the same records as the JSON decoder; both rest on test/decode's contract.
// Each case is a tag: field number × 8 + wire type. Numbers: kubernetes/api {core,coordination}/v1/generated.proto.

import {
  type EventRecord,
  KEPT_SCALER,
  type LeaseRecord,
  type NodeRecord,
  type ObjectReference,
  type OwnerRecord,
  type Taint,
} from '../base/record.ts'
import { readCondition, readMeta, requireIdentity } from './protobuf-meta.ts'
import type { Resource } from './resources.ts'
import type { Mutable } from './result.ts'
import {
  type Cursor,
  enter,
  leave,
  nextSet,
  present,
  readBool,
  readInt,
  readMicroTime,
  readSeconds,
  readShared,
  readTag,
  readText,
  skip,
} from './wire.ts'

const NOBODY: ObjectReference = { kind: '', name: '' }

export function readEvent(c: Cursor): EventRecord {
  const event: Mutable<EventRecord> = {
    resource: 'events',
    uid: '',
    name: '',
    namespace: '',
    resourceVersion: '',
    involved: NOBODY,
    reason: '',
  }
  let reportingInstance = ''
  while (c.at < c.end) {
    const tag = readTag(c)
    switch (tag) {
      case 10: // metadata = 1
        readMeta(c, event, readText)
        break
      case 18: // involvedObject = 2
        event.involved = readReference(c)
        break
      case 26: // reason = 3
        event.reason = readShared(c)
        break
      case 34: // message = 4
        if (present(c)) event.message = readShared(c)
        break
      case 42: // source = 5; reportingComponent = 14 comes later and wins
        readEventSource(c, event)
        break
      case 50: // firstTimestamp = 6
        if (present(c)) event.firstSeconds = readSeconds(c)
        break
      case 58: // lastTimestamp = 7
        if (present(c)) event.lastSeconds = readSeconds(c)
        break
      case 64: // count = 8
        if (present(c)) event.count = readInt(c)
        break
      case 74: // type = 9
        if (present(c)) event.type = readShared(c)
        break
      case 82: // eventTime = 10
        if (present(c)) event.eventTime = readMicroTime(c)
        break
      case 90: // series = 11
        readSeries(c, event)
        break
      case 98: // action = 12
        if (present(c)) event.action = readShared(c)
        break
      case 106: // related = 13
        event.related = readReference(c)
        break
      case 114: // reportingComponent = 14
        if (present(c)) event.component = readShared(c)
        break
      case 122: // reportingInstance = 15
        reportingInstance = readShared(c)
        break
      default:
        skip(c, tag)
    }
  }
  if (event.host === undefined && reportingInstance !== '') event.host = reportingInstance
  requireIdentity(event, c)
  return event
}

/** EventSource: component = 1, host = 2. */
function readEventSource(c: Cursor, event: Mutable<EventRecord>): void {
  const outer = enter(c)
  for (let tag = nextSet(c); tag !== 0; tag = nextSet(c)) {
    if (tag === 10) event.component = readShared(c)
    else if (tag === 18) event.host = readShared(c)
    else skip(c, tag)
  }
  leave(c, outer)
}

/** EventSeries: count = 1, lastObservedTime = 2. */
function readSeries(c: Cursor, event: Mutable<EventRecord>): void {
  const outer = enter(c)
  for (let tag = nextSet(c); tag !== 0; tag = nextSet(c)) {
    if (tag === 8) event.seriesCount = readInt(c)
    else if (tag === 18) event.seriesLast = readMicroTime(c)
    else skip(c, tag)
  }
  leave(c, outer)
}

function readReference(c: Cursor): ObjectReference {
  const outer = enter(c)
  const reference: Mutable<ObjectReference> = { kind: '', name: '' }
  for (let tag = nextSet(c); tag !== 0; tag = nextSet(c)) {
    if (tag === 10) reference.kind = readShared(c)
    else if (tag === 18) reference.namespace = readShared(c)
    else if (tag === 26) reference.name = readShared(c)
    else if (tag === 34) reference.uid = readShared(c)
    else if (tag === 42) reference.apiVersion = readShared(c)
    else if (tag === 58) reference.fieldPath = readShared(c)
    else skip(c, tag)
  }
  leave(c, outer)
  return reference
}

export function readNode(c: Cursor): NodeRecord {
  const node: Mutable<NodeRecord> = {
    resource: 'nodes',
    uid: '',
    name: '',
    namespace: '',
    resourceVersion: '',
  }
  while (c.at < c.end) {
    const tag = readTag(c)
    if (tag === 10) readMeta(c, node, readShared)
    else if (tag === 18) readNodeSpec(c, node)
    else if (tag === 26) readNodeStatus(c, node)
    else skip(c, tag)
  }
  requireIdentity(node, c)
  return node
}

/** NodeSpec: unschedulable = 4, taints = 5. */
function readNodeSpec(c: Cursor, node: Mutable<NodeRecord>): void {
  const outer = enter(c)
  const taints: Taint[] = []
  while (c.at < c.end) {
    const tag = readTag(c)
    if (tag === 42) taints.push(readTaint(c))
    else if (tag === 32 && readBool(c)) node.unschedulable = true
    else if (tag !== 32) skip(c, tag)
  }
  leave(c, outer)
  if (taints.length > 0) node.taints = taints
}

function readTaint(c: Cursor): Taint {
  const outer = enter(c)
  const taint: Mutable<Taint> = { key: '', effect: '' }
  for (let tag = nextSet(c); tag !== 0; tag = nextSet(c)) {
    if (tag === 10) taint.key = readShared(c)
    else if (tag === 18) taint.value = readShared(c)
    else if (tag === 26) taint.effect = readShared(c)
    else skip(c, tag)
  }
  leave(c, outer)
  return taint
}

/** NodeStatus: conditions = 4, nodeInfo = 7. */
function readNodeStatus(c: Cursor, node: Mutable<NodeRecord>): void {
  const outer = enter(c)
  const conditions = []
  while (c.at < c.end) {
    const tag = readTag(c)
    if (tag === 34) conditions.push(readCondition(c))
    else if (tag === 58) readNodeInfo(c, node)
    else skip(c, tag)
  }
  leave(c, outer)
  if (conditions.length > 0) node.conditions = conditions
}

/** NodeSystemInfo: bootID = 3, containerRuntimeVersion = 6, kubeletVersion = 7. */
function readNodeInfo(c: Cursor, node: Mutable<NodeRecord>): void {
  const outer = enter(c)
  for (let tag = nextSet(c); tag !== 0; tag = nextSet(c)) {
    if (tag === 26) node.bootID = readShared(c)
    else if (tag === 50) node.runtimeVersion = readShared(c)
    else if (tag === 58) node.kubeletVersion = readShared(c)
    else skip(c, tag)
  }
  leave(c, outer)
}

export function readLease(c: Cursor): LeaseRecord {
  const lease: Mutable<LeaseRecord> = {
    resource: 'leases',
    uid: '',
    name: '',
    namespace: '',
    resourceVersion: '',
  }
  while (c.at < c.end) {
    const tag = readTag(c)
    if (tag === 10) readMeta(c, lease, readShared)
    else if (tag === 18) readLeaseSpec(c, lease)
    else skip(c, tag)
  }
  requireIdentity(lease, c)
  return lease
}

function readLeaseSpec(c: Cursor, lease: Mutable<LeaseRecord>): void {
  const outer = enter(c)
  while (c.at < c.end) {
    const tag = readTag(c)
    switch (tag) {
      case 10: // holderIdentity = 1
        if (present(c)) lease.holder = readShared(c)
        break
      case 16: // leaseDurationSeconds = 2, of which 0 is a value
        lease.durationSeconds = readInt(c)
        break
      case 26: // acquireTime = 3
        if (present(c)) lease.acquireTime = readMicroTime(c)
        break
      case 34: // renewTime = 4
        if (present(c)) lease.renewTime = readMicroTime(c)
        break
      default:
        skip(c, tag)
    }
  }
  leave(c, outer)
}

/** PartialObjectMetadata: metadata = 1. Its own kind says nothing, so the stream's is used. */
export function readOwnerObject(c: Cursor, resource: Resource): OwnerRecord {
  const owner: Mutable<OwnerRecord> = {
    resource: 'owners',
    apiVersion: resource.apiVersion,
    kind: resource.kind,
    uid: '',
    name: '',
    namespace: '',
    resourceVersion: '',
  }
  while (c.at < c.end) {
    const tag = readTag(c)
    if (tag === 10) readMeta(c, owner, readShared, KEPT_SCALER)
    else skip(c, tag)
  }
  requireIdentity(owner, c)
  return owner
}
