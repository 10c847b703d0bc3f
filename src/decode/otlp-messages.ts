// Owns what OTLP's trace messages consist of: field numbers, JSON names and kinds, as opentelemetry-proto 1 has them.
// Promises one table for both directions between protobuf and JSON. Does not read or write either.

export type FieldKind =
  | 'text'
  /** Bytes: hexadecimal in JSON for ids, Base64 for values. */
  | 'id'
  | 'bytes'
  | 'bool'
  /** Numbers in JSON. */
  | 'number'
  | 'fixed32'
  | 'double'
  /** Decimal text in JSON. */
  | 'int64'
  | 'fixed64'

export interface Field {
  readonly number: number
  readonly name: string
  readonly kind: FieldKind | (() => Message)
  readonly repeated?: true
}

export type Message = readonly Field[]

const one = (number: number, name: string, kind: Field['kind']): Field => ({ number, name, kind })
const many = (number: number, name: string, kind: Field['kind']): Field => ({
  number,
  name,
  kind,
  repeated: true,
})

const ANY_VALUE: Message = [
  one(1, 'stringValue', 'text'),
  one(2, 'boolValue', 'bool'),
  one(3, 'intValue', 'int64'),
  one(4, 'doubleValue', 'double'),
  one(5, 'arrayValue', () => ARRAY),
  one(6, 'kvlistValue', () => KEY_VALUE_LIST),
  one(7, 'bytesValue', 'bytes'),
]
const KEY_VALUE: Message = [one(1, 'key', 'text'), one(2, 'value', () => ANY_VALUE)]
const ARRAY: Message = [many(1, 'values', () => ANY_VALUE)]
const KEY_VALUE_LIST: Message = [many(1, 'values', () => KEY_VALUE)]

const EVENT: Message = [
  one(1, 'timeUnixNano', 'fixed64'),
  one(2, 'name', 'text'),
  many(3, 'attributes', () => KEY_VALUE),
  one(4, 'droppedAttributesCount', 'number'),
]
const LINK: Message = [
  one(1, 'traceId', 'id'),
  one(2, 'spanId', 'id'),
  one(3, 'traceState', 'text'),
  many(4, 'attributes', () => KEY_VALUE),
  one(5, 'droppedAttributesCount', 'number'),
  one(6, 'flags', 'fixed32'),
]
const STATUS: Message = [one(2, 'message', 'text'), one(3, 'code', 'number')]

/** A span without its three ids. */
export const SPAN_BODY: Message = [
  one(3, 'traceState', 'text'),
  one(5, 'name', 'text'),
  one(6, 'kind', 'number'),
  one(7, 'startTimeUnixNano', 'fixed64'),
  one(8, 'endTimeUnixNano', 'fixed64'),
  many(9, 'attributes', () => KEY_VALUE),
  one(10, 'droppedAttributesCount', 'number'),
  many(11, 'events', () => EVENT),
  one(12, 'droppedEventsCount', 'number'),
  many(13, 'links', () => LINK),
  one(14, 'droppedLinksCount', 'number'),
  one(15, 'status', () => STATUS),
  one(16, 'flags', 'fixed32'),
]
const SPAN: Message = [
  one(1, 'traceId', 'id'),
  one(2, 'spanId', 'id'),
  one(4, 'parentSpanId', 'id'),
  ...SPAN_BODY,
]

const RESOURCE: Message = [many(1, 'attributes', () => KEY_VALUE), one(2, 'droppedAttributesCount', 'number')]
const SCOPE: Message = [
  one(1, 'name', 'text'),
  one(2, 'version', 'text'),
  many(3, 'attributes', () => KEY_VALUE),
  one(4, 'droppedAttributesCount', 'number'),
]
/** Beside the spans. */
export const SCOPE_BODY: Message = [one(1, 'scope', () => SCOPE), one(3, 'schemaUrl', 'text')]
export const RESOURCE_BODY: Message = [one(1, 'resource', () => RESOURCE), one(3, 'schemaUrl', 'text')]
const SCOPE_SPANS: Message = [...SCOPE_BODY, many(2, 'spans', () => SPAN)]
const RESOURCE_SPANS: Message = [...RESOURCE_BODY, many(2, 'scopeSpans', () => SCOPE_SPANS)]
export const EXPORT_REQUEST: Message = [many(1, 'resourceSpans', () => RESOURCE_SPANS)]
