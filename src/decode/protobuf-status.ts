// Owns the decoding of a container's status and state.
// Promises that `ready`, `restartCount` and `exitCode` are always there, and `started` only where the server wrote it.
// Each case is a tag: field number × 8 + wire type. Numbers: kubernetes/api core/v1/generated.proto.

import type { ContainerState, ContainerStatus } from '../base/record.ts'
import type { Mutable } from './result.ts'
import {
  type Cursor,
  enter,
  leave,
  nextSet,
  part,
  present,
  readBool,
  readInt,
  readSeconds,
  readShared,
  readTag,
  readText,
  skip,
} from './wire.ts'

type Terminated = Mutable<Extract<ContainerState, { kind: 'terminated' }>>
type Waiting = Mutable<Extract<ContainerState, { kind: 'waiting' }>>
type Running = Mutable<Extract<ContainerState, { kind: 'running' }>>

export function readContainerStatus(c: Cursor): ContainerStatus {
  const outer = enter(c)
  const whole = c.at
  const status: Mutable<ContainerStatus> = { name: '', ready: false, restartCount: 0 }
  let state: ContainerState | undefined
  let lastState: ContainerState | undefined
  while (c.at < c.end) {
    const tag = readTag(c)
    switch (tag) {
      case 10: // name = 1
        status.name = readShared(c)
        break
      case 18: // state = 2
        state = readState(c)
        break
      case 26: // lastState = 3
        lastState = readState(c)
        break
      case 32: // ready = 4
        status.ready = readBool(c)
        break
      case 40: // restartCount = 5
        status.restartCount = readInt(c)
        break
      case 50: // image = 6
        if (present(c)) status.image = readShared(c)
        break
      case 72: // started = 9
        status.started = readBool(c)
        break
      default:
        skip(c, tag)
    }
  }
  const isEarlier = state?.kind === 'waiting' && lastState?.kind === 'terminated' && isOfOther(c, whole)
  leave(c, outer)
  if (state) status.state = state
  if (lastState) status.lastState = lastState
  if (isEarlier) status.lastIsEarlier = true
  return status
}

/** Whether the last state is of another container than the status: read again from `whole` on, since few containers are restarted. */
function isOfOther(c: Cursor, whole: number): boolean {
  const own = textIn(part(c, whole, c.end), CONTAINER_ID)
  const last = textIn(part(c, whole, c.end), LAST_CONTAINER_ID)
  return own !== '' && last !== '' && own !== last
}

/** containerID = 8; lastState = 3, its terminated = 3, of which containerID = 7. */
const CONTAINER_ID = [66]
const LAST_CONTAINER_ID = [26, 26, 58]

/** The text at the end of these tags, each within the one before; empty where there is none. */
function textIn(c: Cursor, [wanted, ...inner]: readonly number[]): string {
  while (c.at < c.end) {
    const tag = readTag(c)
    if (tag !== wanted) {
      skip(c, tag)
      continue
    }
    if (inner.length === 0) return readText(c)
    enter(c)
    return textIn(c, inner)
  }
  return ''
}

/** At most one of waiting = 1, running = 2, terminated = 3; an empty message, as for an unset lastState, is absent. */
function readState(c: Cursor): ContainerState | undefined {
  const outer = enter(c)
  let state: ContainerState | undefined
  while (c.at < c.end) {
    const tag = readTag(c)
    if (tag === 10) state = readWaiting(c)
    else if (tag === 18) state = readRunning(c)
    else if (tag === 26) state = readTerminated(c)
    else skip(c, tag)
  }
  leave(c, outer)
  return state
}

function readWaiting(c: Cursor): ContainerState {
  const outer = enter(c)
  const state: Waiting = { kind: 'waiting' }
  for (let tag = nextSet(c); tag !== 0; tag = nextSet(c)) {
    if (tag === 10) state.reason = readShared(c)
    else if (tag === 18) state.message = readText(c)
    else skip(c, tag)
  }
  leave(c, outer)
  return state
}

function readRunning(c: Cursor): ContainerState {
  const outer = enter(c)
  const state: Running = { kind: 'running' }
  for (let tag = nextSet(c); tag !== 0; tag = nextSet(c)) {
    if (tag === 10) state.startedSeconds = readSeconds(c)
    else skip(c, tag)
  }
  leave(c, outer)
  return state
}

function readTerminated(c: Cursor): ContainerState {
  const outer = enter(c)
  const state: Terminated = { kind: 'terminated', exitCode: 0 }
  for (let tag = nextSet(c); tag !== 0; tag = nextSet(c)) {
    if (tag === 8) state.exitCode = readInt(c)
    else if (tag === 16) state.signal = readInt(c)
    else if (tag === 26) state.reason = readShared(c)
    else if (tag === 34) state.message = readText(c)
    else if (tag === 42) state.startedSeconds = readSeconds(c)
    else if (tag === 50) state.finishedSeconds = readSeconds(c)
    else skip(c, tag)
  }
  leave(c, outer)
  return state
}
