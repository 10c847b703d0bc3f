// Owns how words, durations and shares are written for people.
// Promises that no text from a cluster can move the cursor, reorder a line or flood the screen: everything foreign goes through `neutralise`.
// Does not colour (glyphs.ts) and does not lay out (waterfall.ts).

import type { DurationNano } from '../base/time.ts'
import { characterWidth, displayWidth } from './display-width.ts'

/** Long enough for any name and any message that says something. */
const LONGEST = 1000

/**
 * Control characters, line and paragraph separators, bidirectional and invisible marks, fillers, private use, unassigned and lone
 * surrogates: all that can hide, overwrite or reorder what stands beside it.
 */
const HOSTILE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Co}\p{Cn}\p{Cs}\p{Default_Ignorable_Code_Point}]/gu
/** What only chooses how the character before it looks, and makes it wider in some terminals: variation selectors and skin tones. */
const SELECTORS = /[\p{Variation_Selector}\p{Emoji_Modifier}]/gu
/** More marks on one letter than any language writes. */
const PILED_MARKS = /(\p{M}{2})\p{M}+/gu
/** They would stand on what is printed before the text. */
const LEADING_MARKS = /^[\p{M}\s]+/u
const BLANKS = /[\t\n\r\p{Zs}]+/gu

/** One line of harmless text: what is hostile becomes `�`, white space a single blank, and what is too long is cut. */
export function neutralise(text: string, longest = LONGEST): string {
  const head = text.slice(0, longest * 2)
  const plain = head
    .replace(BLANKS, ' ')
    .replace(SELECTORS, '')
    .replace(HOSTILE, '\u{fffd}')
    .replace(PILED_MARKS, '$1')
    .trim()
    .replace(LEADING_MARKS, '')
  return truncate(plain, longest)
}

/** Cuts to a width and says so with an ellipsis. */
export function truncate(text: string, width: number): string {
  if (displayWidth(text) <= width) return text
  return width > 0 ? `${fitting(text, width - 1)}…` : ''
}

/** As much from the start as fits a width. */
function fitting(text: string, width: number): string {
  let used = 0
  let kept = ''
  for (const character of text) {
    used += characterWidth(character)
    if (used > width) break
    kept += character
  }
  return kept
}

/** The same from the other end. */
export function truncateStart(text: string, width: number): string {
  if (displayWidth(text) <= width) return text
  const characters = [...text].reverse()
  let used = 1
  const from = characters.findIndex((character) => (used += characterWidth(character)) > width)
  const kept = characters.slice(0, from).reverse().join('').replace(LEADING_MARKS, '')
  return width > 0 ? `…${kept}` : ''
}

export const padEnd = (text: string, width: number): string =>
  text + ' '.repeat(Math.max(0, width - displayWidth(text)))
export const padStart = (text: string, width: number): string =>
  ' '.repeat(Math.max(0, width - displayWidth(text))) + text

/** Breaks at blanks where it can; at most `lines` lines, the last one cut. */
export function wrap(text: string, width: number, lines: number): string[] {
  const result: string[] = []
  let rest = text
  while (result.length < lines - 1 && displayWidth(rest) > width) {
    const most = fitting(rest, width).length
    const blank = lastBlank(rest, most)
    const at = blank > most / 3 ? blank : most
    result.push(rest.slice(0, at).trimEnd())
    rest = rest.slice(at).trimStart()
  }
  if (rest !== '') result.push(truncate(rest, width))
  return result
}

/** No figure is parted from its unit. */
function lastBlank(text: string, from: number): number {
  let blank = text.lastIndexOf(' ', from)
  while (blank > 0 && /\d$/.test(text.slice(0, blank)) && UNIT.test(text.slice(blank)))
    blank = text.lastIndexOf(' ', blank - 1)
  return blank
}

const UNIT = /^ (?:%|ms|s|min|m|h|d)(?![\w])/

/** As humans read: `0.4 ms`, `834 ms`, `12.4 s`, `2 m 05 s`, `1 h 05 m`, `3 d 04 h`. */
export function formatDuration(duration: DurationNano): string {
  if (duration < 0n) return `-${formatDuration(-duration as DurationNano)}`
  const ms = Number(duration / 1000n) / 1000
  if (ms < 9.95) return `${ms === 0 ? '0' : ms.toFixed(1)} ms`
  if (ms < 999.5) return `${Math.round(ms)} ms`
  if (ms < 59_950) return `${(ms / 1000).toFixed(1)} s`
  const seconds = Math.round(ms / 1000)
  if (seconds < 3600) return pair(seconds, 60, 'm', 's')
  const minutes = Math.round(seconds / 60)
  return minutes < 1440 ? pair(minutes, 60, 'h', 'm') : pair(Math.round(minutes / 60), 24, 'd', 'h')
}

function pair(count: number, base: number, large: string, small: string): string {
  return `${Math.floor(count / base)} ${large} ${String(count % base).padStart(2, '0')} ${small}`
}

/** Parses `500ms`, `5s`, `1.5 s`, `2m`, `1h`, as Go and people write them; undefined where it is none. */
export function parseDuration(text: string): DurationNano | undefined {
  const parts = [...text.trim().matchAll(/(\d+(?:\.\d+)?)\s*(ms|s|m|h)\s*/gy)]
  if (parts.length === 0 || parts.map((part) => part[0]).join('') !== text.trim()) return undefined
  const unit = { ms: 1e6, s: 1e9, m: 60e9, h: 3600e9 }
  const sum = parts.reduce(
    (total, [, count, name]) => total + Number(count) * unit[name as keyof typeof unit],
    0,
  )
  return BigInt(Math.round(sum)) as DurationNano
}

/** `97 %`; never 100 % or 0 % for what is only nearly so. */
export function formatShare(share: number): string {
  const percent = share * 100
  if (percent > 0 && percent < 0.5) return '<1 %'
  if (percent < 100 && percent > 99) return '>99 %'
  return `${Math.round(percent)} %`
}

export const plural = (count: number, one: string, many = `${one}s`): string =>
  `${count} ${count === 1 ? one : many}`

/** `a, b and c`. */
export function list(words: readonly string[]): string {
  if (words.length < 2) return words.join('')
  return `${words.slice(0, -1).join(', ')} and ${words.at(-1)}`
}
