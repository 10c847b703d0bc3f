// Owns in which turns of the event loop finished starts are told.
// Promises that thousands which end at once, as a list shows them that comes after a time without a watch, hold up nothing else that waits: a Lease, a
// probe, a watch. Does not tell them: trace/pipeline.ts does.

import type { Frame } from '../base/frame.ts'
import type { Pipeline } from '../trace/pipeline.ts'
import type { Trace } from '../trace/trace.ts'

/** With their export they take half a millisecond each; a frame that comes in between tells as many. */
export const TELL_MAX = 10

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
    if (this.#isWaiting || this.#isOver || !this.#pipeline.isBehind()) return
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
