// Owns the moving of a node's clock by whole seconds, in frames that are made already: nothing need be truncated anew.
// Promises that every stamp which the node's kubelet and runtime wrote is moved, and no other.
// Does not touch the observer's times; skew.ts moves clocks by any amount, in recordings.

import type { Frame } from '../../src/base/frame.ts'
import type { AnyRecord, Condition, ContainerState, ContainerStatus } from '../../src/base/record.ts'
import { add, seconds, type UnixNano, unixNano } from '../../src/base/time.ts'
import { deepFreeze } from './frames.ts'

const KUBELET_CONDITIONS = ['PodReadyToStartContainers', 'Initialized', 'ContainersReady', 'Ready']

/** The same frames, had the clocks of all nodes been ahead by so many seconds. */
export const skewFrames = (frames: readonly Frame[], by: number): readonly Frame[] =>
  frames.map((frame) =>
    'record' in frame ? deepFreeze({ ...frame, record: skewRecord(frame.record, by) }) : frame,
  )

function skewRecord(record: AnyRecord, by: number): AnyRecord {
  if (record.resource === 'leases') return { ...record, ...moved(record, ['renewTime'], by) }
  if (record.resource === 'events' && record.component === 'kubelet') {
    const name = record.name.replace(/[0-9a-f]{16}$/, (hex) =>
      move(unixNano(BigInt(`0x${hex}`)), by).toString(16),
    )
    return { ...record, ...moved(record, ['firstSeconds', 'lastSeconds'], by), name }
  }
  if (record.resource !== 'pods') return record
  const { conditions, containerStatuses, initContainerStatuses } = record
  return {
    ...record,
    ...moved(record, ['startSeconds'], by),
    ...(conditions ? { conditions: conditions.map((one) => skewCondition(one, by)) } : {}),
    ...(containerStatuses ? { containerStatuses: containerStatuses.map((one) => skewStatus(one, by)) } : {}),
    ...(initContainerStatuses
      ? { initContainerStatuses: initContainerStatuses.map((one) => skewStatus(one, by)) }
      : {}),
  }
}

const move = (moment: UnixNano, by: number): UnixNano => add(moment, seconds(by))

/** Those of these fields that are set, moved. */
function moved<T extends object, K extends keyof T>(record: T, keys: readonly K[], by: number): Partial<T> {
  const found: Partial<T> = {}
  for (const key of keys) {
    const value: unknown = record[key]
    if (typeof value === 'number') found[key] = (value + by) as T[K]
    if (typeof value === 'bigint') found[key] = move(unixNano(value), by) as T[K]
  }
  return found
}

const skewCondition = (condition: Condition, by: number): Condition =>
  KUBELET_CONDITIONS.includes(condition.type)
    ? { ...condition, ...moved(condition, ['transitionSeconds'], by) }
    : condition

const skewStatus = (status: ContainerStatus, by: number): ContainerStatus => ({
  ...status,
  ...(status.state ? { state: skewState(status.state, by) } : {}),
  ...(status.lastState ? { lastState: skewState(status.lastState, by) } : {}),
})

function skewState(state: ContainerState, by: number): ContainerState {
  if (state.kind === 'waiting') return state
  if (state.kind === 'running') return { ...state, ...moved(state, ['startedSeconds'], by) }
  return { ...state, ...moved(state, ['startedSeconds', 'finishedSeconds'], by) }
}
