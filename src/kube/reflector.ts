// Owns one stream's loop: do what the state machine says, report back, wait as long as it asks.
// Promises the watch contract (watch.ts) for one resource until its signal aborts, and that failures are said once per kind.
// Does not decide: watch.ts does. Does not know other streams: sources.ts does.

import type { Clock } from '../base/clock.ts'
import type { Frame, Phase } from '../base/frame.ts'
import type { DurationNano, UnixNano } from '../base/time.ts'
import type { Resource } from '../decode/resources.ts'
import type { DecodeError, WatchItem } from '../decode/result.ts'
import { BodyRoom } from './body-room.ts'
import { CatchUp } from './catch-up.ts'
import type { Connection } from './config.ts'
import { countIn, type StreamCounters } from './counters.ts'
import { createDelivery, type Delivery } from './delivery.ts'
import { EncodingChoice } from './encoding-choice.ts'
import type { Failure } from './failure.ts'
import type { KnownObjects } from './known-objects.ts'
import { type ReadPage, readPage } from './list-page.ts'
import type { ListTurn } from './list-turn.ts'
import { acceptOf, type Encoding, queryOf, type Scope } from './paths.ts'
import type { Turns } from './turns.ts'
import type { Valve } from './valve.ts'
import {
  emptyWatch,
  isAway,
  type Mode,
  next,
  step,
  type WatchAction,
  type WatchInput,
  type WatchOutput,
  type WatchState,
} from './watch.ts'
import { openWatch, type Receipt, type WatchEnd, type WatchLimits } from './watch-connection.ts'

/** What `record` writes: the object as it came, before any trimming. */
export interface RawEvent {
  readonly t: UnixNano
  readonly resource: string
  readonly type: string
  readonly object: unknown
  readonly phase: Phase
  /** As of a frame. */
  readonly heldUp?: DurationNano
}

export type Log = (message: string, fields: Readonly<Record<string, unknown>>) => void

export interface ReflectorOptions {
  readonly connection: Connection
  readonly resource: Resource
  readonly mode: Mode
  readonly scope: Scope
  readonly encoding: Encoding
  readonly clock: Clock
  /** In [0, 1). */
  readonly random: () => number
  /** Absent where receipts date nothing. */
  readonly turns?: Turns
  /** Shared by streams whose lists come at the same time. */
  readonly listTurn?: ListTurn
  readonly valve: Valve
  readonly counters: StreamCounters
  /** Of a stream that was there before: what its reader knows already. */
  readonly known?: KnownObjects
  readonly limits?: Partial<ReflectorLimits>
  readonly onFrame: (frame: Frame) => void
  /** JSON only; bookmarks included. */
  readonly onRaw?: (event: RawEvent) => void
  /** Called at each failed request and each success after one, so that missing rights can be told. */
  readonly onHealth?: (failure: Failure | undefined) => void
  readonly log?: Log
  readonly signal: AbortSignal
}

export interface ReflectorLimits extends WatchLimits {
  readonly pageItems: number
  /** The server closes each watch at a random time between this and twice this. */
  readonly watchSeconds: number
  /** Protobuf errors after which the stream stays with JSON; fewer cost one watch in JSON each. */
  readonly protobufErrors: number
}

export const REFLECTOR_LIMITS: ReflectorLimits = {
  // etcd takes objects of 1.5 MB by default; 16 MiB leaves room for servers set otherwise.
  maxFrameBytes: 16 * 1024 * 1024,
  idleMs: 200_000,
  initialIdleMs: 60_000,
  pageItems: 500,
  watchSeconds: 300,
  protobufErrors: 3,
}

/** A page of 500 pods takes some 20 ms, and ten times that before its code is compiled: after so much of it others get their turn. */
const SLICE_MS = 5

/** A server ends a watch at its time-out, give or take this. */
const EARLY_MS = 2000

export async function runReflector(options: ReflectorOptions): Promise<void> {
  await new Reflector(options).run()
}

class Reflector {
  private readonly options: ReflectorOptions
  private readonly limits: ReflectorLimits
  private readonly delivery: Delivery
  private readonly encoding: EncodingChoice
  private readonly catchUp: CatchUp
  private state: WatchState
  private delayMs = 0
  private progressed = ''
  private watches = 0
  /** While a list is read. */
  private room: BodyRoom | undefined

  constructor(options: ReflectorOptions) {
    this.options = options
    this.limits = { ...REFLECTOR_LIMITS, ...options.limits }
    this.state = emptyWatch(options.mode)
    this.delivery = createDelivery(options)
    this.encoding = new EncodingChoice(options.encoding, options.counters, this.limits.protobufErrors)
    this.catchUp = new CatchUp(options.clock)
  }

