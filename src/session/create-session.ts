// Owns the beginning of a session's state: new, restored from a status that a restart left behind, or complete before.
// Promises that a session which is complete stays so. Does not match, count or publish.

import { carriedBy } from '../base/trace-context.ts'
import { fromSeconds, MILLISECOND, parseRfc3339, type UnixNano } from '../base/time.ts'
import { emptyAggregate } from './aggregate.ts'
import { createBudget } from './budget.ts'
import type { SessionKey } from './book.ts'
import type { Plan } from './plan.ts'
import { comparable, saidBy } from './publish.ts'
import type { Phase, TraceSession, TraceSessionStatus } from './schema.ts'
import { type Closing, type CloseReason, type Completion, noCounts, noFates, type Session } from './state.ts'
import { asOfStatus } from './status.ts'

export const keyOf = ({ metadata: { uid, namespace, name } }: TraceSession): SessionKey => ({
  uid,
  namespace,
  name,
})

export function createSession(object: TraceSession, plan: Plan, now: UnixNano): Session {
  const { status, metadata } = object
  const completion = completionOf(status)
  const created = parseRfc3339(metadata.creationTimestamp) ?? now
  return {
    key: keyOf(object),
    namespace: metadata.namespace,
    carried: carriedBy(metadata.annotations),
    choice: plan.pods,
    plan,
    generation: metadata.generation,
    created,
    accepted: now,
    totals: {
      before: { counts: noCounts(), fates: noFates() },
      since: { counts: noCounts(), fates: noFates() },
    },
    aggregate: emptyAggregate(plan.window),
    starting: new Set(),
    timedOut: new Map(),
    nextTimeout: undefined,
    backfill: needsBackfill(plan, completion, status)
      ? { state: 'open', asked: false, since: now }
      : { state: 'done', missing: undefined },
    seen: new Set(),
    seenUntil: undefined,
    lost: 0,
    limit: createBudget(plan.tracesPerMinute, now),
    rollout: undefined,
    restored: status?.pods || completion ? status : undefined,
    restoredAt: asOfStatus(status),
    floor: undefined,
    closing: closingOf(status),
    completion,
    frozen: completion !== undefined,
    retired: completion !== undefined && !needsBackfill(plan, completion, status),
    conditions: status?.conditions ?? [],
    said: new Set(saidBy(status)),
    events: [],
    dirty: !completion || status?.observedGeneration !== metadata.generation,
    written: completion && status ? { text: comparable(status), at: fromSeconds(0) } : undefined,
  }
}

/** A complete session still wants to know of traces that were pending when the process ended. */
const needsBackfill = (
  plan: Plan,
  completion: Completion | undefined,
  status: TraceSessionStatus | undefined,
): boolean => plan.refused === undefined && (completion === undefined || (status?.traces?.pending ?? 0) > 0)

const FINAL: readonly (Phase | undefined)[] = ['Passed', 'Failed', 'Inconclusive']

/** What another replica has written since we last wrote: nothing that it said is taken back. */
export function adopt(session: Session, status: TraceSessionStatus | undefined): void {
  const asOf = asOfStatus(status)
  if (status === undefined || asOf === undefined) return
  if (session.written && asOf <= session.written.at) return askAgain(session, session.written, asOf)
  session.floor = status
  session.closing ??= closingOf(status)
  session.completion ??= completionOf(status)
  session.conditions = status.conditions ?? []
  for (const reason of saidBy(status)) session.said.add(reason)
  session.written = { text: comparable(status), at: asOf }
  session.dirty = true
}

/** What is stored is neither our last status nor newer: a leader before us had it on its way. It is written over at the next time. */
function askAgain(session: Session, { at }: NonNullable<Session['written']>, asOf: UnixNano): void {
  if (toMilliseconds(asOf) === toMilliseconds(at)) return
  session.written = { text: '', at }
  session.dirty = true
}

/** As fine as a status says it. */
const toMilliseconds = (t: UnixNano): bigint => t / MILLISECOND

/** An Error is none: what was not accepted may be mended. */
function completionOf(status: TraceSessionStatus | undefined): Completion | undefined {
  const at = parseRfc3339(status?.completionTime)
  const phase = status?.phase
  if (at === undefined || !FINAL.includes(phase)) return undefined
  const said = status?.conditions?.find(({ type }) => type === 'Complete')
  return {
    at,
    verdict: phase as Completion['verdict'],
    reason: said?.reason ?? '',
    message: said?.message ?? '',
  }
}

const REASONS: readonly string[] = [
  'RolloutComplete',
  'RolloutFailed',
  'DurationReached',
  'PodCountReached',
  'Timeout',
] satisfies CloseReason[]

function closingOf(status: TraceSessionStatus | undefined): Closing | undefined {
  const at = parseRfc3339(status?.closedTime)
  if (at === undefined) return undefined
  const reason = status?.closedBy
  return {
    at,
    reason: (reason !== undefined && REASONS.includes(reason) ? reason : 'Timeout') as CloseReason,
  }
}
