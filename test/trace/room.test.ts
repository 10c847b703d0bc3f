// Owns how starts are told that end all at once, a few at a time: none is left out, and no time goes on before those that are due.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Frame } from '../../src/base/frame.ts'
import { add, seconds } from '../../src/base/time.ts'
import { createPipeline } from '../../src/trace/pipeline.ts'
import { at, podRecord, story, frameOf } from '../support/pods.ts'

const COUNT = 25
const SETTLED = 10_000

const uidOf = (index: number): string => `44444444-0000-4000-8000-${String(index).padStart(12, '0')}`

/** All of them ready at once, as a list shows them that comes after a time without a watch. */
function readyAtOnce(): Frame[] {
  const ready = story().create(0).bind(20).admit(40).start(210, 'app').ready(300).frames()
  const last = ready.findLast((frame) => 'record' in frame && frame.record.resource === 'pods')
  assert.ok(last && 'record' in last && last.record.resource === 'pods')
  const { record } = last
  return Array.from({ length: COUNT }, (_, index) =>
    frameOf(1000, { ...record, uid: uidOf(index), name: `web-${index}` }, 'relist', 'added'),
  )
}

const tick = (ms: number): Frame => ({ kind: 'tick', t: at(ms) })

test('starts that end at once are told a few at a time, in their order, each once', () => {
  const pipeline = createPipeline({ room: () => 10, backfill: () => true })
  for (const frame of readyAtOnce()) assert.deepEqual(pipeline.push(frame), [])
  const told = [pipeline.push(tick(SETTLED)), pipeline.more(), pipeline.more()]
  assert.deepEqual(
    told.map(({ length }) => length),
    [10, 10, 5],
  )
  assert.deepEqual(
    told.flat().map(({ uid }) => uid),
    Array.from({ length: COUNT }, (_, index) => uidOf(index)),
  )
  assert.equal(pipeline.isBehind(), false)
  assert.deepEqual(pipeline.more(), [])
})

test('while some are due no time has passed that those would be below', () => {
  const pipeline = createPipeline({ room: () => 10, backfill: () => true })
  pipeline.push(tick(2000))
  const before = { ...pipeline.passed() }
  for (const frame of readyAtOnce()) pipeline.push(frame)
  pipeline.push(tick(SETTLED))
  assert.ok(pipeline.isBehind())
  assert.deepEqual({ ...pipeline.passed() }, { ...before, now: pipeline.passed().now })
  pipeline.push(tick(SETTLED + 1000))
  pipeline.more()
  assert.equal(pipeline.passed().watched, at(SETTLED + 1000))
})

test('timeouts of one second are told a few at a time too', () => {
  const pipeline = createPipeline({ room: () => 10, startTimeout: seconds(30) })
  for (let index = 0; index < COUNT; index++)
    pipeline.push(frameOf(0, podRecord({ uid: uidOf(index), name: `web-${index}` }), 'live', 'added'))
  const told = [pipeline.push(tick(32_000)), pipeline.more(), pipeline.more()].flat()
  assert.deepEqual(new Set(told.map(({ outcome }) => outcome)), new Set(['timeout']))
  assert.equal(told.length, COUNT)
  assert.ok(pipeline.passed().watched >= add(at(32_000), seconds(0)))
})
