// Owns the protobuf form of a trace: one ExportTraceServiceRequest, by the field numbers of opentelemetry-proto 1.
// Promises that it decodes to the same as what the SDK's encoder writes; a test holds it to that.
// Does not send it, and chooses nothing that a span says: that is spans.ts.

import type { NativeOrigin } from '../base/native.ts'
import type {
  AttributeValue,
  JoinedSpan,
  LateSpans,
  Prelude,
  Span,
  SpanEvent,
  SpanLink,
  Trace,
} from '../trace/trace.ts'
import { ProtobufWriter } from './protobuf-writer.ts'
import {
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
  SCOPE,
  SPAN_FLAGS,
} from './spans.ts'

const REQUEST = { resourceSpans: 1 } as const
const RESOURCE_SPANS = { resource: 1, scopeSpans: 2 } as const
const RESOURCE = { attributes: 1 } as const
const SCOPE_SPANS = { scope: 1, spans: 2 } as const
const INSTRUMENTATION_SCOPE = { name: 1, version: 2 } as const
const SPAN = {
  traceId: 1,
  spanId: 2,
  parentSpanId: 4,
  name: 5,
  kind: 6,
  start: 7,
  end: 8,
  attributes: 9,
  events: 11,
  links: 13,
  status: 15,
  flags: 16,
} as const
const EVENT = { at: 1, name: 2, attributes: 3 } as const
const LINK = { traceId: 1, spanId: 2, attributes: 4, flags: 6 } as const
const STATUS = { message: 2, code: 3 } as const
const KEY_VALUE = { key: 1, value: 2 } as const
const ANY_VALUE = { text: 1, bool: 2, int: 3, double: 4, array: 5 } as const
const ARRAY = { values: 1 } as const

/** Shared by all traces: encoding one is a single step, and its bytes are copied out. */
const out = new ProtobufWriter()

/** Where in `out` the fields stand that every group, and every span, of a trace repeats. */
interface Repeated {
  readonly traceIdEnd: number
  readonly resourceEnd: number
}

/**
 * One ExportTraceServiceRequest. Requests of several traces may be joined end to end: the message has one repeated field,
 * and protobuf reads concatenated messages as their merge. So a trace is encoded once, however often it is sent.
 */
export function encodeTrace(trace: Prelude & Pick<Trace, 'native'>, naming: ServiceNaming): Uint8Array {
  out.clear()
  out.hex(SPAN.traceId, trace.traceId)
  const traceIdEnd = out.length
  eachAttribute(trace.resource, putOnResource)
  const resourceEnd = out.length
  for (const group of groupByService(trace, naming)) writeGroup(group, { traceIdEnd, resourceEnd })
  if (trace.native) writeNative(trace.native, traceIdEnd)
  return out.copyFrom(resourceEnd)
}

/** What is appended to a trace that was sent before. */
export function encodeLate({ traceId, spans }: LateSpans): Uint8Array {
  out.clear()
  out.hex(SPAN.traceId, traceId)
  const traceIdEnd = out.length
  writeNative(spans, traceIdEnd)
  return out.copyFrom(traceIdEnd)
}

function writeNative(joined: readonly JoinedSpan[], traceIdEnd: number): void {
  for (const [origin, spans] of groupByOrigin(joined)) writeOrigin(origin, spans, traceIdEnd)
}

/** Its fields as they came. */
function writeOrigin(
  { resourceBytes, scopeBytes }: NativeOrigin,
  spans: readonly JoinedSpan[],
  traceIdEnd: number,
): void {
  const resourceSpans = out.begin(REQUEST.resourceSpans)
  out.fields(resourceBytes)
  const scopeSpans = out.begin(RESOURCE_SPANS.scopeSpans)
  out.fields(scopeBytes)
  for (const span of spans) writeJoined(span, traceIdEnd)
  out.end(scopeSpans)
  out.end(resourceSpans)
}

function writeJoined({ attributes, parentSpanId, span }: JoinedSpan, traceIdEnd: number): void {
  const start = out.begin(SCOPE_SPANS.spans)
  out.repeat(0, traceIdEnd)
  out.hex(SPAN.spanId, span.spanId)
  if (parentSpanId !== undefined) out.hex(SPAN.parentSpanId, parentSpanId)
  out.fields(span.body.bytes)
  eachAttribute(attributes, putOnSpan)
  out.end(start)
}

