// Owns which spans of one native trace are of one pod: those that name it, what is below them, and the request around them.
// Promises an answer that does not depend on the order in which they came, and that nobody gets a span which names another pod.
// Does not keep spans: native-book.ts does.

import { CLIENT, type NativeSpan } from '../base/native.ts'
import { uidOf } from '../base/pod-trace.ts'
import type { UnixNano } from '../base/time.ts'
import {
  criMethod,
  isApiServer,
  isControlPlane,
  isKubelet,
  isRead,
  isRequest,
  isServed,
  podNameOf,
  podUidOf,
} from '../observe/native.ts'

/** What a pod is known by in spans. */
export interface PodKeys {
  /** The API server's UID, and its kubelet's where that has one of its own (a static pod). */
  readonly uids: readonly string[]
  /** `NAMESPACE/NAME`, which another pod may have had before. */
  readonly name: string
  /** Before this second the name was not this pod's, by the API server's clock. */
  readonly from: UnixNano
}

export interface SpansOfTrace {
  readonly spans: ReadonlyMap<string, NativeSpan>
  /** Those that were told already: span id → UID. */
  readonly joined: ReadonlyMap<string, string>
}

/** Container and sandbox ids → UID. */
export type Containers = ReadonlyMap<string, string>

type Verdict = 'ours' | 'not ours' | 'unknown'

/** The spans of the trace that are of this pod, in the order in which they came. */
export function membersOf(trace: SpansOfTrace, pod: PodKeys, containers: Containers): NativeSpan[] {
  const verdicts = new Map<string, Verdict>()
  for (const span of trace.spans.values()) judgeByUid(trace, span, pod, containers, verdicts)
  for (const span of trace.spans.values()) judgeByName(trace, span, pod, verdicts)
  const found: NativeSpan[] = []
  for (const span of trace.spans.values())
    if (inherit(trace, span, pod, verdicts) === 'ours') found.push(span)
  return found
}

function judgeByUid(
  trace: SpansOfTrace,
  span: NativeSpan,
  pod: PodKeys,
  containers: Containers,
  verdicts: Map<string, Verdict>,
): void {
  const uid = uidNamedBy(span, containers)
  if (uid === undefined) return
  const verdict: Verdict = pod.uids.includes(uid) ? 'ours' : 'not ours'
  verdicts.set(span.spanId, verdict)
  // The kubelet's call that the runtime answers says nothing of the pod itself.
  const caller = parentOf(trace, span)
  const isCall = caller?.kind === CLIENT && criMethod(caller) !== undefined
  if (isCall && criMethod(caller) === criMethod(span)) verdicts.set(caller.spanId, verdict)
}

function uidNamedBy(span: NativeSpan, containers: Containers): string | undefined {
  const named = podUidOf(span)
  if (named !== undefined) return named
  const { attributes, origin } = span
  const known =
    containers.get(attributes['container.id'] ?? '') ?? containers.get(attributes['sandbox.id'] ?? '')
  if (known !== undefined) return known
  if (isControlPlane(span) || isKubelet(span)) return undefined
  // A trace that the application has begun itself; one that it takes part in is somebody else's.
  return span.parentSpanId === undefined ? origin.podUid : undefined
}

/** A pod's object is written within a request, all of which is about it. */
function judgeByName(
  trace: SpansOfTrace,
  span: NativeSpan,
  pod: PodKeys,
  verdicts: Map<string, Verdict>,
): void {
  const name = podNameOf(span)
  if (name === undefined || (!isApiServer(span) && !isKubelet(span))) return
  const top = topOfRequest(trace, span)
  if (isRequest(top) && isRead(top)) return
  const verdict: Verdict = name === pod.name && span.end >= pod.from ? 'ours' : 'not ours'
  const known = verdicts.get(top.spanId)
  // A request about several pods is of none.
  verdicts.set(top.spanId, known === undefined || known === verdict ? verdict : 'not ours')
}

/** What the API server serves, or the kubelet's own request; the caller's spans above are not part of it. */
function topOfRequest(trace: SpansOfTrace, span: NativeSpan): NativeSpan {
  let top = span
  for (let depth = 0; depth < DEEPEST && !isServed(top); depth++) {
    const parent = parentOf(trace, top)
    if (parent === undefined || parent.kind === CLIENT) break
    top = parent
  }
  return top
}

/** Parents may lead in a circle, where somebody sends that. */
const DEEPEST = 100

const parentOf = ({ spans }: SpansOfTrace, { parentSpanId }: NativeSpan): NativeSpan | undefined =>
  parentSpanId === undefined ? undefined : spans.get(parentSpanId)

/** What a span does not say itself, its parent says. */
function inherit(
  trace: SpansOfTrace,
  span: NativeSpan,
  pod: PodKeys,
  verdicts: Map<string, Verdict>,
): Verdict {
  const path: string[] = []
  let verdict: Verdict = 'unknown'
  for (let at: NativeSpan | undefined = span; at && path.length < DEEPEST; at = parentOf(trace, at)) {
    const known = verdicts.get(at.spanId)
    if (known !== undefined) verdict = known
    else if (at.parentSpanId === undefined || !trace.spans.has(at.parentSpanId))
      verdict = ofTheTrace(trace, at, pod)
    if (known !== undefined || verdict !== 'unknown') break
    path.push(at.spanId)
  }
  for (const spanId of path) verdicts.set(spanId, verdict)
  return verdict
}

/** Below a span that was told before, or in the pod's own trace, as the application's are that continues it. */
function ofTheTrace({ joined }: SpansOfTrace, top: NativeSpan, pod: PodKeys): Verdict {
  const told = top.parentSpanId === undefined ? undefined : joined.get(top.parentSpanId)
  if (told !== undefined) return pod.uids.includes(told) ? 'ours' : 'not ours'
  return pod.uids.includes(uidOf(top.traceId)) ? 'ours' : 'unknown'
}
