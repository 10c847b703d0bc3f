// Owns what a tick has to say besides the time: for how long this process may have read nothing, and for how long no watch showed pods.
// Promises that what is not known to be read is not called read. Does not tell what waits, or how much of it.

import type { Clock } from '../base/clock.ts'
import type { TickFrame } from '../base/frame.ts'
import { type DurationNano, milliseconds } from '../base/time.ts'
import type { StreamCounters } from './counters.ts'
import type { Turns } from './turns.ts'

export type Unread = Pick<TickFrame, 'heldUp' | 'unwatched'>

/** `pods`: of their stream, if there is one. To be asked about once a second: a watch is away since it was last seen to be there. */
export function watchUnread(
  clock: Clock,
  turns: Turns,
  pods: Pick<StreamCounters, 'state'> | undefined,
): () => Unread {
  let watchedMs = clock.monotonicMs()
  return () => {
    const nowMs = clock.monotonicMs()
    if (pods === undefined || !AWAY.has(pods.state)) watchedMs = nowMs
    return unreadOf(turns.heldUp(), nowMs > watchedMs ? milliseconds(nowMs - watchedMs) : undefined)
  }
}

/** A watch that is refused may stay so: nothing is waited for there. */
const AWAY: ReadonlySet<StreamCounters['state']> = new Set(['starting', 'listing', 'waiting'])

/** Of several streams of pods together: what one of them has not read is not read. */
export const mostUnread = (all: readonly Unread[]): Unread =>
  unreadOf(longest(all.map(({ heldUp }) => heldUp)), longest(all.map(({ unwatched }) => unwatched)))

const unreadOf = (heldUp: DurationNano | undefined, unwatched: DurationNano | undefined): Unread => ({
  ...(heldUp !== undefined && { heldUp }),
  ...(unwatched !== undefined && { unwatched }),
})

const longest = (times: readonly (DurationNano | undefined)[]): DurationNano | undefined =>
  times.reduce((a, b) => (a === undefined || (b !== undefined && b > a) ? b : a), undefined)
