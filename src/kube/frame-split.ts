// Owns cutting a watch's bytes into frames, wherever the network cut them.
// Promises each frame once, whole and in order; a frame over the limit is skipped and counted, never buffered.
// Does not decode: it hands out ranges of a buffer that are valid only during the call, and keeps none that it was given.

export interface SplitterEvents {
  frame(bytes: Buffer, start: number, end: number): void
  /** A frame was over the limit: its bytes are dropped. */
  oversize(length: number): void
}

export interface Splitter {
  push(bytes: Buffer, start: number, end: number): void
  /** Bytes of an unfinished frame: not 0 at the end of a stream means that it broke off inside one. */
  pending(): number
}

/** A buffer that has grown beyond this is kept for one frame only. */
const KEPT_BYTES_MAX = 256 * 1024
const FIRST_BYTES = 16 * 1024

/** The beginning of a frame, until the rest of it comes. */
class Rest {
  bytes = 0
  #buffer: Buffer | undefined

  add(from: Buffer, start: number, end: number): void {
    this.room(this.bytes + end - start)
    from.copy(this.#buffer as Buffer, this.bytes, start, end)
    this.bytes += end - start
  }

  /** Makes room for so many bytes in all. */
  room(bytes: number): void {
    if (this.#buffer && this.#buffer.length >= bytes) return
    const larger = Buffer.allocUnsafeSlow(Math.max(FIRST_BYTES, bytes, 2 * (this.#buffer?.length ?? 0)))
    this.#buffer?.copy(larger, 0, 0, this.bytes)
    this.#buffer = larger
  }

  /** What is there, which is forgotten with the next `add`. */
  take(): Buffer {
    const taken = this.#buffer ?? Buffer.alloc(0)
    this.bytes = 0
    if (taken.length > KEPT_BYTES_MAX) this.#buffer = undefined
    return taken
  }
}

/** Protobuf: a 4-byte big-endian length before each frame. */
export function splitLengthDelimited(maxBytes: number, events: SplitterEvents): Splitter {
  return new LengthDelimited(maxBytes, events)
}

const LENGTH_BYTES = 4

class LengthDelimited implements Splitter {
  readonly #maxBytes: number
  readonly #events: SplitterEvents
  readonly #rest = new Rest()
  /** What `rest` must grow to before anything can be done: the length, then the whole frame. */
  #wanted = LENGTH_BYTES
  #skipping = 0

  constructor(maxBytes: number, events: SplitterEvents) {
    this.#maxBytes = maxBytes
    this.#events = events
  }

  pending(): number {
    return this.#rest.bytes + this.#skipping
  }

  push(bytes: Buffer, start: number, end: number): void {
    let at = start
    while (at < end) {
      if (this.#skipping > 0) at = this.#skip(at, end)
      else if (this.#rest.bytes > 0) at = this.#finishRest(bytes, at, end)
      else {
        at = this.#readWhole(bytes, at, end)
        if (at < end && this.#skipping === 0) at = this.#finishRest(bytes, at, end)
      }
    }
  }

  /** Frames that lie whole in the bytes, without a copy. */
  #readWhole(bytes: Buffer, from: number, end: number): number {
    let at = from
    while (end - at >= LENGTH_BYTES) {
      const length = bytes.readUInt32BE(at)
      if (length > this.#maxBytes || end - at - LENGTH_BYTES < length) break
      this.#events.frame(bytes, at + LENGTH_BYTES, at + LENGTH_BYTES + length)
      at += LENGTH_BYTES + length
    }
    return at
  }

  /** Takes what the frame that has begun still wants, and no more: other frames are read where they are. */
  #finishRest(bytes: Buffer, from: number, end: number): number {
    let at = this.#fill(bytes, from, end)
    if (this.#rest.bytes < this.#wanted) return at
    if (this.#wanted === LENGTH_BYTES) {
      const length = this.#rest.take().readUInt32BE(0)
      if (length > this.#maxBytes) {
        this.#skipping = length
        this.#events.oversize(length)
        return at
      }
      this.#begin(length)
      at = this.#fill(bytes, at, end)
      if (this.#rest.bytes < this.#wanted) return at
    }
    const whole = this.#wanted
    this.#wanted = LENGTH_BYTES
    this.#events.frame(this.#rest.take(), LENGTH_BYTES, whole)
    return at
  }

  #begin(length: number): void {
    this.#wanted = LENGTH_BYTES + length
    this.#rest.room(this.#wanted)
    this.#rest.bytes = LENGTH_BYTES
  }

  #fill(bytes: Buffer, from: number, end: number): number {
    const until = Math.min(end, from + this.#wanted - this.#rest.bytes)
    this.#rest.add(bytes, from, until)
    return until
  }

  #skip(at: number, end: number): number {
    const dropped = Math.min(this.#skipping, end - at)
    this.#skipping -= dropped
    return at + dropped
  }
}

/** JSON: one object a line. Only the byte 0x0A ends a line; U+2028 inside a string does not. */
export function splitLines(maxBytes: number, events: SplitterEvents): Splitter {
  return new Lines(maxBytes, events)
}

const LINE_FEED = 10

class Lines implements Splitter {
  readonly #maxBytes: number
  readonly #events: SplitterEvents
  readonly #rest = new Rest()
  #skipping = false

  constructor(maxBytes: number, events: SplitterEvents) {
    this.#maxBytes = maxBytes
    this.#events = events
  }

  pending(): number {
    return this.#rest.bytes
  }

  push(bytes: Buffer, start: number, end: number): void {
    let at = start
    for (;;) {
      const lineFeed = bytes.indexOf(LINE_FEED, at)
      if (lineFeed < 0 || lineFeed >= end) break
      this.#finish(bytes, at, lineFeed)
      at = lineFeed + 1
    }
    if (at < end && !this.#skipping) this.#keep(bytes, at, end)
  }

  #finish(bytes: Buffer, start: number, end: number): void {
    const length = this.#rest.bytes + end - start
    if (this.#skipping || length > this.#maxBytes) {
      this.#rest.take()
      if (!this.#skipping) this.#events.oversize(length)
      this.#skipping = false
    } else if (this.#rest.bytes === 0) {
      if (end > start) this.#events.frame(bytes, start, end)
    } else {
      this.#rest.add(bytes, start, end)
      this.#events.frame(this.#rest.take(), 0, length)
    }
  }

  #keep(bytes: Buffer, start: number, end: number): void {
    const length = this.#rest.bytes + end - start
    if (length > this.#maxBytes) {
      this.#skipping = true
      this.#rest.take()
      this.#events.oversize(length)
    } else this.#rest.add(bytes, start, end)
  }
}
