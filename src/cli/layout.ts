// Owns the rows of a waterfall: which spans are shown, in which order, how deep, and how the width is shared out.
// Promises that a parent stands above its children, siblings in the order of their start, and that what is left out is counted.
// Does not draw.

import { type DurationNano, durationNano, earliest, latest, since } from '../base/time.ts'
import { rootOf, type Span, type SpanEvent, type Trace } from '../trace/trace.ts'
import type { Scale } from './bar.ts'
import { displayWidth } from './display-width.ts'
import { neutralise, padEnd, truncate, truncateStart } from './text.ts'

export interface Row {
  readonly span: Span
  readonly depth: number
  /** `  pull image #2`, indented, and `nginx:1.27`; harmless. */
  readonly label: string
  readonly subject: string
  readonly duration: DurationNano
  /** Share of the root's critical path on which this span was the deepest. */
  readonly share: number
  /** What happened in it, but for what a row below it tells. */
  readonly events: readonly SpanEvent[]
}

export interface Layout {
  readonly rows: readonly Row[]
  readonly hidden: number
  readonly columns: Columns
  readonly scale: Scale
}

/** Widths in columns; 0 where a column is left out. */
export interface Columns {
  readonly label: number
  readonly actor: number
  readonly bar: number
  readonly share: number
  readonly duration: number
}

/** More rows than a screen or two are cut to those that matter. */
const ROWS_ALL = 60
const ROWS_MAX = 200
export const WIDTH_MIN = 40
const WIDTH_MAX = 240

export function layout(trace: Trace, width: number): Layout {
  const all = walk(trace)
  const rows = toldOnce(all.length > ROWS_ALL ? keepWhatMatters(all) : all)
  const columns = shareOut(Math.max(WIDTH_MIN, Math.min(WIDTH_MAX, width)), rows)
  return { rows, hidden: all.length - rows.length, columns, scale: scaleOf(trace, columns.bar) }
}

function walk(trace: Trace): Row[] {
  const root = rootOf(trace)
  const whole = Number(since(root.end.best, root.start.best))
  const children = Map.groupBy(trace.spans.slice(1), (span) => span.parentSpanId ?? root.spanId)
  const ids = new Set(trace.spans.map((span) => span.spanId))
  const rows: Row[] = []
  const visit = (span: Span, depth: number): void => {
    rows.push(rowOf(span, depth, whole))
    const below = [...(children.get(span.spanId) ?? [])]
    // A parent outside this trace: native spans may hang below somebody else's.
    if (span === root) for (const [parent, spans] of children) if (!ids.has(parent)) below.push(...spans)
    for (const child of below.sort(byStart)) visit(child, depth + 1)
  }
  visit(root, 0)
  return rows
}

/** What an operation and a part of it both hold is shown at the part. */
function toldOnce(rows: readonly Row[]): Row[] {
  return rows.map((row, index) => {
    if (row.events.length === 0) return row
    const next = rows.findIndex(({ depth }, at) => at > index && depth <= row.depth)
    const below = rows.slice(index + 1, next < 0 ? rows.length : next)
    const told = new Set(below.flatMap(({ events }) => events.map(keyOf)))
    return { ...row, events: row.events.filter((event) => !told.has(keyOf(event))) }
  })
}

/** What a component said with an event; empty where it said nothing. */
export function messageOf({ attributes }: SpanEvent): string {
  const said = attributes['podspan.reason'] ?? attributes['podspan.message']
  return typeof said === 'string' ? said : ''
}

const keyOf = (event: SpanEvent): string => `${event.at} ${event.name} ${messageOf(event)}`

function byStart(a: Span, b: Span): number {
  if (a.start.best !== b.start.best) return a.start.best < b.start.best ? -1 : 1
  return a.end.best === b.end.best ? 0 : a.end.best < b.end.best ? -1 : 1
}

function rowOf(span: Span, depth: number, whole: number): Row {
  const critical = span.critical.reduce((sum, part) => sum + Number(part.to - part.from), 0)
  return {
    span,
    depth,
    label: '  '.repeat(Math.max(0, Math.min(depth, 8) - 1)) + nameOf(span),
    subject: isSeenAnyway(span, depth) ? '' : neutralise(span.subject ?? '', 200),
    duration: since(span.end.best, span.start.best),
    share: whole === 0 ? 0 : critical / whole,
    events: span.events,
  }
}

/** The root's subject is the pod, which stands above the picture; that of a gap is its neighbours, which stand around it. */
const isSeenAnyway = (span: Span, depth: number): boolean => depth === 0 || span.name === 'unaccounted'

function nameOf(span: Span): string {
  return neutralise(span.name, 80) + (span.attempt === undefined ? '' : ` #${span.attempt}`)
}

/** Name and subject; of an image or a path that does not fit the end is kept, since they differ there. */
export function fitLabel(row: Row, width: number): string {
  const room = width - displayWidth(row.label) - 1
  if (row.subject === '' || room < 4) return padEnd(truncate(row.label, width), width)
  return padEnd(`${row.label} ${(isPath(row.subject) ? truncateStart : truncate)(row.subject, room)}`, width)
}

const isPath = (subject: string): boolean => /[/:]/.test(subject) && !subject.includes(' ')

/** Errors, the critical path and what is longer than a hundredth of the whole, with their ancestors. */
function keepWhatMatters(rows: readonly Row[]): Row[] {
  const threshold = (rows[0]?.duration ?? 0n) / 100n
  const kept = new Set<Row>()
  const ancestors: Row[] = []
  for (const row of rows) {
    ancestors.length = row.depth
    ancestors.push(row)
    if (row.span.error !== undefined || row.share > 0 || row.duration >= threshold)
      for (const each of ancestors) kept.add(each)
  }
  return rows.filter((row) => kept.has(row)).slice(0, ROWS_MAX)
}

const DURATION = 10
const SHARE = 7

function shareOut(width: number, rows: readonly Row[]): Columns {
  const share = width >= 70 ? SHARE : 0
  const actor =
    width >= 90
      ? Math.min(20, 2 + Math.max(...rows.map((row) => displayWidth(neutralise(row.span.actor, 18)))))
      : 0
  const wanted = Math.max(...rows.map((row) => displayWidth(row.label) + 1 + displayWidth(row.subject)))
  // Two marks and a blank before the label, one blank after it.
  const label = Math.min(wanted, Math.max(Math.floor(width * 0.3), 24))
  return { label, actor, share, duration: DURATION, bar: width - 4 - label - actor - share - DURATION }
}

/** From the first start to the last end: native spans may reach beyond the root. */
function scaleOf(trace: Trace, cells: number): Scale {
  const root = rootOf(trace)
  let from = root.start.best
  let to = root.end.best
  for (const span of trace.spans) {
    from = earliest(from, span.start.best)
    to = latest(to, span.end.best)
  }
  return { from, to, cells }
}

/** How far the two boundaries together may be off. */
export function uncertaintyOf(span: Span): DurationNano {
  return durationNano(
    since(span.start.latest, span.start.earliest) + since(span.end.latest, span.end.earliest),
  )
}
