// Owns the only contact with the machine's clocks and timers.
// Promises that everything else takes a Clock as a parameter, so that tests and recordings decide what time it is.
// Does not interpret time: see time.ts for units and timeline/ for whose clock said what.

import { type DurationNano, type UnixNano, unixNano } from './time.ts'

export interface Clock {
  /** The wall clock, nanoseconds since the Unix epoch; it never goes back within one process. */
  now(): UnixNano
  /** Milliseconds of a monotonic clock with an arbitrary start. */
  monotonicMs(): number
  /** Resolves after the delay, or at once when the signal aborts; never rejects. */
  sleep(delayMs: number, signal?: AbortSignal): Promise<void>
}

/** The machine's clock. Wall time is read once and advanced by the monotonic clock, re-read every 10 s so that it follows the machine's corrections. */
export function systemClock(): Clock {
  let wall = BigInt(Date.now()) * 1_000_000n
  let monotonic = process.hrtime.bigint()
  let last = 0n
  const resynchronise = (tick: bigint): void => {
    const read = BigInt(Math.round((performance.timeOrigin + performance.now()) * 1000)) * 1000n
    const drift = BigInt(Date.now()) * 1_000_000n - read
    // performance.timeOrigin is fixed at start; a stepped wall clock shows as a difference of more than Date.now()'s own millisecond.
    wall = drift > 2_000_000n || drift < -2_000_000n ? read + drift : read
    monotonic = tick
  }
  resynchronise(monotonic)
  return {
    now: () => {
      const tick = process.hrtime.bigint()
      if (tick - monotonic > 10_000_000_000n) resynchronise(tick)
      const now = wall + (tick - monotonic)
      last = now > last ? now : last
      return unixNano(last)
    },
    monotonicMs: () => performance.now(),
    sleep,
  }
}

function sleep(delayMs: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted) return resolve()
    const done = (): void => {
      clearTimeout(timer)
      signal?.removeEventListener('abort', done)
      resolve()
    }
    const timer = setTimeout(done, delayMs)
    signal?.addEventListener('abort', done, { once: true })
  })
}

/** A clock that stands still until it is told otherwise; sleeps resolve when time passes them. */
export function manualClock(start: UnixNano): Clock & { advance(by: DurationNano): void } {
  let now = start
  const waiting = new Set<{ due: UnixNano; wake: () => void }>()
  return {
    now: () => now,
    monotonicMs: () => Number(now / 1000n) / 1000,
    sleep: (delayMs, signal) =>
      new Promise((resolve) => {
        if (signal?.aborted) return resolve()
        const entry = {
          due: unixNano(now + BigInt(Math.round(delayMs * 1e6))),
          wake: () => {
            waiting.delete(entry)
            resolve()
          },
        }
        waiting.add(entry)
        signal?.addEventListener('abort', entry.wake, { once: true })
      }),
    advance: (by) => {
      now = unixNano(now + by)
      for (const entry of [...waiting]) if (entry.due <= now) entry.wake()
    },
  }
}
