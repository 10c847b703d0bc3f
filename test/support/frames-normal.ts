// Owns the normal form of traces: text in which equal traces are equal, and by which two runs are compared.
// Promises that ids, instants with all their stamps, attributes, events, links and the critical path are in it.
// Does not say whether a trace is right: frames-invariants.ts and the tests do.

import type { Instant } from '../../src/timeline/instant.ts'
import { rootOf, type Span, type Trace } from '../../src/trace/trace.ts'

/** One text per trace, ordered by pod: what two runs over the same evidence must share. */
export const normalForm = (traces: readonly Trace[]): string[] =>
  [...traces].sort((a, b) => (a.uid < b.uid ? -1 : 1)).map(traceText)

function traceText(trace: Trace): string {
  const { spans, ...facts } = trace
  return [json(facts), ...spans.map(spanText)].join('\n')
}

const spanText = ({ start, end, ...rest }: Span): string =>
  `${json(rest)} from ${instantText(start)} to ${instantText(end)}`

export function instantText(instant: Instant): string {
  const { best, earliest, latest, source, stamps, conflict, clamped, shifted } = instant
  const flags = [conflict && 'conflict', clamped && 'clamped', shifted && `shifted ${shifted}`]
  const seen = stamps.map((one) => `${one.source}@${one.at}/${one.clock}`).sort()
  return `${earliest}..${best}..${latest} ${source} ${flags.filter(Boolean).join(' ')} [${seen.join(' ')}]`
}

const json = (value: unknown): string =>
  JSON.stringify(value, (_, one: unknown) => (typeof one === 'bigint' ? one.toString() : one))

/** A span as a person would point at it: `ns/pod: start container app #2`. */
export function spanName(trace: Trace, span: Span): string {
  const container = span.attributes['k8s.container.name']
  const what = [span.name, container, span.attempt === undefined ? undefined : `#${span.attempt}`]
  return `${trace.namespace}/${trace.name}: ${what.filter(Boolean).join(' ')}`
}

/** One line per span: depth, name, container, attempt, failure; no times. */
export function shapeOf(trace: Trace): string[] {
  const depth = new Map<string, number>()
  return trace.spans.map((span) => {
    const level = span.parentSpanId === undefined ? 0 : (depth.get(span.parentSpanId) ?? 0) + 1
    depth.set(span.spanId, level)
    const container = span.attributes['k8s.container.name']
    const open = span.attributes['podspan.open'] === true && level > 0
    return [
      '  '.repeat(level) + span.name,
      container,
      span.attempt === undefined ? undefined : `#${span.attempt}`,
      open ? '…' : undefined,
      span.error === undefined || level === 0 ? undefined : '✗',
    ]
      .filter(Boolean)
      .join(' ')
  })
}

/** Milliseconds after the trace's start, for messages. */
export const sinceRoot = (trace: Trace, at: bigint): string =>
  `${(Number(at - rootOf(trace).start.best) / 1e6).toFixed(3)} ms`

export function boundaryText(trace: Trace, instant: Instant): string {
  const { best, earliest, latest, source, stamps } = instant
  const flags = [instant.conflict && 'conflict', instant.clamped && 'clamped'].filter(Boolean)
  const seen = stamps.map((one) => `${one.source} ${one.evidence.field} ${sinceRoot(trace, one.at)}`)
  const [from, at, to] = [earliest, best, latest].map((one) => sinceRoot(trace, one))
  return `${from} .. ${at} .. ${to} by ${source} ${flags.join(' ')} (${seen.join('; ')})`
}
