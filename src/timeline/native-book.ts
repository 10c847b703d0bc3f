// Owns the native spans that wait for the start they belong to, by the trace they came in, and what is remembered of told ones.
// Promises a bound in bytes, spans and time, each reached one counted; that a span which comes twice is one; and that nothing of it
// exists before the first span has come. Does not decide which spans are whose: native-members.ts does.

import type { OtlpFrame } from '../base/frame.ts'
import { bytesOfNative, type NativeSpan } from '../base/native.ts'
import { swapHalves, uidOf } from '../base/pod-trace.ts'
import type { PodRecord } from '../base/record.ts'
import { add, type DurationNano, durationNano, fromSeconds, SECOND, type UnixNano } from '../base/time.ts'
import { containerRunOf, isControlPlane, podNameOf, podUidOf } from '../observe/native.ts'
import { type Containers, membersOf, type PodKeys, type SpansOfTrace } from './native-members.ts'

export interface NativeBook {
  readonly traces: Map<string, NativeTrace>
  /** By the UIDs and names that their spans name. */
  readonly byPod: Map<string, Set<NativeTrace>>
  /** Container and sandbox ids → UID. */
  readonly containers: Map<string, string>
  /** By UID: starts that were told; what comes of them now is late. */
  readonly told: Map<string, ToldStart>
  /** Traces that the last frame has added to. */
  touched: ReadonlySet<NativeTrace>
  bytes: number
}

export interface NativeTrace extends SpansOfTrace {
  readonly id: string
  readonly spans: Map<string, NativeSpan>
  readonly joined: Map<string, string>
  /** Keys of `byPod`. */
  readonly pods: Set<string>
  /** The start that it is of alone, once that was told. */
  told: ToldStart | undefined
  heard: UnixNano
}

/** What it takes to append to a start that was told. */
export interface ToldStart {
  readonly at: UnixNano
  readonly keys: PodKeys
  /** The operations that were told, the root first. */
  readonly places: readonly Place[]
  /** By how much these clocks are off from ours. */
  readonly offsets: { readonly control: DurationNano; readonly node: DurationNano }
  /** When it was over, by the clocks of the control plane and of its node: what begins later is none of it. */
  readonly over: { readonly control: UnixNano; readonly node: UnixNano }
  /** Spans that are in its trace already. */
  joined: number
}

export const isAfter = ({ over }: Pick<ToldStart, 'over'>, span: NativeSpan): boolean =>
  span.start > (isControlPlane(span) ? over.control : over.node)

export interface Place {
  readonly spanId: string
  readonly start: UnixNano
  readonly end: UnixNano
}

export const emptyNativeBook = (): NativeBook => ({
  traces: new Map(),
  byPod: new Map(),
  containers: new Map(),
  told: new Map(),
  touched: new Set(),
  bytes: 0,
})

/** All that waits: some 300 starts whose components sample everything. */
export const HELD_BYTES_MAX = 64 * 1024 * 1024
/** The id of a span that was told: 16 digits, and a place in a map. */
const JOINED_BYTES = 120
/** A pass over a pod of twenty containers with new images has about a thousand. */
const TRACE_SPANS_MAX = 5_000
/** What names no pod in flight: exporters batch for 5 s by default, and the span that names the pod may come last. */
const HELD = durationNano(SECOND * 30n)
/** How long after a start was told its spans are still appended. */
const LATE = durationNano(SECOND * 60n)
const CONTAINERS_MAX = 50_000
const TOLD_MAX = 20_000

/** What a request's spans did to the book. */
export interface Taken {
  readonly repeats: number
  /** They began when the start that their trace is of was over. */
  readonly after: readonly NativeSpan[]
  /** Found no room. */
  readonly refused: number
}

export function takeSpans(book: NativeBook, { spans, t }: OtlpFrame): Taken {
  const touched = new Set<NativeTrace>()
  const after: NativeSpan[] = []
  let repeats = 0
  let refused = 0
  for (const span of spans) {
    const trace = traceOf(book, span.traceId, t)
    if (trace.spans.has(span.spanId) || trace.joined.has(span.spanId)) repeats++
    else if (trace.told && isAfter(trace.told, span)) after.push(span)
    else if (trace.spans.size + trace.joined.size >= TRACE_SPANS_MAX) refused++
    else {
      take(book, trace, span, t)
      touched.add(trace)
    }
  }
  book.touched = touched
  return { repeats, after, refused }
}

function traceOf(book: NativeBook, id: string, t: UnixNano): NativeTrace {
  let trace = book.traces.get(id)
  if (!trace) {
    trace = { id, spans: new Map(), joined: new Map(), pods: new Set(), told: undefined, heard: t }
    book.traces.set(id, trace)
  }
  return trace
}

function take(book: NativeBook, trace: NativeTrace, span: NativeSpan, t: UnixNano): void {
  trace.spans.set(span.spanId, span)
  // A probe's spans come in the start's trace for as long as the pod runs; what was told is not held for them.
  if (trace.joined.size === 0) trace.heard = t
  book.bytes += bytesOfNative(span)
  const run = containerRunOf(span)
  if (run) keepFirst(book.containers, run.id, run.uid)
  const uid = podUidOf(span)
  const sandbox = span.attributes['sandbox.id']
  if (uid !== undefined && sandbox !== undefined) keepFirst(book.containers, sandbox, uid)
  for (const key of keysOf(span, book.containers)) index(book, trace, key)
}

function keepFirst(containers: Map<string, string>, id: string, uid: string): void {
  if (containers.has(id)) return
  const [oldest] = containers.keys()
  if (containers.size >= CONTAINERS_MAX && oldest !== undefined) containers.delete(oldest)
  containers.set(id, uid)
}

