// Owns the finished form of one rollout: when, how far, which pods, and for what it was waiting at each moment.
// Promises that the holds are a partition of the rollout's time, and that every boundary says how far the truth may lie.
// Does not know OTLP, text or how holds are found.

import type { DurationNano, UnixNano } from '../base/time.ts'
import type { Instant } from '../timeline/instant.ts'
import type { Outcome, Span, Trace } from '../trace/trace.ts'
import type { RolloutKey } from './identity.ts'
import type { Difference } from './template.ts'
import type { Limits, WorkloadKind } from './workload.ts'

/**
 * `complete`: as the workload's own status says; `failed`: its controller gave up; `superseded`: another revision came;
 * `deleted`: the workload went; `rolling`: it goes on.
 */
export type RolloutOutcome = 'complete' | 'failed' | 'superseded' | 'deleted' | 'rolling'

export interface Rollout {
  readonly key: RolloutKey
  readonly traceId: string
  readonly kind: WorkloadKind
  readonly namespace: string
  readonly name: string
  /** As `kubectl rollout history` numbers it; a hash where nobody could read the number; absent for a Job. */
  readonly revision: string | undefined
  /** The revision's number, where it could be read. */
  readonly number: number | undefined
  /** What its pods carry as pod-template-hash or controller-revision-hash. */
  readonly hash: string | undefined
  readonly cause: RolloutCause
  readonly outcome: RolloutOutcome
  /** What its controller said of why it failed. */
  readonly failure: string | undefined
  readonly start: Instant
  readonly end: Instant
  readonly length: DurationNano
  readonly wanted: number | undefined
  readonly limits: Limits
  /** By creation. */
  readonly pods: readonly RolloutPod[]
  /** How often pods were created after others had to be available. */
  readonly waves: number
  /** New pods that were on their way at the same time, at the most. */
  readonly atOnce: number
  readonly holds: readonly Hold[]
  readonly shares: readonly Share[]
  readonly images: ReadonlyMap<string, string>
  /** Of its pods, but for what their controller adds. */
  readonly labels: Readonly<Record<string, string>>
  readonly verdict: string
  /** What was not seen, in words; none where all was. */
  readonly missing: readonly string[]
}

export interface RolloutCause {
  /** `created`; `template`: its pod template changed; `rollback`: an earlier revision was taken up again. */
  readonly kind: 'created' | 'template' | 'rollback'
  /** Who wrote the change, as `managedFields` names it. */
  readonly by?: string
  /** `kubernetes.io/change-cause`. */
  readonly words?: string
  readonly differences: readonly Difference[]
}

export interface RolloutPod {
  readonly uid: string
  readonly name: string
  readonly node: string | undefined
  readonly created: Instant
  readonly ready: Instant | undefined
  /** Ready for `minReadySeconds`; what its controller counts. */
  readonly available: Instant | undefined
  /** Of a Job: its work is over. */
  readonly finished: Instant | undefined
  /** It was asked to go. */
  readonly deleting: Instant | undefined
  /** All its containers have ended, as its phase says, or it is gone. */
  readonly stopped: Instant | undefined
  readonly outcome: Outcome | 'unknown'
  readonly failed: string | undefined
  /** From 1. */
  readonly wave: number
  readonly trace: Trace | undefined
}

/** A pod that had to go. */
export interface OldPod {
  readonly uid: string
  readonly name: string
  readonly node: string | undefined
  readonly deleting: Instant
  readonly stopped: Instant | undefined
  readonly gone: Instant | undefined
}

/** What a rollout may wait for; each is the name of a span. */
export type HoldKind =
  | 'start pod'
  | 'wait for minReadySeconds'
  | 'run pod'
  | 'stop old pod'
  | 'creation refused'
  | 'back-off'
  | 'paused'
  | 'suspended'
  | 'wait for deletion'
  | 'reconcile'
  | 'unaccounted'

/** Why what came next had to wait for it: `budget` is maxSurge and maxUnavailable, `last` that nothing came next. */
export type Because = 'budget' | 'ordered' | 'parallelism' | 'Recreate' | 'last'

export interface Hold {
  readonly kind: HoldKind
  readonly from: UnixNano
  readonly to: UnixNano
  readonly actor: string
  readonly pod?: RolloutPod
  readonly old?: OldPod
  /** The operation of the pod's start. */
  readonly span?: Span
  readonly because?: Because
  readonly message?: string
}

/** All holds of one kind together. */
export interface Share {
  readonly kind: HoldKind
  /** The pod's operation, and what it was about, as an end of a sentence. */
  readonly operation?: string
  readonly words: string
  readonly length: DurationNano
  readonly pods: readonly string[]
}
