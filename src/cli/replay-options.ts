// Owns what `podspan replay` is asked, and how every command comes by a pipeline: loaded when it is needed, and given.
// Promises types only. Does not replay.

import type { DurationNano } from '../base/time.ts'
import type { Pipeline, PipelineOptions } from '../trace/pipeline.ts'
import type { OutputForm } from './output.ts'

export type CreatePipeline = (options?: PipelineOptions) => Pipeline

export interface ReplayOptions {
  readonly output: OutputForm
  readonly slowest?: number
  readonly pod?: string
  readonly slowerThan?: DurationNano
  readonly summary?: boolean
  readonly otlpEndpoint?: readonly string[]
  /** Serve the page at this port, and start a browser. */
  readonly ui?: number
  readonly open: boolean
  readonly settle?: DurationNano
  readonly startTimeout?: DurationNano
}