  async run(): Promise<void> {
    const { signal, clock, valve, counters } = this.options
    while (!signal.aborted) {
      if (this.delayMs > 0) await clock.sleep(this.delayMs, signal)
      if (!valve.isOpen) await Promise.race([valve.opened(), aborted(signal)])
      if (!signal.aborted) await this.perform(next(this.state))
    }
    counters.state = 'closed'
  }

  private apply(input: WatchInput): void {
    const { state, outputs, delayMs } = step(this.state, input)
    const phase = this.phase()
    this.state = state
    this.delayMs = delayMs
    for (const output of outputs) this.carryOut(output, phase)
  }

  private carryOut(output: WatchOutput, phase: Phase): void {
    const { clock, counters } = this.options
    switch (output.kind) {
      case 'gap':
        return this.delivery.gap(output.reason, clock.now())
      case 'synced':
        counters.state = 'live'
        this.catchUp.begins()
        return this.delivery.listEnds(clock.now(), phase, output.resourceVersion)
      case 'relist':
        if (countIn(counters.relists, output.reason)) this.log('relisting', { reason: output.reason })
        return
      case 'watch-list-refused':
        counters.watchListRefused += 1
        return this.log('WatchList refused, listing by pages', { message: output.reason })
    }
  }

  private phase(): Phase {
    if (this.state.name === 'watching' || this.state.name === 'listed') return 'live'
    return this.state.everSynced ? 'relist' : 'initial'
  }

  private async perform(action: WatchAction): Promise<void> {
    const { counters } = this.options
    if (action.kind === 'watch') return this.watch(action)
    if (action.kind === 'ask-version') return this.askVersion()
    counters.state = 'listing'
    if (this.state.name === 'empty') this.catchUp.deafens()
    await (action.kind === 'list' ? this.listPage(action.continueToken) : this.watch(action))
  }

  private async askVersion(): Promise<void> {
    const { options } = this
    const answer = await readPage({
      connection: options.connection,
      resource: options.resource,
      path: queryOf(options.resource, options.scope, { limit: 1 }),
      encoding: this.encoding.current(),
      signal: options.signal,
    })
    if (answer.kind === 'failed') return this.fail(answer.failure)
    this.healthy()
    options.counters.bytes += answer.bytes
    this.apply({ kind: 'version', resourceVersion: answer.meta.resourceVersion })
  }

  private async listPage(continueToken: string | undefined): Promise<void> {
    const { options } = this
    const answer = await readPage({
      connection: options.connection,
      resource: options.resource,
      path: queryOf(options.resource, options.scope, {
        limit: options.mode === 'tail' ? 1 : this.limits.pageItems,
        ...(continueToken === undefined ? {} : { continue: continueToken }),
      }),
      encoding: this.encoding.current(),
      signal: options.signal,
      room: (this.room ??= new BodyRoom()),
    })
    if (answer.kind === 'failed') return this.fail(answer.failure)
    this.healthy()
    options.counters.bytes += answer.bytes
    this.begin()
    if (options.mode === 'list' && !(await this.deliverPage(answer))) return
    const { resourceVersion, continueToken: more } = answer.meta
    if (more === undefined) this.room = undefined
    this.apply({ kind: 'page', resourceVersion, ...(more === undefined ? {} : { continueToken: more }) })
    await turnOfOthers()
  }

  /** A list begins with its first answer; later pages and resumed watches change nothing here. */
  private begin(): void {
    const before = this.state.name
    this.apply({ kind: 'opened' })
    if (before === 'empty') this.delivery.listBegins()
  }

  /** False where the page has to be read again as JSON, and where nobody wants it any more. */
  private async deliverPage({ encoding, items }: ReadPage): Promise<boolean> {
    const { clock, signal } = this.options
    const t = clock.now()
    let begunMs = clock.monotonicMs()
    for (const item of items) {
      if (clock.monotonicMs() - begunMs >= SLICE_MS) {
        await turnOfOthers()
        if (signal.aborted) return false
        begunMs = clock.monotonicMs()
      }
      this.options.counters.frames += 1
      if (item.ok) {
        this.raw(t, 'ADDED', item.raw)
        this.delivery.object('ADDED', item.record, t, this.phase())
      } else if (this.undecodable(item.error, encoding, t)) {
        this.fail({ kind: 'undecodable', message: item.error.what })
        return false
      }
    }
    return true
  }

