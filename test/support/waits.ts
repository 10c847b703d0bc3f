// Owns the records of what pods wait for in queues and for devices: Workloads, claims, refusals, pods that have to go.
// Promises objects as Kueue 0.15 and Kubernetes 1.36 write them, as far as Podspan reads them.
// Does not put them in order: pods-cluster.ts does.

import type {
  Condition,
  DeviceClaimRecord,
  EventRecord,
  OwnerReference,
  PodRecord,
  WorkloadRecord,
} from '../../src/base/record.ts'
import type { Write } from './pods-cluster.ts'
import { at, condition, eventRecord, LAG_MS, podRecord, secondsAt, UID } from './pods-records.ts'

export const OWNER = '7c1d2e3f-0a1b-4c2d-8e3f-4a5b6c7d8e9f'
export const WORKLOAD = 'aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee'

export const ownedBy = (kind: string, name = 'batch', uid = OWNER): readonly OwnerReference[] => [
  { apiVersion: 'v1', kind, name, uid, controller: true },
]

export const write = (ms: number, record: Write['record'], kind: Write['kind'] = 'modified'): Write => ({
  ...{ ms, lagMs: LAG_MS, record, kind },
})

/** A condition of a Workload, with the second in which it turned. */
export const turned = (type: string, status: string, ms: number, message = ''): Condition => ({
  ...condition(type, status, ms, type),
  message,
})

export const workload = (ms: number, more: Partial<WorkloadRecord> = {}): WorkloadRecord => ({
  ...{ resource: 'workloads', uid: WORKLOAD, name: 'job-batch-1', namespace: 'shop', resourceVersion: '1' },
  ...{ createdSeconds: secondsAt(ms), owners: ownedBy('Job'), queue: 'team' },
  ...more,
})

export const deviceClaim = (ms: number, more: Partial<DeviceClaimRecord> = {}): DeviceClaimRecord => ({
  ...{ resource: 'resourceclaims', uid: 'claim-1', name: 'web-gpu', namespace: 'shop', resourceVersion: '1' },
  ...{ createdSeconds: secondsAt(ms), allocated: false },
  ...more,
})

export const given = { allocated: true, drivers: ['gpu.example.com'], reservedFor: [UID] } as const

/** An event of an owner whose controller was refused a pod. */
export function refusal(ms: number, message: string, kind = 'ReplicaSet', name = 'batch'): EventRecord {
  return {
    ...eventRecord(ms, 'FailedCreate', { message, component: `${kind.toLowerCase()}-controller` }),
    uid: `refusal-${ms}`,
    name: `${name}.${at(ms).toString(16)}`,
    involved: { kind, name, namespace: 'shop', uid: OWNER },
  }
}

export const overQuota = (pod: string, quota = 'few'): string =>
  `Error creating: pods "${pod}" is forbidden: exceeded quota: ${quota}, requested: pods=1, used: pods=2, limited: pods=2`

/** As the events.k8s.io recorder writes it. */
export function schedulerEvent(ms: number, reason: string, message: string, pod: PodRecord): EventRecord {
  const { firstSeconds: _, lastSeconds: __, count: ___, ...bare } = eventRecord(ms, reason)
  const { uid, name, namespace } = pod
  return {
    ...bare,
    ...{ uid: `${uid}-${reason}-${ms}`, name: `${name}.${at(ms).toString(16)}`, eventTime: at(ms), message },
    ...{ component: 'default-scheduler', host: 'scheduler-1' },
    involved: { kind: 'Pod', namespace, name, uid },
  }
}

/** A pod that runs and has to go; its own start is of no interest. */
export const victim = (number: number, more: Partial<PodRecord> = {}): PodRecord =>
  podRecord({
    ...{ uid: `0b9f6f1e-8a5c-4f0e-9d4b-00000000000${number}`, name: `cheap-${number}`, nodeName: 'node-1' },
    ...{ phase: 'Running', createdSeconds: secondsAt(-5000) },
    ...more,
  })

export const marked = (ms: number): readonly Condition[] => [
  condition('DisruptionTarget', 'True', ms, 'PreemptionByScheduler'),
]
