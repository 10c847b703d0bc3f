// Owns Podspan's own JSON form of a trace, `start/v1`, as docs/output.md describes it.
// Promises that fields are only added within v1, that times are RFC 3339 with nine digits, lengths milliseconds, and that what is
// unknown is absent. Does not know OTLP (export/otlp-json.ts).

import { type DurationNano, formatRfc3339, since, toMilliseconds } from '../base/time.ts'
import { earlyOf, type Instant, lateOf, type Stamp } from '../timeline/instant.ts'
import type { OtlpValue } from '../base/native.ts'
import type { JoinedSpan, Span, Trace } from './trace.ts'

export function formatTrace(trace: Trace): string {
  const { startup, spans, created, before, native, ...facts } = trace
  return JSON.stringify({
    podspan: 'start/v1',
    ...facts,
    created: formatRfc3339(created),
    startupMs: toMilliseconds(startup),
    spans: spans.map(spanJson),
    native: native?.map(nativeJson),
    before: before?.map((one) => ({ ...one, spans: one.spans.map(spanJson) })),
  })
}

const spanJson = (span: Span) => ({
  ...span,
  start: instantJson(span.start),
  end: instantJson(span.end),
  durationMs: toMilliseconds(since(span.end.best, span.start.best)),
  events: span.events.map(({ at, name, attributes }) => ({ time: formatRfc3339(at), name, attributes })),
  critical: span.critical.map(({ from, to }) => ({ from: formatRfc3339(from), to: formatRfc3339(to) })),
})

const nativeJson = ({ attributes, parentSpanId, span }: JoinedSpan) => {
  const { attributes: own = [], status } = span.body.describe()
  return {
    service: span.origin.service,
    name: span.name,
    spanId: span.spanId,
    parentSpanId,
    start: formatRfc3339(span.start),
    end: formatRfc3339(span.end),
    durationMs: toMilliseconds(since(span.end, span.start)),
    error: span.failed ? (status?.message ?? '') : undefined,
    attributes: {
      ...Object.fromEntries(own.map(({ key = '', value = {} }) => [key, plainOf(value)])),
      ...attributes,
    },
  }
}

/** What JSON has no form of its own for is left as OTLP/JSON writes it. */
const plainOf = (value: OtlpValue): unknown =>
  value.stringValue ?? value.boolValue ?? value.intValue ?? value.doubleValue ?? value

const instantJson = (instant: Instant) => ({
  time: formatRfc3339(instant.best),
  earlyMs: toMilliseconds(earlyOf(instant)),
  lateMs: toMilliseconds(lateOf(instant)),
  source: instant.source,
  conflict: instant.conflict,
  clamped: instant.clamped,
  shiftedMs: millisecondsOf(instant.shifted),
  evidence: instant.stamps.map(stampJson),
})

const stampJson = ({ source, at, clock, resolution, evidence }: Stamp) => ({
  source,
  time: formatRfc3339(at),
  clock,
  resolutionMs: toMilliseconds(resolution),
  ...evidence,
})

const millisecondsOf = (by: DurationNano | undefined) => (by === undefined ? undefined : toMilliseconds(by))