/** The UIDs and names of pods that the span names. */
function keysOf(span: NativeSpan, containers: Containers): string[] {
  const { attributes, origin } = span
  const keys = [
    podUidOf(span),
    podNameOf(span),
    containers.get(attributes['container.id'] ?? ''),
    containers.get(attributes['sandbox.id'] ?? ''),
    origin.podUid,
  ]
  return keys.filter((key) => key !== undefined)
}

/** The UID of the pod whose container the span is about, where that is known. */
export const containerPodOf = ({ containers }: NativeBook, { attributes }: NativeSpan): string | undefined =>
  containers.get(attributes['container.id'] ?? '') ?? containers.get(attributes['sandbox.id'] ?? '')

function index({ byPod }: NativeBook, trace: NativeTrace, key: string): void {
  if (trace.pods.has(key)) return
  trace.pods.add(key)
  const known = byPod.get(key)
  if (known) known.add(trace)
  else byPod.set(key, new Set([trace]))
}

function forget(book: NativeBook, trace: NativeTrace): void {
  book.traces.delete(trace.id)
  book.bytes -= trace.joined.size * JOINED_BYTES
  for (const span of trace.spans.values()) book.bytes -= bytesOfNative(span)
  for (const key of trace.pods) {
    const set = book.byPod.get(key)
    set?.delete(trace)
    if (set?.size === 0) book.byPod.delete(key)
  }
}

/** What spans call this pod. */
export function keysOfPod(pod: PodRecord): PodKeys {
  const hash = pod.annotations?.['kubernetes.io/config.mirror']
  return {
    uids: hash === undefined ? [pod.uid] : [pod.uid, hash],
    name: `${pod.namespace}/${pod.name}`,
    from: fromSeconds(pod.createdSeconds ?? 0),
  }
}

/** Those that name it, and its own, which the application goes on with. */
function tracesOf(book: NativeBook, { uids: [uid = '', ...others], name }: PodKeys): Set<NativeTrace> {
  const found = new Set([uid, ...others, name].flatMap((key) => [...(book.byPod.get(key) ?? [])]))
  const own = book.traces.get(swapHalves(uid.replaceAll('-', '')))
  return own ? found.add(own) : found
}

/** The spans that are known of a pod and not told yet. */
export const spansOf = (book: NativeBook, pod: PodKeys): NativeSpan[] =>
  spansIn(book, tracesOf(book, pod), pod)

/** The same, of some traces only. */
export const spansIn = (book: NativeBook, traces: Iterable<NativeTrace>, pod: PodKeys): NativeSpan[] =>
  [...traces].flatMap((trace) => membersOf(trace, pod, book.containers))

/** Starts that were told, of which these traces may hold something. */
export function toldIn({ told }: NativeBook, traces: ReadonlySet<NativeTrace>): Set<ToldStart> {
  const found = new Set<ToldStart>()
  for (const trace of traces)
    for (const uid of [...trace.pods, ...trace.joined.values(), uidOf(trace.id)]) {
      const start = told.get(uid)
      if (start) found.add(start)
    }
  return found
}

/** These have gone into the pod's trace, or were none of its start: only their ids are kept, for what comes below them. */
export function settleSpans(book: NativeBook, uid: string, spans: readonly NativeSpan[]): void {
  for (const span of spans) {
    const trace = book.traces.get(span.traceId)
    if (!trace?.spans.delete(span.spanId)) continue
    book.bytes += JOINED_BYTES - bytesOfNative(span)
    trace.joined.set(span.spanId, uid)
  }
}

export function rememberTold(book: NativeBook, start: ToldStart): void {
  const { told } = book
  const { uids, name } = start.keys
  for (const uid of uids) told.set(uid, start)
  for (const trace of tracesOf(book, start.keys))
    if ([...trace.pods].every((key) => key === name || uids.includes(key))) trace.told = start
  const [oldest] = told.keys()
  if (told.size > TOLD_MAX && oldest !== undefined) told.delete(oldest)
}

export const isCrowded = ({ bytes }: NativeBook): boolean => bytes > HELD_BYTES_MAX
/** Where there is no room, some is made at once. */
const LOW_WATER = HELD_BYTES_MAX * 0.9

/** What had to go: spans of traces that nobody claimed in time, and those that found no room. */
export interface Dropped {
  readonly unclaimed: NativeSpan[]
  readonly crowdedOut: NativeSpan[]
}

/** Time goes on. `inFlight`: UIDs and names of pods whose start is not over. */
export function sweepNative(book: NativeBook, t: UnixNano, inFlight: ReadonlySet<string>): Dropped {
  const dropped: Dropped = { unclaimed: [], crowdedOut: [] }
  const most = isCrowded(book) ? LOW_WATER : HELD_BYTES_MAX
  for (const trace of book.traces.values()) {
    const hasNoRoom = book.bytes > most
    const heldFor = trace.joined.size > 0 ? LATE : HELD
    if (!hasNoRoom && t < add(trace.heard, heldFor)) continue
    if (isOfAny(trace, inFlight)) continue
    dropped[hasNoRoom ? 'crowdedOut' : 'unclaimed'].push(...trace.spans.values())
    forget(book, trace)
  }
  for (const trace of book.traces.values()) {
    if (book.bytes <= most) break
    dropped.crowdedOut.push(...trace.spans.values())
    forget(book, trace)
  }
  for (const [uid, { at }] of book.told) {
    if (t < add(at, LATE)) break
    book.told.delete(uid)
  }
  return dropped
}

function isOfAny(trace: NativeTrace, keys: ReadonlySet<string>): boolean {
  for (const key of trace.pods) if (keys.has(key)) return true
  return keys.has(uidOf(trace.id))
}
