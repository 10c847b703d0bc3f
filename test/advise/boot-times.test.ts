import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { type Between, type BootTimes, estimateBootTimes, expect } from '../../src/advise/boot-times.ts'

const between = (over: number, until: number): Between => ({ over, until })

/** The shortest stretch from the start on that holds a share of the distribution, in ms. */
function quantile({ width, shares }: BootTimes, share: number): number {
  let sum = 0
  const index = shares.findIndex((each) => (sum += each) >= share)
  return Math.round((index + 0.5) * width)
}

test('one start alone says no more than its two ends', () => {
  const { low, likely, high } = expect(
    estimateBootTimes([between(2000, 12_000)]),
    between(2000, 12_000),
    (boot) => 12_000 - boot,
  )
  assert.deepEqual([low, Math.round(high)], [0, 10_000])
  assert.ok(likely > 4500 && likely < 5500, `${likely}`)
})

/** Looks every 10 s from these moments on, of a container that is ready after `boot`. */
const looks = (boot: number, phases: readonly number[]): Between[] =>
  phases.map((phase) => {
    const until = phase >= boot ? phase : phase + Math.ceil((boot - phase) / 10_000) * 10_000
    return between(Math.max(0, until - 10_000), until)
  })

const spread = (count: number, over: number): number[] =>
  Array.from({ length: count }, (_, index) => (index * over) / count)

const wide = (times: BootTimes): number => quantile(times, 0.9) - quantile(times, 0.1)

test('starts whose looks fall differently narrow each other down, those whose looks fall alike do not', () => {
  const differently = estimateBootTimes(looks(7300, spread(40, 10_000)))
  const alike = estimateBootTimes(looks(7300, spread(40, 1000)))
  assert.ok(Math.abs(quantile(differently, 0.5) - 7300) < 1000, `${quantile(differently, 0.5)}`)
  const share = (times: BootTimes): number =>
    times.shares.reduce(
      (sum, each, index) => sum + (Math.abs(index * times.width - 7300) < 2000 ? each : 0),
      0,
    )
  assert.ok(share(differently) > share(alike) * 1.15, `${share(differently)} ${share(alike)}`)
  assert.ok(wide(alike) > 7000, `${wide(alike)}`)
})

test('a few starts that would all fit one moment are not taken for it', () => {
  // Ready within 1 to 10 s and within 11 to 20 s: looks that fell a little differently leave some stretches around 11 s to both.
  const early = [500, 900, 1400, 2200].map((over) => between(over, over + 10_000))
  const late = [10_300, 10_800, 11_300, 12_200].map((over) => between(over, over + 10_000))
  const times = estimateBootTimes([...early, ...late])
  assert.ok(quantile(times, 0.1) < 5000 && quantile(times, 0.9) > 17_000)
})

test('a start that is of another kind keeps its own ends', () => {
  const starts = [...Array.from({ length: 20 }, () => between(0, 1000)), between(5000, 6000)]
  const { low, high } = expect(estimateBootTimes(starts), between(5000, 6000), (boot) => 6000 - boot)
  assert.deepEqual([low, Math.round(high)], [0, 1000])
})

const anyBetween = fc
  .tuple(fc.integer({ min: 0, max: 20_000 }), fc.integer({ min: 1, max: 10_000 }))
  .map(([over, width]) => between(over, over + width))

test('the distribution is whole and does not depend on the order of starts', () => {
  fc.assert(
    fc.property(fc.array(anyBetween, { minLength: 1, maxLength: 40 }), (starts) => {
      const { shares } = estimateBootTimes(starts)
      const sum = shares.reduce((all, share) => all + share, 0)
      assert.ok(Math.abs(sum - 1) < 1e-6, `sums to ${sum}`)
      const again = estimateBootTimes(starts.toReversed()).shares
      shares.forEach((share, index) => assert.ok(Math.abs(share - (again[index] ?? 2)) < 1e-6))
    }),
  )
})

test('what is expected of a value that falls lies between its ends', () => {
  fc.assert(
    fc.property(fc.array(anyBetween, { minLength: 1, maxLength: 20 }), fc.nat(19), (starts, which) => {
      const one = starts[which % starts.length] as Between
      const value = (boot: number): number => one.until - boot
      const { low, likely, high } = expect(estimateBootTimes(starts), one, value)
      const slack = 1e-6
      assert.ok(low >= -slack && low <= likely + slack && likely <= high + slack, `${low} ${likely} ${high}`)
      assert.ok(Math.abs(high - (one.until - one.over)) < 0.01 && low === 0)
    }),
  )
})
