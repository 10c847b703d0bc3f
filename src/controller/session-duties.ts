// Owns what a leader does for sessions: write what is due, read the targets that somebody waits for, delete what has expired.
// Promises no write but what the book says is due, one write of a session at a time, and one reading of a target per interval.
// Does not decide any of it: the book does.

import type { Clock } from '../base/clock.ts'
import type { UnixNano } from '../base/time.ts'
import type { TargetReader } from '../kube/rollout.ts'
import type { SessionWrites, WriteResult } from '../kube/session-writes.ts'
import type { SessionBook, SessionKey, StatusUpdate } from '../session/book.ts'
import { readRollout } from '../rollout/state.ts'
import type { TargetRef } from '../session/schema.ts'
import type { Log } from './log.ts'

export interface SessionDuties {
  /** About once a second while we lead. `read`: what came by then is known to the book. */
  perform(read: UnixNano): void
  /** The term is over: another replica writes, and what was read of targets may be old when the next one begins. */
  pause(): void
  /** What is under way has come to its end. */
  settled(): Promise<void>
}

export interface SessionDutiesOptions {
  readonly book: SessionBook
  readonly writes: SessionWrites
  readonly targets: TargetReader
  readonly clock: Clock
  readonly log: Log
}

/** How often a target is read, and how long a deletion that failed rests: the interval of status writes. */
export const INTERVAL_MS = 10_000
/** Targets read at once; a thousand sessions then take some seconds of every ten. */
const READS_AT_ONCE = 8

export function createSessionDuties(options: SessionDutiesOptions): SessionDuties {
  const { book, clock } = options
  const under = new Set<Promise<void>>()
  const writing = new Set<string>()
  const readAt = new Map<string, number>()
  const deletedAt = new Map<string, number>()
  const begin = (uid: string, work: () => Promise<void>): void => {
    writing.add(uid)
    const done = work().finally(() => {
      writing.delete(uid)
      under.delete(done)
    })
    under.add(done)
  }
  let reading = 0
  const readTargets = (nowMs: number): void => {
    const wanted = book.targets()
    keepOnly(readAt, new Set(wanted.map(({ session }) => session.uid)))
    for (const { session, target } of wanted) {
      if (reading >= READS_AT_ONCE) return
      if (nowMs - (readAt.get(session.uid) ?? Number.NEGATIVE_INFINITY) < INTERVAL_MS) continue
      readAt.set(session.uid, nowMs)
      reading += 1
      const done = readTarget(options, session, target).finally(() => {
        reading -= 1
        under.delete(done)
      })
      under.add(done)
    }
  }
  return {
    perform: (read) => {
      const nowMs = clock.monotonicMs()
      readTargets(nowMs)
      for (const update of book.due(read)) {
        // The one before is still on its way; it is due again then.
        if (writing.has(update.session.uid)) book.unwritten(update)
        else begin(update.session.uid, () => writeStatus(options, update))
      }
      const expired = book.expired(clock.now())
      keepOnly(deletedAt, new Set(expired.map(({ uid }) => uid)))
      for (const session of expired) {
        if (writing.has(session.uid) || nowMs - (deletedAt.get(session.uid) ?? -INTERVAL_MS) < INTERVAL_MS)
          continue
        deletedAt.set(session.uid, nowMs)
        begin(session.uid, () => remove(options, session))
      }
    },
    pause: () => {
      options.writes.giveUp()
      readAt.clear()
    },
    settled: async () => {
      await Promise.all([...under])
    },
  }
}

function keepOnly(times: Map<string, number>, uids: ReadonlySet<string>): void {
  for (const uid of times.keys()) if (!uids.has(uid)) times.delete(uid)
}

/** The status first: an event about what nobody can read there yet would only confuse. */
async function writeStatus({ book, log, writes }: SessionDutiesOptions, update: StatusUpdate): Promise<void> {
  const { session, status, events } = update
  const result = await writes.status(session, status)
  if (result.kind === 'gone') return
  if (result.kind !== 'written') {
    book.unwritten(update)
    return sayRefused(log, "a session's status cannot be written", session, result)
  }
  for (const event of events) {
    const recorded = await writes.event(session, event)
    if (recorded.kind !== 'written')
      sayRefused(log, 'an Event on a session cannot be recorded', session, recorded)
  }
}

async function remove({ log, writes }: SessionDutiesOptions, session: SessionKey): Promise<void> {
  const result = await writes.remove(session)
  if (result.kind === 'written')
    log.info('session deleted after its ttlSecondsAfterFinished', keyFields(session))
  else sayRefused(log, 'an expired session cannot be deleted', session, result)
}

async function readTarget(
  { book, clock, log, targets }: SessionDutiesOptions,
  session: SessionKey,
  target: TargetRef,
): Promise<void> {
  const read = await targets.read(session.namespace, target)
  if (read.ok) {
    const state = read.value === undefined ? undefined : readRollout(read.value)
    return book.rollout(session.uid, state, clock.now())
  }
  const { kind, message } = read.failure
  if (kind === 'aborted') return
  log.warn("a session's target cannot be read", { ...keyFields(session), kind: target.kind, reason: message })
  // What passes is read again; what is not allowed is told to whoever waits.
  if (kind === 'forbidden' || kind === 'invalid')
    book.rollout(
      session.uid,
      { complete: false, progress: `the target cannot be read: ${message}` },
      clock.now(),
    )
}

const keyFields = ({ namespace, name, uid }: SessionKey): Record<string, string> => ({ namespace, name, uid })

function sayRefused(log: Log, message: string, session: SessionKey, result: WriteResult): void {
  if (result.kind !== 'failed' && result.kind !== 'forbidden') return
  if (result.failure.kind === 'aborted') return
  log.warn(message, { ...keyFields(session), reason: result.failure.message })
}
