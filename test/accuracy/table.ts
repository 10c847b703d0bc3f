// Owns the summing up of comparisons: one row per boundary, the limits that each row has to keep, the worst cases in full.
// Promises nearest-rank percentiles, so that a P99 is an error that occurred. Does not run anything.

import { formatRfc3339, toMilliseconds } from '../../src/base/time.ts'
import { widthOf } from '../../src/timeline/instant.ts'
import type { Comparison } from './compare.ts'

/** Milliseconds; what is absent is not limited. */
export interface Limit {
  readonly boundary: string
  readonly errorP50?: number
  readonly errorP99?: number
  readonly widthP50?: number
}

const EVENT = { errorP99: 2, widthP50: 2 }
const STORED = { errorP50: 5, errorP99: 75, widthP50: 50 }

/** In the order of a start; what has no limit has a row of its own all the same. */
export const LIMITS: readonly Limit[] = [
  { boundary: 'pod created', ...STORED },
  { boundary: 'pod ungated' },
  { boundary: 'pod bound', ...STORED },
  { boundary: 'volume asked for', ...STORED },
  { boundary: 'claim bound', ...STORED },
  { boundary: 'attachment created', ...STORED },
  { boundary: 'volume attached', ...STORED },
  { boundary: 'sandbox ended', errorP50: 20 },
  { boundary: 'sandbox failed' },
  { boundary: 'transfer began', errorP99: 10, widthP50: 5 },
  { boundary: 'pull ended', errorP99: 5, widthP50: 5 },
  { boundary: 'pull ended: busy runtime', errorP99: 20 },
  { boundary: 'pull failed' },
  { boundary: 'container created', ...EVENT },
  { boundary: 'container created: event dropped' },
  { boundary: 'container created: later attempts' },
  { boundary: 'container started', ...EVENT },
  { boundary: 'container started: event dropped' },
  { boundary: 'container started: later attempts' },
  { boundary: 'container started: failed' },
  { boundary: 'pod ready', ...STORED },
]

/** Where Podspan is shown the native spans, what they tell is exact; of volumes, ungating and merged events they tell nothing that is joined. */
const NATIVE = { errorP99: 1 }
export const NATIVE_LIMITS: readonly Limit[] = [
  { boundary: 'pod created', ...NATIVE },
  { boundary: 'pod bound', ...NATIVE },
  { boundary: 'sandbox ended', ...NATIVE, widthP50: 1 },
  { boundary: 'sandbox failed', ...NATIVE },
  { boundary: 'transfer began', ...NATIVE, widthP50: 1 },
  { boundary: 'pull ended', ...NATIVE, widthP50: 1 },
  { boundary: 'pull failed', ...NATIVE },
  { boundary: 'container created', ...NATIVE, widthP50: 1 },
  { boundary: 'container created: event dropped', ...NATIVE },
  { boundary: 'container created: later attempts', ...NATIVE },
  { boundary: 'container started', ...NATIVE, widthP50: 1 },
  { boundary: 'container started: event dropped', ...NATIVE },
  { boundary: 'container started: later attempts', ...NATIVE },
  { boundary: 'container started: failed', ...NATIVE },
  { boundary: 'pod ready', ...NATIVE },
]

export const INSIDE_MIN = 0.995
export const EXPLAINED_MEDIAN_MIN = 0.95

export interface Row {
  readonly boundary: string
  readonly count: number
  readonly errorP50: number
  readonly errorP90: number
  readonly errorP99: number
  readonly errorMax: number
  readonly widthP50: number
  readonly widthP90: number
  readonly inside: number
  readonly conflicts: number
}

export function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? Number.NaN
}

const milliseconds = (nanoseconds: bigint): number => Number(nanoseconds) / 1e6
export const errorOf = ({ error }: Comparison): number => Math.abs(milliseconds(error))

