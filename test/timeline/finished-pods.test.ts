import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FinishedPods } from '../../src/timeline/finished-pods.ts'

const uidOf = (number: number): string =>
  `${number.toString(16).padStart(8, '0')}-0000-4000-8000-000000000000`

test('of more than fit those that came first are forgotten, each counted', () => {
  const finished = new FinishedPods(100)
  let forgotten = 0
  for (let number = 0; number < 250; number++) forgotten += finished.add(uidOf(number))
  assert.equal(forgotten, 150)
  assert.equal(finished.size, 100)
  for (let number = 0; number < 250; number++) assert.equal(finished.has(uidOf(number)), number >= 150)
})

test('one that is added again costs nobody', () => {
  const finished = new FinishedPods(2)
  for (const number of [1, 2, 1, 2]) assert.equal(finished.add(uidOf(number)), 0)
  finished.delete(uidOf(1))
  assert.equal(finished.add(uidOf(3)), 0)
})

test('one that is deleted is known as long as ten thousand others are not, and one that never was is not', () => {
  const finished = new FinishedPods()
  finished.delete(uidOf(0))
  assert.equal(finished.has(uidOf(0)), false)
  for (let number = 1; number <= 10_001; number++) {
    finished.add(uidOf(number))
    finished.delete(uidOf(number))
  }
  assert.equal(finished.size, 0)
  assert.equal(finished.has(uidOf(1)), false)
  assert.equal(finished.has(uidOf(2)), true)
})
