// Owns the table of all metrics: name, type, unit, labels, help, stability and bucket bounds; docs/metrics.md is written from it.
// Promises names and units as Prometheus and OpenMetrics want them: base units, `_total` on counters only, no colons.
// Does not say where a number comes from: see metrics.ts.

import { type LabelName, NODE_OPERATIONS } from './labels.ts'

export interface Definition {
  readonly type: 'counter' | 'gauge' | 'histogram'
  /** The base unit that the name carries; absent for counts and states. */
  readonly unit?: 'seconds' | 'bytes'
  /** Whether each of the workloads, or nodes, that have series of their own has this one. */
  readonly per?: keyof typeof PLACE_LABELS
  readonly labels: readonly LabelName[]
  readonly help: string
  readonly stability: 'beta' | 'alpha'
  readonly bounds?: readonly number[]
  /** The operations that there are here, where not all are. */
  readonly operations?: readonly string[]
}

/** The labels that tell workloads apart, or nodes, in this order. */
export const PLACE_LABELS = {
  workload: ['namespace', 'workload_kind', 'workload'],
  node: ['node'],
} as const

/**
 * 5 s is the bound of Kubernetes' own start-up SLO, 600 s the default start timeout; between, what teams promise each other (10 s, 30 s, 1 min,
 * 2 min, 5 min). Neighbours differ by 1.5 to 2.5 times, so that an interpolated quantile is off by no more than that.
 */
export const START_BOUNDS = [1, 2, 5, 10, 20, 30, 60, 120, 300, 600] as const

/** A part of those of kubelet_pod_start_sli_duration_seconds, so that the two can be compared bucket by bucket. */
export const SLI_BOUNDS = [0.5, 1, 2, 3, 4, 5, 6, 8, 10, 20, 30, 45, 60, 120, 300, 600] as const

/** From writing a status (milliseconds) to pulling a large image (minutes). */
export const OPERATION_BOUNDS = [0.01, 0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10, 20, 30, 60, 120, 300, 600] as const

/** From a Deployment of one small pod to a night's Job. */
export const ROLLOUT_BOUNDS = [5, 10, 30, 60, 120, 300, 600, 1200, 3600, 14_400] as const

/** An answer takes about a millisecond; an API server waits for 1 s by default, and 30 s at the most. */
export const WEBHOOK_BOUNDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1] as const

export const GC_BOUNDS = [0.001, 0.01, 0.1, 1] as const

const count = (labels: readonly LabelName[], help: string): Definition => ({
  type: 'counter',
  labels,
  help,
  stability: 'beta',
})
const state = (labels: readonly LabelName[], help: string): Definition => ({
  type: 'gauge',
  labels,
  help,
  stability: 'beta',
})

const STARTS = {
  podspan_pod_start_duration_seconds: {
    type: 'histogram',
    unit: 'seconds',
    per: 'workload',
    labels: [],
    help: 'Time from the creation of a pod until its first Ready was stored, of starts with the outcome ready.',
    stability: 'beta',
    bounds: START_BOUNDS,
  },
  podspan_pod_starts_total: {
    ...count(['outcome'], 'Pod starts that are over, by how they ended.'),
    per: 'workload',
  },
  podspan_workload_operation_seconds_total: {
    ...count(['operation'], 'Time that operations took, which run side by side and within one another.'),
    unit: 'seconds',
    per: 'workload',
  },
  podspan_workload_operations_total: {
    ...count(['operation'], 'Operations in pod starts that are over.'),
    per: 'workload',
  },
  podspan_workload_critical_path_seconds_total: {
    ...count(
      ['operation'],
      'Time for which a start was waiting for this operation; over all operations, the time that starts took.',
    ),
    unit: 'seconds',
    per: 'workload',
  },
  podspan_pod_start_causes_total: count(['cause'], 'Pod starts that are over, by why the pod was created.'),
  podspan_pod_start_evidence_total: count(
    ['evidence'],
    'Pod starts that are over, by whether the evidence of all that they waited for was seen; others are coarser, and say what was missing.',
  ),
  podspan_pod_start_sli_duration_seconds: {
    type: 'histogram',
    unit: 'seconds',
    labels: [],
    help: "Kubernetes' own pod start-up SLI, of the starts that it counts: without image pulls and init containers, stateless pods that could be scheduled at once.",
    stability: 'beta',
    bounds: SLI_BOUNDS,
  },
  podspan_operation_duration_seconds: {
    type: 'histogram',
    unit: 'seconds',
    labels: ['operation'],
    help: 'Duration of single operations, over the whole cluster.',
    stability: 'beta',
    bounds: OPERATION_BOUNDS,
  },
  podspan_resource_wait_seconds_total: {
    ...count(
      ['resource', 'operation'],
      'Requested resources (cores, bytes, devices) times the seconds from bound to ready, by the operation that the start was waiting for.',
    ),
    unit: 'seconds',
    stability: 'alpha',
  },
  podspan_pod_starts_in_flight: state(
    ['operation'],
    'Pods that are starting, by the operation that they wait for.',
  ),
  podspan_pod_starts_stuck: state(
    ['operation'],
    'Pods that are starting and have been waiting for the same operation, or failing at it, for over a minute.',
  ),
  podspan_workload_starts_in_flight: {
    ...state([], 'Pods of the workload that are starting.'),
    per: 'workload',
  },
  podspan_workload_starts_stuck: {
    ...state(
      [],
      'Pods of the workload that are starting and have been waiting for the same operation, or failing at it, for over a minute.',
    ),
    per: 'workload',
  },
  podspan_pod_start_oldest_age_seconds: {
    ...state([], 'Age of the oldest pod that is starting; 0 if there is none.'),
    unit: 'seconds',
  },
} as const satisfies Readonly<Record<string, Definition>>

