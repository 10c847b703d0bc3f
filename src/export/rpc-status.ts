// Owns reading google.rpc.Status: the body of a refused HTTP request, and gRPC's `grpc-status-details-bin`.
// Promises undefined for anything that is not well formed; a broken one is no reason to fail.
// Does not decode any detail but RetryInfo.

/** What the server says in words. */
export function statusMessage(status: Uint8Array): string | undefined {
  try {
    const [message] = fields(status, MESSAGE)
    return message && utf8.decode(message)
  } catch {
    return undefined
  }
}

const utf8 = new TextDecoder('utf-8', { fatal: true })

/** The delay of the first RetryInfo in an encoded google.rpc.Status. */
export function retryDelayMs(status: Uint8Array): number | undefined {
  try {
    for (const detail of fields(status, DETAILS)) {
      const delay = isRetryInfo(detail) ? durationOf(detail) : undefined
      if (delay !== undefined) return delay
    }
  } catch {
    // Not protobuf after all.
  }
  return undefined
}

/** Field numbers: Status.message, Status.details, Any.type_url, Any.value, RetryInfo.retry_delay. */
const MESSAGE = 2
const DETAILS = 3
const TYPE_URL = 1
const VALUE = 2
const RETRY_DELAY = 1

function isRetryInfo(any: Uint8Array): boolean {
  const [url] = fields(any, TYPE_URL)
  return url !== undefined && Buffer.from(url).toString().endsWith('/google.rpc.RetryInfo')
}

function durationOf(any: Uint8Array): number | undefined {
  const [info] = fields(any, VALUE)
  // An empty message is left out by some writers: a RetryInfo without a delay asks for none.
  const [duration] = info ? fields(info, RETRY_DELAY) : []
  if (!duration) return undefined
  const { 1: seconds = 0, 2: nanos = 0 } = varints(duration)
  return seconds * 1000 + nanos / 1e6
}

/** The length-delimited fields with this number. */
function fields(message: Uint8Array, wanted: number): Uint8Array[] {
  const found: Uint8Array[] = []
  for (const field of read(message)) {
    if (field.number === wanted && typeof field.value === 'object') found.push(field.value)
  }
  return found
}

function varints(message: Uint8Array): Record<number, number> {
  const found: Record<number, number> = {}
  for (const field of read(message)) if (typeof field.value === 'number') found[field.number] = field.value
  return found
}

interface Field {
  readonly number: number
  readonly value: number | Uint8Array
}

function* read(message: Uint8Array): Generator<Field> {
  const reader = { bytes: message, at: 0 }
  while (reader.at < message.length) {
    const tag = varint(reader)
    const number = tag >>> 3
    const wireType = tag & 7
    if (wireType === 0) yield { number, value: varint(reader) }
    else if (wireType === 2) yield { number, value: bytes(reader, varint(reader)) }
    else if (wireType === 5) bytes(reader, 4)
    else if (wireType === 1) bytes(reader, 8)
    else throw new RangeError(`wire type ${wireType}`)
  }
}

interface Reader {
  readonly bytes: Uint8Array
  at: number
}

/** Exact up to 2^53, which is enough for seconds. */
function varint(reader: Reader): number {
  let value = 0
  for (let shift = 1; ; shift *= 128) {
    const byte = reader.bytes[reader.at++]
    if (byte === undefined) throw new RangeError('the message ends within a number')
    value += (byte & 0x7f) * shift
    if (byte < 0x80) return value
  }
}

function bytes(reader: Reader, length: number): Uint8Array {
  const end = reader.at + length
  if (end > reader.bytes.length) throw new RangeError('the message ends within a field')
  const slice = reader.bytes.subarray(reader.at, end)
  reader.at = end
  return slice
}
