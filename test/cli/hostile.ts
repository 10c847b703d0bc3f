// Owns objects as somebody would write them who wants to harm a terminal: recordings whose free text is poisoned.
// Promises that equal texts are poisoned equally, so that objects still find each other by name. Does not run commands.

import assert from 'node:assert/strict'
import { displayWidth } from '../../src/cli/display-width.ts'
import type { Obj } from '../simulator/encode.ts'
import { changesOf } from './surroundings.ts'

/** What moves a cursor, sets a title or a clipboard, hides, reorders, is wide, piles up, or is merely long. */
export const POISONS: readonly string[] = [
  '\u001b[2J\u001b[H\u001b[31m',
  '\u001b]0;title\u0007\u001b]52;c;Z2Vib21ibQ==\u0007',
  '\u009b2J\u0090q\u009c\u0085',
  '\r\n\t\v\f\b\b\b\u0000\u007f',
  '\u202e\u2066txt.exe\u2069\u200f\u061c',
  '\u200b\u200d\ufeff\u2060\u00ad\u3164\u034f',
  '日本語テキスト한국어',
  '\u1100\u1161\u11a8👩\u200d👩\u200d👧❤\ufe0f👍🏽🇩🇪⌚',
  `e${'\u0301'.repeat(500)}`,
  'שלום עולם مرحبا',
  '\u2028\u2029',
  '\ud800x\udfff',
  '<script>alert(1)</script>{"a":"\\u001b"}',
  'x'.repeat(10_000),
  '日'.repeat(5_000),
]

const FREE_TEXT: ReadonlySet<string> = new Set([
  'name',
  'namespace',
  'nodeName',
  'generateName',
  'message',
  'note',
  'image',
  'host',
  'component',
  'containerID',
  'imageID',
  'resourceName',
])

/** A poison for each free text of the object and for its labels' values; the same for the same text. */
export function poisoned(object: Obj, poisons: readonly string[]): Obj {
  const visit = (value: unknown, key: string): unknown => {
    if (typeof value === 'string')
      return FREE_TEXT.has(key) ? value + (poisons[hash(value) % poisons.length] ?? '') : value
    if (Array.isArray(value)) return value.map((each) => visit(each, key))
    if (value === null || typeof value !== 'object') return value
    const free = key === 'labels' || key === 'matchLabels' || key === 'nodeSelector'
    return Object.fromEntries(
      Object.entries(value).map(([name, each]) => [name, visit(each, free ? 'name' : name)]),
    )
  }
  return visit(object, '') as Obj
}

const hash = (text: string): number =>
  [...text].reduce((sum, character) => (sum * 31 + (character.codePointAt(0) ?? 0)) >>> 0, 7)

/** The recording's frames as lines, poisoned. */
export function poisonedRecording(name: string, poisons: readonly string[]): Buffer {
  const lines = changesOf(name).map(({ object, ...frame }) =>
    JSON.stringify({ ...frame, object: poisoned(object, poisons) }, (_, value) =>
      typeof value === 'bigint' ? String(value) : value,
    ),
  )
  return Buffer.from([JSON.stringify({ podspan: 'recording/v1' }), ...lines, ''].join('\n'))
}

const OWN_COLOURS = new RegExp(`${String.fromCharCode(27)}\\[\\d{1,2}m`, 'g')
const HARMFUL = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Co}\p{Cs}\p{Default_Ignorable_Code_Point}]/u

export function assertHarmless(text: string, widest = Number.POSITIVE_INFINITY): void {
  for (const line of text.replace(OWN_COLOURS, '').split('\n')) {
    assert.doesNotMatch(line, HARMFUL)
    assert.ok(displayWidth(line) <= widest, `${displayWidth(line)} > ${widest}: ${line}`)
  }
}

/** One document a line, each of them JSON, and nothing in it that a terminal obeys. */
export function assertHarmlessJson(text: string): void {
  assertHarmless(text)
  for (const line of text.split('\n').slice(0, -1)) JSON.parse(line)
}
