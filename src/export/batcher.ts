// Owns the way of a trace from the queue to the Collector: batches, what is in flight, waits after failures, drops.
// Promises whole traces only, that everything taken is sent, dropped with a reason or waiting, and that only the byte bound
// limits how long the Collector may be away. Does not know a protocol (transport.ts) or a span (spans.ts).

import PQueue from 'p-queue'
import type { Clock } from '../base/clock.ts'
import { type Alarm, createAlarm } from './alarm.ts'
import { BACKOFF, backoffMs } from './backoff.ts'
import { createEpisodes, type Episodes, type Log } from './episodes.ts'
import { type Accounting, createLedger, type DropReason } from './ledger.ts'
import { createQueue, type Entry, type Fate } from './queue.ts'
import type { SendResult, Transport } from './transport.ts'

export interface BatcherOptions {
  /** All that waits, in flight included. 64 MiB are about 10,000 starts. */
  readonly maxWaitingBytes: number
  readonly batchSpans: number
  /** Half of the 4 MiB that a Collector's gRPC receiver takes by default. */
  readonly batchBytes: number
  readonly lingerMs: number
  readonly inFlight: number
  /** Traces that ended longer ago are dropped, for backends that refuse them; without it none are. */
  readonly maxSpanAgeMs?: number
}

export const BATCHER: BatcherOptions = {
  maxWaitingBytes: 64 * 1024 * 1024,
  batchSpans: 512,
  batchBytes: 2 * 1024 * 1024,
  lingerMs: 200,
  inFlight: 3,
}

export interface BatcherDependencies {
  readonly clock: Clock
  readonly random: () => number
  readonly log: Log
}

const UNREACHABLE = 'the Collector does not take traces; they wait'
const DROPPED: Readonly<Record<DropReason, string>> = {
  'queue-full': 'traces dropped: the export queue is full',
  'too-large': 'traces dropped: larger than the Collector takes',
  refused: 'traces dropped: the Collector refuses them',
  'too-old': 'traces dropped: older than maxSpanAge',
  shutdown: 'traces dropped: not sent before the end',
  left: 'traces left to the next leader',
}

/** A transport with what flies by it: not more at a time than it has lanes. */
interface Carrier {
  readonly transport: Transport
  readonly lanes: PQueue
  flights: number
}

export class Batcher {
  #options: BatcherOptions
  #carrier: Carrier
  /** Those that were replaced, until what they have in flight has landed. */
  readonly #formerCarriers = new Set<Carrier>()
  readonly #clock: Clock
  readonly #random: () => number
  readonly #log: Log
  readonly #episodes: Episodes
  readonly #alarm: Alarm
  readonly #queue = createQueue()
  readonly #ledger = createLedger()
  /** Batches that were handed to the transport and have no result yet. */
  readonly #flying = new Set<readonly Entry[]>()
  #flyingBytes = 0
  #flyingTraces = 0
  /** Learned: halved when the server finds a batch too large. */
  #batchBytes: number
  /** Failures in a row that may pass; the wait after the last one ends at `#pausedUntil`, by the monotonic clock. */
  #failures = 0
  #pausedUntil = 0
  #phase: 'open' | 'draining' | 'closed' = 'open'
  /** What becomes of those that come after the end. */
  #ending: 'shutdown' | 'left' = 'shutdown'
  #flushed: (() => void)[] = []

  constructor(transport: Transport, options: BatcherOptions, dependencies: BatcherDependencies) {
    this.#carrier = carrierOf(transport, options)
    this.#options = options
    this.#clock = dependencies.clock
    this.#random = dependencies.random
    this.#log = dependencies.log
    this.#episodes = createEpisodes(dependencies.clock, dependencies.log)
    this.#alarm = createAlarm(dependencies.clock, () => this.#pump())
    this.#batchBytes = options.batchBytes
  }

