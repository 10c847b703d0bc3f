// Owns the numbers of nodes: what started on each, how long that took from the binding on, and what the kubelet and the runtime did for it.
// Promises at most `max` nodes with series of their own; places.ts says which. What containers do by themselves is not a node's.

import { rootOf, type Span, type Trace } from '../trace/trace.ts'
import { addCounts } from './buckets.ts'
import { boundText, NODE_OPERATIONS, OTHER, OUTCOMES } from './labels.ts'
import { createPlaces, type Places } from './places.ts'
import { boundAt, increase, toSeconds } from './start-times.ts'

export type NodeLabels = { readonly node: string }

export interface NodeCounts {
  readonly labels: NodeLabels
  readonly outcomes: Float64Array
  /** By operation, as NODE_OPERATIONS lists them. */
  readonly operations: Float64Array
  readonly operationSeconds: Float64Array
  /** From bound to ready, of starts that became ready. */
  readySeconds: number
  pulledBytes: number
  /** Of the last list of starts in flight. */
  inFlight: number
}

export type Nodes = Places<NodeLabels, NodeCounts>

/** A node that is gone starts nothing any more, and gives way to one of today. */
const HALF_LIFE_SECONDS = 3600

export const createNodes = (max: number): Nodes =>
  createPlaces({
    max,
    halfLifeSeconds: HALF_LIFE_SECONDS,
    empty: emptyNode,
    addAll,
    otherLabels: (generation) => ({ node: generation === 0 ? OTHER : `${OTHER}-${generation}` }),
  })

/** A node may be called `other`; its series must not be that of all others. */
export const nodeLabels = (name: string): NodeLabels => ({
  node: /^other(-\d+)?$/.test(name) ? `${name} (node)` : boundText(name),
})

const emptyNode = (labels: NodeLabels): NodeCounts => ({
  labels,
  outcomes: new Float64Array(OUTCOMES.length),
  operations: new Float64Array(NODE_OPERATIONS.length),
  operationSeconds: new Float64Array(NODE_OPERATIONS.length),
  readySeconds: 0,
  pulledBytes: 0,
  inFlight: 0,
})

function addAll(into: NodeCounts, from: NodeCounts): void {
  addCounts(into.outcomes, from.outcomes)
  addCounts(into.operations, from.operations)
  addCounts(into.operationSeconds, from.operationSeconds)
  into.readySeconds += from.readySeconds
  into.pulledBytes += from.pulledBytes
}

const INDEX: ReadonlyMap<string, number> = new Map(
  NODE_OPERATIONS.map((name, index): [string, number] => [name, index]),
)

export function countOnNode(counts: NodeCounts, trace: Trace, outcome: number): void {
  increase(counts.outcomes, outcome, 1)
  if (trace.outcome === 'ready') counts.readySeconds += secondsSinceBound(trace)
  for (const span of trace.spans) {
    const index = INDEX.get(span.name)
    if (index === undefined) continue
    increase(counts.operations, index, 1)
    increase(counts.operationSeconds, index, toSeconds(span.end.best - span.start.best))
    if (span.name === 'pull image') counts.pulledBytes += bytesOf(span)
  }
}

const secondsSinceBound = (trace: Trace): number =>
  Math.max(0, toSeconds(rootOf(trace).end.best - boundAt(trace)))

/** The kubelet says how large an image was that it has pulled, since Kubernetes 1.30. */
function bytesOf({ attributes }: Span): number {
  const bytes = attributes['podspan.image.bytes']
  return typeof bytes === 'number' && bytes > 0 ? bytes : 0
}
