// Owns the sharing of sub-messages that come again byte for byte: labels, owners, volumes, conditions, containers.
// Promises slots of a fixed size and bounded number, whose bytes are copies; a value is given back only after all its bytes were compared,
// and kept only after it was read to its end. Does not read messages: whoever asks does, once per change.

import { NATIVE_FROM, sameBytes, sampleOf } from './compare.ts'
import type { Cursor } from './wire.ts'

/** Direct-mapped: one candidate per hash, and the newest wins. */
export interface Repeats<T> {
  values: (T | undefined)[]
  lengths: Int32Array
  copies: Buffer
  view: DataView
  readonly longest: number
  shift: number
  /** Of the greatest number of slots. */
  readonly leastShift: number
  /** Values that took the slot of another since the last growth. */
  displaced: number
}

/** Slots at first: an idle process knows few messages, and the greatest tables of all kinds are 6 MB. */
const FIRST_SLOT_BITS = 6
/** A table grows by so many bits at once. */
const GROWTH_BITS = 2

/** Up to 2^`slotBits` messages of at most `longest` bytes each. */
export function repeatsOf<T extends object>(slotBits: number, longest: number): Repeats<T> {
  const leastShift = 32 - slotBits
  return { ...slotsOf<T>(Math.min(slotBits, FIRST_SLOT_BITS), longest), longest, leastShift, displaced: 0 }
}

function slotsOf<T>(slotBits: number, longest: number) {
  const copies = Buffer.alloc(longest << slotBits)
  return {
    values: Array.from({ length: 1 << slotBits }, (): T | undefined => undefined),
    lengths: new Int32Array(1 << slotBits),
    copies,
    view: new DataView(copies.buffer, copies.byteOffset, copies.length),
    shift: 32 - slotBits,
  }
}

/** What was kept goes to its new slot; of two that meet there, one is read again when it comes again. */
function grow<T>(repeats: Repeats<T>): void {
  const { values, lengths, copies, view, longest, shift, leastShift } = repeats
  Object.assign(repeats, slotsOf<T>(32 - Math.max(leastShift, shift - GROWTH_BITS), longest), {
    displaced: 0,
  })
  for (const [from, value] of values.entries()) {
    if (value === undefined) continue
    const length = lengths[from] ?? 0
    const slot = sampleOf(view, from * longest, length) >>> repeats.shift
    copies.copy(repeats.copies, slot * longest, from * longest, from * longest + length)
    repeats.lengths[slot] = length
    repeats.values[slot] = value
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
  const hash = sampleOf(c.view, start, length)
  if (repeats.values[hash >>> repeats.shift] !== undefined && isCrowded(repeats)) grow(repeats)
  const slot = hash >>> repeats.shift
  c.bytes.copy(repeats.copies, slot * repeats.longest, start, end)
  repeats.lengths[slot] = length
  repeats.values[slot] = Object.freeze(value)
  return value
}

/** As many were displaced as there are slots: what comes again is no longer found often enough. */
function isCrowded<T>(repeats: Repeats<T>): boolean {
  if (repeats.shift === repeats.leastShift) return false
  repeats.displaced += 1
  return repeats.displaced >= repeats.values.length
}
