// Owns the picture of the starts that are not over: the lines of a table, or one line for a log.
// Promises lines no wider than asked for, the oldest start first, and what is left out counted by what it waits for.
// Does not know the cluster; it is given what is in flight.

import { type DurationNano, since, type UnixNano } from '../base/time.ts'
import type { InFlight } from '../trace/in-flight.ts'
import type { Paint } from './glyphs.ts'
import { type Cell, type Column, drawColumns } from './table.ts'
import { formatDuration, neutralise, plural, truncate } from './text.ts'

const ROWS_MAX = 12
/** Kinds of operations that are named of those that are left out. */
const KINDS_MAX = 3

export interface TableLook {
  readonly width: number
  /** Of starts, at the most. */
  readonly rows: number
  readonly paint: Paint
}

const COLUMNS: readonly Column[] = [
  { title: 'age', align: 'right', rank: 0 },
  { title: 'pod', rank: 0, least: 18, keep: 'end' },
  { title: 'waits for', rank: 1, least: 24 },
  { title: 'since', align: 'right', rank: 2 },
  { title: 'node', rank: 3, least: 12, keep: 'end' },
]

/** The oldest first. Where there are more than fit, those of a workload that wait for the same share a line; what still does not fit is counted. */
export function drawTable(starts: readonly InFlight[], now: UnixNano, look: TableLook): string[] {
  if (starts.length === 0) return []
  const most = Math.max(1, Math.min(ROWS_MAX, Math.floor(look.rows)))
  const oldest = starts.toSorted((a, b) => (a.created < b.created ? -1 : a.created > b.created ? 1 : 0))
  const groups = oldest.length <= most ? oldest.map((start) => [start]) : groupsOf(oldest)
  const rest = groups.slice(most).flat()
  const lines = drawColumns(
    COLUMNS,
    groups.slice(0, most).map((group) => cellsOf(group, now)),
    look.width,
    look.paint,
  )
  return rest.length === 0
    ? lines
    : [...lines, look.paint('dim', truncate(`… and ${rest.length} more: ${kindsOf(rest)}`, look.width))]
}

/** In the order of their oldest. */
const groupsOf = (starts: readonly InFlight[]): InFlight[][] => [
  ...Map.groupBy(starts, ({ namespace, workload, name, waitsFor }) =>
    JSON.stringify([namespace, workload ?? name, waitsFor]),
  ).values(),
]

function cellsOf(group: readonly InFlight[], now: UnixNano): Cell[] {
  const [first] = group
  if (!first) return []
  const waits = neutralise(first.waitsFor, 300).replace(/\d+\/\d+ nodes are available: /, '')
  const nodes = new Set(group.map(({ node }) => node))
  return [
    formatDuration(positive(since(now, first.created))),
    group.length === 1
      ? neutralise(`${first.namespace}/${first.name}`, 120)
      : `${neutralise(`${first.namespace}/${first.workload ?? first.name}`, 120)} × ${group.length}`,
    // What a component had to say of it is rarely good.
    first.reason === undefined ? waits : { text: waits, style: 'yellow' },
    formatDuration(positive(since(now, first.since))),
    nodes.size === 1 ? neutralise(first.node ?? '', 63) : plural(nodes.size, 'node'),
  ]
}

/** `250 in schedule, 38 in pull image`. */
function kindsOf(starts: readonly InFlight[]): string {
  const kinds = [...Map.groupBy(starts, ({ operation }) => operation)]
    .map(([operation, each]) => ({ operation, count: each.length }))
    .toSorted((a, b) => b.count - a.count)
  const named = kinds
    .slice(0, KINDS_MAX)
    .map(({ operation, count }) => `${count} in ${neutralise(operation, 40)}`)
  const others = kinds.slice(KINDS_MAX).reduce((sum, { count }) => sum + count, 0)
  return [...named, ...(others > 0 ? [`${others} in others`] : [])].join(', ')
}

/** A pod's clock may be ahead of ours. */
const positive = (length: DurationNano): DurationNano => (length < 0n ? (0n as DurationNano) : length)

export const inFlightWords = (starts: readonly InFlight[]): string =>
  starts.length === 0 ? 'no start in flight' : `${plural(starts.length, 'start')} in flight`

/** `3 in flight; oldest 12.4 s: shop/checkout pulling …`. */
export function inFlightLine(starts: readonly InFlight[], now: UnixNano): string {
  const oldest = starts.reduce<InFlight | undefined>(
    (first, each) => (first && first.created <= each.created ? first : each),
    undefined,
  )
  if (oldest === undefined) return '0 in flight'
  const age = formatDuration(positive(since(now, oldest.created)))
  return `${starts.length} in flight; oldest ${age}: ${neutralise(`${oldest.namespace}/${oldest.name}`, 200)} ${neutralise(oldest.waitsFor, 300)}`
}
