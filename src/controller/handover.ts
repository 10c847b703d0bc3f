// Owns what has to survive this process: which finished starts each exporter still has to acknowledge, here or at the leader.
// Promises the invariant below. Pure: time comes in with each call. Does not export and does not write the Lease.
//
// The invariant. For each exporter, a start that was decided to be exported is at every moment either acknowledged by it (sent, or
// dropped with a reason), or above the watermark that is on the Lease and pending on every replica that has seen its end.
//
// How it is kept.
// - The leader's watermark says: every start whose end was stored at version P or before is acknowledged. P is where the pods'
//   stream stood at a time T, by when everything told up to now and not acknowledged had not ended, and `settle` and a tick
//   before now: what ended before T has been told. Starts that were acknowledged and may lie above P are listed by id.
// - A standby tells the same starts. It keeps each until the watermark covers the version at which *it* told it, which is not before
//   the end was stored; so what it lets go of was acknowledged.
// - A new leader exports what is still pending. Of that, acknowledged was only what the old one sent after its last renewal (every
//   2 s or less), and what did not fit the list. Ids follow from the UID, so these are repeats of the same spans, and are counted.
// - A replica that starts anew reads the watermark before its first list and takes up every pod that may have ended above it
//   (`wasMissed`), so that a restart of all replicas loses nothing that the API server still holds.
// No wall clock is compared between replicas but for timeouts, which no stored version marks; there a slack of 5 s is left.

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
import type { Trace } from '../trace/trace.ts'
import { rootOf } from '../trace/trace.ts'
import { traceIdOf } from '../trace/identity.ts'
import { isInFlight } from '../kube/event-backfill.ts'
import type { Progress } from './progress.ts'
import {
  BEYOND_MAX,
  CLOCK_SLACK,
  covers,
  shortId,
  type Told,
  type Watermark,
  type Watermarks,
} from './watermark.ts'