function writeGroup(group: ServiceGroup, repeated: Repeated): void {
  const resourceSpans = out.begin(REQUEST.resourceSpans)
  const resource = out.begin(RESOURCE_SPANS.resource)
  out.repeat(repeated.traceIdEnd, repeated.resourceEnd)
  putOnResource(SERVICE_NAME, group.service)
  out.end(resource)
  const scopeSpans = out.begin(RESOURCE_SPANS.scopeSpans)
  const scope = out.begin(SCOPE_SPANS.scope)
  out.text(INSTRUMENTATION_SCOPE.name, SCOPE.name)
  out.text(INSTRUMENTATION_SCOPE.version, SCOPE.version)
  out.end(scope)
  for (const span of group.spans) writeSpan(span, repeated.traceIdEnd)
  out.end(scopeSpans)
  out.end(resourceSpans)
}

function writeSpan(span: Span, traceIdEnd: number): void {
  const start = out.begin(SCOPE_SPANS.spans)
  out.repeat(0, traceIdEnd)
  out.hex(SPAN.spanId, span.spanId)
  if (span.parentSpanId !== undefined) out.hex(SPAN.parentSpanId, span.parentSpanId)
  out.text(SPAN.name, span.name)
  out.integer(SPAN.kind, INTERNAL)
  out.fixed64(SPAN.start, span.start.best)
  out.fixed64(SPAN.end, span.end.best)
  eachSpanAttribute(span, putOnSpan)
  for (const event of span.events) writeEvent(event)
  for (const link of span.links) writeLink(link)
  if (span.error !== undefined) writeError(span.error)
  out.fixed32(SPAN.flags, SPAN_FLAGS)
  out.end(start)
}

function writeEvent(event: SpanEvent): void {
  const start = out.begin(SPAN.events)
  out.fixed64(EVENT.at, event.at)
  out.text(EVENT.name, event.name)
  eachAttribute(event.attributes, putOnEvent)
  out.end(start)
}

function writeLink(link: SpanLink): void {
  const start = out.begin(SPAN.links)
  out.hex(LINK.traceId, link.traceId)
  out.hex(LINK.spanId, link.spanId)
  eachAttribute(link.attributes, putOnLink)
  out.fixed32(LINK.flags, LINK_FLAGS)
  out.end(start)
}

function writeError(message: string): void {
  const start = out.begin(SPAN.status)
  out.text(STATUS.message, message)
  out.integer(STATUS.code, ERROR)
  out.end(start)
}

const putOnResource = (key: string, value: AttributeValue): void =>
  writeAttribute(RESOURCE.attributes, key, value)
const putOnSpan = (key: string, value: AttributeValue): void => writeAttribute(SPAN.attributes, key, value)
const putOnEvent = (key: string, value: AttributeValue): void => writeAttribute(EVENT.attributes, key, value)
const putOnLink = (key: string, value: AttributeValue): void => writeAttribute(LINK.attributes, key, value)

function writeAttribute(field: number, key: string, value: AttributeValue): void {
  const pair = out.begin(field)
  out.fields(keyField(key))
  const any = out.begin(KEY_VALUE.value)
  writeValue(value)
  out.end(any)
  out.end(pair)
}

function writeValue(value: AttributeValue): void {
  if (typeof value === 'string') out.text(ANY_VALUE.text, value)
  else if (typeof value === 'boolean') out.integer(ANY_VALUE.bool, value ? 1 : 0)
  else if (typeof value !== 'number') writeArray(value)
  else if (isInt64(value)) out.integer(ANY_VALUE.int, value)
  else out.double(ANY_VALUE.double, value)
}

function writeArray(values: readonly string[]): void {
  const array = out.begin(ANY_VALUE.array)
  for (const value of values) {
    const item = out.begin(ARRAY.values)
    out.text(ANY_VALUE.text, value)
    out.end(item)
  }
  out.end(array)
}

/** Keys are a few dozen, except where a workload's kind is in them. */
const MAX_KEYS = 1000
const keyFields = new Map<string, Uint8Array>()
const keyOut = new ProtobufWriter()

function keyField(key: string): Uint8Array {
  const known = keyFields.get(key)
  if (known) return known
  keyOut.clear()
  keyOut.text(KEY_VALUE.key, key)
  const encoded = keyOut.copyFrom(0)
  if (keyFields.size < MAX_KEYS) keyFields.set(key, encoded)
  return encoded
}
