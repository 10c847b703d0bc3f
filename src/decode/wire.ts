// Owns the protobuf wire format: varints, lengths, strings, and skipping what is not wanted.
// Promises that no read passes the end of the message it is in; a violation is a DecodeFailure with the byte offset.
// Does not know any message.

import { MICROSECOND, SECOND, toBigint, type UnixNano, unixNano } from '../base/time.ts'
import { internBytes, textOf } from './intern.ts'
import { DecodeFailure } from './result.ts'

/** A place in the bytes and the end of the message around it. `end` is narrowed by `enter` and widened again by `leave`. */
export interface Cursor {
  readonly bytes: Buffer
  /** The same bytes, to be compared by words. */
  readonly view: DataView
  at: number
  end: number
}

export const cursor = (bytes: Buffer, start = 0, end = bytes.length): Cursor => ({
  bytes,
  view: new DataView(bytes.buffer, bytes.byteOffset, bytes.length),
  at: start,
  end,
})

/** A cursor of its own over a part of the same bytes. */
export const part = (c: Cursor, start: number, end: number): Cursor => ({
  bytes: c.bytes,
  view: c.view,
  at: start,
  end,
})

function truncated(c: Cursor): DecodeFailure {
  return new DecodeFailure('truncated', 'the message ends inside a field', `byte ${c.at}`)
}

function nextByte(c: Cursor): number {
  if (c.at >= c.end) throw truncated(c)
  return c.bytes[c.at++] ?? 0
}

/** An int64 as a number: exact up to 2^53, negative ones included (they are written as ten bytes). */
export function readInt(c: Cursor): number {
  const first = nextByte(c)
  return first < 128 ? first : readLongInt(c, first & 127)
}

function readLongInt(c: Cursor, first: number): number {
  let low = first
  for (let shift = 7; shift < 28; shift += 7) {
    const byte = nextByte(c)
    low |= (byte & 127) << shift
    if (byte < 128) return low
  }
  const middle = nextByte(c)
  low |= (middle & 15) << 28
  let high = (middle & 127) >> 4
  if (middle < 128) return high * 4294967296 + (low >>> 0)
  for (let shift = 3; shift <= 31; shift += 7) {
    const byte = nextByte(c)
    high |= (byte & 127) << shift
    if (byte < 128) return high * 4294967296 + (low >>> 0)
  }
  throw new DecodeFailure('malformed', 'a varint is longer than ten bytes', `byte ${c.at}`)
}

/** The tag of the next field: its number × 8 + its wire type (0 varint, 1 eight bytes, 2 length-delimited, 5 four bytes). */
export const readTag = readInt

/**
 * Whether the field that comes has a value. Go writes an unset text, time or number that is no pointer as an empty one, and JSON
 * leaves it out: that is passed over here.
 */
export function present(c: Cursor): boolean {
  if (c.at >= c.end || c.bytes[c.at] !== 0) return true
  c.at += 1
  return false
}

/** The tag of the next field that is `present`, for messages in which each empty value is an absent one; 0 at the end. */
export function nextSet(c: Cursor): number {
  while (c.at < c.end) {
    const tag = readTag(c)
    if ((tag & 5) !== 0 || present(c)) return tag
  }
  return 0
}

/** Reads a length and enters the message of that length; returns the end to give back to `leave`. */
export function enter(c: Cursor): number {
  const length = readInt(c)
  const outer = c.end
  if (length < 0 || length > outer - c.at) throw truncated(c)
  c.end = c.at + length
  return outer
}

export function leave(c: Cursor, outer: number): void {
  c.at = c.end
  c.end = outer
}

function span(c: Cursor): number {
  const length = readInt(c)
  const start = c.at
  if (length < 0 || length > c.end - start) throw truncated(c)
  c.at = start + length
  return start
}

export function readText(c: Cursor): string {
  const start = span(c)
  return textOf(c.bytes, start, c.at)
}

/** For values that repeat over objects; see intern.ts. */
export function readShared(c: Cursor): string {
  const start = span(c)
  return internBytes(c.bytes, c.view, start, c.at)
}

/** Where the run of fields with this one-byte tag ends, whose first tag was just read. The cursor stays. */
export function runEnd(c: Cursor, tag: number): number {
  const start = c.at
  span(c)
  while (c.at < c.end && c.bytes[c.at] === tag) {
    c.at += 1
    span(c)
  }
  const end = c.at
  c.at = start
  return end
}

export const readBool = (c: Cursor): boolean => readInt(c) !== 0

export function skip(c: Cursor, tag: number): void {
  const wire = tag & 7
  if (wire === 2) span(c)
  else if (wire === 0) readInt(c)
  else if (wire === 1) advance(c, 8)
  else if (wire === 5) advance(c, 4)
  else throw new DecodeFailure('malformed', 'an unknown wire type', `byte ${c.at}`)
}

function advance(c: Cursor, length: number): void {
  if (length > c.end - c.at) throw truncated(c)
  c.at += length
}

/** `metav1.Time`. The zero time is an empty message, so not `present`. Its nanos are ignored, as the API server ignores them. */
export function readSeconds(c: Cursor): number {
  const outer = enter(c)
  let seconds = 0
  while (c.at < c.end) {
    const tag = readTag(c)
    if (tag === 8) seconds = readInt(c)
    else skip(c, tag)
  }
  leave(c, outer)
  return seconds
}

/** `metav1.MicroTime`, cut to the microsecond that JSON shows; empty as above. */
export function readMicroTime(c: Cursor): UnixNano {
  const outer = enter(c)
  let seconds = 0
  let nanos = 0
  while (c.at < c.end) {
    const tag = readTag(c)
    if (tag === 8) seconds = readInt(c)
    else if (tag === 16) nanos = readInt(c)
    else skip(c, tag)
  }
  leave(c, outer)
  return unixNano(toBigint(seconds) * SECOND + toBigint(Math.trunc(nanos / 1000)) * MICROSECOND)
}
