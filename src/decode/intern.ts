// Owns the sharing of repeated strings (image names, reasons, node names, label values, uids) between records.
// Promises a fixed bound: a slot is overwritten, nothing grows; a miss costs a copy and is never wrong.
// Does not keep strings longer than `LONGEST` or outside ASCII, which are rarely repeated.

import { sameBytes, sampleOf } from './compare.ts'

/** As a power of two: the two tables are direct-mapped, one candidate per hash, so that the newest string wins. */
const SLOT_BITS = 14
const LONGEST = 63
const SLOT_BYTES = 64

const texts: string[] = Array.from({ length: 1 << SLOT_BITS }, () => '')
/**
 * The same strings as bytes, each after its length: words are compared several times faster than characters, and the string itself,
 * which lies anywhere in memory, is not looked at.
 */
const copies = Buffer.alloc(SLOT_BYTES << SLOT_BITS)
const copiesView = new DataView(copies.buffer, copies.byteOffset, copies.length)

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
  const slot = sampleOf(view, start, length) >>> (32 - SLOT_BITS)
  const copy = slot * SLOT_BYTES
  if (copies[copy] === length && sameBytes(copiesView, copy + 1, view, start, length))
    return texts[slot] ?? ''
  if (!isAscii(bytes, start, end)) return textOf(bytes, start, end)
  const fresh = (bytes as Buffer & Slices).latin1Slice(start, end)
  copies[copy] = length
  bytes.copy(copies, copy + 1, start, end)
  texts[slot] = fresh
  return fresh
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
