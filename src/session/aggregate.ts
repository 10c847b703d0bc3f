// Owns the sums of a session over time: of all its pods, or of those that finished within its window.
// Promises that a window covers the last `window` and at most a sixth more, and keeps seven stretches at the most.
// A start belongs to the stretch in which it ended, so that the order in which starts are told changes nothing.

import type { DurationNano, UnixNano } from '../base/time.ts'
import { emptySums, mergeSums, type Sums } from './sums.ts'

const STRETCHES = 6n

export interface Aggregate {
  readonly window: DurationNano | undefined
  /** By number of the stretch; 0 where there is no window. */
  readonly stretches: Map<bigint, Sums>
}

export const emptyAggregate = (window: DurationNano | undefined): Aggregate => ({
  window,
  stretches: new Map(),
})

const numberOf = ({ window }: Aggregate, at: UnixNano): bigint =>
  window === undefined ? 0n : at / lengthOf(window)

const lengthOf = (window: DurationNano): bigint => (window / STRETCHES > 0n ? window / STRETCHES : 1n)

/** The sums that a start belongs to that ended then; undefined where the window has passed it by. */
export function sumsAt(aggregate: Aggregate, ended: UnixNano, now: UnixNano): Sums | undefined {
  const number = numberOf(aggregate, ended)
  if (aggregate.window !== undefined && number < numberOf(aggregate, now) - STRETCHES) return undefined
  let sums = aggregate.stretches.get(number)
  if (!sums) aggregate.stretches.set(number, (sums = emptySums()))
  return sums
}

export function currentSums(aggregate: Aggregate, now: UnixNano): Sums {
  if (aggregate.window !== undefined) {
    const oldest = numberOf(aggregate, now) - STRETCHES
    for (const number of aggregate.stretches.keys()) if (number < oldest) aggregate.stretches.delete(number)
  }
  return aggregate.stretches.size === 0 ? emptySums() : mergeSums([...aggregate.stretches.values()])
}
