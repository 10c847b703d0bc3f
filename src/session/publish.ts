// Owns when a session's status is due, and the events that go with it.
// Promises at most one status per session in 10 s, none that says the same as the last, and each event once in a session's life.
// Does not write: whoever asks does.

import { add, type DurationNano, formatRfc3339, seconds, type UnixNano } from '../base/time.ts'
import type { SessionEvent, StatusUpdate } from './book.ts'
import { publishedTotals } from './restore.ts'
import type { Condition, TraceSessionStatus } from './schema.ts'
import type { Session } from './state.ts'
import { type Links, statusOf } from './status.ts'
import { standings } from './verdict.ts'

const APART = seconds(10)

export interface PublishOptions extends Links {
  readonly settle: DurationNano
  readonly exporters: readonly string[]
}

export function publish(session: Session, now: UnixNano, options: PublishOptions): StatusUpdate | undefined {
  if (session.written && now < add(session.written.at, APART)) return undefined
  // What waits is seen to wait longer; everything else says itself when it changes.
  if (!session.dirty && session.starting.size === 0) return undefined
  // After a restart the old status stands until what it counted has been read again.
  if (session.restored && session.backfill.state !== 'done' && !session.completion && !session.plan.refused)
    return undefined
  session.dirty = false
  const status =
    session.frozen && session.restored
      ? thawed(session, session.restored, now)
      : freshStatus(session, now, options)
  const text = comparable(status)
  if (text === session.written?.text && session.events.length === 0) return undefined
  session.written = { text, at: now }
  // What was retold after a restart is matched with the old totals by number alone, so it could take back what it has said.
  if (session.restored !== undefined) session.floor = status
  session.conditions = status.conditions ?? []
  if (!session.frozen) noteEvents(session, status)
  const events = session.events
  session.events = []
  return { session: session.key, generation: session.generation, status, events }
}

function freshStatus(
  session: Session,
  now: UnixNano,
  { settle, exporters, ...links }: PublishOptions,
): TraceSessionStatus {
  const goals = standings(session, now, settle)
  return statusOf({ session, goals, exporters, now }, links)
}

/** A session that was complete before this process: as it was, for the generation that it has now. */
function thawed(session: Session, status: TraceSessionStatus, now: UnixNano): TraceSessionStatus {
  const { generation } = session
  return {
    ...status,
    asOf: formatRfc3339(now, 3),
    traces: publishedTotals(session).fates,
    observedGeneration: generation,
    conditions: (status.conditions ?? []).map((one) => ({ ...one, observedGeneration: generation })),
  }
}

/** Without the moment at which it was computed, which alone is no news. */
export const comparable = (status: TraceSessionStatus): string =>
  JSON.stringify({ ...status, asOf: undefined })

const conditionOf = (status: TraceSessionStatus | undefined, type: string): Condition | undefined =>
  status?.conditions?.find((one) => one.type === type)

/** Which events a status says have been recorded already. */
export const saidBy = (status: TraceSessionStatus | undefined): string[] =>
  eventsOf(status).map(({ reason }) => reason)

function noteEvents({ said, events }: Session, status: TraceSessionStatus): void {
  for (const event of eventsOf(status)) {
    if (said.has(event.reason)) continue
    said.add(event.reason)
    events.push(event)
  }
}

function eventsOf(status: TraceSessionStatus | undefined): SessionEvent[] {
  const events: SessionEvent[] = []
  const accepted = conditionOf(status, 'Accepted')
  const met = conditionOf(status, 'ObjectiveMet')
  const complete = conditionOf(status, 'Complete')
  if (accepted?.status === 'True')
    events.push({ type: 'Normal', reason: 'Accepted', message: accepted.message })
  if (accepted?.status === 'False')
    events.push({ type: 'Warning', reason: 'NotAccepted', message: accepted.message })
  if (met?.status === 'False')
    events.push({ type: 'Warning', reason: 'ObjectiveMissed', message: met.message })
  if (complete?.status === 'True' && accepted?.status === 'True')
    events.push({
      type: status?.phase === 'Passed' ? 'Normal' : 'Warning',
      reason: 'Completed',
      message: `${status?.phase ?? ''}: ${complete.message}`,
    })
  return events
}
