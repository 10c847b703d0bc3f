// Owns the telling of rollouts: from the book to finished values.
// Promises that equal books give equal rollouts, whatever order their frames came in between objects.
// Does no fold and no formatting.

import { seconds, since } from '../base/time.ts'
import type { Instant } from '../timeline/instant.ts'
import type { Book } from './book.ts'
import { type Ending, endingOf, startOf } from './ending.ts'
import type { History } from './history.ts'
import { findHolds } from './holds.ts'
import { rolloutTraceId } from './identity.ts'
import { type Member, newPodsOf, oldPodsOf, type TraceOf, type Window } from './members.ts'
import { type Course, haltsIn, keptOf, milestonesOf, refusalsIn, scalingsIn } from './milestones.ts'
import type { Rollout, RolloutCause, RolloutPod } from './rollout.ts'
import { type Run, runsOf } from './runs.ts'
import { sumHolds, tellVerdict } from './shares.ts'

/** All rollouts of one workload, the earliest first, or those that are wanted. */
export function tellRollouts(
  book: Book,
  history: History,
  traceOf: TraceOf,
  isWanted: (run: Run) => boolean = () => true,
): Rollout[] {
  const runs = runsOf(book, history)
  const starts: (Instant | undefined)[] = []
  for (const run of runs) starts.push(startOf(book, run, starts.at(-1), firstPodOf(book, run, traceOf)))
  return runs.flatMap((run, index) => {
    const start = starts[index]
    return start && isWanted(run) ? [tellRollout({ book, run, start, next: starts[index + 1], traceOf })] : []
  })
}

function firstPodOf(book: Book, run: Run, traceOf: TraceOf): Instant | undefined {
  if (run.asked) return undefined
  const signed = run.sign.stamps[0]?.at ?? run.sign.t
  return newPodsOf(book, run, { start: signed, end: book.now }, traceOf)[0]?.created
}

interface Telling {
  readonly book: Book
  readonly run: Run
  readonly start: Instant
  readonly next: Instant | undefined
  readonly traceOf: TraceOf
}

function tellRollout({ book, run, start, next, traceOf }: Telling): Rollout {
  const limit = next?.best ?? book.now
  const candidates = newPodsOf(book, run, { start: start.best, end: limit }, traceOf)
  const leaving = oldPodsOf(book, run, { start: start.best, end: limit }).map(({ deleting }) => deleting.best)
  const scalings = scalingsIn(book, run, start.best, limit)
  const ending = endingOf({ book, run, start, members: candidates, leaving, scalings, next })
  const window: Window = { start: start.best, end: ending.end.best }
  // What comes after its end was scaled up, or took the place of a pod that went.
  const members = candidates.filter(({ created }) => created.best <= window.end)
  const pods = inWaves(members)
  const course = courseOf(book, run, window, ending, pods)
  const holds = findHolds(course)
  const { kind, namespace, name } = run.history
  const told = {
    key: run.key,
    traceId: rolloutTraceId(run.key),
    kind,
    namespace,
    name,
    revision: run.revision,
    hash: run.hash,
    number: run.sign.number,
    cause: causeOf(run),
    outcome: ending.outcome,
    failure: ending.failure,
    start,
    end: ending.end,
    length: since(ending.end.best, start.best),
    wanted: run.version?.wanted,
    limits: course.limits,
    pods,
    waves: pods.reduce((most, { wave }) => Math.max(most, wave), 0),
    atOnce: countAtOnce(pods),
    holds,
    shares: sumHolds(holds),
    images: imagesOf(book, run, pods),
    labels: run.version?.labels ?? {},
    missing: missingOf({ book, run, ending, pods, window }),
  }
  return { ...told, verdict: tellVerdict(told) }
}

function courseOf(
  book: Book,
  run: Run,
  { start, end }: Window,
  { outcome }: Ending,
  pods: readonly RolloutPod[],
): Course {
  const old = oldPodsOf(book, run, { start, end })
  return {
    run,
    limits: run.version?.limits ?? {},
    start,
    end,
    isComplete: outcome === 'complete',
    isRolling: outcome === 'rolling',
    watchedFrom: book.from ?? start,
    pods,
    old,
    before: keptOf(book, run, start),
    milestones: milestonesOf(run, pods, old),
    scalings: scalingsIn(book, run, start, end),
    refusals: refusalsIn(book, run, start, end),
    halts: haltsIn(book, run, start, end),
  }
}

/** A pod that was created after another of the last wave was available opens the next one. */
function inWaves(members: readonly Member[]): RolloutPod[] {
  let wave = 1
  let done: bigint | undefined
  const pods: RolloutPod[] = []
  for (const member of members) {
    if (done !== undefined && member.created.best >= done) {
      wave++
      done = undefined
    }
    const over = (member.finished ?? member.available)?.best
    if (over !== undefined && (done === undefined || over < done)) done = over
    pods.push({ ...member, wave })
  }
  return pods
}

/** Created, and neither available nor asked to go yet, at one moment. */
export function countAtOnce(pods: readonly RolloutPod[]): number {
  const edges = pods.flatMap(({ created, available, finished, deleting }) => {
    const over = (finished ?? available ?? deleting)?.best
    return [{ at: created.best, by: 1 }, ...(over === undefined ? [] : [{ at: over, by: -1 }])]
  })
  edges.sort((a, b) => (a.at < b.at ? -1 : a.at > b.at ? 1 : a.by - b.by))
  let [now, most] = [0, 0]
  for (const { by } of edges) most = Math.max(most, (now += by))
  return most
}

function causeOf({ asked, isFirst, sign, changes, history, differences }: Run): RolloutCause {
  const words = changes.findLast((change) => change.version?.changeCause)?.version?.changeCause
  const by = (asked ?? (isFirst ? changes[0] : undefined))?.version?.writer?.name
  const kind = isFirst ? 'created' : !sign.isNew ? 'rollback' : 'template'
  return {
    kind: history.kind === 'Job' ? 'created' : kind,
    ...(by === undefined ? {} : { by }),
    ...(words === undefined ? {} : { words }),
    differences,
  }
}

function imagesOf(book: Book, run: Run, pods: readonly RolloutPod[]): ReadonlyMap<string, string> {
  const first = pods[0] && book.pods.get(pods[0].uid)
  return first?.images ?? run.images ?? new Map<string, string>()
}

interface Seen {
  readonly book: Book
  readonly run: Run
  readonly ending: Ending
  readonly pods: readonly RolloutPod[]
  readonly window: Window
}

function missingOf({ book, run, ending: { seen }, pods, window }: Seen): string[] {
  const untraced = pods.filter(({ trace }) => !trace).length
  return [
    ...(run.asked || run.isFirst ? [] : ['the change that began it']),
    ...(run.version ? [] : ['the workload as a whole: its limits, and when it was complete']),
    ...(seen || !run.version ? [] : ['when it was complete']),
    ...(untraced === 0 ? [] : [`the starts of ${untraced} of ${pods.length} pods`]),
    ...(wasInterrupted(book, window) ? ['what happened while the watch was interrupted'] : []),
  ]
}

/** A gap is said when the list that repairs it begins: what it hides may have been a little before. */
const wasInterrupted = ({ gaps }: Book, { start, end }: Window): boolean =>
  gaps.some((at) => at >= start && at <= end + INTERRUPTION)

const INTERRUPTION = seconds(60)
