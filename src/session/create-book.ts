// Owns the book of all sessions: what comes from the cluster and from the pipeline goes to the sessions that it concerns.
// Promises what book.ts says. A start costs the sessions that may match it, a second in which nothing changed next to nothing.
// Pure: it is told the time, and writes nothing.

import { carriedBy } from '../base/trace-context.ts'
import type { DurationNano, UnixNano } from '../base/time.ts'
import { add } from '../base/time.ts'
import type { InFlight } from '../trace/in-flight.ts'
import { spanCountOf, type SpanLink, type Trace } from '../trace/trace.ts'
import type {
  BackfillRequest,
  BookOptions,
  ExportDecision,
  RolloutOffer,
  SessionBook,
  SessionKey,
  SessionLook,
  StatusUpdate,
} from './book.ts'
import { createBudget } from './budget.ts'
import { advance, closeBackfill } from './completion.ts'
import { adopt, createSession, keyOf } from './create-session.ts'
import { createExports, type Exports } from './exports.ts'
import { factsOf } from '../rollout/start-facts.ts'
import { createFlight, type Flight } from './flight.ts'
import { createMatcher, type Matcher } from './match.ts'
import { planSession } from './plan.ts'
import { publish } from './publish.ts'
import type { TargetRef, TraceSession } from './schema.ts'
import { isActive, isOwed, type Session, takesPodsOf } from './state.ts'
import { phaseOf } from './status.ts'
import { belongs, countStart, forget, type Taken, tellStart, timeOut } from './take.ts'

interface State {
  options: BookOptions
  readonly sessions: Map<string, Session>
  /** As they were applied last, to be planned again when the configuration changes. */
  readonly objects: Map<string, TraceSession>
  readonly matcher: Matcher<Session>
  readonly flight: Flight
  readonly exports: Exports
  /** Annotations that were to hold a trace context, and did not. */
  malformed: number
}

export function createSessionBook(options: BookOptions, now: UnixNano): SessionBook {
  const matcher = createMatcher<Session>()
  const state: State = {
    options,
    sessions: new Map(),
    objects: new Map(),
    matcher,
    flight: createFlight(matcher),
    exports: createExports(),
    malformed: 0,
  }
  state.exports.configure(options.exporters, now)
  return {
    apply: (object, at) => apply(state, object, at),
    remove: (uid) => remove(state, uid),
    targets: () => [...state.sessions.values()].flatMap(targetOf),
    rollout: (uid, rollout, at) => setRollout(state, uid, rollout, at),
    namespaces: (labels) => matcher.namespaces(labels),
    startsInFlight: (starts, at) => noteFlight(state, starts, at),
    take: (trace, at) => take(state, trace, at),
    takeRollout: (rollout, at) => takeRollout(state, rollout, at),
    backfills: () => [...state.sessions.values()].flatMap(askBackfill),
    offer: (uid, trace, at, had = []) => offer(state, uid, { trace, now: at, had }),
    backfilled: (uid, missing, at) => endBackfill(state, uid, missing, at),
    delivered: (traceId, exporter, result) => state.exports.delivered(traceId, exporter, result),
    configure: (changed, at) => configure(state, changed, at),
    due: (at) => due(state, at),
    unwritten: (update) => unwritten(state, update),
    expired: (at) => [...state.sessions.values()].flatMap((session) => expiredKey(session, at)),
    looks: () => [...state.sessions.values()].flatMap((session) => lookAt(state, session)),
    counters: () => countersOf(state),
  }
}

function apply(state: State, object: TraceSession, now: UnixNano): void {
  const { uid, generation, deletionTimestamp } = object.metadata
  if (deletionTimestamp !== undefined) return remove(state, uid)
  const known = state.sessions.get(uid)
  if (known && generation < known.generation) return
  state.objects.set(uid, object)
  if (!known) return addSession(state, object, now)
  known.key = keyOf(object)
  carry(state, known, object)
  adopt(known, object.status)
  if (generation !== known.generation) change(state, known, object, now)
}

function addSession(state: State, object: TraceSession, now: UnixNano): void {
  const session = createSession(object, planSession(object, state.options), now)
  state.malformed += session.carried.malformed
  state.sessions.set(object.metadata.uid, session)
  if (!session.plan.refused && !session.retired) state.matcher.add(session)
}

/** Annotations change without a new generation. */
function carry(state: State, session: Session, { metadata }: TraceSession): void {
  const carried = carriedBy(metadata.annotations)
  const isAsBefore = carried.malformed === session.carried.malformed
  session.carried = carried
  if (isAsBefore) return
  state.malformed += carried.malformed
  session.dirty ||= !session.frozen
}

