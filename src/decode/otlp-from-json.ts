// Owns the way from OTLP/JSON to OTLP's protobuf, so that spans in JSON take the same way as all others.
// Promises that unknown fields are ignored, as the specification asks; a field of the wrong type throws a DecodeFailure that names it.
// Does not know what a span means.

import type { Field, FieldKind, Message } from './otlp-messages.ts'
import { wireOf } from './otlp-to-json.ts'
import { DecodeFailure } from './result.ts'

const DEEPEST = 32

export function fromJson(message: Message, json: unknown): Buffer {
  return Buffer.concat(writeMessage(message, json, '', 0))
}

function writeMessage(message: Message, json: unknown, where: string, depth: number): Buffer[] {
  if (typeof json !== 'object' || json === null || Array.isArray(json)) throw wrong('an object', where)
  if (depth > DEEPEST) throw wrong('less nesting', where)
  const fields = json as Readonly<Record<string, unknown>>
  return message.flatMap((field) => {
    const value = fields[field.name]
    if (value === undefined || value === null) return []
    const path = where === '' ? field.name : `${where}.${field.name}`
    if (!field.repeated) return writeField(field, value, path, depth)
    if (!Array.isArray(value)) throw wrong('a list', path)
    return value.flatMap((item, index) => writeField(field, item, `${path}[${index}]`, depth))
  })
}

const wrong = (expected: string, where: string): DecodeFailure =>
  new DecodeFailure('wrong-type', `expected ${expected}`, where === '' ? 'request' : where)

function writeField({ number, kind }: Field, value: unknown, where: string, depth: number): Buffer[] {
  const tag = varint(BigInt(number * 8 + wireOf(kind)))
  if (typeof kind !== 'function') return [tag, ...writeValue(kind, value, where)]
  const content = Buffer.concat(writeMessage(kind(), value, where, depth + 1))
  return [tag, varint(BigInt(content.length)), content]
}

function writeValue(kind: FieldKind, value: unknown, where: string): Buffer[] {
  switch (kind) {
    case 'text':
      return sized(Buffer.from(textOf(value, where)))
    case 'id':
      return sized(idOf(value, where))
    case 'bytes':
      return sized(Buffer.from(textOf(value, where), 'base64'))
    case 'bool':
      if (typeof value !== 'boolean') throw wrong('true or false', where)
      return [varint(value ? 1n : 0n)]
    case 'number':
    case 'int64':
      return [varint(BigInt.asUintN(64, integerOf(value, where)))]
    case 'fixed32':
      return [fixed(4, (bytes) => bytes.writeUInt32LE(Number(BigInt.asUintN(32, integerOf(value, where)))))]
    case 'fixed64':
      return [fixed(8, (bytes) => bytes.writeBigUInt64LE(BigInt.asUintN(64, integerOf(value, where))))]
    case 'double':
      return [fixed(8, (bytes) => bytes.writeDoubleLE(doubleOf(value, where)))]
  }
}

function textOf(value: unknown, where: string): string {
  if (typeof value !== 'string') throw wrong('text', where)
  return value
}

function idOf(value: unknown, where: string): Buffer {
  const text = textOf(value, where)
  if (!/^(?:[0-9a-f]{2})*$/i.test(text)) throw wrong('hexadecimal digits', where)
  return Buffer.from(text, 'hex')
}

function integerOf(value: unknown, where: string): bigint {
  if (typeof value === 'string' && /^-?\d{1,20}$/.test(value)) return BigInt(value)
  if (typeof value === 'number' && Number.isInteger(value)) return BigInt(value)
  throw wrong('a whole number, or one as text', where)
}

const SPELLED = new Set(['NaN', 'Infinity', '-Infinity'])

function doubleOf(value: unknown, where: string): number {
  if (typeof value === 'number') return value
  if (typeof value === 'string' && (SPELLED.has(value) || (value !== '' && Number.isFinite(Number(value)))))
    return Number(value)
  throw wrong('a number', where)
}

const sized = (content: Buffer): Buffer[] => [varint(BigInt(content.length)), content]

function fixed(length: number, write: (bytes: Buffer) => unknown): Buffer {
  const bytes = Buffer.alloc(length)
  write(bytes)
  return bytes
}

function varint(value: bigint): Buffer {
  const bytes: number[] = []
  let left = value
  for (; left > 127n; left >>= 7n) bytes.push(Number(left & 127n) | 128)
  bytes.push(Number(left))
  return Buffer.from(bytes)
}
