// Owns the model of one pod's start: 8 versions of the pod and 10 events, in the order in which a cluster shows them.
// Promises what a real start promises: the status goes Pending, bound, admitted, sandbox, running, Ready; an event's name ends in
// the hex of its own nanosecond. Does not encode and does not send.

import type { Obj } from '../test/simulator/encode.ts'
import { formatRfc3339, milliseconds, type UnixNano, add } from '../src/base/time.ts'
import type { StartIdentity } from '../test/simulator/template.ts'
import { IMAGES, podObject } from './pod-object.ts'

export type { StartIdentity } from '../test/simulator/template.ts'

export interface Step {
  readonly stream: 'pods' | 'events'
  readonly type: 'ADDED' | 'MODIFIED'
  /** When it happens after the pod's creation, where a bench plays starts in their own time. */
  readonly offsetMs: number
  object(identity: StartIdentity, at: (step: number) => UnixNano): Obj
}

type Container = 'app' | 'proxy'
type At = (step: number) => UnixNano

const second = (at: UnixNano): string => formatRfc3339(at, 0)

/** Which step of `STEPS` each moment of a status belongs to. */
const MOMENT = { created: 0, bound: 1, admitted: 3, sandbox: 4, app: 8, proxy: 12, ready: 17 } as const

const condition = (type: string, on: boolean, time: string): Obj => ({
  type,
  status: on ? 'True' : 'False',
  lastProbeTime: null,
  lastTransitionTime: time,
  ...(on ? {} : { reason: 'ContainersNotReady', message: 'containers with unready status: [app proxy]' }),
})

type Stage = 'waiting' | 'running' | 'started' | 'ready'

function containerStatus(name: Container, stage: Stage, startedAt: string): Obj {
  const running = stage !== 'waiting'
  const digest = (name === 'app' ? 'ac82' : '51fe').repeat(16)
  return {
    name,
    state: running ? { running: { startedAt } } : { waiting: { reason: 'ContainerCreating' } },
    lastState: {},
    ready: stage === 'ready',
    restartCount: 0,
    image: IMAGES[name],
    imageID: running ? `${IMAGES[name]}@sha256:${digest}` : '',
    ...(running ? { containerID: `containerd://${digest}` } : {}),
    started: stage === 'started' || stage === 'ready',
    allocatedResources: { cpu: '500m', memory: '512Mi' },
  }
}

type Progress = 'created' | 'bound' | 'admitted' | 'sandbox' | 'ready'
const PROGRESS: readonly Progress[] = ['created', 'bound', 'admitted', 'sandbox', 'ready']

function podStatus(at: At, progress: Progress, app: Stage, proxy: Stage): Obj {
  const reached = (wanted: Progress): boolean => PROGRESS.indexOf(progress) >= PROGRESS.indexOf(wanted)
  if (!reached('bound')) return { phase: 'Pending', qosClass: 'Burstable' }
  const moment = (name: keyof typeof MOMENT): string => second(at(MOMENT[name]))
  const scheduled = condition('PodScheduled', true, moment('bound'))
  if (!reached('admitted')) return { phase: 'Pending', conditions: [scheduled], qosClass: 'Burstable' }
  const ready = moment(reached('ready') ? 'ready' : 'admitted')
  return {
    phase: app === 'waiting' ? 'Pending' : 'Running',
    conditions: [
      condition(
        'PodReadyToStartContainers',
        reached('sandbox'),
        moment(reached('sandbox') ? 'sandbox' : 'admitted'),
      ),
      condition('Initialized', true, moment('admitted')),
      condition('Ready', reached('ready'), ready),
      condition('ContainersReady', reached('ready'), ready),
      scheduled,
    ],
    hostIP: '10.0.12.7',
    ...(reached('sandbox') ? { podIP: '10.244.3.17' } : {}),
    startTime: moment('admitted'),
    containerStatuses: [
      containerStatus('app', app, moment('app')),
      containerStatus('proxy', proxy, moment('proxy')),
    ],
    qosClass: 'Burstable',
  }
}

function pod(step: number, offsetMs: number, progress: Progress, app: Stage, proxy: Stage): Step {
  return {
    stream: 'pods',
    type: step === 0 ? 'ADDED' : 'MODIFIED',
    offsetMs,
    object: (identity, at) => ({
      ...podObject(
        identity,
        identity.resourceVersion,
        { created: second(at(MOMENT.created)), lastWrite: second(at(step)) },
        progress === 'created' ? 'unbound' : 'bound',
      ),
      status: podStatus(at, progress, app, proxy),
    }),
  }
}

