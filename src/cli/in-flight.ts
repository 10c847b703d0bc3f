// Owns the picture of the starts that are not over: a table that is redrawn in place, or one line for a log.
// Promises that finished starts scroll above it unharmed, and at most four drawings a second.
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

/** Lines at the bottom of a terminal that are replaced; `print` puts lasting text above them. */
export interface LiveArea {
  print(text: string): Promise<void>
  draw(lines: readonly string[]): void
}

const UP_AND_CLEAR = '\u001b[1A\u001b[2K'

export function createLiveArea(write: (text: string) => Promise<void>): LiveArea {
  let shown: readonly string[] = []
  const erase = (): string => UP_AND_CLEAR.repeat(shown.length)
  const text = (lines: readonly string[]): string => lines.map((line) => `${line}\n`).join('')
  return {
    print: (lasting) => write(erase() + lasting + text(shown)),
    draw: (lines) => {
      if (lines.length === shown.length && lines.every((line, index) => line === shown[index])) return
      const erased = erase()
      shown = lines
      void write(erased + text(lines))
    },
  }
}
