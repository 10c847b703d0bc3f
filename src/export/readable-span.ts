// Owns the border to the OpenTelemetry SDK's span type: finished ReadableSpan values, and their protobuf bytes.
// Promises times exact to the nanosecond, and that no other file but the transports' imports the SDK.
// Does not use live spans: nothing is started or ended here, the past is only written down.

import { type Link, type SpanContext, SpanKind, SpanStatusCode, TraceFlags } from '@opentelemetry/api'
import { ProtobufTraceSerializer } from '@opentelemetry/otlp-transformer'
import { type Resource, resourceFromAttributes } from '@opentelemetry/resources'
import type { ReadableSpan, TimedEvent } from '@opentelemetry/sdk-trace-base'
import { SECOND, type UnixNano } from '../base/time.ts'
import type { Attributes, SpanEvent, SpanLink, Trace } from '../trace/trace.ts'
import type { ServiceNaming } from './resource.ts'
import { type OtlpSpan, SCOPE, toOtlpSpans } from './spans.ts'

/**
 * One ExportTraceServiceRequest. Requests of several traces may be joined end to end: the message has one repeated field,
 * and protobuf reads concatenated messages as their merge. So a trace is encoded once, however often it is sent.
 */
export function encodeTrace(trace: Trace, naming: ServiceNaming): Uint8Array {
  const bytes = ProtobufTraceSerializer.serializeRequest(toReadableSpans(trace, naming))
  if (bytes === undefined) throw new Error(`trace ${trace.traceId} was not serialized`)
  return bytes
}

export function toReadableSpans(trace: Trace, naming: ServiceNaming): ReadableSpan[] {
  const readable: ReadableSpan[] = []
  for (const group of toOtlpSpans(trace, naming)) {
    const resource = resourceFromAttributes(sdkAttributes(group.resource))
    for (const span of group.spans) readable.push(toReadableSpan(span, resource))
  }
  return readable
}

function toReadableSpan(span: OtlpSpan, resource: Resource): ReadableSpan {
  const context = contextOf(span.traceId, span.spanId)
  const readable = {
    name: span.name,
    kind: SpanKind.INTERNAL,
    spanContext: () => context,
    startTime: hrTime(span.start),
    endTime: hrTime(span.end),
    duration: hrTime(span.end - span.start),
    status: span.error === undefined ? UNSET : { code: SpanStatusCode.ERROR, message: span.error },
    attributes: sdkAttributes(span.attributes),
    links: span.links.length === 0 ? NO_LINKS : span.links.map(toLink),
    events: span.events.length === 0 ? NO_EVENTS : span.events.map(toTimedEvent),
    ended: true,
    resource,
    instrumentationScope: SCOPE,
    droppedAttributesCount: 0,
    droppedEventsCount: 0,
    droppedLinksCount: 0,
  }
  if (span.parentSpanId === undefined) return readable
  return Object.assign(readable, { parentSpanContext: contextOf(span.traceId, span.parentSpanId) })
}

const UNSET = { code: SpanStatusCode.UNSET }
const NO_LINKS: Link[] = []
const NO_EVENTS: TimedEvent[] = []

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
const hrTime = (at: UnixNano | bigint): [number, number] => [Number(at / SECOND), Number(at % SECOND)]

/** The SDK's type asks for mutable arrays; its encoders only read. */
const sdkAttributes = (attributes: Attributes) =>
  attributes as Record<string, string | number | boolean | string[]>
