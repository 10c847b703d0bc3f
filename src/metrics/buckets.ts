// Owns one histogram's numbers: counts by bucket, their sum, and an exemplar for each bucket.
// Promises that no number falls, and that of one bucket's exemplars a later one never gives way to an earlier.
// Does not know labels or text: see exposition.ts.

/** A trace to look at, for one bucket. */
export interface Exemplar {
  readonly traceId: string
  readonly value: number
  /** When the start ended, in seconds since the epoch. */
  readonly at: number
}

export interface Buckets {
  readonly bounds: readonly number[]
  /** One more than bounds: the last is above all of them. Not cumulative. */
  readonly counts: Float64Array
  /** Absent where nobody gives any. */
  readonly exemplars: (Exemplar | undefined)[]
  sum: number
}

/** Prometheus takes one exemplar per scrape and bucket; to replace it more often is work for nothing. */
const EXEMPLAR_EVERY_SECONDS = 10
/** Some scrapes long: Prometheus keeps what it took, and an old trace may be gone from the backend. */
const EXEMPLAR_SHOWN_SECONDS = 600

export const emptyBuckets = (bounds: readonly number[]): Buckets => ({
  bounds,
  counts: new Float64Array(bounds.length + 1),
  exemplars: [],
  sum: 0,
})

/** `at` and `traceId` where the trace was exported, so that somebody can open it. */
export function observe(buckets: Buckets, value: number, traceId?: string, at = 0): void {
  const { bounds, counts } = buckets
  let index = 0
  while (index < bounds.length && value > (bounds[index] as number)) index++
  counts[index] = (counts[index] as number) + 1
  buckets.sum += value
  if (traceId === undefined) return
  const before = buckets.exemplars[index]
  if (before && at - before.at < EXEMPLAR_EVERY_SECONDS) return
  buckets.exemplars[index] = { traceId, value, at }
}

/** Adds another histogram of the same bounds; its exemplars stay behind. */
export function addBuckets(into: Buckets, from: Buckets): void {
  addCounts(into.counts, from.counts)
  into.sum += from.sum
}

export function addCounts(into: Float64Array, from: Float64Array): void {
  for (let index = 0; index < into.length; index++) {
    into[index] = (into[index] as number) + (from[index] as number)
  }
}

/** The exemplar of a bucket, unless it has grown old. */
export function shownExemplar({ exemplars }: Buckets, index: number, now: number): Exemplar | undefined {
  const exemplar = exemplars[index]
  return exemplar && now - exemplar.at <= EXEMPLAR_SHOWN_SECONDS ? exemplar : undefined
}
