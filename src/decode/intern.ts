// Owns the sharing of repeated strings (image names, reasons, node names, label values) between records.
// Promises a fixed bound: a slot is overwritten, nothing grows; a miss costs a copy and is never wrong.
// Does not keep strings longer than `longest` or outside ASCII, which are rarely repeated.

const SLOTS = 8192
/** The top 13 bits of a hash. */
const SLOT_SHIFT = 19
const LONGEST = 64

/** Direct-mapped: one candidate per hash, so that a lookup is one comparison and the newest string wins. */
const table: string[] = Array.from({ length: SLOTS }, () => '')

interface Slices {
  latin1Slice(start: number, end: number): string
  utf8Slice(start: number, end: number): string
}

/** The UTF-8 text of a range, as its own copy: uids, names, messages. Buffer's own slicing, without the encoding look-up of toString. */
export function textOf(bytes: Buffer, start: number, end: number): string {
  return (bytes as Buffer & Slices).utf8Slice(start, end)
}

/** The text of a range, shared with earlier equal ones where that is likely to pay. */
export function internBytes(bytes: Buffer, start: number, end: number): string {
  const length = end - start
  if (length === 0) return ''
  if (length > LONGEST) return textOf(bytes, start, end)
  const middle = start + (length >> 1)
  const slot = slotOf(length, at(bytes, start), at(bytes, middle), at(bytes, end - 2), at(bytes, end - 1))
  const candidate = table[slot] ?? ''
  if (candidate.length === length && equals(candidate, bytes, start)) return candidate
  if (!isAscii(bytes, start, end)) return textOf(bytes, start, end)
  const fresh = (bytes as Buffer & Slices).latin1Slice(start, end)
  table[slot] = fresh
  return fresh
}

/** The same for text that is a string already: equal strings become one. */
export function internText(text: string): string {
  const length = text.length
  if (length === 0 || length > LONGEST) return text
  const code = (index: number): number => text.charCodeAt(Math.max(0, index)) & 255
  const slot = slotOf(length, code(0), code(length >> 1), code(length - 2), code(length - 1))
  const candidate = table[slot]
  if (candidate === text) return candidate
  table[slot] = text
  return text
}

/** From a few bytes only: the comparison that follows reads them all anyway, and a clash costs one copy. */
function slotOf(length: number, first: number, middle: number, last2: number, last: number): number {
  const hash = Math.imul(
    (last << 24) ^ (last2 << 16) ^ (middle << 8) ^ first ^ Math.imul(length, 0x9e3779b1),
    0x85ebca6b,
  )
  return hash >>> SLOT_SHIFT
}

const at = (bytes: Buffer, index: number): number => bytes[index] ?? 0

function isAscii(bytes: Buffer, start: number, end: number): boolean {
  for (let index = start; index < end; index++) if (at(bytes, index) > 127) return false
  return true
}

function equals(text: string, bytes: Buffer, start: number): boolean {
  for (let index = 0; index < text.length; index++)
    if (text.charCodeAt(index) !== bytes[start + index]) return false
  return true
}
