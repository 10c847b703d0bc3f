import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { judge, type Standing } from '../../src/session/objective.ts'
import {
  addValue,
  emptyQuantiles,
  EXACT_MAX,
  mergeQuantiles,
  nearestRank,
  type Quantiles,
  valueAt,
  valueAtRank,
} from '../../src/session/quantiles.ts'

const RANKS: readonly (readonly [percentile: number, pods: number, rank: number])[] = [
  [50, 1, 1],
  [50, 2, 1],
  [50, 3, 2],
  [99, 99, 99],
  [99, 100, 99],
  [99, 101, 100],
  [99.9, 1000, 999],
  [100, 7, 7],
  [1, 7, 1],
]

for (const [percentile, pods, rank] of RANKS) {
  test(`at ${percentile} % of ${pods} pods, ${rank} must be within`, () =>
    assert.equal(nearestRank(percentile, pods), rank))
}

interface Case {
  readonly name: string
  readonly judged: number
  readonly over: number
  readonly percentile?: number
  readonly undecided?: number
  readonly more?: boolean
  readonly then: Standing
}

const CASES: readonly Case[] = [
  { name: 'no pod', judged: 0, over: 0, then: 'no pods' },
  { name: 'one good pod', judged: 1, over: 0, then: 'met' },
  { name: 'one of 100 over at 99 %', judged: 100, over: 1, then: 'met' },
  { name: 'two of 100 over at 99 %', judged: 100, over: 2, then: 'missed' },
  { name: 'one of 99 over at 99 %', judged: 99, over: 1, then: 'missed' },
  { name: 'one of 99 over, one open', judged: 99, over: 1, undecided: 1, then: 'open' },
  { name: 'two of 99 over, one open', judged: 99, over: 2, undecided: 1, then: 'missed' },
  { name: 'none of 99 over, one open', judged: 99, over: 0, undecided: 1, then: 'met' },
  { name: 'good so far, more to come', judged: 10, over: 0, more: true, then: 'open' },
  { name: 'bad so far, more to come', judged: 10, over: 10, more: true, then: 'open' },
  {
    name: 'one over at 100 %, more to come',
    judged: 10,
    over: 1,
    percentile: 100,
    more: true,
    then: 'missed',
  },
  { name: 'only open ones', judged: 0, over: 0, undecided: 3, then: 'open' },
]

describe('an objective', () => {
  for (const { name, judged, over, percentile = 99, undecided = 0, more = false, then } of CASES) {
    test(`with ${name} is ${then}`, () =>
      assert.equal(judge({ judged, over }, percentile, { undecided, more }), then))
  }

  /** What each open pod can come to: within, over, or deleted and so not counted. */
  test('is decided exactly when no ending of the open pods changes it', () => {
    const small = fc.nat({ max: 7 })
    fc.assert(
      fc.property(
        small,
        small,
        fc.integer({ min: 1, max: 100 }),
        fc.nat({ max: 5 }),
        (good, over, percentile, undecided) => {
          const endings = new Set<Standing>()
          for (let gone = 0; gone <= undecided; gone += 1)
            for (let bad = 0; bad + gone <= undecided; bad += 1)
              endings.add(
                judge({ judged: good + over + undecided - gone, over: over + bad }, percentile, {
                  undecided: 0,
                  more: false,
                }),
              )
          const said = judge({ judged: good + over, over }, percentile, { undecided, more: false })
          if (said === 'met' || said === 'missed') {
            endings.delete('no pods')
            assert.deepEqual([...endings], [said])
          } else if (said === 'open')
            assert.ok(endings.size > 1, `open, though it can only be ${[...endings].join()}`)
        },
      ),
    )
  })

  test('is what counting to the nearest rank says', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 1, max: 60 }), { minLength: 1, maxLength: 50 }),
        fc.integer({ min: 1, max: 100 }),
        fc.integer({ min: 1, max: 60 }),
        (lengths, percentile, threshold) => {
          const sorted = lengths.toSorted((a, b) => a - b)
          const value = sorted[Math.ceil((percentile * sorted.length) / 100) - 1] ?? 0
          const tally = { judged: lengths.length, over: lengths.filter((one) => one > threshold).length }
          assert.equal(
            judge(tally, percentile, { undecided: 0, more: false }),
            value <= threshold ? 'met' : 'missed',
          )
        },
      ),
    )
  })
})

const filled = (values: readonly number[]): Quantiles => {
  const quantiles = emptyQuantiles()
  for (const value of values) addValue(quantiles, value)
  return quantiles
}

describe('quantiles', () => {
  test('of nothing are unknown', () => assert.equal(valueAt(emptyQuantiles(), 50), undefined))

  test('are exact up to 256 values, and within 1 % of the nearest rank beyond', () => {
    const value = fc.double({ min: 0.01, max: 1e7, noNaN: true })
    fc.assert(
      fc.property(
        fc.array(value, { minLength: 1, maxLength: 600 }),
        fc.constantFrom(1, 50, 90, 99, 99.9, 100),
        (values, percentile) => {
          const quantiles = filled(values)
          const rank = nearestRank(percentile, values.length)
          const exact = values.toSorted((a, b) => a - b)[rank - 1] ?? 0
          const said = valueAt(quantiles, percentile) ?? 0
          const allowed = values.length <= EXACT_MAX ? 0 : exact * 0.0101
          assert.ok(Math.abs(said - exact) <= allowed, `${said}, not ${exact}, of ${values.length}`)
        },
      ),
      { numRuns: 60 },
    )
  })

  test('put together are the same as taken together', () => {
    const some = Array.from({ length: 700 }, (_, index) => 1 + ((index * 7919) % 1000))
    const parts = [some.slice(0, 30), some.slice(30, 400), some.slice(400)].map(filled)
    const merged = mergeQuantiles(parts)
    const whole = filled(some)
    assert.equal(merged.count, whole.count)
    assert.equal(merged.max, whole.max)
    for (let rank = 1; rank <= some.length; rank += 13)
      assert.equal(valueAtRank(merged, rank), valueAtRank(whole, rank), `rank ${rank}`)
  })

  test('zero is a value', () => {
    const quantiles = filled([...Array.from({ length: 300 }, () => 0), 5])
    assert.equal(valueAt(quantiles, 50), 0)
    assert.equal(valueAt(quantiles, 100), 5)
  })
})
