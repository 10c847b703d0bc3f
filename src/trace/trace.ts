// Owns the finished form of one pod's start: an immutable tree of spans with ids, times, evidence and a verdict.
// Promises that spans[0] is the root, parents stand before their children, and no span ends before it starts.
// Does not know OTLP (export/), text (cli/) or how operations are found (operations/).

import type { NativeSpan } from '../base/native.ts'
import type { OwnerReference } from '../base/record.ts'
import type { DurationNano, UnixNano } from '../base/time.ts'
import { namesEvents } from '../operations/missing.ts'
import type { Instant } from '../timeline/instant.ts'
import type { Requests } from './requests.ts'

export type AttributeValue = string | number | boolean | readonly string[]
export type Attributes = Readonly<Record<string, AttributeValue>>

export type Outcome = 'ready' | 'unstable' | 'completed' | 'failed' | 'deleted' | 'timeout' | 'starting'

export interface Span {
  /** 16 lower-case hex digits. */
  readonly spanId: string
  readonly parentSpanId?: string | undefined
  /** One of the names of docs/spans.md. */
  readonly name: string
  /** Who did the work: `kubelet`, `kube-scheduler`, `container runtime`, `container`, … ; `podspan` for the root and for what is unaccounted. */
  readonly actor: string
  /** What varies in the name: the container, the image, the gate; for people. */
  readonly subject?: string | undefined
  readonly start: Instant
  readonly end: Instant
  /** Set where the operation failed: the component's own message. */
  readonly error?: string | undefined
  /** Numbered from 1 where an operation was tried more than once. */
  readonly attempt?: number | undefined
  readonly attributes: Attributes
  readonly events: readonly SpanEvent[]
  readonly links: readonly SpanLink[]
  /** The parts of the critical path on which this span was the deepest; they do not overlap. */
  readonly critical: readonly Part[]
}

export interface Part {
  readonly from: UnixNano
  readonly to: UnixNano
}

export interface SpanEvent {
  readonly at: UnixNano
  readonly name: string
  readonly attributes: Attributes
}

export interface SpanLink {
  readonly traceId: string
  readonly spanId: string
  readonly attributes: Attributes
}

/** A span of another component, in the trace of the pod that it is about. Its ids are its own, but for the trace's. */
export interface JoinedSpan {
  readonly span: NativeSpan
  /** Its own parent, or for the top of what came together, the operation that it stands below. */
  readonly parentSpanId: string | undefined
  /** What is said of it beside its own attributes, and names none of them. */
  readonly attributes: Attributes
}

/** Spans that came when their start had been told: they are appended to its trace, and change nothing in it. */
export interface LateSpans {
  readonly traceId: string
  readonly uid: string
  readonly spans: readonly JoinedSpan[]
}

export const spanCountOf = ({ native, spans }: Pick<Trace, 'native' | 'spans'>): number =>
  spans.length + (native?.length ?? 0)

/** Whose pod it is and why there is one: what sessions and metrics choose by. */
export interface PodIdentity {
  readonly labels: Readonly<Record<string, string>>
  /** From the pod up, as far as they are known; a Deployment that was guessed from its ReplicaSet's name has an empty uid. */
  readonly owners: readonly OwnerReference[]
  /** pod-template-hash or controller-revision-hash. */
  readonly revision?: string | undefined
  /** Best estimate of when the pod was stored. */
  readonly created: UnixNano
  /** Why the pod was created at all, as `podspan.start.cause` says. */
  readonly cause: string
}

export interface Trace extends PodIdentity {
  /** 32 lower-case hex digits, from the pod's UID. */
  readonly traceId: string
  readonly uid: string
  readonly namespace: string
  readonly name: string
  readonly node?: string | undefined
  /** `Deployment/checkout`, as far as the owners are known. */
  readonly workload?: string | undefined
  readonly outcome: Outcome
  /** One sentence in plain words. */
  readonly verdict: string
  /** OpenTelemetry resource attributes of the pod (`k8s.*`); `service.name` is chosen by the exporter. */
  readonly resource: Attributes
  readonly spans: readonly Span[]
  /** Share of the root covered by operations whose both boundaries rest on an observation of their own, 0 to 1. */
  readonly explainedRatio: number
  readonly evidenceComplete: boolean
  readonly startup: DurationNano
  /** What the pod asks of its node, by resource in base units: cores, bytes, devices. */
  readonly requests?: Requests | undefined
  /** What the components themselves say of this start; absent where they say nothing. */
  readonly native?: readonly JoinedSpan[]
  /** What happened before the pod was there; the root is linked to each. Pods of one Workload have the same. */
  readonly before?: readonly Prelude[] | undefined
}

/** A trace of its own; spans[0] is its root. */
export interface Prelude extends Pick<Trace, 'traceId' | 'workload' | 'resource' | 'spans'> {}

/** The root of a trace. */
export function rootOf(trace: Trace): Span {
  const root = trace.spans[0]
  if (root === undefined) throw new Error(`trace ${trace.traceId} has no spans`)
  return root
}

/** Whether events of this start were never sent, were lost, or have expired. */
export function lacksEvents(trace: Trace): boolean {
  const missing = rootOf(trace).attributes['podspan.evidence.missing']
  return Array.isArray(missing) && namesEvents(missing.map(String))
}
