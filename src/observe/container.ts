// Owns what one container's status says: runs that started and ended, and what it waits for.
// Promises that a run is numbered by the restart count it had, so that a later version finds the same run.
// Does not see events; those number runs on their own (event.ts).

import type { ObjectFrame } from '../base/frame.ts'
import type { ContainerSpec, ContainerState, ContainerStatus } from '../base/record.ts'
import type { ClockName } from '../base/stamp.ts'
import type { Observation } from './observation.ts'
import { receiptStamp, secondStamp } from './stamps.ts'

/** The facts of one container that this status shows and the previous one did not. */
export function observeContainer(
  before: ContainerStatus | undefined,
  status: ContainerStatus,
  frame: ObjectFrame,
  clock: ClockName,
  spec: ContainerSpec | undefined,
  found: Observation[],
): void {
  const { name, restartCount, state, lastState, lastIsEarlier } = status
  if (state && !sameState(before?.state, state)) observeRun(name, restartCount, state, frame, clock, found)
  if (lastState?.kind === 'terminated' && !sameState(before?.lastState, lastState)) {
    // While a container waits to be restarted, its count is still that of the run that ended; of one that the runtime lost there is no state.
    const run = state?.kind === 'waiting' && !lastIsEarlier ? restartCount : restartCount - 1
    if (run >= 0) observeRun(name, run, lastState, frame, clock, found)
  }
  // Without a probe these two flip as soon as the container runs, which says nothing more.
  if (spec?.startupProbe && status.started === true && before?.started !== true) {
    found.push(flip('startup passed', name, restartCount, frame, 'started'))
  }
  if ((spec?.readinessProbe || spec?.startupProbe) && status.ready && !before?.ready)
    found.push(flip('container ready', name, restartCount, frame, 'ready'))
  else if (spec?.readinessProbe && before?.ready && !status.ready && isSameRun(before, status))
    found.push(flip('container unready', name, restartCount, frame, 'ready'))
}

/** It runs on: its probe has failed. One that ended says so itself. */
const isSameRun = (before: ContainerStatus, { restartCount, state }: ContainerStatus): boolean =>
  state?.kind === 'running' && before.restartCount === restartCount && sameState(before.state, state)

type Flip = 'startup passed' | 'container ready' | 'container unready'

/** What is made of a container's name, made once per name: thousands of containers are called `app`. */
interface Texts {
  readonly keys: Readonly<Record<'started' | 'finished' | Flip, string>>
  readonly fields: Readonly<
    Record<'state' | 'waiting' | 'terminated' | 'finishedAt' | 'started' | 'ready', string>
  >
  readonly startedAt: Readonly<Record<'running' | 'terminated', string>>
}

const texts = new Map<string, Texts>()
const NAMES_MAX = 4096

function textsOf(name: string): Texts {
  const known = texts.get(name)
  if (known) return known
  if (texts.size >= NAMES_MAX) texts.clear()
  const status = `status.containerStatuses[${name}]`
  const state = `${status}.state`
  const made: Texts = {
    keys: {
      started: `${name}/started`,
      finished: `${name}/finished`,
      'startup passed': `${name}/startup passed`,
      'container ready': `${name}/container ready`,
      'container unready': `${name}/container unready`,
    },
    fields: {
      state,
      waiting: `${state}.waiting`,
      terminated: `${state}.terminated`,
      finishedAt: `${state}.terminated.finishedAt`,
      started: `${status}.started`,
      ready: `${status}.ready`,
    },
    startedAt: { running: `${state}.running.startedAt`, terminated: `${state}.terminated.startedAt` },
  }
  texts.set(name, made)
  return made
}

function flip(
  what: Flip,
  name: string,
  run: number,
  frame: ObjectFrame,
  field: 'started' | 'ready',
): Observation {
  const { keys, fields } = textsOf(name)
  return {
    key: keys[what],
    what,
    container: name,
    index: run,
    stamps: [receiptStamp(frame, 'status-receipt', fields[field])],
  }
}

function sameState(before: ContainerState | undefined, after: ContainerState): boolean {
  if (before?.kind !== after.kind) return false
  if (before.kind === 'waiting') return after.kind === 'waiting' && before.reason === after.reason
  if (before.kind === 'running')
    return after.kind === 'running' && before.startedSeconds === after.startedSeconds
  return (
    after.kind === 'terminated' &&
    before.finishedSeconds === after.finishedSeconds &&
    before.startedSeconds === after.startedSeconds
  )
}

function observeRun(
  name: string,
  run: number,
  state: ContainerState,
  frame: ObjectFrame,
  clock: ClockName,
  found: Observation[],
): void {
  const { keys, fields, startedAt } = textsOf(name)
  if (state.kind === 'waiting') {
    if (!state.reason || QUIET_REASONS.has(state.reason)) return
    found.push({
      key: `${name}/waiting/${state.reason}`,
      what: 'waiting',
      container: name,
      index: run,
      detail: { reason: state.reason, ...(state.message ? { message: state.message } : {}) },
      stamps: [receiptStamp(frame, 'status-receipt', fields.waiting)],
    })
    return
  }
  const started = secondStamp(frame, 'state-second', clock, startedAt[state.kind], state.startedSeconds)
  if (started.length > 0) {
    found.push({
      key: keys.started,
      what: 'started container',
      container: name,
      index: run,
      stamps: [...started, receiptStamp(frame, 'status-receipt', fields.state)],
    })
  }
  if (state.kind === 'terminated') {
    found.push({
      key: keys.finished,
      what: 'finished container',
      container: name,
      index: run,
      detail: {
        exitCode: state.exitCode,
        ...(state.reason ? { reason: state.reason } : {}),
        ...(state.message ? { message: state.message } : {}),
      },
      stamps: [
        ...secondStamp(frame, 'state-second', clock, fields.finishedAt, state.finishedSeconds),
        receiptStamp(frame, 'status-receipt', fields.terminated),
      ],
    })
  }
}

/** What every container says before its turn comes; it tells nothing. */
const QUIET_REASONS = new Set(['ContainerCreating', 'PodInitializing'])
