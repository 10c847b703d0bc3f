// Owns which runs of a container its events are of, where some were lost: what the status says of each, by its restart count.
// Promises that a run, and a failure to be created, come after what the status says was over by then. Does not read events.

import { type Clocks, combine, type Draft } from '../timeline/combine.ts'
import type { Fact } from '../timeline/facts.ts'
import type { ContainerHistory } from './container-history.ts'
import { type Run, runAt, runsInOrder } from './runs.ts'

/** What the status says of the runs, each by its restart count. */
interface Told {
  /** When it had begun, or where it never did, was over. */
  readonly begun: ReadonlyMap<number, Draft>
  readonly ended: ReadonlyMap<number, Draft>
  /** Those that could not be started. */
  readonly unstarted: ReadonlySet<number>
}

/**
 * Where the event of a first run was lost, that of a later one is the first of its kind. The status tells by its restart count which run began
 * and ended when, on the same clock: what came after a run had begun is of a later one.
 */
export function renumber(history: ContainerHistory, statuses: readonly Fact[], clocks: Clocks): void {
  const told = toldBy(statuses, history.waiting, clocks)
  const shifts = statuses.every(({ index }) => index === 0) ? NO_SHIFTS : renumberRuns(history, told)
  for (const failure of history.failedCreates) {
    failure.beforeRun += shifts.findLast(([number]) => number < failure.beforeRun)?.[1] ?? 0
    while (isBefore(told.begun.get(failure.beforeRun), failure.at)) failure.beforeRun++
  }
}

function toldBy(statuses: readonly Fact[], waiting: readonly Fact[], clocks: Clocks): Told {
  const begun = new Map<number, Draft>()
  const ended = new Map<number, Draft>()
  for (const { what, index, stamps } of statuses) {
    if (what !== 'started container' && what !== 'finished container') continue
    const draft = combine(what, stamps, clocks)
    if (what === 'finished container') ended.set(index, draft)
    if (what === 'started container' || !begun.has(index)) begun.set(index, draft)
  }
  const failed = waiting.filter(
    ({ detail, index }) => detail?.reason === 'RunContainerError' && !begun.has(index),
  )
  return { begun, ended, unstarted: new Set(failed.map(({ index }) => index)) }
}

/** By how much a run is later than the events count it, and those after it. */
type Shift = readonly [number: number, by: number]
const NO_SHIFTS: readonly Shift[] = []

function renumberRuns(history: ContainerHistory, told: Told): readonly Shift[] {
  for (const [number, run] of runsInOrder(history.runs)) moveStart(history, number, run, told)
  const runs = runsInOrder(history.runs)
  const shifts = shiftsOf(runs, told)
  if (shifts === NO_SHIFTS) return shifts
  history.runs.clear()
  runs.forEach(([number, run], place) => history.runs.set(number + (shifts[place]?.[1] ?? 0), run))
  history.untold = Math.max(...history.runs.keys()) + 1
  return shifts
}

function shiftsOf(runs: readonly [number, Run][], told: Told): readonly Shift[] {
  let by = 0
  const shifts = runs.map(([number, run], place): Shift => {
    while (isOfLater(number + by, run, told) && fits(runs.slice(place), by + 1, told)) by++
    return [number, by]
  })
  return by === 0 ? NO_SHIFTS : followLater(shifts, runs, told)
}

/** Where those after it are later ones, so is one if the status knows of that number, and not of its own. */
const followLater = (
  shifts: readonly Shift[],
  runs: readonly [number, Run][],
  { begun }: Told,
): readonly Shift[] =>
  shifts.reduceRight<readonly Shift[]>((after, [number, by], place) => {
    const later = after[0]?.[1] ?? by
    const isLater = !begun.has(number + by) && meets(begun.get(number + later), runs[place]?.[1].started)
    return [[number, isLater ? later : by], ...after]
  }, [])

/** It was created, but what was started may be the next one. Else whoever started it stood still before that was recorded. */
function moveStart(history: ContainerHistory, number: number, run: Run, { begun, unstarted }: Told): void {
  const { created, started } = run
  if (!created || !meets(begun.get(number + 1), started) || history.runs.get(number + 1)?.started) return
  const own = begun.get(number)
  if (!unstarted.has(number) && !(isBefore(own, started) && !isBefore(own, created))) return
  run.started = undefined
  runAt(history.runs, number + 1).started = started
}

/** It came after this one had begun, or it was started and this one could not be. */
const isOfLater = (number: number, { created, started }: Run, { begun, unstarted }: Told): boolean =>
  isBefore(begun.get(number), created ?? started) ||
  (unstarted.has(number) && created === undefined && meets(begun.get(number + 1), started))

/** No run begins before the one before it has ended. */
const fits = (runs: readonly [number, Run][], by: number, { ended }: Told): boolean =>
  runs.every(([number, { created, started }]) => !isBefore(created ?? started, ended.get(number + by - 1)))

const isBefore = (first: Draft | undefined, second: Draft | undefined): boolean =>
  first?.latest !== undefined && second?.earliest !== undefined && first.latest < second.earliest

/** Whether both may be of one moment. */
const meets = (status: Draft | undefined, event: Draft | undefined): boolean =>
  status !== undefined && event !== undefined && !isBefore(status, event) && !isBefore(event, status)
