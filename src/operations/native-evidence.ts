// Owns what native spans say of a start: when its object was written, and each call of its kubelet to the runtime.
// Promises stamps on the clock of the component that took them, and the same evidence whatever order the spans came in.
// Does not decide which boundary a stamp is for: native-runs.ts, native-versions.ts and the rules do.

import { CLIENT, type NativeSpan } from '../base/native.ts'
import type { ClockName, Stamp } from '../base/stamp.ts'
import { add, type DurationNano, milliseconds, minus, since, type UnixNano, ZERO } from '../base/time.ts'
import {
  containerRunOf,
  criMethod,
  isBinding,
  isControlPlane,
  isRefused,
  isServed,
  isStoreCreate,
  isStoreUpdate,
  isFirstSync,
  isTransaction,
  type RuntimeCallName,
  runtimeCall,
} from '../observe/native.ts'
import type { PodKeys } from '../timeline/native-members.ts'

export interface NativeOfPod {
  /** In no order. */
  readonly spans: readonly NativeSpan[]
  /** When the watch showed each version of it. */
  readonly versions: readonly UnixNano[]
  /** Whether these are all, from its creation on. */
  readonly sawAll: boolean
  readonly keys: PodKeys
  /** Its kubelet's and its runtime's. */
  readonly nodeClock: ClockName
  /** From its creation until now, by the clocks of those who tell: what lies elsewhere was stamped by a clock that was wrong. */
  readonly times: { readonly control: Stretch; readonly node: Stretch }
}

export interface Stretch {
  readonly from: UnixNano
  readonly to: UnixNano
}

/** Whether the span can be of this start; one that cannot dates nothing. */
export function isOfTime({ times }: Pick<NativeOfPod, 'times'>, span: NativeSpan): boolean {
  const { from, to } = isControlPlane(span) ? times.control : times.node
  return span.start >= from && span.end <= to
}

/** A call of the kubelet to the runtime. */
export interface RuntimeCall {
  readonly name: RuntimeCallName
  readonly start: Stamp
  readonly end: Stamp
  /** What the runtime said, where it failed. */
  readonly error: string | undefined
  readonly container: string | undefined
  readonly attempt: number | undefined
}

/** A write of the pod's object: somewhere in it a version was stored. */
export interface Write {
  readonly stored: Stamp
  readonly kind: 'create' | 'bind' | 'update'
  /** Whether its transaction is known, so that it changed something; else it may have made no version. */
  readonly isSure: boolean
}

export interface NativeEvidence {
  /** When the kubelet first took the pod up. */
  readonly taken: Stamp | undefined
  /** By their start. */
  readonly writes: readonly Write[]
  readonly calls: readonly RuntimeCall[]
}

export function findEvidence(native: NativeOfPod): NativeEvidence {
  const family = familyOf([...native.spans].sort(byStart))
  const spans = native.spans.filter((span) => isOfTime(native, span)).sort(byStart)
  const taken = spans.find(isFirstSync)
  const seesTransactions = spans.some(isTransaction)
  return {
    taken: taken && stampAt(taken, 'start', native.nodeClock),
    writes: spans.flatMap((span) => writeOf(span, family, native.keys.name, seesTransactions)),
    calls: callsOf(spans, family, native),
  }
}

const byStart = (a: NativeSpan, b: NativeSpan): number =>
  a.start !== b.start ? (a.start < b.start ? -1 : 1) : a.spanId < b.spanId ? -1 : 1

interface Family {
  readonly byId: ReadonlyMap<string, NativeSpan>
  readonly children: ReadonlyMap<string, readonly NativeSpan[]>
}

/** Ids are of one native trace each. */
const idOf = (traceId: string, spanId: string): string => `${traceId}/${spanId}`

function familyOf(spans: readonly NativeSpan[]): Family {
  const byId = new Map(spans.map((span) => [idOf(span.traceId, span.spanId), span]))
  const children = new Map<string, NativeSpan[]>()
  for (const span of spans) {
    if (span.parentSpanId === undefined) continue
    const parent = idOf(span.traceId, span.parentSpanId)
    const known = children.get(parent)
    if (known) known.push(span)
    else children.set(parent, [span])
  }
  return { byId, children }
}

const childrenOf = ({ children }: Family, { traceId, spanId }: NativeSpan): readonly NativeSpan[] =>
  children.get(idOf(traceId, spanId)) ?? []