function event(step: number, offsetMs: number, reason: string, message: string, container?: Container): Step {
  const scheduler = reason === 'Scheduled'
  return {
    stream: 'events',
    type: 'ADDED',
    offsetMs,
    object: (identity, at) => ({
      apiVersion: 'v1',
      kind: 'Event',
      metadata: {
        name: `${identity.name}.${at(step).toString(16)}`,
        namespace: 'shop',
        uid: identity.eventUid,
        resourceVersion: identity.resourceVersion,
        creationTimestamp: second(at(step)),
        managedFields: [eventManager(scheduler ? 'kube-scheduler' : 'kubelet', second(at(step)))],
      },
      involvedObject: {
        kind: 'Pod',
        namespace: 'shop',
        name: identity.name,
        uid: identity.uid,
        apiVersion: 'v1',
        resourceVersion: identity.resourceVersion,
        ...(container === undefined ? {} : { fieldPath: `spec.containers{${container}}` }),
      },
      reason,
      message: message.replace('NODE', identity.node),
      ...(scheduler ? { source: {} } : { source: { component: 'kubelet', host: identity.node } }),
      firstTimestamp: scheduler ? null : second(at(step)),
      lastTimestamp: scheduler ? null : second(at(step)),
      ...(scheduler ? {} : { count: 1 }),
      type: reason === 'Unhealthy' ? 'Warning' : 'Normal',
      eventTime: scheduler ? formatRfc3339(at(step), 6) : null,
      ...(scheduler ? { action: 'Binding' } : {}),
      reportingComponent: scheduler ? 'default-scheduler' : 'kubelet',
      reportingInstance: scheduler ? 'default-scheduler-master-0' : identity.node,
    }),
  }
}

const INVOLVED = ['apiVersion', 'fieldPath', 'kind', 'name', 'namespace', 'resourceVersion', 'uid']
const EVENT_FIELDS: Obj = {
  'f:count': {},
  'f:firstTimestamp': {},
  'f:involvedObject': Object.fromEntries(INVOLVED.map((name) => [`f:${name}`, {}])),
  'f:lastTimestamp': {},
  'f:message': {},
  'f:reason': {},
  'f:reportingComponent': {},
  'f:reportingInstance': {},
  'f:source': { 'f:component': {}, 'f:host': {} },
  'f:type': {},
}

const eventManager = (manager: string, time: string): Obj => ({
  manager,
  operation: 'Update',
  apiVersion: 'v1',
  time,
  fieldsType: 'FieldsV1',
  fieldsV1: EVENT_FIELDS,
})

const pulling = (image: string): string => `Pulling image "${image}"`
const pulled = (image: string, took: string): string =>
  `Successfully pulled image "${image}" in ${took}. Image size: 39096756 bytes.`

/** One start, 4.4 s long. The numbers in `MOMENT` are places in this list. */
export const STEPS: readonly Step[] = [
  pod(0, 0, 'created', 'waiting', 'waiting'),
  pod(1, 5, 'bound', 'waiting', 'waiting'),
  event(2, 8, 'Scheduled', 'Successfully assigned shop/checkout to NODE'),
  pod(3, 40, 'admitted', 'waiting', 'waiting'),
  pod(4, 600, 'sandbox', 'waiting', 'waiting'),
  event(5, 610, 'Pulling', pulling(IMAGES.app), 'app'),
  event(6, 1510, 'Pulled', pulled(IMAGES.app, '900ms (900ms including waiting)'), 'app'),
  event(7, 1540, 'Created', 'Container created', 'app'),
  event(8, 1600, 'Started', 'Container started', 'app'),
  event(9, 1605, 'Pulling', pulling(IMAGES.proxy), 'proxy'),
  event(10, 1905, 'Pulled', pulled(IMAGES.proxy, '300ms (300ms including waiting)'), 'proxy'),
  event(11, 1930, 'Created', 'Container created', 'proxy'),
  event(12, 1990, 'Started', 'Container started', 'proxy'),
  pod(13, 2000, 'sandbox', 'running', 'waiting'),
  pod(14, 2010, 'sandbox', 'running', 'running'),
  event(15, 2500, 'Unhealthy', 'Startup probe failed: connection refused', 'app'),
  pod(16, 3600, 'sandbox', 'started', 'ready'),
  pod(17, 4400, 'ready', 'ready', 'ready'),
]

export const POD_FRAMES = STEPS.filter(({ stream }) => stream === 'pods').length
export const EVENT_FRAMES = STEPS.length - POD_FRAMES

/** Stamps are made a little before the watch shows them. */
export const stampBefore = (receipt: UnixNano): UnixNano => add(receipt, milliseconds(-1.5))
