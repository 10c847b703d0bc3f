// Owns the whole of advising: starts in, for each workload what would have made them shorter, with figures, out.
// Promises nothing said of fewer starts than `minStarts`, nor of less than `minSaving`; the largest saving first; and starts beyond
// STARTS_MAX counted, not taken. Pure. Does not print.

import { type DurationNano, durationNano, milliseconds } from '../base/time.ts'
import type { Trace } from '../trace/trace.ts'
import type { Counterfactual, CutRange, FindCounterfactuals, Range } from './advice.ts'
import { findCachedImages } from './cached-image.ts'
import { findFailedAttempts } from './failed-attempts.ts'
import { findInitContainers } from './init-containers.ts'
import { findInitialDelays } from './initial-delay.ts'
import { findParallelPulls } from './parallel-pulls.ts'
import { findReadinessPeriods, findStartupPeriods } from './probe-period.ts'
import { type Percentile, PERCENTILES, quantileOf, tellingPercentile } from './quantile.ts'
import { savingOf } from './retime.ts'
import { isTimed, readStart, type Start, type Step } from './start.ts'
import { addHours, type Hours, waitingHours } from './waiting-cost.ts'

export interface AdviseOptions {
  /** Default 5. */
  readonly minStarts?: number
  /** At the percentile that is spoken of; default 500 ms. */
  readonly minSaving?: DurationNano
}

export interface Example {
  readonly pod: string
  readonly traceId: string
  readonly spanId: string
}

export interface AtPercentile {
  readonly percentile: Percentile
  /** What it was. */
  readonly of: DurationNano
  /** By how much less it would have been. */
  readonly saving: Range
}

export interface Advice extends Omit<Counterfactual, 'cuts'> {
  /** Starts that it would have changed. */
  readonly affected: number
  readonly percentiles: readonly AtPercentile[]
  /** The one of these to speak of. */
  readonly telling: AtPercentile
  /** Requests times the likely saving, over all starts; where nothing is likely, times the least. */
  readonly hours: Hours
  /** The start that it would have changed most. */
  readonly example: Example
}

export interface WorkloadAdvice {
  readonly namespace: string
  readonly workload: string
  /** All that were seen, and those of them that came to their end: the sample of all figures. */
  readonly starts: number
  readonly timed: number
  readonly percentiles: readonly { readonly percentile: Percentile; readonly of: DurationNano }[]
  readonly waiting: Hours
  readonly advice: readonly Advice[]
}

/** More than that is a cluster's month; then the first ones speak for the rest. */
export const STARTS_MAX = 20_000
export const MIN_STARTS = 5
export const MIN_SAVING = milliseconds(500)

const FINDERS: readonly FindCounterfactuals[] = [
  findReadinessPeriods,
  findStartupPeriods,
  findInitialDelays,
  findParallelPulls,
  findCachedImages,
  findInitContainers,
  findFailedAttempts,
]

export interface Adviser {
  add(trace: Trace): void
  /** Starts that were not taken. */
  readonly left: number
  advise(options?: AdviseOptions): readonly WorkloadAdvice[]
}

export function createAdviser(): Adviser {
  const starts = new Map<string, Start>()
  let left = 0
  return {
    add: (trace) => {
      if (starts.size >= STARTS_MAX && !starts.has(trace.uid)) left++
      else starts.set(trace.uid, readStart(trace))
    },
    get left() {
      return left
    },
    advise: (options = {}) => adviseAll([...starts.values()], options),
  }
}

export function adviseAll(starts: readonly Start[], options: AdviseOptions): WorkloadAdvice[] {
  const workloads = new Map<string, Start[]>()
  for (const start of starts) {
    const key = `${start.namespace}\n${workloadOf(start)}`
    const list = workloads.get(key)
    if (list) list.push(start)
    else workloads.set(key, [start])
  }
  return [...workloads.values()].map((each) => adviseOne(each, starts, options)).sort(bySaving)
}

const workloadOf = ({ workload, name }: Start): string => workload ?? `Pod/${name}`

