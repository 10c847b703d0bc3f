// Owns what following chosen pods gives: their starts as they go on, for a terminal or for the page.
// Promises types only. Does not follow.

import type { PodRecord } from '../base/record.ts'
import type { Pipeline } from '../trace/pipeline.ts'
import type { Trace } from '../trace/trace.ts'

/** Starts of chosen pods, as they go on. */
export interface Followed {
  readonly pipeline: Pipeline
  /** By UID. */
  readonly pods: ReadonlyMap<string, PodRecord>
  /** UIDs of those that are under way. */
  readonly waiting: ReadonlySet<string>
  /** None is under way any more. */
  readonly done: Promise<void>
  /** All of them as they stand. */
  told(): Trace[]
  /** Called with each that is over from now on. */
  onTrace: (trace: Trace) => void
  close(): Promise<void>
}
