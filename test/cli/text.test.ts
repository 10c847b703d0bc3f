import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { type DurationNano, durationNano, milliseconds } from '../../src/base/time.ts'
import { displayWidth } from '../../src/cli/display-width.ts'
import {
  formatDuration,
  formatShare,
  list,
  neutralise,
  parseDuration,
  truncate,
  truncateStart,
  wrap,
} from '../../src/cli/text.ts'

const DURATIONS: readonly (readonly [number, string])[] = [
  [0, '0 ms'],
  [0.4, '0.4 ms'],
  [9.94, '9.9 ms'],
  [12, '12 ms'],
  [834, '834 ms'],
  [999.6, '1.0 s'],
  [1234, '1.2 s'],
  [12_400, '12.4 s'],
  [59_940, '59.9 s'],
  [59_960, '1 m 00 s'],
  [125_000, '2 m 05 s'],
  [3_599_600, '1 h 00 m'],
  [3_900_000, '1 h 05 m'],
  [273_600_000, '3 d 04 h'],
  [-834, '-834 ms'],
]

for (const [ms, text] of DURATIONS) {
  test(`${ms} milliseconds read ${text}`, () => assert.equal(formatDuration(milliseconds(ms)), text))
}

const WRITTEN: readonly (readonly [string, number | undefined])[] = [
  ['500ms', 500],
  ['5s', 5000],
  ['1.5 s', 1500],
  ['2m', 120_000],
  ['1h30m', 5_400_000],
  ['5', undefined],
  ['5 parsecs', undefined],
  ['-5s', undefined],
  ['', undefined],
  ['5s nonsense', undefined],
]

for (const [text, ms] of WRITTEN) {
  test(`${JSON.stringify(text)} is ${ms === undefined ? 'no duration' : `${ms} ms`}`, () => {
    assert.equal(parseDuration(text), ms === undefined ? undefined : milliseconds(ms))
  })
}

test('a larger duration never reads shorter in its largest unit', () => {
  const nanos = fc.bigInt({ min: 0n, max: 10n ** 15n })
  fc.assert(
    fc.property(nanos, (length) =>
      assert.match(formatDuration(durationNano(length)), /^\d+(\.\d)? (ms|s|[mhd] \d\d [smh])$/),
    ),
  )
  const longest: DurationNano = durationNano(10n ** 18n)
  assert.match(formatDuration(longest), /^\d+ d \d\d h$/)
})

const SHARES: readonly (readonly [number, string])[] = [
  [0, '0 %'],
  [0.001, '<1 %'],
  [0.714, '71 %'],
  [0.996, '>99 %'],
  [1, '100 %'],
]

for (const [share, text] of SHARES)
  test(`a share of ${share} reads ${text}`, () => assert.equal(formatShare(share), text))

test('any text at all becomes one harmless line of bounded length', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 3000 }), (text) => {
      const line = neutralise(text, 100)
      assert.doesNotMatch(line, /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/u)
      assert.ok(displayWidth(line) <= 100)
      assert.equal(neutralise(line, 100), line)
    }),
  )
})

test('harmless text is left as it is', () => {
  assert.equal(neutralise('Größe: 日本 (1.4 MiB) – “ok”'), 'Größe: 日本 (1.4 MiB) – “ok”')
})

test('text is cut to a width from either end', () => {
  assert.deepEqual(
    [truncate('checkout', 5), truncate('日本語', 5), truncateStart('acme/checkout', 6)],
    ['chec…', '日本…', '…ckout'],
  )
})

test('wrapping breaks at blanks, keeps every word, and cuts the last line', () => {
  assert.deepEqual(wrap('one two three four', 9, 5), ['one two', 'three', 'four'])
  assert.deepEqual(wrap('one two three four', 9, 2), ['one two', 'three fo…'])
  assert.deepEqual(wrap('averyverylongword', 6, 5), ['averyv', 'erylon', 'gword'])
})

test('wrapping parts no figure from its unit', () => {
  assert.deepEqual(wrap('waited 14.8 s (39 %) for web', 16, 5), ['waited 14.8 s', '(39 %) for web'])
  assert.deepEqual(wrap('after 2 min 2 s it was on', 14, 5), ['after 2 min', '2 s it was on'])
  assert.deepEqual(wrap('revision 3 shows it', 10, 5), ['revision 3', 'shows it'])
})

test('lists read as sentences do', () => {
  assert.deepEqual([list(['a']), list(['a', 'b']), list(['a', 'b', 'c'])], ['a', 'a and b', 'a, b and c'])
})
