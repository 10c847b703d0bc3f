// Owns the step from a health snapshot to samples: which number of it is which metric.
// Promises that labels stay within their limits, whatever the snapshot is keyed by.
// Does not read anything: the snapshot is given.

import type { MetricName } from './definitions.ts'
import type { ExporterHealth, HealthSnapshot, StreamHealth } from './health.ts'
import type { LabelName, Vocabulary } from './labels.ts'
import { type Format, type LabelValues, merged, pushHistogram, type Sample, single } from './samples.ts'

type Tell = (health: HealthSnapshot, vocabulary: Vocabulary, format: Format) => Sample[]
type Counts = Readonly<Record<string, number>>
type Row = readonly [LabelValues, number]

/** `frames.added` of the pipeline's counters as `{kind="added"}`. */
const ofPipeline =
  (prefix: string, label: LabelName, more: (health: HealthSnapshot) => Counts = () => ({})): Tell =>
  (health, vocabulary) => {
    const rows = Object.entries(health.pipeline)
      .filter(([name]) => name.startsWith(`${prefix}.`))
      .map(
        ([name, value]): Row => [{ [label]: vocabulary.admit(label, name.slice(prefix.length + 1)) }, value],
      )
    return merged([...rows, ...rowsOf(more(health), label, vocabulary)])
  }

const rowsOf = (counts: Counts, label: LabelName, vocabulary: Vocabulary, shared: LabelValues = {}): Row[] =>
  Object.entries(counts).map(([value, number]) => [
    { ...shared, [label]: vocabulary.admit(label, value) },
    number,
  ])

/** Those of a resource that the server does not serve are not told: nothing is missing there. */
const perStream =
  (tell: (stream: StreamHealth) => number): Tell =>
  ({ streams }, vocabulary) =>
    merged(
      Object.entries(streams)
        .filter(([, { state }]) => state !== 'absent')
        .map(([source, stream]): Row => [{ source: vocabulary.admit('source', source) }, tell(stream)]),
    )

const perStreamAndReason =
  (tell: (stream: StreamHealth) => Counts): Tell =>
  ({ streams }, vocabulary) =>
    merged(
      Object.entries(streams).flatMap(([source, stream]) =>
        rowsOf(tell(stream), 'reason', vocabulary, { source: vocabulary.admit('source', source) }),
      ),
    )

const perExporter =
  (tell: (exporter: ExporterHealth) => number): Tell =>
  ({ exporters }, vocabulary) =>
    merged(
      Object.entries(exporters).map(
        ([name, exporter]): Row => [{ exporter: vocabulary.admit('exporter', name) }, tell(exporter)],
      ),
    )

const drops: Tell = ({ exporters }, vocabulary) =>
  merged(
    Object.entries(exporters).flatMap(([name, { droppedBy }]) =>
      rowsOf(droppedBy, 'reason', vocabulary, { exporter: vocabulary.admit('exporter', name) }),
    ),
  )

const delays: Tell = ({ eventLoopDelay }, vocabulary) => {
  if (!eventLoopDelay) return []
  const { meanSeconds: mean, p99Seconds: p99, maxSeconds: max } = eventLoopDelay
  return merged(rowsOf({ mean, p99, max }, 'statistic', vocabulary))
}

const webhookSeconds: Tell = ({ webhook }, _vocabulary, format) => {
  const samples: Sample[] = []
  if (webhook) pushHistogram(samples, 'podspan_webhook_duration_seconds', webhook.seconds, format, 0)
  return samples
}

export const HEALTH = {
  podspan_frames_total: ofPipeline('frames', 'kind'),
  podspan_garbage_total: ofPipeline('garbage', 'what', ({ garbage }) => garbage ?? {}),
  podspan_limits_reached_total: ofPipeline('limit', 'limit', ({ limits }) => limits ?? {}),
  podspan_watch_frames_total: perStream(({ frames }) => frames),
  podspan_watch_received_bytes_total: perStream(({ bytes }) => bytes),
  podspan_watch_restarts_total: perStream(({ restarts }) => restarts),
  podspan_watch_relists_total: perStreamAndReason(({ relists }) => relists),
  podspan_watch_failures_total: perStreamAndReason(({ failures }) => failures),
  podspan_watch_decode_errors_total: perStreamAndReason(({ decodeErrors }) => decodeErrors),
  podspan_watch_gaps_total: perStream(({ gaps }) => gaps),
  podspan_watch_objects: perStream(({ objects }) => objects),
  podspan_watch_live: perStream(({ state }) => (state === 'live' ? 1 : 0)),
  podspan_watch_lag_seconds: ({ watchLagSeconds }) => single(watchLagSeconds),
  podspan_receiver_requests_total: ({ receiver }, vocabulary) =>
    merged(rowsOf(receiver?.requests ?? {}, 'answer', vocabulary)),
  podspan_receiver_received_bytes_total: ({ receiver }) => single(receiver?.bytes),
  podspan_receiver_spans_total: ({ receiver }, vocabulary) =>
    merged(rowsOf(receiver?.spans ?? {}, 'fate', vocabulary)),
  podspan_native_spans_total: ofPipeline('native', 'fate'),
  podspan_webhook_requests_total: ({ webhook }, vocabulary) =>
    merged(rowsOf(webhook?.requests ?? {}, 'review', vocabulary)),
  podspan_webhook_duration_seconds: webhookSeconds,
  podspan_export_traces_total: perExporter((exporter) => exporter.in),
  podspan_export_traces_sent_total: perExporter(({ sent }) => sent),
  podspan_export_traces_dropped_total: drops,
  podspan_export_spans_sent_total: perExporter(({ spansSent }) => spansSent),
  podspan_export_spans_rejected_total: perExporter(({ spansRejected }) => spansRejected),
  podspan_export_retries_total: perExporter(({ retries }) => retries),
  podspan_export_repeats_total: perExporter(({ repeats }) => repeats),
  podspan_export_queue_traces: perExporter(({ waiting }) => waiting),
  podspan_export_queue_bytes: perExporter(({ waitingBytes }) => waitingBytes),
  podspan_ring_traces: ({ ring }) => single(ring?.traces),
  podspan_ring_bytes: ({ ring }) => single(ring?.bytes),
  podspan_ring_evicted_total: ({ ring }) => single(ring?.evicted),
  podspan_sessions: ({ sessions }, vocabulary) => merged(rowsOf(sessions, 'phase', vocabulary)),
  podspan_session_status_writes_total: ({ statusWrites }, vocabulary) =>
    merged(rowsOf(statusWrites, 'result', vocabulary)),
  podspan_leader: ({ leader }) => single(leader ? 1 : 0),
  podspan_leader_acquired_total: ({ leaderAcquired }) => single(leaderAcquired),
  podspan_event_loop_delay_seconds: delays,
} as const satisfies Partial<Record<MetricName, Tell>>

export type HealthMetric = keyof typeof HEALTH