/** A spec that changed counts from now on; what was counted stays. */
function change(state: State, session: Session, object: TraceSession, now: UnixNano): void {
  const plan = planSession(object, state.options)
  const { refused, tracesPerMinute, window } = session.plan
  state.matcher.remove(session)
  session.generation = object.metadata.generation
  session.dirty = true
  if (tracesPerMinute !== plan.tracesPerMinute) session.limit = createBudget(plan.tracesPerMinute, now)
  // Another window divides time in another way: what lies in the old one is kept where it is the same length.
  if (window !== plan.window) session.aggregate = { window: plan.window, stretches: new Map() }
  session.plan = plan
  session.choice = plan.pods
  session.nextTimeout = session.starting.size > 0 ? now : undefined
  if (refused && !plan.refused) session.backfill = { state: 'open', asked: false, since: now }
  if (!plan.refused && !session.retired) state.matcher.add(session)
}

function remove(state: State, uid: string): void {
  const session = state.sessions.get(uid)
  if (!session) return
  state.sessions.delete(uid)
  state.objects.delete(uid)
  retire(state, session)
}

function retire(state: State, session: Session): void {
  state.matcher.remove(session)
  state.flight.drop(session)
}

function setRollout(state: State, uid: string, rollout: Session['rollout'], now: UnixNano): void {
  const session = state.sessions.get(uid)
  if (!session) return
  const before = session.rollout
  session.rollout = rollout
  if (before?.progress === rollout?.progress && before?.complete === rollout?.complete) return
  session.dirty = true
  step(state, session, now)
}

function targetOf({ key, plan, closing, completion }: Session): { session: SessionKey; target: TargetRef }[] {
  const { target } = plan.pods
  if (!target || plan.when !== 'RolloutComplete' || plan.refused || closing || completion) return []
  return [{ session: key, target }]
}

function noteFlight(state: State, starts: readonly InFlight[], now: UnixNano): void {
  state.flight.update(starts, now)
  for (const session of state.sessions.values()) timeOut(session, now)
}

function take(state: State, trace: Trace, now: UnixNano): ExportDecision {
  if (trace.outcome === 'starting') return NOTHING
  const tracked = state.flight.end(trace.uid)
  const sessions = state.matcher.matching(trace)
  const decision = settle(state, { trace, now, had: [] }, sessions)
  // Timed out for a session that its labels have left since: its trace goes nowhere for that session.
  for (const session of tracked?.sessions ?? [])
    if (session.timedOut.has(trace.uid)) forget(session, { start: trace })
  return decision
}

interface Told {
  readonly trace: Trace
  readonly now: UnixNano
  readonly had: readonly string[]
}

function offer(state: State, uid: string, told: Told): ExportDecision {
  const { trace } = told
  const sessions = state.matcher.matching(trace).filter(({ key }) => key.uid === uid)
  const decision = settle(state, told, sessions)
  for (const session of sessions) if (session.seen.has(trace.uid)) state.flight.leave(trace.uid, session)
  return decision
}

const exportersOf = (decisions: ExportDecision['decisions']): string[] =>
  [...decisions].flatMap(([name, decision]) => (decision === 'export' ? [name] : []))

const NOTHING: ExportDecision = { exporters: [], sessions: [], links: [], decisions: new Map() }

function settle(
  { exports, options }: State,
  { trace, now, had }: Told,
  sessions: readonly Session[],
): ExportDecision {
  const own = sessions.filter((session) => belongs(session, trace))
  if (own.length === 0) return NOTHING
  const facts = factsOf(trace)
  const taken: Taken[] = []
  for (const session of own) {
    const one = countStart(session, trace, facts, now, options.settle)
    if (one) taken.push(one)
  }
  const start = { startupMs: facts.startupMs, spans: spanCountOf(trace), had }
  const decisions = exports.decide(trace.traceId, start, taken, now)
  for (const one of taken) {
    const decision = decisions.get(one.session.plan.exporter)
    const isKept = decision === 'export' || decision === 'sent before'
    tellStart(one, trace, facts, now, isKept ? 'kept' : 'not kept')
  }
  return {
    exporters: exportersOf(decisions),
    sessions: taken.map(({ session }) => session.key),
    links: linksTo(taken.map(({ session }) => session)),
    decisions,
  }
}

function takeRollout(
  { exports, matcher }: State,
  { trace, exporters }: RolloutOffer,
  now: UnixNano,
): ExportDecision {
  // A rollout is no pod that somebody names.
  const sessions = matcher.matching({ ...trace, name: '' }).filter(isActive)
  const decisions = exports.decideRollout(trace, exporters, sessions, now)
  return { exporters: exportersOf(decisions), sessions: [], links: linksTo(sessions), decisions }
}

