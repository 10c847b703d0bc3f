import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MILLISECOND, milliseconds, SECOND } from '../../src/base/time.ts'
import { formatDuration, parseDuration } from '../../src/session/duration.ts'

const GOOD: readonly (readonly [text: string, nanoseconds: bigint])[] = [
  ['0s', 0n],
  ['30s', 30n * SECOND],
  ['1h30m', 5400n * SECOND],
  ['1.5h', 5400n * SECOND],
  ['250ms', 250n * MILLISECOND],
  ['1m0.5s', 60_500n * MILLISECOND],
  ['10us', 10_000n],
  ['1ns', 1n],
]

for (const [text, nanoseconds] of GOOD) {
  test(`${text} is a duration`, () => assert.equal(parseDuration(text), nanoseconds))
}

for (const text of [
  '',
  '1d',
  '30',
  's',
  '-1s',
  '+1s',
  '1 h',
  '1.h',
  '.5h',
  '1H',
  '1234567s',
  '1h'.repeat(11),
  'forever',
]) {
  test(`'${text}' is none`, () => assert.equal(parseDuration(text), undefined))
}

const SAID: readonly (readonly [ms: number, text: string])[] = [
  [0, '0s'],
  [0.4, '0.4ms'],
  [2, '2ms'],
  [9.96, '10ms'],
  [834.4, '834ms'],
  [2100, '2.1s'],
  [2000, '2s'],
  [12_440, '12.4s'],
  [60_000, '1m'],
  [125_000, '2m5s'],
  [5_400_000, '1h30m'],
  [3_600_000, '1h'],
]

for (const [ms, text] of SAID) {
  test(`${ms} ms are said as ${text}, which is a duration again`, () => {
    assert.equal(formatDuration(milliseconds(ms)), text)
    assert.notEqual(parseDuration(text), undefined)
  })
}
