import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ClockName } from '../../src/base/stamp.ts'
import { add, milliseconds, seconds } from '../../src/base/time.ts'
import {
  boundClock,
  type ClockModel,
  emptyClocks,
  offsetOf,
  sampleClock,
  sampleLease,
  shiftOf,
} from '../../src/timeline/clocks.ts'
import { at } from '../support/pods.ts'

const NODE: ClockName = 'node/node-1'

/** A node whose clock is off by `offMs`, seen through `count` renewals and events, each late by `lateMs`. */
function seen(offMs: number, count: number, lateMs = 5, spacingMs = 1000): ClockModel {
  const model = emptyClocks()
  for (let index = 0; index < count; index++) {
    const ms = index * spacingMs
    if (index % 10 === 0) sampleLease(model, NODE, at(ms + offMs), at(ms + lateMs))
    else sampleClock(model, NODE, at(ms + offMs), at(ms + lateMs))
  }
  return model
}

const shiftMs = (model: ClockModel, ms = 500): number => Number(shiftOf(model, NODE, at(ms)).by) / 1e6

test('a clock of which nothing is known is left alone', () => {
  assert.equal(shiftMs(emptyClocks()), 0)
  assert.equal(offsetOf(emptyClocks(), NODE, at(0)), undefined)
})

test('our own clock is never moved', () => {
  const model = seen(-60_000, 20)
  assert.equal(shiftOf(model, 'observer', at(500)).by, 0n)
})

for (const offMs of [0, 3, -20]) {
  test(`a clock that is ${offMs} ms off is left alone: the watch may have been that late`, () => {
    assert.equal(shiftMs(seen(offMs, 20)), 0)
  })
}

test('a clock that writes stamps we receive before their time is ahead, by as much at least', () => {
  assert.equal(shiftMs(seen(20, 20)), -15)
})

for (const offMs of [300_000, -300_000]) {
  test(`a clock that is ${offMs / 60_000} min off is moved to within what the watch may have been late by`, () => {
    const model = seen(offMs, 20)
    const { by, early, late } = shiftOf(model, NODE, at(500))
    const truth = BigInt(-offMs) * 1_000_000n
    assert.ok(
      by - early <= truth && truth <= by + late,
      `${by} - ${early} … + ${late} does not hold ${truth}`,
    )
    assert.ok(Math.abs(Number(by - truth)) < 50e6, 'the estimate is near')
  })
}

test('one sample says little: the interval is as wide as a renewal may be late', () => {
  const wide = offsetOf(seen(-300_000, 1), NODE, at(0))
  const narrow = offsetOf(seen(-300_000, 20), NODE, at(0))
  assert.ok(wide && narrow)
  assert.ok(wide.to - wide.from > 2 * (narrow.to - narrow.from))
})

test('the least late sample counts', () => {
  const model = seen(-300_000, 10, 900)
  sampleClock(model, NODE, at(5500 - 300_000), at(5503))
  assert.equal(offsetOf(model, NODE, at(0))?.to, 300_003e6)
})

test('a sample that comes twice changes nothing', () => {
  const [once, twice] = [seen(-300_000, 4), seen(-300_000, 4)]
  for (let count = 0; count < 10; count++) sampleClock(twice, NODE, at(1000 - 300_000), at(1005))
  assert.deepEqual(offsetOf(twice, NODE, at(0)), offsetOf(once, NODE, at(0)))
})

test('samples may come in any order', () => {
  const samples = Array.from({ length: 12 }, (_, index) => index)
  const fold = (order: readonly number[]): ClockModel => {
    const model = emptyClocks()
    for (const index of order) sampleLease(model, NODE, at(index * 700 - 40_000), at(index * 700 + index))
    return model
  }
  assert.deepEqual(offsetOf(fold(samples.toReversed()), NODE, at(0)), offsetOf(fold(samples), NODE, at(0)))
})

test('a burst of late events does not make a clock wrong whose Lease says it is right', () => {
  const model = emptyClocks()
  for (let ms = 0; ms <= 20_000; ms += 10_000) sampleLease(model, NODE, at(ms), at(ms + 6))
  for (let count = 0; count < 50; count++)
    sampleClock(model, NODE, at(10_000 + count), at(13_000 + count * 60))
  assert.equal(shiftMs(model, 13_000), 0)
})

test('a stamp that is years off is no clock', () => {
  const model = seen(0, 20)
  sampleClock(model, NODE, add(at(0), seconds(1e9)), at(2000))
  assert.equal(shiftMs(model), 0)
})

test('what a kubelet cannot have done before bounds its clock from below', () => {
  const model = seen(-300_000, 1)
  const before = offsetOf(model, NODE, at(0))
  boundClock(model, NODE, at(-300_000), at(-1))
  const after = offsetOf(model, NODE, at(0))
  assert.ok(before && after && after.from > before.from)
  assert.equal(after.from, 299_999e6)
})

