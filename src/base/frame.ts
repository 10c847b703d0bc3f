// Owns the one form in which anything reaches the pure middle, from a live cluster and from a recording alike.
// Promises nothing about order across objects; per object, frames come in the order in which the API server stored its versions.
// Does not say what a frame means: that is observe/.

import type { NativeSpan } from './native.ts'
import type { AnyRecord } from './record.ts'
import type { DurationNano, UnixNano } from './time.ts'

/** `initial`: a first list; `live`: a watch; `relist`: a list after a gap. Only a live receipt dates anything from above *and* near. */
export type Phase = 'initial' | 'live' | 'relist'

/** A stream that frames come from: the plural resource name, as in the API's path (`pods`, `events`, `nodes`, `leases`, `replicasets`, …). */
export type Source = string

export interface ObjectFrame {
  readonly kind: 'added' | 'modified' | 'deleted'
  readonly t: UnixNano
  readonly source: Source
  readonly phase: Phase
  readonly record: AnyRecord
  /** So long before `t` nothing was read: the receipt may be late by that, besides all else. Absent in the usual turn of an event loop. */
  readonly heldUp?: DurationNano
  /** True where a relist no longer shows the object: it is gone, and nobody saw when. */
  readonly synthetic?: boolean
}

/** Something of this stream may have been missed between `from` (the last frame before, if any) and `t`. */
export interface GapFrame {
  readonly kind: 'gap'
  readonly t: UnixNano
  readonly source: Source
  readonly from?: UnixNano
  readonly reason: string
}

/** The stream has delivered its list and is live from here on. */
export interface SyncedFrame {
  readonly kind: 'synced'
  readonly t: UnixNano
  readonly source: Source
  /** The resourceVersion that the list shows whole; absent where it is of two versions, and in recordings. */
  readonly version?: string
}

/** Time passes; `final` at the end of a recording: everything still open is emitted as it stands. */
export interface TickFrame {
  readonly kind: 'tick'
  readonly t: UnixNano
  /** So long before `t` nothing was read: what came meanwhile may wait. Absent in the usual turn of an event loop. */
  readonly heldUp?: DurationNano
  /** So long before `t` no watch showed pods. Absent while one does, and in recordings: they do not say it. */
  readonly unwatched?: DurationNano
  readonly final?: boolean
}

/** Spans that another component sent, in one request. */
export interface OtlpFrame {
  readonly kind: 'otlp'
  readonly t: UnixNano
  readonly source: Source
  readonly spans: readonly NativeSpan[]
}

export type Frame = ObjectFrame | GapFrame | SyncedFrame | TickFrame | OtlpFrame

export const isLive = (frame: Frame): frame is ObjectFrame => 'phase' in frame && frame.phase === 'live'
