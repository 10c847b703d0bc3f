// Owns what is published as a session's totals: what this process counted, and what a status before a restart says.
// Promises that no published total falls, and that finished pods and the fates of their traces sum up to each other.
//
// After a restart the starts that can still be read are told again. A start that had ended before the last status is in that status
// already; one that ended after it is not. So the totals are: the larger of status and retold for the first kind, and the retold for the second.

import type { DurationNano, UnixNano } from '../base/time.ts'
import type { TraceSessionStatus } from './schema.ts'
import { ENDINGS, isBad, isGood } from './sums.ts'
import { type Counts, type Era, type Fates, finishedOf, noCounts, noFates, type Session } from './state.ts'

export interface Published {
  readonly counts: Counts
  readonly fates: Fates
  /** Pods of the old status that could not be told again: good ones, whose length is unknown, and bad ones. */
  readonly lostGood: number
  readonly lostBad: number
}

/** Where a start belongs that was decided then. */
export const eraOf = ({ restoredAt }: Session, decidedAt: UnixNano): Era =>
  restoredAt !== undefined && decidedAt <= restoredAt ? 'before' : 'since'

/** A timeout is decided as it happens; every other end is known once its evidence has settled. */
export const decidedAt = (ended: UnixNano, isTimeout: 'timeout' | 'end', settle: DurationNano): UnixNano =>
  (isTimeout === 'timeout' ? ended : ended + settle) as UnixNano

export function publishedTotals(session: Session): Published {
  const { before, since } = session.totals
  const old = countsOf(session.restored)
  const counts = noCounts()
  let [lostGood, lostBad] = [0, 0]
  for (const ending of ENDINGS) {
    const lost = Math.max(0, old[ending] - before.counts[ending])
    if (isGood(ending)) lostGood += lost
    if (isBad(ending)) lostBad += lost
    counts[ending] = Math.max(old[ending], before.counts[ending]) + since.counts[ending]
  }
  const finishedBefore = finishedOf(counts) - finishedOf(since.counts)
  const fates = fatesBefore(
    fatesOf(session.restored),
    before.fates,
    finishedBefore,
    session.backfill.state === 'done',
  )
  for (const fate of FATES) fates[fate] += since.fates[fate]
  return {
    counts: raised(counts, countsOf(session.floor)),
    ...aligned(counts, fates, session),
    lostGood,
    lostBad,
  }
}

const FATES = ['exported', 'sampledOut', 'dropped', 'pending'] as const
type Settled = Exclude<(typeof FATES)[number], 'pending'>
const SETTLED: readonly Settled[] = ['exported', 'sampledOut', 'dropped']

/** Each of the settled fates is at least the old one; together with what is pending they are all that finished. */
function fatesBefore(old: Fates, retold: Fates, finished: number, isDone: boolean): Fates {
  const fates = { ...old, pending: 0 }
  let room = Math.max(0, finished - old.exported - old.sampledOut - old.dropped)
  for (const fate of SETTLED) {
    const more = Math.min(room, Math.max(0, retold[fate] - old[fate]))
    fates[fate] += more
    room -= more
  }
  // What nobody will tell again will not be exported either.
  fates.pending = isDone ? Math.min(room, retold.pending) : room
  fates.dropped += room - fates.pending
  return fates
}

/** A standby that takes over has counted by itself; what the leader had published is the least. */
function raised(counts: Counts, floor: Counts): Counts {
  const all = noCounts()
  for (const ending of ENDINGS) all[ending] = Math.max(counts[ending], floor[ending])
  return all
}

function aligned(counts: Counts, fates: Fates, { floor }: Session): { readonly fates: Fates } {
  if (floor === undefined) return { fates }
  const finished = finishedOf(raised(counts, countsOf(floor)))
  return { fates: fatesBefore(fatesOf(floor), fates, finished, false) }
}

export function countsOf(status: TraceSessionStatus | undefined): Counts {
  const pods = status?.pods
  return pods
    ? {
        ready: pods.ready,
        completed: pods.completed,
        failed: pods.failed,
        unstable: pods.unstable,
        deleted: pods.deleted,
        timedOut: pods.timedOut,
      }
    : noCounts()
}

/** What was pending when the process ended is told again or lost. */
function fatesOf(status: TraceSessionStatus | undefined): Fates {
  const traces = status?.traces
  return traces
    ? { exported: traces.exported, sampledOut: traces.sampledOut, dropped: traces.dropped, pending: 0 }
    : noFates()
}
