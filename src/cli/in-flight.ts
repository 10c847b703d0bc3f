// Owns the picture of the starts that are not over: the lines of a table, or one line for a log.
// Promises lines no wider than asked for, the oldest start first, and what is left out counted.
// Does not know the cluster; it is given what is in flight.

import { type DurationNano, since, type UnixNano } from '../base/time.ts'
import type { InFlight } from '../trace/pipeline.ts'
import type { Paint } from './glyphs.ts'
import { formatDuration, neutralise, padStart, plural, truncate } from './text.ts'

const ROWS_MAX = 12

/** The longest waiting first; what does not fit is counted. */
export function drawTable(
  starts: readonly InFlight[],
  now: UnixNano,
  width: number,
  rowsMax: number,
  paint: Paint,
): string[] {
  const rows = Math.max(1, Math.min(ROWS_MAX, rowsMax))
  const oldest = starts.toSorted((a, b) => (a.created < b.created ? -1 : a.created > b.created ? 1 : 0))
  const title = paint(
    'bold',
    starts.length === 0 ? 'no start in flight' : `${plural(starts.length, 'start')} in flight`,
  )
  const lines = oldest.slice(0, rows).map((start) => truncate(rowOf(start, now), width))
  const rest = starts.length - lines.length
  return [title, ...lines, ...(rest > 0 ? [paint('dim', `… and ${rest} more`)] : [])]
}

function rowOf({ namespace, name, created, since: from, waitsFor }: InFlight, now: UnixNano): string {
  const age = padStart(formatDuration(positive(since(now, created))), 10)
  return `${age}  ${neutralise(`${namespace}/${name}`, 120)}  ${neutralise(waitsFor, 300)} (${formatDuration(positive(since(now, from)))})`
}

/** A pod's clock may be ahead of ours. */
const positive = (length: DurationNano): DurationNano => (length < 0n ? (0n as DurationNano) : length)

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
