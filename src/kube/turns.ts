// Owns the knowledge of how long this process was held up: by its own work, by a machine that is short of processors, by a limit on them.
// Promises a bound on how long bytes may have lain in a socket, or before it with who sends them, until a turn of the event loop read them.
// Does not see what holds up others: how late the watch is, timeline/lag.ts learns from stamps.

import type { Clock } from '../base/clock.ts'
import { type DurationNano, milliseconds } from '../base/time.ts'

export interface Turns {
  /** Asked when something is read: how long nothing may have been read before; undefined where it was the usual turn. */
  heldUp(): DurationNano | undefined
}

const TURN_MS = 20
/** Within what a receipt is bounded by anyway (timeline/claim.ts). */
const USUAL_MS = 20

/** What may wait in a socket, or with who sends it, is some megabytes: they are read in seconds, however long the standstill was. */
const CATCH_UP_MS = 30_000

/** While nothing was read, and as long again, within bounds, in which what waited meanwhile is read. */
interface Standstill {
  readonly fromMs: number
  readonly untilMs: number
}

/** One timer until the signal. In a turn that begins late, reads may come before it or after it. */
export function watchTurns(clock: Clock, signal: AbortSignal): Turns {
  let lastMs = clock.monotonicMs()
  let standstill: Standstill = { fromMs: 0, untilMs: Number.NEGATIVE_INFINITY }
  const look = (): number => {
    const nowMs = clock.monotonicMs()
    const goneMs = nowMs - lastMs
    const untilMs = nowMs + Math.min(goneMs, CATCH_UP_MS)
    if (goneMs - TURN_MS > USUAL_MS && untilMs > standstill.untilMs) standstill = { fromMs: lastMs, untilMs }
    return nowMs
  }
  const turn = async (): Promise<void> => {
    while (!signal.aborted) {
      await clock.sleep(TURN_MS, signal)
      lastMs = look()
    }
  }
  void turn()
  return {
    heldUp: () => {
      const nowMs = look()
      return nowMs <= standstill.untilMs ? milliseconds(nowMs - standstill.fromMs) : undefined
    },
  }
}
