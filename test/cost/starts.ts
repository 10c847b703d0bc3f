// Owns the work whose amount is counted: starts from the bytes of the watch to those of their traces.
// Promises as many traces as starts. Does not count: see count.ts.

import { finalTick, playStarts } from '../../bench/frames.ts'
import { encodeTrace } from '../../src/export/otlp-protobuf.ts'
import { BY_ACTOR } from '../../src/export/resource.ts'
import { createPipeline } from '../../src/trace/pipeline.ts'

export function work(from: number, starts: number): void {
  const pipeline = createPipeline()
  const frames = playStarts({ from, starts, startsPerSecond: 1000 })
  const last = frames.at(-1)
  if (!last) throw new Error('there are no frames')
  const traces = [...frames, finalTick(last.t)].flatMap((frame) => pipeline.push(frame))
  for (const trace of traces) encodeTrace(trace, BY_ACTOR)
  if (traces.length !== starts) throw new Error(`${starts} starts gave ${traces.length} traces`)
}
