import assert from 'node:assert/strict'
import { test } from 'node:test'
import { add, fromSeconds, seconds } from '../../src/base/time.ts'
import { createMetrics, type Metrics } from '../../src/metrics/metrics.ts'
import type { InFlight } from '../../src/trace/in-flight.ts'
import type { Trace } from '../../src/trace/trace.ts'
import { type Made, type MadeTrace, START, trace } from '../cli/hand-made.ts'
import { type Parsed, parseExposition } from './parse-exposition.ts'

const OPENMETRICS = 'application/openmetrics-text; version=1.0.0'

async function openMetrics(metrics: Metrics): Promise<Parsed> {
  return parseExposition((await metrics.expose(OPENMETRICS)).body, 'openmetrics')
}

/** The lines of one metric's samples. */
async function linesOf(metrics: Metrics, name: string, accept: string = OPENMETRICS): Promise<string[]> {
  const { body } = await metrics.expose(accept)
  return body.split('\n').filter((line) => line.startsWith(name))
}

const ROOT: Made = { name: 'pod startup', actor: 'podspan', start: 0, end: 4000 }
/** Bound after 1 s, ready after 4 s; of the 2 s of the pull all are critical, and one second of the readiness. */
const CHILDREN: readonly Made[] = [
  { name: 'schedule', start: 0, end: 1000, critical: [[0, 1000]] },
  { name: 'pull image', start: 1000, end: 3000, critical: [[1000, 3000]] },
  { name: 'readiness', start: 2500, end: 4000, critical: [[3000, 4000]] },
]

const made = (more: Partial<MadeTrace> = {}): Trace => trace({ spans: [ROOT, ...CHILDREN], ...more })
const lasting = (ms: number, more: Partial<MadeTrace> = {}): Trace =>
  trace({ spans: [{ ...ROOT, end: ms }], ...more })

const LABELS = 'namespace="shop",workload_kind="Deployment",workload="checkout"'

test('a start shows as a histogram of its workload, with its trace as exemplar', async () => {
  const metrics = createMetrics()
  metrics.take(made())
  const name = 'podspan_pod_start_duration_seconds'
  assert.deepEqual(await linesOf(metrics, name), [
    `${name}_bucket{le="1.0",${LABELS}} 0`,
    `${name}_bucket{le="2.0",${LABELS}} 0`,
    `${name}_bucket{le="5.0",${LABELS}} 1 # {trace_id="4bf92f3577b34da6a3ce929d0e0e4736"} 4 1700000004`,
    ...['10.0', '20.0', '30.0', '60.0', '120.0', '300.0', '600.0', '+Inf'].map(
      (le) => `${name}_bucket{le="${le}",${LABELS}} 1`,
    ),
    `${name}_sum{${LABELS}} 4`,
    `${name}_count{${LABELS}} 1`,
  ])
})

test('the text format has the same numbers, bounds as it writes them, and no exemplars', async () => {
  const metrics = createMetrics()
  metrics.take(made())
  await metrics.expose(OPENMETRICS)
  const { contentType, body } = await metrics.expose('text/plain')
  assert.equal(contentType, 'text/plain; version=0.0.4; charset=utf-8')
  const text = parseExposition(body, 'text')
  assert.equal(text.value('podspan_pod_start_duration_seconds_bucket', { le: '5' }), 1)
  assert.equal(text.value('podspan_pod_starts_total', { outcome: 'ready' }), 1)
  const other = await openMetrics(metrics)
  const numbers = ({ samples }: Parsed) => samples.map(({ name, value }) => [name, value])
  assert.deepEqual(numbers(text), numbers(other))
})

test('every outcome is counted, and only those that became ready have a duration', async () => {
  const metrics = createMetrics()
  for (const outcome of ['ready', 'ready', 'unstable', 'completed', 'failed', 'deleted', 'timeout'] as const)
    metrics.take(made({ outcome }))
  assert.deepEqual(await linesOf(metrics, 'podspan_pod_starts_total'), [
    `podspan_pod_starts_total{outcome="ready",${LABELS}} 2`,
    `podspan_pod_starts_total{outcome="unstable",${LABELS}} 1`,
    `podspan_pod_starts_total{outcome="completed",${LABELS}} 1`,
    `podspan_pod_starts_total{outcome="failed",${LABELS}} 1`,
    `podspan_pod_starts_total{outcome="deleted",${LABELS}} 1`,
    `podspan_pod_starts_total{outcome="timeout",${LABELS}} 1`,
  ])
  assert.equal((await openMetrics(metrics)).value('podspan_pod_start_duration_seconds_count'), 2)
})

