// Owns the OTLP/JSON form of a trace: one ExportTraceServiceRequest in one line.
// Promises what the OTLP specification says: lowerCamelCase keys, hex ids, enums as numbers, 64-bit integers as strings.
// Does not send it, and knows nothing of the SDK; a test holds it equal to the protobuf encoding.

import type { NativeOrigin } from '../base/native.ts'
import type {
  Attributes,
  AttributeValue,
  JoinedSpan,
  Prelude,
  Span,
  SpanEvent,
  SpanLink,
  Trace,
} from '../trace/trace.ts'
import {
  BY_ACTOR,
  groupByOrigin,
  groupByService,
  SERVICE_NAME,
  type ServiceGroup,
  type ServiceNaming,
} from './resource.ts'
import {
  ERROR,
  eachAttribute,
  eachSpanAttribute,
  INTERNAL,
  isInt64,
  LINK_FLAGS,
  type PutAttribute,
  SCOPE,
  SPAN_FLAGS,
} from './spans.ts'

/** `before` are those of the traces before this one that are to be printed with it. */
export function toOtlpJson(
  trace: Trace,
  naming: ServiceNaming = BY_ACTOR,
  before: readonly Prelude[] = trace.before ?? [],
): string {
  const resourceSpans = [...before, trace].flatMap((one) =>
    groupByService(one, naming).map((group) => resourceSpansJson(one, group)),
  )
  const native = [...groupByOrigin(trace.native ?? NO_SPANS)].map(([origin, spans]) =>
    originJson(trace.traceId, origin, spans),
  )
  return JSON.stringify({ resourceSpans: [...resourceSpans, ...native] })
}

const NO_SPANS: readonly JoinedSpan[] = []

function originJson(traceId: string, origin: NativeOrigin, spans: readonly JoinedSpan[]) {
  const { ofResource, ofScope } = origin.describe()
  return {
    ...ofResource,
    scopeSpans: [{ ...ofScope, spans: spans.map((one) => joinedJson(traceId, one)) }],
  }
}

function joinedJson(traceId: string, { attributes, parentSpanId, span }: JoinedSpan) {
  const detail = span.body.describe()
  return {
    ...{ traceId, spanId: span.spanId, parentSpanId, ...detail },
    attributes: [...(detail.attributes ?? []), ...attributesJson(attributes)],
  }
}

const resourceSpansJson = (trace: Prelude, { service, spans }: ServiceGroup) => ({
  resource: { attributes: [...attributesJson(trace.resource), attributeJson(SERVICE_NAME, service)] },
  scopeSpans: [{ scope: SCOPE, spans: spans.map((span) => spanJson(trace.traceId, span)) }],
})

const spanJson = (traceId: string, span: Span) => ({
  traceId,
  spanId: span.spanId,
  // JSON.stringify leaves out what is undefined.
  parentSpanId: span.parentSpanId,
  flags: SPAN_FLAGS,
  name: span.name,
  kind: INTERNAL,
  startTimeUnixNano: span.start.best.toString(),
  endTimeUnixNano: span.end.best.toString(),
  attributes: collect((put) => eachSpanAttribute(span, put)),
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

const attributesJson = (attributes: Attributes) => collect((put) => eachAttribute(attributes, put))

function collect(each: (put: PutAttribute) => void) {
  const collected: ReturnType<typeof attributeJson>[] = []
  each((key, value) => collected.push(attributeJson(key, value)))
  return collected
}

const attributeJson = (key: string, value: AttributeValue) => ({ key, value: valueJson(value) })

function valueJson(value: AttributeValue): object {
  if (typeof value === 'string') return { stringValue: value }
  if (typeof value === 'boolean') return { boolValue: value }
  if (typeof value === 'number') return numberJson(value)
  return { arrayValue: { values: value.map((item) => ({ stringValue: item })) } }
}

/** Proto3 JSON spells what JSON has no number for. */
const numberJson = (value: number): object =>
  isInt64(value)
    ? { intValue: BigInt(value).toString() }
    : { doubleValue: Number.isFinite(value) ? value : String(value) }
