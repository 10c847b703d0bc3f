// Owns the quantiles of lengths of time over the pods of one revision.
// Promises values that occurred, by nearest rank, and their count beside them. Does not judge differences: rank-sum.ts does.

import type { DurationNano } from '../base/time.ts'

export interface Quantiles {
  readonly count: number
  readonly p50: DurationNano
  readonly p90: DurationNano
  readonly p99: DurationNano
  readonly max: DurationNano
}

/** Undefined for none. */
export function quantilesOf(lengths: readonly DurationNano[]): Quantiles | undefined {
  const sorted = lengths.toSorted((a, b) => (a < b ? -1 : a > b ? 1 : 0))
  const max = sorted.at(-1)
  if (max === undefined) return undefined
  const at = (percentile: number): DurationNano => sorted[nearestRank(percentile, sorted.length) - 1] ?? max
  return { count: sorted.length, p50: at(50), p90: at(90), p99: at(99), max }
}

const nearestRank = (percentile: number, count: number): number =>
  Math.min(count, Math.max(1, Math.ceil((percentile * count) / 100 - 1e-9)))
