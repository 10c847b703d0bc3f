// Owns the comparison of two revisions of a workload: their starts, operation by operation, and their images.
// Promises the number of starts beside each figure, and no verdict where there are too few. Order of the starts changes nothing.
// Does not choose revisions and does not print.

import type { Outcome, Trace } from '../trace/trace.ts'
import type { Rollout } from './rollout.ts'
import { medianOf, shiftBetween, SIGNIFICANT, type Shift } from './rank-sum.ts'
import { factsOf, type StartFacts } from './start-facts.ts'

export interface Side {
  readonly rollout: Rollout
  /** All starts of the revision that could be read, of whichever outcome. */
  readonly traces: readonly Trace[]
}

export interface Spread {
  readonly count: number
  readonly p50Ms: number
  readonly p90Ms: number
  readonly maxMs: number
}

/** `not shown`: there may be a difference, but these starts do not show one. */
export type Change = 'slower' | 'faster' | 'not shown' | 'too few'

export interface Compared {
  readonly before: Spread | undefined
  readonly after: Spread | undefined
  readonly change: Change
  /** Present where there are enough starts. */
  readonly shift: Shift | undefined
}

export interface ComparedOperation extends Compared {
  readonly name: string
}

export interface ImageUse {
  readonly image: string
  readonly starts: number
  readonly cached: number
  readonly bytes: number | undefined
  readonly pull: Spread | undefined
}

export interface ImageChange {
  readonly container: string
  readonly before: string | undefined
  readonly after: string | undefined
}

export interface Comparison {
  readonly before: Rollout
  readonly after: Rollout
  readonly outcomes: { readonly before: Outcomes; readonly after: Outcomes }
  readonly startup: Compared
  /** Of the critical path, whose parts add up to the startup; what changed most comes first. */
  readonly operations: readonly ComparedOperation[]
  readonly images: readonly ImageChange[]
  readonly uses: { readonly before: readonly ImageUse[]; readonly after: readonly ImageUse[] }
  /** How long the rollouts took, in milliseconds; they are one each, so that nothing is concluded. */
  readonly lengthMs: { readonly before: number; readonly after: number }
}

export type Outcomes = Readonly<Partial<Record<Outcome, number>>>

export function compareRevisions(before: Side, after: Side): Comparison {
  const [a, b] = [factsOfGood(before), factsOfGood(after)]
  const startupOf = ({ startupMs }: StartFacts): number => startupMs
  return {
    before: before.rollout,
    after: after.rollout,
    outcomes: { before: outcomesOf(before.traces), after: outcomesOf(after.traces) },
    startup: compare(a.map(startupOf), b.map(startupOf)),
    operations: compareOperations(a, b),
    images: imageChanges(before.rollout, after.rollout),
    uses: { before: usesOf(a), after: usesOf(b) },
    lengthMs: { before: Number(before.rollout.length) / 1e6, after: Number(after.rollout.length) / 1e6 },
  }
}

/** Only starts that came to a good end of their own say how long a start takes. */
const factsOfGood = ({ traces }: Side): StartFacts[] =>
  traces.filter(({ outcome }) => outcome === 'ready' || outcome === 'completed').map(factsOf)

function outcomesOf(traces: readonly Trace[]): Outcomes {
  const counts: Partial<Record<Outcome, number>> = {}
  for (const { outcome } of traces) counts[outcome] = (counts[outcome] ?? 0) + 1
  return counts
}

/** `questions`: of many that are asked at once, some would be answered by chance. */
function compare(before: readonly number[], after: readonly number[], questions = 1): Compared {
  const shift = shiftBetween(before, after)
  return { before: spreadOf(before), after: spreadOf(after), change: changeOf(shift, questions), shift }
}

/** A difference of less than this is none that anybody waits for. */
const LEAST_MS = 1

function changeOf(shift: Shift | undefined, questions: number): Change {
  if (!shift) return 'too few'
  if (shift.p * questions >= SIGNIFICANT || Math.abs(shift.byMs) < LEAST_MS) return 'not shown'
  return shift.byMs > 0 ? 'slower' : 'faster'
}

export function spreadOf(values: readonly number[]): Spread | undefined {
  const sorted = Float64Array.from(values).sort()
  if (sorted.length === 0) return undefined
  const rank = (share: number): number => sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? 0
  return { count: sorted.length, p50Ms: medianOf(sorted), p90Ms: rank(0.9), maxMs: sorted.at(-1) ?? 0 }
}

/** A start without the operation spent nothing on it. */
function compareOperations(before: readonly StartFacts[], after: readonly StartFacts[]): ComparedOperation[] {
  const names = new Set([...before, ...after].flatMap(({ operations }) => [...operations.keys()]))
  const spent = (name: string) => (facts: StartFacts) => facts.operations.get(name)?.criticalMs ?? 0
  return [...names]
    .map((name) => ({ name, ...compare(before.map(spent(name)), after.map(spent(name)), names.size) }))
    .filter((one) => (one.before?.maxMs ?? 0) > 0 || (one.after?.maxMs ?? 0) > 0)
    .sort((a, b) => Math.abs(byOf(b)) - Math.abs(byOf(a)) || (a.name < b.name ? -1 : 1))
}

/** How much longer, as far as can be said. */
export const byOf = ({ shift, before, after }: Compared): number =>
  shift?.byMs ?? (after?.p50Ms ?? 0) - (before?.p50Ms ?? 0)

function imageChanges({ images: before }: Rollout, { images: after }: Rollout): ImageChange[] {
  return [...new Set([...before.keys(), ...after.keys()])]
    .map((container) => ({ container, before: before.get(container), after: after.get(container) }))
    .filter((change) => change.before !== change.after)
}

function usesOf(facts: readonly StartFacts[]): ImageUse[] {
  const all = Map.groupBy(
    facts.flatMap(({ images }) => images),
    ({ image }) => image,
  )
  return [...all].map(([image, uses]) => ({
    image,
    starts: uses.length,
    cached: uses.filter(({ pullMs }) => pullMs === undefined).length,
    bytes: uses.find(({ bytes }) => bytes !== undefined)?.bytes,
    pull: spreadOf(uses.flatMap(({ pullMs }) => pullMs ?? [])),
  }))
}
