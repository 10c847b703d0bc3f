// Owns what an Event says about something else than a pod: of which object, and the reasons that somebody reads.
// Promises at most two facts per event, as for a pod's events. Does not know what becomes of them: operations/ does.

import type { ObjectFrame, Source } from '../base/frame.ts'
import type { EventRecord, ObjectReference } from '../base/record.ts'
import { observeNoted } from './event.ts'
import type { Observation } from './observation.ts'

/** The stream that shows objects of a kind, for those whose events are read. */
const SOURCES: ReadonlyMap<string, Source> = new Map([
  ['PersistentVolumeClaim', 'persistentvolumeclaims'],
  ['Node', 'nodes'],
  ['NodeClaim', 'nodeclaims'],
  ['NodePool', 'nodepools'],
  // Cluster Autoscaler tells what it does to groups of nodes on its status.
  ['ConfigMap', 'configmaps'],
  ['Workload', 'workloads'],
  ['ResourceClaim', 'resourceclaims'],
  ['ReplicaSet', 'replicasets'],
  ['StatefulSet', 'statefulsets'],
  ['DaemonSet', 'daemonsets'],
  ['Job', 'jobs'],
  ['HorizontalPodAutoscaler', 'horizontalpodautoscalers'],
])

/** What is read; `SuccessfulCreate` of every pod, heartbeats and the like are not. */
const READ: ReadonlySet<string> = new Set([
  // persistentvolume-controller and external provisioners
  'WaitForFirstConsumer',
  'WaitForPodScheduled',
  'ExternalProvisioning',
  'Provisioning',
  'ProvisioningSucceeded',
  'ProvisioningFailed',
  'FailedBinding',
  'VolumeMismatch',
  // kubelet and controllers of nodes
  'Starting',
  'NodeReady',
  'NodeNotReady',
  'RegisteredNode',
  'Synced',
  // Karpenter
  'Launched',
  'Registered',
  'Initialized',
  'InsufficientCapacityError',
  'NodeClassNotReady',
  'UnregisteredTaintMissing',
  'NoCompatibleInstanceTypes',
  'DisruptionBlocked',
  // Cluster Autoscaler
  'ScaledUpGroup',
  'FailedToScaleUpGroup',
  'ScaleUpFailed',
  'ScaleUpTimedOut',
  'MaxNodesTotalReached',
  // Kueue
  'QuotaReserved',
  'Admitted',
  'Pending',
  'Evicted',
  // controllers of workloads
  'FailedCreate',
  'Suspended',
  'Resumed',
  'SuccessfulRescale',
])

/** The object that the event is of, where its events are read at all. */
export function relatedSourceOf({ kind }: ObjectReference): Source | undefined {
  return SOURCES.get(kind)
}

export function observeRelatedEvent(frame: ObjectFrame, event: EventRecord): Observation[] {
  if (!READ.has(event.reason) || frame.kind === 'deleted') return []
  return observeNoted(frame, event)
}
