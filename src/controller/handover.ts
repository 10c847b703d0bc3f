// Owns what has to survive this process: which finished starts each exporter still has to acknowledge, here or at the leader.
// Promises the invariant below. Pure: time comes in with each call. Does not export and does not write the Lease.
//
// The invariant. For each exporter, a start that was decided to be exported is at every moment either acknowledged by it (sent, or
// dropped with a reason), or not covered by the watermark that is on the Lease and pending on every replica that has seen its end.
//
// How it is kept.
// - The leader's watermark says of each stream of pods: every start whose end was stored at version P or before is acknowledged. P is
//   where the stream stood at a time T, by when everything told up to now and not acknowledged had not ended, and `settle` and a tick
//   before now: what ended before T has been told. Starts that were acknowledged and may lie above P are listed by id.
// - A term begins with a watermark, in the very write that acquires the Lease. Until a stream has a P of one's own, it is that of the
//   leaders before; where there was none, no P is said, only that the watch began at a time T: what ended earlier is nobody's to
//   export, what ended since is above. So a first installation begins at its own beginning, and keeps it.
// - A standby tells the same starts. It keeps each until the watermark covers the version at which *it* told it, which is not before
//   the end was stored; so what it lets go of was acknowledged.
// - A new leader exports what is still pending. Of that, acknowledged was only what the old one sent after its last renewal (every
//   2 s or less), and what did not fit the list. Ids follow from the UID, so these are repeats of the same spans, and are counted.
// - A replica that starts anew reads the watermark before its first list and takes up every pod that may have ended above it
//   (`wasMissed`), so that a restart of all replicas loses nothing that the API server still holds. A pod that was changed after P
//   tells by its stamps whether it ended before; before what time is said by stream too, as the time at which P was heard: a watch
//   that has gone silent without an error says nothing of what ended meanwhile.
// - A session that comes late is offered starts that ended long ago, below the watermark. Those that are pending are listed there by id
//   as owed. After a restart a session is offered its starts once more, to be counted: which of them were exported already follows from
//   the watermark, if leaders before us knew the session for long enough to have been offered the same (`hadBefore`).
// - A rollout ends with a version of its workload, which is on another stream, and replicas tell it within a minute of each other. So it is
//   taken as what is offered is: listed while it is pending, and for a minute after it was acknowledged. After a time without any replica
//   those are told whose controllers say when they were complete (`wasRolloutMissed`); of the others nothing says that they ended then.
// No wall clock is compared between replicas but where no stored version tells: for timeouts, with a slack of 5 s, and for the stamps
// of pods that were changed again (missed.ts).

import type { PodRecord } from '../base/record.ts'
import {
  add,
  type DurationNano,
  earliest,
  fromSeconds,
  milliseconds,
  minus,
  type UnixNano,
} from '../base/time.ts'
import { isInFlight } from '../kube/event-backfill.ts'
import { traceIdOf } from '../trace/identity.ts'
import type { Trace } from '../trace/trace.ts'
import { rootOf } from '../trace/trace.ts'
import {
  createExporterBook,
  type ExporterBook,
  OFFERING_APART,
  type Origin,
  type Pending,
} from './exporter-book.ts'
import { mayHaveEndedSince } from './missed.ts'
import type { Progress } from './progress.ts'
import {
  beginningAt,
  coveredUntil,
  covers,
  shortId,
  type Told,
  type Watermark,
  type Watermarks,
} from './watermark.ts'

export interface Handover {
  /** A start is final and these exporters are to get it; returns those that have not had it already. */
  told(trace: Trace, exporters: readonly string[]): readonly string[]
  /** The same, of a start that was over before a session came which asks for it. */
  offered(trace: Trace, exporters: readonly string[]): void
  /** Every frame's time, after what it made final was told. */
  passed(t: UnixNano): void
  acknowledged(traceId: string, exporter: string): void
  /** For the Lease, whoever holds it: what is not covered is pending here. */
  watermarks(exporters: readonly string[]): Watermarks
  /** What another leader has published; returns what that covers of ours. */
  adopt(watermarks: Watermarks): readonly Acknowledgement[]
  /** What is to be exported by a new leader, the oldest first. */
  pending(exporter: string): readonly string[]
  /** Nobody keeps these traces any more: returns for which exporters they were still wanted. */
  forget(traceId: string): readonly string[]
  /** Whether a pod that was over when first seen may have ended without having been exported. */
  wasMissed(pod: PodRecord): boolean
  /** Whether a rollout that was over when first seen, and ended then, may not have been exported. */
  wasRolloutMissed(rollout: { readonly traceId: string; readonly endedAt: UnixNano }): boolean
  /** Whether any exporter still has to acknowledge it. */
  isPending(traceId: string): boolean
  /**
   * For which exporters leaders before us have seen to a start that a session is offered now; `knownSince`: when it was created, if they
   * knew it.
   */
  hadBefore(pod: PodRecord, knownSince: UnixNano | undefined): readonly string[]
  /** The versions of this stream were numbered anew: no position of before covers what ends from now on. */
  wentBack(stream: string): void
  /** Every stream has delivered its first list. */
  watching(): void
  /** `unlisted`: the most that were acknowledged and did not fit the list; so many more might repeat. */
  counters(): { readonly pending: number; readonly unlisted: number }
}

