// Owns reading one HTTP/1.1 response off a socket, wherever the network cut it: its head, then its body without the framing.
// Promises ranges of the bytes that were pushed, without a copy, and one end or one error for any bytes; nothing of either after it.
// Does not send, and does not know a socket. RFC 9112: chunked bodies with extensions and trailers, Content-Length, or until the close.

export interface ResponseEvents {
  head(status: number, headers: ReadonlyMap<string, string>): void
  /** Valid only during the call. */
  data(bytes: Buffer, start: number, end: number): void
  ended(): void
  /** The bytes are no HTTP/1.1; the connection is of no use any more. */
  broken(what: string): void
}

/** A head is some hundred bytes; servers refuse to send more than this. */
const HEAD_MAX = 64 * 1024
/** A line with a chunk's size, its extensions included, or of a trailer. */
const LINE_MAX = 4096

const CR = 13
const LF = 10
/** 13 digits of 4 bits are within 2^53. */
const SIZE_DIGITS_MAX = 14
const HEX_DIGITS = Int8Array.from({ length: 256 }, (_, byte) =>
  '0123456789abcdef'.indexOf(String.fromCharCode(byte).toLowerCase()),
)

/**
 * `head`: status line and headers. `size`: the line before a chunk. `chunk`, `length`: so many bytes of body are left. `after`: the line end
 * after a chunk. `trailer`: lines up to an empty one. `close`: all that comes is body.
 */
type State = 'head' | 'size' | 'chunk' | 'after' | 'trailer' | 'length' | 'close' | 'done'

export class ResponseReader {
  readonly #events: ResponseEvents
  #state: State = 'head'
  /** What has come of the head, or of a line that a read ended in. */
  #text = ''
  #left = 0

  constructor(events: ResponseEvents) {
    this.#events = events
  }

