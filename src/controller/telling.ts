// Owns in which turns of the event loop finished starts are told.
// Promises that thousands which end at once, as a list shows them that comes after a time without a watch, hold up what else waits (a Lease, a probe, a
// watch) for half a second at a time. Does not tell them: trace/pipeline.ts does.

import type { Frame } from '../base/frame.ts'
import type { Exporters } from './exporters.ts'
import type { Pipeline } from '../trace/pipeline.ts'
import type { Trace } from '../trace/trace.ts'

/**
 * With their export they take half a millisecond each. Below this they are told with one frame, as their watermark counts on: starts that are told in
 * several turns around the end of a leader repeat more often than its last two seconds.
 */
const TELL_MAX = 1000
/** A start that waits to be told holds about as much as its trace in a queue: what does not fit there may wait here to this number. */
const DUE_MAX = 20_000

/** For the pipeline: while an exporter that can send has enough, it gets no more. */
export const roomFor =
  (exporters: Pick<Exporters, 'isBehind'>) =>
  (due: number): number =>
    due < DUE_MAX && exporters.isBehind() ? 0 : TELL_MAX

export class Telling {
  readonly #pipeline: Pipeline
  readonly #take: (trace: Trace) => void
  #isWaiting = false
  #isOver = false

  constructor(pipeline: Pipeline, take: (trace: Trace) => void) {
    this.#pipeline = pipeline
    this.#take = take
  }

  push(frame: Frame): void {
    this.#tell(this.#pipeline.push(frame))
  }

  #tell(traces: readonly Trace[]): void {
    for (const trace of traces) this.#take(trace)
    // Without room the next frame asks again, a tick at the latest.
    if (traces.length === 0 || this.#isWaiting || this.#isOver || !this.#pipeline.isBehind()) return
    this.#isWaiting = true
    setImmediate(() => {
      this.#isWaiting = false
      if (!this.#isOver) this.#tell(this.#pipeline.more())
    })
  }

  /** What has not been told is above the watermark: the next leader tells it. */
  stop(): void {
    this.#isOver = true
  }
}