export interface Acknowledgement {
  readonly traceId: string
  readonly exporter: string
}

export interface HandoverOptions {
  readonly progress: Progress
  readonly settle: DurationNano
  readonly startTimeout: DurationNano
  /** The stream of pods that shows a namespace. */
  readonly streamOf: (namespace: string) => string
  /** What was on the Lease when we started. */
  readonly before: Watermarks
  readonly startedAt: UnixNano
}

/** The second of a stamp, and the API server's clock against ours. */
const CREATED_SLACK = milliseconds(6000)
const NONE = milliseconds(0)
/** An operator that comes back after days does not tell of all that began meanwhile: events are gone by then, and backends refuse it. */
const MISSED_AGE = milliseconds(3_600_000)

export const createHandover = (options: HandoverOptions): Handover => new HandoverBook(options)

class HandoverBook implements Handover {
  readonly #options: HandoverOptions
  readonly #books = new Map<string, ExporterBook>()
  /** Pods that were over when first seen, with the version that showed it. */
  readonly #missed = new Map<string, string>()
  /** All streams have delivered their first list. */
  #watching = false
  #before: Watermarks
  #now = 0n as UnixNano
  #unlisted = 0

  constructor(options: HandoverOptions) {
    this.#options = options
    this.#before = options.before
  }

