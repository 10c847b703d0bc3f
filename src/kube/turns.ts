// Owns the knowledge of how long this process was held up: by its own work, by a machine that is short of processors, by a limit on them.
// Promises a bound on how long bytes may have lain in a socket before a turn of the event loop read them.
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

/** One timer until the signal. Reads come before timers in a turn that begins late, so that they see the last turn's. */
export function watchTurns(clock: Clock, signal: AbortSignal): Turns {
  let lastMs = clock.monotonicMs()
  const turn = async (): Promise<void> => {
    while (!signal.aborted) {
      await clock.sleep(TURN_MS, signal)
      lastMs = clock.monotonicMs()
    }
  }
  void turn()
  return {
    heldUp: () => {
      const heldUpMs = clock.monotonicMs() - lastMs - TURN_MS
      return heldUpMs > USUAL_MS ? milliseconds(heldUpMs + TURN_MS) : undefined
    },
  }
}
