// Owns which pods a rollout made and which it replaced, and their moments as instants.
// Promises a pod's own trace where there is one, and its status otherwise. Does not say what held the rollout.

import type { Stamp } from '../base/stamp.ts'
import { add, durationNano, SECOND, type UnixNano } from '../base/time.ts'
import { finishDraft } from '../timeline/order.ts'
import type { Instant } from '../timeline/instant.ts'
import type { Boundary } from '../timeline/weight.ts'
import { rootOf, type Trace } from '../trace/trace.ts'
import type { Book } from './book.ts'
import { combineStamps } from './models.ts'
import type { PodFacts } from './pods.ts'
import type { OldPod, RolloutPod } from './rollout.ts'
import { podsOf, type Run } from './runs.ts'

/** Of a pod that is on its way, its trace as it stands. */
export type TraceOf = (uid: string) => Trace | undefined

/** From `start` to `end` as far as they are known yet. */
export interface Window {
  readonly start: UnixNano
  readonly end: UnixNano
}

export type Member = Omit<RolloutPod, 'wave'>

/** Combined, on our clock; a side that no evidence bounds is put at the estimate. */
export function instantOf(
  book: Book,
  boundary: Boundary,
  stamps: readonly Stamp[] | undefined,
): Instant | undefined {
  if (!stamps || stamps.length === 0) return undefined
  return finishDraft(combineStamps(book.models, boundary, stamps, book.now))
}

/** A first pod may be shown, or its creation put, a little before what asked for it. */
const SLACK = SECOND

/** Pods of the run's revision that were created in its time. */
export function newPodsOf(book: Book, run: Run, { start, end }: Window, traceOf: TraceOf): Member[] {
  const members: Member[] = []
  for (const facts of book.pods.of(run.creator)) {
    if (run.hash !== undefined && facts.hash !== run.hash) continue
    const member = memberOf(book, run, facts, traceOf)
    if (!member || member.created.best < start - SLACK || member.created.best > end) continue
    members.push(member)
  }
  return members.sort((a, b) => compare(a.created.best, b.created.best) || (a.name < b.name ? -1 : 1))
}

const compare = (a: bigint, b: bigint): number => (a < b ? -1 : a > b ? 1 : 0)

function memberOf(book: Book, run: Run, facts: PodFacts, traceOf: TraceOf): Member | undefined {
  const trace = book.traces.get(facts.uid) ?? traceOf(facts.uid)
  const created = trace ? rootOf(trace).start : instantOf(book, 'created', facts.created)
  if (!created) return undefined
  const ready = trace ? readyOf(trace) : instantOf(book, 'ready stored', facts.ready)
  const isJob = run.history.kind === 'Job'
  const stopped = instantOf(book, 'ready stored', facts.stopped)
  const finished = isJob ? (finishedOf(trace) ?? stopped) : undefined
  return {
    uid: facts.uid,
    name: facts.name,
    node: trace?.node ?? facts.node,
    created,
    ready,
    available: isJob ? undefined : ready && availableAfter(ready, run.version?.limits.minReadySeconds ?? 0),
    finished: finished && !isBefore(finished, created) ? finished : undefined,
    deleting: instantOf(book, 'deleting', facts.deleting),
    stopped,
    outcome: trace?.outcome ?? 'unknown',
    failed: facts.failed,
    trace,
  }
}

const isBefore = (a: Instant, b: Instant): boolean => a.latest < b.earliest

function readyOf(trace: Trace): Instant | undefined {
  return trace.outcome === 'ready' || trace.outcome === 'unstable' ? rootOf(trace).end : undefined
}

/** A start that ended with the work itself. */
function finishedOf(trace: Trace | undefined): Instant | undefined {
  return trace?.outcome === 'completed' || trace?.outcome === 'failed' ? rootOf(trace).end : undefined
}

/** Controllers count from the condition's stamp, which is cut to a second: up to one second less than asked for. */
function availableAfter(ready: Instant, minReadySeconds: number): Instant {
  if (minReadySeconds === 0) return ready
  const wait = durationNano(BigInt(Math.round(minReadySeconds * 1e9)))
  return {
    best: add(ready.best, wait),
    earliest: add(ready.earliest, durationNano(wait - SECOND)),
    latest: add(ready.latest, wait),
    source: 'order',
    stamps: [],
  }
}

/** Pods of the workload that had to go in the run's time. */
export function oldPodsOf(book: Book, run: Run, { start, end }: Window): OldPod[] {
  const old: OldPod[] = []
  for (const facts of podsOf(book, run.history)) {
    if (!facts.deleting || isNew(run, facts)) continue
    const deleting = instantOf(book, 'deleting', facts.deleting)
    const stopped = instantOf(book, 'ready stored', facts.stopped)
    if (!deleting || deleting.best < start - SLACK || deleting.best > end) continue
    const { uid, name, node } = facts
    old.push({ uid, name, node, deleting, stopped, gone: instantOf(book, 'deleted', facts.gone) })
  }
  return old.sort((a, b) => compare(a.deleting.best, b.deleting.best))
}

const isNew = (run: Run, { owner, hash }: PodFacts): boolean =>
  owner === run.creator && (run.hash === undefined || hash === run.hash)
