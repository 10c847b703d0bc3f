// Owns what a span says in OTLP, one mapping for every encoding: its kind, flags and scope, and each of its attributes.
// Promises that each boundary says where it came from and how far the truth may lie, and that no attribute is named twice.
// Does not encode: see otlp-json.ts and otlp-protobuf.ts. Pure.

import { type DurationNano, durationNano, MICROSECOND, toNumber, toMilliseconds, ZERO } from '../base/time.ts'
import { earlyOf, type Instant, lateOf } from '../timeline/instant.ts'
import type { Attributes, AttributeValue, Span } from '../trace/trace.ts'

/** Instrumentation scope of every span. */
export const SCOPE = { name: 'podspan', version: '0.1.0' } as const

/** `SPAN_KIND_INTERNAL`, of every span. */
export const INTERNAL = 1
/** `STATUS_CODE_ERROR`, of a span with an error; the others have no status. */
export const ERROR = 2
/** Sampled (bit 0), and "whether the parent is remote is known" (bit 8): it is not. */
export const SPAN_FLAGS = 0x101
/** Known to be remote (bits 8 and 9); whether the linked span was sampled is not known. */
export const LINK_FLAGS = 0x300

/** The SDK's rule, so that all encodings agree: a whole number that fits is an int64, any other number a double. */
export const isInt64 = (value: number): boolean =>
  Number.isInteger(value) && value >= -(2 ** 63) && value < 2 ** 63

/** Takes attributes one by one, so that an encoding needs no object of them. */
export type PutAttribute = (key: string, value: AttributeValue) => void

export function eachAttribute(attributes: Attributes, put: PutAttribute): void {
  for (const key in attributes) {
    const value = attributes[key]
    if (value !== undefined) put(key, value)
  }
}

/** What the operation says, which is never one of the names below, and what every span says. */
export function eachSpanAttribute(span: Span, put: PutAttribute): void {
  const { start, end } = span
  eachAttribute(span.attributes, put)
  put('podspan.actor', span.actor)
  put('podspan.start.source', start.source)
  put('podspan.start.early_ms', upToMilliseconds(earlyOf(start)))
  put('podspan.start.late_ms', upToMilliseconds(lateOf(start)))
  put('podspan.end.source', end.source)
  put('podspan.end.early_ms', upToMilliseconds(earlyOf(end)))
  put('podspan.end.late_ms', upToMilliseconds(lateOf(end)))
  put('podspan.critical_ms', criticalMs(span))
  if (span.attempt !== undefined) put('podspan.attempt', span.attempt)
  if (isMarked(start)) putMarks('podspan.start', start, put)
  if (isMarked(end)) putMarks('podspan.end', end, put)
}

const isMarked = (instant: Instant): boolean =>
  instant.clamped === true || instant.conflict === true || instant.shifted !== undefined

function putMarks(boundary: string, instant: Instant, put: PutAttribute): void {
  if (instant.clamped) put(`${boundary}.clamped`, true)
  if (instant.conflict) put(`${boundary}.conflict`, true)
  if (instant.shifted !== undefined) put(`${boundary}.shifted_ms`, toMilliseconds(instant.shifted))
}

/** Rounds up to a microsecond, so that [start − early, start + late] still holds the truth after it. */
function upToMilliseconds(by: DurationNano): number {
  if (by === 0n) return 0
  // As a number where that is exact, which is cheaper; a thousandth above a whole number is not lost to rounding there.
  const nanoseconds = toNumber(by)
  if (nanoseconds > 0 && nanoseconds <= Number.MAX_SAFE_INTEGER) return Math.ceil(nanoseconds / 1000) / 1000
  const whole = by / MICROSECOND
  return Number(by % MICROSECOND > 0n ? whole + 1n : whole) / 1000
}

function criticalMs({ critical }: Span): number {
  if (critical.length === 0) return 0
  let sum = ZERO
  for (const part of critical) sum = durationNano(sum + part.to - part.from)
  return toMilliseconds(sum)
}
