// Owns the joining of native spans to pods, containers and attempts: what the components say of themselves.
// Promises a kubelet's own view of each runtime call (its client span), and the moment in etcd of each write.
// Does not know Podspan's spans: compare.ts sets the two against each other.

import { pathOf, type TruthSpan } from './collector.ts'

/** One call of the kubelet to the runtime; `attempt` is the container's restart count. */
export interface RuntimeCall {
  readonly span: TruthSpan
  readonly failed: boolean
  readonly container?: string
  readonly attempt?: number
  readonly image?: string
}

/** What is known of one pod UID, as the kubelet uses it (a static pod's is its own). */
export interface NodeTruth {
  readonly sandboxes: RuntimeCall[]
  readonly pulls: RuntimeCall[]
  readonly creates: RuntimeCall[]
  readonly starts: RuntimeCall[]
  syncs: number
}

/** What was written under one key, `NAMESPACE/NAME`; pods that had this name one after the other share it. */
export interface StoreTruth {
  readonly creates: TruthSpan[]
  readonly updates: TruthSpan[]
  /** Those updates that were made by a binding. */
  readonly bindings: TruthSpan[]
}

export interface Truth {
  readonly byUid: ReadonlyMap<string, NodeTruth>
  readonly byKey: ReadonlyMap<string, StoreTruth>
  /** What was written of claims and attachments, by its whole key. */
  readonly beside: ReadonlyMap<string, StoreTruth>
}

export function joinTruth(spans: readonly TruthSpan[]): Truth {
  const sorted = [...spans].sort((a, b) => (a.start < b.start ? -1 : a.start > b.start ? 1 : 0))
  return { byUid: joinRuntime(sorted), byKey: joinStore(sorted), beside: joinBeside(sorted) }
}

const CALLS = {
  RunPodSandbox: 'sandboxes',
  PullImage: 'pulls',
  CreateContainer: 'creates',
  StartContainer: 'starts',
} as const

function joinRuntime(spans: readonly TruthSpan[]): Map<string, NodeTruth> {
  const byUid = new Map<string, NodeTruth>()
  const uidOfSync = new Map<string, string>()
  const servedBy = new Map(
    spans.filter((span) => span.service === 'containerd').map((span) => [span.parentSpanId, span]),
  )
  const names = containerNames(spans)
  for (const span of spans) {
    const uid = span.name === 'syncPod' ? span.attributes['k8s.pod.uid'] : undefined
    if (typeof uid !== 'string') continue
    uidOfSync.set(span.spanId, uid)
    nodeTruth(byUid, uid).syncs++
  }
  for (const span of spans) {
    const uid = span.service === 'kubelet' ? uidOfSync.get(span.parentSpanId ?? '') : undefined
    const kind = CALLS[span.name.slice(span.name.lastIndexOf('/') + 1) as keyof typeof CALLS]
    if (uid === undefined || kind === undefined) continue
    nodeTruth(byUid, uid)[kind].push(callOf(span, servedBy.get(span.spanId), names))
  }
  return byUid
}

function nodeTruth(byUid: Map<string, NodeTruth>, uid: string): NodeTruth {
  const known = byUid.get(uid)
  if (known !== undefined) return known
  const fresh: NodeTruth = { sandboxes: [], pulls: [], creates: [], starts: [], syncs: 0 }
  byUid.set(uid, fresh)
  return fresh
}

interface ContainerName {
  readonly container: string
  readonly attempt: number
}

/** The runtime names containers CONTAINER_POD_NAMESPACE_UID_ATTEMPT; none of the parts can hold an underscore. */
function containerNames(spans: readonly TruthSpan[]): Map<string, ContainerName> {
  const names = new Map<string, ContainerName>()
  for (const { attributes } of spans) {
    const id = attributes['container.id']
    const parts = String(attributes['container.name'] ?? '').split('_')
    if (typeof id === 'string' && parts.length === 5)
      names.set(id, { container: parts[0] ?? '', attempt: Number(parts[4]) })
  }
  return names
}

function callOf(
  span: TruthSpan,
  served: TruthSpan | undefined,
  names: Map<string, ContainerName>,
): RuntimeCall {
  const image = served?.attributes['image.ref']
  return {
    span,
    failed: span.failed === true,
    ...names.get(String(served?.attributes['container.id'] ?? '')),
    ...(typeof image === 'string' && { image }),
  }
}

function joinStore(spans: readonly TruthSpan[]): Map<string, StoreTruth> {
  const byKey = new Map<string, StoreTruth>()
  // A request's trace is its own; not every version names an audit id on all its spans.
  const bindings = new Set(spans.filter(isBinding).map(({ traceId }) => traceId))
  for (const span of spans) {
    const key = span.attributes.key
    if (typeof key !== 'string' || !key.startsWith('/pods/')) continue
    const truth = storeTruth(byKey, key.slice('/pods/'.length))
    if (span.name.startsWith('Create ') && !span.failed) truth.creates.push(span)
    if (!span.name.startsWith('GuaranteedUpdate ')) continue
    truth.updates.push(span)
    if (bindings.has(span.traceId)) truth.bindings.push(span)
  }
  return byKey
}

const isBinding = (span: TruthSpan): boolean => pathOf(span)?.endsWith('/binding') === true

function joinBeside(spans: readonly TruthSpan[]): Map<string, StoreTruth> {
  const beside = new Map<string, StoreTruth>()
  for (const span of spans) {
    const { key } = span.attributes
    if (typeof key !== 'string' || key.startsWith('/pods/') || span.failed) continue
    const truth = storeTruth(beside, key)
    if (span.name.startsWith('Create ')) truth.creates.push(span)
    else if (span.name.startsWith('GuaranteedUpdate ')) truth.updates.push(span)
  }
  return beside
}

function storeTruth(byKey: Map<string, StoreTruth>, key: string): StoreTruth {
  const known = byKey.get(key)
  if (known !== undefined) return known
  const fresh: StoreTruth = { creates: [], updates: [], bindings: [] }
  byKey.set(key, fresh)
  return fresh
}
