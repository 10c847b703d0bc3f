// Owns the place of native spans in a pod's trace: under which span each stands, and what is said of it there.
// Promises that they keep their ids, times, names and parents; that only a subtree's top is hung anew, below the smallest operation that
// contains it, else below the root; and that the operations do not know of it. Does not find a pod's spans: timeline/ does.

import type { NativeSpan } from '../base/native.ts'
import { add, type DurationNano, toMilliseconds, type UnixNano, ZERO } from '../base/time.ts'
import { isControlPlane } from '../observe/native.ts'
import type { Place } from '../timeline/native-book.ts'
import type { Attributes, AttributeValue, JoinedSpan } from './trace.ts'

/** By how much the clocks of those who wrote the spans are off from ours. */
export interface Offsets {
  readonly control: DurationNano
  readonly node: DurationNano
}

export interface Around {
  readonly traceId: string
  /** The operations, the root first. */
  readonly places: readonly Place[]
  readonly offsets: Offsets
  /** Whether this span's parent was told before. */
  readonly isBelowTold: (span: NativeSpan) => boolean
}

/** Spans of one trace that are shown; a start that pulls ten images has about a thousand. */
export const JOINED_MAX = 1000

export interface Joined {
  readonly spans: readonly JoinedSpan[]
  /** The deepest of those that were too many. */
  readonly leftOut: readonly NativeSpan[]
}

/** Parents before children, and those before others that began before them. */
export function joinSpans(spans: readonly NativeSpan[], around: Around, most = JOINED_MAX): Joined {
  const unique = withoutDoubles(spans)
  const byId = new Map(unique.map((span) => [span.spanId, span]))
  const children = new Map<string, NativeSpan[]>()
  const joined: JoinedSpan[] = []
  const level: NativeSpan[] = []
  for (const span of unique) {
    const parent = span.parentSpanId === undefined ? undefined : byId.get(span.parentSpanId)
    if (parent?.traceId !== span.traceId || parent === span) level.push(span)
    else append(children, parent.spanId, span)
  }
  const placed = new Set<string>()
  for (let at = level.sort(byStart); at.length > 0 && joined.length < most; ) {
    for (const span of at) {
      if (joined.length >= most || placed.has(span.spanId)) continue
      placed.add(span.spanId)
      joined.push(place(span, byId, around))
    }
    at = at.flatMap((span) => (children.get(span.spanId) ?? []).sort(byStart))
  }
  return { spans: joined, leftOut: spans.filter(({ spanId }) => !placed.has(spanId)) }
}

/** Ids are unique within a native trace; two of those may have chosen the same. */
function withoutDoubles(spans: readonly NativeSpan[]): NativeSpan[] {
  const seen = new Set<string>()
  return [...spans].sort(byStart).filter(({ spanId }) => !seen.has(spanId) && seen.add(spanId))
}

function append(children: Map<string, NativeSpan[]>, parent: string, span: NativeSpan): void {
  const known = children.get(parent)
  if (known) known.push(span)
  else children.set(parent, [span])
}

const byStart = (a: NativeSpan, b: NativeSpan): number =>
  a.start !== b.start ? (a.start < b.start ? -1 : 1) : a.spanId < b.spanId ? -1 : 1

const NONE: Attributes = {}

function place(span: NativeSpan, byId: ReadonlyMap<string, NativeSpan>, around: Around): JoinedSpan {
  const { parentSpanId, traceId } = span
  // The application goes on with the pod's own trace: there its parent is meant.
  const continues = traceId === around.traceId && parentSpanId !== undefined
  const parent = parentSpanId === undefined ? undefined : byId.get(parentSpanId)
  const isBelow = parent !== undefined && parent !== span && parent.traceId === traceId
  if (continues || isBelow || around.isBelowTold(span)) return { span, parentSpanId, attributes: NONE }
  return hang(span, around)
}

function hang(span: NativeSpan, { traceId, places, offsets }: Around): JoinedSpan {
  const offset = isControlPlane(span) ? offsets.control : offsets.node
  const start = add(span.start, offset)
  const end = add(span.end, offset)
  const [root] = places
  const smallest = smallestAround(places, start, end)
  const attributes: Record<string, AttributeValue> = {}
  if (span.traceId !== traceId) attributes['podspan.native.trace_id'] = span.traceId
  if (span.parentSpanId !== undefined) attributes['podspan.native.parent_span_id'] = span.parentSpanId
  if (!smallest) attributes['podspan.native.straddles'] = true
  if (offset !== ZERO) attributes['podspan.native.clock_offset_ms'] = toMilliseconds(offset)
  return { span, parentSpanId: (smallest ?? root)?.spanId, attributes }
}

/** Of those that are equally long, the deepest, which stands last. */
function smallestAround(places: readonly Place[], start: UnixNano, end: UnixNano): Place | undefined {
  let smallest: Place | undefined
  for (const one of places) {
    if (one.start > start || one.end < end) continue
    if (!smallest || one.end - one.start <= smallest.end - smallest.start) smallest = one
  }
  return smallest
}
