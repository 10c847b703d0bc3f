import assert from 'node:assert/strict'
import { test } from 'node:test'
import { manualClock } from '../../src/base/clock.ts'
import { milliseconds, unixNano } from '../../src/base/time.ts'
import { createAlarm } from '../../src/export/alarm.ts'

function harness() {
  const clock = manualClock(unixNano(0n))
  let rings = 0
  const alarm = createAlarm(clock, () => void rings++)
  const pass = async (ms: number): Promise<number> => {
    clock.advance(milliseconds(ms))
    await new Promise((resolve) => setImmediate(resolve))
    return rings
  }
  return { alarm, pass }
}

test('it rings once, at its time', async () => {
  const { alarm, pass } = harness()
  alarm.set(100)
  assert.equal(await pass(99), 0)
  assert.equal(await pass(1), 1)
  assert.equal(await pass(1_000), 1)
})

test('an earlier moment replaces a later one, a later one does not', async () => {
  const { alarm, pass } = harness()
  alarm.set(100)
  alarm.set(200)
  alarm.set(50)
  assert.equal(await pass(50), 1)
  assert.equal(await pass(1_000), 1)
})

test('a cancelled one is silent, and may be set again', async () => {
  const { alarm, pass } = harness()
  alarm.set(100)
  alarm.cancel()
  assert.equal(await pass(100), 0)
  alarm.set(150)
  assert.equal(await pass(50), 1)
})
