// Owns the sharing of repeated strings (image names, reasons, node names, label values) between records.
// Promises a fixed bound: a slot is overwritten, nothing grows; a miss costs a copy and is never wrong.
// Does not keep strings longer than `longest` or outside ASCII, which are rarely repeated.

const SLOTS = 8192
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
  let hash = length
  let highBits = 0
  for (let at = start; at < end; at++) {
    const byte = bytes[at] ?? 0
    hash = (Math.imul(hash, 31) + byte) | 0
    highBits |= byte
  }
  if (highBits > 127) return textOf(bytes, start, end)
  const slot = slotOf(hash)
  const candidate = table[slot] ?? ''
  if (candidate.length === length && equals(candidate, bytes, start)) return candidate
  const fresh = (bytes as Buffer & Slices).latin1Slice(start, end)
  table[slot] = fresh
  return fresh
}

/** The same for text that is a string already: equal strings become one. */
export function internText(text: string): string {
  const length = text.length
  if (length === 0 || length > LONGEST) return text
  let hash = length
  for (let at = 0; at < length; at++) hash = (Math.imul(hash, 31) + text.charCodeAt(at)) | 0
  const slot = slotOf(hash)
  const candidate = table[slot]
  if (candidate === text) return candidate
  table[slot] = text
  return text
}

const slotOf = (hash: number): number => (hash ^ (hash >>> 13)) & (SLOTS - 1)

function equals(text: string, bytes: Buffer, start: number): boolean {
  for (let at = 0; at < text.length; at++) if (text.charCodeAt(at) !== bytes[start + at]) return false
  return true
}
