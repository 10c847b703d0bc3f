// Owns the one mapping from a trace to OTLP spans, which every encoding and transport uses.
// Promises that ids and times pass through exactly, and that each boundary says where it came from and how far the truth may lie.
// Does not encode: see otlp-json.ts and readable-span.ts. Pure.

import { type DurationNano, MICROSECOND, toMilliseconds, type UnixNano } from '../base/time.ts'
import { earlyOf, type Instant, lateOf } from '../timeline/instant.ts'
import type { Attributes, AttributeValue, Span, SpanEvent, SpanLink, Trace } from '../trace/trace.ts'
import { groupByService, type ServiceNaming } from './resource.ts'

/** One span as OTLP has it, before an encoding. Its kind is INTERNAL and it is sampled, always. */
export interface OtlpSpan {
  readonly traceId: string
  readonly spanId: string
  readonly parentSpanId: string | undefined
  readonly name: string
  readonly start: UnixNano
  readonly end: UnixNano
  readonly attributes: Attributes
  /** Set: status ERROR with this message. Unset: status UNSET. */
  readonly error: string | undefined
  readonly events: readonly SpanEvent[]
  readonly links: readonly SpanLink[]
}

export interface OtlpResourceSpans {
  readonly resource: Attributes
  readonly spans: readonly OtlpSpan[]
}

/** Instrumentation scope of every span. */
export const SCOPE = { name: 'podspan', version: '0.1.0' } as const

export function toOtlpSpans(trace: Trace, naming: ServiceNaming): OtlpResourceSpans[] {
  return groupByService(trace, naming).map(({ resource, spans }) => ({
    resource,
    spans: spans.map((span) => toOtlpSpan(trace.traceId, span)),
  }))
}

function toOtlpSpan(traceId: string, span: Span): OtlpSpan {
  return {
    traceId,
    spanId: span.spanId,
    parentSpanId: span.parentSpanId,
    name: span.name,
    start: span.start.best,
    end: span.end.best,
    attributes: attributesOf(span),
    error: span.error,
    events: span.events,
    links: span.links,
  }
}

type Writable = Record<string, AttributeValue>

function attributesOf(span: Span): Attributes {
  const attributes: Writable = {
    ...span.attributes,
    'podspan.actor': span.actor,
    'podspan.start.source': span.start.source,
    'podspan.start.early_ms': upToMilliseconds(earlyOf(span.start)),
    'podspan.start.late_ms': upToMilliseconds(lateOf(span.start)),
    'podspan.end.source': span.end.source,
    'podspan.end.early_ms': upToMilliseconds(earlyOf(span.end)),
    'podspan.end.late_ms': upToMilliseconds(lateOf(span.end)),
    'podspan.critical_ms': criticalMs(span),
  }
  if (span.attempt !== undefined) attributes['podspan.attempt'] = span.attempt
  if (isMarked(span.start)) mark(attributes, 'podspan.start', span.start)
  if (isMarked(span.end)) mark(attributes, 'podspan.end', span.end)
  return attributes
}

const isMarked = (instant: Instant): boolean =>
  instant.clamped === true || instant.conflict === true || instant.shifted !== undefined

function mark(attributes: Writable, boundary: string, instant: Instant): void {
  if (instant.clamped) attributes[`${boundary}.clamped`] = true
  if (instant.conflict) attributes[`${boundary}.conflict`] = true
  if (instant.shifted !== undefined) attributes[`${boundary}.shifted_ms`] = toMilliseconds(instant.shifted)
}

/** Rounds up to a microsecond, so that [start − early, start + late] still holds the truth after it. */
function upToMilliseconds(by: DurationNano): number {
  if (by === 0n) return 0
  const whole = by / MICROSECOND
  return Number(by % MICROSECOND > 0n ? whole + 1n : whole) / 1000
}

function criticalMs(span: Span): number {
  let sum = 0n
  for (const part of span.critical) sum += part.to - part.from
  return Number(sum / MICROSECOND) / 1000
}