  passed(t: UnixNano): void {
    if (t > this.#now) this.#now = t
  }

  told(trace: Trace, exporters: readonly string[]): readonly string[] {
    const told = this.#pendingOf(trace, 'told')
    const open = exporters.filter((exporter) => !covers(this.#before.get(exporter), told))
    for (const exporter of open) this.#bookOf(exporter).add({ ...told })
    return open
  }

  offered(trace: Trace, exporters: readonly string[]): void {
    for (const exporter of exporters) this.#bookOf(exporter).add(this.#pendingOf(trace, 'offered'))
  }

  #pendingOf(trace: Trace, origin: Origin): Pending {
    const { progress, settle, streamOf } = this.#options
    const stream = streamOf(trace.namespace)
    const missed = this.#missed.get(trace.uid)
    this.#missed.delete(trace.uid)
    return {
      origin,
      traceId: trace.traceId,
      stream,
      version: missed ?? progress.bound(stream),
      timedOut: trace.outcome === 'timeout',
      endedAt: rootOf(trace).end.best,
      since: origin === 'told' ? add(this.#now, minus(settle)) : this.#now,
    }
  }

  acknowledged(traceId: string, exporter: string): void {
    this.#bookOf(exporter).acknowledged(traceId, this.#now)
  }

  watermarks(exporters: readonly string[]): Watermarks {
    const { progress, settle } = this.#options
    const result = new Map<string, Watermark>()
    for (const exporter of exporters) {
      const before = this.#before.get(exporter) ?? beginningAt(this.#beginning())
      const view = { now: this.#now, settle, progress, before, exporters: exporters.length }
      const { unlisted, watermark } = this.#bookOf(exporter).watermark(view)
      this.#unlisted = Math.max(this.#unlisted, unlisted)
      result.set(exporter, watermark)
    }
    return result
  }

  /** An exporter of which nothing was said gets from us what is decided for it: also what others have missed. */
  #beginning(): UnixNano {
    let beginning = this.#options.startedAt
    for (const { at, position } of this.#before.values())
      for (const time of [at, ...Object.values(position).map((mark) => mark.at)])
        beginning = earliest(beginning, time)
    return beginning
  }

  adopt(watermarks: Watermarks): readonly Acknowledgement[] {
    this.#before = watermarks
    const covered: Acknowledgement[] = []
    for (const [exporter, book] of this.#books) {
      const traceIds = book.coveredBy(watermarks.get(exporter), this.#now, this.#options.progress)
      for (const traceId of traceIds) covered.push({ traceId, exporter })
    }
    for (const { traceId, exporter } of covered) this.acknowledged(traceId, exporter)
    return covered
  }

  pending(exporter: string): readonly string[] {
    return this.#books.get(exporter)?.pending() ?? []
  }

  forget(traceId: string): readonly string[] {
    return [...this.#books].flatMap(([exporter, book]) => (book.forget(traceId) ? [exporter] : []))
  }

  wentBack(stream: string): void {
    const before = [...this.#before].map(([exporter, watermark]) => {
      const { [stream]: _, ...position } = watermark.position
      return [exporter, { ...watermark, position }] as const
    })
    this.#before = new Map(before)
  }

  watching(): void {
    this.#watching = true
  }

  wasMissed(pod: PodRecord): boolean {
    const { startedAt } = this.#options
    const created = fromSeconds(pod.createdSeconds ?? 0)
    // Came and became ready since we are there: while the first list was on its way, or while the watch was broken. What that list showed
    // is known, so that later the second of a stamp and clocks that differ may be allowed for.
    if (add(created, this.#watching ? CREATED_SLACK : NONE) >= startedAt) return true
    if (add(created, MISSED_AGE) < startedAt) return false
    const missed = [...this.#before.values()].some((watermark) => !this.#isDoneBy(watermark, pod))
    if (missed) this.#missed.set(pod.uid, pod.resourceVersion)
    return missed
  }

  wasRolloutMissed({ traceId, endedAt }: { readonly traceId: string; readonly endedAt: UnixNano }): boolean {
    const { startedAt } = this.#options
    if (add(endedAt, CREATED_SLACK) >= startedAt) return true
    if (add(endedAt, MISSED_AGE) < startedAt) return false
    const id = shortId(traceId)
    const toldBy = add(add(endedAt, OFFERING_APART), CREATED_SLACK)
    return [...this.#before.values()].some(
      ({ at, beyond, owed }) => owed.has(id) || (!beyond.has(id) && toldBy > at),
    )
  }

  isPending(traceId: string): boolean {
    for (const book of this.#books.values()) if (book.has(traceId)) return true
    return false
  }

  hadBefore(pod: PodRecord, knownSince: UnixNano | undefined): readonly string[] {
    const id = shortId(traceIdOf(pod.uid))
    return [...this.#before].flatMap(([exporter, watermark]) => {
      const decided = knownSince !== undefined && isDecided(pod, knownSince, watermark)
      return watermark.beyond.has(id) || (decided && this.#isDoneBy(watermark, pod)) ? [exporter] : []
    })
  }

  /** Whether the start of a pod that is over is one of those of which the watermark says that they are acknowledged. */
  #isDoneBy(watermark: Watermark, pod: PodRecord): boolean {
    const { startTimeout, streamOf } = this.#options
    const told: Told = {
      traceId: traceIdOf(pod.uid),
      stream: streamOf(pod.namespace),
      version: pod.resourceVersion,
      timedOut: isInFlight(pod),
      endedAt: add(fromSeconds(pod.createdSeconds ?? 0), startTimeout),
    }
    if (covers(watermark, told)) return true
    const since = coveredUntil(watermark, told.stream)
    return !watermark.owed.has(shortId(told.traceId)) && !mayHaveEndedSince(since, pod, startTimeout)
  }

  counters(): ReturnType<Handover['counters']> {
    let pending = 0
    for (const book of this.#books.values()) pending += book.size
    return { pending, unlisted: this.#unlisted }
  }

  #bookOf(exporter: string): ExporterBook {
    let book = this.#books.get(exporter)
    if (!book) this.#books.set(exporter, (book = createExporterBook()))
    return book
  }
}

/** By whoever wrote the watermark: the pod came later than the session, or that was offered its earlier ones long before. */
function isDecided(pod: PodRecord, knownSince: UnixNano, { at }: Watermark): boolean {
  const offeredBy = add(add(knownSince, OFFERING_APART), CREATED_SLACK)
  return fromSeconds(pod.createdSeconds ?? 0) >= knownSince || offeredBy <= at
}
