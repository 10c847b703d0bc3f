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

const NOTHING = Buffer.alloc(0)

/** Protobuf: a 4-byte big-endian length before each frame. */
export function splitLengthDelimited(maxBytes: number, events: SplitterEvents): Splitter {
  let rest: Buffer[] = []
  let restBytes = 0
  let wanted = 4
  let skipping = 0
  const take = (chunk: Buffer): Buffer => {
    const whole = rest.length === 0 ? chunk : Buffer.concat([...rest, chunk])
    rest = []
    restBytes = 0
    return whole
  }
  const keep = (tail: Buffer, needed: number): void => {
    wanted = needed
    if (tail.length === 0) return
    rest = [tail]
    restBytes = tail.length
  }
  return {
    pending: () => restBytes + skipping,
    push: (received) => {
      let chunk = received
      if (skipping > 0) {
        const dropped = Math.min(skipping, chunk.length)
        skipping -= dropped
        chunk = chunk.subarray(dropped)
      }
      if (restBytes + chunk.length < wanted) {
        if (chunk.length > 0) rest.push(chunk)
        restBytes += chunk.length
        return
      }
      const bytes = take(chunk)
      let at = 0
      while (bytes.length - at >= 4) {
        const length = bytes.readUInt32BE(at)
        if (length > maxBytes) {
          events.oversize(length)
          const after = at + 4 + length
          skipping = Math.max(0, after - bytes.length)
          at = Math.min(after, bytes.length)
          continue
        }
        if (bytes.length - at - 4 < length) return keep(bytes.subarray(at), 4 + length)
        events.frame(bytes, at + 4, at + 4 + length)
        at += 4 + length
      }
      keep(at < bytes.length ? bytes.subarray(at) : NOTHING, 4)
    },
  }
}

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
