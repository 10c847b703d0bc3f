import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Frame } from '../../src/base/frame.ts'
import { rootOf, type Trace } from '../../src/trace/trace.ts'
import { framesOf, isObjectFrame, randomFrom, recordings, runs, tracesOf } from '../support/frames.ts'
import { violations } from '../support/frames-invariants.ts'
import { compareRuns } from '../support/restart-compare.ts'
import { podsOver, restartedAfter, takenBackUnseen, withGap } from '../support/restart.ts'

/** Places per recording at which the process restarts, or the watch breaks. */
const PLACES = runs(15)

const STREAMS: readonly (ReadonlySet<string> | undefined)[] = [
  undefined,
  new Set(['pods']),
  new Set(['events']),
  new Set(['persistentvolumeclaims', 'volumeattachments']),
]

for (const [place, name] of recordings().entries()) {
  test(`${name}: a process that restarts tells the same starts, coarser, and none that were over`, async () => {
    const frames = await framesOf(name)
    const full = tracesOf(frames)
    for (const at of sample(liveFrom(frames), frames.length - 1, PLACES, randomFrom(place))) {
      const over = podsOver(frames, at)
      const told = tracesOf(restartedAfter(frames, at))
      const where = `restart after frame ${at}`
      assert.deepEqual(violations(told), [], where)
      assert.deepEqual(uids(told), uids(full.filter(({ uid }) => !over.has(uid))), where)
      const { outside, added, lost } = compareRuns(full, told)
      assert.deepEqual(
        { outside, added: added.filter(isInventedBeside(lost)), lost: lost.filter(isEvidenced) },
        NOTHING,
        where,
      )
    }
  })

  test(`${name}: a gap in the watch makes intervals wider, and nothing else`, async () => {
    const frames = await framesOf(name)
    const full = tracesOf(frames)
    const random = randomFrom(place + 500)
    for (const from of sample(liveFrom(frames), frames.length - 2, PLACES, random)) {
      const to = Math.min(frames.length - 2, from + 1 + Math.floor(random() * 16))
      const sources = STREAMS[Math.floor(random() * STREAMS.length)]
      const told = tracesOf(withGap(frames, from, to, sources))
      const where = `${sources ? [...sources] : 'everything'} missing from frame ${from} to ${to}`
      assert.deepEqual(violations(told), [], where)
      const unsure = takenBackUnseen(frames, from, to)
      const comparable = withoutUnseen(full, frames, from, to).filter(({ uid }) => !unsure.has(uid))
      const { outside, added, lost } = compareRuns(comparable, told.filter(isIn(comparable)))
      assert.deepEqual(
        { outside, added: added.filter(isInventedBeside(lost)), lost: lost.filter(isEvidenced) },
        NOTHING,
        where,
      )
    }
  })
}

const NOTHING = { outside: [], added: [], lost: [] }

const uids = (traces: readonly Trace[]): string[] => traces.map(({ uid }) => uid).sort()

const isIn =
  (traces: readonly Trace[]) =>
  ({ uid }: Trace): boolean =>
    traces.some((one) => one.uid === uid)

/** The first frame after all lists. */
const liveFrom = (frames: readonly Frame[]): number =>
  frames.findLastIndex((frame) => isObjectFrame(frame) && frame.phase === 'initial') + 1

function sample(from: number, to: number, count: number, random: () => number): number[] {
  if (to - from <= count) return Array.from({ length: Math.max(0, to - from) }, (_, index) => from + index)
  return Array.from({ length: count }, () => from + Math.floor(random() * (to - from)))
}

/**
 * Nothing in a list tells a node that was preset from one that a scheduler chose without an event. Nor does it show that a container was created between
 * its first run and its last: that one could not be started looks like a failure to create it.
 */
const isInventedBeside =
  (lost: readonly string[]) =>
  (span: string): boolean => {
    if (/: schedule$/.test(span)) return false
    const failed = /^(.*: )(?:create container|back-off) (\S+)(?: after create container)?( #\d+)?$/.exec(
      span,
    )
    return (
      !failed ||
      !lost.some((one) => one.startsWith(`${failed[1]}start container ${failed[2]}${failed[3] ?? ' #'}`))
    )
  }

/**
 * Repeats of an event are one object, of which a list shows the first and the last; gates leave no trace once they are gone, nor does the
 * queue that a pod of its own waited in behind them; of a claim a list tells only in which second it was made.
 */
const isEvidenced = (span: string): boolean =>
  !/#\d+$|: back-off|: wait at scheduling gate$|: wait in queue$|: wait for claim$/.test(span) &&
  !isDrawnBySpans(span)

/** What only spans of other components told, which come once. */
const isDrawnBySpans = (span: string): boolean =>
  /^with-native-spans\/.*: (prepare pod|create sandbox)$/.test(span)

const SETTLE = 5_000_000_000n

/** Starts whose end nobody saw, or that were told while the gap still went on. */
function withoutUnseen(full: readonly Trace[], frames: readonly Frame[], from: number, to: number): Trace[] {
  const [begun, over] = [frames[from - 1]?.t ?? 0n, frames[to - 1]?.t ?? 0n]
  return full.filter((trace) => {
    const { latest } = rootOf(trace).end
    return latest < begun - SETTLE || latest > over
  })
}
