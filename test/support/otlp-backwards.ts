// Owns protobuf as OpenTelemetry's Collector writes it since 2025: the fields of each message from the last to the first, and repeated ones in order.
// Promises the same message. Does not know names.

import type { Message } from '../../src/decode/otlp-messages.ts'
import { cursor, readInt, readTag, skip } from '../../src/decode/wire.ts'

const SIZED = 2

export function backwards(message: Message, bytes: Buffer): Buffer {
  const fields: { readonly number: number; readonly bytes: Buffer }[] = []
  const c = cursor(bytes)
  while (c.at < c.end) {
    const from = c.at
    const tag = readTag(c)
    const number = tag >>> 3
    const kind = message.find((field) => field.number === number)?.kind
    if (typeof kind !== 'function' || (tag & 7) !== SIZED) {
      skip(c, tag)
      fields.push({ number, bytes: bytes.subarray(from, c.at) })
      continue
    }
    const length = readInt(c)
    const inner = backwards(kind(), bytes.subarray(c.at, c.at + length))
    c.at += length
    fields.push({
      number,
      bytes: Buffer.concat([Buffer.from([...varint(tag), ...varint(inner.length)]), inner]),
    })
  }
  return Buffer.concat(fields.toSorted((a, b) => b.number - a.number).map((field) => field.bytes))
}

function varint(value: number): number[] {
  return value < 128 ? [value] : [(value & 127) | 128, ...varint(value >>> 7)]
}