  push(bytes: Buffer, start: number, end: number): void {
    let at = start
    while (at < end && this.#state !== 'done') at = this.#take(bytes, at, end)
  }

  /** The peer has closed. */
  close(): void {
    if (this.#state === 'done') return
    if (this.#state === 'close') this.#end()
    else this.#break(`it ended in its ${this.#state === 'head' ? 'head' : 'body'}`)
  }

  #take(bytes: Buffer, at: number, end: number): number {
    switch (this.#state) {
      case 'head':
        return this.#takeHead(bytes, at, end)
      case 'size':
        return this.#takeSize(bytes, at, end) ?? this.#takeLine(bytes, at, end, (line) => this.#sizeIs(line))
      case 'after':
        if (this.#text === '' && end - at >= 2 && bytes[at] === CR && bytes[at + 1] === LF) {
          this.#state = 'size'
          return at + 2
        }
        return this.#takeLine(bytes, at, end, (line) => this.#chunkEnds(line))
      case 'trailer':
        return this.#takeLine(bytes, at, end, (line) => line === '' && this.#end())
      case 'chunk':
      case 'length':
        return this.#takeBody(bytes, at, end)
      case 'close':
        this.#events.data(bytes, at, end)
        return end
      case 'done':
        return end
    }
  }

  #takeHead(bytes: Buffer, at: number, end: number): number {
    const before = this.#text.length
    this.#text += bytes.toString('latin1', at, end)
    const close = this.#text.indexOf('\r\n\r\n', Math.max(0, before - 3))
    if (close < 0) {
      if (this.#text.length > HEAD_MAX) this.#break(`its head is over ${HEAD_MAX} bytes`)
      return end
    }
    const head = this.#text.slice(0, close)
    this.#text = ''
    this.#headIs(head)
    return at + close + 4 - before
  }

  #headIs(head: string): void {
    const [first = '', ...lines] = head.split('\r\n')
    const [, code] = /^HTTP\/1\.[01] (\d{3})(?: |$)/.exec(first) ?? []
    if (code === undefined) return this.#break('it does not begin as HTTP/1.1')
    const status = Number(code)
    // An interim answer, such as 103; the final one follows.
    if (status < 200 && status !== 101) return
    const headers = headersOf(lines)
    this.#state = bodyOf(status, headers)
    this.#left = this.#state === 'length' ? lengthOf(status, headers) : 0
    if (!Number.isSafeInteger(this.#left)) return this.#break('its Content-Length is no size')
    this.#events.head(status, headers)
    if (this.#state === 'length' && this.#left === 0) this.#end()
  }

  /** A line that lies whole in the bytes is read there; one that does not is put together. */
  #takeLine(bytes: Buffer, at: number, end: number, then: (line: string) => unknown): number {
    const lineFeed = bytes.indexOf(LF, at)
    const isWhole = lineFeed >= 0 && lineFeed < end
    this.#text += bytes.toString('latin1', at, isWhole ? lineFeed : end)
    if (this.#text.length > LINE_MAX) this.#break(`a line of its framing is over ${LINE_MAX} bytes`)
    if (!isWhole) return end
    const line = this.#text.charCodeAt(this.#text.length - 1) === CR ? this.#text.slice(0, -1) : this.#text
    this.#text = ''
    if (this.#state !== 'done') then(line)
    return lineFeed + 1
  }

  /** The usual line, some digits that lie whole in the bytes; it comes with each frame. Undefined for any other. */
  #takeSize(bytes: Buffer, from: number, end: number): number | undefined {
    if (this.#text !== '') return undefined
    let size = 0
    for (let at = from; at + 1 < end && at - from < SIZE_DIGITS_MAX; at++) {
      const byte = bytes[at] as number
      const digit = HEX_DIGITS[byte] as number
      if (digit >= 0) size = size * 16 + digit
      else if (byte !== CR || bytes[at + 1] !== LF || at === from) return undefined
      else {
        this.#sizeIsKnown(size)
        return at + 2
      }
    }
    return undefined
  }

  #sizeIs(line: string): void {
    const [, size] = /^([0-9a-fA-F]{1,13})[ \t]*(?:;.*)?$/.exec(line) ?? []
    if (size === undefined) return this.#break('a chunk has no size')
    this.#sizeIsKnown(Number.parseInt(size, 16))
  }

  #sizeIsKnown(size: number): void {
    this.#left = size
    this.#state = size === 0 ? 'trailer' : 'chunk'
  }

  #chunkEnds(line: string): void {
    if (line !== '') return this.#break('a chunk is longer than its size')
    this.#state = 'size'
  }

  #takeBody(bytes: Buffer, at: number, end: number): number {
    const until = Math.min(end, at + this.#left)
    this.#left -= until - at
    const isOver = this.#left === 0
    const isChunk = this.#state === 'chunk'
    if (isOver && isChunk) this.#state = 'after'
    this.#events.data(bytes, at, until)
    if (isOver && !isChunk) this.#end()
    return until
  }

  #end(): void {
    if (this.#state === 'done') return
    this.#state = 'done'
    this.#events.ended()
  }

  #break(what: string): void {
    if (this.#state === 'done') return
    this.#state = 'done'
    this.#events.broken(what)
  }
}

function headersOf(lines: readonly string[]): ReadonlyMap<string, string> {
  const headers = new Map<string, string>()
  for (const line of lines) {
    const colon = line.indexOf(':')
    if (colon <= 0) continue
    const name = line.slice(0, colon).toLowerCase()
    const value = line.slice(colon + 1).trim()
    const before = headers.get(name)
    headers.set(name, before === undefined ? value : `${before}, ${value}`)
  }
  return headers
}

/** RFC 9112, section 6.3, for the answer to a GET. */
function bodyOf(status: number, headers: ReadonlyMap<string, string>): State {
  if (isBodiless(status)) return 'length'
  if (headers.get('transfer-encoding')?.toLowerCase().endsWith('chunked')) return 'size'
  return headers.has('content-length') ? 'length' : 'close'
}

/** What their Content-Length says is of another answer. */
const isBodiless = (status: number): boolean => status === 204 || status === 304

/** Not a number where it is no size. */
function lengthOf(status: number, headers: ReadonlyMap<string, string>): number {
  if (isBodiless(status)) return 0
  const length = headers.get('content-length') ?? ''
  return /^\d+$/.test(length) ? Number(length) : Number.NaN
}
