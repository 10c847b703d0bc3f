// Owns the judgement of an objective: by counting the pods over its threshold, which no sketch can blur.
// Promises `met` and `missed` only where nothing that is still open can change it.
// A percentile is of nearest rank: of n pods, ceil(percentile · n / 100) must be within the threshold.

import { nearestRank } from './quantiles.ts'

/** What was counted for one goal. */
export interface Tally {
  /** Pods whose start ended, other than by being deleted. */
  judged: number
  /** Of these, slower than the threshold or never ready. */
  over: number
}

export const emptyTally = (): Tally => ({ judged: 0, over: 0 })

export interface Open {
  /** Pods that belong to it and are not decided. */
  readonly undecided: number
  /** Whether pods that nobody has seen may still come. */
  readonly more: boolean
}

export type Standing = 'met' | 'missed' | 'open' | 'no pods'

const allowedOver = (percentile: number, pods: number): number =>
  pods === 0 ? 0 : pods - nearestRank(percentile, pods)

export function judge({ judged, over }: Tally, percentile: number, { undecided, more }: Open): Standing {
  const all = judged + undecided
  // With more pods to come any share but all of them can still be reached.
  if (more) return percentile === 100 && over > 0 ? 'missed' : 'open'
  if (all === 0) return 'no pods'
  const allowed = allowedOver(percentile, all)
  if (over > allowed) return 'missed'
  // An undecided pod is over the threshold at worst: if it is deleted instead, that allows at most one fewer.
  return over + undecided <= allowed ? 'met' : 'open'
}

/** Within the threshold by what is known now; undefined without pods. */
export const isMetSoFar = ({ judged, over }: Tally, percentile: number): boolean | undefined =>
  judged === 0 ? undefined : over <= allowedOver(percentile, judged)