test('a start that is not over is not counted', async () => {
  const metrics = createMetrics()
  metrics.take(made({ outcome: 'starting' }))
  assert.equal((await openMetrics(metrics)).sum('podspan_pod_starts_total'), 0)
})

test('a duration on a bound is within it', async () => {
  const metrics = createMetrics()
  metrics.take(lasting(5000))
  metrics.take(lasting(5001))
  metrics.take(lasting(700_000))
  const parsed = await openMetrics(metrics)
  const upTo = (le: string) => parsed.value('podspan_pod_start_duration_seconds_bucket', { le })
  assert.deepEqual([upTo('2.0'), upTo('5.0'), upTo('10.0'), upTo('600.0'), upTo('+Inf')], [0, 1, 2, 2, 3])
})

test('operations are counted per workload with their time and their share of the critical path', async () => {
  const metrics = createMetrics()
  metrics.take(made())
  metrics.take(made())
  const of = async (what: string) => (await linesOf(metrics, `podspan_workload_${what}`)).map(shortened)
  assert.deepEqual(await of('operations_total'), ['schedule 2', 'pull image 2', 'readiness 2'])
  assert.deepEqual(await of('operation_seconds_total'), ['schedule 2', 'pull image 4', 'readiness 3'])
  assert.deepEqual(await of('critical_path_seconds_total'), ['schedule 2', 'pull image 4', 'readiness 2'])
})

/** `schedule 2` of a line. */
const shortened = (line: string): string =>
  `${/operation="([^"]*)"/.exec(line)?.[1]} ${line.slice(line.lastIndexOf('}') + 2)}`

test('what of the root no operation explains is unaccounted on the critical path', async () => {
  const metrics = createMetrics()
  metrics.take(trace({ spans: [{ ...ROOT, critical: [[0, 500]] }] }))
  const parsed = await openMetrics(metrics)
  assert.equal(
    parsed.value('podspan_workload_critical_path_seconds_total', { operation: 'unaccounted' }),
    0.5,
  )
  assert.equal(parsed.sum('podspan_workload_operations_total'), 0)
})

test('an operation of a name that is not listed is counted as other', async () => {
  const metrics = createMetrics()
  metrics.take(trace({ spans: [ROOT, { name: 'warp space', start: 0, end: 2000, critical: [[0, 2000]] }] }))
  const parsed = await openMetrics(metrics)
  assert.equal(parsed.value('podspan_workload_operations_total', { operation: 'other' }), 1)
  assert.equal(parsed.value('podspan_operation_duration_seconds_count', { operation: 'other' }), 1)
})

test('only starts that the official SLI counts are in its histogram', async () => {
  const metrics = createMetrics()
  const withSli = (attributes: Made['attributes'] & {}) => trace({ spans: [{ ...ROOT, attributes }] })
  metrics.take(withSli({ 'podspan.sli.eligible': true, 'podspan.sli.duration_ms': 2500 }))
  metrics.take(withSli({ 'podspan.sli.eligible': false, 'podspan.sli.reason': 'the pod never became ready' }))
  const parsed = await openMetrics(metrics)
  assert.equal(parsed.value('podspan_pod_start_sli_duration_seconds_count'), 1)
  assert.equal(parsed.value('podspan_pod_start_sli_duration_seconds_sum'), 2.5)
  assert.equal(parsed.value('podspan_pod_start_sli_duration_seconds_bucket', { le: '3.0' }), 1)
  assert.equal(parsed.value('podspan_pod_start_sli_duration_seconds_bucket', { le: '2.0' }), 0)
})

test('every cause is there from the start, and an unknown one is other', async () => {
  const metrics = createMetrics()
  assert.equal((await openMetrics(metrics)).value('podspan_pod_start_causes_total', { cause: 'rollout' }), 0)
  metrics.take(made({ cause: 'rollout' }))
  metrics.take(made({ cause: 'sunspots' }))
  const parsed = await openMetrics(metrics)
  assert.equal(parsed.value('podspan_pod_start_causes_total', { cause: 'rollout' }), 1)
  assert.equal(parsed.value('podspan_pod_start_causes_total', { cause: 'other' }), 1)
  assert.equal(parsed.value('podspan_metrics_folded_total', { label: 'cause' }), 1)
})

