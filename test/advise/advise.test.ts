import assert from 'node:assert/strict'
import { test } from 'node:test'
import { milliseconds, toMilliseconds } from '../../src/base/time.ts'
import { adviseAll, createAdviser, STARTS_MAX, type WorkloadAdvice } from '../../src/advise/advise.ts'
import { quantileOf, tellingPercentile } from '../../src/advise/quantile.ts'
import type { Start } from '../../src/advise/start.ts'
import type { Trace } from '../../src/trace/trace.ts'
import { framesOf, tracesOf } from '../support/frames.ts'
import { made, type MadeStart, pull, start } from './made.ts'

/** A start of which `pulled` ms are a pull, and a second is something else. */
const pulling = (pulled: number, more: Partial<MadeStart> = {}): Start =>
  start({
    to: 1000 + pulled,
    steps: [
      { name: 'schedule', from: 0, to: 400 },
      pull('app', 'app:1', 400, 400 + pulled),
      made('start container', 'app', 400 + pulled, 500 + pulled),
      { name: 'report status', from: 500 + pulled, to: 1000 + pulled },
    ],
    ...more,
  })

const only = (advised: readonly WorkloadAdvice[]): WorkloadAdvice => {
  assert.equal(advised.length, 1)
  return advised[0] as WorkloadAdvice
}

const several = (count: number, pulled: (index: number) => number): Start[] =>
  Array.from({ length: count }, (_, index) => pulling(pulled(index)))

test('four starts are too few to advise on, five are not', () => {
  const advised = (count: number): number =>
    only(
      adviseAll(
        several(count, () => 4000),
        {},
      ),
    ).advice.length
  assert.deepEqual([advised(4), advised(5)], [0, 1])
  assert.equal(
    only(
      adviseAll(
        several(2, () => 4000),
        { minStarts: 2 },
      ),
    ).advice.length,
    1,
  )
})

test('what saves less than half a second is not said', () => {
  const advised = (pulled: number): number =>
    only(
      adviseAll(
        several(5, () => pulled),
        {},
      ),
    ).advice.length
  assert.deepEqual([advised(499), advised(501)], [0, 1])
  assert.equal(
    only(
      adviseAll(
        several(5, () => 499),
        { minSaving: milliseconds(400) },
      ),
    ).advice.length,
    1,
  )
})

test('starts that never came to their end are counted and say nothing', () => {
  const starts = [
    ...several(5, () => 4000),
    pulling(60_000, { outcome: 'timeout' }),
    pulling(1, { outcome: 'starting' }),
  ]
  const { starts: all, timed, percentiles } = only(adviseAll(starts, {}))
  assert.deepEqual([all, timed, toMilliseconds(percentiles.at(-1)?.of as never)], [7, 5, 5000])
})

test('a saving is the difference of quantiles, each over all starts', () => {
  // The slowest pull is of the start that would not be the slowest without it.
  const starts = several(100, (index) => (index < 90 ? 100 : 5000))
  const { telling, percentiles, affected } = only(adviseAll(starts, {})).advice[0] ?? {}
  assert.equal(telling?.percentile, 99)
  assert.equal(affected, 100)
  const likely = percentiles?.map(({ percentile, saving }) => [
    percentile,
    toMilliseconds(saving.likely as never),
  ])
  assert.deepEqual(likely, [
    [50, 100],
    [90, 100],
    [99, 5000],
  ])
})

test('the percentile that is spoken of needs starts above it', () => {
  assert.deepEqual([1, 9, 10, 99, 100, 5000].map(tellingPercentile), [50, 50, 90, 90, 99, 99])
  assert.equal(quantileOf([], 50), undefined)
})

test('the largest saving comes first, among advice and among workloads', () => {
  const other = Array.from({ length: 5 }, () => pulling(9000, { workload: 'Deployment/slow' }))
  const two = Array.from({ length: 5 }, () =>
    start({
      to: 9000,
      steps: [
        pull('a', 'a:1', 0, 2000),
        made('start container', 'a', 2000, 2100),
        pull('b', 'b:1', 2100, 5100),
        made('start container', 'b', 5100, 5200),
        { name: 'report status', from: 5200, to: 9000 },
      ],
    }),
  )
  const advised = adviseAll([...two, ...other], {})
  assert.deepEqual(
    advised.map(({ workload }) => workload),
    ['Deployment/slow', 'Deployment/web'],
  )
  assert.deepEqual(
    advised[1]?.advice.map(({ change }) => change),
    ['all 2 images present on the node', 'image b:1 present on the node', 'image a:1 present on the node'],
  )
})

test('each advice names the span it rests on, of the start that it would change most', () => {
  const starts = several(6, (index) => 1000 * (index + 1))
  const { example, span } = only(adviseAll(starts, {})).advice[0] ?? {}
  const most = starts[5] as Start
  assert.equal(span, 'pull image')
  assert.deepEqual(example, {
    pod: most.name,
    traceId: most.traceId,
    spanId: most.steps.find(({ name }) => name === 'pull image')?.spanId,
  })
})

test('waiting costs what is requested, from when the pod was bound, however the start ended', () => {
  const requests = { cpu: 2, memory: 8 * 2 ** 30, 'nvidia.com/gpu': 4 }
  const starts = [
    pulling(3_599_400, { requests }),
    pulling(3_599_400, { requests, outcome: 'timeout' }),
    pulling(3_599_400, { requests, steps: [{ name: 'wait at scheduling gate', from: 0, to: 3_600_000 }] }),
  ]
  const { waiting, advice } = only(adviseAll(starts, { minStarts: 1 }))
  assert.deepEqual(waiting, { 'core-hours': 4, 'GiB-hours': 16, 'nvidia.com/gpu-hours': 8 })
  assert.equal(Math.round((advice[0]?.hours['nvidia.com/gpu-hours'] ?? 0) * 1000), 3999)
})

test('starts beyond the limit are counted and left out, but one that is told again is not', async () => {
  const [trace] = tracesOf(await framesOf('plain')) as [Trace]
  const adviser = createAdviser()
  for (let index = 0; index < STARTS_MAX + 3; index++) adviser.add({ ...trace, uid: `pod-${index}` })
  adviser.add({ ...trace, uid: 'pod-7' })
  assert.equal(adviser.left, 3)
  assert.equal(only(adviser.advise()).starts, STARTS_MAX)
})

test('real starts: seven images pulled onto one node, of which six waited for others', async () => {
  const adviser = createAdviser()
  for (const trace of tracesOf(await framesOf('pulls')))
    adviser.add({ ...trace, workload: 'Deployment/pulls' })
  const { timed, advice } = only(adviser.advise({ minSaving: milliseconds(-10_000) }))
  const parallel = advice.find(({ kind }) => kind === 'parallel pulls')
  const saving = parallel?.percentiles.at(-1)?.saving
  assert.equal(timed, 7)
  assert.equal(parallel?.note, '6 of 7 starts waited for another pull')
  assert.ok(saving && saving.low <= 0n && saving.high > milliseconds(300) && saving.high < milliseconds(1400))
})
