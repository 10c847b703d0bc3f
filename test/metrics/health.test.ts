import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ExporterHealth, HealthSnapshot, StreamHealth } from '../../src/metrics/health.ts'
import { HEALTH } from '../../src/metrics/health-samples.ts'
import { createMetrics } from '../../src/metrics/metrics.ts'
import { parseExposition } from './parse-exposition.ts'

const stream = (more: Partial<StreamHealth> = {}): StreamHealth => ({
  frames: 0,
  bytes: 0,
  restarts: 0,
  relists: {},
  failures: {},
  decodeErrors: {},
  gaps: 0,
  objects: 0,
  state: 'live',
  ...more,
})

const exporter = (more: Partial<ExporterHealth> = {}): ExporterHealth => ({
  in: 0,
  sent: 0,
  dropped: 0,
  waiting: 0,
  droppedBy: {},
  spansSent: 0,
  spansRejected: 0,
  retries: 0,
  waitingBytes: 0,
  repeats: 0,
  ...more,
})

const healthy = (more: Partial<HealthSnapshot> = {}): HealthSnapshot => ({
  pipeline: {},
  streams: {},
  exporters: {},
  leader: false,
  leaderAcquired: 0,
  sessions: {},
  statusWrites: {},
  ...more,
})

const FULL = healthy({
  pipeline: {
    'frames.added': 3,
    'frames.gap': 1,
    'garbage.uid': 2,
    'limit.facts of a pod': 4,
    'pods in flight': 9,
  },
  streams: {
    pods: stream({
      frames: 120,
      bytes: 4096,
      restarts: 2,
      relists: { expired: 1 },
      failures: { timeout: 3 },
      decodeErrors: { truncated: 1 },
      gaps: 1,
      objects: 50,
    }),
    events: stream({ frames: 7, state: 'waiting' }),
  },
  watchLagSeconds: 0.0035,
  exporters: {
    default: exporter({
      in: 10,
      sent: 6,
      dropped: 3,
      waiting: 1,
      droppedBy: { 'queue-full': 2, budget: 1 },
      spansSent: 48,
      spansRejected: 1,
      retries: 2,
      waitingBytes: 2048,
      repeats: 5,
    }),
  },
  webhook: {
    requests: { patched: 3, unchanged: 1, 'something new': 1 },
    seconds: { bounds: [0.001, 0.005], counts: Float64Array.of(2, 1, 1), exemplars: [], sum: 0.25 },
  },
  ring: { traces: 4, bytes: 8192, evicted: 2 },
  eventLoopDelay: { meanSeconds: 0.001, p99Seconds: 0.02, maxSeconds: 0.5 },
  leader: true,
  leaderAcquired: 2,
  sessions: { Running: 2, Passed: 1 },
  statusWrites: { written: 12, conflict: 1 },
  garbage: { uid: 1, 'trace context': 2 },
  limits: { 'sessions of a namespace': 6 },
})

