// Owns what time is to a start that is to be told: it stands still while we read nothing, and for timeouts while no watch shows pods.
// Promises that evidence which waited in the sockets is in the trace, that a pod whose end waited is no timeout, and that both are told.
// How long nothing was read is measured elsewhere: test/kube/unread.test.ts.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Frame, ObjectFrame, TickFrame } from '../../src/base/frame.ts'
import { milliseconds, seconds } from '../../src/base/time.ts'
import { createPipeline, type Pipeline } from '../../src/trace/pipeline.ts'
import { nothingPassed, pass } from '../../src/trace/passing.ts'
import { at, frameOf, type Story, story } from '../support/pods.ts'

const tick = (ms: number, more: Partial<TickFrame> = {}): Frame => ({ kind: 'tick', t: at(ms), ...more })
const outcomes = (pipeline: Pipeline, frames: readonly Frame[]): string[] =>
  frames.flatMap((frame) => pipeline.push(frame)).map(({ outcome }) => outcome)

const pods = (told: Story): ObjectFrame[] =>
  told.frames().filter((frame): frame is ObjectFrame => 'source' in frame && frame.source === 'pods')

test('a start is not told before that is read which came while we stood still', () => {
  const pipeline = createPipeline()
  const [fromMs, untilMs] = [1100, 20_000]
  const told = story().create(0).bind(5).admit(20).start(800, 'app').ready(1000).frames()
  const seen = told.filter((frame): frame is ObjectFrame => 'record' in frame)
  const isLate = ({ source, t }: ObjectFrame): boolean => source === 'events' && t > at(800)
  const [before, waiting] = [seen.filter((frame) => !isLate(frame)), seen.filter(isLate)]
  assert.equal(waiting.length, 3)
  assert.deepEqual(outcomes(pipeline, before), [])
  const heldUp = milliseconds(untilMs - fromMs)
  assert.deepEqual(outcomes(pipeline, [tick(untilMs, { heldUp })]), [], 'the timer comes before the sockets')
  const gap: Frame = { kind: 'gap', source: 'events', reason: 'Expired', t: at(untilMs) }
  assert.deepEqual(outcomes(pipeline, [gap]), [], 'a gap says nothing of what waits')
  assert.deepEqual(
    outcomes(
      pipeline,
      waiting.map((frame) => ({ ...frame, t: at(untilMs + 1), heldUp })),
    ),
    [],
  )
  const [trace] = pipeline.push(tick(2 * untilMs))
  assert.ok(trace)
  assert.deepEqual(
    trace.spans.map(({ name }) => name).filter((name) => name.endsWith('container')),
    ['create container', 'start container'],
  )
})

test('a start that became ready while its watch was away is no timeout', () => {
  const pipeline = createPipeline({ startTimeout: seconds(60) })
  const frames = story().create(0).bind(5).admit(20).ready(50_000).frames()
  const inTime = frames.filter(({ t }) => t < at(1000))
  const ready = pods(story().create(0).bind(5).admit(20).ready(50_000)).at(-1)
  assert.ok(ready)
  assert.deepEqual(outcomes(pipeline, inTime), [])
  const away = [40, 59, 60, 61, 90, 110].map((s) =>
    tick(s * 1000, { unwatched: milliseconds(s * 1000 - 30_000) }),
  )
  assert.deepEqual(outcomes(pipeline, away), [])
  const others = frameOf(111_000, {
    resource: 'nodes',
    uid: 'n',
    name: 'n',
    namespace: '',
    resourceVersion: '5',
  })
  assert.deepEqual(outcomes(pipeline, [others]), [], 'another stream says nothing of pods')
  const relist: Frame = { ...ready, t: at(112_000), phase: 'relist' }
  assert.deepEqual(outcomes(pipeline, [relist, tick(113_000), tick(118_000)]), ['ready'])
})

test('a start that was not ready when its watch came back is a timeout then', () => {
  const pipeline = createPipeline({ startTimeout: seconds(60) })
  assert.deepEqual(outcomes(pipeline, [...pods(story().create(0))]), [])
  assert.deepEqual(outcomes(pipeline, [tick(100_000, { unwatched: seconds(50) })]), [])
  assert.deepEqual(outcomes(pipeline, [tick(101_000)]), ['timeout'])
})

test('no time goes back, whatever a frame says', () => {
  const passing = nothingPassed()
  const seen = [
    tick(1000),
    tick(2000, { heldUp: seconds(5) }),
    tick(1500),
    frameOf(3000, { resource: 'nodes', uid: 'n', name: 'n', namespace: '', resourceVersion: '5' }),
    tick(3500, { unwatched: seconds(2) }),
    tick(3600, { heldUp: seconds(1), unwatched: seconds(3) }),
  ].map((frame) => {
    pass(passing, frame)
    return [passing.now, passing.read, passing.watched].map((t) => Number(t - at(0)) / 1e6)
  })
  assert.deepEqual(seen, [
    [1000, 1000, 1000],
    [2000, 1000, 1000],
    [2000, 1500, 1500],
    [3000, 3000, 1500],
    [3500, 3500, 1500],
    [3600, 3500, 1500],
  ])
})
