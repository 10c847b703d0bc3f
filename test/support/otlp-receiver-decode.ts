// Owns reading OTLP trace requests, written from the .proto files alone so that it can contradict the SDK's encoder.
// Promises 64-bit times as bigint and ids as hex. Throws on what is not a well-formed request.
// Does not read metrics or logs.

export type DecodedValue = string | number | bigint | boolean | DecodedValue[]
export type DecodedAttributes = Record<string, DecodedValue>

export interface DecodedSpan {
  traceId: string
  spanId: string
  parentSpanId: string
  name: string
  kind: number
  flags: number
  start: bigint
  end: bigint
  attributes: DecodedAttributes
  events: { at: bigint; name: string; attributes: DecodedAttributes }[]
  links: { traceId: string; spanId: string; flags: number; attributes: DecodedAttributes }[]
  status: { code: number; message: string }
  resource: DecodedAttributes
  scope: { name: string; version: string }
}

type Value = bigint | Uint8Array
type Message = Map<number, Value[]>

export function decodeTraceRequest(body: Uint8Array): DecodedSpan[] {
  return messages(parse(body), 1).flatMap((group) => {
    const resource = attributes(message(group, 1), 1)
    return messages(group, 2).flatMap((scoped) => {
      const scope = message(scoped, 1)
      const named = { name: text(scope, 1), version: text(scope, 2) }
      return messages(scoped, 2).map((span) => decodeSpan(span, resource, named))
    })
  })
}

function decodeSpan(span: Message, resource: DecodedAttributes, scope: DecodedSpan['scope']): DecodedSpan {
  const status = message(span, 15)
  return {
    traceId: hex(span, 1),
    spanId: hex(span, 2),
    parentSpanId: hex(span, 4),
    name: text(span, 5),
    kind: Number(integer(span, 6)),
    flags: Number(integer(span, 16)),
    start: integer(span, 7),
    end: integer(span, 8),
    attributes: attributes(span, 9),
    events: messages(span, 11).map((event) => ({
      at: integer(event, 1),
      name: text(event, 2),
      attributes: attributes(event, 3),
    })),
    links: messages(span, 13).map((link) => ({
      traceId: hex(link, 1),
      spanId: hex(link, 2),
      flags: Number(integer(link, 6)),
      attributes: attributes(link, 4),
    })),
    status: { code: Number(integer(status, 3)), message: text(status, 2) },
    resource,
    scope,
  }
}

function attributes(holder: Message, field: number): DecodedAttributes {
  const entries = messages(holder, field).map((pair) => [text(pair, 1), anyValue(message(pair, 2))] as const)
  return Object.fromEntries(entries)
}

/** An int64 stays a bigint, so that a test sees whether a number went as int or as double. */
function anyValue(value: Message): DecodedValue {
  if (value.has(1)) return text(value, 1)
  if (value.has(2)) return integer(value, 2) === 1n
  if (value.has(3)) return BigInt.asIntN(64, integer(value, 3))
  if (value.has(4)) return double(integer(value, 4))
  if (value.has(5)) return messages(message(value, 5), 1).map(anyValue)
  throw new Error(`a value of kind ${[...value.keys()].join()} is not expected`)
}

function double(bits: bigint): number {
  const view = new DataView(new ArrayBuffer(8))
  view.setBigUint64(0, bits)
  return view.getFloat64(0)
}

const last = (holder: Message, field: number): Value | undefined => holder.get(field)?.at(-1)

function integer(holder: Message, field: number): bigint {
  const value = last(holder, field)
  return typeof value === 'bigint' ? value : 0n
}

function raw(holder: Message, field: number): Uint8Array {
  const value = last(holder, field)
  return value instanceof Uint8Array ? value : new Uint8Array()
}

const utf8 = new TextDecoder('utf-8', { fatal: true })
const text = (holder: Message, field: number): string => utf8.decode(raw(holder, field))
const hex = (holder: Message, field: number): string => Buffer.from(raw(holder, field)).toString('hex')
const message = (holder: Message, field: number): Message => parse(raw(holder, field))
const messages = (holder: Message, field: number): Message[] =>
  (holder.get(field) ?? []).map((value) => parse(value instanceof Uint8Array ? value : new Uint8Array()))

function parse(bytes: Uint8Array): Message {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const fields: Message = new Map()
  let at = 0
  const varint = (): bigint => {
    let value = 0n
    for (let shift = 0n; ; shift += 7n) {
      const byte = view.getUint8(at++)
      value |= BigInt(byte & 0x7f) << shift
      if (byte < 0x80) return value
    }
  }
  const sized = (): Uint8Array => {
    const length = Number(varint())
    if (at + length > bytes.length) throw new RangeError('the message ends within a field')
    at += length
    return bytes.subarray(at - length, at)
  }
  const fixed = (size: 4 | 8): bigint => {
    at += size
    return size === 8 ? view.getBigUint64(at - 8, true) : BigInt(view.getUint32(at - 4, true))
  }
  while (at < bytes.length) {
    const tag = Number(varint())
    const read = { 0: varint, 1: () => fixed(8), 2: sized, 5: () => fixed(4) }[tag & 7]
    if (!read) throw new RangeError(`wire type ${tag & 7}`)
    const values = fields.get(tag >> 3)
    const value = read()
    if (values) values.push(value)
    else fields.set(tag >> 3, [value])
  }
  return fields
}

/** The bytes of an ExportTraceServiceResponse with a partial success. */
export function encodePartialSuccess(rejected: number, reason: string): Uint8Array {
  const partial = [...(rejected > 0 ? [0x08, ...varintOf(rejected)] : []), ...field(2, Buffer.from(reason))]
  return Uint8Array.from(field(1, partial))
}

/** The bytes of a google.rpc.Status with a RetryInfo, as `grpc-status-details-bin` carries it. */
export function encodeRetryInfo(code: number, delayMs: number): Uint8Array {
  const nanos = (delayMs % 1000) * 1e6
  const duration = [0x08, ...varintOf(Math.floor(delayMs / 1000)), 0x10, ...varintOf(nanos)]
  const url = Buffer.from('type.googleapis.com/google.rpc.RetryInfo')
  const any = [...field(1, url), ...field(2, field(1, duration))]
  return Uint8Array.from([0x08, ...varintOf(code), ...field(3, any)])
}

/** The bytes of a google.rpc.Status that only has words, as a Collector sends it over HTTP. */
export const encodeStatus = (code: number, message: string): Uint8Array =>
  Uint8Array.from([0x08, ...varintOf(code), ...field(2, Buffer.from(message))])

const field = (number: number, content: Iterable<number>): number[] => {
  const bytes = [...content]
  return [(number << 3) | 2, ...varintOf(bytes.length), ...bytes]
}

function varintOf(value: number): number[] {
  return value < 128 ? [value] : [(value % 128) | 128, ...varintOf(Math.floor(value / 128))]
}