const parentOf = ({ byId }: Family, { traceId, parentSpanId }: NativeSpan): NativeSpan | undefined =>
  parentSpanId === undefined ? undefined : byId.get(idOf(traceId, parentSpanId))

/** A moment of one span, or where `within` is given, one that lies so long after it at the most. */
function stampAt(
  span: NativeSpan,
  which: 'start' | 'end',
  clock: ClockName,
  within: DurationNano = ZERO,
): Stamp {
  const at = span[which]
  return {
    source: 'native-span',
    at,
    clock,
    resolution: within,
    evidence: {
      object: `otlp/${span.traceId}/${span.spanId}`,
      resourceVersion: '',
      field: `${span.origin.service}: ${span.name}, ${which}`,
      raw: at.toString(),
    },
  }
}

/** What names another key of the store is about another object. */
function writeOf(span: NativeSpan, family: Family, name: string, seesTransactions: boolean): Write[] {
  const isCreate = isStoreCreate(span)
  if (!isCreate && !isStoreUpdate(span)) return []
  if (!span.attributes['key']?.endsWith(`/pods/${name}`) || span.failed) return []
  const around = ancestorsOf(family, span)
  if (around.some((one) => isServed(one) && isRefused(one))) return []
  // Where a transaction failed, the last one is the one that did not.
  const transaction = childrenOf(family, span).findLast(isTransaction)
  // An update that changes nothing takes none.
  if (transaction === undefined && seesTransactions && !isCreate) return []
  const stored = transaction ?? span
  return [
    {
      stored: stampAt(stored, 'start', 'apiserver', since(stored.end, stored.start)),
      kind: isCreate ? 'create' : around.some(isBinding) ? 'bind' : 'update',
      isSure: transaction !== undefined,
    },
  ]
}

const DEEPEST = 100

function ancestorsOf(family: Family, span: NativeSpan): NativeSpan[] {
  const found: NativeSpan[] = []
  for (let at = parentOf(family, span); at && found.length < DEEPEST; at = parentOf(family, at))
    found.push(at)
  return found
}

/** How long a call is on its way to the runtime, or its answer back: 0.4 ms, and where 40 pods start at once 100 (measured). */
const ON_ITS_WAY = milliseconds(250)

/** The kubelet's span of a call says when it began and ended, the runtime's below it what it was about. */
function callsOf(spans: readonly NativeSpan[], family: Family, { nodeClock }: NativeOfPod): RuntimeCall[] {
  const containers = new Map(
    spans.map((span) => containerRunOf(span)).flatMap((run) => (run ? [[run.id, run] as const] : [])),
  )
  return spans.flatMap((span) => {
    const name = runtimeCall(span)
    if (name === undefined) return []
    const isCall = span.kind === CLIENT
    if (!isCall && isSameCall(parentOf(family, span), span)) return []
    const served = isCall ? childrenOf(family, span).find((child) => isSameCall(span, child)) : span
    const run = containers.get(served?.attributes['container.id'] ?? '')
    const error = span.failed ? errorOf(span) : undefined
    return [
      {
        name,
        start: isCall ? stampAt(span, 'start', nodeClock) : calledBefore(span, nodeClock),
        end: stampAt(span, 'end', nodeClock, isCall ? ZERO : ON_ITS_WAY),
        error,
        container: run?.container,
        attempt: run?.attempt,
      },
    ]
  })
}

/** The kubelet's own span of the call is not there: it called a moment earlier. */
function calledBefore(served: NativeSpan, clock: ClockName): Stamp {
  const stamp = stampAt(served, 'start', clock, ON_ITS_WAY)
  return { ...stamp, at: add(stamp.at, minus(ON_ITS_WAY)) }
}

const isSameCall = (caller: NativeSpan | undefined, served: NativeSpan): boolean =>
  caller !== undefined && caller.kind === CLIENT && criMethod(caller) === criMethod(served)

const errorOf = ({ body }: NativeSpan): string => body.describe().status?.message || 'the runtime failed'

export const callsNamed = (
  { calls }: NativeEvidence,
  name: RuntimeCallName,
  outcome: 'failed' | 'succeeded',
): readonly RuntimeCall[] =>
  calls.filter((call) => call.name === name && (call.error !== undefined) === (outcome === 'failed'))
