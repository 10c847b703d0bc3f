// Owns the pods in flight, and which sessions they belong to so far.
// Promises that a pod is matched again only when its labels, its owners or the sessions have changed, and that one which vanished
// without a trace is forgotten after two minutes. What it is matched with is provisional: the final trace decides.

import { seconds, since, type UnixNano } from '../base/time.ts'
import type { InFlight } from '../trace/in-flight.ts'
import type { Matcher } from './match.ts'
import { isActive, type Session, takesPodsOf, type Tracked } from './state.ts'
import { forget, timeoutOf } from './take.ts'

/** Longer than evidence settles by far. */
const VANISHED_AFTER = seconds(120)
const NONE: readonly Session[] = []

export interface Flight {
  /** All that are in flight now. */
  update(starts: readonly InFlight[], now: UnixNano): void
  /** The start of this pod is over. */
  end(uid: string): Tracked | undefined
  /** The session has counted this pod already. */
  leave(uid: string, session: Session): void
  /** A session is gone or complete. */
  drop(session: Session): void
  readonly size: number
}

export function createFlight(matcher: Matcher<Session>): Flight {
  const pods = new Map<string, Tracked>()
  return {
    update: (starts, now) => {
      for (const start of starts) {
        const tracked = pods.get(start.uid) ?? { start, seen: now, version: -1, sessions: NONE }
        pods.set(start.uid, tracked)
        track(tracked, start, matcher, now)
      }
      if (pods.size === starts.length) return
      for (const [uid, tracked] of pods) {
        if (since(now, tracked.seen) < VANISHED_AFTER) continue
        pods.delete(uid)
        for (const session of tracked.sessions) {
          session.starting.delete(tracked)
          forget(session, tracked)
        }
      }
    },
    end: (uid) => {
      const tracked = pods.get(uid)
      if (!tracked) return undefined
      pods.delete(uid)
      for (const session of tracked.sessions) {
        session.starting.delete(tracked)
        session.dirty = true
      }
      return tracked
    },
    leave: (uid, session) => {
      const tracked = pods.get(uid)
      if (!tracked?.sessions.includes(session)) return
      session.starting.delete(tracked)
      tracked.sessions = tracked.sessions.filter((one) => one !== session)
    },
    drop: (session) => {
      for (const tracked of session.starting)
        tracked.sessions = tracked.sessions.filter((one) => one !== session)
      session.starting.clear()
    },
    get size() {
      return pods.size
    },
  }
}

function track(tracked: Tracked, start: InFlight, matcher: Matcher<Session>, now: UnixNano): void {
  const { start: before } = tracked
  tracked.start = start
  tracked.seen = now
  const isSame =
    before.labels === start.labels && sameOwners(before, start) && tracked.version === matcher.version
  if (isSame) return
  tracked.version = matcher.version
  const sessions = matcher
    .matching(start)
    .filter(
      (session) =>
        session.timedOut.has(start.uid) ||
        (isActive(session) && takesPodsOf(session, start.created) && !session.seen.has(start.uid)),
    )
  for (const session of tracked.sessions) {
    if (sessions.includes(session)) continue
    session.starting.delete(tracked)
    session.dirty = true
  }
  for (const session of sessions) join(session, tracked)
  tracked.sessions = sessions
}

function join(session: Session, tracked: Tracked): void {
  if (session.starting.has(tracked)) return
  session.starting.add(tracked)
  session.dirty = true
  const at = timeoutOf(session, tracked)
  if (session.nextTimeout === undefined || at < session.nextTimeout) session.nextTimeout = at
}

/** Owners come in a new list each time, with the same references in it. */
function sameOwners({ owners: a }: InFlight, { owners: b }: InFlight): boolean {
  return (
    a.length === b.length && a.every((one, index) => one.uid === b[index]?.uid && one.name === b[index]?.name)
  )
}
