import assert from 'node:assert/strict'
import { test } from 'node:test'
import { unixNano } from '../../src/base/time.ts'
import { emptyActivity, isBusyBeside, noteActivity } from '../../src/timeline/node-activity.ts'
import { randomFrom } from '../support/frames.ts'

const [ONE, OTHER] = ['0b7a3c52-0000-4000-8000-000000000001', '0b7a3c52-0000-4000-8000-000000000002']
const at = (seconds: number) =>
  unixNano(1_795_000_000_000_000_000n + BigInt(Math.round(seconds * 1000)) * 1_000_000n)

function after(...told: readonly (readonly [uid: string, seconds: number])[]) {
  const activity = emptyActivity()
  for (const [uid, seconds] of told) noteActivity(activity, uid, at(seconds))
  return activity
}

test('a pod alone is not beside others, whatever it does', () => {
  const activity = after([ONE, 3.1], [ONE, 3.9], [ONE, 4.2])
  assert.equal(isBusyBeside(activity, ONE, at(3.5)), false)
})

test('another pod counts within a second or two, and not later', () => {
  const activity = after([ONE, 10], [OTHER, 10.5])
  assert.equal(isBusyBeside(activity, ONE, at(9.9)), true)
  assert.equal(isBusyBeside(activity, ONE, at(11.9)), true)
  assert.equal(isBusyBeside(activity, ONE, at(12.1)), false)
  assert.equal(isBusyBeside(activity, OTHER, at(10)), true)
})

test('what is older than two minutes is forgotten, and does not come back', () => {
  const activity = after([OTHER, 10], [ONE, 138], [OTHER, 10])
  assert.equal(isBusyBeside(activity, ONE, at(10)), false)
  assert.equal(isBusyBeside(activity, ONE, at(138)), false)
})

test('the order in which events come does not matter', () => {
  const random = randomFrom(1)
  const told = Array.from(
    { length: 60 },
    () => [random() < 0.5 ? ONE : OTHER, Math.floor(random() * 100)] as const,
  )
  const shuffled = told.toSorted(() => random() - 0.5)
  assert.deepEqual(after(...shuffled), after(...told))
})
