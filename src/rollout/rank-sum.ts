// Owns whether two sets of lengths differ, and by how much: Wilcoxon's rank sum, and the shift after Hodges and Lehmann with its interval.
// Promises no verdict from fewer than eight values on either side, and that order of the values changes nothing.
// Knows milliseconds only, and nothing of what they measure.

/** Below this many on either side a difference is shown, and nothing is concluded from it. */
export const ENOUGH = 8
/** A difference counts where equal sets would differ as much once in a hundred times. */
export const SIGNIFICANT = 0.01
/** Larger sets are thinned to as many evenly spaced ranks: a million differences are enough. */
const VALUES_MAX = 1000

export interface Shift {
  /** How much longer the second set is: the median of all differences between two values, one of each. */
  readonly byMs: number
  /** The true shift lies in here 99 times in a hundred. */
  readonly fromMs: number
  readonly toMs: number
  /** Two-sided. */
  readonly p: number
}

/** Undefined where there are too few. */
export function shiftBetween(before: readonly number[], after: readonly number[]): Shift | undefined {
  if (before.length < ENOUGH || after.length < ENOUGH) return undefined
  const [a, b] = [thin(before), thin(after)]
  const differences = differencesOf(a, b)
  const sd = Math.sqrt((a.length * b.length * (a.length + b.length + 1)) / 12)
  const edge = Math.max(0, Math.floor((a.length * b.length) / 2 - Z_99 * sd))
  return {
    byMs: medianOf(differences),
    fromMs: differences[edge] ?? 0,
    toMs: differences[differences.length - 1 - edge] ?? 0,
    p: pOf(a, b),
  }
}

/** Of a normal distribution, 99 % lie within so many standard deviations. */
const Z_99 = 2.5758

function thin(values: readonly number[]): Float64Array {
  const sorted = Float64Array.from(values).sort()
  if (sorted.length <= VALUES_MAX) return sorted
  const at = (rank: number): number => sorted[Math.floor(((rank + 0.5) * sorted.length) / VALUES_MAX)] ?? 0
  return Float64Array.from({ length: VALUES_MAX }, (_, rank) => at(rank))
}

function differencesOf(a: Float64Array, b: Float64Array): Float64Array {
  const all = new Float64Array(a.length * b.length)
  let next = 0
  for (const y of b) for (const x of a) all[next++] = y - x
  return all.sort()
}

export function medianOf(sorted: ArrayLike<number>): number {
  const middle = sorted.length >> 1
  const upper = sorted[middle] ?? 0
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? 0) + upper) / 2
}

/** By the normal approximation with ties, good from eight values on. */
function pOf(a: Float64Array, b: Float64Array): number {
  const all = [
    ...Array.from(a, (value) => ({ value, own: 1 })),
    ...Array.from(b, (value) => ({ value, own: 0 })),
  ]
  all.sort((x, y) => x.value - y.value)
  let [sum, ties] = [0, 0]
  for (let from = 0; from < all.length; ) {
    let to = from
    while (to < all.length && all[to]?.value === all[from]?.value) to++
    const rank = (from + to + 1) / 2
    for (let at = from; at < to; at++) sum += (all[at]?.own ?? 0) * rank
    ties += (to - from) ** 3 - (to - from)
    from = to
  }
  const [m, n] = [a.length, b.length]
  const total = m + n
  const variance = ((m * n) / 12) * (total + 1 - ties / (total * (total - 1)))
  if (variance <= 0) return 1
  const distance = Math.abs(sum - (m * (total + 1)) / 2)
  return 2 * upperTail(Math.max(0, distance - 0.5) / Math.sqrt(variance))
}

/** Of the normal distribution, to 1e-7 (Abramowitz and Stegun 26.2.17). */
function upperTail(z: number): number {
  const t = 1 / (1 + 0.2316419 * z)
  const terms = [0.31938153, -0.356563782, 1.781477937, -1.821255978, 1.330274429]
  const series = terms.reduce((sum, term, index) => sum + term * t ** (index + 1), 0)
  return (series * Math.exp((-z * z) / 2)) / Math.sqrt(2 * Math.PI)
}
