// Owns when what a stream reads may be older than its receipt.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { manualClock } from '../../src/base/clock.ts'
import { add, milliseconds, type UnixNano } from '../../src/base/time.ts'
import { CatchUp } from '../../src/kube/catch-up.ts'
import { START } from './harness.ts'

const at = (ms: number): UnixNano => add(START, milliseconds(ms))

function stream(): { readonly catchUp: CatchUp; readonly pass: (ms: number) => void } {
  const clock = manualClock(START)
  return { catchUp: new CatchUp(clock), pass: (ms) => clock.advance(milliseconds(ms)) }
}

test('after a pause what is read is late for as long as the pause', () => {
  const { catchUp, pass } = stream()
  catchUp.deafens()
  pass(40)
  catchUp.begins()
  assert.equal(catchUp.isLate(at(79)), true)
  assert.equal(catchUp.isLate(at(80)), false)
})

test('after a long pause it is late for a second', () => {
  const { catchUp, pass } = stream()
  catchUp.deafens()
  pass(60_000)
  catchUp.begins()
  assert.equal(catchUp.isLate(at(60_999)), true)
  assert.equal(catchUp.isLate(at(61_000)), false)
})

test('after a watch that broke nobody knows how long the pause was', () => {
  const { catchUp, pass } = stream()
  catchUp.deafens()
  catchUp.broke()
  pass(1)
  catchUp.begins()
  assert.equal(catchUp.isLate(at(1000)), true)
})

test('before anything was missed nothing is late', () => {
  assert.equal(stream().catchUp.isLate(at(0)), false)
})
