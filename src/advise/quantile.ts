// Owns the quantiles that advice speaks of, by nearest rank over every start.
// Promises that with few starts no quantile is spoken of that rests on one of them alone.
// Does not sketch: advice holds its starts anyway.

import type { DurationNano } from '../base/time.ts'

export const PERCENTILES = [50, 90, 99] as const
export type Percentile = (typeof PERCENTILES)[number]

/** Undefined of none. */
export function quantileOf(values: readonly DurationNano[], percentile: number): DurationNano | undefined {
  const sorted = values.toSorted((a, b) => (a < b ? -1 : a > b ? 1 : 0))
  return sorted[Math.max(0, Math.ceil((percentile * sorted.length) / 100 - 1e-9) - 1)]
}

/** The highest percentile above which there is at least one start: P99 of 100 and more, P90 of 10 and more, else the median. */
export const tellingPercentile = (count: number): Percentile => (count >= 100 ? 99 : count >= 10 ? 90 : 50)
