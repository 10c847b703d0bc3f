// Owns one open watch: its socket, the cutting into frames, their decoding, flow control and the idle watchdog.
// Promises items in the order of the wire, all of a read with one receipt time, then exactly one end.
// Does not know what came before or comes next.

import type { Clock } from '../base/clock.ts'
import type { DurationNano, UnixNano } from '../base/time.ts'
import { decodeJsonEvent, parseJson } from '../decode/json.ts'
import { decodeWatchFrame } from '../decode/protobuf.ts'
import type { Resource } from '../decode/resources.ts'
import type { DecodeError, WatchItem } from '../decode/result.ts'
import type { Connection } from './config.ts'
import type { StreamCounters } from './counters.ts'
import { type Failure, failureOfStatus } from './failure.ts'
import { type Splitter, splitLengthDelimited, splitLines } from './frame-split.ts'
import type { ListTurn } from './list-turn.ts'
import { type BodyControl, isProtobuf, send } from './request.ts'
import type { Turns } from './turns.ts'
import type { Valve } from './valve.ts'

export interface WatchLimits {
  readonly maxFrameBytes: number
  /** Silence after the first bookmark: about three missed bookmarks. */
  readonly idleMs: number
  /** Silence while the initial events arrive. */
  readonly initialIdleMs: number
}

export interface WatchOptions {
  readonly connection: Connection
  readonly resource: Resource
  readonly path: string
  readonly accept: string
  /** The server was asked to close by then. */
  readonly timeoutMs: number
  readonly initialEvents: boolean
  readonly clock: Clock
  readonly turns: Turns | undefined
  readonly listTurn: ListTurn | undefined
  readonly valve: Valve
  readonly counters: StreamCounters
  readonly limits: WatchLimits
  readonly signal: AbortSignal
}

/** When a read brought something, and how long nothing was read before. */
export interface Receipt {
  readonly t: UnixNano
  readonly heldUp: DurationNano | undefined
}

export interface WatchSink {
  opened(): void
  /** `raw` is the parsed event where the stream is JSON, null where it is none; undefined where it is protobuf. */
  item(item: WatchItem, receipt: Receipt, raw: unknown): void
  /** Something was dropped whole and cannot be asked for again. */
  lost(reason: string, t: UnixNano): void
  readEnds(): void
}

export type WatchEnd =
  /** `orderly`: the server ended the response between two frames. */
  | { readonly kind: 'closed'; readonly orderly: boolean; readonly lastedMs: number }
  /** `lastedMs`: where the server had accepted it. */
  | { readonly kind: 'failed'; readonly failure: Failure; readonly lastedMs?: number }

/** A server that keeps a watch open longer than this after its time-out has forgotten it. */
const OVERTIME_MS = 30_000

export function openWatch(options: WatchOptions, sink: WatchSink): Promise<WatchEnd> {
  return new Promise((resolve) => new OpenWatch(options, sink, resolve).start())
}

class OpenWatch {
  private readonly options: WatchOptions
  private readonly sink: WatchSink
  private readonly resolve: (end: WatchEnd) => void
  private readonly stopped = new AbortController()
  private splitter: Splitter | undefined
  private control: BodyControl | undefined
  private openedMs = 0
  private lastBytesMs = 0
  private initial: boolean
  private bookmarked = false
  private receipt: Receipt
  private unsubscribe: (() => void) | undefined
  private ended = false

  constructor(options: WatchOptions, sink: WatchSink, resolve: (end: WatchEnd) => void) {
    this.options = options
    this.sink = sink
    this.resolve = resolve
    this.initial = options.initialEvents
    this.receipt = { t: options.clock.now(), heldUp: undefined }
  }

  start(): void {
    const { clock, connection, path, accept, signal } = this.options
    send(
      connection,
      { path, accept, signal, stream: clock },
      {
        opened: (contentType, control) => this.opened(contentType, control),
        data: (bytes, start, end) => this.data(bytes, start, end),
        ended: () =>
          this.end({ kind: 'closed', orderly: this.splitter?.pending() === 0, lastedMs: this.lastedMs() }),
        failed: (failure) => this.failed(failure),
      },
    )
  }

  private lastedMs(): number {
    return this.options.clock.monotonicMs() - this.openedMs
  }

  private opened(contentType: string, control: BodyControl): void {
    const { clock, valve, limits } = this.options
    this.control = control
    this.openedMs = clock.monotonicMs()
    this.lastBytesMs = this.openedMs
    const oversize = (length: number): void => this.oversize(length)
    this.splitter = isProtobuf(contentType)
      ? splitLengthDelimited(limits.maxFrameBytes, {
          oversize,
          frame: (b, s, e) => this.protobufFrame(b, s, e),
        })
      : splitLines(limits.maxFrameBytes, { oversize, frame: (b, s, e) => this.jsonFrame(b, s, e) })
    this.unsubscribe = valve.onChange((isOpen) => this.flow(isOpen))
    this.sink.opened()
    if (!valve.isOpen) this.flow(false)
    void this.watchSilence()
  }

