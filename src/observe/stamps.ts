// Owns the making of stamps from records: which clock, how fine, which field.
// Promises that a receipt is called `watch-receipt` only where it is near what it dates. Does not weigh stamps.

import type { ObjectFrame } from '../base/frame.ts'
import type { AnyRecord, UnixSeconds } from '../base/record.ts'
import type { ClockName, Evidence, Stamp, StampSource } from '../base/stamp.ts'
import {
  type DurationNano,
  fromSeconds,
  MICROSECOND,
  SECOND,
  type UnixNano,
  durationNano,
} from '../base/time.ts'

export const NANOSECOND: DurationNano = durationNano(1n)

/** Stamps of whole seconds outside 2000 to 2100 are no moments of a pod's start: 1970 stands for "unset" in some writers. */
const OLDEST: UnixSeconds = 946_684_800
const NEWEST: UnixSeconds = 4_102_444_800

export function objectPath(record: AnyRecord): string {
  return record.namespace === ''
    ? `${record.resource}/${record.name}`
    : `${record.resource}/${record.namespace}/${record.name}`
}

/** The path of the record asked for last: one frame asks for the same many times over. */
let lastRecord: AnyRecord | undefined
let lastPath = ''

export function evidenceOf({ record }: ObjectFrame, field: string, raw: string): Evidence {
  if (record !== lastRecord) {
    lastRecord = record
    lastPath = objectPath(record)
  }
  return { object: lastPath, resourceVersion: record.resourceVersion, field, raw }
}

/** A stamp of whole seconds, or nothing where it is unset or absurd. */
export function secondStamp(
  frame: ObjectFrame,
  source: StampSource,
  clock: ClockName,
  field: string,
  value: UnixSeconds | undefined,
): Stamp[] {
  if (value === undefined || !(value > OLDEST && value < NEWEST)) return []
  return [
    {
      source,
      at: fromSeconds(value),
      clock,
      resolution: SECOND,
      evidence: evidenceOf(frame, field, String(value)),
    },
  ]
}

/**
 * When we received the frame. `near` is what a live receipt dates: `watch-receipt` for what the API server itself stores,
 * `status-receipt` for what a kubelet reports when it comes to it. A list's receipt only says "not later".
 */
export function receiptStamp(
  frame: ObjectFrame,
  near: 'watch-receipt' | 'status-receipt' | 'event-receipt',
  field: string,
): Stamp {
  const source = frame.phase === 'live' ? near : 'list-receipt'
  return {
    source,
    at: frame.t,
    clock: 'observer',
    resolution: NANOSECOND,
    evidence: evidenceOf(frame, field, ''),
    receivedAt: frame.t,
  }
}

/** A stamp finer than a second, as a component wrote it. */
export function fineStamp(
  frame: ObjectFrame,
  source: StampSource,
  clock: ClockName,
  at: UnixNano,
  field: string,
  raw: string,
): Stamp {
  const resolution = source === 'event-time' ? MICROSECOND : NANOSECOND
  const stamp: Stamp = { source, at, clock, resolution, evidence: evidenceOf(frame, field, raw) }
  return frame.phase === 'live' ? { ...stamp, receivedAt: frame.t } : stamp
}
