import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { type Between, estimateBootTimes, expect } from '../../src/advise/boot-times.ts'

const between = (over: number, until: number): Between => ({ over, until })

test('one start alone says no more than its two ends', () => {
  const times = estimateBootTimes([between(2000, 12_000)])
  assert.deepEqual(times, [{ over: 2000, until: 12_000, mass: 1 }])
})

test('starts whose looks fall differently narrow each other down', () => {
  const times = estimateBootTimes([between(0, 7400), between(4100, 14_100), between(1700, 11_700)])
  assert.deepEqual(times, [{ over: 4100, until: 7400, mass: 1 }])
})

test('starts that cannot be of one time share the distribution as often as they come', () => {
  const times = estimateBootTimes([between(0, 1000), between(0, 1000), between(0, 1000), between(5000, 6000)])
  assert.deepEqual(
    times.map(({ over, until, mass }) => [over, until, Math.round(mass * 100)]),
    [
      [0, 1000, 75],
      [5000, 6000, 25],
    ],
  )
})

test('what touches without overlapping is kept apart', () => {
  const times = estimateBootTimes([between(0, 1000), between(1000, 2000)])
  assert.equal(times.length, 2)
})

test('a container that always takes as long is found within what its starts leave open', () => {
  const BOOT = 7300
  const starts = [100, 900, 2400, 3100, 4800, 5200, 6900, 8100, 9700].map((phase) => {
    const until = phase >= BOOT ? phase : phase + Math.ceil((BOOT - phase) / 10_000) * 10_000
    return between(Math.max(0, until - 10_000), until)
  })
  const times = estimateBootTimes(starts)
  const sure = times.filter(({ mass }) => mass > 0.01)
  assert.deepEqual(
    sure.map(({ over, until }) => [over, until]),
    [[6900, 8100]],
  )
})

const anyBetween = fc
  .tuple(fc.integer({ min: 0, max: 20_000 }), fc.integer({ min: 1, max: 10_000 }))
  .map(([over, width]) => between(over, over + width))

test('the distribution is whole, lies where starts allow it, and does not depend on their order', () => {
  fc.assert(
    fc.property(fc.array(anyBetween, { minLength: 1, maxLength: 40 }), (starts) => {
      const times = estimateBootTimes(starts)
      const sum = times.reduce((all, { mass }) => all + mass, 0)
      assert.ok(Math.abs(sum - 1) < 1e-6, `sums to ${sum}`)
      for (const { over, until } of times)
        assert.ok(starts.some((each) => each.over <= over && until <= each.until))
      const again = estimateBootTimes(starts.toReversed())
      times.forEach(({ mass }, index) => assert.ok(Math.abs(mass - (again[index]?.mass ?? 2)) < 1e-6))
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
      assert.ok(high <= one.until - one.over + slack)
    }),
  )
})

test('thousands of starts are rounded outwards until they can be counted', () => {
  const starts = Array.from({ length: 3000 }, (_, index) =>
    between((index * 37) % 9000, 9000 + ((index * 53) % 7000)),
  )
  const [first, ...more] = estimateBootTimes(starts)
  assert.equal(more.length, 0)
  assert.ok(first && first.over >= 8700 && first.until <= 9300, JSON.stringify(first))
})
