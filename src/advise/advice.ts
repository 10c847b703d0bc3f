// Owns the words that counterfactuals and their evaluation share: what would be changed, and which steps that cuts by how much.
// Promises nothing by itself. Does not compute.

import type { DurationNano } from '../base/time.ts'
import type { Cuts } from './retime.ts'
import type { Start, Step } from './start.ts'

export type AdviceKind =
  | 'readiness period'
  | 'startup probe period'
  | 'startup probe instead of initialDelaySeconds'
  | 'parallel pulls'
  | 'image present'
  | 'init containers at once'
  | 'no failed attempts'

/** What one start would have saved, each as cuts of its steps. `likely` is absent where nothing says more than the two ends. */
export interface CutRange {
  readonly low: Cuts
  readonly likely: Cuts | undefined
  readonly high: Cuts
  /** The step that this start's saving rests on. */
  readonly step: Step
}

/** One change to a workload, and what it does to each of its starts; a start that is not named stays as it was. */
export interface Counterfactual {
  readonly kind: AdviceKind
  /** The name of the spans that it rests on. */
  readonly span: string
  readonly container?: string
  readonly image?: string
  readonly from?: string
  readonly to: string
  /** The change in words, as the beginning of a sentence. */
  readonly change: string
  /** What else was seen that bears on it. */
  readonly note?: string
  /** Of how many changes this is all at once; each of them stands for itself too. */
  readonly together?: number
  readonly cuts: ReadonlyMap<Start, CutRange>
}

/** Starts of one workload in, the changes that its recorded steps speak of out. `all` are the starts of every workload. */
export type FindCounterfactuals = (starts: readonly Start[], all: readonly Start[]) => Counterfactual[]

/** From lowest to highest, in base units of time. */
export interface Range {
  readonly low: DurationNano
  readonly likely: DurationNano | undefined
  readonly high: DurationNano
}

export const oneCut = (step: Step, by: DurationNano): Cuts => new Map([[step, by]])

/** The same cuts whatever happens: nothing but the kubelet's looks makes a range of them. */
export const certain = (step: Step, cuts: Cuts): CutRange => ({ low: cuts, likely: cuts, high: cuts, step })

/** All of several changes at once: where containers wait beside each other, none alone saves much. */
export function allTogether(
  several: readonly Counterfactual[],
  words: Pick<Counterfactual, 'to' | 'change'> & Partial<Pick<Counterfactual, 'note'>>,
): Counterfactual[] {
  const [first] = several
  if (!first || several.length < 2) return []
  const cuts = new Map<Start, CutRange>()
  for (const { cuts: each } of several)
    for (const [start, range] of each) {
      const before = cuts.get(start)
      cuts.set(start, before ? both(before, range) : range)
    }
  return [{ kind: first.kind, span: first.span, ...words, together: several.length, cuts }]
}

const both = (a: CutRange, b: CutRange): CutRange => ({
  low: new Map([...a.low, ...b.low]),
  likely: a.likely && b.likely && new Map([...a.likely, ...b.likely]),
  high: new Map([...a.high, ...b.high]),
  step: b.step.end.best > a.step.end.best ? b.step : a.step,
})
