// Owns figures over several starts: quantiles, where the time went, and how long a scale has to be.
// Promises quantiles by nearest rank, and that parts of a sum add up to it. Does not draw.

import type { PathPart, StartRow } from '../row.ts'

/** Nearest rank; undefined of nothing. */
export function quantile(sorted: readonly number[], share: number): number | undefined {
  return sorted[Math.min(sorted.length, Math.max(1, Math.ceil(sorted.length * share - 1e-9))) - 1]
}

export interface Quantiles {
  readonly count: number
  readonly p50: number
  readonly p90: number
  readonly p99: number
  readonly max: number
}

export function quantilesOf(lengths: readonly number[]): Quantiles | undefined {
  if (lengths.length === 0) return undefined
  const sorted = lengths.toSorted((a, b) => a - b)
  const at = (share: number): number => quantile(sorted, share) ?? 0
  return { count: sorted.length, p50: at(0.5), p90: at(0.9), p99: at(0.99), max: at(1) }
}

/** Only what became ready or completed says how long a start takes. */
export const isGood = ({ outcome }: Pick<StartRow, 'outcome'>): boolean =>
  outcome === 'ready' || outcome === 'completed'

export const lengthsOf = (rows: readonly StartRow[]): number[] =>
  rows.filter(isGood).map(({ startupMs = 0 }) => startupMs)

export interface Share {
  readonly operation: string
  /** Of all starts together. */
  readonly ms: number
  readonly share: number
  /** In how many of them it was waited for. */
  readonly starts: number
}

/** What the ends of these waited for, the costliest first. */
export function sharesOf(paths: readonly (readonly PathPart[])[]): Share[] {
  const sums = new Map<string, { ms: number; starts: number }>()
  let whole = 0
  for (const path of paths) {
    const seen = new Set<string>()
    for (const [operation, from, to] of path) {
      const sum = sums.get(operation) ?? { ms: 0, starts: 0 }
      sums.set(operation, sum)
      sum.ms += to - from
      whole += to - from
      if (!seen.has(operation)) sum.starts += 1
      seen.add(operation)
    }
  }
  return [...sums]
    .map(([operation, { ms, starts }]) => ({ operation, ms, starts, share: whole === 0 ? 0 : ms / whole }))
    .sort((a, b) => b.ms - a.ms)
}

/** The first few, and the rest as one. */
export function fewest(shares: readonly Share[], most: number): Share[] {
  if (shares.length <= most) return [...shares]
  const rest = shares.slice(most - 1)
  const sum = (of: (share: Share) => number): number => rest.reduce((total, one) => total + of(one), 0)
  const others = { operation: OTHERS, ms: sum(({ ms }) => ms), share: sum(({ share }) => share), starts: 0 }
  return [...shares.slice(0, most - 1), others]
}

export const OTHERS = 'everything else'

/**
 * How long a scale is that many starts share: one of forty minutes must not make a hair of all the others. It is the longest, unless a
 * few lie far beyond the rest; then these are drawn broken off.
 */
export function scaleOf(lengths: readonly number[]): number {
  const sorted = lengths.toSorted((a, b) => a - b)
  const longest = sorted.at(-1) ?? 1
  const usual = quantile(sorted, 0.9) ?? longest
  return Math.max(1, longest > usual * 4 ? usual * 1.6 : longest)
}