const waits = async (metrics: Metrics) =>
  Object.fromEntries(
    (await openMetrics(metrics)).samples
      .filter(({ name }) => name === 'podspan_resource_wait_seconds_total')
      .map(({ labels, value }) => [`${labels['resource']}/${labels['operation']}`, value]),
  )

test('a slow start costs what its pod requested, from bound to ready, by what it waited for', async () => {
  const metrics = createMetrics()
  metrics.take(made({ requests: { cpu: 0.5, memory: 1024, 'nvidia.com/gpu': 8 } }))
  assert.deepEqual(await waits(metrics), {
    'cpu/pull image': 1,
    'cpu/readiness': 0.5,
    'memory/pull image': 2048,
    'memory/readiness': 1024,
    'nvidia.com/gpu/pull image': 16,
    'nvidia.com/gpu/readiness': 8,
  })
})

test('a part of the critical path that lies across the binding counts from there', async () => {
  const metrics = createMetrics()
  const spans = [
    ROOT,
    { name: 'schedule', start: 0, end: 1000 },
    { name: 'pull image', start: 500, end: 4000, critical: [[500, 4000] as const] },
  ]
  metrics.take(trace({ spans, requests: { cpu: 1 } }))
  assert.deepEqual(await waits(metrics), { 'cpu/pull image': 3 })
})

test('what was never bound, requests nothing or ran to its end costs nothing', async () => {
  const metrics = createMetrics()
  const { node: _, ...unbound } = made({ requests: { cpu: 1 }, outcome: 'timeout' })
  metrics.take(unbound)
  metrics.take(made())
  metrics.take(made({ requests: { cpu: 1 }, outcome: 'completed' }))
  metrics.take(made({ requests: { cpu: 0 } }))
  assert.deepEqual(await waits(metrics), {})
})

test('resources beyond the limit are left out, since cores and bytes have no sum, and counted', async () => {
  const metrics = createMetrics()
  for (let device = 0; device < 20; device++)
    metrics.take(made({ requests: { [`example.com/d${device}`]: 1 } }))
  metrics.take(made({ requests: { cpu: 1 } }))
  const parsed = await openMetrics(metrics)
  const resources = new Set(
    parsed.families.get('podspan_resource_wait_seconds')?.samples.map(({ labels }) => labels['resource']),
  )
  assert.deepEqual(
    [...resources],
    [
      'example.com/d0',
      'example.com/d1',
      'example.com/d2',
      'example.com/d3',
      'example.com/d4',
      'example.com/d5',
      'cpu',
    ],
  )
  assert.equal(parsed.value('podspan_metrics_folded_total', { label: 'resource' }), 14)
})

const flying = (operation: string, created: number, since: number): InFlight => ({
  uid: `${operation}-${created}`,
  namespace: 'shop',
  name: 'p',
  labels: {},
  owners: [],
  cause: 'rollout',
  created: fromSeconds(created),
  operation,
  since: fromSeconds(since),
  waitsFor: operation,
})

test('starts in flight are counted by what they wait for, stuck ones apart, and forgotten with the next list', async () => {
  const metrics = createMetrics()
  metrics.startsInFlight(
    [
      flying('schedule', 100, 130),
      flying('schedule', 100, 139),
      flying('pull image', 150, 190),
      flying('?', 190, 191),
      flying('readiness', 100, 140),
    ],
    fromSeconds(200),
  )
  const parsed = await openMetrics(metrics)
  const gauge = (name: string, operation: string) => parsed.value(`podspan_pod_starts_${name}`, { operation })
  assert.deepEqual(
    ['schedule', 'pull image', 'readiness', 'other'].map((operation) => gauge('in_flight', operation)),
    [2, 1, 1, 1],
  )
  assert.equal(gauge('stuck', 'schedule'), 2)
  assert.equal(gauge('stuck', 'pull image'), 0)
  assert.equal(gauge('stuck', 'readiness'), 0)
  assert.equal(parsed.value('podspan_pod_start_oldest_age_seconds'), 100)
  metrics.startsInFlight([], fromSeconds(201))
  assert.equal((await openMetrics(metrics)).sum('podspan_pod_starts_in_flight'), 0)
  assert.equal((await openMetrics(metrics)).value('podspan_pod_start_oldest_age_seconds'), 0)
})

