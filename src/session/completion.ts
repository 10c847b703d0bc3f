// Owns when a session stops taking pods and when it is over.
// Promises that every session but a standing one is over at the latest when its timeout and then the start timeout have passed.
// The rule of completion closes a session; it is over once every pod that it took has been decided.

import { add, type DurationNano, SECOND, type UnixNano } from '../base/time.ts'
import type { Closing, Session } from './state.ts'
import { publishedTotals } from './restore.ts'
import { judgeSession, settledAfter, standings } from './verdict.ts'

/** How long earlier starts are waited for. */
const BACKFILL_WITHIN = (60n * SECOND) as DurationNano

export function advance(session: Session, now: UnixNano, settle: DurationNano): void {
  if (session.plan.refused) return
  forgetSeen(session, now)
  if (session.backfill.state === 'open' && now >= add(session.backfill.since, BACKFILL_WITHIN)) {
    closeBackfill(session, 'they were not read within a minute', now)
  }
  if (session.completion) return
  if (!session.closing) {
    const closing = closingOf(session, now)
    if (!closing) return
    session.closing = closing
    session.dirty = true
  }
  if (isOver(session, session.closing, now, settle)) complete(session, session.closing, now, settle)
}

/** A start that was offered may be settling in the pipeline just then, and is told once more. */
const SETTLED_WITHIN = (60n * SECOND) as DurationNano

export function closeBackfill(session: Session, missing: string | undefined, now: UnixNano): void {
  session.backfill = { state: 'done', missing }
  session.seenUntil = add(now, SETTLED_WITHIN)
  session.dirty = true
}

function forgetSeen(session: Session, now: UnixNano): void {
  if (session.seenUntil === undefined || now < session.seenUntil) return
  session.seenUntil = undefined
  session.seen.clear()
}

function closingOf(session: Session, now: UnixNano): Closing | undefined {
  const { plan, created, rollout } = session
  const end = plan.timeout === undefined ? undefined : add(created, plan.timeout)
  if (end !== undefined && now >= end) {
    return { at: end, reason: plan.when === 'Duration' ? 'DurationReached' : 'Timeout' }
  }
  if (plan.suspend || (plan.when !== 'PodCount' && plan.when !== 'RolloutComplete')) return undefined
  if (plan.when === 'RolloutComplete' && rollout?.failed !== undefined)
    return { at: now, reason: 'RolloutFailed' }
  if (plan.when === 'RolloutComplete' && !rollout?.complete) return undefined
  if (judgedOf(session) < plan.minPods) return undefined
  return { at: now, reason: plan.when === 'PodCount' ? 'PodCountReached' : 'RolloutComplete' }
}

function judgedOf(session: Session): number {
  const { counts } = publishedTotals(session)
  return counts.ready + counts.completed + counts.failed + counts.unstable + counts.timedOut
}

const isOver = (
  { starting, timedOut, backfill }: Session,
  { at }: Closing,
  now: UnixNano,
  settle: DurationNano,
): boolean => {
  if (backfill.state !== 'done' || now < settledAfter(at, settle)) return false
  for (const { start } of starting) if (!timedOut.has(start.uid)) return false
  return true
}

function complete(session: Session, { reason }: Closing, now: UnixNano, settle: DurationNano): void {
  const judged = judgeSession(session, standings(session, now, settle), reason)
  session.completion = { at: now, ...judged }
  session.dirty = true
}