const ROLLOUTS = {
  podspan_rollout_duration_seconds: {
    type: 'histogram',
    unit: 'seconds',
    labels: ['rollout_kind'],
    help: 'Time from the change that asked for a rollout until its workload was complete, of rollouts that were; of a Job, until its work was done.',
    stability: 'alpha',
    bounds: ROLLOUT_BOUNDS,
  },
  podspan_rollouts_total: {
    ...count(['rollout_kind', 'rollout_outcome'], 'Rollouts that are over, by how they ended.'),
    stability: 'alpha',
  },
  podspan_rollout_hold_seconds_total: {
    ...count(
      ['rollout_kind', 'hold'],
      'Time for which rollouts that are over were waiting for this; over all holds, the time that they took.',
    ),
    unit: 'seconds',
    stability: 'alpha',
  },
  podspan_rollouts_under_way: {
    ...state(['rollout_kind'], 'Rollouts that go on.'),
    stability: 'alpha',
  },
  podspan_rollout_oldest_age_seconds: {
    ...state(['rollout_kind'], 'Since when the rollout goes on that was seen first; 0 if there is none.'),
    unit: 'seconds',
    stability: 'alpha',
  },
} as const satisfies Readonly<Record<string, Definition>>

const NODES = {
  podspan_node_starts_total: {
    ...count(['outcome'], 'Pod starts on the node that are over, by how they ended.'),
    per: 'node',
  },
  podspan_node_start_seconds_total: {
    ...count([], 'Time from bound to ready, of starts on the node that became ready.'),
    unit: 'seconds',
    per: 'node',
  },
  podspan_node_operation_seconds_total: {
    ...count(
      ['operation'],
      'Time that operations of the kubelet and the runtime took on the node, which run side by side and within one another.',
    ),
    unit: 'seconds',
    per: 'node',
    operations: NODE_OPERATIONS,
  },
  podspan_node_operations_total: {
    ...count(['operation'], 'Operations of the kubelet and the runtime on the node.'),
    per: 'node',
    operations: NODE_OPERATIONS,
  },
  podspan_node_pulled_bytes_total: {
    ...count([], 'Size of the images that were pulled, as the kubelet says it since Kubernetes 1.30.'),
    unit: 'bytes',
    per: 'node',
  },
  podspan_node_starts_in_flight: {
    ...state([], 'Pods that are starting and are bound to the node.'),
    per: 'node',
  },
} as const satisfies Readonly<Record<string, Definition>>

const INPUT = {
  podspan_frames_total: count(['kind'], 'Frames that the pipeline took, by kind.'),
  podspan_garbage_total: count(['what'], 'Records or fields that cannot be, and were not used.'),
  podspan_limits_reached_total: count(
    ['limit'],
    'Times that something was left out because a limit was reached.',
  ),
  podspan_watch_frames_total: count(
    ['source'],
    'Objects, bookmarks and errors received by lists and watches.',
  ),
  podspan_watch_received_bytes_total: {
    ...count(['source'], 'Bytes received by lists and watches.'),
    unit: 'bytes',
  },
  podspan_watch_restarts_total: count(['source'], 'Watches opened after the first.'),
  podspan_watch_relists_total: count(
    ['source', 'reason'],
    'Lists made after the first, by what made them necessary.',
  ),
  podspan_watch_failures_total: count(
    ['source', 'reason'],
    'Requests that failed and ERROR frames, by kind.',
  ),
  podspan_watch_decode_errors_total: count(
    ['source', 'reason'],
    'Objects that could not be read, by kind of error.',
  ),
  podspan_watch_gaps_total: count(['source'], 'Times that something may have been missed.'),
  podspan_watch_objects: state(['source'], 'Objects known to exist.'),
  podspan_watch_live: state(
    ['source'],
    'Whether the stream is live (1) or listing, waiting or forbidden (0). Absent where the server does not serve the resource.',
  ),
  podspan_watch_lag_seconds: {
    ...state(
      [],
      'How late the watch typically showed things in the last 15 s, from a fine stamp of a component to its receipt, the writing included. Absent while there was none.',
    ),
    unit: 'seconds',
  },
  podspan_receiver_requests_total: {
    ...count(['answer'], "Requests with other components' spans, by what was answered."),
    stability: 'alpha',
  },
  podspan_receiver_received_bytes_total: {
    ...count([], "Bytes of other components' spans."),
    unit: 'bytes',
    stability: 'alpha',
  },
  podspan_receiver_spans_total: {
    ...count(
      ['fate'],
      "Other components' spans in requests that were taken: taken, skipped since they are of no start, or invalid.",
    ),
    stability: 'alpha',
  },
  podspan_native_spans_total: {
    ...count(
      ['fate'],
      "Other components' spans that were taken, and of these those that were joined with a start, were late, came twice, or were of no start.",
    ),
    stability: 'alpha',
  },
  podspan_webhook_requests_total: {
    ...count(['review'], 'Requests to the webhook that puts contexts into pods, by what came of them.'),
    stability: 'alpha',
  },
  podspan_webhook_duration_seconds: {
    type: 'histogram',
    unit: 'seconds',
    labels: [],
    help: "Time from a request's arrival at the webhook until it was answered.",
    stability: 'alpha',
    bounds: WEBHOOK_BOUNDS,
  },
} as const satisfies Readonly<Record<string, Definition>>

