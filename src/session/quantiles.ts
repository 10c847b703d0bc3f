// Owns the distribution of one length of time over pods, in milliseconds.
// Promises the value of nearest rank: exact up to 256 values, and within 1 % of it from there on (DDSketch with relative accuracy 0.01).
// Knows finite values only; what never ended is counted by objective.ts.

import { DDSketch } from '@datadog/sketches-js'

export const EXACT_MAX = 256
export const RELATIVE_ACCURACY = 0.01

export interface Quantiles {
  /** Until there are too many for it. */
  values: number[] | undefined
  sketch: DDSketch | undefined
  count: number
  max: number
}

export const emptyQuantiles = (): Quantiles => ({ values: [], sketch: undefined, count: 0, max: 0 })

export function addValue(quantiles: Quantiles, value: number): void {
  quantiles.count += 1
  if (value > quantiles.max) quantiles.max = value
  if (quantiles.values && quantiles.values.length < EXACT_MAX) quantiles.values.push(value)
  else sketchOf(quantiles).accept(value)
}

/** The sketch, with all values so far in it. */
function sketchOf(quantiles: Quantiles): DDSketch {
  if (quantiles.sketch) return quantiles.sketch
  const sketch = new DDSketch({ relativeAccuracy: RELATIVE_ACCURACY })
  for (const value of quantiles.values ?? []) sketch.accept(value)
  quantiles.values = undefined
  quantiles.sketch = sketch
  return sketch
}

export function mergeQuantiles(all: readonly Quantiles[]): Quantiles {
  const [only] = all
  if (only && all.length === 1) return only
  const merged = emptyQuantiles()
  for (const { values, sketch, count, max } of all) {
    if (values) for (const value of values) addValue(merged, value)
    if (!sketch) continue
    sketchOf(merged).merge(sketch)
    merged.count += count
    if (max > merged.max) merged.max = max
  }
  return merged
}

/** How many of `count` values must be at or below the value at this percentile. 99.9 % of 1,000 are 999, whatever a double makes of it. */
export const nearestRank = (percentile: number, count: number): number =>
  Math.min(count, Math.max(1, Math.ceil((percentile * count) / 100 - 1e-9)))

export const valueAt = (quantiles: Quantiles, percentile: number): number | undefined =>
  quantiles.count === 0 ? undefined : valueAtRank(quantiles, nearestRank(percentile, quantiles.count))

/** The value of this rank, from 1; undefined beyond the last. */
export function valueAtRank({ values, sketch, count, max }: Quantiles, rank: number): number | undefined {
  if (rank > count || rank < 1) return undefined
  if (values) return values.toSorted((a, b) => a - b)[rank - 1]
  if (!sketch || rank === count) return max
  // The sketch counts ranks from 0 and takes the first bin whose running count exceeds q · (count − 1): half a rank more keeps rounding out.
  return Math.min(max, sketch.getValueAtQuantile((rank - 0.5) / (count - 1)))
}
