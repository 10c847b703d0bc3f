// Owns the numbers that are kept for each workload: its starts, how they ended, and where their time went.
// Promises plain numbers in arrays, indexed as labels.ts lists outcomes and operations, so that a start costs little.
// Does not choose which workloads have any: see places.ts.

import { addBuckets, addCounts, type Buckets, emptyBuckets } from './buckets.ts'
import { START_BOUNDS } from './definitions.ts'
import { boundText, OPERATIONS, OTHER, OUTCOMES } from './labels.ts'

export type WorkloadLabels = {
  readonly namespace: string
  readonly workload_kind: string
  readonly workload: string
}

export interface WorkloadCounts {
  readonly labels: WorkloadLabels
  readonly durations: Buckets
  readonly outcomes: Float64Array
  /** By operation; the last is that of a name that is not listed. */
  readonly operations: Float64Array
  readonly operationSeconds: Float64Array
  readonly criticalSeconds: Float64Array
  /** Of the last list of starts in flight. */
  inFlight: number
  stuck: number
}

/** Where an operation whose name is not listed is counted. */
export const OTHER_OPERATION = OPERATIONS.length

export const byOperation = (): Float64Array => new Float64Array(OPERATIONS.length + 1)

export const emptyCounts = (labels: WorkloadLabels): WorkloadCounts => ({
  labels,
  durations: emptyBuckets(START_BOUNDS),
  outcomes: new Float64Array(OUTCOMES.length),
  operations: byOperation(),
  operationSeconds: byOperation(),
  criticalSeconds: byOperation(),
  inFlight: 0,
  stuck: 0,
})

/** Starts in flight are not added: the next list says whose they are. */
export function addAll(into: WorkloadCounts, from: WorkloadCounts): void {
  addBuckets(into.durations, from.durations)
  addCounts(into.outcomes, from.outcomes)
  addCounts(into.operations, from.operations)
  addCounts(into.operationSeconds, from.operationSeconds)
  addCounts(into.criticalSeconds, from.criticalSeconds)
}

/** `Deployment/checkout` as labels. Bare pods of a namespace count as one workload, and so do static pods: each has a name of its own. */
export function labelsOf(namespace: string, workload: string | undefined): WorkloadLabels {
  const slash = workload?.indexOf('/') ?? -1
  const kind = workload === undefined ? 'Pod' : workload.slice(0, Math.max(slash, 0))
  const name = workload === undefined || kind === 'Node' ? '' : workload.slice(slash + 1)
  return { namespace: boundText(namespace), workload_kind: boundText(kind), workload: boundText(name) }
}

/** What `other` is called after it took in evicted workloads for the n-th time; see places.ts. */
export const otherLabels = (generation: number): WorkloadLabels => ({
  namespace: '',
  workload_kind: generation === 0 ? OTHER : `${OTHER}-${generation}`,
  workload: OTHER,
})
