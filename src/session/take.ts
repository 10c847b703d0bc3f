// Owns how one start enters one session: how it ended for it, and into which counts and sums it goes.
// Promises that a start is counted once per session, that its own startTimeout decides before the pipeline's, and that nothing
// is counted once the session is complete. Does not decide about exports (exports.ts).

import { add, type DurationNano, type UnixNano } from '../base/time.ts'
import type { Outcome, Trace } from '../trace/trace.ts'
import { sumsAt } from './aggregate.ts'
import type { StartFacts } from '../rollout/start-facts.ts'
import { decidedAt, eraOf } from './restore.ts'
import { type Era, isActive, isOwed, type Session, takesPodsOf, type Tracked } from './state.ts'
import { podName } from './status.ts'
import { addEnding, addStart, type Ending } from './sums.ts'

/** A pod that is still in the list of those in flight so long after its timeout was not ready in time. */
const TIMEOUT_GRACE = 5_000_000_000n as DurationNano

const ENDING: Readonly<Record<Exclude<Outcome, 'starting'>, Ending>> = {
  ready: 'ready',
  completed: 'completed',
  failed: 'failed',
  unstable: 'unstable',
  deleted: 'deleted',
  timeout: 'timedOut',
}

export interface Taken {
  readonly session: Session
  readonly ending: Ending
  readonly era: Era
}

/** Whether this start belongs to the session, by everything but its labels and owners. */
export const belongs = (session: Session, trace: Trace): boolean =>
  session.timedOut.has(trace.uid) ||
  ((isActive(session) || isOwed(session)) &&
    takesPodsOf(session, trace.created) &&
    !session.seen.has(trace.uid))

export function endingOf({ plan, timedOut }: Session, trace: Trace): Ending | undefined {
  if (trace.outcome === 'starting') return undefined
  return trace.startup > plan.startTimeout || timedOut.has(trace.uid) ? 'timedOut' : ENDING[trace.outcome]
}

/** Counts the ending of a start; undefined where it is none. */
export function countStart(
  session: Session,
  trace: Trace,
  facts: StartFacts,
  now: UnixNano,
  settle: DurationNano,
): Taken | undefined {
  const ending = endingOf(session, trace)
  if (ending === undefined) return undefined
  if (session.backfill.state !== 'done') session.seen.add(trace.uid)
  session.dirty = true
  const earlier = session.timedOut.get(trace.uid)
  if (earlier !== undefined) {
    session.timedOut.delete(trace.uid)
    // It was counted as pending when it timed out; the decision on its trace comes now.
    session.totals[earlier].fates.pending -= 1
    return { session, ending, era: earlier }
  }
  // Its counts are final; only what became of the trace is still open.
  if (session.completion) return { session, ending, era: 'before' }
  const ended = endedAt(session, trace, facts, ending)
  const era = eraOf(session, decidedAt(ended, ending === 'timedOut' ? 'timeout' : 'end', settle))
  session.totals[era].counts[ending] += 1
  const sums = sumsAt(session.aggregate, ended, now)
  if (sums) addEnding(sums, ending, session.plan.goals, facts)
  return { session, ending, era }
}

/** A start ends for a session at its own timeout at the latest. */
const endedAt = ({ plan }: Session, trace: Trace, facts: StartFacts, ending: Ending): UnixNano =>
  ending === 'timedOut' && trace.startup > plan.startTimeout
    ? add(trace.created, plan.startTimeout)
    : facts.ended

/** Adds what the trace tells, once it is known whether it is kept. */
export function tellStart(
  { session, ending }: Taken,
  trace: Trace,
  facts: StartFacts,
  now: UnixNano,
  fate: 'kept' | 'not kept',
): void {
  const sums = sumsAt(session.aggregate, endedAt(session, trace, facts, ending), now)
  if (!sums) return
  addStart(sums, {
    facts,
    ending,
    revision: trace.revision,
    created: trace.created,
    evidenceComplete: trace.evidenceComplete,
    slow: {
      pod: podName(session.namespace, trace.namespace, trace.name),
      traceId: trace.traceId,
      ending,
      startupMs: facts.startupMs,
      longest: facts.longest,
      why: trace.verdict,
      kept: fate === 'kept',
    },
  })
}

/** Pods in flight beyond the session's own start timeout are decided, though their trace is still to come. */
export function timeOut(session: Session, now: UnixNano): void {
  if (session.completion || session.nextTimeout === undefined || now < session.nextTimeout) return
  let next: UnixNano | undefined
  for (const tracked of session.starting) {
    if (session.timedOut.has(tracked.start.uid)) continue
    const at = timeoutOf(session, tracked)
    // Not by the clock alone: one that is no longer in flight has ended, and its evidence settles.
    if (tracked.seen >= at) countTimeout(session, tracked, now)
    else if (next === undefined || at < next) next = at
  }
  session.nextTimeout = next
}

export const timeoutOf = ({ plan }: Session, { start }: Tracked): UnixNano =>
  add(add(start.created, plan.startTimeout), TIMEOUT_GRACE)

function countTimeout(session: Session, { start }: Tracked, now: UnixNano): void {
  const ended = add(start.created, session.plan.startTimeout)
  const era = eraOf(session, ended)
  session.timedOut.set(start.uid, era)
  session.totals[era].counts.timedOut += 1
  session.totals[era].fates.pending += 1
  const sums = sumsAt(session.aggregate, ended, now)
  if (sums) addEnding(sums, 'timedOut', session.plan.goals)
  session.dirty = true
}

/** A pod in flight of which nothing was heard any more. */
export function forget(session: Session, { start }: { readonly start: { readonly uid: string } }): void {
  const era = session.timedOut.get(start.uid)
  if (era === undefined) session.lost += 1
  else {
    session.timedOut.delete(start.uid)
    session.totals[era].fates.pending -= 1
    session.totals[era].fates.dropped += 1
  }
  session.dirty = true
}
