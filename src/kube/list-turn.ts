// Owns how much of lists is taken in within one turn of the event loop, by whichever watches they come.
// Promises that what others wait for, a probe, a Lease, a live watch, waits no longer than this and what one more read of each list takes.
// Does not touch sockets, nor live watches: how long those were held up is what `turns.ts` tells of them.

import type { Clock } from '../base/clock.ts'

export interface ListTurn {
  /** Before something is taken in. */
  begin(): void
  /** Whether the rest of it should wait for the next turn. */
  isOver(): boolean
}

/**
 * A socket that has more to give is read 32 times in a turn: 2 MB, some 250 pods, which take 20 ms, and ten times that before their code is
 * compiled. A list that stops more often than this is no slower for it: one more turn costs it microseconds.
 */
const TURN_MS = 10

export function createListTurn(clock: Pick<Clock, 'monotonicMs'>): ListTurn {
  let begunMs: number | undefined
  return {
    begin: () => {
      if (begunMs !== undefined) return
      begunMs = clock.monotonicMs()
      setImmediate(() => (begunMs = undefined))
    },
    isOver: () => begunMs !== undefined && clock.monotonicMs() - begunMs >= TURN_MS,
  }
}
