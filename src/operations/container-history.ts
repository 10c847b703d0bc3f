// Owns the form of what one container went through: its pulls, its runs, and its failures to be created, each numbered.
// Promises each by its restart count, or as the events count. Does not put it together: tell-history.ts does.

import type { ContainerSpec } from '../base/record.ts'
import type { Draft } from '../timeline/combine.ts'
import type { Fact } from '../timeline/facts.ts'
import type { Pull } from './pull-history.ts'
import type { FailedCreate, Run } from './runs.ts'

export interface ContainerHistory {
  readonly spec: ContainerSpec
  readonly pulls: Pull[]
  /** By restart count. */
  readonly runs: Map<number, Run>
  readonly failedCreates: FailedCreate[]
  /** Restart count of the first run that events have not shown; those from it on only the status tells of. */
  untold: number
  readonly unhealthy: readonly Fact[]
  /** What the kubelet said when it ended runs. */
  readonly kills: readonly Fact[]
  /** Its pod has failed, nobody asked it to end, and nothing is restarted: what was stopped then failed a probe. */
  readonly isStoppedForProbes: boolean
  readonly hookFailures: readonly Draft[]
  /** When the status showed that a hook had failed. */
  readonly hookFailedBy: Draft | undefined
  readonly waiting: readonly Fact[]
}
