// Owns what a session adds up over its pods in one stretch of time: startup, objectives, operations, revisions, images, slowest.
// Promises that the order in which starts come changes nothing, but for which are forgotten where a limit is reached (counted).
// Does not render (status.ts) and does not know windows (aggregate.ts).

import type { Goal } from './plan.ts'
import { emptyTally, type Tally } from './objective.ts'
import { addValue, emptyQuantiles, mergeQuantiles, type Quantiles } from './quantiles.ts'
import type { ImageFact, StartFacts } from '../rollout/start-facts.ts'
import { LISTS } from './schema-status.ts'

/** How a start ended for a session; the names of the status. */
export type Ending = 'ready' | 'completed' | 'failed' | 'unstable' | 'deleted' | 'timedOut'
export const ENDINGS: readonly Ending[] = ['ready', 'completed', 'failed', 'unstable', 'deleted', 'timedOut']

export const isGood = (ending: Ending): boolean => ending === 'ready' || ending === 'completed'
export const isBad = (ending: Ending): boolean =>
  ending === 'failed' || ending === 'unstable' || ending === 'timedOut'

export interface OperationSum {
  readonly spent: Quantiles
  criticalMs: number
}

export interface RevisionSum {
  readonly startup: Quantiles
  pods: number
  /** When the latest of its pods was created, in nanoseconds. */
  latest: bigint
}

export interface ImageSum {
  readonly pulls: Quantiles
  cached: number
  pullMs: number
  bytes: number | undefined
}

export interface SlowStart {
  readonly pod: string
  readonly traceId: string
  readonly ending: Ending
  readonly startupMs: number
  readonly longest: string | undefined
  readonly why: string
  /** Whether its trace goes to the session's exporter. */
  readonly kept: boolean
}

export interface Sums {
  /** Of pods that became ready or completed. */
  readonly startup: Quantiles
  startupMs: number
  /** By `Goal.key`. */
  readonly tallies: Map<string, Tally>
  readonly operations: Map<string, OperationSum>
  /** Good pods' time in an operation, for objectives; those without it are not in it. */
  readonly goodSpent: Map<string, Quantiles>
  readonly revisions: Map<string, RevisionSum>
  readonly images: Map<string, ImageSum>
  slowest: SlowStart[]
  /** Pods that failed, crashed or timed out. */
  bad: number
  incomplete: number
  told: number
  /** Images and revisions that a limit left out. */
  leftOut: number
}

export const REVISIONS_MAX = 16
export const IMAGES_MAX = 64

export const emptySums = (): Sums => ({
  startup: emptyQuantiles(),
  startupMs: 0,
  tallies: new Map(),
  operations: new Map(),
  goodSpent: new Map(),
  revisions: new Map(),
  images: new Map(),
  slowest: [],
  bad: 0,
  incomplete: 0,
  told: 0,
  leftOut: 0,
})

/** The verdict on one pod. Where a session timed out by itself, that comes before its trace. */
export function addEnding(sums: Sums, ending: Ending, goals: readonly Goal[], facts?: StartFacts): void {
  if (ending === 'deleted') return
  if (isBad(ending)) sums.bad += 1
  // Two goals with one key are one count.
  for (const key of new Set(goals.map((goal) => goal.key))) {
    const goal = goals.find((one) => one.key === key)
    if (!goal) continue
    const tally = entry(sums.tallies, key, emptyTally)
    tally.judged += 1
    if (!isGood(ending) || !facts || spentOn(goal, facts) > goal.thresholdMs) tally.over += 1
  }
}

const spentOn = ({ operation }: Goal, facts: StartFacts): number =>
  operation === undefined ? facts.startupMs : (facts.operations.get(operation)?.spentMs ?? 0)

export interface Told {
  readonly facts: StartFacts
  readonly ending: Ending
  readonly revision: string | undefined
  readonly created: bigint
  readonly evidenceComplete: boolean
  readonly slow: SlowStart
}

export function addStart(sums: Sums, told: Told): void {
  const { facts, ending } = told
  sums.told += 1
  if (!told.evidenceComplete) sums.incomplete += 1
  sums.startupMs += facts.startupMs
  if (isGood(ending)) addValue(sums.startup, facts.startupMs)
  for (const [name, { spentMs, criticalMs }] of facts.operations) {
    const operation = entry(sums.operations, name, emptyOperation)
    addValue(operation.spent, spentMs)
    operation.criticalMs += criticalMs
    if (isGood(ending)) addValue(entry(sums.goodSpent, name, emptyQuantiles), spentMs)
  }
  if (told.revision !== undefined) addRevision(sums, told, told.revision)
  for (const image of facts.images) addImage(sums, image)
  if (ending !== 'deleted') sums.slowest = slowestOf([...sums.slowest, told.slow])
}

