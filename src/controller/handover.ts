// Owns what has to survive this process: which finished starts each exporter still has to acknowledge, here or at the leader.
// Promises the invariant below. Pure: time comes in with each call. Does not export and does not write the Lease.
//
// The invariant. For each exporter, a start that was decided to be exported is at every moment either acknowledged by it (sent, or
// dropped with a reason), or above the watermark that is on the Lease and pending on every replica that has seen its end.
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
// No wall clock is compared between replicas but where no stored version tells: for timeouts, with a slack of 5 s, and for the stamps
// of pods that were changed again (missed.ts).

import type { PodRecord } from '../base/record.ts'
import {
  add,
  type DurationNano,
  earliest,
  fromSeconds,
  latest,
  milliseconds,
  minus,
  type UnixNano,
} from '../base/time.ts'
import type { Trace } from '../trace/trace.ts'
import { rootOf } from '../trace/trace.ts'
import { traceIdOf } from '../trace/identity.ts'
import { isInFlight } from '../kube/event-backfill.ts'
import { mayHaveEndedSince } from './missed.ts'
import type { Mark, Progress } from './progress.ts'
import {
  BEYOND_MAX,
  CLOCK_SLACK,
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
  readonly stream: string
  /** A watermark that has heard of its stream at this time covers it, on every replica. */
  readonly coveredFrom: UnixNano
}

interface Reached extends Omit<Watermark, 'beyond'> {
  readonly whole: boolean
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
/** The second of a stamp, and the API server's clock against ours. */
const CREATED_SLACK = milliseconds(6000)
const NONE = milliseconds(0)
/** An operator that comes back after days does not tell of all that began meanwhile: events are gone by then, and backends refuse it. */
const MISSED_AGE = milliseconds(3_600_000)

export const createHandover = (options: HandoverOptions): Handover => new HandoverBook(options)

class HandoverBook implements Handover {
  readonly #options: HandoverOptions
  readonly #books = new Map<string, Book>()
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
    const everywhere = add(this.#now, TELLING_APART)
    const coveredFrom = told.timedOut ? latest(everywhere, add(told.endedAt, CLOCK_SLACK)) : everywhere
    book.acknowledged.push({ id: shortId(traceId), stream: told.stream, coveredFrom })
  }

  watermarks(exporters: readonly string[]): Watermarks {
    const most = Math.floor(BEYOND_MAX / Math.max(1, exporters.length))
    return new Map(exporters.map((exporter) => [exporter, this.#watermarkOf(exporter, most)]))
  }

  #watermarkOf(exporter: string, most: number): Watermark {
    const book = this.#bookOf(exporter)
    const before = this.#before.get(exporter)
    const reached = this.#reachedBy(book, before)
    const { whole } = reached
    const recent = new Set(book.acknowledged.slice(-LISTED_AT_LEAST))
    const needed = book.acknowledged.filter(
      ({ coveredFrom, stream }) => !whole || coveredFrom > coveredUntil(reached, stream),
    )
    this.#unlisted = Math.max(this.#unlisted, needed.length - most)
    const listed = new Set([...recent, ...needed])
    // What has no room on the Lease need not be kept for it either.
    book.acknowledged = book.acknowledged.filter((one) => listed.has(one)).slice(-most)
    const beyond = [...(whole ? [] : (before?.beyond ?? [])), ...book.acknowledged.map(({ id }) => id)]
    return { position: reached.position, at: reached.at, beyond: new Set(beyond.slice(-most)) }
  }

  /** `whole`: it rests on what we have seen ourselves; else, where a stream has no mark yet, on what was said before. */
  #reachedBy(book: Book, before: Watermark | undefined): Reached {
    let told = add(this.#now, minus(add2(this.#options.settle, TICK)))
    let ended = told
    for (const pending of book.pending.values()) {
      told = earliest(told, pending.since)
      ended = earliest(ended, pending.endedAt)
    }
    const marks = this.#options.progress.at(told)
    const position: Record<string, Mark> = { ...before?.position }
    for (const [stream, mark] of marks) if (mark) position[stream] = mark
    const whole = marks.size > 0 && [...marks.values()].every((mark) => mark !== undefined)
    return { position, at: whole ? earliest(ended, told) : (before?.at ?? this.#beginning()), whole }
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
    this.#watching = true
  }

  wasMissed(pod: PodRecord): boolean {
    const { startedAt, startTimeout, streamOf } = this.#options
    const created = fromSeconds(pod.createdSeconds ?? 0)
    // Came and became ready since we are there: while the first list was on its way, or while the watch was broken. What that list showed
    // is known, so that later the second of a stamp and clocks that differ may be allowed for.
    if (add(created, this.#watching ? CREATED_SLACK : NONE) >= startedAt) return true
    if (add(created, MISSED_AGE) < startedAt) return false
    const told: Told = {
      traceId: traceIdOf(pod.uid),
      stream: streamOf(pod.namespace),
      version: pod.resourceVersion,
      timedOut: isInFlight(pod),
      endedAt: add(created, startTimeout),
    }
    const missed = [...this.#before.values()].some(
      (watermark) =>
        !covers(watermark, told) &&
        mayHaveEndedSince(coveredUntil(watermark, told.stream), pod, startTimeout),
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
