// Owns the way from OTLP/JSON to OTLP's protobuf, so that spans in JSON take the same way as all others.
// Promises that unknown fields are ignored, as the specification asks; a field of the wrong type throws a DecodeFailure that names it.
// Does not know what a span means.

import type { Field, FieldKind, Message } from './otlp-messages.ts'
import { wireOf } from './otlp-to-json.ts'
import { DecodeFailure } from './result.ts'

const DEEPEST = 32

/** Into one buffer that grows: values by the million cost no objects of their own. */
export function fromJson(message: Message, json: unknown): Buffer {
  const out = new Bytes()
  writeMessage(out, message, json, ROOT, 0)
  return out.taken()
}

/** Put into words only where something is wrong. */
interface Place {
  readonly outer: Place | undefined
  readonly name: string
  readonly index: number | undefined
}

const ROOT: Place = { outer: undefined, name: '', index: undefined }

function pathOf({ index, name, outer }: Place): string {
  if (outer === undefined) return 'request'
  const own = index === undefined ? name : `${name}[${index}]`
  return outer.outer === undefined ? own : `${pathOf(outer)}.${own}`
}

const wrong = (expected: string, place: Place): DecodeFailure =>
  new DecodeFailure('wrong-type', `expected ${expected}`, pathOf(place))

function writeMessage(out: Bytes, message: Message, json: unknown, place: Place, depth: number): void {
  if (typeof json !== 'object' || json === null || Array.isArray(json)) throw wrong('an object', place)
  if (depth > DEEPEST) throw wrong('less nesting', place)
  const fields = json as Readonly<Record<string, unknown>>
  for (const field of message) {
    const value = fields[field.name]
    if (value === undefined || value === null) continue
    const inner = { outer: place, name: field.name, index: undefined }
    if (!field.repeated) writeField(out, field, value, inner, depth)
    else if (!Array.isArray(value)) throw wrong('a list', inner)
    else for (const [index, item] of value.entries()) writeField(out, field, item, { ...inner, index }, depth)
  }
}

function writeField(out: Bytes, { number, kind }: Field, value: unknown, place: Place, depth: number): void {
  out.varint(number * 8 + wireOf(kind))
  if (typeof kind !== 'function') return writeValue(out, kind, value, place)
  const start = out.length
  writeMessage(out, kind(), value, place, depth + 1)
  out.sizeBefore(start)
}

function writeValue(out: Bytes, kind: FieldKind, value: unknown, place: Place): void {
  switch (kind) {
    case 'text':
      return out.sized(Buffer.from(textOf(value, place)))
    case 'id':
      return out.sized(idOf(value, place))
    case 'bytes':
      return out.sized(Buffer.from(textOf(value, place), 'base64'))
    case 'bool':
      if (typeof value !== 'boolean') throw wrong('true or false', place)
      return out.varint(value ? 1 : 0)
    case 'number':
    case 'int64':
      return out.varint(BigInt.asUintN(64, integerOf(value, place)))
    case 'fixed32':
      return out.fixed32(Number(BigInt.asUintN(32, integerOf(value, place))))
    case 'fixed64':
      return out.fixed64(BigInt.asUintN(64, integerOf(value, place)))
    case 'double':
      return out.double(doubleOf(value, place))
  }
}

function textOf(value: unknown, place: Place): string {
  if (typeof value !== 'string') throw wrong('text', place)
  return value
}

function idOf(value: unknown, place: Place): Buffer {
  const text = textOf(value, place)
  if (!/^(?:[0-9a-f]{2})*$/i.test(text)) throw wrong('hexadecimal digits', place)
  return Buffer.from(text, 'hex')
}

function integerOf(value: unknown, place: Place): bigint {
  if (typeof value === 'string' && /^-?\d{1,20}$/.test(value)) return BigInt(value)
  if (typeof value === 'number' && Number.isInteger(value)) return BigInt(value)
  throw wrong('a whole number, or one as text', place)
}

const SPELLED = new Set(['NaN', 'Infinity', '-Infinity'])

function doubleOf(value: unknown, place: Place): number {
  if (typeof value === 'number') return value
  if (typeof value === 'string' && (SPELLED.has(value) || (value !== '' && Number.isFinite(Number(value)))))
    return Number(value)
  throw wrong('a number', place)
}

class Bytes {
  length = 0
  #buffer = Buffer.allocUnsafe(1024)

  taken(): Buffer {
    return this.#buffer.subarray(0, this.length)
  }

  /** A number where it is below 2^31. */
  varint(value: number | bigint): void {
    this.#room(10)
    let left = value
    for (; typeof left === 'bigint' && left > 127n; left >>= 7n)
      this.#buffer[this.length++] = Number(left & 127n) | 128
    let rest = Number(left)
    for (; rest > 127; rest >>>= 7) this.#buffer[this.length++] = (rest & 127) | 128
    this.#buffer[this.length++] = rest
  }

  sized(content: Buffer): void {
    this.varint(content.length)
    this.#room(content.length)
    this.length += content.copy(this.#buffer, this.length)
  }

  fixed32(value: number): void {
    this.#room(4)
    this.length = this.#buffer.writeUInt32LE(value, this.length)
  }

  fixed64(value: bigint): void {
    this.#room(8)
    this.length = this.#buffer.writeBigUInt64LE(value, this.length)
  }

  double(value: number): void {
    this.#room(8)
    this.length = this.#buffer.writeDoubleLE(value, this.length)
  }

  /** What was written from there on becomes a message behind its size. */
  sizeBefore(start: number): void {
    const size = this.length - start
    const bytes = size < 128 ? 1 : Math.ceil((32 - Math.clz32(size)) / 7)
    this.#room(bytes)
    this.#buffer.copyWithin(start + bytes, start, this.length)
    this.length = start
    this.varint(size)
    this.length += size
  }

  #room(more: number): void {
    if (this.length + more <= this.#buffer.length) return
    const larger = Buffer.allocUnsafe(2 * (this.length + more))
    this.#buffer.copy(larger, 0, 0, this.length)
    this.#buffer = larger
  }
}
