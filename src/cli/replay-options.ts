// Owns what `podspan replay` is asked, which starts that means, and how every command comes by a pipeline: loaded when it is needed, and given.
// Promises that starts which were not asked for are left out on the terminal and on the page alike. Does not replay.

import type { DurationNano } from '../base/time.ts'
import type { Pipeline, PipelineOptions } from '../trace/pipeline.ts'
import type { Trace } from '../trace/trace.ts'
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

export type PodName = Pick<Trace, 'namespace' | 'name' | 'uid'>

export const isNamed = ({ namespace, name, uid }: PodName, pod: string): boolean =>
  pod === name || pod === `${namespace}/${name}` || pod === uid

export function isWanted(
  trace: PodName & Pick<Trace, 'startup'>,
  { pod, slowerThan }: Pick<ReplayOptions, 'pod' | 'slowerThan'>,
): boolean {
  if (pod !== undefined && !isNamed(trace, pod)) return false
  return slowerThan === undefined || trace.startup > slowerThan
}
