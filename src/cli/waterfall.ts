// Owns the picture of one trace in a terminal or a log.
// Promises lines no wider than asked for, the same words with and without colour, and nothing from the cluster unneutralised.
// Does not choose width, colour or alphabet (terminal.ts) and does not order spans (layout.ts).

import type { Outcome, Span, SpanEvent, Trace } from '../trace/trace.ts'
import { drawAxis } from './axis.ts'
import { drawBar } from './bar.ts'
import {
  ansi,
  ASCII,
  colourOf,
  type Glyphs,
  type Paint,
  plain,
  type Style,
  toAscii,
  UNICODE,
} from './glyphs.ts'
import { fitLabel, type Layout, layout, messageOf, type Row, uncertaintyOf } from './layout.ts'
import { displayWidth } from './display-width.ts'
import { formatDuration, formatShare, neutralise, padEnd, padStart, plural, truncate, wrap } from './text.ts'

export interface Look {
  readonly width: number
  readonly colour: boolean
  readonly ascii: boolean
}

interface Drawing {
  readonly trace: Trace
  readonly layout: Layout
  readonly glyphs: Glyphs
  readonly paint: Paint
  readonly width: number
}

function drawingOf(trace: Trace, look: Look): Drawing {
  return {
    trace,
    layout: layout(trace, look.width),
    glyphs: look.ascii ? ASCII : UNICODE,
    paint: look.colour ? ansi : plain,
    width: look.width,
  }
}

/** The picture, without an end of line. */
export function drawWaterfall(trace: Trace, look: Look): string {
  const drawing = drawingOf(trace, look)
  const lines = [
    ...header(drawing),
    '',
    ...axis(drawing),
    ...drawing.layout.rows.flatMap((row) => drawRow(drawing, row)),
    '',
    ...footer(drawing),
  ]
  const text = lines.map((line) => line.trimEnd()).join('\n')
  return look.ascii ? toAscii(text) : text
}

/** Only axis and rows, for who says something else above and below them. */
export function drawSpans(
  trace: Trace,
  look: Look,
): { readonly lines: readonly string[]; readonly legend: string } {
  const drawing = drawingOf(trace, look)
  const lines = [...axis(drawing), ...drawing.layout.rows.flatMap((row) => drawRow(drawing, row))]
  return { lines: lines.map((line) => line.trimEnd()), legend: legend(drawing) }
}

const OUTCOMES: Readonly<Record<Outcome, { readonly words: string; readonly style: Style }>> = {
  ready: { words: 'ready after', style: 'green' },
  completed: { words: 'completed after', style: 'green' },
  starting: { words: 'still starting after', style: 'yellow' },
  unstable: { words: 'unstable: ready after', style: 'red' },
  failed: { words: 'failed after', style: 'red' },
  deleted: { words: 'deleted after', style: 'yellow' },
  timeout: { words: 'not ready after', style: 'red' },
}

export function outcomeWords(trace: Trace): string {
  return `${OUTCOMES[trace.outcome].words} ${formatDuration(trace.startup)}`
}

export const outcomeStyle = (outcome: Outcome): Style => OUTCOMES[outcome].style

export const podName = (trace: Pick<Trace, 'namespace' | 'name'>): string =>
  neutralise(`${trace.namespace}/${trace.name}`, 320)

function header({ trace, paint, width }: Drawing): string[] {
  const outcome = outcomeWords(trace)
  const node = trace.node === undefined ? '' : ` on ${neutralise(trace.node, 63)}`
  const name = truncate(podName(trace), width - outcome.length - 2)
  const rest = truncate(node, Math.max(0, width - displayWidth(name) - outcome.length - 2))
  const title = `${paint('bold', name)}  ${paint(OUTCOMES[trace.outcome].style, outcome)}${rest}`
  return [title, ...wrap(neutralise(trace.verdict), width, 4)]
}

function axis({ layout: { columns, scale }, glyphs, paint }: Drawing): string[] {
  const indent = ' '.repeat(4 + columns.label + columns.actor)
  return drawAxis(scale, glyphs).map((line) => indent + paint('dim', line.trimEnd()))
}

function drawRow(drawing: Drawing, row: Row): string[] {
  const {
    layout: { columns, scale },
    glyphs,
    paint,
  } = drawing
  const { span } = row
  const colour = span.error === undefined ? colourOf(span.actor) : 'red'
  const critical = row.share > 0 && row.depth > 0
  const label = fitLabel(row, columns.label)
  const bar = paint(colour, drawBar(scale, span.start, span.end, glyphs))
  const line = `${marks(drawing, row, critical)} ${critical || row.depth === 0 ? paint('bold', label) : label} `
  return [
    line + actorCell(drawing, span) + bar + shareCell(drawing, row, critical) + durationCell(drawing, row),
    ...messages(drawing, row),
  ]
}

