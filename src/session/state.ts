// Owns what is kept of one session, and of the pods in flight.
// Promises bounded memory per session: counts, sums, and a reference to each of its pods in flight. Holds no rule.

import type { Carried } from '../base/trace-context.ts'
import type { UnixNano } from '../base/time.ts'
import type { InFlight } from '../trace/in-flight.ts'
import type { Budget } from './budget.ts'
import type { Aggregate } from './aggregate.ts'
import type { SessionEvent, SessionKey } from './book.ts'
import type { Choice, Plan } from './plan.ts'
import type { RolloutState } from '../rollout/state.ts'
import type { Condition, TraceSessionStatus } from './schema.ts'
import type { Ending } from './sums.ts'

export type Counts = Record<Ending, number>
export type Fate = 'exported' | 'sampledOut' | 'dropped' | 'pending'
export type Fates = Record<Fate, number>

export const noCounts = (): Counts => ({
  ready: 0,
  completed: 0,
  failed: 0,
  unstable: 0,
  deleted: 0,
  timedOut: 0,
})
export const noFates = (): Fates => ({ exported: 0, sampledOut: 0, dropped: 0, pending: 0 })

/** What finished before the status that a restart left behind, and what after. */
export type Era = 'before' | 'since'

export interface Totals {
  readonly counts: Counts
  readonly fates: Fates
}

/** A pod in flight, for all sessions together. */
export interface Tracked {
  start: InFlight
  /** When it was last in the list of those in flight. */
  seen: UnixNano
  /** The version of the matcher for which `sessions` holds. */
  version: number
  sessions: readonly Session[]
}

export type CloseReason =
  | 'RolloutComplete'
  | 'RolloutFailed'
  | 'DurationReached'
  | 'PodCountReached'
  | 'Timeout'

export interface Closing {
  readonly at: UnixNano
  readonly reason: CloseReason
}

export type Verdict = 'Passed' | 'Failed' | 'Inconclusive' | 'Error'

export interface Completion {
  readonly at: UnixNano
  readonly verdict: Verdict
  readonly reason: string
  readonly message: string
}

/** Earlier starts: still to come (asked for or not), or done with. */
export type Backfill =
  | { readonly state: 'open'; readonly asked: boolean; readonly since: UnixNano }
  | { readonly state: 'done'; readonly missing: string | undefined }

export interface Session {
  key: SessionKey
  readonly namespace: string
  /** With the trace that it is a part of, such as that of a CI job. */
  carried: Carried
  choice: Choice
  plan: Plan
  generation: number
  /** metadata.creationTimestamp. */
  readonly created: UnixNano
  readonly accepted: UnixNano
  readonly totals: Readonly<Record<Era, Totals>>
  aggregate: Aggregate
  readonly starting: Set<Tracked>
  /** Pods that timed out for this session before their trace was final, with the era they were counted in. */
  readonly timedOut: Map<string, Era>
  /** No pod of `starting` times out before then. */
  nextTimeout: UnixNano | undefined
  backfill: Backfill
  /** UIDs that were taken while earlier starts are offered, and those that were offered: each start comes once by either way. */
  readonly seen: Set<string>
  /** When nothing that was offered can still come out of the pipeline. */
  seenUntil: UnixNano | undefined
  /** Pods in flight that vanished without a trace. */
  lost: number
  limit: Budget
  rollout: RolloutState | undefined
  /** The status that was there before this process. */
  readonly restored: TraceSessionStatus | undefined
  readonly restoredAt: UnixNano | undefined
  /** The latest status that another replica wrote, or after a restart this one: nothing falls below it. */
  floor: TraceSessionStatus | undefined
  closing: Closing | undefined
  completion: Completion | undefined
  /** A session that was complete before this process is shown as it was. */
  readonly frozen: boolean
  /** Out of the matcher for good. */
  retired: boolean
  conditions: readonly Condition[]
  readonly said: Set<string>
  events: SessionEvent[]
  /** Something changed since the last status was made. */
  dirty: boolean
  written: { readonly text: string; readonly at: UnixNano } | undefined
}

export const finishedOf = (counts: Counts): number =>
  counts.ready + counts.completed + counts.failed + counts.unstable + counts.deleted + counts.timedOut

/** Complete before this process, with traces of which nobody knows whether they were sent. */
export const isOwed = ({ frozen, restored, backfill }: Session): boolean =>
  frozen && backfill.state === 'open' && (restored?.traces?.pending ?? 0) > 0

/** Takes pods now: accepted, not suspended, not over. */
export const isActive = ({ plan, completion }: Session): boolean =>
  plan.refused === undefined && !plan.suspend && completion === undefined

/** Whether a pod of this age belongs to it, whatever its labels. */
export function takesPodsOf({ created, plan, closing }: Session, podCreated: UnixNano): boolean {
  return podCreated >= created - plan.backfill && (closing === undefined || podCreated < closing.at)
}
