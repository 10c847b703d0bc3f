// Owns the page's figures: quantiles, sums, scales, steps, and how lengths are said.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { bounded, panned, ticksOf, zoomed } from '../../../src/web/page/scale.ts'
import { countSteps } from '../../../src/web/page/steps.ts'
import { fewest, quantilesOf, scaleOf, sharesOf } from '../../../src/web/page/sums.ts'
import {
  ageText,
  bytesText,
  lengthText,
  percentText,
  tickText,
  whyText,
} from '../../../src/web/page/words.ts'

test('quantiles are values that occurred', () => {
  const found = quantilesOf([5, 1, 4, 2, 3])
  assert.deepEqual(found, { count: 5, p50: 3, p90: 5, p99: 5, max: 5 })
  assert.equal(quantilesOf([]), undefined)
})

test('the parts of a sum add up to it, and the rest is one part', () => {
  const shares = sharesOf([
    [
      ['a', 0, 60],
      ['b', 60, 90],
    ],
    [
      ['b', 0, 5],
      ['c', 5, 10],
    ],
  ])
  assert.deepEqual(
    shares.map(({ operation, ms, starts }) => [operation, ms, starts]),
    [
      ['a', 60, 1],
      ['b', 35, 2],
      ['c', 5, 1],
    ],
  )
  const few = fewest(shares, 2)
  assert.equal(few.length, 2)
  assert.equal(
    few.reduce((sum, { share }) => sum + share, 0),
    1,
  )
})

test('forty minutes do not make a hair of all others', () => {
  const usual = Array.from({ length: 99 }, () => 400)
  assert.equal(scaleOf([...usual, 2_400_000]), 640)
  assert.equal(scaleOf([100, 200, 300]), 300)
  assert.equal(scaleOf([]), 1)
})

test('zooming and panning never leave the picture', () => {
  const all = { from: -100, to: 1000 }
  assert.deepEqual(zoomed(all, 2, 0.5, all), all)
  assert.deepEqual(panned({ from: 0, to: 100 }, -5, all), { from: -100, to: 0 })
  assert.deepEqual(panned({ from: 900, to: 1000 }, 3, all), { from: 900, to: 1000 })
  const deep = zoomed({ from: 5, to: 5.011 }, 0.1, 0.5, all)
  assert.ok(Math.abs(deep.to - deep.from - 0.01) < 1e-9)
  assert.deepEqual(bounded({ from: 2000, to: 2010 }, all), { from: 990, to: 1000 })
})

test('an axis has round steps, by the clock from a minute on', () => {
  assert.deepEqual(ticksOf({ from: 0, to: 1000 }, 5), [0, 200, 400, 600, 800, 1000])
  assert.deepEqual(ticksOf({ from: 0, to: 2_400_000 }, 5), [0, 600_000, 1_200_000, 1_800_000, 2_400_000])
})

test('steps count what goes on at once, also where one begins as another ends', () => {
  assert.deepEqual(
    countSteps([
      [0, 10],
      [5, 15],
      [10, 20],
    ]),
    [
      [0, 1],
      [5, 2],
      [10, 2],
      [15, 1],
      [20, 0],
    ],
  )
  assert.deepEqual(countSteps([[3, 3]]), [])
})

const LENGTHS: readonly (readonly [ms: number, text: string])[] = [
  [0, '0 ms'],
  [0.04, '0 ms'],
  [1.26, '1.3 ms'],
  [399.6, '400 ms'],
  [999.6, '1.00 s'],
  [15_815, '15.8 s'],
  [59_960, '1 min'],
  [231_130, '3 min 51 s'],
  [7_260_000, '2 h 1 min'],
]

test('lengths have three figures', () => {
  for (const [ms, text] of LENGTHS) assert.equal(lengthText(ms), text)
})

test('an age counts whole seconds and does not go back', () => {
  assert.equal(ageText(999), '0 s')
  assert.equal(ageText(61_900), '1 min 1 s')
  assert.equal(ageText(-5), '0 s')
})

test('ticks of one axis have one unit', () => {
  assert.equal(tickText(0, 5000), '0')
  assert.equal(tickText(5000, 5000), '5 s')
  assert.equal(tickText(1500, 500), '1.5 s')
  assert.equal(tickText(200, 200), '200 ms')
  assert.equal(tickText(600_000, 600_000), '10 min')
  assert.equal(tickText(-600_000, 600_000), '−10 min')
})

test('a share is never said to be nothing or everything when it is not', () => {
  assert.equal(percentText(0.001), '<1 %')
  assert.equal(percentText(0.9999), '>99 %')
  assert.equal(percentText(0), '0 %')
  assert.equal(percentText(1), '100 %')
})

test('bytes and reasons are short', () => {
  assert.equal(bytesText(999), '999 B')
  assert.equal(bytesText(62_914_560), '62.9 MB')
  assert.equal(bytesText(1_200_000_000), '1.20 GB')
  assert.equal(whyText('Ready after 2 s; 1 s (50 %) pulling'), '1 s (50 %) pulling')
  assert.equal(whyText('Nothing else'), 'Nothing else')
})
