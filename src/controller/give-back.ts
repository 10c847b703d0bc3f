// Owns giving memory back once work is over: a burst, or the start, leaves pages with V8 that it keeps for the next one.
// Promises one collection after each time of work, only where hardly anything arrives and the heap is small, so that its pause is short
// and delays nothing; none where Node was started without --expose-gc. Does not measure memory: it is told.

export interface GiveBack {
  /** Once a second: how many frames there have been in all. */
  beat(frames: number): void
}

/** Seconds with hardly a frame before anything is given back. */
const QUIET_BEATS = 10
/** In a second: heartbeats of a hundred nodes, and some more. */
const QUIET_FRAMES = 15
/** Fewer frames than these leave nothing worth a collection. */
const WORK_FRAMES = 500
/** A collection of this much pauses for some tenth of a second. */
const HEAP_MAX_BYTES = 64 * 1024 * 1024

export interface GiveBackOptions {
  /** Absent where Node does not offer it. */
  readonly collect?: () => void
  readonly heapUsedBytes: () => number
}

export function createGiveBack({ collect, heapUsedBytes }: GiveBackOptions): GiveBack {
  let quietBeats = 0
  /** The start is work too: what was compiled and listed. */
  let worked = Number.POSITIVE_INFINITY
  let before = 0
  return {
    beat: (frames) => {
      const arrived = frames - before
      before = frames
      if (arrived > QUIET_FRAMES) worked += arrived
      quietBeats = arrived > QUIET_FRAMES ? 0 : quietBeats + 1
      if (quietBeats < QUIET_BEATS || worked < WORK_FRAMES || heapUsedBytes() > HEAP_MAX_BYTES) return
      worked = 0
      collect?.()
    },
  }
}
