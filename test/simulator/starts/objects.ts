// Owns what the objects of a simulated start look like: the pod in any state of its start, and the events about it.
// Promises the fields that a real API server shows for these, as the recordings have them. Does not know when anything happens.

import { formatRfc3339, type UnixNano } from '../../../src/base/time.ts'
import type { Obj } from '../encode.ts'
import type { StartIdentity } from '../template.ts'

export type At = (moment: number) => UnixNano

export interface ContainerPlan {
  readonly name: string
  readonly isInit?: true
  readonly isPulled?: true
  readonly isProbed?: true
}

/** Moments are numbers of a life; those of a node's own clock are marked by the life. */
export type ContainerState =
  | { readonly is: 'waiting' }
  | { readonly is: 'running'; readonly since: number; readonly ready: boolean }
  | { readonly is: 'ended'; readonly since: number; readonly until: number; readonly exitCode: number }

export interface PodState {
  readonly containers: readonly ContainerPlan[]
  readonly created: number
  readonly written: number
  readonly isGated: boolean
  readonly isBound: boolean
  readonly admitted?: number
  /** By type; the moment of the last transition, by whoever wrote it. */
  readonly conditions: Readonly<Record<string, readonly [status: 'True' | 'False', moment: number]>>
  readonly states: Readonly<Record<string, ContainerState>>
  readonly restarts: Readonly<Record<string, number>>
  readonly phase: string
  readonly deleted?: number
}

export const NAMESPACE = 'simulated'
const second = (at: UnixNano): string => formatRfc3339(at, 0)
const IMAGE = 'registry.example.com/shop/'

export const imageOf = (container: string): string => `${IMAGE}${container}:v1.42.0`

export function podObject(state: PodState, identity: StartIdentity, at: At): Obj {
  const { containers, created, deleted, written } = state
  const spec = (plan: ContainerPlan): Obj => ({
    name: plan.name,
    image: imageOf(plan.name),
    resources: { requests: { cpu: '100m', memory: '128Mi' } },
    ...(plan.isProbed
      ? { readinessProbe: { timeoutSeconds: 1, periodSeconds: 1, successThreshold: 1, failureThreshold: 3 } }
      : {}),
    terminationMessagePath: '/dev/termination-log',
    imagePullPolicy: 'IfNotPresent',
  })
  const inits = containers.filter(({ isInit }) => isInit)
  const owner = {
    kind: 'ReplicaSet',
    name: 'checkout-6f5d8c9b7c',
    uid: '0a1b2c3d-0000-4000-8000-0000000000aa',
  }
  return {
    kind: 'Pod',
    apiVersion: 'v1',
    metadata: {
      name: identity.name,
      generateName: 'checkout-6f5d8c9b7c-',
      namespace: NAMESPACE,
      uid: identity.uid,
      resourceVersion: identity.resourceVersion,
      generation: 1,
      creationTimestamp: second(at(created)),
      ...(deleted === undefined
        ? {}
        : { deletionTimestamp: second(at(deleted)), deletionGracePeriodSeconds: 1 }),
      labels: { app: 'checkout', 'pod-template-hash': '6f5d8c9b7c' },
      ownerReferences: [{ apiVersion: 'apps/v1', ...owner, controller: true, blockOwnerDeletion: true }],
      managedFields: [manager('kube-controller-manager', second(at(created)))].concat(
        state.admitted === undefined ? [] : [manager('kubelet', second(at(written)), 'status')],
      ),
    },
    spec: {
      volumes: [{ name: 'kube-api-access-ppk7p', projected: { defaultMode: 420 } }],
      ...(inits.length > 0 ? { initContainers: inits.map(spec) } : {}),
      containers: containers.filter(({ isInit }) => !isInit).map(spec),
      restartPolicy: 'Always',
      terminationGracePeriodSeconds: 1,
      dnsPolicy: 'ClusterFirst',
      serviceAccountName: 'default',
      ...(state.isBound ? { nodeName: identity.node } : {}),
      ...(state.isGated ? { schedulingGates: [{ name: 'example.com/gate' }] } : {}),
      schedulerName: 'default-scheduler',
      priority: 0,
      enableServiceLinks: true,
      preemptionPolicy: 'PreemptLowerPriority',
    },
    status: statusOf(state, at),
  }
}

const FIELDS = { 'f:status': { 'f:conditions': { 'k:{"type":"Ready"}': {} }, 'f:containerStatuses': {} } }