test('a start that fails again and again is stuck from its first back-off on, however short each is', async () => {
  const metrics = createMetrics()
  const backsOff = { ...flying('back-off', 100, 195), failingSince: fromSeconds(139) }
  const stuck = async () =>
    (await openMetrics(metrics)).value('podspan_pod_starts_stuck', { operation: 'back-off' })
  metrics.startsInFlight([backsOff], fromSeconds(198))
  assert.equal(await stuck(), 0)
  metrics.startsInFlight([backsOff], fromSeconds(200))
  assert.equal(await stuck(), 1)
})

test('starts in flight are shown by workload and by node, from the first on and again with each list', async () => {
  const metrics = createMetrics()
  const checkout = { workload: 'Deployment/checkout', node: 'node-1' }
  metrics.startsInFlight(
    [
      { ...flying('pull image', 100, 139), ...checkout },
      { ...flying('readiness', 100, 150), ...checkout },
      flying('schedule', 100, 100),
    ],
    fromSeconds(200),
  )
  const gauges = async (name: string) =>
    Object.fromEntries(
      (await linesOf(metrics, name)).map((line) => [
        /(?:workload|node)="([^"]*)"/.exec(line)?.[1],
        line.slice(line.lastIndexOf('}') + 2),
      ]),
    )
  assert.deepEqual(await gauges('podspan_workload_starts_in_flight'), { checkout: '2', '': '1' })
  assert.deepEqual(await gauges('podspan_workload_starts_stuck'), { checkout: '1', '': '1' })
  assert.deepEqual(await gauges('podspan_node_starts_in_flight'), { 'node-1': '2' })
  const parsed = await openMetrics(metrics)
  assert.equal(parsed.value('podspan_pod_starts_total', { workload: 'checkout', outcome: 'ready' }), 0)
  metrics.startsInFlight([], fromSeconds(201))
  assert.deepEqual(await gauges('podspan_workload_starts_in_flight'), { checkout: '0', '': '0' })
  assert.deepEqual(await gauges('podspan_node_starts_in_flight'), { 'node-1': '0' })
})

test('a node is told from the binding on, by what the kubelet and the runtime did there', async () => {
  const metrics = createMetrics()
  const pulled: Made = {
    ...{ name: 'pull image', start: 1000, end: 3000 },
    attributes: { 'podspan.image.bytes': 5_000_000 },
  }
  const spans = [ROOT, { name: 'schedule', start: 0, end: 1000 }, pulled]
  metrics.take(trace({ spans: [...spans, { name: 'readiness', start: 3000, end: 4000 }] }))
  metrics.take(trace({ spans, outcome: 'timeout' }))
  const { node: _, ...unbound } = made({ outcome: 'timeout' })
  metrics.take(unbound)
  const parsed = await openMetrics(metrics)
  const of = (name: string, labels = {}) =>
    parsed.value(`podspan_node_${name}`, { node: 'node-1', ...labels })
  assert.equal(of('starts_total', { outcome: 'ready' }), 1)
  assert.equal(of('starts_total', { outcome: 'timeout' }), 1)
  assert.equal(of('start_seconds_total'), 3)
  assert.equal(of('operations_total', { operation: 'pull image' }), 2)
  assert.equal(of('operation_seconds_total', { operation: 'pull image' }), 4)
  assert.equal(of('operations_total', { operation: 'readiness' }), undefined)
  assert.equal(of('pulled_bytes_total'), 10_000_000)
  assert.equal(parsed.sum('podspan_node_starts_total'), 2)
})

test('a node that is called as all others together has a series of its own', async () => {
  const metrics = createMetrics({ nodesMax: 1 })
  for (const node of ['other', 'other-1', 'node-1']) metrics.take(made({ node }))
  const counts = await linesOf(metrics, 'podspan_node_starts_total{outcome="ready"')
  assert.deepEqual(counts, [
    'podspan_node_starts_total{outcome="ready",node="other (node)"} 1',
    'podspan_node_starts_total{outcome="ready",node="other"} 2',
  ])
})

