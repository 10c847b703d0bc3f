// Owns the rollouts of a whole cluster as they happen: those that are under way, and the telling of each that is over, once.
// Promises memory by what is under way and what changed lately, with limits that are counted: of a workload at rest little more than its
// last version stays (rest.ts). Does no IO, and does not tell what was over before anybody watched, unless the caller says that it was missed.

import type { Frame, ObjectFrame } from '../base/frame.ts'
import type { PodRecord } from '../base/record.ts'
import { add, type DurationNano, earliest, fromSeconds, seconds, type UnixNano } from '../base/time.ts'
import type { Trace } from '../trace/trace.ts'
import { type Book, emptyBook } from './book.ts'
import { foldFrame, foldTrace } from './fold.ts'
import type { History, Told } from './history.ts'
import type { TraceOf } from './members.ts'
import type { Models } from './models.ts'
import { lookAt, untoldOf } from './pending.ts'
import { closeJob, forgetWorkload, sweep } from './rest.ts'
import type { Rollout } from './rollout.ts'
import { podsOf, type Run } from './runs.ts'
import { createBoundedStarts } from './starts.ts'
import { tellRollouts } from './tell.ts'
import type { WorkloadKind } from './workload.ts'

export interface FollowOptions {
  /** Clocks and lag as somebody else keeps them, from the same frames; default own ones. */
  readonly models?: Models
  /** How long evidence may settle after the end of a rollout. */
  readonly settle: DurationNano
  /** A start that is under way, as it stands. */
  readonly traceOf: TraceOf
  /** Whether the start of this pod is still to be told. */
  readonly holds: (uid: string) => boolean
  /** For finished starts of rollouts that are under way. */
  readonly startsMaxBytes: number
  /** Whether one that was over when it was first seen is to be told all the same. Default of none. */
  readonly wasMissed?: (ended: EndedRollout) => boolean
}

export interface EndedRollout {
  readonly traceId: string
  /** As its controller says, to the second. */
  readonly endedAt: UnixNano
}

/** A rollout that is over; told once. */
export interface ToldRollout {
  readonly rollout: Rollout
  /** Who got the start of any of its pods. */
  readonly exporters: readonly string[]
}

export interface FollowedRollouts {
  push(frame: Frame): void
  /** A finished start, and who gets it. */
  take(trace: Trace, exporters: readonly string[]): void
  /** All lists have arrived: what they show at rest was over before. */
  listed(now: UnixNano): void
  /** Time passes: those that are over by now and whose evidence has settled. */
  pass(now: UnixNano): ToldRollout[]
  /** As they stand, the earliest first. */
  underWay(): Rollout[]
  counters(): FollowCounters
}

export interface FollowCounters {
  readonly workloads: number
  readonly underWay: number
  /** By kind: how many, and since when the one that was seen first. */
  readonly byKind: ReadonlyMap<WorkloadKind, KindUnderWay>
  readonly pods: number
  /** By what was left out. */
  readonly limits: Readonly<Record<string, number>>
}

export interface KindUnderWay {
  readonly count: number
  readonly since: UnixNano
}

/** A start that hangs does not keep its rollout from being told for longer; replicas tell the same one within a minute of each other. */
const TELL_WITHIN = seconds(30)
/** Of a pod that a list shows ready, no rollout that goes on is likely to know. */
const LISTED_POD_AGE = seconds(600)
/** Two: the one that may be under way, and the one before it. */
const LISTED_REVISIONS = 2

interface Open {
  readonly kind: WorkloadKind
  readonly since: UnixNano
  overSince: UnixNano | undefined
}

interface State {
  readonly book: Book
  readonly options: FollowOptions
  /** By workload with a rollout under way, or over and untold. */
  readonly open: Map<string, Open>
  /** Of which something changed since they came to rest. */
  readonly restless: Set<string>
  /** By pod: who got its start. */
  readonly exporters: Map<string, readonly string[]>
  /** Undefined until the lists have arrived. */
  listedAt: UnixNano | undefined
  sweptAt: UnixNano
}

export function followRollouts(options: FollowOptions): FollowedRollouts {
  const starts = createBoundedStarts(options.startsMaxBytes)
  const book = emptyBook({
    traces: starts,
    wantsPod: (frame, pod) => wantsPod(frame, pod),
    listedRevisions: LISTED_REVISIONS,
    ...(options.models ? { models: options.models } : {}),
  })
  const state: State = {
    book,
    options,
    open: new Map(),
    restless: new Set(),
    exporters: new Map(),
    listedAt: undefined,
    sweptAt: 0n as UnixNano,
  }
  return {
    push: (frame) => foldFrame(book, frame),
    take: (trace, exporters) => take(state, trace, exporters),
    listed: (now) => {
      state.listedAt ??= now
      for (const uid of book.histories.keys()) book.touched.add(uid)
    },
    pass: (now) => pass(state, now),
    underWay: () => underWay(state),
    counters: () => ({
      workloads: book.histories.size,
      underWay: state.open.size,
      byKind: countByKind(state.open),
      pods: book.pods.size,
      limits: limitsOf(book.counters, starts.left()),
    }),
  }
}

function countByKind(open: State['open']): Map<WorkloadKind, KindUnderWay> {
  const found = new Map<WorkloadKind, KindUnderWay>()
  for (const { kind, since, overSince } of open.values()) {
    if (overSince !== undefined) continue
    const before = found.get(kind)
    found.set(kind, {
      count: (before?.count ?? 0) + 1,
      since: before ? earliest(before.since, since) : since,
    })
  }
  return found
}

