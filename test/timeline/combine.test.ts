import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ClockName, Stamp, StampSource } from '../../src/base/stamp.ts'
import { MICROSECOND, SECOND } from '../../src/base/time.ts'
import { emptyClocks, sampleLease } from '../../src/timeline/clocks.ts'
import { type Clocks, combine } from '../../src/timeline/combine.ts'
import type { Instant } from '../../src/timeline/instant.ts'
import { emptyLag } from '../../src/timeline/lag.ts'
import { finishDraft } from '../../src/timeline/order.ts'
import { emptyRevisions } from '../../src/timeline/revisions.ts'
import type { Boundary } from '../../src/timeline/weight.ts'
import { deepFreeze } from '../support/frames.ts'
import { at } from '../support/pods.ts'

const clocks = (): Clocks => ({
  clocks: emptyClocks(),
  lag: emptyLag(),
  revisions: emptyRevisions(),
  around: at(0),
})

function stamp(source: StampSource, ms: number, clock: ClockName = 'node/node-1'): Stamp {
  const resolution = source.endsWith('-second') ? SECOND : MICROSECOND
  const evidence = { object: 'x', resourceVersion: '1', field: 'f', raw: '' }
  const receipt = source.endsWith('-receipt')
  return deepFreeze({
    source,
    at: at(ms),
    clock: receipt ? 'observer' : clock,
    resolution,
    evidence,
    ...(receipt ? { receivedAt: at(ms) } : {}),
  })
}

function instant(boundary: Boundary, stamps: readonly Stamp[], models = clocks()): Instant {
  const found = finishDraft(combine(boundary, stamps, models))
  assert.ok(found)
  return found
}

const ms = (moment: bigint): number => Number(moment - at(0)) / 1e6

test('without a stamp nothing is known', () => {
  assert.equal(finishDraft(combine('started container', [], clocks())), undefined)
})

test('an event name is right to 2 ms, and never late', () => {
  const { best, earliest, latest, source } = instant('started container', [stamp('event-name', 500)])
  assert.equal(source, 'event-name')
  assert.equal(ms(latest), 500)
  assert.ok(ms(best) > 499.5 && ms(best) < 500)
  assert.ok(ms(earliest) > 495 && ms(earliest) < 499)
})

test('a whole second holds everything within it', () => {
  const { best, earliest, latest } = instant('started container', [stamp('state-second', 2000)])
  assert.equal(ms(earliest), 2000)
  assert.ok(ms(latest) >= 3000 && ms(latest) <= 3500)
  assert.ok(best >= earliest && best <= latest)
})

test('the finest wins, and the others narrow it', () => {
  const { best, source, earliest, conflict } = instant('started container', [
    stamp('state-second', 2000),
    stamp('event-name', 2000.4),
    stamp('status-receipt', 2600),
  ])
  assert.equal(source, 'event-name')
  assert.ok(Math.abs(ms(best) - 2000.4) < 0.5)
  assert.equal(ms(earliest), 2000)
  assert.equal(conflict, undefined)
})

test('the order of stamps does not matter', () => {
  const stamps = [stamp('state-second', 2000), stamp('event-name', 2400), stamp('status-receipt', 2600)]
  const { stamps: _, ...forward } = instant('started container', stamps)
  const { stamps: __, ...backward } = instant('started container', stamps.toReversed())
  assert.deepEqual(backward, forward)
})

test('two that exclude each other are a conflict, in which the finer stays', () => {
  const { best, source, conflict } = instant('started container', [
    stamp('event-name', 500),
    stamp('state-second', 7000),
  ])
  assert.equal(source, 'event-name')
  assert.equal(conflict, true)
  assert.ok(Math.abs(ms(best) - 500) < 1)
})

test('a receipt of a list says only "not later"', () => {
  const { best, earliest, latest } = instant('bound', [
    stamp('condition-second', 2000, 'apiserver'),
    stamp('list-receipt', 90_000),
  ])
  assert.equal(ms(earliest), 2000)
  assert.ok(ms(latest) <= 3500)
  assert.ok(best <= latest)
})

test('creation is stored after its second begins, when we saw it at the latest', () => {
  const { earliest, latest, source, best } = instant('created', [
    stamp('creation-second', 1000, 'apiserver'),
    stamp('watch-receipt', 1400),
  ])
  assert.equal(source, 'watch-receipt')
  assert.ok(ms(earliest) >= 1000)
  assert.equal(ms(latest), 1400)
  assert.ok(best <= latest && best >= earliest)
})

test('first Ready is stored after its stamp, however late', () => {
  const { earliest, latest } = instant('ready stored', [
    stamp('condition-second', 1000),
    stamp('watch-receipt', 9500),
  ])
  assert.ok(ms(earliest) >= 1000)
  assert.equal(ms(latest), 9500)
})

test('Ready in a list may have turned long before its last turn', () => {
  const { earliest, latest, best } = instant('ready listed', [
    stamp('condition-second', 50_000),
    stamp('list-receipt', 90_000),
  ])
  assert.ok(ms(latest) <= 90_000)
  assert.ok(best >= earliest && best <= latest)
})

test('a stamp of a wrong clock is moved to ours, and says by how much', () => {
  const models = clocks()
  for (let second = 0; second < 12; second++)
    sampleLease(models.clocks, 'node/node-1', at(second * 1000 + 300_000), at(second * 1000 + 5))
  const { best, earliest, latest, shifted } = instant(
    'started container',
    [stamp('event-name', 300_500)],
    models,
  )
  assert.ok(shifted !== undefined && Math.abs(Number(shifted) / 1e6 + 300_000) < 50)
  assert.ok(Math.abs(ms(best) - 500) < 60)
  assert.ok(ms(earliest) < 500 && ms(latest) > 500)
})

test("a wrong node's clock moves no stamp of another clock", () => {
  const models = clocks()
  for (let second = 0; second < 12; second++)
    sampleLease(models.clocks, 'node/node-1', at(second * 1000 + 300_000), at(second * 1000 + 5))
  assert.equal(
    instant('started container', [stamp('event-name', 500, 'node/node-2')], models).shifted,
    undefined,
  )
})