test('starts are counted by whether their evidence was complete', async () => {
  const metrics = createMetrics()
  metrics.take(made())
  metrics.take(made({ evidenceComplete: false }))
  metrics.take(made({ evidenceComplete: false, outcome: 'failed' }))
  assert.deepEqual(await linesOf(metrics, 'podspan_pod_start_evidence_total'), [
    'podspan_pod_start_evidence_total{evidence="complete"} 1',
    'podspan_pod_start_evidence_total{evidence="incomplete"} 2',
  ])
})

test('bare pods of a namespace are one workload, and so are static pods', async () => {
  const metrics = createMetrics()
  const { workload: _, ...bare } = made()
  metrics.take(bare)
  metrics.take({ ...bare, name: 'another' })
  metrics.take(made({ workload: 'Node/node-1', namespace: 'kube-system' }))
  metrics.take(made({ workload: 'Node/node-2', namespace: 'kube-system' }))
  const counts = (await linesOf(metrics, 'podspan_pod_start_duration_seconds_count')).map((line) =>
    line.slice(40),
  )
  assert.deepEqual(counts, [
    '{namespace="shop",workload_kind="Pod",workload=""} 2',
    '{namespace="kube-system",workload_kind="Node",workload=""} 2',
  ])
})

test('label values are escaped, bounded in length, and valid text', async () => {
  const metrics = createMetrics()
  metrics.take(made({ namespace: 'a"b\\c\nd', workload: `Custom/${'x'.repeat(1000)}` }))
  metrics.take(made({ namespace: 'broken\ud800', workload: 'Custom/y' }))
  const { samples } = await openMetrics(metrics)
  const counts = samples.filter(({ name }) => name === 'podspan_pod_start_duration_seconds_count')
  assert.equal(counts[0]?.labels['namespace'], 'a"b\\c\nd')
  assert.equal(counts[0]?.labels['workload'], `${'x'.repeat(252)}…`)
  assert.equal(counts[1]?.labels['namespace'], 'broken\ufffd')
})

test('names that are too long to tell apart are one workload, not two series of one name', async () => {
  const metrics = createMetrics()
  for (const end of ['a', 'b']) metrics.take(made({ workload: `Custom/${'x'.repeat(300)}${end}` }))
  assert.equal((await openMetrics(metrics)).value('podspan_pod_starts_total', { outcome: 'ready' }), 2)
})

const bucketExemplar = async (metrics: Metrics) =>
  (await openMetrics(metrics)).samples.find(
    ({ name, labels }) => name === 'podspan_pod_start_duration_seconds_bucket' && labels['le'] === '5.0',
  )?.exemplar

test('an exemplar gives way to a later start, not more often than every ten seconds', async () => {
  const metrics = createMetrics()
  const ended = (traceId: string, after: number): Trace => {
    const start = add(START, seconds(after))
    const { spans, ...rest } = lasting(4000, { traceId })
    const shifted = spans.map((span) => {
      const end = add(start, seconds(4))
      return { ...span, end: { ...span.end, best: end, earliest: end, latest: end } }
    })
    return { ...rest, spans: shifted }
  }
  metrics.take(ended('first', 0))
  metrics.take(ended('too soon', 9))
  assert.equal((await bucketExemplar(metrics))?.labels['trace_id'], 'first')
  metrics.take(ended('second', 10))
  metrics.take(ended('from before', 5))
  assert.equal((await bucketExemplar(metrics))?.labels['trace_id'], 'second')
})

test('an exemplar that has grown old is not shown', async () => {
  const metrics = createMetrics()
  metrics.take(lasting(4000))
  metrics.startsInFlight([], add(START, seconds(604)))
  assert.ok(await bucketExemplar(metrics))
  metrics.startsInFlight([], add(START, seconds(605)))
  assert.equal(await bucketExemplar(metrics), undefined)
})

test('a trace that nobody exported is no exemplar', async () => {
  const metrics = createMetrics()
  metrics.take(lasting(4000), 'kept')
  assert.equal(await bucketExemplar(metrics), undefined)
})

test('a number of workloads or nodes that cannot be is refused with the range', () => {
  for (const workloadsMax of [-1, 1.5, 2001, Number.NaN])
    assert.throws(
      () => createMetrics({ workloadsMax }),
      /workloadsMax: .+ expected a whole number from 0 to 2000/,
    )
  assert.throws(() => createMetrics({ nodesMax: 2001 }), /nodesMax: 2001 .+ from 0 to 2000/)
})
