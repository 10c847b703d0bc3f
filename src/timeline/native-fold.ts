// Owns the folding of native spans: into the book, and out of it again as time goes on.
// Promises that what is dropped is counted under why.
// Does not join spans to pods: that is done when a start is told.

import type { OtlpFrame } from '../base/frame.ts'
import type { NativeSpan } from '../base/native.ts'
import type { UnixNano } from '../base/time.ts'
import {
  containerPodOf,
  emptyNativeBook,
  isCrowded,
  keysOfPod,
  sweepNative,
  takeSpans,
} from './native-book.ts'
import type { Known } from './native-sift.ts'
import { podUidOf } from '../observe/native.ts'
import { count, type World } from './world.ts'

export function foldSpans(world: World, frame: OtlpFrame): void {
  const book = (world.native ??= emptyNativeBook())
  const { repeats, after, refused } = takeSpans(book, frame)
  count(world, 'native.taken', frame.spans.length - repeats - refused - after.length)
  dropSpans(world, after)
  if (repeats > 0) count(world, 'native.repeated', repeats)
  if (refused > 0) count(world, 'limit.native spans of a trace', refused)
  if (isCrowded(book)) sweepSpans(world, frame.t)
}

export function sweepSpans(world: World, t: UnixNano): void {
  if (!world.native) return
  const { unclaimed, crowdedOut } = sweepNative(world.native, t, inFlight(world))
  if (crowdedOut.length > 0) count(world, 'limit.native bytes held', crowdedOut.length)
  dropSpans(world, [...unclaimed, ...crowdedOut])
}

/** They are of no start that is told. */
export function dropSpans(world: World, spans: readonly NativeSpan[]): void {
  if (spans.length > 0) count(world, 'native.of no start', spans.length)
}

function inFlight({ pods }: World): Set<string> {
  const keys = new Set<string>()
  for (const { pod } of pods.values()) {
    const { uids, name } = keysOfPod(pod)
    for (const uid of uids) keys.add(uid)
    keys.add(name)
  }
  return keys
}

export const knownIn = (world: World): Known => ({
  isStarting: (uid) => world.pods.has(uid) || world.native?.told.has(uid) === true,
  isOver: (span) => {
    const uid = podUidOf(span) ?? (world.native && containerPodOf(world.native, span))
    return uid !== undefined && world.finished.has(uid) && world.native?.told.has(uid) !== true
  },
  holds: (traceId) => world.native?.traces.has(traceId) === true,
})
