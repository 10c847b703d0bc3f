// Owns the way of a finished start, and of a rollout that is over, to the exporters: the decision, who sends it, and what came of it.
// Promises that only a leader sends, that each that was decided is sent or dropped with a reason or pending, and that possible repeats are counted.
// Does not decide (session/), send (export/) or elect (leader.ts).

import type { Clock } from '../base/clock.ts'
import type { Fate } from '../export/queue.ts'
import type { Metrics } from '../metrics/metrics.ts'
import type { ExportDecision, SessionBook } from '../session/book.ts'
import { withLinks } from '../trace/incoming.ts'
import type { LateSpans, Trace } from '../trace/trace.ts'
import type { ControllerConfig } from './config.ts'
import type { Exporters } from './exporters.ts'
import type { Handover } from './handover.ts'
import type { Log } from './log.ts'
import { createRing, type Ring } from './ring.ts'
import type { Watermarks } from './watermark.ts'

export interface Delivery {
  readonly ring: Ring
  /** A start that the pipeline has made final; returns the exporters that get it, or have it. */
  take(trace: Trace): readonly string[]
  /** A rollout in the form of a trace; `exporters`: those that have the start of any of its pods. Returns those that get it. */
  takeRollout(trace: Trace, exporters: readonly string[]): readonly string[]
  /** What other components sent for a start that was taken before. */
  append(late: LateSpans): void
  /** An earlier start for a session that came late; `had`: the exporters for which leaders before us have seen to it. */
  offer(sessionUid: string, trace: Trace, had: readonly string[]): void
  /** We lead now. `mayRepeat`: the leader before us did not say its last word. */
  lead(mayRepeat: boolean): void
  /** Another leads now, or nobody. */
  follow(): void
  /** What another leader says it has done. */
  adopt(watermarks: Watermarks): void
  /** By exporter: what was decided against, and what may have been sent twice. */
  counters(exporter: string): DeliveryCounters
  /** Starts that went out of the ring before anybody had sent them, as far as we know. */
  lost(): number
}

export interface DeliveryCounters {
  readonly overBudget: number
  readonly repeats: number
}

export interface DeliveryOptions {
  readonly book: SessionBook
  readonly handover: Handover
  readonly exporters: Exporters
  readonly metrics: Metrics
  readonly clock: Clock
  readonly log: Log
  readonly config: Pick<ControllerConfig, 'receiver' | 'ring'>
}

/** Of the ring's bytes, rollouts that some exporter has not acknowledged yet may take so much besides. */
const ROLLOUTS_SHARE = 8
/** What is late is so by a minute at the most: some hundred starts a second. */
const SENT_MAX = 20_000

export const createDelivery = (options: DeliveryOptions): Delivery => new BookedDelivery(options)

class BookedDelivery implements Delivery {
  readonly ring: Ring
  /** Only while they are pending: sessions that come late want starts. */
  readonly #rollouts: Ring
  readonly #options: DeliveryOptions
  readonly #counters = new Map<string, { overBudget: number; repeats: number }>()
  /** By trace id: the exporters that got a start, the latest last, for what comes of it late. */
  readonly #sentTo = new Map<string, readonly string[]>()
  #leads = false
  #lost = 0

  constructor(options: DeliveryOptions) {
    this.#options = options
    const { maxBytes } = options.config.ring
    this.ring = createRing(maxBytes, (trace) => this.#evicted(trace))
    this.#rollouts = createRing(maxBytes / ROLLOUTS_SHARE, (trace) => this.#evicted(trace))
  }

  take(trace: Trace): readonly string[] {
    const { book, clock, handover, metrics } = this.#options
    this.ring.put(trace)
    const decision = book.take(trace, clock.now())
    metrics.take(trace, decision.exporters.length > 0 ? 'exported' : 'kept')
    this.#countOverBudget(decision)
    this.#remember(trace.traceId, decision.exporters)
    const linked = this.#linked(trace, decision)
    const open = handover.told(trace, decision.exporters)
    for (const exporter of decision.exporters)
      if (!open.includes(exporter)) book.delivered(trace.traceId, exporter, 'sent')
    this.#sendTo(open, linked)
    return [...decision.decisions].flatMap(([name, one]) =>
      one === 'export' || one === 'sent before' ? [name] : [],
    )
  }

  takeRollout(trace: Trace, exporters: readonly string[]): readonly string[] {
    const { book, clock, handover } = this.#options
    const decision = book.takeRollout({ trace, exporters }, clock.now())
    this.#countOverBudget(decision)
    if (decision.exporters.length === 0) return []
    const linked = withLinks(trace, decision.links)
    this.#rollouts.put(linked)
    handover.offered(trace, decision.exporters)
    this.#sendTo(decision.exporters, linked)
    return decision.exporters
  }

  offer(sessionUid: string, trace: Trace, had: readonly string[]): void {
    const { book, clock, handover } = this.#options
    // What is pending is in the ring: a leader to come has it from there.
    if (!this.ring.get(trace.traceId)) this.ring.put(trace)
    const decision = book.offer(sessionUid, trace, clock.now(), had)
    this.#countOverBudget(decision)
    const linked = this.#linked(trace, decision)
    handover.offered(trace, decision.exporters)
    this.#sendTo(decision.exporters, linked)
  }

  /** With what its sessions lead to, in the ring too: a leader to come sends it from there. */
  #linked(trace: Trace, { links }: ExportDecision): Trace {
    const linked = withLinks(trace, links)
    if (linked !== trace) this.ring.put(linked)
    return linked
  }

