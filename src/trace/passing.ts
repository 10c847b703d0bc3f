// Owns the times by which starts are told: they stand still while this process reads nothing, or while no watch shows pods.
// Promises that no evidence counts as absent, and no start as timed out, before what came meanwhile has been read.
// Does not measure: how long nothing was read comes in with the frames (kube/unread.ts).

import { type Frame, isLive, type ObjectFrame } from '../base/frame.ts'
import { add, earliest, latest, minus, type UnixNano } from '../base/time.ts'

/** None of them goes back. */
export interface Passed {
  /** The latest frame's. */
  readonly now: UnixNano
  /** What came by then has been read: evidence settles by this time. */
  readonly read: UnixNano
  /** And pods had a watch by then: starts time out by this time. */
  readonly watched: UnixNano
}

type Passing = { -readonly [Name in keyof Passed]: Passed[Name] }

export const nothingPassed = (): Passing => {
  const never = 0n as UnixNano
  return { now: never, read: never, watched: never }
}

/** Lists, gaps and what others send say nothing of what waits in the watches. */
export function pass(passing: Passing, frame: Frame): void {
  passing.now = latest(passing.now, frame.t)
  if (frame.kind === 'tick') {
    passing.read = latest(passing.read, before(frame.t, frame.heldUp))
    const watched = earliest(passing.read, before(frame.t, frame.unwatched))
    passing.watched = latest(passing.watched, watched)
  } else if (isLive(frame)) passing.read = latest(passing.read, before(frame.t, frame.heldUp))
}

const before = (t: UnixNano, by: ObjectFrame['heldUp']): UnixNano =>
  by === undefined ? t : add(t, minus(by))
