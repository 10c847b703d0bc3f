import assert from 'node:assert/strict'
import { test } from 'node:test'
import { emptyLag, lagAround, type LagModel, sampleLag } from '../../src/timeline/lag.ts'
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
  assert.deepEqual(lagAround(lagOf([[0, 5]]), at(3_600_000)), { least, greatest })
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

test('what is remembered is bounded', () => {
  const model = emptyLag()
  for (let index = 0; index < 30_000; index++) sampleLag(model, at(index * 60), at(index * 60 + 5))
  assert.ok(model.slots.size <= 18_000)
  assert.equal(lagAround(model, at(30_000 * 60)).least, 5e6)
})
