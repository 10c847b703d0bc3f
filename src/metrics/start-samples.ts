// Owns the step from the numbers of starts to samples: which number is which metric.
// Promises every metric about starts of definitions.ts. Reads when it is asked and keeps nothing.

import type { MetricName } from './definitions.ts'
import type { Collectors } from './exposition.ts'
import type { InFlightCounts } from './in-flight.ts'
import { EVIDENCE, NODE_OPERATIONS, OPERATIONS, OUTCOMES } from './labels.ts'
import type { NodeCounts } from './nodes.ts'
import {
  type Format,
  type LabelValues,
  merged,
  ofEach,
  operationAt,
  pushByOperation,
  pushHistogram,
  type Sample,
  single,
} from './samples.ts'
import type { Starts } from './starts.ts'

export type StartMetric =
  | Extract<MetricName, `podspan_pod_${string}` | `podspan_workload_${string}` | `podspan_node_${string}`>
  | 'podspan_operation_duration_seconds'
  | 'podspan_resource_wait_seconds_total'

export function collectStarts(starts: Starts, inFlight: () => InFlightCounts): Pick<Collectors, StartMetric> {
  const { workloads } = starts
  const byOperation =
    (pick: 'operations' | 'operationSeconds' | 'criticalSeconds'): (() => Sample[]) =>
    () =>
      ofEach(workloads.list(), (into, counts, shared) =>
        // A length of zero is one where there was an operation.
        pushByOperation(
          into,
          counts[pick],
          shared,
          pick === 'criticalSeconds' ? undefined : counts.operations,
        ),
      )
  return {
    ...collectNodes(starts),
    podspan_pod_start_duration_seconds: (format) =>
      ofEach(workloads.list(), (into, { durations }, shared) =>
        pushHistogram(into, 'podspan_pod_start_duration_seconds', durations, format, starts.now, shared),
      ),
    podspan_pod_starts_total: () =>
      ofEach(workloads.list(), (into, { outcomes }, shared) => pushOutcomes(into, outcomes, shared)),
    podspan_workload_operation_seconds_total: byOperation('operationSeconds'),
    podspan_workload_operations_total: byOperation('operations'),
    podspan_workload_critical_path_seconds_total: byOperation('criticalSeconds'),
    podspan_pod_start_causes_total: () =>
      merged([...starts.causes].map(([cause, count]) => [{ cause }, count])),
    podspan_pod_start_evidence_total: () =>
      EVIDENCE.map((evidence, index) => ({
        labels: { evidence },
        value: starts.evidence[index] as number,
      })),
    podspan_pod_start_sli_duration_seconds: (format) => {
      const samples: Sample[] = []
      pushHistogram(samples, 'podspan_pod_start_sli_duration_seconds', starts.sli, format, starts.now)
      return samples
    },
    podspan_operation_duration_seconds: (format) => operationHistograms(starts, format),
    podspan_resource_wait_seconds_total: () => {
      const samples: Sample[] = []
      for (const [resource, counts] of starts.waits) pushByOperation(samples, counts, { resource })
      return samples
    },
    podspan_pod_starts_in_flight: () => gaugesOf(inFlight().byOperation),
    podspan_pod_starts_stuck: () => gaugesOf(inFlight().stuck),
    podspan_workload_starts_in_flight: () =>
      workloads.list().map(({ labels, inFlight: value }) => ({ labels, value })),
    podspan_workload_starts_stuck: () =>
      workloads.list().map(({ labels, stuck: value }) => ({ labels, value })),
    podspan_pod_start_oldest_age_seconds: () => single(inFlight().oldestSeconds),
  }
}

type NodeMetric = Extract<StartMetric, `podspan_node_${string}`>

function collectNodes({ nodes }: Starts): Pick<Collectors, NodeMetric> {
  const byOperation = (pick: 'operations' | 'operationSeconds') => () =>
    ofEach(nodes.list(), (into, counts, shared) => pushNodeOperations(into, counts, pick, shared))
  const one = (pick: 'readySeconds' | 'pulledBytes' | 'inFlight') => () =>
    nodes.list().map((counts) => ({ labels: counts.labels, value: counts[pick] }))
  return {
    podspan_node_starts_total: () =>
      ofEach(nodes.list(), (into, { outcomes }, shared) => pushOutcomes(into, outcomes, shared)),
    podspan_node_start_seconds_total: one('readySeconds'),
    podspan_node_operation_seconds_total: byOperation('operationSeconds'),
    podspan_node_operations_total: byOperation('operations'),
    podspan_node_pulled_bytes_total: one('pulledBytes'),
    podspan_node_starts_in_flight: one('inFlight'),
  }
}

function pushNodeOperations(
  into: Sample[],
  counts: NodeCounts,
  pick: 'operations' | 'operationSeconds',
  shared: LabelValues,
): void {
  NODE_OPERATIONS.forEach((operation, index) => {
    if (counts.operations[index] === 0) return
    into.push({ labels: { operation }, sharedLabels: shared, value: counts[pick][index] as number })
  })
}

/** All of them from the first start on, so that the first failure shows in rate(). */
function pushOutcomes(into: Sample[], outcomes: Float64Array, shared: LabelValues): void {
  OUTCOMES.forEach((outcome, index) => {
    into.push({ labels: { outcome }, sharedLabels: shared, value: outcomes[index] as number })
  })
}

function operationHistograms({ operations, now }: Starts, format: Format): Sample[] {
  const samples: Sample[] = []
  operations.forEach((buckets, index) => {
    if (!buckets.counts.some((count) => count > 0)) return
    const labels = { operation: operationAt(index) }
    pushHistogram(samples, 'podspan_operation_duration_seconds', buckets, format, now, labels)
  })
  return samples
}

/** Every operation, also where nothing waits: an alert must see the zero. `other` only if there is one. */
const gaugesOf = (counts: Float64Array): Sample[] =>
  [...counts].flatMap((value, index) =>
    value > 0 || index < OPERATIONS.length ? [{ labels: { operation: operationAt(index) }, value }] : [],
  )
