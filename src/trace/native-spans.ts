// Owns the way of native spans from the book into traces: those that are there when a start is told, and those that come later.
// Promises that a start without any is told as if there were no such thing, and that what comes later changes nothing that was told.
// Does not place them (native.ts).

import type { NativeSpan } from '../base/native.ts'
import type { ClockName } from '../base/stamp.ts'
import { add, type DurationNano, durationNano, minus, SECOND, type UnixNano } from '../base/time.ts'
import { isControlPlane } from '../observe/native.ts'
import { nodeClock } from '../observe/pod.ts'
import { isOfTime, type NativeOfPod } from '../operations/native-evidence.ts'
import { shiftOf } from '../timeline/clocks.ts'
import {
  isAfter,
  keysOfPod,
  type NativeBook,
  type Place,
  rememberTold,
  settleSpans,
  spansIn,
  spansOf,
  type ToldStart,
  toldIn,
} from '../timeline/native-book.ts'
import { dropSpans } from '../timeline/native-fold.ts'
import type { PodKeys } from '../timeline/native-members.ts'
import type { PodTimeline } from '../timeline/pod-timeline.ts'
import { count, type World } from '../timeline/world.ts'
import { traceIdOf } from './identity.ts'
import { JOINED_MAX, joinSpans, type Offsets } from './native.ts'
import type { LateSpans, Trace } from './trace.ts'

/** What is known of the pod by now; undefined as long as nobody has sent a span. */
export function nativeOf(
  world: World,
  { firstPhase, gap, pod, versions }: PodTimeline,
  now: UnixNano,
): NativeOfPod | undefined {
  if (!world.native) return undefined
  const keys = keysOfPod(pod)
  const clock = nodeClock(pod.nodeName)
  return {
    spans: spansOf(world.native, keys),
    versions,
    sawAll: firstPhase === 'live' && !gap,
    keys,
    nodeClock: clock,
    times: timesOf(keys, offsetsOf(world, clock, now), now),
  }
}

/** Clocks that nobody can tell to be wrong are wrong by less. */
const SLACK = durationNano(SECOND)

/** Nothing of it was before the second in which it was created, and what is told has been. */
function timesOf({ from }: PodKeys, { control, node }: Offsets, now: UnixNano): NativeOfPod['times'] {
  const created = add(from, control)
  const by = (offset: DurationNano) => ({
    from: add(add(created, minus(offset)), minus(SLACK)),
    to: add(add(now, minus(offset)), SLACK),
  })
  return { control: by(control), node: by(node) }
}

/** The trace with the spans of this start; what began when it was over is none of it. */
export function withNative(world: World, trace: Trace, found: NativeOfPod, now: UnixNano): Trace {
  const start = toldStart(world, trace, found, now)
  const joined = joinSpans(
    found.spans.filter((span) => !isAfter(start, span)),
    {
      traceId: trace.traceId,
      places: start.places,
      offsets: offsetsOf(world, found.nodeClock, now),
      isBelowTold: () => false,
    },
  )
  return joined.spans.length === 0 ? trace : { ...trace, native: joined.spans }
}

/** That trace is final: what is in it is let go, and what still comes is late. */
export function settleNative(world: World, trace: Trace, found: NativeOfPod, now: UnixNano): void {
  const book = world.native
  if (!book) return
  const { native = [] } = trace
  const start = { ...toldStart(world, trace, found, now), joined: native.length }
  const told = new Set(native.map(({ span }) => span))
  settleSpans(book, trace.uid, found.spans)
  letGo(
    world,
    found.spans.filter((span) => !told.has(span)),
    start,
  )
  if (native.length > 0) count(world, 'native.joined', native.length)
  // A webhook holds a request before its pod exists, so that spans of the control plane may be older than the pod; no others may.
  const wrong = native.filter(({ span }) => !isControlPlane(span) && !isOfTime(found, span)).length
  if (wrong > 0) count(world, 'garbage.native span of another time', wrong)
  rememberTold(book, start)
}

function toldStart(world: World, trace: Trace, found: NativeOfPod, now: UnixNano): ToldStart {
  const places: Place[] = trace.spans.map(({ spanId, start, end }) => ({
    spanId,
    start: start.best,
    end: end.best,
  }))
  const end = places[0]?.end ?? now
  const { control, node } = offsetsOf(world, found.nodeClock, now)
  return {
    at: now,
    keys: found.keys,
    places,
    offsets: { control, node },
    over: { control: add(end, minus(control)), node: add(end, minus(node)) },
    joined: 0,
  }
}

function offsetsOf({ clocks }: World, node: ClockName, now: UnixNano): Offsets {
  return { control: shiftOf(clocks, 'apiserver', now).by, node: shiftOf(clocks, node, now).by }
}

/** Too many, doubles, or of another time. */
function letGo(world: World, spans: readonly NativeSpan[], start: ToldStart): void {
  const surplus = spans.filter((span) => !isAfter(start, span))
  if (surplus.length > 0) count(world, 'limit.native spans of a start', surplus.length)
  dropSpans(world, spans)
}

/** What the last frame brought for starts that were told. */
export function takeLate(world: World): LateSpans[] {
  const book = world.native
  if (!book || book.told.size === 0 || book.touched.size === 0) return []
  return [...toldIn(book, book.touched)].flatMap((start) => lateOf(world, book, start))
}

function lateOf(world: World, book: NativeBook, start: ToldStart): LateSpans[] {
  const { keys, places, offsets } = start
  const [uid = ''] = keys.uids
  const found = spansIn(book, book.touched, keys)
  const traceId = traceIdOf(uid)
  const isBelowTold = ({ traceId: id, parentSpanId = '' }: NativeSpan): boolean =>
    book.traces.get(id)?.joined.get(parentSpanId) === uid
  const around = { traceId, places, offsets, isBelowTold }
  const inTime = found.filter((span) => !isAfter(start, span))
  const joined = joinSpans(inTime, around, JOINED_MAX - start.joined)
  const told = new Set(joined.spans.map(({ span }) => span))
  settleSpans(book, uid, found)
  letGo(
    world,
    found.filter((span) => !told.has(span)),
    start,
  )
  if (joined.spans.length === 0) return []
  start.joined += joined.spans.length
  count(world, 'native.late', joined.spans.length)
  return [{ traceId, uid, spans: joined.spans }]
}