  append(late: LateSpans): void {
    const { traceId } = late
    const trace = this.ring.get(traceId)
    if (trace) this.ring.put({ ...trace, native: [...(trace.native ?? []), ...late.spans] })
    if (!this.#leads) return
    for (const exporter of this.#sentTo.get(traceId) ?? []) this.#options.exporters.append(exporter, late)
  }

  #remember(traceId: string, exporters: readonly string[]): void {
    // Without a receiver there is never anything to append.
    if (!this.#options.config.receiver.enabled || exporters.length === 0) return
    this.#sentTo.set(traceId, exporters)
    const [oldest] = this.#sentTo.keys()
    if (this.#sentTo.size > SENT_MAX && oldest !== undefined) this.#sentTo.delete(oldest)
  }

  #countOverBudget({ decisions }: ExportDecision): void {
    for (const [exporter, decision] of decisions)
      if (decision === 'over budget') this.#countersOf(exporter).overBudget += 1
  }

  #sendTo(exporters: readonly string[], trace: Trace): void {
    if (this.#leads) for (const exporter of exporters) this.#send(exporter, trace)
  }

  #send(exporter: string, trace: Trace): void {
    const { traceId } = trace
    const settled = (fate: Fate): void => this.#settled(traceId, exporter, fate)
    // Removed from the configuration meanwhile: nobody is going to send it.
    if (!this.#options.exporters.export(exporter, trace, settled)) settled('dropped')
  }

  #settled(traceId: string, exporter: string, fate: Fate): void {
    // Then it stays pending, here and on every other replica.
    if (fate === 'left') return
    this.#options.handover.acknowledged(traceId, exporter)
    this.#options.book.delivered(traceId, exporter, fate)
    this.#letGo(traceId)
  }

  #letGo(traceId: string): void {
    if (!this.#options.handover.isPending(traceId)) this.#rollouts.delete(traceId)
  }

  lead(mayRepeat: boolean): void {
    const { exporters, handover, log } = this.#options
    this.#leads = true
    for (const exporter of exporters.names()) {
      const pending = handover.pending(exporter)
      let sent = 0
      for (const traceId of pending) {
        const trace = this.ring.get(traceId) ?? this.#rollouts.get(traceId)
        if (!trace) this.#lose(traceId)
        else {
          this.#send(exporter, trace)
          sent += 1
        }
      }
      if (mayRepeat) this.#countersOf(exporter).repeats += sent
      if (sent > 0) log.info('starts taken over from the leader before', { exporter, starts: sent })
    }
  }

  follow(): void {
    this.#leads = false
    this.#options.exporters.leaveWaiting()
  }

  adopt(watermarks: Watermarks): void {
    const { book, handover } = this.#options
    for (const { traceId, exporter } of handover.adopt(watermarks)) {
      book.delivered(traceId, exporter, 'sent')
      this.#letGo(traceId)
    }
  }

  /** A leader's exporters hold what they have to send; a standby has nothing but the ring. */
  #evicted(trace: Trace): void {
    if (!this.#leads) this.#lose(trace.traceId)
  }

  #lose(traceId: string): void {
    const { book, handover, log } = this.#options
    for (const exporter of handover.forget(traceId)) {
      this.#lost += 1
      book.delivered(traceId, exporter, 'dropped')
      log.warn('the ring is full of starts that the leader has not exported yet; see ring.maxBytes', {
        exporter,
      })
    }
  }

  counters(exporter: string): DeliveryCounters {
    return this.#countersOf(exporter)
  }

  lost(): number {
    return this.#lost
  }

  #countersOf(exporter: string): { overBudget: number; repeats: number } {
    let counters = this.#counters.get(exporter)
    if (!counters) this.#counters.set(exporter, (counters = { overBudget: 0, repeats: 0 }))
    return counters
  }
}
