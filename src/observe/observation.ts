// Owns the form of one fact drawn from a frame.
// Promises that the same fact has the same key, however often and in whichever phase it is seen, so that folding is idempotent.
// Does not combine facts: that is timeline/.

import type { Stamp } from '../base/stamp.ts'
import type { DurationNano } from '../base/time.ts'

/** What can happen to a pod or to one of its containers. */
export type What =
  | 'created'
  | 'gated'
  | 'ungated'
  | 'scheduling failed'
  | 'nominated'
  | 'bound'
  | 'admitted'
  | 'sandbox failed'
  | 'sandbox changed'
  | 'network ready'
  | 'condition'
  | 'pulling'
  | 'pulled'
  | 'image present'
  | 'pull failed'
  | 'created container'
  | 'started container'
  | 'finished container'
  | 'container failed'
  | 'backing off'
  | 'hook failed'
  | 'unhealthy'
  | 'startup passed'
  | 'container ready'
  | 'waiting'
  | 'noted'
  | 'phase'
  | 'deleting'
  | 'deleted'

export interface Detail {
  readonly reason?: string
  readonly message?: string
  /** A condition's `status`, a phase, or the gates that are set. */
  readonly value?: string
  readonly type?: string
  readonly exitCode?: number
  readonly image?: string
  readonly pull?: DurationNano
  readonly withWaiting?: DurationNano
  readonly bytes?: number
  /** Occurrences that this one stands for, where an event was counted. */
  readonly count?: number
  readonly component?: string
}

export interface Observation {
  readonly key: string
  readonly what: What
  readonly container?: string
  /** Where evidence numbers occurrences: the restart count, or the event's count, from 0. */
  readonly index?: number
  /** Occurrences of one group are numbered by `index`; different groups are ordered by time. */
  readonly group?: string
  readonly detail?: Detail
  readonly stamps: readonly Stamp[]
}