function adviseOne(
  starts: readonly Start[],
  all: readonly Start[],
  { minStarts = MIN_STARTS, minSaving = MIN_SAVING }: AdviseOptions,
): WorkloadAdvice {
  const timed = starts.filter(isTimed)
  const totals = timed.map(({ total }) => total)
  const found = timed.length < minStarts ? [] : FINDERS.flatMap((find) => find(timed, all))
  const advice = found
    .filter(({ cuts }) => cuts.size > 0)
    .map((counterfactual) => evaluate(counterfactual, timed))
    .filter((each) => each !== undefined)
    .filter(({ telling }) => weightOf(telling.saving) >= minSaving)
    .filter((each, _, all) => each.together === undefined || isMore(each, all, minSaving))
  return {
    namespace: starts[0]?.namespace ?? '',
    workload: starts[0] ? workloadOf(starts[0]) : '',
    starts: starts.length,
    timed: timed.length,
    percentiles: PERCENTILES.flatMap((percentile) => {
      const of = quantileOf(totals, percentile)
      return of === undefined ? [] : [{ percentile, of }]
    }),
    waiting: waitingHours(starts),
    advice: advice.sort((a, b) => compare(weightOf(b.telling.saving), weightOf(a.telling.saving))),
  }
}

/** Several changes at once are worth saying only where they save more than the best of them does alone. */
const isMore = (several: Advice, all: readonly Advice[], minSaving: DurationNano): boolean =>
  all.every(
    ({ kind, together, telling }) =>
      kind !== several.kind ||
      together !== undefined ||
      weightOf(several.telling.saving) >= weightOf(telling.saving) + minSaving,
  )

interface Saved extends Range {
  readonly start: Start
  readonly step: Step | undefined
}

/** What each start would have taken, and from those the quantiles: they are not a difference of one start. */
function evaluate({ cuts, ...rest }: Counterfactual, timed: readonly Start[]): Advice | undefined {
  const saved = timed.map((start) => savedBy(start, cuts.get(start)))
  const percentiles = PERCENTILES.flatMap((percentile) => atPercentile(saved, percentile))
  const telling = percentiles.find(({ percentile }) => percentile === tellingPercentile(timed.length))
  const most = saved.reduce<Saved | undefined>((a, b) => (a && weightOf(a) >= weightOf(b) ? a : b), undefined)
  if (!telling || !most?.step) return undefined
  const hours: Record<string, number> = {}
  for (const each of saved) addHours(hours, each.start, each.likely ?? each.low)
  return {
    ...rest,
    affected: saved.filter(({ high }) => high > 0n).length,
    percentiles,
    telling,
    hours,
    example: { pod: most.start.name, traceId: most.start.traceId, spanId: most.step.spanId },
  }
}

function savedBy(start: Start, range: CutRange | undefined): Saved {
  if (!range) return { start, step: undefined, low: NONE, likely: NONE, high: NONE }
  const { low, likely, high, step } = range
  return {
    start,
    step,
    low: savingOf(start, low, 'down'),
    likely: likely && savingOf(start, likely),
    high: savingOf(start, high, 'up'),
  }
}

const NONE = durationNano(0n)

function atPercentile(saved: readonly Saved[], percentile: Percentile): AtPercentile[] {
  const at = (by: (each: Saved) => DurationNano): DurationNano | undefined =>
    quantileOf(
      saved.map((each) => durationNano(each.start.total - by(each))),
      percentile,
    )
  const of = at(() => NONE)
  if (of === undefined) return []
  const less = (by: (each: Saved) => DurationNano): DurationNano => durationNano(of - (at(by) ?? of))
  const known = saved.every(({ likely }) => likely !== undefined)
  return [
    {
      percentile,
      of,
      saving: {
        low: less(({ low }) => low),
        likely: known ? less(({ likely }) => likely ?? NONE) : undefined,
        high: less(({ high }) => high),
      },
    },
  ]
}

/** What a saving counts for: what is likely, or the middle of what is possible. */
export const weightOf = ({ low, likely, high }: Range): DurationNano =>
  likely ?? durationNano((low + high) / 2n)

const compare = (a: bigint, b: bigint): number => (a < b ? -1 : a > b ? 1 : 0)

const bySaving = (a: WorkloadAdvice, b: WorkloadAdvice): number =>
  compare(mostOf(b), mostOf(a)) || (a.workload < b.workload ? -1 : 1)

const mostOf = ({ advice }: WorkloadAdvice): bigint => (advice[0] ? weightOf(advice[0].telling.saving) : -1n)