test('a bound that contradicts the samples is set aside', () => {
  const model = seen(0, 20)
  boundClock(model, NODE, at(0), add(at(0), seconds(30)))
  assert.equal(shiftMs(model), 0)
})

test('a clock is judged by the samples of its own time', () => {
  const model = emptyClocks()
  for (let ms = 0; ms < 15_000; ms += 1000) sampleLease(model, NODE, at(ms), at(ms + 5))
  for (let ms = 300_000; ms < 315_000; ms += 1000)
    sampleLease(model, NODE, add(at(ms), milliseconds(-60_000)), at(ms + 5))
  assert.equal(shiftMs(model, 1000), 0)
  assert.ok(Math.abs(shiftMs(model, 301_000) - 60_000) < 200)
})

test('what is remembered of a clock is bounded', () => {
  const model = emptyClocks()
  for (let minute = 0; minute < 600; minute++)
    sampleLease(model, NODE, at(minute * 60_000), at(minute * 60_000 + 5))
  assert.ok((model.clocks.get(NODE)?.buckets.bytes ?? Infinity) <= 4096)
})

test('a sample that is older than what is remembered changes nothing', () => {
  const model = emptyClocks()
  for (let second = 0; second < 1200; second += 10)
    sampleLease(model, NODE, at(second * 1000), at(second * 1000 + 5))
  const before = shiftMs(model, 1_190_000)
  sampleLease(model, NODE, at(-600_000), at(5))
  boundClock(model, NODE, at(0), at(600_000 - 960_000))
  assert.equal(shiftMs(model, 1_190_000), before)
})

/** Samples each second for a quarter minute from `fromMs` on, each late by `lateMs`. */
function quarter(model: ReturnType<typeof emptyClocks>, fromMs: number, lateMs: number): void {
  for (let ms = fromMs; ms < fromMs + 15_000; ms += 1000) sampleLease(model, NODE, at(ms), at(ms + lateMs))
}

test('a watch that was late for a quarter minute does not put a clock behind that was right before', () => {
  const model = emptyClocks()
  quarter(model, 0, 5)
  quarter(model, 15_000, 320)
  assert.equal(shiftMs(model, 20_000), 0)
  quarter(model, 30_000, 5)
  assert.equal(shiftMs(model, 20_000), 0)
})

test('nor where an event, before any renewal, shows after it that the clock is not behind', () => {
  const model = emptyClocks()
  quarter(model, 0, 5)
  quarter(model, 15_000, 900)
  sampleClock(model, NODE, at(30_100), at(30_107))
  assert.equal(shiftMs(model, 20_000), 0)
})

test('nor further behind where it was behind before, and is so after', () => {
  const model = emptyClocks()
  const from = (offMs: number, ms: number, lateMs: number): void => {
    for (let second = 0; second < 15; second++)
      sampleLease(model, NODE, at(ms + second * 1000 + offMs), at(ms + second * 1000 + lateMs))
  }
  from(-300_000, 0, 5)
  from(-300_000, 15_000, 900)
  from(-300_000, 30_000, 5)
  assert.ok(Math.abs(shiftMs(model, 20_000) - 300_000) < 10)
})

test('a clock that was set back is behind once that lasts, or an order of causes shows it', () => {
  const model = emptyClocks()
  quarter(model, 0, 5)
  quarter(model, 15_000, 320)
  quarter(model, 30_000, 320)
  assert.ok(shiftMs(model, 20_000) > 300)
  const proven = emptyClocks()
  quarter(proven, 0, 5)
  quarter(proven, 15_000, 320)
  boundClock(proven, NODE, at(20_000), at(20_200))
  assert.ok(shiftMs(proven, 20_000) > 300)
})

/** Creations at an API server, which writes whole seconds and has no Lease, for quarter minutes that are so late. */
function creations(...lateMs: readonly number[]): ClockModel {
  const model = emptyClocks()
  lateMs.forEach((late, quarterMinute) => {
    for (let second = 0; second < 10; second++) {
      const ms = quarterMinute * 15_000 + second * 1000
      sampleClock(model, 'apiserver', at(ms - late), at(ms + 300), seconds(1))
    }
  })
  return model
}

const apiServerMs = (model: ClockModel, ms: number): number =>
  Number(shiftOf(model, 'apiserver', at(ms)).by) / 1e6

test('an API server that answers late, by more each time, has a clock that is right', () => {
  const model = creations(0, 500, 19_000, 26_000, 33_000, 32_500)
  for (const ms of [1000, 20_000, 35_000, 50_000, 65_000, 80_000]) assert.equal(apiServerMs(model, ms), 0)
})

test('an API server whose clock is set back is behind by one amount', () => {
  const model = creations(0, 0, 20_000, 20_200, 20_000)
  assert.equal(apiServerMs(model, 1000), 0)
  for (const behind of [
    apiServerMs(model, 50_000),
    apiServerMs(model, 65_000),
    apiServerMs(creations(20_000, 20_000), 20_000),
  ])
    assert.ok(behind >= 20_300 && behind <= 20_500, `${behind} ms`)
})
