// Owns stories of pods told by hand: what each writer wrote, when, as the frames in which a watch would show it.
// Promises what a kubelet's recorder promises: an event's name carries its moment, an equal one is a patch that counts up, and whole
// seconds are truncated. Does not know what the frames should give.

import type { Frame, Phase } from '../../src/base/frame.ts'
import type { AnyRecord, Condition, ContainerStatus, EventRecord, PodRecord } from '../../src/base/record.ts'
import { type UnixNano, unixNano } from '../../src/base/time.ts'
import { deepFreeze, withTicks } from './frames.ts'

/** A full second; every time in a story is in milliseconds after it. */
export const BEGIN = 1_800_000_000_000_000_000n
export const UID = '0b9f6f1e-8a5c-4f0e-9d4b-5f6a7c8d9e0f'

export const at = (ms: number): UnixNano => unixNano(BEGIN + BigInt(Math.round(ms * 1e6)))
export const secondsAt = (ms: number): number => Math.floor((Number(BEGIN / 1_000_000n) + ms) / 1000)

/** The watch shows a thing this long after it was written. */
export const LAG_MS = 5

export const podRecord = (more: Partial<PodRecord> = {}): PodRecord => ({
  resource: 'pods',
  uid: UID,
  name: 'web',
  namespace: 'shop',
  resourceVersion: '100',
  createdSeconds: secondsAt(0),
  schedulerName: 'default-scheduler',
  restartPolicy: 'Always',
  containers: [{ name: 'app', image: 'registry/app:1' }],
  ...more,
})

export const eventRecord = (ms: number, reason: string, more: Partial<EventRecord> = {}): EventRecord => ({
  resource: 'events',
  uid: `event-${reason}-${ms}`,
  name: `web.${at(ms).toString(16)}`,
  namespace: 'shop',
  resourceVersion: '101',
  involved: { kind: 'Pod', namespace: 'shop', name: 'web', uid: UID },
  reason,
  type: 'Normal',
  count: 1,
  firstSeconds: secondsAt(ms),
  lastSeconds: secondsAt(ms),
  component: 'kubelet',
  host: 'node-1',
  ...more,
})

export const frameOf = (
  ms: number,
  record: AnyRecord,
  phase: Phase = 'live',
  kind: 'added' | 'modified' | 'deleted' = 'added',
): Extract<Frame, { kind: 'added' | 'modified' | 'deleted' }> =>
  deepFreeze({
    kind,
    t: at(ms),
    source: record.resource === 'owners' ? 'replicasets' : record.resource,
    phase,
    record,
  })

export const onContainer = (name: string, where = 'containers') => ({
  involved: { kind: 'Pod', namespace: 'shop', name: 'web', uid: UID, fieldPath: `spec.${where}{${name}}` },
})

export type State =
  | { readonly waiting: string; readonly message?: string }
  | { readonly running: number; readonly ready?: boolean; readonly started?: boolean; readonly run?: number }
  | {
      readonly exited: number
      readonly from: number
      readonly until: number
      readonly run?: number
      readonly why?: string
    }

export interface Story {
  /** The pod's object appears. */
  create(ms: number): Story
  /** Any change of the object. */
  change(ms: number, patch: Partial<PodRecord>): Story
  bind(ms: number, node?: string): Story
  /** The kubelet's first status: startTime, and all conditions False. */
  admit(ms: number): Story
  condition(ms: number, type: string, status?: 'True' | 'False', reason?: string): Story
  /** What the kubelet records; with a container's name, of that container. */
  event(ms: number, reason: string, container?: string, message?: string): Story
  /** An event of another writer. */
  other(ms: number, record: EventRecord): Story
  /** `Pulled` (present), `Created`, `Started` of one container. */
  start(ms: number, container: string, stepMs?: number): Story
  statuses(ms: number, states: Readonly<Record<string, State>>): Story
  ready(ms: number): Story
  remove(ms: number): Story
  frame(frame: Frame): Story
  frames(untilMs?: number): readonly Frame[]
}

