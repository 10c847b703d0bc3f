// Owns the trimmed forms of the objects that Podspan reads: what is kept of a Pod, Event, Node, Lease, an owner, and what a start may
// wait for besides (volumes, new nodes, queues, devices).
// Promises that both decoders (protobuf, JSON) give equal records, that no literal environment value or argument is in one,
// and that what is absent on the wire is absent here. Does not interpret: whole-second stamps stay whole seconds (`…Seconds`).

import type { UnixNano } from './time.ts'

/** Whole seconds since the Unix epoch, as `metav1.Time` carries them (truncated, never rounded). */
export type UnixSeconds = number

export interface ObjectMeta {
  readonly uid: string
  readonly name: string
  readonly namespace: string
  readonly resourceVersion: string
  /** Of owners only: counts changes of the spec. */
  readonly generation?: number
  readonly createdSeconds?: UnixSeconds
  /** `metadata.deletionTimestamp`: when deletion was asked for **plus** the grace period. */
  readonly deletionSeconds?: UnixSeconds
  readonly deletionGraceSeconds?: number
  readonly labels?: Readonly<Record<string, string>>
  /** Only the keys of `KEPT_ANNOTATIONS`. */
  readonly annotations?: Readonly<Record<string, string>>
  readonly owners?: readonly OwnerReference[]
  /** Only those that `KEPT_MANAGER` names, of an owner `KEPT_SCALER`; recordings keep every one in their raw objects. */
  readonly managers?: readonly FieldManager[]
}

export interface OwnerReference {
  readonly apiVersion: string
  readonly kind: string
  readonly name: string
  readonly uid: string
  readonly controller?: boolean
}

/** One `managedFields` entry without its fields: which writer last changed this object, by the API server's clock. */
export interface FieldManager {
  readonly manager: string
  readonly operation: string
  readonly subresource?: string
  readonly seconds?: UnixSeconds
}

/** Which writers of an object are read, without `manager` all of that subresource; and whether its generation is. */
export interface KeptManager {
  readonly manager?: string
  readonly subresource: string
  readonly generation?: true
}

/** Of the writers only the kubelet's of a status is read: the time of its last write bounds what the status shows. */
export const KEPT_MANAGER: KeptManager = { manager: 'kubelet', subresource: 'status' }
/** Of an owner's, whoever scaled it last: an autoscaler, or a person. The API server writes no time there. */
export const KEPT_SCALER: KeptManager = { subresource: 'scale', generation: true }

/** Annotations worth keeping; every other one is dropped in the decoder. */
export const KEPT_ANNOTATIONS: ReadonlySet<string> = new Set([
  'kubernetes.io/config.source',
  'kubernetes.io/config.hash',
  'kubernetes.io/config.mirror',
  'kubernetes.io/config.seen',
  'tracing.k8s.io/traceparent',
  'trace.kubernetes.io/context',
  'podspan.dev/traceparent',
  'deployment.kubernetes.io/revision',
  'volume.kubernetes.io/selected-node',
  'volume.kubernetes.io/storage-provisioner',
  'pv.kubernetes.io/bind-completed',
  'batch.kubernetes.io/cronjob-scheduled-timestamp',
])

export interface PodRecord extends ObjectMeta {
  readonly resource: 'pods'
  readonly nodeName?: string
  readonly schedulerName?: string
  readonly hostNetwork?: boolean
  readonly restartPolicy?: string
  readonly priority?: number
  readonly activeDeadlineSeconds?: number
  readonly schedulingGates?: readonly string[]
  /** Only while it has no node: nobody asks for them later. */
  readonly tolerations?: readonly Toleration[]
  readonly readinessGates?: readonly string[]
  readonly containers: readonly ContainerSpec[]
  readonly initContainers?: readonly ContainerSpec[]
  readonly volumes?: readonly VolumeSpec[]
  /** `spec.resourceClaims`: devices that it asks for, and the ResourceClaims that it names itself. */
  readonly deviceClaims?: readonly PodClaim[]
  /** `status.resourceClaimStatuses`: the ResourceClaims that were made for it. */
  readonly madeClaims?: readonly PodClaim[]
  readonly phase?: string
  /** `status.reason`, such as `Evicted`. */
  readonly reason?: string
  readonly message?: string
  readonly startSeconds?: UnixSeconds
  readonly nominatedNodeName?: string
  readonly qosClass?: string
  readonly conditions?: readonly Condition[]
  readonly containerStatuses?: readonly ContainerStatus[]
  readonly initContainerStatuses?: readonly ContainerStatus[]
}

/** Kubernetes' own; without an operator `Equal`, without a key or an effect any. */
export interface Toleration {
  readonly key?: string
  readonly operator?: string
  readonly value?: string
  readonly effect?: string
}

export interface ContainerSpec {
  readonly name: string
  readonly image: string
  readonly imagePullPolicy?: string
  /** `Always` on an init container makes it a sidecar; on others it stands for the pod's (from 1.35, ContainerRestartRules). */
  readonly restartPolicy?: string
  readonly startupProbe?: ProbeSpec
  readonly readinessProbe?: ProbeSpec
  readonly livenessProbe?: ProbeSpec
  readonly postStart?: boolean
  /** `resources.requests` as written ("100m", "1Gi"). */
  readonly requests?: Readonly<Record<string, string>>
}

/** The numbers of a probe; those that the API server defaulted are present as it wrote them. */
export interface ProbeSpec {
  readonly initialDelaySeconds?: number
  readonly periodSeconds?: number
  readonly timeoutSeconds?: number
  readonly successThreshold?: number
  readonly failureThreshold?: number
}

