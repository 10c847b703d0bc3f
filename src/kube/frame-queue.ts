// Owns the step from callbacks to `AsyncIterable<Frame>`: a bounded queue between the sockets and one reader.
// Promises order and no loss; over `highWater` it closes the valve, and opens it again below `lowWater`.
// Does not grow without end: what may still arrive after the valve closes is one chunk or page per stream.

import type { Frame } from '../base/frame.ts'
import type { Valve } from './valve.ts'

export interface FrameQueue {
  push(frame: Frame): void
  /** No more frames; the reader gets what is left. */
  end(): void
  size(): number
  frames(): AsyncIterable<Frame>
}

/** Taken frames are let go in batches: a shift per frame would move the whole queue each time. */
const COMPACT_AFTER = 1024

export function createFrameQueue(valve: Valve, highWater = 8192, lowWater = highWater >> 2): FrameQueue {
  let waiting: Frame[] = []
  let taken = 0
  let ended = false
  let wake: (() => void) | undefined
  const size = (): number => waiting.length - taken
  const notify = (): void => {
    wake?.()
    wake = undefined
  }
  const take = (): Frame | undefined => {
    const frame = waiting[taken]
    if (!frame) return undefined
    taken += 1
    if (taken === waiting.length || taken >= COMPACT_AFTER) {
      waiting = waiting.slice(taken)
      taken = 0
    }
    if (!valve.isOpen && size() <= lowWater) valve.open()
    return frame
  }
  async function* read(): AsyncGenerator<Frame> {
    for (;;) {
      const frame = take()
      if (frame) yield frame
      else if (ended) return
      else
        await new Promise<void>((resolve) => {
          wake = resolve
        })
    }
  }
  return {
    size,
    push: (frame) => {
      if (ended) return
      waiting.push(frame)
      if (valve.isOpen && size() >= highWater) valve.close()
      notify()
    },
    end: () => {
      ended = true
      valve.open()
      notify()
    },
    frames: read,
  }
}
