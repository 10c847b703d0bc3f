// Owns the sharing of repeated strings (image names, reasons, node names, label values, uids) between records.
// Promises a bound: the table grows to it as it is used, then a slot is overwritten; a miss costs a copy and is never wrong.
// Does not keep strings longer than `LONGEST` or outside ASCII, which are rarely repeated.

import { sameBytes, sampleOf } from './compare.ts'

/** As powers of two: the two tables are direct-mapped, one candidate per hash, so that the newest string wins. */
const SLOT_BITS = 14
/** Of the table of bytes at first: an idle process knows few strings. */
const FIRST_SLOT_BITS = 10
const GROWTH_BITS = 2
const LONGEST = 63
const SLOT_BYTES = 64

interface Slots {
  readonly texts: string[]
  /**
   * The same strings as bytes, each after its length: words are compared several times faster than characters, and the string itself,
   * which lies anywhere in memory, is not looked at.
   */
  readonly copies: Buffer
  readonly view: DataView
  readonly shift: number
}

let slots = slotsOf(FIRST_SLOT_BITS)
/** Strings that took the slot of another since the table grew. */
let displaced = 0

function slotsOf(slotBits: number): Slots {
  const copies = Buffer.alloc(SLOT_BYTES << slotBits)
  return {
    texts: Array.from({ length: 1 << slotBits }, () => ''),
    copies,
    view: new DataView(copies.buffer, copies.byteOffset, copies.length),
    shift: 32 - slotBits,
  }
}

interface Slices {
  latin1Slice(start: number, end: number): string
  utf8Slice(start: number, end: number): string
}

/** The UTF-8 text of a range, as its own copy: versions, messages. Buffer's own slicing, without the encoding look-up of toString. */
export function textOf(bytes: Buffer, start: number, end: number): string {
  return (bytes as Buffer & Slices).utf8Slice(start, end)
}

/** The text of a range, shared with earlier equal ones where that is likely to pay. `view` shows the same bytes. */
export function internBytes(bytes: Buffer, view: DataView, start: number, end: number): string {
  const length = end - start
  if (length === 0) return ''
  if (length > LONGEST) return textOf(bytes, start, end)
  const hash = sampleOf(view, start, length)
  const { texts, copies, view: known, shift } = slots
  const slot = hash >>> shift
  const copy = slot * SLOT_BYTES
  if (copies[copy] === length && sameBytes(known, copy + 1, view, start, length)) return texts[slot] ?? ''
  if (!isAscii(bytes, start, end)) return textOf(bytes, start, end)
  const fresh = (bytes as Buffer & Slices).latin1Slice(start, end)
  if (copies[copy] !== 0 && isCrowded()) grow()
  keep(bytes, start, hash, fresh)
  return fresh
}

function keep(bytes: Buffer, start: number, hash: number, text: string): void {
  const { texts, copies, shift } = slots
  const slot = hash >>> shift
  copies[slot * SLOT_BYTES] = text.length
  bytes.copy(copies, slot * SLOT_BYTES + 1, start, start + text.length)
  texts[slot] = text
}

/** As many were displaced as there are slots: what comes again is no longer found often enough. */
function isCrowded(): boolean {
  if (slots.shift === 32 - SLOT_BITS) return false
  displaced += 1
  return displaced >= slots.texts.length
}

function grow(): void {
  const { texts, copies, view, shift } = slots
  displaced = 0
  slots = slotsOf(Math.min(SLOT_BITS, 32 - shift + GROWTH_BITS))
  for (const [slot, text] of texts.entries()) {
    const start = slot * SLOT_BYTES + 1
    if (text !== '') keep(copies, start, sampleOf(view, start, text.length), text)
  }
}

function isAscii(bytes: Buffer, start: number, end: number): boolean {
  for (let index = start; index < end; index++) if ((bytes[index] ?? 0) > 127) return false
  return true
}

const parsed: string[] = Array.from({ length: 1 << SLOT_BITS }, () => '')

/** The same for text that is a string already: equal strings become one. */
export function internText(text: string): string {
  const length = text.length
  if (length === 0 || length > LONGEST) return text
  const code = (index: number): number => text.charCodeAt(Math.max(0, index))
  const word = (index: number): number => (code(index) << 16) ^ (code(index + 1) << 8) ^ code(index + 2)
  const hash = word(0) ^ Math.imul(word(length >> 1), 0x9e3779b1) ^ Math.imul(word(length - 3), 0x85ebca6b)
  const slot = Math.imul(hash ^ length, 0xc2b2ae35) >>> (32 - SLOT_BITS)
  const candidate = parsed[slot]
  if (candidate === text) return candidate
  parsed[slot] = text
  return text
}
