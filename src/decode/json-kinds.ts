// Owns the decoding of Events, Nodes, Leases and owners' metadata from JSON.
// Promises the same records as protobuf-kinds.ts; events of events.k8s.io/v1, as other tools record them, become the same record.
// Does not read what base/record.ts does not name.

import {
  type CustomRecord,
  type EventRecord,
  KEPT_SCALER,
  type LeaseRecord,
  type NodeRecord,
  type ObjectReference,
  type OwnerRecord,
  type Taint,
} from '../base/record.ts'
import {
  booleanAt,
  type Json,
  listAt,
  microAt,
  numberAt,
  objectAt,
  put,
  putCount,
  secondsAt,
  sharedAt,
  textAt,
} from './json-fields.ts'
import { fillMeta, readCondition } from './json-meta.ts'
import type { Resource } from './resources.ts'
import type { Mutable } from './result.ts'

export function eventOf(object: Json): EventRecord {
  const core = object['regarding'] === undefined
  const event: Mutable<EventRecord> = {
    resource: 'events',
    uid: '',
    name: '',
    namespace: '',
    resourceVersion: '',
    involved: referenceAt(object, core ? 'involvedObject' : 'regarding') ?? { kind: '', name: '' },
    reason: sharedAt(object, 'reason', '') ?? '',
  }
  fillMeta(object, event)
  const source = objectAt(object, core ? 'source' : 'deprecatedSource', '') ?? {}
  const component = sharedAt(object, core ? 'reportingComponent' : 'reportingController', '')
  put(event, 'message', textAt(object, core ? 'message' : 'note', ''))
  put(event, 'component', component ?? sharedAt(source, 'component', 'source'))
  put(event, 'host', sharedAt(source, 'host', 'source') ?? sharedAt(object, 'reportingInstance', ''))
  put(event, 'firstSeconds', secondsAt(object, core ? 'firstTimestamp' : 'deprecatedFirstTimestamp', ''))
  put(event, 'lastSeconds', secondsAt(object, core ? 'lastTimestamp' : 'deprecatedLastTimestamp', ''))
  putCount(event, 'count', numberAt(object, core ? 'count' : 'deprecatedCount', ''))
  put(event, 'type', sharedAt(object, 'type', ''))
  put(event, 'action', sharedAt(object, 'action', ''))
  put(event, 'related', referenceAt(object, 'related'))
  put(event, 'eventTime', microAt(object, 'eventTime', ''))
  const series = objectAt(object, 'series', '')
  if (series) {
    putCount(event, 'seriesCount', numberAt(series, 'count', 'series'))
    put(event, 'seriesLast', microAt(series, 'lastObservedTime', 'series'))
  }
  return event
}

function referenceAt(object: Json, key: string): ObjectReference | undefined {
  const from = objectAt(object, key, '')
  if (!from) return undefined
  const reference: Mutable<ObjectReference> = {
    kind: sharedAt(from, 'kind', key) ?? '',
    name: sharedAt(from, 'name', key) ?? '',
  }
  put(reference, 'namespace', sharedAt(from, 'namespace', key))
  put(reference, 'uid', sharedAt(from, 'uid', key))
  put(reference, 'apiVersion', sharedAt(from, 'apiVersion', key))
  put(reference, 'fieldPath', sharedAt(from, 'fieldPath', key))
  return reference
}

export function nodeOf(object: Json): NodeRecord {
  const node: Mutable<NodeRecord> = {
    resource: 'nodes',
    uid: '',
    name: '',
    namespace: '',
    resourceVersion: '',
  }
  fillMeta(object, node)
  const spec = objectAt(object, 'spec', '')
  if (spec) {
    if (booleanAt(spec, 'unschedulable', 'spec')) node.unschedulable = true
    put(node, 'taints', listAt(spec, 'taints', 'spec', readTaint))
  }
  const status = objectAt(object, 'status', '')
  if (status) fillNodeStatus(status, node)
  return node
}

function readTaint(from: Json, where: string): Taint {
  const taint: Mutable<Taint> = {
    key: sharedAt(from, 'key', where) ?? '',
    effect: sharedAt(from, 'effect', where) ?? '',
  }
  put(taint, 'value', sharedAt(from, 'value', where))
  return taint
}

function fillNodeStatus(status: Json, node: Mutable<NodeRecord>): void {
  put(node, 'conditions', listAt(status, 'conditions', 'status', readCondition))
  const info = objectAt(status, 'nodeInfo', 'status')
  if (!info) return
  put(node, 'bootID', sharedAt(info, 'bootID', 'status.nodeInfo'))
  put(node, 'runtimeVersion', sharedAt(info, 'containerRuntimeVersion', 'status.nodeInfo'))
  put(node, 'kubeletVersion', sharedAt(info, 'kubeletVersion', 'status.nodeInfo'))
}

export function leaseOf(object: Json): LeaseRecord {
  const lease: Mutable<LeaseRecord> = {
    resource: 'leases',
    uid: '',
    name: '',
    namespace: '',
    resourceVersion: '',
  }
  fillMeta(object, lease)
  const spec = objectAt(object, 'spec', '')
  if (!spec) return lease
  put(lease, 'holder', sharedAt(spec, 'holderIdentity', 'spec'))
  put(lease, 'durationSeconds', numberAt(spec, 'leaseDurationSeconds', 'spec'))
  put(lease, 'acquireTime', microAt(spec, 'acquireTime', 'spec'))
  put(lease, 'renewTime', microAt(spec, 'renewTime', 'spec'))
  return lease
}

export function ownerOf(object: Json, resource: Resource): OwnerRecord {
  const owner: Mutable<OwnerRecord> = {
    resource: 'owners',
    apiVersion: resource.apiVersion,
    kind: resource.kind,
    uid: '',
    name: '',
    namespace: '',
    resourceVersion: '',
  }
  fillMeta(object, owner, KEPT_SCALER)
  return owner
}

/** Of fixed form only in its metadata; the rest is for whoever asked for the resource. */
export function customOf(object: Json): CustomRecord {
  const custom: Mutable<CustomRecord> = {
    resource: 'custom',
    uid: '',
    name: '',
    namespace: '',
    resourceVersion: '',
    object,
  }
  fillMeta(object, custom)
  return custom
}
