// Owns comparing and sampling ranges of bytes by words, for the tables of what repeats.
// Promises that `sameBytes` reads every byte of both ranges and none outside them.
// Does not keep anything.

/** From here on one native call is cheaper than a loop over words. */
export const NATIVE_FROM = 256

/** A hash of a few of the bytes: the comparison that follows a hit reads them all anyway, and a clash costs one copy. */
export function sampleOf(view: DataView, start: number, length: number): number {
  if (length < 4) return mix(smallWord(view, start, length), length)
  const last = start + length - 4
  let hash = view.getInt32(start, true) ^ Math.imul(view.getInt32(last, true), 0x85ebca6b)
  hash ^= Math.imul(view.getInt32(start + (length >> 1) - 2, true), 0xc2b2ae35)
  if (length >= 32) hash ^= Math.imul(quarters(view, start, length), 0x27d4eb2f)
  return mix(hash, length)
}

/** What tells long runs apart lies anywhere. */
function quarters(view: DataView, start: number, length: number): number {
  const quarter = length >> 2
  const second = Math.imul(view.getInt32(start + length - quarter - 4, true), 0x165667b1)
  return view.getInt32(start + quarter, true) ^ second
}

/** A hash of every whole word of the range: for what differs in a few characters anywhere, such as an image's tag. */
export function hashOf(view: DataView, start: number, length: number): number {
  let hash = length
  for (let at = start; at <= start + length - 4; at += 4)
    hash = Math.imul(hash ^ view.getInt32(at, true), 0x9e3779b1)
  return mix(hash, length)
}

const mix = (hash: number, length: number): number =>
  Math.imul(hash ^ (hash >>> 15) ^ Math.imul(length, 0x9e3779b1), 0x2c1b3c6d)

function smallWord(view: DataView, start: number, length: number): number {
  let word = 0
  for (let index = start; index < start + length; index++) word = (word << 8) | view.getUint8(index)
  return word
}

/** Equality of two ranges of the same length; the last word overlaps the one before it. */
export function sameBytes(a: DataView, aStart: number, b: DataView, bStart: number, length: number): boolean {
  if (length < 4) return smallWord(a, aStart, length) === smallWord(b, bStart, length)
  const last = length - 4
  for (let at = 0; at < last; at += 4)
    if (a.getInt32(aStart + at, true) !== b.getInt32(bStart + at, true)) return false
  return a.getInt32(aStart + last, true) === b.getInt32(bStart + last, true)
}
