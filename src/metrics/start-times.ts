// Owns the few moments of a start that are counted. Promises seconds. Does not count: see starts.ts and nodes.ts.

import type { UnixNano } from '../base/time.ts'
import { rootOf, type Trace } from '../trace/trace.ts'

export const toSeconds = (nanoseconds: bigint): number => Number(nanoseconds) / 1e9

/** The end of scheduling; a pod that nobody scheduled was bound when it was created. */
export function boundAt(trace: Trace): UnixNano {
  const schedule = trace.spans.findLast(({ name }) => name === 'schedule')
  return schedule ? schedule.end.best : rootOf(trace).start.best
}

export function increase(counts: Float64Array, index: number, by: number): void {
  if (by > 0) counts[index] = (counts[index] as number) + by
}
