import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  seriesMax,
  seriesOfNode,
  seriesOfWorkload,
  USUAL_OPERATIONS,
} from '../../scripts/generate-metrics-doc.ts'
import type { HealthSnapshot } from '../../src/metrics/health.ts'
import { fromSeconds, unixNano } from '../../src/base/time.ts'
import { CAUSES } from '../../src/trace/cause.ts'
import { OPERATIONS, OUTCOMES } from '../../src/metrics/labels.ts'
import { createMetrics, type Metrics, NODES_MAX, WORKLOADS_MAX } from '../../src/metrics/metrics.ts'
import { observeProcess } from '../../src/metrics/process.ts'
import type { Trace } from '../../src/trace/trace.ts'
import { trace } from '../cli/hand-made.ts'
import { type Parsed, parseExposition } from './parse-exposition.ts'

const startWith = (operations: readonly string[], more: Partial<Trace> = {}): Trace => ({
  ...trace({
    spans: [
      { name: 'pod startup', start: 0, end: 4000 },
      ...operations.map((name, index) => ({
        name,
        start: index * 10,
        end: index * 10 + 10,
        critical: [[index * 10, index * 10 + 10] as const],
      })),
    ],
  }),
  ...more,
})

const USUAL = [
  'schedule',
  'prepare pod and create sandbox',
  'pull image',
  'wait for pull slot',
  'transfer and unpack',
  'create container',
  'start container',
  'report status',
]

/** 2,000 workloads in each of three namespaces, each with as many starts, on as many nodes. */
function takeAll(metrics: Metrics, given: Trace): number {
  let taken = 0
  for (let workload = 0; workload < 2000; workload++)
    for (const namespace of ['a', 'b', 'c']) {
      metrics.take({ ...given, namespace, workload: `Deployment/w${workload}`, node: `n${workload}` })
      taken++
    }
  return taken
}

const parsed = async (metrics: Metrics): Promise<Parsed> =>
  parseExposition((await metrics.expose('application/openmetrics-text')).body, 'openmetrics')

const ofWorkloads = ({ samples }: Parsed) => samples.filter(({ labels }) => 'workload' in labels)

test('2,000 workloads in three namespaces with usual starts have as many series as docs/metrics.md says', async () => {
  assert.equal(USUAL.length, USUAL_OPERATIONS)
  const metrics = createMetrics()
  const taken = takeAll(metrics, startWith(USUAL))
  const all = await parsed(metrics)
  assert.equal(ofWorkloads(all).length, (WORKLOADS_MAX.default + 1) * seriesOfWorkload(USUAL_OPERATIONS))
  assert.equal(all.sum('podspan_pod_starts_total'), taken)
  assert.equal(all.value('podspan_metrics_workloads'), 200)
  assert.equal(all.value('podspan_metrics_folded_total', { label: 'workload' }), taken - 200)
})

test('2,000 nodes have no more series than docs/metrics.md says, and all of their starts', async () => {
  const metrics = createMetrics()
  const taken = takeAll(metrics, startWith([...OPERATIONS, 'x']))
  const all = await parsed(metrics)
  const ofNodes = all.samples.filter(({ labels }) => 'node' in labels)
  assert.equal(ofNodes.length, (NODES_MAX.default + 1) * seriesOfNode())
  assert.equal(all.sum('podspan_node_starts_total'), taken)
  assert.equal(all.value('podspan_metrics_folded_total', { label: 'node' }), taken - 3 * NODES_MAX.default)
})

test('starts in flight of more workloads and nodes than have a place are shown together', async () => {
  const metrics = createMetrics({ workloadsMax: 20, nodesMax: 10 })
  const flying = Array.from({ length: 100 }, (_, index) => ({
    ...{ uid: `${index}`, namespace: 'shop', name: 'p', workload: `Deployment/w${index}`, node: `n${index}` },
    ...{ labels: {}, owners: [], cause: 'rollout', operation: 'schedule', waitsFor: '' },
    ...{ created: unixNano(0n), since: unixNano(0n) },
  }))
  metrics.startsInFlight(flying, fromSeconds(61))
  const all = await parsed(metrics)
  assert.equal(all.sum('podspan_workload_starts_in_flight'), 100)
  assert.equal(all.value('podspan_workload_starts_in_flight', { workload: 'other' }), 80)
  assert.equal(all.value('podspan_workload_starts_stuck', { workload: 'w7' }), 1)
  assert.equal(all.value('podspan_node_starts_in_flight', { node: 'other' }), 90)
  assert.equal(all.value('podspan_metrics_folded_total', { label: 'workload' }), 0, 'none of them is over')
})

