// Owns the way from OTLP's protobuf to OTLP/JSON: lowerCamelCase names, hexadecimal ids, 64-bit integers as text.
// Promises every field of the table, and none that was not sent. Bytes that are no message throw a DecodeFailure.
// Does not know what a span means.

import type { Field, FieldKind, Message } from './otlp-messages.ts'
import { DecodeFailure } from './result.ts'
import { type Cursor, cursor, enter, leave, readInt, readTag, readText, skip } from './wire.ts'

type Json = Record<string, unknown>

/** Attributes may hold lists of lists; deeper than this nobody means them. */
const DEEPEST = 32

export function toJson(message: Message, bytes: Uint8Array): Json {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
  return readMessage(cursor(buffer), message, 0)
}

function readMessage(c: Cursor, message: Message, depth: number): Json {
  if (depth > DEEPEST) throw new DecodeFailure('malformed', 'values are nested too deeply', `byte ${c.at}`)
  const json: Json = {}
  while (c.at < c.end) {
    const tag = readTag(c)
    const field = message.find(({ number }) => number === tag >>> 3)
    if (field === undefined || (tag & 7) !== wireOf(field.kind)) skip(c, tag)
    else put(json, field, readValue(c, field.kind, depth))
  }
  return json
}

function put(json: Json, { name, repeated }: Field, value: unknown): void {
  if (!repeated) json[name] = value
  else if (Array.isArray(json[name])) (json[name] as unknown[]).push(value)
  else json[name] = [value]
}

const FIXED64 = 1
const SIZED = 2
const FIXED32 = 5

export function wireOf(kind: Field['kind']): number {
  if (typeof kind === 'function' || kind === 'text' || kind === 'id' || kind === 'bytes') return SIZED
  if (kind === 'fixed64' || kind === 'double') return FIXED64
  return kind === 'fixed32' ? FIXED32 : 0
}

function readValue(c: Cursor, kind: FieldKind | (() => Message), depth: number): unknown {
  if (typeof kind === 'function') {
    const outer = enter(c)
    const json = readMessage(c, kind(), depth + 1)
    leave(c, outer)
    return json
  }
  switch (kind) {
    case 'text':
      return readText(c)
    case 'id':
      return sized(c).toString('hex')
    case 'bytes':
      return sized(c).toString('base64')
    case 'bool':
      return readInt(c) !== 0
    case 'number':
      return readInt(c)
    case 'int64':
      return readBigInt(c).toString()
    case 'fixed32':
      return fixed(c, 4).readUInt32LE()
    case 'fixed64':
      return fixed(c, 8).readBigUInt64LE().toString()
    case 'double':
      return doubleJson(fixed(c, 8).readDoubleLE())
  }
}

/** Proto3 JSON spells what JSON has no number for. */
const doubleJson = (value: number): number | string => (Number.isFinite(value) ? value : String(value))

function sized(c: Cursor): Buffer {
  const outer = enter(c)
  const bytes = c.bytes.subarray(c.at, c.end)
  leave(c, outer)
  return bytes
}

function fixed(c: Cursor, length: number): Buffer {
  const at = c.at
  skip(c, length === 8 ? FIXED64 : FIXED32)
  return c.bytes.subarray(at, at + length)
}

/** `readInt` is exact up to 2^53; an attribute may be any int64. */
function readBigInt(c: Cursor): bigint {
  const start = c.at
  const short = readInt(c)
  if (Number.isSafeInteger(short)) return BigInt(short)
  let value = 0n
  for (let at = start; at < c.at; at++) value |= BigInt((c.bytes[at] ?? 0) & 127) << BigInt(7 * (at - start))
  return BigInt.asIntN(64, value)
}
