// Owns one wake-up call: the next moment at which there is something to do.
// Promises that `ring` is called at or soon after the earliest moment that was set; it may be called once too often.
// Does not know what for: who is woken looks for itself.

import type { Clock } from '../base/clock.ts'

export interface Alarm {
  /** By the monotonic clock. */
  set(dueMs: number): void
  cancel(): void
}

export function createAlarm(clock: Clock, ring: () => void): Alarm {
  let pending: { readonly dueMs: number; readonly abort: AbortController } | undefined
  const cancel = (): void => {
    pending?.abort.abort()
    pending = undefined
  }
  const wait = async (dueMs: number, signal: AbortSignal): Promise<void> => {
    // A timer may fire a fraction early; rounding up saves a second round.
    await clock.sleep(Math.max(0, Math.ceil(dueMs - clock.monotonicMs())), signal)
    if (signal.aborted) return
    pending = undefined
    ring()
  }
  return {
    set: (dueMs) => {
      if (pending && pending.dueMs <= dueMs) return
      cancel()
      pending = { dueMs, abort: new AbortController() }
      void wait(dueMs, pending.abort.signal)
    },
    cancel,
  }
}
