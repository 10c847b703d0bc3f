// Owns when a rollout began, and when and how it ended.
// Promises the workload's own word on its completion where that was seen, and what its pods show where it was not.
// Does not say what held it: holds.ts does.

import type { Stamp } from '../base/stamp.ts'
import { earliest, latest, seconds, since, type UnixNano } from '../base/time.ts'
import type { Instant } from '../timeline/instant.ts'
import type { Book } from './book.ts'
import type { Change } from './history.ts'
import { instantOf, type Member } from './members.ts'
import type { Course } from './milestones.ts'
import type { RolloutOutcome } from './rollout.ts'
import { isChangeOf, type Run } from './runs.ts'

/** The boundary of what a controller or a person writes, and the API server stores. */
const STORED = 'ready stored'

export function startOf(
  book: Book,
  run: Run,
  previous: Instant | undefined,
  firstPod?: Instant,
): Instant | undefined {
  const found = instantOf(book, STORED, run.start) ?? firstPod
  if (!found) return undefined
  const isSeen = run.asked !== undefined || run.isFirst
  // What began it came before whatever shows it, and after the rollout before it.
  const floor = isSeen
    ? found.earliest
    : (previous?.earliest ?? instantOf(book, 'created', run.history.created)?.earliest)
  const best = firstPod && firstPod.best < found.best ? firstPod.best : found.best
  const open = isOpenAbove(run.start) && firstPod ? latest(firstPod.latest, best) : found.latest
  return {
    ...found,
    best,
    earliest: earliest(floor ?? found.earliest, best),
    latest: latest(open, best),
    source: isSeen ? found.source : 'order',
  }
}

/** A second of creation says only that something was not stored before it. */
const isOpenAbove = (stamps: readonly Stamp[]): boolean =>
  stamps.every(({ source }) => source === 'creation-second' || source === 'list-receipt')

export interface Ending {
  readonly outcome: RolloutOutcome
  readonly end: Instant
  readonly failure: string | undefined
  /** False where the workload itself did not say that it was complete. */
  readonly seen: boolean
}

export interface EndingInput {
  readonly book: Book
  readonly run: Run
  readonly start: Instant
  readonly members: readonly Member[]
  /** When old pods were asked to go. */
  readonly leaving: readonly UnixNano[]
  readonly scalings: Course['scalings']
  /** When the next rollout of the workload began. */
  readonly next: Instant | undefined
}

export function endingOf(input: EndingInput): Ending {
  const { book, run, start, next } = input
  const complete = run.changes.find(isChangeOf(run, 'complete'))
  const failed = run.changes.findLast(isChangeOf(run, 'failed'))
  const failure = failed?.version?.failed
  const failing = failed && !complete ? failure : undefined
  const gone = run.changes.find(({ kind }) => kind === 'deleted')
  if (complete)
    return { outcome: 'complete', end: completed(input, complete), failure: undefined, seen: true }
  if (failed && run.history.kind === 'Job')
    return {
      outcome: 'failed',
      end: after(start, instantOf(book, STORED, failed.stamps)),
      failure,
      seen: true,
    }
  if (next) return { outcome: 'superseded', end: after(start, next), failure: failing, seen: true }
  if (gone)
    return {
      outcome: 'deleted',
      end: after(start, instantOf(book, STORED, gone.stamps)),
      failure: failing,
      seen: true,
    }
  const shown = run.version ? undefined : shownByPods(input)
  if (shown) return { outcome: 'complete', end: shown, failure: undefined, seen: false }
  // It may go on all the same; what it was until then does not depend on who looks when.
  if (failed && failing)
    return {
      outcome: 'failed',
      end: after(start, instantOf(book, STORED, failed.stamps)),
      failure: failing,
      seen: true,
    }
  return { outcome: 'rolling', end: after(start, momentOf(book.now)), failure: undefined, seen: true }
}

/** The store's moment; from a list, where nothing dates it, as soon as the last pod was available. */
function completed({ book, start, members }: EndingInput, change: Change): Instant {
  const stored = instantOf(book, STORED, change.stamps)
  const dated = change.stamps.some(({ source }) => source !== 'list-receipt')
  // What was made later was scaled up, or took the place of a pod that went.
  const last = lastAvailable(
    stored && dated ? members.filter(({ created }) => created.best < stored.latest) : members,
  )
  if (!stored || dated || !last) return after(start, stored, last)
  return { ...last, latest: latest(stored.latest, last.best), source: 'order', stamps: change.stamps }
}

/** Not before what came before it, and not surer of it. */
function after(start: Instant, end: Instant | undefined, last?: Instant): Instant {
  if (!end) return last ?? start
  const floor = latest(start.best, last ? latest(last.earliest, start.best) : start.best)
  if (end.best >= floor) return end
  return {
    ...end,
    best: floor,
    latest: latest(end.latest, floor),
    earliest: earliest(end.earliest, floor),
    clamped: true,
  }
}

const momentOf = (at: UnixNano): Instant => ({
  best: at,
  earliest: at,
  latest: at,
  source: 'order',
  stamps: [],
})

/** Without the workload: complete when every pod that was made for it is available. */
function shownByPods(input: EndingInput): Instant | undefined {
  const { members, run } = input
  const own = run.history.kind === 'Deployment' ? beforeScaling(members, input) : beforeReplacing(members)
  const done = own.every(({ available, finished, failed }) => available ?? finished ?? failed)
  return done && run.history.kind !== 'Job' ? lastAvailable(own) : undefined
}

/** A pod of a Deployment that came when all before it were available, none was owed and no old one had yet to go was not made for the rollout. */
function beforeScaling(members: readonly Member[], { leaving, scalings }: EndingInput): readonly Member[] {
  let reached: UnixNano | undefined
  for (const [index, { created, available }] of members.entries()) {
    const over = reached
    const isOwed = scalings.some(({ at, to }) => over !== undefined && at <= over && to > index)
    if (over !== undefined && created.best > over && !isOwed && !makesRoom(leaving, over, created.best))
      return members.slice(0, index)
    if (!available) return members
    reached = over === undefined ? available.best : latest(over, available.best)
  }
  return members
}

/** A pod of a StatefulSet that comes again under its name takes the place of the first. */
function beforeReplacing(members: readonly Member[]): readonly Member[] {
  const again = members.findIndex(({ name }, index) => members.findIndex((one) => one.name === name) < index)
  return again < 0 ? members : members.slice(0, again)
}

/** An old pod that was asked to go just before, or goes later. */
const makesRoom = (leaving: readonly UnixNano[], after: UnixNano, created: UnixNano): boolean =>
  leaving.some((at) => at >= created || (at >= after && since(created, at) < ROOM_WITHIN))

const ROOM_WITHIN = seconds(2)

function lastAvailable(members: readonly Member[]): Instant | undefined {
  return members
    .flatMap(({ available, finished }) => available ?? finished ?? [])
    .reduce<Instant | undefined>((last, one) => (last && last.best >= one.best ? last : one), undefined)
}
