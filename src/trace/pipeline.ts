// Owns the pure middle as one fold: frames in, finished traces out.
// Promises that equal frames give equal traces, and that time enters only by a frame's `t`.
// Does no IO and keeps no trace after it was returned.

import type { Frame } from '../base/frame.ts'
import type { DurationNano, UnixNano } from '../base/time.ts'
import type { Trace } from './trace.ts'

export interface PipelineOptions {
  /** How long evidence may settle after the end of a start. Default 5 s. */
  readonly settle?: DurationNano
  /** A start that is not over after this is a timeout. Default 10 min. */
  readonly startTimeout?: DurationNano
  readonly clusterName?: string
  readonly clusterUid?: string
}

/** A start that is not over yet, for `watch`, status and metrics. */
export interface InFlight {
  readonly uid: string
  readonly namespace: string
  readonly name: string
  readonly workload?: string
  readonly node?: string
  /** Best estimate of when the pod was created. */
  readonly created: UnixNano
  /** The operation it waits for now, and since when. */
  readonly operation: string
  readonly since: UnixNano
  /** What it waits for in plain words, such as `pulling localhost:5000/big:2`. */
  readonly waitsFor: string
}

/** What the clock of one node (or `apiserver`, `scheduler`) is off from ours; undefined ends are unknown. */
export interface ClockReport {
  readonly clock: string
  readonly offsetFrom?: DurationNano
  readonly offsetTo?: DurationNano
  readonly samples: number
}

export interface Pipeline {
  /** Takes one frame; returns the traces that became final by it, in order of their end. */
  push(frame: Frame): Trace[]
  inFlight(): InFlight[]
  /** The trace of a pod that has not been returned yet, as it stands; also of a pod that was ready before we started (backfill). */
  traceOf(uid: string): Trace | undefined
  clocks(): ClockReport[]
  /** Counts by name: frames, observations, conflicts, garbage by kind, limits reached. */
  counters(): Readonly<Record<string, number>>
}

export declare function createPipeline(options?: PipelineOptions): Pipeline
