// Owns the form of one fact drawn from a frame.
// Promises that the same fact has the same key and index, however often and in whichever phase it is seen, so that folding is idempotent.
// Does not combine facts: that is timeline/.

import type { DurationNano } from '../base/time.ts'
import type { ReadStamp } from './stamps.ts'

/** What can happen to a pod, to one of its containers, or to something that it waits for. */
export type What =
  | 'created'
  | 'gated'
  | 'ungated'
  /** One of several. */
  | 'gate removed'
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
  | 'container unready'
  | 'waiting'
  | 'noted'
  | 'phase'
  | 'deleting'
  | 'deleted'
  // to what a start may wait for besides (related.ts)
  | 'node selected'
  | 'claim bound'
  | 'attached'
  | 'attach failed'
  | 'allocated'
  | 'reserved'
  | 'untainted'
  | 'taints left'

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

/** An event's message is kept to this length; the API server itself allows 1,024 characters. */
export const MESSAGE_MAX = 1024

export interface Observation {
  /** With `index`, what tells this fact from every other one of its pod. */
  readonly key: string
  readonly what: What
  readonly container?: string | undefined
  /** Where evidence numbers occurrences: the restart count, or the event's count, from 0; for a passing state, its second. */
  readonly index?: number
  /** The event that says so: its occurrences are numbered by `index`; different ones are ordered by time. */
  readonly group?: string
  readonly detail?: Detail
  readonly stamps: readonly ReadStamp[]
}
