// Owns the form in which the operator shows its own health to /metrics: plain numbers, read when somebody scrapes.
// Promises nothing about them: each part counts where things happen, and a count that starts anew is a reset for Prometheus too.
// Does not read anything by itself; the controller fills it.

import type { Accounting } from '../export/ledger.ts'
import type { Buckets } from './buckets.ts'

export interface HealthSnapshot {
  /** `Pipeline.counters()` as it is: frames by kind, garbage, limits reached, pods in flight. */
  readonly pipeline: Readonly<Record<string, number>>
  /** By stream (`pods`, `events`, …); a reflector's `StreamCounters` are one as they are. */
  readonly streams: Readonly<Record<string, StreamHealth>>
  /** `Pipeline.lag()`: how late the watch has been of late, by its own fine stamps; absent while it is not known. */
  readonly watchLagSeconds?: number
  /** What the receiver of other components' spans did; absent where there is none. */
  readonly receiver?: {
    readonly bytes: number
    readonly requests: Readonly<Record<string, number>>
    readonly spans: Readonly<Record<string, number>>
  }
  /** What the webhook that puts contexts into pods was asked; absent where there is none. */
  readonly webhook?: { readonly requests: Readonly<Record<string, number>>; readonly seconds: Buckets }
  /** By the exporter's configured name. */
  readonly exporters: Readonly<Record<string, ExporterHealth>>
  /** Finished traces that are kept for late sessions and the page. */
  readonly ring?: { readonly traces: number; readonly bytes: number; readonly evicted: number }
  readonly eventLoopDelay?: {
    readonly meanSeconds: number
    readonly p99Seconds: number
    readonly maxSeconds: number
  }
  /** Whether this replica exports and writes status. */
  readonly leader: boolean
  /** How often this replica became the leader. */
  readonly leaderAcquired: number
  /** TraceSessions by phase. */
  readonly sessions: Readonly<Record<string, number>>
  /** Writes of a session's status by result, such as `written`, `conflict`, `failed`. */
  readonly statusWrites: Readonly<Record<string, number>>
  /** What sessions held that cannot be, beside the pipeline's. */
  readonly garbage?: Readonly<Record<string, number>>
  /** Limits reached outside of the pipeline, by name. */
  readonly limits?: Readonly<Record<string, number>>
}

/** Structurally a part of `StreamCounters` of kube/, which metrics/ must not import. */
export interface StreamHealth {
  readonly frames: number
  readonly bytes: number
  readonly restarts: number
  readonly relists: Readonly<Record<string, number>>
  readonly failures: Readonly<Record<string, number>>
  readonly decodeErrors: Readonly<Record<string, number>>
  readonly gaps: number
  readonly objects: number
  readonly state: string
}

export interface ExporterHealth extends Omit<Accounting, 'droppedBy'> {
  /** Traces dropped by reason: the ledger's, and the exporter's budget. */
  readonly droppedBy: Readonly<Record<string, number>>
  /** Traces that may have been sent before, by a crash or failover. */
  readonly repeats: number
}
