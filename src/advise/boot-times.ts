// Owns how long containers of one kind take to be ready in truth, from starts that each say it only within limits.
// Promises a distribution that all starts have an equal say in, and for what depends on it both ends that one start allows, whatever the
// others say. Milliseconds after the container's start.
//
// A probe that failed at one look and succeeded at the next says that the container became ready in between. Many starts, whose looks
// fall differently, say together what none says alone, as far as they are of one kind.

/** After `over`, and not after `until`. */
export interface Between {
  readonly over: number
  readonly until: number
}

export interface BootTimes {
  /** Of one bucket; the first begins at the container's start. */
  readonly width: number
  /** Share of the starts in each bucket; they sum to 1. */
  readonly shares: readonly number[]
}

export type End = 'low' | 'likely' | 'high'
export type Expected = Readonly<Record<End, number>>

const BUCKETS = 200
/**
 * First each start spreads its say evenly over what it leaves open, then as the others' lies in there. More rounds would find what is most
 * likely, which with few starts is a spike where their looks happened to fall (docs/advice.md has the comparison).
 */
const ROUNDS = 2

export function estimateBootTimes(intervals: readonly Between[]): BootTimes {
  const width = Math.max(1, ...intervals.map(({ until }) => until)) / BUCKETS
  const ranges = countRanges(intervals, width)
  let shares: readonly number[] = Array.from({ length: BUCKETS }, () => 1 / BUCKETS)
  for (let round = 0; round < ROUNDS; round++) shares = improve(shares, ranges)
  return { width, shares }
}

/** Buckets from the first to the last that an interval touches, and how many intervals do. */
interface BucketRange {
  readonly first: number
  readonly last: number
  readonly count: number
}

function countRanges(intervals: readonly Between[], width: number): BucketRange[] {
  const ranges = new Map<number, BucketRange>()
  for (const interval of intervals) {
    const { first, last } = touched(interval, width)
    const key = first * BUCKETS + last
    ranges.set(key, { first, last, count: (ranges.get(key)?.count ?? 0) + 1 })
  }
  return [...ranges.values()]
}

function touched({ over, until }: Between, width: number): { readonly first: number; readonly last: number } {
  const first = Math.min(BUCKETS - 1, Math.max(0, Math.floor(over / width)))
  return { first, last: Math.min(BUCKETS - 1, Math.max(first, Math.ceil(until / width) - 1)) }
}

/** Every start gives its one share to the buckets of its interval, as they stand to each other now. */
function improve(shares: readonly number[], ranges: readonly BucketRange[]): number[] {
  const next = shares.map(() => 0)
  let total = 0
  for (const { first, last, count } of ranges) {
    const sum = sumOf(shares, first, last)
    if (sum <= 0) continue
    total += count
    for (let index = first; index <= last; index++)
      next[index] = (next[index] ?? 0) + (count * (shares[index] ?? 0)) / sum
  }
  return total === 0 ? [...shares] : next.map((share) => share / total)
}

function sumOf(shares: readonly number[], first: number, last: number): number {
  let sum = 0
  for (let index = first; index <= last; index++) sum += shares[index] ?? 0
  return sum
}

const JUST_AFTER = 0.001

/** What to expect of a value that only falls, or stays, the later a container of this start was ready. */
export function expect(
  { width, shares }: BootTimes,
  between: Between,
  valueAt: (boot: number, end: End) => number,
): Expected {
  const { first, last } = touched(between, width)
  const sum = sumOf(shares, first, last)
  let likely = 0
  for (let index = first; index <= last; index++) {
    const middle = Math.min(between.until, Math.max(between.over + JUST_AFTER, (index + 0.5) * width))
    const share = sum > 0 ? (shares[index] ?? 0) / sum : 1 / (last - first + 1)
    likely += share * valueAt(middle, 'likely')
  }
  const low = valueAt(between.until, 'low')
  const high = valueAt(between.over + JUST_AFTER, 'high')
  return { low, likely: Math.min(high, Math.max(low, likely)), high }
}