const TEXT = `
podspan_frames_total{kind="added"} 3
podspan_frames_total{kind="gap"} 1
podspan_garbage_total{what="uid"} 3
podspan_garbage_total{what="trace context"} 2
podspan_limits_reached_total{limit="facts of a pod"} 4
podspan_limits_reached_total{limit="sessions of a namespace"} 6
podspan_watch_frames_total{source="pods"} 120
podspan_watch_frames_total{source="events"} 7
podspan_watch_received_bytes_total{source="pods"} 4096
podspan_watch_received_bytes_total{source="events"} 0
podspan_watch_restarts_total{source="pods"} 2
podspan_watch_restarts_total{source="events"} 0
podspan_watch_relists_total{source="pods",reason="expired"} 1
podspan_watch_failures_total{source="pods",reason="timeout"} 3
podspan_watch_decode_errors_total{source="pods",reason="truncated"} 1
podspan_watch_gaps_total{source="pods"} 1
podspan_watch_gaps_total{source="events"} 0
podspan_watch_objects{source="pods"} 50
podspan_watch_objects{source="events"} 0
podspan_watch_live{source="pods"} 1
podspan_watch_live{source="events"} 0
podspan_watch_lag_seconds 0.0035
podspan_webhook_requests_total{review="patched"} 3
podspan_webhook_requests_total{review="unchanged"} 1
podspan_webhook_requests_total{review="other"} 1
podspan_webhook_duration_seconds_bucket{le="0.001"} 2
podspan_webhook_duration_seconds_bucket{le="0.005"} 3
podspan_webhook_duration_seconds_bucket{le="+Inf"} 4
podspan_webhook_duration_seconds_sum 0.25
podspan_webhook_duration_seconds_count 4
podspan_export_traces_total{exporter="default"} 10
podspan_export_traces_sent_total{exporter="default"} 6
podspan_export_traces_dropped_total{exporter="default",reason="queue-full"} 2
podspan_export_traces_dropped_total{exporter="default",reason="budget"} 1
podspan_export_spans_sent_total{exporter="default"} 48
podspan_export_spans_rejected_total{exporter="default"} 1
podspan_export_retries_total{exporter="default"} 2
podspan_export_repeats_total{exporter="default"} 5
podspan_export_queue_traces{exporter="default"} 1
podspan_export_queue_bytes{exporter="default"} 2048
podspan_ring_traces 4
podspan_ring_bytes 8192
podspan_ring_evicted_total 2
podspan_sessions{phase="Running"} 2
podspan_sessions{phase="Passed"} 1
podspan_session_status_writes_total{result="written"} 12
podspan_session_status_writes_total{result="conflict"} 1
podspan_leader 1
podspan_leader_acquired_total 2
podspan_event_loop_delay_seconds{statistic="mean"} 0.001
podspan_event_loop_delay_seconds{statistic="p99"} 0.02
podspan_event_loop_delay_seconds{statistic="max"} 0.5
`

/** A histogram's samples are named after its parts. */
const isHealth = (line: string): boolean =>
  (line.split(/[{ ]/)[0] ?? '').replace(/_(?:bucket|sum|count)$/, '') in HEALTH

test('every number of a health snapshot shows as it is', async () => {
  const metrics = createMetrics()
  metrics.health(() => FULL)
  const { body } = await metrics.expose()
  assert.equal(body.split('\n').filter(isHealth).join('\n'), TEXT.trim())
})

test('what is not known is absent', async () => {
  const metrics = createMetrics()
  metrics.health(() => healthy())
  const { body } = await metrics.expose()
  assert.deepEqual(body.split('\n').filter(isHealth), ['podspan_leader 0', 'podspan_leader_acquired_total 0'])
})

test('a stream that the server does not serve is not one that is down', async () => {
  const metrics = createMetrics()
  metrics.health(() => healthy({ streams: { nodeclaims: stream({ state: 'absent' }), pods: stream() } }))
  const { body } = await metrics.expose()
  assert.deepEqual(
    body.split('\n').filter((line) => line.startsWith('podspan_watch_live{')),
    ['podspan_watch_live{source="pods"} 1'],
  )
  assert.doesNotMatch(body, /nodeclaims/)
})

test('without a snapshot there is no health, and everything else', async () => {
  const { body } = await createMetrics().expose()
  assert.deepEqual(body.split('\n').filter(isHealth), [])
  parseExposition(body, 'text')
})

test('the snapshot is read once at each scrape', async () => {
  const metrics = createMetrics()
  let reads = 0
  metrics.health(() => healthy({ leaderAcquired: ++reads }))
  await metrics.expose()
  const parsed = parseExposition((await metrics.expose()).body, 'text')
  assert.equal(parsed.value('podspan_leader_acquired_total'), 2)
})

test('of a label with too many values the first stay, and the others are added up', async () => {
  const metrics = createMetrics()
  const named = (count: number) =>
    Object.fromEntries(Array.from({ length: count }, (_, index) => [`s${index}`, stream({ frames: index })]))
  metrics.health(() => healthy({ streams: named(20) }))
  for (const count of [1, 2]) {
    const parsed = parseExposition((await metrics.expose()).body, 'text')
    const frames = (source: string) => parsed.value('podspan_watch_frames_total', { source })
    assert.equal(frames('s15'), 15)
    assert.equal(frames('s16'), undefined)
    assert.equal(frames('other'), 16 + 17 + 18 + 19)
    assert.ok((parsed.value('podspan_metrics_folded_total', { label: 'source' }) ?? 0) >= count * 4)
  }
})