export interface Handover {
  /** A start is final and these exporters are to get it; returns those that have not had it already. */
  told(trace: Trace, exporters: readonly string[]): readonly string[]
  /** Every frame's time, after what it made final was told. */
  passed(t: UnixNano): void
  acknowledged(traceId: string, exporter: string): void
  /** For the Lease. Before the first list is complete there is nothing to say beyond what was there. */
  watermarks(exporters: readonly string[]): Watermarks
  /** What another leader has published; returns what that covers of ours. */
  adopt(watermarks: Watermarks): readonly Acknowledgement[]
  /** What is to be exported by a new leader, the oldest first. */
  pending(exporter: string): readonly string[]
  /** Nobody keeps these traces any more: returns for which exporters they were still wanted. */
  forget(traceId: string): readonly string[]
  /** Whether a pod that was over when first seen may have ended without having been exported. */
  wasMissed(pod: PodRecord): boolean
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

interface Pending extends Told {
  /** Filled in later where the stream had no bound yet: any later one is as true. */
  version: string | undefined
  /** When its end had not been seen yet. */
  readonly since: UnixNano
}

interface Acknowledged {
  readonly id: string
  /** A watermark of this time covers it, on every replica. */
  readonly coveredFrom: UnixNano
}

interface Book {
  readonly pending: Map<string, Pending>
  /** In the order of telling; those below the watermark are dropped when it is next written. */
  acknowledged: Acknowledged[]
}

/** What has ended is told `settle` later, at the next tick; a tick is a second. */
const TICK = milliseconds(1500)
/** Another replica may tell the same start so much later, and knows it under the version that its stream has reached by then. */
const TELLING_APART = milliseconds(3000)
/** For a replica whose streams are quiet, so that it has no version to compare yet. */
const LISTED_AT_LEAST = 100
/** The API server's clock may be off from that of a replica by so much, where a version alone does not tell. */
const SERVER_CLOCK = milliseconds(5000)
/** An operator that comes back after days does not tell of all that began meanwhile: events are gone by then, and backends refuse it. */
const MISSED_AGE = milliseconds(3_600_000)
/** Clocks of kubelets may be off from ours by so much where only they say when a pod became ready. */
const NODE_CLOCKS = milliseconds(60_000)

export const createHandover = (options: HandoverOptions): Handover => new HandoverBook(options)

class HandoverBook implements Handover {
  readonly #options: HandoverOptions
  readonly #books = new Map<string, Book>()
  /** Pods that were over when first seen, with the version that showed it. */
  readonly #missed = new Map<string, string>()
  /** When all streams had delivered their first list. */
  #watchingSince: UnixNano | undefined
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
    const { progress, settle, streamOf } = this.#options
    const stream = streamOf(trace.namespace)
    const version = this.#missed.get(trace.uid) ?? progress.bound(stream)
    this.#missed.delete(trace.uid)
    const told: Pending = {
      traceId: trace.traceId,
      stream,
      version,
      timedOut: trace.outcome === 'timeout',
      endedAt: rootOf(trace).end.best,
      since: add(this.#now, minus(settle)),
    }
    const open = exporters.filter((exporter) => !covers(this.#before.get(exporter), told))
    for (const exporter of open) this.#bookOf(exporter).pending.set(trace.traceId, { ...told })
    return open
  }

  acknowledged(traceId: string, exporter: string): void {
    const book = this.#bookOf(exporter)
    const told = book.pending.get(traceId)
    if (!told) return
    book.pending.delete(traceId)
    const coveredFrom = told.timedOut ? add(told.endedAt, CLOCK_SLACK) : add(this.#now, TELLING_APART)
    book.acknowledged.push({ id: shortId(traceId), coveredFrom })
  }

  watermarks(exporters: readonly string[]): Watermarks {
    const result = new Map<string, Watermark>()
    const most = Math.floor(BEYOND_MAX / Math.max(1, exporters.length))
    for (const exporter of exporters) {
      const watermark = this.#watermarkOf(exporter, most)
      if (watermark) result.set(exporter, watermark)
    }
    return result
  }

  #watermarkOf(exporter: string, most: number): Watermark | undefined {
    const { progress, settle } = this.#options
    const book = this.#bookOf(exporter)
    let told = add(this.#now, minus(add2(settle, TICK)))
    let ended = told
    for (const pending of book.pending.values()) {
      told = earliest(told, pending.since)
      ended = earliest(ended, pending.endedAt)
    }
    const position = progress.at(told)
    // Nothing of our own to say yet: what is there stays true, with what we have acknowledged since.
    const before = this.#before.get(exporter)
    const complete = Object.keys(position).length > 0
    const until = earliest(ended, told)
    const recent = new Set(book.acknowledged.slice(-LISTED_AT_LEAST))
    const needed = book.acknowledged.filter(({ coveredFrom }) => !complete || coveredFrom > until)
    this.#unlisted = Math.max(this.#unlisted, needed.length - most)
    const listed = new Set([...recent, ...needed])
    // What has no room on the Lease need not be kept for it either.
    book.acknowledged = book.acknowledged.filter((one) => listed.has(one)).slice(-most)
    const beyond = book.acknowledged.map(({ id }) => id)
    if (complete) return { position, at: until, beyond: new Set(beyond) }
    return before && { ...before, beyond: new Set([...before.beyond, ...beyond].slice(-most)) }
  }

  adopt(watermarks: Watermarks): readonly Acknowledgement[] {
    this.#before = watermarks
    const covered: Acknowledgement[] = []
    for (const [exporter, book] of this.#books) {
      const watermark = watermarks.get(exporter)
      for (const [traceId, told] of book.pending) {
        told.version ??= this.#options.progress.bound(told.stream)
        if (covers(watermark, told)) covered.push({ traceId, exporter })
      }
    }
    for (const { traceId, exporter } of covered) this.acknowledged(traceId, exporter)
    return covered
  }

  pending(exporter: string): readonly string[] {
    return [...(this.#books.get(exporter)?.pending.keys() ?? [])]
  }

  forget(traceId: string): readonly string[] {
    const wanted: string[] = []
    for (const [exporter, book] of this.#books) if (book.pending.delete(traceId)) wanted.push(exporter)
    return wanted
  }

  watching(): void {
    this.#watchingSince ??= this.#now
  }

  wasMissed(pod: PodRecord): boolean {
    const { startedAt, startTimeout, streamOf } = this.#options
    const created = fromSeconds(pod.createdSeconds ?? 0)
    // Came and became ready while the watch was broken.
    if (this.#watchingSince !== undefined && created >= this.#watchingSince) return true
    if (add(created, MISSED_AGE) < startedAt) return false
    const told: Told = {
      traceId: traceIdOf(pod.uid),
      stream: streamOf(pod.namespace),
      version: pod.resourceVersion,
      timedOut: isInFlight(pod),
      endedAt: add(created, startTimeout),
    }
    const missed = [...this.#before.values()].some(
      (watermark) => !covers(watermark, told) && mayHaveEndedSince(watermark.at, pod, startTimeout),
    )
    if (missed) this.#missed.set(pod.uid, pod.resourceVersion)
    return missed
  }

  counters(): ReturnType<Handover['counters']> {
    let pending = 0
    for (const book of this.#books.values()) pending += book.pending.size
    return { pending, unlisted: this.#unlisted }
  }

  #bookOf(exporter: string): Book {
    let book = this.#books.get(exporter)
    if (!book) this.#books.set(exporter, (book = { pending: new Map(), acknowledged: [] }))
    return book
  }
}

const add2 = (a: DurationNano, b: DurationNano): DurationNano => (a + b) as DurationNano

/**
 * A pod is changed for many reasons after it became ready, and each change has a new version. One whose start timeout had passed by
 * then was told long before. Of the others, the last status that the kubelet wrote came no earlier than the end of the start, by the
 * API server's clock, and the last condition that changed, by the clock of the node.
 */
function mayHaveEndedSince(at: UnixNano, pod: PodRecord, startTimeout: DurationNano): boolean {
  const created = pod.createdSeconds
  if (created !== undefined && add(fromSeconds(created + 1), startTimeout) < at) return false
  const writes = (pod.managers ?? []).filter(({ subresource }) => subresource === 'status')
  const changes = (pod.conditions ?? []).map(({ transitionSeconds }) => transitionSeconds)
  return (
    isSince(
      at,
      writes.map(({ seconds }) => seconds),
      SERVER_CLOCK,
    ) && isSince(at, changes, NODE_CLOCKS)
  )
}

/** Unless the last of these seconds is known to lie before. */
function isSince(at: UnixNano, stamps: readonly (number | undefined)[], slack: DurationNano): boolean {
  const last = Math.max(...stamps.map((stamp) => stamp ?? Number.POSITIVE_INFINITY))
  return !Number.isFinite(last) || add(fromSeconds(last + 1), slack) >= at
}