function marks({ glyphs, paint }: Drawing, row: Row, critical: boolean): string {
  const failed = row.span.error === undefined ? ' ' : paint('red', glyphs.failed)
  return (critical ? paint('bold', glyphs.critical) : ' ') + failed
}

function actorCell({ layout: { columns }, paint }: Drawing, span: Span): string {
  if (columns.actor === 0) return ''
  const known = span.actor === 'podspan' ? '' : truncate(neutralise(span.actor, 40), columns.actor - 2)
  return paint(colourOf(span.actor), padEnd(known, columns.actor))
}

function shareCell({ layout: { columns } }: Drawing, row: Row, critical: boolean): string {
  return padStart(critical && columns.share > 0 ? formatShare(row.share) : '', columns.share)
}

/** `~` where the boundaries together are off by more than a tenth of the length. */
function durationCell({ layout: { columns }, glyphs, trace }: Drawing, row: Row): string {
  const running = trace.outcome === 'starting' && row.depth === 0 ? '>' : ''
  const circa = uncertaintyOf(row.span) * 10n > row.duration && row.duration >= 0n ? glyphs.circa : ''
  return padStart(running + circa + formatDuration(row.duration), columns.duration)
}

/** Below a failed span its message, below any span what happened in it several times. */
function messages({ glyphs, paint, width }: Drawing, row: Row): string[] {
  const indent = ' '.repeat(3 + Math.min(2 * row.depth, 8))
  const space = width - indent.length - 2
  const error =
    row.span.error === undefined || row.depth === 0
      ? []
      : wrap(neutralise(row.span.error), space, MESSAGE_LINES)
  // The lines after an event's first are indented: the next event begins at the left.
  const events = groupEvents(row.events).flatMap((text) => hanging(text, space))
  return [
    ...error.map((text, index) => paint('red', `${indent}${index === 0 ? glyphs.failed : ' '} ${text}`)),
    ...events.map((text) => paint('dim', `${indent}  ${text}`)),
  ]
}

const MESSAGE_LINES = 3

function hanging(text: string, width: number): string[] {
  if (displayWidth(text) <= width) return [text]
  const [first = '', ...more] = wrap(text, width - 2, MESSAGE_LINES)
  return [first, ...more.map((line) => `  ${line}`)]
}

const KINDS_OF_EVENTS = 3

function groupEvents(events: readonly SpanEvent[]): string[] {
  const texts = events.map((event) => {
    const message = messageOf(event)
    return neutralise(message === '' ? event.name : `${event.name}: ${message}`, 400)
  })
  const counts = Map.groupBy(texts, (text) => text)
  const lines = [...counts].map(([text, each]) => (each.length > 1 ? `${each.length} × ${text}` : text))
  return lines.length > KINDS_OF_EVENTS
    ? [
        ...lines.slice(0, KINDS_OF_EVENTS - 1),
        `… and ${lines.length - KINDS_OF_EVENTS + 1} more kinds of events`,
      ]
    : lines
}

function footer(drawing: Drawing): string[] {
  const {
    trace,
    layout: { hidden },
    paint,
    width,
  } = drawing
  const evidence = trace.evidenceComplete ? 'evidence complete' : 'evidence incomplete'
  const facts = `explained ${formatShare(trace.explainedRatio)}, ${evidence}; trace ${trace.traceId}`
  const left =
    hidden === 0 ? [] : [`${plural(hidden, 'shorter span')} not shown; --output json has them all.`]
  return [...left, legend(drawing), nativeSpans(trace), facts]
    .filter((line) => line !== '')
    .flatMap((line) => wrap(line, width, 3))
    .map((line) => paint('dim', line))
}

/** They are in the trace, and would be hundreds of rows here. */
function nativeSpans({ native = [] }: Trace): string {
  const services = new Set(native.map(({ span }) => span.origin.service))
  const names = [...services].map((service) => neutralise(service)).sort()
  if (names.length === 0) return ''
  return `${plural(native.length, 'span')} of ${names.join(', ')} in this trace; --output json has them.`
}

/** Only what this picture shows is explained. */
function legend({ layout: { rows, columns, scale }, glyphs }: Drawing): string {
  const words: string[] = []
  if (rows.some((row) => row.depth > 0 && row.share > 0)) {
    words.push(`${glyphs.critical} on the critical path${columns.share > 0 ? ', with its share' : ''}`)
  }
  const cell = Number(scale.to - scale.from) / scale.cells
  const wide = rows.some(({ span }) => Number(uncertaintyOf(span)) > cell)
  if (wide) words.push(`${glyphs.likely}${glyphs.possible} the boundary may lie anywhere in here`)
  if (rows.some((row) => uncertaintyOf(row.span) * 10n > row.duration))
    words.push(`${glyphs.circa} within more than a tenth`)
  return words.join('; ')
}
