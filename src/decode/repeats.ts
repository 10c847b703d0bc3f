// Owns the sharing of sub-messages that come again byte for byte: labels, owners, volumes, conditions, containers.
// Promises slots of a fixed number and size, whose bytes are copies; a value is given back only after all its bytes were compared,
// and kept only after it was read to its end. Does not read messages: whoever asks does, once per change.

import { NATIVE_FROM, sameBytes, sampleOf } from './compare.ts'
import type { Cursor } from './wire.ts'

/** Direct-mapped: one candidate per hash, and the newest wins. */
export interface Repeats<T> {
  readonly values: (T | undefined)[]
  readonly lengths: Int32Array
  readonly copies: Buffer
  readonly view: DataView
  readonly longest: number
  readonly shift: number
}

/** 2^`slotBits` messages of at most `longest` bytes each. Memory that was never used is not touched. */
export function repeatsOf<T extends object>(slotBits: number, longest: number): Repeats<T> {
  const copies = Buffer.alloc(longest << slotBits)
  return {
    values: Array.from({ length: 1 << slotBits }, () => undefined),
    lengths: new Int32Array(1 << slotBits),
    copies,
    view: new DataView(copies.buffer, copies.byteOffset, copies.length),
    longest,
    shift: 32 - slotBits,
  }
}

/** What the bytes from `start` to the end of the cursor's message were read as before, if they were lately. */
export function recall<T>(repeats: Repeats<T>, c: Cursor, start: number, end: number): T | undefined {
  const length = end - start
  if (length > repeats.longest) return undefined
  const slot = sampleOf(c.view, start, length) >>> repeats.shift
  const value = repeats.values[slot]
  if (value === undefined || repeats.lengths[slot] !== length) return undefined
  return holds(repeats, slot * repeats.longest, c, start, length) ? value : undefined
}

function holds<T>(repeats: Repeats<T>, copy: number, c: Cursor, start: number, length: number): boolean {
  return length < NATIVE_FROM
    ? sameBytes(repeats.view, copy, c.view, start, length)
    : c.bytes.compare(repeats.copies, copy, copy + length, start, start + length) === 0
}

/** Keeps what these bytes were read as, and gives it back. Frozen: whoever changed it would change it in every record. */
export function remember<T extends object>(
  repeats: Repeats<T>,
  c: Cursor,
  start: number,
  end: number,
  value: T,
): T {
  const length = end - start
  if (length > repeats.longest) return value
  const slot = sampleOf(c.view, start, length) >>> repeats.shift
  c.bytes.copy(repeats.copies, slot * repeats.longest, start, end)
  repeats.lengths[slot] = length
  repeats.values[slot] = Object.freeze(value)
  return value
}