export function rowsOf(comparisons: readonly Comparison[]): Row[] {
  const known = LIMITS.map(({ boundary }) => boundary)
  const others = [...new Set(comparisons.map(({ boundary }) => boundary))].filter(
    (name) => !known.includes(name),
  )
  const rows = [...known, ...others].map((name) =>
    rowOf(
      name,
      comparisons.filter((one) => one.boundary === name),
    ),
  )
  return rows.filter(({ count }) => count > 0)
}

export function rowOf(boundary: string, mine: readonly Comparison[]): Row {
  const errors = mine.map(errorOf)
  const widths = mine.map(({ instant }) => toMilliseconds(widthOf(instant)))
  return {
    boundary,
    count: mine.length,
    errorP50: quantile(errors, 0.5),
    errorP90: quantile(errors, 0.9),
    errorP99: quantile(errors, 0.99),
    errorMax: quantile(errors, 1),
    widthP50: quantile(widths, 0.5),
    widthP90: quantile(widths, 0.9),
    inside: mine.filter(({ inside }) => inside).length / mine.length,
    conflicts: mine.filter(({ instant }) => instant.conflict).length,
  }
}

/** What a row misses of its limits, each times the margin. */
export function missedBy(row: Row, margin: number, limits = LIMITS): string[] {
  const limit = limits.find(({ boundary }) => boundary === row.boundary)
  const of = (what: 'errorP50' | 'errorP99' | 'widthP50'): string[] => {
    const most = limit?.[what]
    if (most === undefined || row[what] <= most * margin) return []
    return [`${row.boundary}: ${what} is ${row[what].toFixed(2)} ms, at most ${most} ms`]
  }
  return [...of('errorP50'), ...of('errorP99'), ...of('widthP50')]
}

const HEAD =
  '| boundary | n | error P50 | P90 | P99 | max | interval P50 | P90 | truth inside | conflicts |\n' +
  '|---|---|---|---|---|---|---|---|---|---|'

export function formatRows(rows: readonly Row[]): string {
  const cell = (value: number): string => (value >= 100 ? value.toFixed(0) : value.toFixed(2))
  const line = (row: Row): string =>
    [
      row.boundary,
      row.count,
      ...[row.errorP50, row.errorP90, row.errorP99, row.errorMax, row.widthP50, row.widthP90].map(cell),
      `${(row.inside * 100).toFixed(1)} %`,
      row.conflicts,
    ].join(' | ')
  return [HEAD, ...rows.map((row) => `| ${line(row)} |`)].join('\n')
}

/** Truth outside the interval first, then the largest errors; each with all that is needed to see why. */
export function worstOf(comparisons: readonly Comparison[], count: number): string {
  const order = (one: Comparison): number => (one.inside ? 0 : 1e9) + errorOf(one)
  const worst = [...comparisons].sort((a, b) => order(b) - order(a)).slice(0, count)
  return worst.map(describe).join('\n')
}

function describe(one: Comparison): string {
  const { instant, truth } = one
  const relative = (moment: bigint): string => `${milliseconds(moment - instant.best).toFixed(3)}`
  const marks = [instant.conflict && 'conflict', instant.clamped && 'clamped'].filter(Boolean).join(' ')
  const head = `${one.inside ? 'inside ' : 'OUTSIDE'} ${one.boundary} of ${one.pod} (${one.scenario}), ${one.span}`
  const where = `  best ${formatRfc3339(instant.best)} by ${instant.source} ${marks}, interval [${relative(instant.earliest)}, ${relative(instant.latest)}] ms, truth [${relative(truth.from)}, ${relative(truth.to)}] ms`
  const stamps = instant.stamps.map(
    (stamp) =>
      `    ${stamp.source} by ${stamp.clock} ${relative(stamp.at)} ms ±${toMilliseconds(stamp.resolution)} from ${stamp.evidence.object} ${stamp.evidence.field} = ${stamp.evidence.raw}`,
  )
  return [head, where, ...stamps].join('\n')
}
