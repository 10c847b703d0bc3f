// Owns the rows on what Podspan gives: traces to exporters, statuses to sessions, and how whole all of it is. Does not make a dashboard: see itself.ts.

import { lines } from './panels.ts'
import { increase, once, rate, select, WINDOW, REPLICA } from './promql.ts'

export const doesItGive = [
  lines(
    {
      title: 'Traces',
      means: 'Traces per minute that were given to each exporter, sent by it and dropped.',
      then: '`sent` that stays below `given` while nothing is dropped fills the queue; see beside it.',
      unit: 'suffix: /min',
      decimals: 1,
    },
    {
      '{{exporter}}: given': `60 * sum by (exporter) (${rate('podspan_export_traces_total', WINDOW)})`,
      '{{exporter}}: sent': `60 * sum by (exporter) (${rate('podspan_export_traces_sent_total', WINDOW)})`,
    },
    { width: 8, height: 8 },
  ),
  lines(
    {
      title: 'Dropped traces',
      means:
        'In the window before each point, by reason. `queue-full`: the backend did not keep up; `refused`, `too-large`: its answer; `budget`: `spansPerMinute`; `too-old`: `maxSpanAge`; `left`: the next leader sends it; `shutdown`.',
      then: 'See the runbook of PodspanDropsTraces.',
      unit: 'short',
    },
    {
      '{{exporter}}: {{reason}}': `sum by (exporter, reason) (${increase('podspan_export_traces_dropped_total', WINDOW)})`,
    },
    { width: 8, height: 8, stacked: true },
  ),
  lines(
    {
      title: 'Waiting to be sent',
      means:
        'Bytes of traces in the queue, by exporter, the fullest replica. It is bounded; what does not fit is dropped.',
      then: 'A queue that grows has a backend that is slow or away.',
      unit: 'bytes',
    },
    { '{{exporter}}': `max by (exporter) (${select('podspan_export_queue_bytes')})` },
    { width: 8, height: 8 },
  ),
  lines(
    {
      title: 'Requests made again, spans rejected, traces repeated',
      means:
        'In the window before each point. Made again: the backend answered that it could not now. Rejected: it took the request but not these spans. Repeated: sent again after a crash or failover, with the same ids.',
      then: 'Rejected spans are lost; the log has the backend’s words.',
      unit: 'short',
    },
    {
      '{{exporter}}: made again': `sum by (exporter) (${increase('podspan_export_retries_total', WINDOW)})`,
      '{{exporter}}: spans rejected': `sum by (exporter) (${increase('podspan_export_spans_rejected_total', WINDOW)})`,
      '{{exporter}}: repeated': `sum by (exporter) (${increase('podspan_export_repeats_total', WINDOW)})`,
    },
    { width: 8, height: 8 },
  ),
  lines(
    {
      title: 'Spans sent',
      means: 'Spans per minute that the backend took: what a vendor charges.',
      then: 'Cap it with `spansPerMinute` of the exporter, or sample in the sessions.',
      unit: 'suffix: /min',
      decimals: 0,
    },
    { '{{exporter}}': `60 * sum by (exporter) (${rate('podspan_export_spans_sent_total', WINDOW)})` },
    { width: 8, height: 8, stacked: true },
  ),
  lines(
    {
      title: 'TraceSessions, and writes of their status',
      means: 'Sessions by phase; writes in the window before each point by how they went.',
      then: '`forbidden` is RBAC, `failed` an API server in trouble; the sessions’ verdicts come late.',
      unit: 'none',
    },
    {
      '{{phase}}': `max by (phase) (${select('podspan_sessions')}) > 0`,
      'status {{result}}': `sum by (result) (${increase('podspan_session_status_writes_total', WINDOW)})`,
    },
    { width: 8, height: 8 },
  ),
]

export const isItWhole = [
  lines(
    {
      title: 'Starts by evidence',
      means: 'Starts per minute, by whether the evidence of all that they waited for was seen.',
      then: '`incomplete` has `podspan.evidence.missing` on its trace, in words; often events that were dropped (25 per object), or a gap of the watch.',
      unit: 'suffix: /min',
      decimals: 2,
    },
    { '{{evidence}}': `60 * ${once(['evidence'], rate('podspan_pod_start_evidence_total', WINDOW))}` },
    { width: 8, height: 8, stacked: true },
  ),
  lines(
    {
      title: 'Limits reached, garbage',
      means:
        'In the window before each point: what was left out because a limit was reached, and records that cannot be.',
      then: 'Each limit’s name says what it bounds; the log says it once. Values without series of their own are counted as `other`.',
      unit: 'short',
    },
    {
      '{{limit}}': `sum by (limit) (${increase('podspan_limits_reached_total', WINDOW)}) > 0`,
      'garbage: {{what}}': `sum by (what) (${increase('podspan_garbage_total', WINDOW)})`,
      'no series of its own: {{label}}': `sum by (label) (${increase('podspan_metrics_folded_total', WINDOW)}) > 0`,
    },
    { width: 8, height: 8 },
  ),
  lines(
    {
      title: 'Finished starts that are kept',
      means:
        'Traces in the ring of each replica, for sessions that come late and for what a standby would have to send; how many made room for later ones, per minute.',
      then: 'If the ring holds less than some minutes, raise `ring.maxBytes`.',
      unit: 'short',
    },
    {
      [`${REPLICA}: kept`]: `max by (instance) (${select('podspan_ring_traces')})`,
      [`${REPLICA}: evicted per minute`]: `60 * sum by (instance) (${rate('podspan_ring_evicted_total', WINDOW)})`,
    },
    { width: 8, height: 8 },
  ),
]