/** Begins a story of one pod; the steps may be told in any order of time. */
export function story(more: Partial<PodRecord> = {}, lagMs = LAG_MS): Story {
  let pod = podRecord(more)
  let revision = 100
  const frames: Frame[] = []
  const events = new Map<string, EventRecord>()
  const push = (ms: number, record: AnyRecord, kind: 'added' | 'modified' | 'deleted'): void => {
    frames.push(frameOf(ms + lagMs, { ...record, resourceVersion: String(++revision) }, 'live', kind))
  }
  const self: Story = {
    create: (ms) => {
      push(ms, pod, 'added')
      return self
    },
    change: (ms, patch) => {
      pod = { ...pod, ...patch }
      push(ms, pod, 'modified')
      return self
    },
    bind: (ms, nodeName = 'node-1') => {
      self.change(ms, { nodeName, conditions: [condition('PodScheduled', 'True', ms)] })
      const eventTime = at(ms + 1)
      const name = `web.${eventTime.toString(16)}`
      const { firstSeconds: _, lastSeconds: __, count: ___, ...bare } = eventRecord(ms + 1, 'Scheduled')
      return self.other(ms + 1, {
        ...bare,
        name,
        eventTime,
        component: 'default-scheduler',
        host: 'scheduler-1',
      })
    },
    admit: (ms) => {
      const types = ['Initialized', 'Ready', 'ContainersReady', 'PodReadyToStartContainers']
      const unmet = types.map((type) => condition(type, 'False', ms))
      return self.change(ms, {
        startSeconds: secondsAt(ms),
        conditions: [...(pod.conditions ?? []), ...unmet],
      })
    },
    condition: (ms, type, status = 'True', reason) => {
      const others = (pod.conditions ?? []).filter((one) => one.type !== type)
      return self.change(ms, { conditions: [...others, condition(type, status, ms, reason)] })
    },
    event: (ms, reason, container, message = `${reason} it`) => {
      const key = `${reason}/${container}/${message}`
      const known = events.get(key)
      const where = pod.initContainers?.some(({ name }) => name === container)
        ? 'initContainers'
        : 'containers'
      const fresh = eventRecord(ms, reason, { message, ...(container ? onContainer(container, where) : {}) })
      const record = known ? { ...known, count: (known.count ?? 1) + 1, lastSeconds: secondsAt(ms) } : fresh
      events.set(key, record)
      push(ms, record, known ? 'modified' : 'added')
      return self
    },
    other: (ms, record) => {
      push(ms, record, 'added')
      return self
    },
    start: (ms, container, stepMs = 10) =>
      self
        .event(ms, 'Pulled', container, 'Container image "registry/app:1" already present on machine')
        .event(ms + stepMs, 'Created', container, 'Container created')
        .event(ms + 2 * stepMs, 'Started', container, 'Container started'),
    statuses: (ms, states) => {
      const isInit = (name: string): boolean => pod.initContainers?.some((one) => one.name === name) ?? false
      const merge = (before: readonly ContainerStatus[] = [], init: boolean): readonly ContainerStatus[] => [
        ...before.filter(({ name }) => !(name in states)),
        ...Object.entries(states)
          .filter(([name]) => isInit(name) === init)
          .map(([name, state]) =>
            containerStatus(
              name,
              state,
              before.find((one) => one.name === name),
            ),
          ),
      ]
      return self.change(ms, {
        containerStatuses: merge(pod.containerStatuses, false),
        initContainerStatuses: merge(pod.initContainerStatuses, true),
      })
    },
    ready: (ms) => {
      const kept = (pod.conditions ?? []).filter(({ type }) => type !== 'Ready' && type !== 'ContainersReady')
      const met = ['ContainersReady', 'Ready'].map((type) => condition(type, 'True', ms))
      const containerStatuses = pod.containers.map(({ name }): ContainerStatus => {
        const before = pod.containerStatuses?.find((one) => one.name === name)
        return { ...(before ?? containerStatus(name, { running: ms })), ready: true, started: true }
      })
      return self.change(ms, { phase: 'Running', conditions: [...kept, ...met], containerStatuses })
    },
    remove: (ms) => {
      push(ms, pod, 'deleted')
      return self
    },
    frame: (frame) => {
      frames.push(frame)
      return self
    },
    frames: (untilMs) => {
      const sorted = [...frames].sort((a, b) => (a.t < b.t ? -1 : a.t > b.t ? 1 : 0))
      return withTicks(
        [...leases(sorted, lagMs), ...sorted].sort(byTime),
        untilMs === undefined ? undefined : at(untilMs),
      )
    },
  }
  return self
}

const byTime = (a: Frame, b: Frame): number => (a.t < b.t ? -1 : a.t > b.t ? 1 : 0)

/** node-1 renews its Lease every 10 s, so that its clock is known to be right. */
function leases(frames: readonly Frame[], lagMs: number): Frame[] {
  const last = frames.at(-1)?.t ?? BEGIN
  const renewals: Frame[] = []
  for (let ms = -25_000; at(ms) < last; ms += 10_000) {
    const lease = {
      uid: 'lease-1',
      name: 'node-1',
      namespace: 'kube-node-lease',
      resourceVersion: String(50 + renewals.length),
    }
    renewals.push(frameOf(ms + lagMs, { resource: 'leases', ...lease, renewTime: at(ms) }))
  }
  return renewals
}

const condition = (type: string, status: string, ms: number, reason?: string): Condition => ({
  type,
  status,
  transitionSeconds: secondsAt(ms),
  ...(reason === undefined ? {} : { reason, message: `${reason}, in words` }),
})

function containerStatus(name: string, state: State, before?: ContainerStatus): ContainerStatus {
  const run = 'run' in state ? (state.run ?? 0) : (before?.restartCount ?? 0)
  const base = { name, ready: false, started: false, restartCount: run }
  if ('waiting' in state) {
    const { waiting: reason, message } = state
    const lastState = before?.state?.kind === 'terminated' ? { lastState: before.state } : {}
    return { ...base, state: { kind: 'waiting', reason, ...(message ? { message } : {}) }, ...lastState }
  }
  if ('running' in state) {
    const { running, ready = false, started = ready } = state
    const lastState = before?.state?.kind === 'terminated' ? { lastState: before.state } : {}
    return {
      ...base,
      ready,
      started,
      state: { kind: 'running', startedSeconds: secondsAt(running) },
      ...lastState,
    }
  }
  const { exited: exitCode, from, until, why } = state
  return {
    ...base,
    state: {
      kind: 'terminated',
      exitCode,
      // A container that could not be started has the epoch here.
      startedSeconds: why === 'StartError' ? 0 : secondsAt(from),
      finishedSeconds: secondsAt(until),
      ...(why ? { reason: why } : {}),
    },
  }
}