const linksTo = (sessions: readonly Session[]): SpanLink[] =>
  sessions.flatMap(({ carried: { context }, key }) =>
    context
      ? [
          {
            ...context,
            attributes: { 'podspan.link': 'session', 'podspan.session': `${key.namespace}/${key.name}` },
          },
        ]
      : [],
  )

function askBackfill(session: Session): BackfillRequest[] {
  const { backfill, key, namespace, plan } = session
  if (backfill.state !== 'open' || backfill.asked) return []
  session.backfill = { ...backfill, asked: true }
  return [
    {
      session: key,
      namespace: plan.pods.namespaces ? undefined : namespace,
      since: sinceOf(session, backfill.since),
      knownSince: session.restored && session.created,
    },
  ]
}

/** A standing session has no use for what its window has passed by. */
function sinceOf({ created, plan }: Session, now: UnixNano): UnixNano {
  const since = created - plan.backfill
  const window = plan.window === undefined ? since : now - plan.window
  return (since > window ? since : window) as UnixNano
}

function endBackfill(state: State, uid: string, missing: string | undefined, now: UnixNano): void {
  const session = state.sessions.get(uid)
  if (session?.backfill.state === 'open') closeBackfill(session, missing, now)
}

function configure(state: State, options: BookOptions, now: UnixNano): void {
  state.options = options
  state.exports.configure(options.exporters, now)
  for (const session of state.sessions.values()) {
    const object = state.objects.get(session.key.uid)
    if (object) change(state, session, object, now)
  }
}

/** Lets time go on for one session. */
function step(state: State, session: Session, now: UnixNano): void {
  const { closing } = session
  advance(session, now, state.options.settle)
  if (closing !== session.closing) state.matcher.touch()
  // Pods that timed out for it still have traces to come, which it must hear of.
  if (session.retired || !session.completion || session.timedOut.size > 0 || isOwed(session)) return
  session.retired = true
  retire(state, session)
}

/** So many statuses at a time: making one takes 0.1 ms, and frames should not wait for a thousand of them. */
const UPDATES_MAX = 250

function due(state: State, now: UnixNano): StatusUpdate[] {
  const { settle: pause, traceURLTemplate } = state.options
  const options = { settle: pause, traceURLTemplate, exporters: state.exports.names() }
  const updates: StatusUpdate[] = []
  for (const [uid, session] of [...state.sessions]) {
    timeOut(session, now)
    step(state, session, now)
    if (updates.length >= UPDATES_MAX) continue
    const update = publish(session, now, options)
    if (!update) continue
    updates.push(update)
    // To the end of the queue, so that every session has its turn.
    state.sessions.delete(uid)
    state.sessions.set(uid, session)
  }
  return updates
}

function unwritten(state: State, { session: { uid }, events }: StatusUpdate): void {
  const session = state.sessions.get(uid)
  if (!session) return
  session.events = [...events, ...session.events]
  session.dirty = true
  if (session.written) session.written = { text: '', at: session.written.at }
}

function expiredKey({ completion, plan, key }: Session, now: UnixNano): SessionKey[] {
  return completion && plan.ttl !== undefined && now >= add(completion.at, plan.ttl as DurationNano)
    ? [key]
    : []
}

function lookAt({ matcher, objects }: State, session: Session): SessionLook[] {
  const object = objects.get(session.key.uid)
  const takes = (trace: Trace): boolean =>
    takesPodsOf(session, trace.created) && matcher.chooses(session, trace)
  return object ? [{ session: object, takes }] : []
}

function countersOf({ sessions, flight, exports, malformed }: State): Record<string, number> {
  const counts: Record<string, number> = {
    sessions: sessions.size,
    'pods in flight': flight.size,
    'deliveries awaited': exports.waiting,
    'limit.sent traces remembered': exports.forgotten,
    'limit.images and revisions': 0,
    'pods vanished': 0,
    'garbage.trace context': malformed,
  }
  const raise = (name: string, by: number): void => {
    counts[name] = (counts[name] ?? 0) + by
  }
  for (const session of sessions.values()) {
    const { aggregate, lost, starting } = session
    raise(`phase.${phaseOf(session)}`, 1)
    raise('pods of sessions', starting.size)
    raise('pods vanished', lost)
    for (const { leftOut } of aggregate.stretches.values()) raise('limit.images and revisions', leftOut)
  }
  return counts
}
