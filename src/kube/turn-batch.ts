// Owns the handing on of live frames: those that one turn of the event loop reads are handed on together, after the sockets were read.
// Promises order, and that none waits for a later turn. What is not live is handed on at once, after what came before it.
// Does not keep more than a batch. That reading and folding in turn, frame by frame, push each other's code out of the processor's
// caches is presumed; that batches save time is measured (docs/performance.md).

import { type Frame, isLive } from '../base/frame.ts'

/** Past some dozens a batch grows no cheaper, and its objects outlive a collection. */
const BATCH_FRAMES = 64

export interface TurnBatch {
  push(frame: Frame): void
  /** Hands on what waits, before something that has to come after it. */
  flush(): void
}

export function inTurnBatches(handOn: (frame: Frame) => void): TurnBatch {
  let waiting: Frame[] = []
  const flush = (): void => {
    const batch = waiting
    waiting = []
    for (const frame of batch) handOn(frame)
  }
  return {
    flush,
    push: (frame) => {
      if (!isLive(frame)) {
        flush()
        handOn(frame)
        return
      }
      const count = waiting.push(frame)
      if (count >= BATCH_FRAMES) flush()
      else if (count === 1) setImmediate(flush)
    },
  }
}
