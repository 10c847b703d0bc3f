// Owns the counting of starts that are over: per workload, per node, per operation, and what the cluster spent while it waited.
// Promises that a trace is counted in each metric at most once and costs some microseconds.
// Does not expose anything: metrics.ts reads the numbers.

import { type UnixNano, ZERO } from '../base/time.ts'
import { rootOf, type Span, type Trace } from '../trace/trace.ts'
import { type Buckets, emptyBuckets, observe } from './buckets.ts'
import { byOperation, labelsOf, OTHER_OPERATION, type WorkloadCounts } from './counts.ts'
import { OPERATION_BOUNDS, SLI_BOUNDS } from './definitions.ts'
import { CAUSES } from '../trace/cause.ts'
import { EVIDENCE, OPERATIONS, OUTCOMES, type Vocabulary } from './labels.ts'
import { countOnNode, createNodes, nodeLabels, type Nodes } from './nodes.ts'
import { boundAt, increase, toSeconds } from './start-times.ts'
import { createWorkloads, type Workloads } from './workloads.ts'

/** Whether somebody can open the trace: a start that no session exported is counted, but is nobody's exemplar. */
export type Fate = 'exported' | 'kept'

export interface Starts {
  readonly workloads: Workloads
  readonly nodes: Nodes
  readonly sli: Buckets
  /** By operation, as OPERATIONS lists them. */
  readonly operations: readonly Buckets[]
  readonly causes: Map<string, number>
  /** As EVIDENCE lists it. */
  readonly evidence: Float64Array
  /** Resource × seconds by operation. */
  readonly waits: Map<string, Float64Array>
  /** The latest moment that somebody told of, in seconds since the epoch: all the time there is here. */
  now: number
}

const INDEX: ReadonlyMap<string, number> = new Map([
  ...OPERATIONS.map((name, index): [string, number] => [name, index]),
  // What of the root no child covers is too short to be a span of its own.
  ['pod startup', OPERATIONS.indexOf('unaccounted')],
])
const OUTCOME_INDEX: ReadonlyMap<string, number> = new Map(OUTCOMES.map((name, index) => [name, index]))

export const emptyStarts = (workloadsMax: number, nodesMax: number): Starts => ({
  workloads: createWorkloads(workloadsMax),
  nodes: createNodes(nodesMax),
  sli: emptyBuckets(SLI_BOUNDS),
  operations: [...OPERATIONS, ''].map(() => emptyBuckets(OPERATION_BOUNDS)),
  causes: new Map(CAUSES.map((cause) => [cause, 0])),
  evidence: new Float64Array(EVIDENCE.length),
  waits: new Map(),
  now: 0,
})

export function letTimeGoOn(starts: Starts, to: UnixNano): void {
  starts.now = Math.max(starts.now, toSeconds(to))
}

export function countStart(starts: Starts, trace: Trace, fate: Fate, vocabulary: Vocabulary): void {
  const outcome = OUTCOME_INDEX.get(trace.outcome)
  if (outcome === undefined) return
  const root = rootOf(trace)
  const at = toSeconds(root.end.best)
  letTimeGoOn(starts, root.end.best)
  const exemplar = fate === 'exported' ? trace.traceId : undefined
  const counts = starts.workloads.countsOf(labelsOf(trace.namespace, trace.workload), starts.now)
  increase(counts.outcomes, outcome, 1)
  if (trace.outcome === 'ready') observe(counts.durations, toSeconds(trace.startup), exemplar, at)
  if (trace.node !== undefined)
    countOnNode(starts.nodes.countsOf(nodeLabels(trace.node), starts.now), trace, outcome)
  countSli(starts.sli, root, exemplar, at)
  increase(starts.evidence, EVIDENCE.indexOf(trace.evidenceComplete ? 'complete' : 'incomplete'), 1)
  const cause = vocabulary.admit('cause', trace.cause)
  starts.causes.set(cause, (starts.causes.get(cause) ?? 0) + 1)
  countOperations(starts, trace, counts, exemplar, at)
  countWaits(starts, trace, vocabulary)
}

function countSli(sli: Buckets, { attributes }: Span, exemplar: string | undefined, at: number): void {
  const milliseconds = attributes['podspan.sli.duration_ms']
  if (typeof milliseconds === 'number') observe(sli, Math.max(0, milliseconds / 1000), exemplar, at)
}

function countOperations(
  { operations }: Starts,
  { spans }: Trace,
  counts: WorkloadCounts,
  exemplar: string | undefined,
  at: number,
): void {
  for (const span of spans) {
    const index = INDEX.get(span.name) ?? OTHER_OPERATION
    const { critical } = span
    for (let part = 0; part < critical.length; part++) {
      const { from, to } = critical[part] as Span['critical'][number]
      increase(counts.criticalSeconds, index, toSeconds(to - from))
    }
    if (span.parentSpanId === undefined) continue
    const seconds = toSeconds(span.end.best - span.start.best)
    increase(counts.operations, index, 1)
    increase(counts.operationSeconds, index, seconds)
    observe(operations[index] as Buckets, seconds, exemplar, at)
  }
}

/** What a pod has requested is taken from its node once it is bound. A pod that ran to its end without Ready spent the time on its work. */
function countWaits({ waits }: Starts, trace: Trace, vocabulary: Vocabulary): void {
  const { requests, spans } = trace
  if (!requests || trace.node === undefined || trace.outcome === 'completed') return
  const bound = boundAt(trace)
  for (const resource in requests) {
    const amount = requests[resource] as number
    if (!(amount > 0)) continue
    const admitted = vocabulary.admit('resource', resource)
    // Cores, bytes and devices cannot be added up as `other`; that there were some is counted by the vocabulary.
    if (admitted !== resource) continue
    const byName = waits.get(resource) ?? byOperation()
    waits.set(resource, byName)
    for (const { name, critical } of spans) {
      if (critical.length === 0) continue
      const seconds = secondsAfter(critical, bound)
      if (seconds > 0) increase(byName, INDEX.get(name) ?? OTHER_OPERATION, seconds * amount)
    }
  }
}

function secondsAfter(critical: Span['critical'], bound: UnixNano): number {
  let total: bigint = ZERO
  for (const { from, to } of critical) if (to > bound) total += to - (from > bound ? from : bound)
  return toSeconds(total)
}
