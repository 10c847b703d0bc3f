// Owns what the operator does about rollouts: they are followed from its frames, counted, and given to the delivery when they are over.
// Promises that each is told once here, wherever it is exported; that without the setting nothing of it runs and nothing is kept.
// Does not watch (streams.ts), tell (rollout/follow.ts) or send (delivery.ts).

import type { Frame } from '../base/frame.ts'
import type { UnixNano } from '../base/time.ts'
import type { Metrics } from '../metrics/metrics.ts'
import { type FollowCounters, type FollowedRollouts, followRollouts } from '../rollout/follow.ts'
import { type RolloutCluster, traceOfRollout } from '../rollout/trace-of.ts'
import type { Pipeline } from '../trace/pipeline.ts'
import type { Trace } from '../trace/trace.ts'
import type { ControllerConfig } from './config.ts'
import type { Delivery } from './delivery.ts'
import type { Handover } from './handover.ts'

export interface RolloutsOptions {
  readonly config: Pick<ControllerConfig, 'ring' | 'settle' | 'watch'>
  readonly cluster: RolloutCluster
  readonly pipeline: Pick<Pipeline, 'holds' | 'models' | 'traceOf'>
  readonly delivery: Pick<Delivery, 'takeRollout'>
  readonly handover: Pick<Handover, 'wasRolloutMissed'>
  readonly metrics: Pick<Metrics, 'takeRollout' | 'rolloutsUnderWay'>
}

export interface RolloutDuties {
  /** Every frame, before the pipeline has it. */
  push(frame: Frame): void
  /** A finished start, and the exporters that have it. */
  take(trace: Trace, exporters: readonly string[]): void
  /** Every stream has delivered its first list. */
  listed(now: UnixNano): void
  /** Once a second. */
  pass(now: UnixNano): void
  counters(): FollowCounters | undefined
}

/** Of the ring's bytes, starts of rollouts that are under way may take so much besides; most of them are in the ring too. */
const STARTS_SHARE = 4

export function createRollouts(options: RolloutsOptions): RolloutDuties {
  const { config, handover, pipeline } = options
  if (!config.watch.rollouts) return NONE
  const followed = followRollouts({
    models: pipeline.models(),
    settle: config.settle,
    traceOf: pipeline.traceOf,
    holds: pipeline.holds,
    startsMaxBytes: config.ring.maxBytes / STARTS_SHARE,
    wasMissed: (ended) => handover.wasRolloutMissed(ended),
  })
  return {
    push: followed.push,
    take: followed.take,
    listed: followed.listed,
    pass: (now) => pass(options, followed, now),
    counters: followed.counters,
  }
}

const nothing = (): void => {}
const NONE: RolloutDuties = {
  push: nothing,
  take: nothing,
  listed: nothing,
  pass: nothing,
  counters: () => undefined,
}

function pass(
  { cluster, delivery, metrics }: RolloutsOptions,
  followed: FollowedRollouts,
  now: UnixNano,
): void {
  for (const { rollout, exporters } of followed.pass(now)) {
    const sent = delivery.takeRollout(traceOfRollout(rollout, cluster), exporters)
    metrics.takeRollout(rollout, sent.length > 0 ? 'exported' : 'kept')
  }
  metrics.rolloutsUnderWay(followed.counters().byKind, now)
}