const emptyOperation = (): OperationSum => ({ spent: emptyQuantiles(), criticalMs: 0 })
const emptyRevision = (): RevisionSum => ({ startup: emptyQuantiles(), pods: 0, latest: 0n })
const emptyImage = (): ImageSum => ({ pulls: emptyQuantiles(), cached: 0, pullMs: 0, bytes: undefined })

function addRevision(sums: Sums, { facts, ending, created }: Told, name: string): void {
  const { revisions } = sums
  const revision = entry(revisions, name, emptyRevision)
  revision.pods += 1
  if (created > revision.latest) revision.latest = created
  if (isGood(ending)) addValue(revision.startup, facts.startupMs)
  if (revisions.size <= REVISIONS_MAX) return
  const oldest = [...revisions].reduce((a, b) => (a[1].latest <= b[1].latest ? a : b))
  revisions.delete(oldest[0])
  sums.leftOut += 1
}

/** Beyond the limit further images are not looked at: the commonest come first, and a table of 64 is long. */
function addImage(sums: Sums, { image, pullMs, bytes }: ImageFact): void {
  const { images } = sums
  if (!images.has(image) && images.size >= IMAGES_MAX) {
    sums.leftOut += 1
    return
  }
  const sum = entry(images, image, emptyImage)
  if (bytes !== undefined) sum.bytes = Math.max(bytes, sum.bytes ?? 0)
  if (pullMs === undefined) {
    sum.cached += 1
    return
  }
  addValue(sum.pulls, pullMs)
  sum.pullMs += pullMs
}

/** Those that never became ready first, then by length; equal ones by trace id, so that no order of coming shows. */
const slowestOf = (starts: readonly SlowStart[]): SlowStart[] =>
  starts
    .toSorted((a, b) => rank(b) - rank(a) || b.startupMs - a.startupMs || (a.traceId < b.traceId ? -1 : 1))
    .slice(0, LISTS.slowest)

const rank = ({ ending }: SlowStart): number => (isBad(ending) ? 1 : 0)

function entry<V>(map: Map<string, V>, key: string, empty: () => V): V {
  let value = map.get(key)
  if (value === undefined) map.set(key, (value = empty()))
  return value
}

/** The same as if every start had been added to one. */
export function mergeSums(all: readonly Sums[]): Sums {
  const [only] = all
  if (only && all.length === 1) return only
  return {
    startup: mergeQuantiles(all.map(({ startup }) => startup)),
    startupMs: total(all.map(({ startupMs }) => startupMs)),
    tallies: mergeMaps(
      all.map(({ tallies }) => tallies),
      mergeTallies,
    ),
    operations: mergeMaps(
      all.map(({ operations }) => operations),
      mergeOperations,
    ),
    goodSpent: mergeMaps(
      all.map(({ goodSpent }) => goodSpent),
      mergeQuantiles,
    ),
    revisions: mergeMaps(
      all.map(({ revisions }) => revisions),
      mergeRevisions,
    ),
    images: mergeMaps(
      all.map(({ images }) => images),
      mergeImages,
    ),
    slowest: slowestOf(all.flatMap(({ slowest }) => slowest)),
    bad: total(all.map(({ bad }) => bad)),
    incomplete: total(all.map(({ incomplete }) => incomplete)),
    told: total(all.map(({ told }) => told)),
    leftOut: total(all.map(({ leftOut }) => leftOut)),
  }
}

const total = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0)

function mergeMaps<V>(
  maps: readonly ReadonlyMap<string, V>[],
  merge: (values: readonly V[]) => V,
): Map<string, V> {
  const lists = new Map<string, V[]>()
  for (const map of maps) for (const [key, value] of map) entry(lists, key, (): V[] => []).push(value)
  return new Map([...lists].map(([key, values]) => [key, merge(values)]))
}

const mergeTallies = (all: readonly Tally[]): Tally => ({
  judged: total(all.map(({ judged }) => judged)),
  over: total(all.map(({ over }) => over)),
})
const mergeOperations = (all: readonly OperationSum[]): OperationSum => ({
  spent: mergeQuantiles(all.map(({ spent }) => spent)),
  criticalMs: total(all.map(({ criticalMs }) => criticalMs)),
})
const mergeRevisions = (all: readonly RevisionSum[]): RevisionSum => ({
  startup: mergeQuantiles(all.map(({ startup }) => startup)),
  pods: total(all.map(({ pods }) => pods)),
  latest: all.reduce((latest, one) => (one.latest > latest ? one.latest : latest), 0n),
})
const mergeImages = (all: readonly ImageSum[]): ImageSum => ({
  pulls: mergeQuantiles(all.map(({ pulls }) => pulls)),
  cached: total(all.map(({ cached }) => cached)),
  pullMs: total(all.map(({ pullMs }) => pullMs)),
  bytes: all.reduce<number | undefined>(
    (most, { bytes }) => (bytes === undefined ? most : Math.max(bytes, most ?? 0)),
    undefined,
  ),
})
