import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { ENOUGH, shiftBetween, SIGNIFICANT } from '../../src/rollout/rank-sum.ts'
import { randomFrom } from '../support/frames.ts'

const series = (count: number, from: number, step = 1): number[] =>
  Array.from({ length: count }, (_, n) => from + n * step)

test('fewer than eight values on either side give no verdict', () => {
  assert.equal(shiftBetween(series(ENOUGH - 1, 0), series(100, 5000)), undefined)
  assert.equal(shiftBetween(series(100, 0), series(ENOUGH - 1, 5000)), undefined)
})

test('two sets that do not overlap differ, by the shift between them', () => {
  const shift = shiftBetween(series(8, 1000), series(8, 6000))
  assert.ok(shift)
  assert.equal(shift.byMs, 5000)
  assert.ok(shift.p < SIGNIFICANT)
  assert.ok(shift.fromMs > 0 && shift.fromMs <= 5000 && shift.toMs >= 5000)
})

test('p is what tables of the normal approximation say', () => {
  // W = 49.5 of 10 and 10 with an expected 105 and a deviation of 13.229: z = 4.158 less half a rank.
  const shift = shiftBetween(series(10, 0), series(10, 100))
  assert.ok(Math.abs((shift?.p ?? 0) - 1.8267e-4) < 1e-6, String(shift?.p))
})

test('equal values throughout show nothing', () => {
  const same = Array.from({ length: 20 }, () => 7)
  assert.deepEqual(shiftBetween(same, same), { byMs: 0, fromMs: 0, toMs: 0, p: 1 })
})

test('of sets of one distribution about one in a hundred is taken for different', () => {
  const random = randomFrom(7)
  const draw = (): number[] => Array.from({ length: 12 }, () => 1000 + 500 * random())
  let wrong = 0
  for (let n = 0; n < 1000; n++) if ((shiftBetween(draw(), draw())?.p ?? 1) < SIGNIFICANT) wrong++
  assert.ok(wrong >= 2 && wrong <= 20, `${wrong} of 1000`)
})

test('the interval holds the true shift as often as it says', () => {
  const random = randomFrom(11)
  const draw = (by: number): number[] => Array.from({ length: 15 }, () => by + 500 * random())
  let held = 0
  for (let n = 0; n < 500; n++) {
    const shift = shiftBetween(draw(0), draw(200))
    if (shift && shift.fromMs <= 200 && shift.toMs >= 200) held++
  }
  assert.ok(held >= 485, `${held} of 500`)
})

test('the order of values changes nothing, and the other way round the sign is the other', () => {
  const values = fc.array(fc.integer({ min: 0, max: 100_000 }), { minLength: 8, maxLength: 40 })
  fc.assert(
    fc.property(values, values, (a, b) => {
      const shift = shiftBetween(a, b)
      assert.deepEqual(shiftBetween(a.toReversed(), b.toReversed()), shift)
      const back = shiftBetween(b, a)
      assert.ok(shift && back && Math.abs(shift.byMs + back.byMs) < 1e-9 && Math.abs(shift.p - back.p) < 1e-9)
    }),
    { numRuns: 100 },
  )
})

test('sets of a hundred thousand are thinned', () => {
  const shift = shiftBetween(series(100_000, 0, 0.01), series(100_000, 300, 0.01))
  assert.ok(shift && Math.abs(shift.byMs - 300) < 5)
})
