import assert from 'node:assert/strict'
import { test } from 'node:test'
import { manualClock } from '../../src/base/clock.ts'
import { milliseconds, unixNano } from '../../src/base/time.ts'
import { watchTurns } from '../../src/kube/turns.ts'

const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

async function start() {
  const clock = manualClock(unixNano(1_764_000_000_000_000_000n))
  const stop = new AbortController()
  const turns = watchTurns(clock, stop.signal)
  await settle()
  return { clock, turns, stop }
}

test('in its usual turns a loop is not held up', async () => {
  const { clock, turns } = await start()
  for (let turn = 0; turn < 5; turn++) {
    assert.equal(turns.heldUp(), undefined)
    clock.advance(milliseconds(20))
    await settle()
  }
})

test('what is read after a standstill may have waited since it began, for as long again as it lasted', async () => {
  const { clock, turns } = await start()
  clock.advance(milliseconds(300))
  assert.equal(turns.heldUp(), milliseconds(300))
  for (let turn = 1; turn <= 15; turn++) {
    await settle()
    clock.advance(milliseconds(20))
    assert.equal(turns.heldUp(), milliseconds(300 + turn * 20))
  }
  await settle()
  clock.advance(milliseconds(20))
  assert.equal(turns.heldUp(), undefined, 'all that waited has been read')
})

test('a standstill that the timer sees first is one too, and a short one within it changes nothing', async () => {
  const { clock, turns } = await start()
  clock.advance(milliseconds(300))
  await settle()
  clock.advance(milliseconds(60))
  assert.equal(turns.heldUp(), milliseconds(360))
})

test('what waits is some megabytes: after an hour too all of it is read within half a minute', async () => {
  const { clock, turns } = await start()
  clock.advance(milliseconds(3_600_000))
  assert.equal(turns.heldUp(), milliseconds(3_600_000))
  for (let second = 1; second <= 30; second++) {
    for (let turn = 0; turn < 50; turn++) {
      await settle()
      clock.advance(milliseconds(20))
    }
    const heldUp = turns.heldUp()
    assert.equal(heldUp, milliseconds(3_600_000 + second * 1000))
  }
  await settle()
  clock.advance(milliseconds(20))
  assert.equal(turns.heldUp(), undefined)
})