function limitsOf(counters: Readonly<Record<string, number>>, startsLeft: number): Record<string, number> {
  const limits: Record<string, number> = { starts: startsLeft }
  for (const [name, count] of Object.entries(counters)) limits[name.slice(name.indexOf('.') + 1)] = count
  return limits
}

/** New ones, those that go, and of what a list shows those that have not been ready for long. */
function wantsPod(frame: ObjectFrame, pod: PodRecord): boolean {
  if (frame.kind === 'deleted' || pod.deletionSeconds !== undefined) return true
  if (frame.phase === 'live') return frame.kind === 'added'
  const ready = pod.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True')
  return !ready || add(fromSeconds(pod.createdSeconds ?? 0), LISTED_POD_AGE) > frame.t
}

function take({ book, exporters }: State, trace: Trace, sentTo: readonly string[]): void {
  if (!book.pods.has(trace.uid)) return
  foldTrace(book, trace)
  if (sentTo.length > 0) exporters.set(trace.uid, sentTo)
}

const SWEEP = seconds(10)

function pass(state: State, now: UnixNano): ToldRollout[] {
  const { book, listedAt } = state
  if (now > book.now) book.now = now
  if (listedAt === undefined) return []
  reconsiderSome(state, listedAt)
  const told: ToldRollout[] = []
  for (const [uid, { overSince }] of state.open)
    if (overSince !== undefined && isDue(state, uid, overSince)) told.push(...tell(state, uid))
  if (now >= add(state.sweptAt, SWEEP)) {
    state.sweptAt = now
    sweep(book, state.open, state.restless)
    for (const uid of state.exporters.keys()) if (!book.pods.has(uid)) state.exporters.delete(uid)
  }
  return told
}

/** After the first lists all workloads are looked at once: so many at a time that frames need not wait for it. */
const LOOKS_MAX = 500

function reconsiderSome(state: State, listedAt: UnixNano): void {
  const { touched } = state.book
  let left = LOOKS_MAX
  for (const uid of touched) {
    if (left-- === 0) return
    touched.delete(uid)
    state.restless.add(uid)
    reconsider(state, uid, listedAt)
  }
}

/** Something of the workload changed: whether a rollout of it is under way, or over. */
function reconsider({ book, open, options }: State, uid: string, listedAt: UnixNano): void {
  const history = book.histories.get(uid)
  if (!history) return
  lookAt(book, history, { listedAt, wasMissed: options.wasMissed })
  const untold = untoldOf(book, history)
  if (untold.length === 0) {
    open.delete(uid)
    settleDown(book, history)
    return
  }
  const known = open.get(uid) ?? { kind: history.kind, since: book.now, overSince: undefined }
  // Once over it stays so: what becomes of its pods afterwards is no part of it.
  if (isOver(history, untold)) known.overSince ??= book.now
  open.set(uid, known)
}

/** Of what is gone, or will never do anything again, nothing is kept. */
function settleDown(book: Book, history: History): void {
  if (history.changes.at(-1)?.kind === 'deleted') forgetWorkload(book, history.uid)
  else if (history.kind === 'Job' && history.told) closeJob(book, history.uid)
}

function isOver({ version, changes }: History, untold: readonly Run[]): boolean {
  if (untold.length > 1 || changes.at(-1)?.kind === 'deleted') return true
  return version?.complete === true || version?.failed !== undefined
}

/** Once its evidence has settled, and with it the starts of its pods. */
function isDue({ book, options }: State, uid: string, overSince: UnixNano): boolean {
  if (book.now < add(overSince, options.settle)) return false
  const history = book.histories.get(uid)
  if (!history || book.now >= add(overSince, TELL_WITHIN)) return true
  // Pods that came later are of another one.
  for (const { uid: pod, since } of podsOf(book, history))
    if (since <= overSince && options.holds(pod)) return false
  return true
}

function tell(state: State, uid: string): ToldRollout[] {
  const { book, open, options } = state
  const history = book.histories.get(uid)
  if (!history) {
    open.delete(uid)
    return []
  }
  const ended = tellUntold(state, history).filter(({ outcome }) => outcome !== 'rolling')
  // One that was superseded only now waits for its own evidence.
  const unsettled = ended.findIndex(({ end }, n) => n > 0 && book.now < add(end.latest, options.settle))
  const told = unsettled < 0 ? ended : ended.slice(0, unsettled)
  const last = told.at(-1)
  if (last) history.told = toldOf(last)
  // One more may have begun meanwhile; one that was over and goes on again is looked at when it changes.
  open.set(uid, { kind: history.kind, since: last?.end.best ?? book.now, overSince: undefined })
  book.touched.add(uid)
  return told.map((rollout) => ({ rollout, exporters: exportersOf(state, rollout) }))
}

function tellUntold({ book, options }: State, history: History): Rollout[] {
  const wanted = new Set(untoldOf(book, history).map(({ key }) => key.revision))
  return tellRollouts(book, history, options.traceOf, ({ key }) => wanted.has(key.revision))
}

const toldOf = ({ hash, key, number }: Rollout): Told => ({ number, hash: hash ?? key.uid })

const exportersOf = ({ exporters }: State, { pods }: Rollout): string[] => [
  ...new Set(pods.flatMap(({ uid }) => exporters.get(uid) ?? [])),
]

function underWay(state: State): Rollout[] {
  const rollouts = [...state.open.keys()].flatMap((uid) => {
    const history = state.book.histories.get(uid)
    return history ? tellUntold(state, history) : []
  })
  return rollouts.sort((a, b) => (a.start.best < b.start.best ? -1 : a.start.best > b.start.best ? 1 : 0))
}