  add(entry: Entry): void {
    this.#ledger.took()
    if (this.#phase === 'closed') {
      this.#ledger.dropped(this.#ending, 1)
      return entry.settled?.(fateOf(this.#ending))
    }
    this.#queue.push(entry)
    this.#keepBound()
    this.#pump()
  }

  /** From now on it goes by these: what waits too, and what the transport of before has in flight and could not send. */
  renew(transport: Transport, options: BatcherOptions): void {
    const former = this.#carrier
    this.#formerCarriers.add(former)
    this.#carrier = carrierOf(transport, options)
    this.#options = options
    this.#batchBytes = options.batchBytes
    // Why the former one had to wait may be what was changed.
    this.#pausedUntil = 0
    this.#closeIfLeft(former)
    this.#keepBound()
    this.#pump()
  }

  #keepBound(): void {
    while (this.#queue.bytes + this.#flyingBytes > this.#options.maxWaitingBytes) {
      const least = this.#queue.dropLeast()
      if (!least) break
      this.#drop('queue-full', [least])
    }
  }

  #closeIfLeft(former: Carrier): void {
    if (former.flights > 0 || !this.#formerCarriers.delete(former)) return
    void former.transport.close()
  }

  /** More than half of what may wait does, though the Collector takes what it is sent: who has more should wait with it. */
  isBehind(): boolean {
    const { maxWaitingBytes } = this.#options
    return this.#failures === 0 && (this.#queue.bytes + this.#flyingBytes) * 2 > maxWaitingBytes
  }

  accounting(): Accounting {
    return this.#ledger.account({
      traces: this.#queue.traces + this.#flyingTraces,
      bytes: this.#queue.bytes + this.#flyingBytes,
    })
  }

  /** Sends what waits without lingering; resolves when nothing waits, which may be never while the Collector is away. */
  flush(): Promise<void> {
    return new Promise((resolve) => {
      this.#flushed.push(resolve)
      this.#pump()
    })
  }

  /** Sends what it can until the deadline and drops the rest. What was in flight then may have arrived all the same. */
  async shutdown(deadlineMs: number): Promise<Accounting> {
    if (this.#phase !== 'open') return this.accounting()
    this.#phase = 'draining'
    // The last chance is taken at once; only a wait that the server asked for would have been better kept.
    this.#pausedUntil = 0
    const done = new AbortController()
    await Promise.race([this.flush(), this.#clock.sleep(deadlineMs, done.signal)])
    done.abort()
    await this.#close()
    return this.accounting()
  }

  /** As shutdown, but the rest is somebody else's to send; with 0 it ends at once. */
  async leave(deadlineMs: number): Promise<Accounting> {
    this.#ending = 'left'
    if (deadlineMs > 0) return this.shutdown(deadlineMs)
    if (this.#phase === 'closed') return this.accounting()
    await this.#close()
    return this.accounting()
  }

  async #close(): Promise<void> {
    this.#phase = 'closed'
    this.#alarm.cancel()
    const rest = [...[...this.#flying].flat(), ...this.#queue.clear()]
    this.#flying.clear()
    this.#flyingTraces = 0
    this.#flyingBytes = 0
    if (rest.length > 0) this.#drop(this.#ending, rest)
    this.#pump()
    const carriers = [this.#carrier, ...this.#formerCarriers]
    this.#formerCarriers.clear()
    await Promise.all(carriers.map(({ transport }) => transport.close()))
  }

  /** Sends what is due, and sets the alarm for what will be. */
  #pump(): void {
    while (this.#isDue())
      this.#launch(this.#queue.take({ spans: this.#options.batchSpans, bytes: this.#batchBytes }))
    if (this.#queue.traces > 0 && this.#hasLane()) this.#alarm.set(this.#dueMs())
    if (this.#queue.traces === 0 && this.#flying.size === 0) {
      for (const resolve of this.#flushed.splice(0)) resolve()
    }
  }

  #isDue(): boolean {
    return this.#queue.traces > 0 && this.#hasLane() && this.#clock.monotonicMs() >= this.#dueMs()
  }

  /** While the Collector fails, one batch at a time asks whether it is back. */
  #hasLane(): boolean {
    return this.#carrier.flights < (this.#failures > 0 ? 1 : this.#options.inFlight)
  }

  /** When the next batch may go, by the monotonic clock; in the past where it may go now. */
  #dueMs(): number {
    const isFull = this.#queue.spans >= this.#options.batchSpans || this.#queue.bytes >= this.#batchBytes
    const isHurried = this.#flushed.length > 0 || this.#phase !== 'open'
    if (isFull || isHurried) return this.#pausedUntil
    const oldest = this.#queue.oldest()?.queuedMs ?? 0
    return Math.max(this.#pausedUntil, oldest + this.#options.lingerMs)
  }

  #launch(taken: readonly Entry[]): void {
    const entries = this.#withoutOld(taken)
    if (entries.length === 0) return
    const failuresBefore = this.#failures
    const carrier = this.#carrier
    carrier.flights++
    this.#flying.add(entries)
    this.#countFlying(entries, 1)
    void carrier.lanes
      .add(() =>
        carrier.transport.send({ requests: entries.map((entry) => entry.request), spans: spansOf(entries) }),
      )
      .then((result) => this.#land(carrier, entries, result, failuresBefore))
  }

  #withoutOld(taken: readonly Entry[]): readonly Entry[] {
    const { maxSpanAgeMs } = this.#options
    if (maxSpanAgeMs === undefined) return taken
    const oldestMs = Number(this.#clock.now() / 1_000_000n) - maxSpanAgeMs
    const young = taken.filter((entry) => entry.endedMs >= oldestMs)
    if (young.length < taken.length)
      this.#drop(
        'too-old',
        taken.filter((entry) => entry.endedMs < oldestMs),
      )
    return young
  }

  #land(carrier: Carrier, entries: readonly Entry[], result: SendResult, failuresBefore: number): void {
    carrier.flights--
    this.#closeIfLeft(carrier)
    // A result that comes after the end finds its batch counted as dropped.
    if (!this.#flying.delete(entries)) return
    this.#countFlying(entries, -1)
    if (carrier === this.#carrier) this.#settle(entries, result, failuresBefore)
    else this.#settleFormer(entries, result)
    this.#pump()
  }

  /** What was refused by the settings of before, such as an old token, may be taken by those of now. */
  #settleFormer(entries: readonly Entry[], result: SendResult): void {
    if (result.kind === 'ok') return this.#sent(entries, result)
    this.#ledger.retried()
    this.#queue.putBack(entries)
  }

  #settle(entries: readonly Entry[], result: SendResult, failuresBefore: number): void {
    if (result.kind === 'retryable') return this.#retry(entries, result, failuresBefore)
    this.#recovered()
    if (result.kind === 'ok') return this.#sent(entries, result)
    if (result.kind === 'failed') return this.#drop('refused', entries, result.reason)
    if (entries.length === 1) return this.#drop('too-large', entries, result.reason)
    this.#batchBytes = Math.max(1, Math.floor(bytesOf(entries) / 2))
    this.#ledger.retried()
    this.#queue.putBack(entries)
  }

  #sent(entries: readonly Entry[], result: SendResult & { kind: 'ok' }): void {
    this.#ledger.sent(entries.length, spansOf(entries), result.rejected ?? 0)
    for (const entry of entries) entry.settled?.('sent')
    if (result.rejected === undefined && result.message === undefined) return
    const fields = { rejected: result.rejected ?? 0, message: result.message ?? '' }
    this.#episodes.say('the Collector took a batch only in part, or with a warning', fields)
  }

  #retry(
    entries: readonly Entry[],
    result: SendResult & { kind: 'retryable' },
    failuresBefore: number,
  ): void {
    this.#ledger.retried()
    this.#queue.putBack(entries)
    this.#episodes.say(UNREACHABLE, { reason: result.reason, waiting: this.accounting().waiting })
    // Batches that flew together fail together: that is one failure.
    if (failuresBefore === this.#failures) this.#failures++
    const options = this.#phase === 'open' ? BACKOFF : { ...BACKOFF, maxMs: BACKOFF.initialMs }
    const waitMs = backoffMs(this.#failures, result.retryAfterMs, this.#random, options)
    this.#pausedUntil = Math.max(this.#pausedUntil, this.#clock.monotonicMs() + waitMs)
  }

  #recovered(): void {
    if (this.#failures === 0) return
    this.#failures = 0
    const awayMs = this.#episodes.end(UNREACHABLE)
    this.#log('info', 'the Collector answers again', {
      awayMs: Math.round(awayMs ?? 0),
      waiting: this.#queue.traces,
    })
  }

  #drop(reason: DropReason, entries: readonly Entry[], why?: string): void {
    const traces = entries.length
    this.#ledger.dropped(reason, traces)
    for (const entry of entries) entry.settled?.(fateOf(reason))
    this.#episodes.say(DROPPED[reason], { traces, ...(why !== undefined && { reason: why }) })
  }

  #countFlying(entries: readonly Entry[], sign: 1 | -1): void {
    this.#flyingTraces += sign * entries.length
    this.#flyingBytes += sign * bytesOf(entries)
  }
}

const carrierOf = (transport: Transport, { inFlight }: BatcherOptions): Carrier => ({
  transport,
  lanes: new PQueue({ concurrency: inFlight }),
  flights: 0,
})

const fateOf = (reason: DropReason): Fate => (reason === 'left' ? 'left' : 'dropped')
const spansOf = (entries: readonly Entry[]): number => entries.reduce((sum, entry) => sum + entry.spans, 0)
const bytesOf = (entries: readonly Entry[]): number =>
  entries.reduce((sum, entry) => sum + entry.request.length, 0)
