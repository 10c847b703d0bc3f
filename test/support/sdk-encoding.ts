// Owns the SDK's own encoding of a trace, against which ours is held: ReadableSpan values through its protobuf serializer.
// Promises times exact to the nanosecond. Uses the mapping of src/export, so that only the encodings are compared.
// Does not use live spans: nothing is started or ended here.

import { type Link, type SpanContext, SpanKind, SpanStatusCode, TraceFlags } from '@opentelemetry/api'
import { ProtobufTraceSerializer } from '@opentelemetry/otlp-transformer'
import { type Resource, resourceFromAttributes } from '@opentelemetry/resources'
import type { ReadableSpan, TimedEvent } from '@opentelemetry/sdk-trace-base'
import { SECOND } from '../../src/base/time.ts'
import { groupByService, SERVICE_NAME, type ServiceNaming } from '../../src/export/resource.ts'
import { eachSpanAttribute, SCOPE } from '../../src/export/spans.ts'
import type { Attributes, AttributeValue, Span, SpanEvent, SpanLink, Trace } from '../../src/trace/trace.ts'

export function encodeBySdk(trace: Trace, naming: ServiceNaming): Uint8Array {
  const spans = groupByService(trace, naming).flatMap((group) => {
    const resource = resourceFromAttributes(
      sdkAttributes({ ...trace.resource, [SERVICE_NAME]: group.service }),
    )
    return group.spans.map((span) => toReadableSpan(trace.traceId, span, resource))
  })
  const bytes = ProtobufTraceSerializer.serializeRequest(spans)
  if (bytes === undefined) throw new Error(`trace ${trace.traceId} was not serialized`)
  return bytes
}

/** As an object, of which no attribute may be named twice. */
export function spanAttributes(span: Span): Attributes {
  const attributes: Record<string, AttributeValue> = {}
  eachSpanAttribute(span, (key, value) => {
    if (key in attributes) throw new Error(`${key} is named twice`)
    attributes[key] = value
  })
  return attributes
}

function toReadableSpan(traceId: string, span: Span, resource: Resource): ReadableSpan {
  const context = contextOf(traceId, span.spanId)
  const readable = {
    name: span.name,
    kind: SpanKind.INTERNAL,
    spanContext: () => context,
    startTime: hrTime(span.start.best),
    endTime: hrTime(span.end.best),
    duration: hrTime(span.end.best - span.start.best),
    status: span.error === undefined ? UNSET : { code: SpanStatusCode.ERROR, message: span.error },
    attributes: sdkAttributes(spanAttributes(span)),
    links: span.links.map(toLink),
    events: span.events.map(toTimedEvent),
    ended: true,
    resource,
    instrumentationScope: SCOPE,
    droppedAttributesCount: 0,
    droppedEventsCount: 0,
    droppedLinksCount: 0,
  }
  if (span.parentSpanId === undefined) return readable
  return Object.assign(readable, { parentSpanContext: contextOf(traceId, span.parentSpanId) })
}

const UNSET = { code: SpanStatusCode.UNSET }

const contextOf = (traceId: string, spanId: string): SpanContext => ({
  traceId,
  spanId,
  traceFlags: TraceFlags.SAMPLED,
  isRemote: false,
})

const toTimedEvent = (event: SpanEvent): TimedEvent => ({
  time: hrTime(event.at),
  name: event.name,
  attributes: sdkAttributes(event.attributes),
})

/** A linked span is another process's, and whether that one was sampled is not known here. */
const toLink = (link: SpanLink): Link => ({
  context: { traceId: link.traceId, spanId: link.spanId, traceFlags: TraceFlags.NONE, isRemote: true },
  attributes: sdkAttributes(link.attributes),
})

/** Divided as bigint: nanoseconds since 1970 passed 2^53 in April 1970. */
const hrTime = (at: bigint): [number, number] => [Number(at / SECOND), Number(at % SECOND)]

/** The SDK's type asks for mutable arrays; its encoders only read. */
const sdkAttributes = (attributes: Attributes) =>
  attributes as Record<string, string | number | boolean | string[]>
