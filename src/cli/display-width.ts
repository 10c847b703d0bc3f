// Owns how many columns of a terminal a text takes.
// Promises what terminals agree on: East Asian wide and emoji take two, marks on a letter none. For text without control characters.
// Does not cut and does not pad: see text.ts.

import { eastAsianWidth } from 'get-east-asian-width'

const NARROW = /^[\x20-\x7e]*$/
/** Non-spacing and enclosing marks; and the vowels and finals of Hangul, which join the letter before them. */
const ZERO_WIDTH = /[\p{Mn}\p{Me}\u1160-\u11ff\ud7b0-\ud7ff]/u

export function displayWidth(text: string): number {
  if (NARROW.test(text)) return text.length
  let width = 0
  for (const character of text) width += characterWidth(character)
  return width
}

export function characterWidth(character: string): number {
  if (character < '\u0300') return 1
  if (ZERO_WIDTH.test(character)) return 0
  return eastAsianWidth(character.codePointAt(0) ?? 0)
}
