// Owns the two alphabets that a waterfall is drawn with, and the colour of each actor.
// Promises that the ASCII one contains nothing above 0x7e, and that plain text carries no escape sequence.
// Does not decide which of them is used: see terminal.ts.

import { characterWidth } from './display-width.ts'

export interface Glyphs {
  /** Fills a cell from the left, by eighths: `eighths[0]` is one eighth. */
  readonly eighths: readonly string[]
  readonly full: string
  readonly rightHalf: string
  readonly rightEighth: string
  /** Inside the best estimate, but the boundary may lie further in. */
  readonly likely: string
  /** Outside the best estimate; the boundary may lie this far out. */
  readonly possible: string
  readonly critical: string
  readonly failed: string
  readonly axis: string
  readonly axisTick: string
  readonly circa: string
}

export const UNICODE: Glyphs = {
  eighths: ['▏', '▎', '▍', '▌', '▋', '▊', '▉'],
  full: '█',
  rightHalf: '▐',
  rightEighth: '▕',
  likely: '▒',
  possible: '░',
  critical: '▸',
  failed: '✗',
  axis: '─',
  axisTick: '┬',
  circa: '~',
}

export const ASCII: Glyphs = {
  eighths: ['|', '|', '|', '=', '=', '=', '='],
  full: '=',
  rightHalf: '=',
  rightEighth: '|',
  likely: '-',
  possible: '.',
  critical: '*',
  failed: 'x',
  axis: '-',
  axisTick: '+',
  circa: '~',
}

const REPLACEMENTS: Readonly<Record<string, string>> = {
  '…': '.',
  '×': 'x',
  '–': '-',
  '—': '-',
  '−': '-',
  '→': '>',
  '≤': '<',
}

/** A column for a column, so that they stay straight; our own colours are ASCII and stay too. */
export function toAscii(text: string): string {
  return text.replace(
    /[\u{80}-\u{10ffff}]/gu,
    (character) => REPLACEMENTS[character] ?? '?'.repeat(characterWidth(character)),
  )
}

export type Style = 'bold' | 'dim' | 'red' | 'yellow' | 'green' | 'blue' | 'magenta' | 'cyan' | 'grey'
export type Paint = (style: Style, text: string) => string

const CODES: Readonly<Record<Style, readonly [number, number]>> = {
  bold: [1, 22],
  dim: [2, 22],
  red: [31, 39],
  green: [32, 39],
  yellow: [33, 39],
  blue: [34, 39],
  magenta: [35, 39],
  cyan: [36, 39],
  grey: [90, 39],
}

export const plain: Paint = (_style, text) => text

export const ansi: Paint = (style, text) => {
  if (text.trim() === '') return text
  const [on, off] = CODES[style]
  return `\u001b[${on}m${text}\u001b[${off}m`
}

const COLOURS = new RegExp(`${String.fromCharCode(27)}\\[\\d+m`, 'g')

export const withoutColours = (text: string): string => text.replace(COLOURS, '')

const ACTORS: Readonly<Record<string, Style>> = {
  'kube-scheduler': 'yellow',
  kubelet: 'cyan',
  'container runtime': 'blue',
  container: 'green',
  podspan: 'grey',
}

/** Every other actor (provisioners, drivers, gates) is rare enough to share one. */
export const colourOf = (actor: string): Style => ACTORS[actor] ?? 'magenta'
