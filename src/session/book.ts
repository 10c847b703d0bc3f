// Owns the interface between sessions and whoever runs them: what a book of sessions is told, and what it answers.
// Promises no clock and no IO behind it; `now` is our clock. Does not hold the logic: create-book.ts does.

import type { DurationNano, UnixNano } from '../base/time.ts'
import type { InFlight } from '../trace/in-flight.ts'
import type { SpanLink, Trace } from '../trace/trace.ts'
import type { RolloutState } from '../rollout/state.ts'
import type { TargetRef, TraceSession, TraceSessionStatus } from './schema.ts'

/** A session as it was last seen, and which starts are its own. */
export interface SessionLook {
  readonly session: TraceSession
  /** As far as can be said afterwards: by what it chooses, and by when the pod was created. */
  takes(trace: Trace): boolean
}

export interface SessionKey {
  readonly uid: string
  readonly namespace: string
  readonly name: string
}

export interface SessionEvent {
  readonly type: 'Normal' | 'Warning'
  /** `Accepted`, `NotAccepted`, `ObjectiveMissed`, `Completed`. */
  readonly reason: string
  readonly message: string
}

/** A status to be written to the status subresource, and the events to be recorded on the session with it. */
export interface StatusUpdate {
  readonly session: SessionKey
  /** Of the object that this status was computed for. */
  readonly generation: number
  readonly status: TraceSessionStatus
  readonly events: readonly SessionEvent[]
}

/** Why an exporter does not get a trace, or that it does. */
export type Decision = 'export' | 'sampled out' | 'over limit' | 'over budget' | 'sent before'

export interface ExportDecision {
  /** To these, once each. After that `delivered` is called for each of them, whatever became of it. */
  readonly exporters: readonly string[]
  /** The sessions that took this start. Empty: nobody asked for it. */
  readonly sessions: readonly SessionKey[]
  /** Of sessions that carry a trace context: what the start's root links to besides. */
  readonly links: readonly SpanLink[]
  /** Every exporter that a session of this start names, those that get nothing too. Unknown exporters are not in it. */
  readonly decisions: ReadonlyMap<string, Decision>
}

/** A session that also wants starts that were over before it was there. */
export interface BackfillRequest {
  readonly session: SessionKey
  /** Undefined: every namespace. */
  readonly namespace: string | undefined
  /** Pods created since then. */
  readonly since: UnixNano
  /** When the session was created, if its status says that there was an operator which knew it. */
  readonly knownSince: UnixNano | undefined
}

export interface BookExporter {
  /** Undefined: no budget. */
  readonly spansPerMinute?: number
}

export interface BookOptions {
  /** Podspan's own namespace: only there a namespaceSelector counts. */
  readonly namespace: string
  readonly exporters: Readonly<Record<string, BookExporter>>
  /** `https://jaeger.example/trace/{traceID}`; undefined: traces have no links. */
  readonly traceURLTemplate?: string
  /** The pipeline's: a session's own is cut to it. */
  readonly startTimeout: DurationNano
  /** The pipeline's: how long evidence settles after the end of a start. */
  readonly settle: DurationNano
}

export interface RolloutOffer {
  readonly trace: Trace
  /** Who got the start of any of its pods. */
  readonly exporters: readonly string[]
}

export interface SessionBook {
  /** Added or changed, as the watch shows it; also our own writes. A session whose status is not empty is one that was there before this process. */
  apply(session: TraceSession, now: UnixNano): void
  remove(uid: string): void
  /** The targets whose rollout somebody waits for: read these (every few seconds, or by a watch) and tell `rollout`. */
  targets(): readonly { readonly session: SessionKey; readonly target: TargetRef }[]
  /** What the controller read of the target; undefined: there is none. */
  rollout(uid: string, state: RolloutState | undefined, now: UnixNano): void
  /** All namespaces with their labels, for namespaceSelector. Never told: only selectors that select everything match. */
  namespaces(labelsByNamespace: ReadonlyMap<string, Readonly<Record<string, string>>>): void
  /** All that are in flight; at most once a second, and also when there are none. */
  startsInFlight(starts: readonly InFlight[], now: UnixNano): void
  /** Once per final trace, in any order. A standby calls it too, and `delivered` for what the leader's watermark covers. */
  take(trace: Trace, now: UnixNano): ExportDecision
  /**
   * A rollout that is over, in the form of a trace. It goes where the start of any of its pods went, and by itself to the exporters of
   * sessions that choose its pods, as their sampling has it. It is no start: no session counts it, and no limit of a session holds it.
   */
  takeRollout(rollout: RolloutOffer, now: UnixNano): ExportDecision
  /** Sessions that came since the last call and want earlier starts; each is returned once. */
  backfills(): readonly BackfillRequest[]
  /**
   * An earlier start for one session, from the ring or read again. Others that took it already are not asked again. `had`: the exporters
   * for which an operator before us has decided it and done as it decided.
   */
  offer(sessionUid: string, trace: Trace, now: UnixNano, had?: readonly string[]): ExportDecision
  /** All earlier starts were offered; `missing` says what could not be, in words. A session waits a minute for it. */
  backfilled(sessionUid: string, missing: string | undefined, now: UnixNano): void
  delivered(traceId: string, exporter: string, result: 'sent' | 'dropped'): void
  /** The configuration was read again. */
  configure(options: BookOptions, now: UnixNano): void
  /**
   * Statuses that differ from what was last returned, at most one per session in 10 s and 250 at a time. Call it about once a second, at
   * the leader only.
   */
  due(now: UnixNano): readonly StatusUpdate[]
  /** The status that `due` returned could not be written: it is returned again, with its events. */
  unwritten(update: StatusUpdate): void
  /** Finished longer ago than their ttlSecondsAfterFinished: to be deleted. Returned until removed. */
  expired(now: UnixNano): readonly SessionKey[]
  /** For people who look; nothing is kept for them. */
  looks(): readonly SessionLook[]
  /** Counts by name: sessions by phase, and limits that were reached. */
  counters(): Readonly<Record<string, number>>
}