  private async watch(action: Extract<WatchAction, { kind: 'watch' | 'watch-list' }>): Promise<void> {
    const { options, limits } = this
    const timeoutSeconds = Math.floor(limits.watchSeconds * (1 + options.random()))
    const initialEvents = action.kind === 'watch-list'
    const end = await openWatch(
      {
        connection: options.connection,
        resource: options.resource,
        path: queryOf(options.resource, options.scope, {
          watch: 1,
          allowWatchBookmarks: true,
          timeoutSeconds,
          ...(initialEvents
            ? { sendInitialEvents: true, resourceVersionMatch: 'NotOlderThan' }
            : { resourceVersion: action.resourceVersion }),
        }),
        accept: acceptOf(options.resource, this.encoding.current(), 'watch'),
        timeoutMs: timeoutSeconds * 1000,
        initialEvents,
        clock: options.clock,
        turns: options.turns,
        listTurn: options.listTurn,
        valve: options.valve,
        counters: options.counters,
        limits,
        signal: options.signal,
      },
      {
        opened: () => this.opened(),
        item: (item, receipt, raw) => this.take(item, receipt, raw),
        lost: (reason, t) => this.delivery.gap(reason, t),
        readEnds: () => this.progress(),
      },
    )
    this.progress()
    this.ended(end, timeoutSeconds * 1000)
  }

  private opened(): void {
    const { counters } = this.options
    this.healthy()
    if (this.watches > 0) counters.restarts += 1
    this.watches += 1
    if (this.state.name === 'listed') this.catchUp.begins()
    this.begin()
    if (this.state.name === 'watching') counters.state = 'live'
  }

  private take(item: WatchItem, { t, heldUp }: Receipt, raw: unknown): void {
    const phase = this.phase() === 'live' && this.catchUp.isLate(t) ? 'relist' : this.phase()
    if (item.kind === 'object') {
      if (raw !== undefined) this.rawEvent(t, raw, heldUp)
      this.progressed = item.record.resourceVersion
      this.delivery.object(item.type, item.record, t, phase, heldUp)
    } else if (item.kind === 'bookmark') {
      if (raw !== undefined) this.rawEvent(t, raw)
      this.delivery.complete(t)
      if (item.initialEventsEnd && this.state.name === 'listing')
        this.apply({ kind: 'initial-events-end', resourceVersion: item.resourceVersion })
      this.progressed = item.resourceVersion
    } else if (item.kind === 'undecodable')
      this.undecodable(item.error, raw === undefined ? 'protobuf' : 'json', t)
  }

  private progress(): void {
    if (this.progressed === '') return
    this.apply({ kind: 'progress', resourceVersion: this.progressed })
    this.progressed = ''
  }

  private ended(end: WatchEnd, timeoutMs: number): void {
    const { clock, random, signal } = this.options
    if (end.kind === 'closed' && end.orderly) this.catchUp.deafens()
    else this.catchUp.broke()
    if (end.kind === 'failed') return this.fail(end.failure, end.lastedMs)
    if (end.orderly) this.delivery.complete(clock.now())
    else countIn(this.options.counters.failures, 'network')
    this.encoding.retake()
    if (signal.aborted) return
    this.options.counters.state = 'waiting'
    const { orderly, lastedMs } = end
    const due = lastedMs >= timeoutMs - EARLY_MS
    this.apply({ kind: 'closed', orderly, due, lastedMs, atMs: clock.monotonicMs(), random: random() })
  }

  private fail(failure: Failure, lastedMs = 0): void {
    const { counters, clock, random, onHealth, signal } = this.options
    if (failure.kind === 'aborted' || signal.aborted) return
    if (countIn(counters.failures, failure.kind)) this.log('request failed', { ...failure })
    if (failure.kind === 'too-many-requests') counters.tooManyRequests += 1
    onHealth?.(failure)
    if (failure.kind === 'undecodable') this.encoding.fallBack()
    else this.encoding.retake()
    const atMs = clock.monotonicMs()
    this.apply({ kind: 'failed', failure, lastedMs, atMs, random: random() })
    counters.state = failure.kind === 'forbidden' && !isAway(this.state, atMs) ? 'forbidden' : 'waiting'
  }

  private healthy(): void {
    this.options.onHealth?.(undefined)
  }

  /** Counts; true where the same can be asked for as JSON, else it is lost and a gap says so. */
  private undecodable(error: DecodeError, encoding: Encoding, t: UnixNano): boolean {
    const { counters } = this.options
    if (countIn(counters.decodeErrors, error.kind)) this.log('undecodable', { ...error, encoding })
    if (encoding === 'protobuf') return true
    this.delivery.gap(`undecodable: ${error.what}`, t)
    return false
  }

  private rawEvent(t: UnixNano, raw: unknown, heldUp?: DurationNano): void {
    if (!this.options.onRaw) return
    const { type, object } = raw as { readonly type: string; readonly object: unknown }
    this.raw(t, type, object, heldUp)
  }

  private raw(t: UnixNano, type: string, object: unknown, heldUp?: DurationNano): void {
    const { onRaw, resource } = this.options
    if (onRaw && object !== undefined)
      onRaw({ t, resource: resource.source, type, object, phase: this.phase(), ...(heldUp && { heldUp }) })
  }

  private log(message: string, fields: Readonly<Record<string, unknown>>): void {
    this.options.log?.(message, { stream: this.options.resource.source, ...fields })
  }
}

const turnOfOthers = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

const aborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve(), { once: true })
  })
