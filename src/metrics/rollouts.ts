// Owns the counting of rollouts: how they ended, how long they took, for what they waited, and which go on.
// Promises as many series as there are kinds, outcomes and holds, whatever the cluster holds, and that a rollout is counted once.
// Does not name workloads: a trace of each does, and the histogram's exemplars lead to it.

import { type UnixNano } from '../base/time.ts'
import type { KindUnderWay } from '../rollout/follow.ts'
import type { Rollout } from '../rollout/rollout.ts'
import { WORKLOAD_KINDS, type WorkloadKind } from '../rollout/workload.ts'
import { type Buckets, emptyBuckets, observe } from './buckets.ts'
import { ROLLOUT_BOUNDS } from './definitions.ts'
import type { MetricName } from './definitions.ts'
import type { Collectors } from './exposition.ts'
import { HOLDS, ROLLOUT_OUTCOMES } from './labels.ts'
import { pushHistogram, type Sample } from './samples.ts'
import type { Fate } from './starts.ts'

interface KindCounts {
  readonly durations: Buckets
  /** As ROLLOUT_OUTCOMES lists them. */
  readonly outcomes: Float64Array
  /** As HOLDS lists them. */
  readonly holdSeconds: Float64Array
  underWay: number
  oldestSeconds: number
}

export type RolloutCounts = ReadonlyMap<WorkloadKind, KindCounts>

export const emptyRolloutCounts = (): RolloutCounts =>
  new Map(
    WORKLOAD_KINDS.map((kind) => [
      kind,
      {
        durations: emptyBuckets(ROLLOUT_BOUNDS),
        outcomes: new Float64Array(ROLLOUT_OUTCOMES.length),
        holdSeconds: new Float64Array(HOLDS.length),
        underWay: 0,
        oldestSeconds: 0,
      },
    ]),
  )

export function countRollout(all: RolloutCounts, rollout: Rollout, fate: Fate): void {
  const { end, holds, kind, length, outcome, traceId } = rollout
  const counts = all.get(kind)
  if (!counts || outcome === 'rolling') return
  increase(counts.outcomes, ROLLOUT_OUTCOMES.indexOf(outcome), 1)
  for (const hold of holds)
    increase(counts.holdSeconds, HOLDS.indexOf(hold.kind), toSeconds(hold.to - hold.from))
  if (outcome !== 'complete') return
  observe(counts.durations, toSeconds(length), fate === 'exported' ? traceId : undefined, toSeconds(end.best))
}

export function countUnderWay(
  all: RolloutCounts,
  byKind: ReadonlyMap<WorkloadKind, KindUnderWay>,
  now: UnixNano,
): void {
  for (const [kind, counts] of all) {
    const found = byKind.get(kind)
    counts.underWay = found?.count ?? 0
    counts.oldestSeconds = found ? Math.max(0, toSeconds(now - found.since)) : 0
  }
}

const toSeconds = (nanoseconds: bigint): number => Number(nanoseconds) / 1e9

function increase(counts: Float64Array, index: number, by: number): void {
  counts[index] = (counts[index] ?? 0) + by
}

export type RolloutMetric = Extract<MetricName, `podspan_rollout${string}`>

export function collectRollouts(all: RolloutCounts, now: () => number): Pick<Collectors, RolloutMetric> {
  const each = (tell: (counts: KindCounts, labels: { rollout_kind: string }) => Sample[]) => (): Sample[] =>
    [...all].flatMap(([rollout_kind, counts]) => tell(counts, { rollout_kind }))
  const named = (names: readonly string[], label: string, pick: (counts: KindCounts) => Float64Array) =>
    each((counts, labels) =>
      names.map((name, index) => ({
        labels: { ...labels, [label]: name },
        value: pick(counts)[index] as number,
      })),
    )
  return {
    podspan_rollout_duration_seconds: (format) => {
      const samples: Sample[] = []
      for (const [rollout_kind, { durations }] of all)
        pushHistogram(samples, 'podspan_rollout_duration_seconds', durations, format, now(), { rollout_kind })
      return samples
    },
    podspan_rollouts_total: named(ROLLOUT_OUTCOMES, 'rollout_outcome', ({ outcomes }) => outcomes),
    podspan_rollout_hold_seconds_total: named(HOLDS, 'hold', ({ holdSeconds }) => holdSeconds),
    podspan_rollouts_under_way: each(({ underWay }, labels) => [{ labels, value: underWay }]),
    podspan_rollout_oldest_age_seconds: each(({ oldestSeconds }, labels) => [
      { labels, value: oldestSeconds },
    ]),
  }
}
