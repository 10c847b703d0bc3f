import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Frame } from '../../src/base/frame.ts'
import type { ContainerStatus, PodRecord } from '../../src/base/record.ts'
import { rootOf, type Span, type Trace } from '../../src/trace/trace.ts'
import { at, condition, frameOf, podRecord, secondsAt } from '../support/pods.ts'
import { assertSpans, traceOf, treeOf } from '../support/pods-spans.ts'

const HOUR = 3_600_000
const PROBED = [{ name: 'app', image: 'a', readinessProbe: { periodSeconds: 5 } }]

/** A pod that was bound at 1 s and whose container first ran at 3 s, as a list shows it later. */
function listed(more: Partial<PodRecord>, seenMs: number): readonly Frame[] {
  const pod = podRecord({
    containers: PROBED,
    nodeName: 'node-1',
    phase: 'Running',
    startSeconds: secondsAt(1000),
    ...more,
  })
  return [frameOf(seenMs, pod, 'initial'), { kind: 'tick', t: at(seenMs + 20_000), final: true }]
}

const conditions = (ready: number, value = 'True') => [
  condition('PodScheduled', 'True', 1000),
  condition('ContainersReady', value, ready),
  condition('Ready', value, ready),
]

const running = (from: number, more: Partial<ContainerStatus> = {}): ContainerStatus => ({
  name: 'app',
  ready: true,
  started: true,
  restartCount: 0,
  state: { kind: 'running', startedSeconds: secondsAt(from) },
  ...more,
})

const ended = (from: number, until: number, exitCode = 137): Pick<ContainerStatus, 'lastState'> => ({
  lastState: {
    kind: 'terminated',
    exitCode,
    startedSeconds: secondsAt(from),
    finishedSeconds: secondsAt(until),
  },
})

const told = (more: Partial<PodRecord>, seenMs = 71 * HOUR): Trace =>
  traceOf(listed(more, seenMs), { backfill: () => true })

const boundsOf = ({ end }: Span): { readonly from: number; readonly best: number; readonly to: number } => ({
  from: Number(end.earliest - at(0)) / 1e6,
  best: Number(end.best - at(0)) / 1e6,
  to: Number(end.latest - at(0)) / 1e6,
})

test('of a pod that a list shows as ready it is known only that it was ready by then', () => {
  const trace = told({ conditions: conditions(12_000), containerStatuses: [running(3000)] }, 30_000)
  assert.deepEqual(boundsOf(rootOf(trace)), { from: 3000, best: 12_000, to: 30_000 })
  assertSpans(trace, [
    ['pod startup', 0, 12_000],
    ['  schedule', 0, 1000],
    ['  prepare pod and create sandbox', 1000, 3000],
    ['  start container app', 3000, 3000],
    ['  readiness app', 3000, 12_000],
    ['  report status', 12_000, 12_000],
  ])
})

interface Case {
  readonly name: string
  readonly given: Partial<PodRecord>
}

const LOST: readonly Case[] = [
  {
    name: 'whose node was lost for a while',
    given: { conditions: conditions(70 * HOUR), containerStatuses: [running(3000)] },
  },
  {
    name: 'whose container was restarted',
    given: {
      conditions: conditions(70 * HOUR),
      containerStatuses: [
        running(70 * HOUR - 10_000, { restartCount: 1, ...ended(3000, 70 * HOUR - 12_000) }),
      ],
    },
  },
  {
    name: 'which is not ready now',
    given: {
      conditions: conditions(70 * HOUR, 'False'),
      containerStatuses: [running(3000, { ready: false })],
    },
  },
  {
    name: 'whose gate was closed for a while',
    given: {
      readinessGates: ['example.com/gate'],
      conditions: [...conditions(70 * HOUR), condition('example.com/gate', 'True', 70 * HOUR)],
      containerStatuses: [running(3000)],
    },
  },
]

for (const { name, given } of LOST)
  test(`a pod ${name} after days did not take days to start`, () => {
    const trace = told(given)
    const { from, best, to } = boundsOf(rootOf(trace))
    assert.deepEqual({ from, best }, { from: 3000, best: 3000 })
    assert.ok(to >= 70 * HOUR)
    assert.ok(!treeOf(trace).some((line) => /#2|back-off|✗/.test(line)), treeOf(trace).join('\n'))
    assert.match(String(rootOf(trace).attributes['podspan.evidence.missing']), /the first Ready/)
    assert.match(trace.verdict, /^Ready after at least 3.00 s/)
  })

test('a Ready that turned within the hour is told as an end that is late at the most, an ordinary one as it is', () => {
  const verdict = (ready: number): string =>
    told({ conditions: conditions(ready), containerStatuses: [running(3000)] }, HOUR).verdict
  assert.match(verdict(40 * 60_000), /^Ready after at most 40 min/)
  assert.match(verdict(12_000), /^Ready after 12.0 s/)
})

test('a pod that was restarted while it started keeps the Ready that is listed, and may have been ready before', () => {
  const trace = told(
    {
      conditions: conditions(20_000),
      containerStatuses: [running(15_000, { restartCount: 1, ...ended(3000, 5000, 1) })],
    },
    30_000,
  )
  const { from, best } = boundsOf(rootOf(trace))
  assert.deepEqual({ from, best }, { from: 3000, best: 20_000 })
  assert.ok(treeOf(trace).some((line) => line.includes('back-off')))
})

test('so does one without a probe', () => {
  const trace = told(
    {
      containers: [{ name: 'app', image: 'a' }],
      conditions: conditions(20_000),
      containerStatuses: [running(19_000, { restartCount: 1, ...ended(3000, 5000, 1) })],
    },
    30_000,
  )
  const { from, best } = boundsOf(rootOf(trace))
  assert.deepEqual({ from, best }, { from: 3000, best: 20_000 })
})

test('a Ready that the watch shows is bounded from below too', () => {
  const pod = (ready: boolean): PodRecord =>
    podRecord({
      containers: PROBED,
      nodeName: 'node-1',
      resourceVersion: ready ? '102' : '101',
      startSeconds: secondsAt(1000),
      conditions: conditions(ready ? 12_000 : 1000, ready ? 'True' : 'False'),
      containerStatuses: [running(3000, { ready })],
    })
  const trace = traceOf([
    frameOf(9000, pod(false), 'initial'),
    frameOf(12_100, pod(true), 'live', 'modified'),
    { kind: 'tick', t: at(30_000), final: true },
  ])
  assert.ok(boundsOf(rootOf(trace)).from >= 12_000)
})