const OUTPUT = {
  podspan_export_traces_total: count(['exporter'], 'Traces given to an exporter: sent + dropped + waiting.'),
  podspan_export_traces_sent_total: count(['exporter'], 'Traces that the server took.'),
  podspan_export_traces_dropped_total: count(['exporter', 'reason'], 'Traces that were not sent, by reason.'),
  podspan_export_spans_sent_total: count(['exporter'], 'Spans of traces that the server took.'),
  podspan_export_spans_rejected_total: count(['exporter'], 'Spans that the server said it rejected.'),
  podspan_export_retries_total: count(['exporter'], 'Requests that failed and were made again.'),
  podspan_export_repeats_total: count(
    ['exporter'],
    'Traces sent again after a crash or failover, with the same ids.',
  ),
  podspan_export_queue_traces: state(['exporter'], 'Traces that wait to be sent.'),
  podspan_export_queue_bytes: {
    ...state(['exporter'], 'Bytes of traces that wait to be sent.'),
    unit: 'bytes',
  },
  podspan_ring_traces: state([], 'Finished traces kept for late sessions.'),
  podspan_ring_bytes: { ...state([], 'Bytes of finished traces kept for late sessions.'), unit: 'bytes' },
  podspan_ring_evicted_total: count([], 'Traces that made room for later ones.'),
  podspan_sessions: state(['phase'], 'TraceSessions by phase.'),
  podspan_session_status_writes_total: count(['result'], "Writes of a session's status."),
  podspan_leader: state([], 'Whether this replica exports and writes status (1) or stands by (0).'),
  podspan_leader_acquired_total: count([], 'Times that this replica became the leader.'),
} as const satisfies Readonly<Record<string, Definition>>

const ITSELF = {
  podspan_event_loop_delay_seconds: {
    ...state(['statistic'], 'Delay of the event loop since the scrape before.'),
    unit: 'seconds',
  },
  podspan_metrics_folded_total: count(
    ['label'],
    'Times that a value was counted as other because its label had as many values as it may have.',
  ),
  podspan_metrics_workloads: state([], 'Workloads that have series of their own.'),
  podspan_metrics_workloads_evicted_total: count(
    [],
    'Workloads that gave up their series to one with more recent starts.',
  ),
  podspan_build_info: state(['version'], 'Always 1; which version this is.'),
  process_cpu_seconds_total: { ...count([], 'User and system CPU time of the process.'), unit: 'seconds' },
  process_resident_memory_bytes: { ...state([], 'Resident memory of the process.'), unit: 'bytes' },
  podspan_memory_limit_bytes: {
    ...state(
      [],
      'Memory that the process may use, as its control group says; above it the container is killed. Absent without a limit.',
    ),
    unit: 'bytes',
  },
  process_start_time_seconds: {
    ...state([], 'When the process started, in seconds since the Unix epoch.'),
    unit: 'seconds',
  },
  nodejs_heap_used_bytes: { ...state([], "Part of V8's heap that is in use."), unit: 'bytes' },
  nodejs_gc_duration_seconds: {
    type: 'histogram',
    unit: 'seconds',
    labels: ['gc'],
    help: 'Duration of garbage collections.',
    stability: 'beta',
    bounds: GC_BOUNDS,
  },
} as const satisfies Readonly<Record<string, Definition>>

export const GROUPS = {
  'Starts of pods': STARTS,
  'Starts by node': NODES,
  Rollouts: ROLLOUTS,
  'What Podspan reads': INPUT,
  'What it gives': OUTPUT,
  Itself: ITSELF,
} as const

export const DEFINITIONS = { ...STARTS, ...NODES, ...ROLLOUTS, ...INPUT, ...OUTPUT, ...ITSELF }
export type MetricName = keyof typeof DEFINITIONS
