// Owns the OTLP/JSON form of a trace: one ExportTraceServiceRequest in one line.
// Promises what the OTLP specification says: lowerCamelCase keys, hex ids, enums as numbers, 64-bit integers as strings.
// Does not send it, and knows nothing of the SDK; a test holds it equal to the protobuf encoding.

import type { Attributes, AttributeValue, SpanEvent, SpanLink, Trace } from '../trace/trace.ts'
import { BY_ACTOR, type ServiceNaming } from './resource.ts'
import { type OtlpResourceSpans, type OtlpSpan, SCOPE, toOtlpSpans } from './spans.ts'

/** `SPAN_KIND_INTERNAL`. */
const INTERNAL = 1
/** `STATUS_CODE_ERROR`. */
const ERROR = 2
/** Sampled (bit 0), and "whether the parent is remote is known" (bit 8): it is not. */
const SPAN_FLAGS = 0x101
/** Known to be remote (bits 8 and 9); whether the linked span was sampled is not known. */
const LINK_FLAGS = 0x300

export function toOtlpJson(trace: Trace, naming: ServiceNaming = BY_ACTOR): string {
  return JSON.stringify({ resourceSpans: toOtlpSpans(trace, naming).map(resourceSpansJson) })
}

const resourceSpansJson = (group: OtlpResourceSpans) => ({
  resource: { attributes: attributesJson(group.resource) },
  scopeSpans: [{ scope: SCOPE, spans: group.spans.map(spanJson) }],
})

const spanJson = (span: OtlpSpan) => ({
  traceId: span.traceId,
  spanId: span.spanId,
  // JSON.stringify leaves out what is undefined.
  parentSpanId: span.parentSpanId,
  flags: SPAN_FLAGS,
  name: span.name,
  kind: INTERNAL,
  startTimeUnixNano: span.start.toString(),
  endTimeUnixNano: span.end.toString(),
  attributes: attributesJson(span.attributes),
  events: span.events.map(eventJson),
  links: span.links.map(linkJson),
  status: span.error === undefined ? {} : { message: span.error, code: ERROR },
})

const eventJson = (event: SpanEvent) => ({
  timeUnixNano: event.at.toString(),
  name: event.name,
  attributes: attributesJson(event.attributes),
})

const linkJson = (link: SpanLink) => ({
  traceId: link.traceId,
  spanId: link.spanId,
  attributes: attributesJson(link.attributes),
  flags: LINK_FLAGS,
})

const attributesJson = (attributes: Attributes) =>
  Object.entries(attributes).map(([key, value]) => ({ key, value: valueJson(value) }))

function valueJson(value: AttributeValue): object {
  if (typeof value === 'string') return { stringValue: value }
  if (typeof value === 'boolean') return { boolValue: value }
  if (typeof value === 'number') return numberJson(value)
  return { arrayValue: { values: value.map((item) => ({ stringValue: item })) } }
}

/** The SDK's rule, so that both encodings agree: a whole number that fits is an int64. Proto3 JSON spells what JSON has no number for. */
function numberJson(value: number): object {
  if (Number.isInteger(value) && value >= -(2 ** 63) && value < 2 ** 63)
    return { intValue: BigInt(value).toString() }
  return { doubleValue: Number.isFinite(value) ? value : String(value) }
}