export interface VolumeSpec {
  readonly name: string
  /** The field of the volume source that is set: `configMap`, `secret`, `emptyDir`, `persistentVolumeClaim`, `projected`, `image`, … */
  readonly kind: string
  /** `claimName` of a persistentVolumeClaim. */
  readonly claim?: string
  /** `reference` of an image that is mounted. */
  readonly image?: string
  readonly imagePullPolicy?: string
}

/** A pod's own name for a ResourceClaim, and that claim's. */
export interface PodClaim {
  readonly name: string
  readonly claim?: string
}

export interface Condition {
  readonly type: string
  readonly status: string
  readonly reason?: string
  readonly message?: string
  readonly transitionSeconds?: UnixSeconds
}

export interface ContainerStatus {
  readonly name: string
  readonly ready: boolean
  /** Absent where the server did not write it. */
  readonly started?: boolean
  readonly restartCount: number
  readonly image?: string
  readonly state?: ContainerState
  readonly lastState?: ContainerState
  /** The container waits, and its last state is not of the run that its restart count is of, but of one before. */
  readonly lastIsEarlier?: true
}

export type ContainerState =
  | { readonly kind: 'waiting'; readonly reason?: string; readonly message?: string }
  | { readonly kind: 'running'; readonly startedSeconds?: UnixSeconds }
  | {
      readonly kind: 'terminated'
      readonly exitCode: number
      readonly signal?: number
      readonly reason?: string
      readonly message?: string
      readonly startedSeconds?: UnixSeconds
      readonly finishedSeconds?: UnixSeconds
    }

export interface ObjectReference {
  readonly apiVersion?: string
  readonly kind: string
  readonly namespace?: string
  readonly name: string
  readonly uid?: string
  readonly fieldPath?: string
}

export interface EventRecord extends ObjectMeta {
  readonly resource: 'events'
  readonly involved: ObjectReference
  readonly related?: ObjectReference
  readonly reason: string
  readonly message?: string
  readonly type?: string
  readonly action?: string
  readonly count?: number
  readonly firstSeconds?: UnixSeconds
  readonly lastSeconds?: UnixSeconds
  /** `eventTime`, whole microseconds, by the reporter's clock; only from the events.k8s.io recorder. */
  readonly eventTime?: UnixNano
  readonly seriesCount?: number
  readonly seriesLast?: UnixNano
  /** `reportingComponent`, else `source.component`. */
  readonly component?: string
  /** `source.host`, else `reportingInstance`; for a kubelet the node's name. */
  readonly host?: string
}

export interface Taint {
  readonly key: string
  readonly value?: string
  readonly effect: string
}

export interface NodeRecord extends ObjectMeta {
  readonly resource: 'nodes'
  readonly unschedulable?: boolean
  readonly taints?: readonly Taint[]
  readonly conditions?: readonly Condition[]
  readonly kubeletVersion?: string
  readonly runtimeVersion?: string
  readonly bootID?: string
}

export interface LeaseRecord extends ObjectMeta {
  readonly resource: 'leases'
  readonly holder?: string
  readonly renewTime?: UnixNano
  readonly acquireTime?: UnixNano
  readonly durationSeconds?: number
}

/** An owner (ReplicaSet, Job, StatefulSet, …): metadata only. */
export interface OwnerRecord extends ObjectMeta {
  readonly resource: 'owners'
  readonly apiVersion: string
  readonly kind: string
}

/** A PersistentVolumeClaim. Its annotations say which node was chosen for it, who provisions, and that binding is complete. */
export interface ClaimRecord extends ObjectMeta {
  readonly resource: 'persistentvolumeclaims'
  readonly storageClass?: string
  /** The PersistentVolume that it is bound to, or is to be. */
  readonly volume?: string
  readonly phase?: string
}

/** A VolumeAttachment: one volume to one node. */
export interface AttachmentRecord extends ObjectMeta {
  readonly resource: 'volumeattachments'
  readonly attacher: string
  readonly node: string
  readonly volume?: string
  readonly attached: boolean
  /** `status.attachError`: the last try that failed. */
  readonly error?: { readonly seconds?: UnixSeconds; readonly message?: string }
}

/** A NodeClaim of Karpenter: a node that is to be. */
export interface NodeClaimRecord extends ObjectMeta {
  readonly resource: 'nodeclaims'
  /** `status.nodeName`, once the node has registered. */
  readonly node?: string
  readonly conditions?: readonly Condition[]
}

/** A Workload of Kueue: what waits for quota, on behalf of its owner. */
export interface WorkloadRecord extends ObjectMeta {
  readonly resource: 'workloads'
  readonly queue?: string
  /** `status.admission.clusterQueue`. */
  readonly clusterQueue?: string
  readonly conditions?: readonly Condition[]
}

/** A ResourceClaim: devices that a pod asked for by name (DRA). */
export interface DeviceClaimRecord extends ObjectMeta {
  readonly resource: 'resourceclaims'
  readonly allocated: boolean
  /** `status.allocation.allocationTimestamp`, where the server writes it. */
  readonly allocatedSeconds?: UnixSeconds
  readonly drivers?: readonly string[]
  /** UIDs of the pods that it is reserved for. */
  readonly reservedFor?: readonly string[]
  readonly conditions?: readonly Condition[]
}

/** What a start may wait for besides its node and its images. */
export type RelatedRecord =
  | ClaimRecord
  | AttachmentRecord
  | NodeClaimRecord
  | WorkloadRecord
  | DeviceClaimRecord

/** An object of a custom resource, or one that is read whole, as parsed JSON; the middle passes over it. */
export interface CustomRecord extends ObjectMeta {
  readonly resource: 'custom'
  readonly object: Readonly<Record<string, unknown>>
}

export type AnyRecord =
  | PodRecord
  | EventRecord
  | NodeRecord
  | LeaseRecord
  | OwnerRecord
  | RelatedRecord
  | CustomRecord
