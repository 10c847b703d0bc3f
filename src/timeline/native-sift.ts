// Owns the choice among the spans of one request, before they become a frame: those that may belong to the start of a pod.
// Promises that a trace which its top shows to be of no interest is left out whole, and bounded memory of such traces.
// Does not join spans to pods: native-book.ts does, and drops what turns out to belong to none.

import { uidOf } from '../base/pod-trace.ts'
import { CLIENT, type NativeSpan, SERVER } from '../base/native.ts'
import { add, durationNano, SECOND, type UnixNano } from '../base/time.ts'
import {
  criMethod,
  isAboutPods,
  isApiServer,
  isControlPlane,
  isDeletion,
  isExec,
  isKubelet,
  isRead,
  isRequest,
  isRuntimeService,
  isServed,
  runtimeCall,
} from '../observe/native.ts'

export interface NativeSift {
  /** Ids of traces of no interest, in two generations: what nobody has asked about for a while is forgotten. */
  young: Set<string>
  old: Set<string>
  turnedAt: UnixNano
  /** Services that serve the CRI, whatever they are called. */
  readonly runtimes: Set<string>
}

export const emptySift = (): NativeSift => ({
  young: new Set(),
  old: new Set(),
  turnedAt: 0n as UnixNano,
  runtimes: new Set(),
})

/** What is known of pods and traces already. */
export interface Known {
  /** Whether the start of this pod is under way, or was told a moment ago. */
  isStarting(uid: string): boolean
  /** Whether the start of the pod that the span names is over, for longer than that. */
  isOver(span: NativeSpan): boolean
  /** Whether spans of this trace are held. */
  holds(traceId: string): boolean
}

/** Exporters batch for 5 s by default; what is left of a trace comes within two batches. */
const GENERATION = durationNano(SECOND * 30n)
const GENERATION_MAX = 100_000
const RUNTIMES_MAX = 100

export function siftSpans(
  sift: NativeSift,
  spans: readonly NativeSpan[],
  t: UnixNano,
  known: Known,
): NativeSpan[] {
  turn(sift, t)
  for (const span of spans) {
    learnRuntime(sift, span)
    if (isDull(span) || known.isOver(span)) sift.young.add(span.traceId)
  }
  const begun = new Set(spans.filter(startsSomething).map(({ traceId }) => traceId))
  // A pass over a pod may still be running, and what began in it comes with a later request: its trace is not left out for this.
  const isProbe = (span: NativeSpan): boolean =>
    isExec(span) && !begun.has(span.traceId) && !known.holds(span.traceId)
  return spans.filter(
    (span) => !isLeftOut(sift, span.traceId) && !isProbe(span) && isOfInterest(sift, span, known),
  )
}

function turn(sift: NativeSift, t: UnixNano): void {
  if (t < add(sift.turnedAt, GENERATION) && sift.young.size < GENERATION_MAX) return
  sift.old = sift.young
  sift.young = new Set()
  sift.turnedAt = t
}

const isLeftOut = ({ young, old }: NativeSift, traceId: string): boolean =>
  young.has(traceId) || old.has(traceId)

function learnRuntime({ runtimes }: NativeSift, span: NativeSpan): void {
  if (span.kind !== SERVER || runtimes.size >= RUNTIMES_MAX || runtimes.has(span.origin.service)) return
  if (criMethod(span) !== undefined && !isKubelet(span)) runtimes.add(span.origin.service)
}

/** The top of a trace that is of no pod's start. A top with a parent is in somebody else's trace, of which there may be more. */
function isDull(span: NativeSpan): boolean {
  if (span.parentSpanId !== undefined) return false
  const isOfRequest =
    (isServed(span) && isApiServer(span)) ||
    (span.kind === CLIENT && isRequest(span) && (isKubelet(span) || isApiServer(span)))
  if (isOfRequest) return isRead(span) || isDeletion(span) || !isAboutPods(span)
  return isPassingCall(span)
}

/** What an API server does above or outside of any request: it authenticates who calls, and looks after its own leases. */
const isOfNoRequest = (span: NativeSpan): boolean =>
  isApiServer(span) && span.parentSpanId === undefined && !isRequest(span)

/** A call of the CRI that no start consists of. */
const isPassingCall = (span: NativeSpan): boolean =>
  criMethod(span) !== undefined && runtimeCall(span) === undefined

const startsSomething = (span: NativeSpan): boolean =>
  runtimeCall(span) !== undefined || (isKubelet(span) && criMethod(span) === undefined)

function isOfInterest({ runtimes }: NativeSift, span: NativeSpan, known: Known): boolean {
  if (isOfNoRequest(span)) return false
  const { service, podUid } = span.origin
  if (isControlPlane(span) || isKubelet(span) || isRuntimeService(service) || runtimes.has(service))
    return true
  const isOfPod = known.isStarting(uidOf(span.traceId)) || (podUid !== undefined && known.isStarting(podUid))
  return isOfPod || known.holds(span.traceId)
}
