// Owns the single records that stories of pods are made of, and the time they are told in.
// Promises plausible objects of Kubernetes 1.36 where nothing else is asked for.
// Does not put them in order: pods.ts does.

import type { Frame, Phase } from '../../src/base/frame.ts'
import type { AnyRecord, Condition, ContainerStatus, EventRecord, PodRecord } from '../../src/base/record.ts'
import { type UnixNano, unixNano } from '../../src/base/time.ts'
import { deepFreeze } from './frames.ts'

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
      readonly message?: string
    }

export const condition = (type: string, status: string, ms: number, reason?: string): Condition => ({
  type,
  status,
  transitionSeconds: secondsAt(ms),
  ...(reason === undefined ? {} : { reason, message: `${reason}, in words` }),
})

export function containerStatus(name: string, state: State, before?: ContainerStatus): ContainerStatus {
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
  const { exited: exitCode, from, until, why, message } = state
  return {
    ...base,
    state: {
      kind: 'terminated',
      exitCode,
      // A container that could not be started has the epoch here.
      startedSeconds: why === 'StartError' ? 0 : secondsAt(from),
      finishedSeconds: secondsAt(until),
      ...(why ? { reason: why } : {}),
      ...(message ? { message } : {}),
    },
  }
}
