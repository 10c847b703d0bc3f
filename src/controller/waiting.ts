// Owns how the operator waits for something that may not come: until its own end, or until a deadline.
// Promises that no timer is left behind. Does not end the work.

import type { Clock } from '../base/clock.ts'

/** Resolves with the work, or when there is no use in it any more. */
export const orAborted = (work: Promise<void>, signal: AbortSignal): Promise<void> =>
  new Promise((resolve, reject) => {
    work.then(resolve, reject)
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve(), { once: true })
  })

/** Waits for the work, but no longer than this; what is not done then goes on by itself. */
export async function withDeadline(clock: Clock, work: Promise<void>, deadlineMs: number): Promise<void> {
  const done = new AbortController()
  await Promise.race([work, clock.sleep(deadlineMs, done.signal)])
  done.abort()
}
