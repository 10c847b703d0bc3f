// Owns stories of pods told by hand: what each writer wrote, when, as the frames in which a watch would show it.
// Promises what a kubelet's recorder promises: an event's name carries its moment, an equal one is a patch that counts up, and whole
// seconds are truncated. Does not know what the frames should give.

import type { Frame } from '../../src/base/frame.ts'
import type { AnyRecord, ContainerStatus, EventRecord, PodRecord } from '../../src/base/record.ts'
import type { UnixNano } from '../../src/base/time.ts'
import { shown, type Write } from './pods-cluster.ts'
import {
  at,
  condition,
  containerStatus,
  eventRecord,
  LAG_MS,
  onContainer,
  podRecord,
  secondsAt,
  type State,
} from './pods-records.ts'

export * from './pods-records.ts'

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
  /** What was written, for a cluster of several stories. */
  writes(): readonly Write[]
}

/** Begins a story of one pod; the steps may be told in any order of time. */
export function story(more: Partial<PodRecord> = {}, lagMs = LAG_MS): Story {
  let pod = podRecord(more)
  const own: Write[] = []
  const frames: Frame[] = []
  const events = new Map<string, EventRecord>()
  const push = (ms: number, record: AnyRecord, kind: Write['kind']): void => {
    own.push({ ms, lagMs, record, kind })
  }
  const { uid, name: podName } = pod
  const ours = (record: EventRecord, moment: UnixNano): EventRecord => ({
    ...record,
    uid: `${uid}-${record.uid}`,
    name: `${podName}.${moment.toString(16)}`,
    involved: { ...record.involved, name: podName, uid },
  })
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
      const more = { message, ...(container ? onContainer(container, where) : {}) }
      const fresh = ours(eventRecord(ms, reason, more), at(ms))
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
    frames: (untilMs) => shown(own, frames, untilMs),
    writes: () => own,
  }
  return self
}