const many = <T>(count: number, make: (index: number) => T): Record<string, T> =>
  Object.fromEntries(Array.from({ length: count }, (_, index) => [`v${index}`, make(index)]))

/** A snapshot that is keyed by whatever comes. */
const wildHealth = (): HealthSnapshot => {
  const counts = many(100, (index) => index)
  const pipeline = ['frames', 'garbage', 'limit'].flatMap((prefix) =>
    Object.keys(counts).map((name): [string, number] => [`${prefix}.${name}`, 1]),
  )
  return {
    pipeline: Object.fromEntries(pipeline),
    streams: many(100, () => ({
      frames: 1,
      bytes: 1,
      restarts: 1,
      relists: counts,
      failures: counts,
      decodeErrors: counts,
      gaps: 1,
      objects: 1,
      state: 'live',
    })),
    watchLagSeconds: 1,
    exporters: many(100, () => ({
      in: 1,
      sent: 1,
      dropped: 1,
      waiting: 1,
      droppedBy: counts,
      spansSent: 1,
      spansRejected: 1,
      retries: 1,
      waitingBytes: 1,
      repeats: 1,
    })),
    ring: { traces: 1, bytes: 1, evicted: 1 },
    eventLoopDelay: { meanSeconds: 1, p99Seconds: 1, maxSeconds: 1 },
    leader: true,
    leaderAcquired: 1,
    sessions: counts,
    statusWrites: counts,
    limits: counts,
  }
}

test('whatever the cluster holds, there are no more series than the limit says', async () => {
  const observer = observeProcess()
  try {
    const metrics = createMetrics({ readProcess: observer.read, version: 'v' })
    metrics.health(wildHealth)
    takeAll(metrics, startWith([...OPERATIONS, 'x', 'y']))
    const requests = many(100, () => 1)
    for (const outcome of OUTCOMES)
      metrics.take(startWith([...OPERATIONS, 'x'], { outcome, requests, cause: `because ${outcome}` }))
    for (const cause of CAUSES) metrics.take(startWith(OPERATIONS, { cause }))
    const { samples } = await parsed(metrics)
    const limit = seriesMax(WORKLOADS_MAX.default, NODES_MAX.default)
    assert.ok(samples.length <= limit, `${samples.length} series, the limit is ${limit}`)
    // A limit far above what can be reached would say nothing.
    assert.ok(samples.length > limit * 0.9, `${samples.length} series, the limit is ${limit}`)
  } finally {
    observer.close()
  }
})

test('over a week in which the busy workloads change, the limit holds, the sum is all starts, and no counter falls', async () => {
  const metrics = createMetrics({ workloadsMax: 20 })
  let taken = 0
  let before = new Map<string, number>()
  for (let hour = 0; hour < 168; hour += 3) {
    const ended = BigInt(hour) * 3_600_000_000_000n
    for (let index = 0; index < 90; index++) {
      const given = startWith(['schedule', 'pull image'])
      const spans = given.spans.map((span) => ({
        ...span,
        start: { ...span.start, best: (span.start.best + ended) as typeof span.start.best },
        end: { ...span.end, best: (span.end.best + ended) as typeof span.end.best },
      }))
      metrics.take({ ...given, spans, workload: `Deployment/w${Math.floor(hour / 12) * 7 + (index % 30)}` })
      taken++
    }
    const all = await parsed(metrics)
    assert.equal(all.sum('podspan_pod_starts_total'), taken)
    assert.equal(all.sum('podspan_pod_start_duration_seconds_count'), taken)
    assert.equal(all.sum('podspan_workload_operations_total', { operation: 'schedule' }), taken)
    assert.equal(all.sum('podspan_pod_start_duration_seconds_sum'), taken * 4)
    for (const what of ['operation_seconds', 'critical_path_seconds']) {
      const seconds = all.sum(`podspan_workload_${what}_total`)
      assert.ok(Math.abs(seconds - taken * 0.02) < 1e-6, `${seconds} s of ${taken} starts`)
    }
    assert.ok(ofWorkloads(all).length <= 21 * seriesOfWorkload(2))
    const after = new Map(all.samples.map(({ series, value }) => [series, value]))
    for (const { series, value, name } of all.samples)
      if (/_(total|bucket|count|sum)$/.test(name))
        assert.ok(value >= (before.get(series) ?? 0), `${series} fell`)
    before = after
  }
  const evicted = (await parsed(metrics)).value('podspan_metrics_workloads_evicted_total') ?? 0
  assert.ok(evicted > 20, `only ${evicted} workloads gave up their places`)
})
