// Owns cutting a watch's bytes into frames, wherever the network cut them into chunks.
// Promises each frame once, whole and in order; a frame over the limit is skipped and counted, never buffered.
// Does not decode: it hands out ranges of a buffer that are valid only during the call.

export interface SplitterEvents {
  frame(bytes: Buffer, start: number, end: number): void
  /** A frame was over the limit: its bytes are dropped. */
  oversize(length: number): void
}

export interface Splitter {
  push(chunk: Buffer): void
  /** Bytes of an unfinished frame: not 0 at the end of a stream means that it broke off inside one. */
  pending(): number
}

/** Protobuf: a 4-byte big-endian length before each frame. */
export function splitLengthDelimited(maxBytes: number, events: SplitterEvents): Splitter {
  /** The beginning of a frame that a chunk ended in, with its length, as far as that is known. */
  let rest: Buffer[] = []
  let restBytes = 0
  /** What `rest` must grow to before anything can be done: its length field, then the whole frame. */
  let wanted = 4
  let skipping = 0

  const keep = (tail: Buffer): void => {
    if (tail.length > 0) rest.push(tail)
    restBytes += tail.length
  }
  /** Adds to `rest` what it wants, and no more: the chunk's other frames are read where they are. Returns where they begin. */
  const fill = (chunk: Buffer, from: number): number => {
    const end = Math.min(chunk.length, from + wanted - restBytes)
    keep(chunk.subarray(from, end))
    return end
  }
  const finishRest = (chunk: Buffer, from: number): number => {
    let at = fill(chunk, from)
    if (restBytes < wanted) return at
    if (wanted === 4) {
      const length = joined(rest).readUInt32BE(0)
      if (length > maxBytes) {
        events.oversize(length)
        skipping = length
        forget()
        return at
      }
      wanted = 4 + length
      at = fill(chunk, at)
      if (restBytes < wanted) return at
    }
    const bytes = joined(rest)
    forget()
    events.frame(bytes, 4, bytes.length)
    return at
  }
  const forget = (): void => {
    rest = []
    restBytes = 0
    wanted = 4
  }
  const skip = (chunk: Buffer, from: number): number => {
    const dropped = Math.min(skipping, chunk.length - from)
    skipping -= dropped
    return from + dropped
  }
  /** Frames that lie whole in the chunk, without a copy; the tail is kept. */
  const readWhole = (chunk: Buffer, from: number): number => {
    let at = from
    while (chunk.length - at >= 4) {
      const length = chunk.readUInt32BE(at)
      if (length > maxBytes || chunk.length - at - 4 < length) break
      events.frame(chunk, at + 4, at + 4 + length)
      at += 4 + length
    }
    return at
  }
  return {
    pending: () => restBytes + skipping,
    push: (chunk) => {
      let at = 0
      while (at < chunk.length) {
        if (skipping > 0) at = skip(chunk, at)
        else if (restBytes > 0) at = finishRest(chunk, at)
        else {
          at = readWhole(chunk, at)
          if (at < chunk.length) at = finishRest(chunk, at)
        }
      }
    },
  }
}

const joined = (parts: readonly Buffer[]): Buffer =>
  parts.length === 1 && parts[0] ? parts[0] : Buffer.concat(parts)

/** JSON: one object a line. Only the byte 0x0A ends a line; U+2028 inside a string does not. */
export function splitLines(maxBytes: number, events: SplitterEvents): Splitter {
  let rest: Buffer[] = []
  let restBytes = 0
  let skipping = false
  const finish = (chunk: Buffer, start: number, end: number): void => {
    const length = restBytes + end - start
    const parts = rest
    rest = []
    restBytes = 0
    if (skipping || length > maxBytes) {
      if (!skipping) events.oversize(length)
      skipping = false
    } else if (parts.length === 0) {
      if (end > start) events.frame(chunk, start, end)
    } else events.frame(Buffer.concat([...parts, chunk.subarray(start, end)]), 0, length)
  }
  return {
    pending: () => restBytes,
    push: (chunk) => {
      let at = 0
      for (let end = chunk.indexOf(10, at); end >= 0; end = chunk.indexOf(10, at)) {
        finish(chunk, at, end)
        at = end + 1
      }
      if (at === chunk.length || skipping) return
      restBytes += chunk.length - at
      if (restBytes > maxBytes) {
        events.oversize(restBytes)
        skipping = true
        rest = []
        restBytes = 0
      } else rest.push(at === 0 ? chunk : chunk.subarray(at))
    },
  }
}