  private flow(isOpen: boolean): void {
    if (isOpen) {
      this.lastBytesMs = this.options.clock.monotonicMs()
      this.control?.resume()
    } else {
      this.options.counters.pauses += 1
      this.control?.pause()
    }
  }

  private data(bytes: Buffer, start: number, end: number): void {
    const { clock, counters, listTurn, turns } = this.options
    this.receipt = { t: clock.now(), heldUp: turns?.heldUp() }
    this.lastBytesMs = clock.monotonicMs()
    counters.bytes += end - start
    const list = this.initial ? listTurn : undefined
    list?.begin()
    this.splitter?.push(bytes, start, end)
    this.sink.readEnds()
    if (list?.isOver()) this.letOthers()
  }

  /** What else of a list waits in the socket is read in the next turn of the event loop. */
  private letOthers(): void {
    this.control?.pause()
    setImmediate(() => {
      if (!this.ended && this.options.valve.isOpen) this.control?.resume()
    })
  }

  private protobufFrame(bytes: Buffer, start: number, end: number): void {
    if (this.ended) return
    const item = decodeWatchFrame(this.options.resource, bytes, start, end)
    if (item.kind === 'undecodable') this.sink.item(item, this.receipt, undefined)
    // The stream stops before what it could not read, so that JSON can read it from the version before.
    if (item.kind === 'undecodable') this.stop(undecodable(item.error))
    else this.take(item, undefined)
  }

  private jsonFrame(bytes: Buffer, start: number, end: number): void {
    if (this.ended) return
    const raw = parseJson(bytes.toString('utf8', start, end))
    this.take(decodeJsonEvent(this.options.resource, raw), raw ?? null)
  }

  private take(item: WatchItem, raw: unknown): void {
    this.options.counters.frames += 1
    if (item.kind === 'bookmark') this.bookmark(item.initialEventsEnd)
    if (item.kind === 'status') this.stop(failureOfStatus(item.status))
    else this.sink.item(item, this.receipt, raw)
  }

  private bookmark(initialEventsEnd: boolean): void {
    this.options.counters.bookmarks += 1
    // The mark of the initial events' end comes on streams without periodic bookmarks too (events).
    if (initialEventsEnd) this.initial = false
    else this.bookmarked = true
  }

  private oversize(length: number): void {
    this.options.counters.oversizeFrames += 1
    this.sink.lost(`a frame of ${length} bytes is over the limit`, this.receipt.t)
  }

  /** Ends the watch for a reason found in its frames. */
  private stop(failure: Failure): void {
    this.control?.abort(failure)
    this.end({ kind: 'failed', failure, lastedMs: this.lastedMs() })
  }

  private failed(failure: Failure): void {
    const opened = this.control !== undefined
    if (opened && failure.kind === 'network')
      this.end({ kind: 'closed', orderly: false, lastedMs: this.lastedMs() })
    else this.end({ kind: 'failed', failure })
  }

  private end(end: WatchEnd): void {
    if (this.ended) return
    this.ended = true
    this.stopped.abort()
    this.unsubscribe?.()
    this.resolve(end)
  }

  /** One sleeping loop per watch: a peer that vanished is TCP's to notice, this is for a server that hangs. */
  private async watchSilence(): Promise<void> {
    while (!this.ended) {
      const remainingMs = this.remainingMs()
      if (remainingMs <= 0) {
        this.options.counters.idleAborts += 1
        return this.stop({ kind: 'network', message: 'the watch went silent', code: 'IDLE' })
      }
      // Not past the idle time: a bookmark may arm it meanwhile.
      await this.options.clock.sleep(Math.min(remainingMs, this.options.limits.idleMs), this.stopped.signal)
    }
  }

  private remainingMs(): number {
    const { clock, limits, timeoutMs, valve } = this.options
    if (!valve.isOpen) return limits.initialIdleMs
    const now = clock.monotonicMs()
    const total = this.openedMs + timeoutMs + OVERTIME_MS - now
    if (this.initial) return Math.min(total, this.lastBytesMs + limits.initialIdleMs - now)
    return this.bookmarked ? Math.min(total, this.lastBytesMs + limits.idleMs - now) : total
  }
}

const undecodable = (error: DecodeError): Failure => ({
  kind: 'undecodable',
  message: `${error.kind}: ${error.what} at ${error.where}`,
})