const manager = (name: string, time: string, subresource?: string): Obj => ({
  manager: name,
  operation: 'Update',
  apiVersion: 'v1',
  time,
  fieldsType: 'FieldsV1',
  fieldsV1: FIELDS,
  ...(subresource === undefined ? {} : { subresource }),
})

function statusOf(state: PodState, at: At): Obj {
  const { admitted, conditions, containers, phase } = state
  const statuses = (inits: boolean): Obj[] =>
    containers
      .filter(({ isInit = false }) => isInit === inits)
      .map((plan) => containerStatus(state, plan, at))
  const inits = admitted === undefined ? [] : statuses(true)
  return {
    phase,
    conditions: Object.entries(conditions).map(([type, [status, moment]]) => ({
      type,
      status,
      lastProbeTime: null,
      lastTransitionTime: second(at(moment)),
      ...(status === 'True' ? {} : { reason: 'ContainersNotReady' }),
    })),
    ...(admitted === undefined
      ? {}
      : { hostIP: '10.0.12.7', startTime: second(at(admitted)), containerStatuses: statuses(false) }),
    ...(inits.length > 0 ? { initContainerStatuses: inits } : {}),
    qosClass: 'Burstable',
  }
}

function containerStatus({ restarts, states }: PodState, { name }: ContainerPlan, at: At): Obj {
  const state = states[name] ?? { is: 'waiting' }
  const known = state.is !== 'waiting'
  return {
    name,
    state: stateObject(state, at),
    lastState: {},
    ready: state.is === 'running' && state.ready,
    restartCount: restarts[name] ?? 0,
    image: imageOf(name),
    imageID: known ? `${imageOf(name)}@sha256:${'ac82'.repeat(16)}` : '',
    ...(known ? { containerID: `containerd://${'51fe'.repeat(16)}` } : {}),
    started: state.is === 'running',
  }
}

function stateObject(state: ContainerState, at: At): Obj {
  if (state.is === 'waiting') return { waiting: { reason: 'ContainerCreating' } }
  const startedAt = second(at(state.since))
  if (state.is === 'running') return { running: { startedAt } }
  const finishedAt = second(at(state.until))
  const reason = state.exitCode === 0 ? 'Completed' : 'Error'
  return { terminated: { exitCode: state.exitCode, reason, startedAt, finishedAt } }
}

export interface EventPlan {
  readonly reason: string
  readonly message: string
  readonly container?: ContainerPlan
  /** By the recorder's clock. */
  readonly first: number
  readonly last: number
  readonly stored: number
  readonly count: number
}

export function eventObject(plan: EventPlan, identity: StartIdentity, at: At): Obj {
  const isScheduler = plan.reason === 'Scheduled' || plan.reason === 'FailedScheduling'
  const [component, host] = isScheduler ? ['default-scheduler', ''] : ['kubelet', identity.node]
  const [first, last] = [second(at(plan.first)), second(at(plan.last))]
  const where = plan.container?.isInit ? 'initContainers' : 'containers'
  return {
    kind: 'Event',
    apiVersion: 'v1',
    metadata: {
      name: `${identity.name}.${at(plan.first).toString(16)}`,
      namespace: NAMESPACE,
      uid: identity.eventUid,
      resourceVersion: identity.resourceVersion,
      creationTimestamp: second(at(plan.stored)),
      managedFields: [manager(isScheduler ? 'kube-scheduler' : 'kubelet', second(at(plan.stored)))],
    },
    involvedObject: {
      kind: 'Pod',
      namespace: NAMESPACE,
      name: identity.name,
      uid: identity.uid,
      apiVersion: 'v1',
      resourceVersion: identity.resourceVersion,
      ...(plan.container ? { fieldPath: `spec.${where}{${plan.container.name}}` } : {}),
    },
    reason: plan.reason,
    message: plan.message.replace('NODE', identity.node).replace('POD', identity.name),
    source: isScheduler ? {} : { component, host },
    firstTimestamp: isScheduler ? null : first,
    lastTimestamp: isScheduler ? null : last,
    ...(isScheduler ? { action: 'Binding' } : { count: plan.count }),
    type: /Fail|Back/.test(plan.reason) ? 'Warning' : 'Normal',
    eventTime: isScheduler ? formatRfc3339(at(plan.first), 6) : null,
    reportingComponent: component,
    reportingInstance: isScheduler ? 'default-scheduler-0' : host,
  }
}
