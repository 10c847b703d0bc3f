// Owns what one exporter still has to acknowledge, here or at the leader, and what it has acknowledged lately.
// Promises a watermark that covers nothing of the first, and lists of the second what it does not cover.
// Pure: time comes in with each call. Does not know pods: handover.ts does.

import { add, type DurationNano, earliest, latest, milliseconds, minus, type UnixNano } from '../base/time.ts'
import type { Mark, Progress } from './progress.ts'
import {
  BEYOND_MAX,
  CLOCK_SLACK,
  coveredUntil,
  covers,
  OWED_MAX,
  shortId,
  type Told,
  type Watermark,
} from './watermark.ts'

/** `offered`: told once more for a session that came later than its end. */
export type Origin = 'told' | 'offered'

export interface Pending extends Told {
  readonly origin: Origin
  /** Filled in later where the stream had no bound yet: any later one is as true. */
  version: string | undefined
  /** When its end had not been seen yet; of what was offered, when that was. */
  readonly since: UnixNano
}

interface Acknowledged {
  readonly id: string
  readonly stream: string
  /** A watermark that has heard of its stream at this time covers it, on every replica. */
  readonly coveredFrom: UnixNano
}

export interface BookView {
  readonly now: UnixNano
  readonly settle: DurationNano
  readonly progress: Progress
  /** What leaders before us said of this exporter, or of all where they did not know it. */
  readonly before: Watermark
  /** How many exporters share the room on the Lease. */
  readonly exporters: number
}

export interface ExporterBook {
  readonly size: number
  add(told: Pending): void
  /** False where it was not pending. */
  acknowledged(traceId: string, now: UnixNano): boolean
  forget(traceId: string): boolean
  has(traceId: string): boolean
  /** The oldest first. */
  pending(): readonly string[]
  /** The traces that this watermark of a leader says are acknowledged. */
  coveredBy(watermark: Watermark | undefined, now: UnixNano, progress: Progress): readonly string[]
  watermark(view: BookView): { readonly watermark: Watermark; readonly unlisted: number }
}

/** What has ended is told `settle` later, at the next tick; a tick is a second. */
const TICK = milliseconds(1500)
/** Another replica may tell the same start so much later, and knows it under the version that its stream has reached by then. */
const TELLING_APART = milliseconds(3000)
/** Another replica may be offered the same start so much earlier or later: a session waits a minute for earlier starts. */
export const OFFERING_APART = milliseconds(60_000)
/** For a replica whose streams are being listed, so that it has no version to compare yet. */
const LISTED_AT_LEAST = 100

interface Reached extends Pick<Watermark, 'position' | 'at'> {
  /** It rests on what we have seen ourselves; else, where a stream has no mark yet, on what was said before. */
  readonly whole: boolean
}

export function createExporterBook(): ExporterBook {
  const pending = new Map<string, Pending>()
  /** In the order of telling; those below the watermark are dropped when it is next written. */
  let acknowledged: Acknowledged[] = []
  return {
    get size() {
      return pending.size
    },
    add: (told) => void pending.set(told.traceId, told),
    acknowledged: (traceId, now) => {
      const told = pending.get(traceId)
      if (!told) return false
      pending.delete(traceId)
      acknowledged.push({
        id: shortId(traceId),
        stream: told.stream,
        coveredFrom: coveredFrom(told, now),
      })
      return true
    },
    forget: (traceId) => pending.delete(traceId),
    has: (traceId) => pending.has(traceId),
    pending: () => [...pending.keys()],
    coveredBy: (watermark, now, progress) => {
      const covered: string[] = []
      for (const [traceId, told] of pending) {
        told.version ??= progress.bound(told.stream)
        if (covers(watermark, asFarAsKnown(told, now))) covered.push(traceId)
      }
      return covered
    },
    watermark: (view) => {
      const most = Math.floor(BEYOND_MAX / Math.max(1, view.exporters))
      const owed = [...pending.values()].filter(({ origin }) => origin === 'offered')
      const reached = reachedBy(pending.values(), owed, view)
      const needed = acknowledged.filter((one) => isNeeded(one, reached))
      const listed = new Set([...acknowledged.slice(-LISTED_AT_LEAST), ...needed])
      // What has no room on the Lease need not be kept for it either.
      acknowledged = acknowledged.filter((one) => listed.has(one)).slice(-most)
      const beyond = [...(reached.whole ? [] : view.before.beyond), ...acknowledged.map(({ id }) => id)]
      const { position, at } = reached
      const owedBefore = reached.whole ? [] : view.before.owed
      const owedNow = owed.slice(0, owedMost(view)).map(({ traceId }) => shortId(traceId))
      return {
        watermark: {
          position,
          at,
          beyond: new Set(beyond.slice(-most)),
          owed: new Set([...owedBefore, ...owedNow]),
        },
        unlisted: needed.length - most,
      }
    },
  }
}

function coveredFrom({ endedAt, origin, timedOut }: Pending, now: UnixNano): UnixNano {
  const everywhere = add(now, origin === 'offered' ? OFFERING_APART : TELLING_APART)
  return timedOut ? latest(everywhere, add(endedAt, CLOCK_SLACK)) : everywhere
}

const isNeeded = ({ coveredFrom: from, stream }: Acknowledged, reached: Reached): boolean =>
  !reached.whole || from > coveredUntil(reached, stream)

/** That its version is covered says nothing of what the leader may only be about to be offered. */
const asFarAsKnown = (told: Pending, now: UnixNano): Told =>
  told.origin === 'offered' && now < add(told.since, OFFERING_APART) ? { ...told, version: undefined } : told

const owedMost = ({ exporters }: BookView): number => Math.floor(OWED_MAX / Math.max(1, exporters))

function reachedBy(pending: Iterable<Pending>, owed: readonly Pending[], view: BookView): Reached {
  const { before, now, progress, settle } = view
  let told = add(now, minus((settle + TICK) as DurationNano))
  let ended = told
  for (const { endedAt, origin, since } of pending) {
    if (origin === 'offered') continue
    told = earliest(told, since)
    ended = earliest(ended, endedAt)
  }
  // Rather repeated than lost: without a position everything since then is above the watermark.
  if (owed.length > owedMost(view))
    return { position: {}, at: owed.reduce((at, { endedAt }) => earliest(at, endedAt), ended), whole: true }
  const marks = progress.at(told)
  const position: Record<string, Mark> = { ...before.position }
  for (const [stream, mark] of marks) if (mark) position[stream] = mark
  const whole = marks.size > 0 && [...marks.values()].every((mark) => mark !== undefined)
  return { position, at: whole ? earliest(ended, told) : before.at, whole }
}
