import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  emptyLag,
  lagAround,
  lagNow,
  type LagModel,
  noteHeldUp,
  noteLate,
  noteShownLate,
  sampleLag,
} from '../../src/timeline/lag.ts'
import { at } from '../support/pods.ts'

/** Samples at `[receipt ms, late by ms]`. */
function lagOf(samples: readonly (readonly [ms: number, lateMs: number])[]): LagModel {
  const model = emptyLag()
  for (const [ms, lateMs] of samples) sampleLag(model, at(ms - lateMs), at(ms))
  return model
}

const EVERY_SECOND = Array.from({ length: 20 }, (_, index) => [index * 1000, 5 + (index % 3)] as const)

test('near samples say how late the watch is', () => {
  const { least, greatest } = lagAround(lagOf(EVERY_SECOND), at(5000))
  assert.deepEqual([least, greatest], [7e6, 7e6])
})

test('where none is near, farther ones are asked', () => {
  const { least, greatest } = lagAround(lagOf(EVERY_SECOND), at(19_000 + 9_000))
  assert.deepEqual([least, greatest], [5e6, 7e6])
})

test('without any, the watch may be late by much', () => {
  const { least, greatest } = lagAround(emptyLag(), at(0))
  assert.ok(least <= 20e6 && greatest >= 100e6)
  assert.deepEqual(lagAround(lagOf([[0, 5]]), at(3_600_000)), { least, greatest, heldUp: 0 })
})

test('a single quick sample does not make the watch quick', () => {
  assert.ok(lagAround(lagOf([[1000, 1]]), at(1000)).greatest >= 100e6)
})

test('a stamp from the future is not late', () => {
  assert.equal(lagAround(lagOf([[1000, -50]]), at(1000)).least, 0)
})

test('the order of samples does not matter, nor that one comes twice', () => {
  const shuffled = [...EVERY_SECOND.toReversed(), ...EVERY_SECOND]
  for (const ms of [0, 5000, 12_345, 25_000])
    assert.deepEqual(lagAround(lagOf(shuffled), at(ms)), lagAround(lagOf(EVERY_SECOND), at(ms)))
})

/** Somewhere within a minute, nearer to its end as time goes on; the same in every run. */
const placeOf = (step: number): number => step * 20 + ((step * 7919) % 15_000)

/** In which there is an answer near every moment of the first 20 s. */
const DENSE = Array.from({ length: 400 }, (_, index) => [index * 50, 5] as const)

for (const [name, samples] of Object.entries({ few: [], many: DENSE }))
  test(`what was asked before changes no answer where at first there are ${name} samples`, () => {
    const asked = lagOf(samples)
    for (let step = 0; step < 2000; step++) {
      const ms = placeOf(step)
      // As far away as anything is asked for, and as near.
      const moments = [0, 100, 500, 2000, 15_000].flatMap((by) => [ms - by, ms + by])
      for (const moment of moments) lagAround(asked, at(moment))
      if (step % 7 === 0) sampleLag(asked, at(ms - (step % 61)), at(ms))
      else if (step % 5 === 0) noteLate(asked, (step % 997) * 1e6, at(ms))
      else if (step % 3 === 0) noteShownLate(asked, (step % 887) * 1e6, at(ms))
      else noteHeldUp(asked, (step % 401) * 1e6, at(ms))
      const never = { ...asked, answers: emptyLag().answers }
      for (const moment of moments)
        assert.deepEqual(lagAround(asked, at(moment)), lagAround(never, at(moment)), `step ${step}`)
    }
    assert.ok(asked.answers.size > 50, 'most answers are kept')
    assert.ok(asked.answers.size <= 256)
  })

test('what is remembered is bounded', () => {
  const model = emptyLag()
  for (let index = 0; index < 30_000; index++) sampleLag(model, at(index * 60), at(index * 60 + 5))
  assert.ok(model.slots.size <= 18_000)
  assert.equal(lagAround(model, at(30_000 * 60)).least, 5e6)
})

test('now it is as late as it typically was in the last 15 s', () => {
  assert.equal(lagNow(lagOf(EVERY_SECOND), at(19_500)), 6e6)
  const behind = [...EVERY_SECOND, ...EVERY_SECOND.map(([ms]) => [ms + 20_000, 8000] as const)]
  assert.equal(lagNow(lagOf(behind), at(39_500)), 8000e6)
})

test('one component that was slow to write does not make it late, nor does one quick moment make it quick', () => {
  const mostly = (odd: number, rest: number) =>
    lagOf(EVERY_SECOND.map(([ms], index) => [ms, index === 12 ? odd : rest] as const))
  assert.equal(lagNow(mostly(9000, 5), at(19_000)), 5e6)
  assert.equal(lagNow(mostly(5, 9000), at(19_000)), 9000e6)
  const together = [...EVERY_SECOND, ...EVERY_SECOND.map(([ms]) => [ms + 1, 9000] as const)]
  assert.equal(lagNow(lagOf(together), at(19_500)), 6e6)
})

test('nobody says how late it is now where nothing fine came lately, or comes only later', () => {
  assert.equal(lagNow(emptyLag(), at(0)), undefined)
  assert.equal(lagNow(lagOf([[0, 5]]), at(15_000)), 5e6)
  assert.equal(lagNow(lagOf([[0, 5]]), at(15_100)), undefined)
  assert.equal(lagNow(lagOf([[1000, 5]]), at(500)), undefined)
})

test('what our own process was held up by is told of that moment alone', () => {
  const model = lagOf(EVERY_SECOND)
  noteHeldUp(model, 300e6, at(5000))
  noteHeldUp(model, 100e6, at(5000))
  assert.deepEqual(lagAround(model, at(5000)), { least: 7e6, greatest: 7e6, heldUp: 300e6 })
  assert.equal(lagAround(model, at(5200)).heldUp, 0)
})

test('what is proven to have been late widens what was received within half a second, and nothing else', () => {
  const model = emptyLag()
  for (let ms = 0; ms < 4000; ms += 100) sampleLag(model, at(ms), at(ms + 10))
  assert.equal(lagAround(model, at(2000)).greatest, 10e6)
  noteLate(model, 900e6, at(2000))
  assert.equal(lagAround(model, at(2000)).greatest, 900e6)
  assert.equal(lagAround(model, at(2400)).greatest, 900e6)
  assert.equal(lagAround(model, at(2000)).least, 10e6)
  assert.equal(lagAround(model, at(3500)).greatest, 10e6)
})

test('what is later than anything on its way proves nothing, nor does what was in time', () => {
  const model = emptyLag()
  for (let ms = 0; ms < 4000; ms += 100) sampleLag(model, at(ms), at(ms + 10))
  noteLate(model, 60e9, at(2000))
  noteLate(model, -100e6, at(2000))
  assert.equal(lagAround(model, at(2000)).greatest, 10e6)
})

test('what another stream had shown to be stored a minute before was shown a minute late', () => {
  const model = emptyLag()
  for (let ms = 0; ms < 4000; ms += 100) sampleLag(model, at(ms), at(ms + 10))
  noteShownLate(model, -100e6, at(2000))
  assert.equal(lagAround(model, at(2000)).greatest, 10e6)
  noteShownLate(model, 60e9, at(2000))
  assert.equal(lagAround(model, at(2000)).greatest, 60e9)
})
