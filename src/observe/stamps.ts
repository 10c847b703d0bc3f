// Owns the making of stamps from records: which clock, how fine, which field.
// Promises that a receipt is called `watch-receipt` only where it is near what it dates, and that a stamp holds nothing of the record but
// its name: thousands of pods in flight hold some fifty stamps each. Does not weigh stamps.

import type { ObjectFrame } from '../base/frame.ts'
import type { AnyRecord, UnixSeconds } from '../base/record.ts'
import type { ClockName, Evidence, Stamp, StampSource } from '../base/stamp.ts'
import {
  type DurationNano,
  durationNano,
  formatRfc3339,
  fromSeconds,
  MICROSECOND,
  SECOND,
  type UnixNano,
} from '../base/time.ts'

export const NANOSECOND: DurationNano = durationNano(1n)

/** Stamps of whole seconds outside 2000 to 2100 are no moments of a pod's start: 1970 stands for "unset" in some writers. */
const OLDEST: UnixSeconds = 946_684_800
const NEWEST: UnixSeconds = 4_102_444_800

/** The version of an object that a frame's stamps were read from, shared by all of them, and when we received it. */
export interface Origin {
  readonly resource: string
  readonly namespace: string
  readonly name: string
  readonly resourceVersion: string
  readonly t: UnixNano
}

let lastRecord: AnyRecord | undefined
let lastOrigin: Origin | undefined

function originOf({ record, t }: ObjectFrame): Origin {
  if (lastOrigin && lastRecord === record && lastOrigin.t === t) return lastOrigin
  lastRecord = record
  const { resource, namespace, name, resourceVersion } = record
  lastOrigin = { resource, namespace, name, resourceVersion, t }
  return lastOrigin
}

/** A stamp whose evidence is put into words only when somebody asks. */
export class ReadStamp implements Stamp {
  readonly source: StampSource
  readonly at: UnixNano
  readonly clock: ClockName
  readonly receivedAt: UnixNano | undefined
  readonly origin: Origin
  readonly field: string
  /** The raw value where `at` does not give it back. */
  readonly raw: string | undefined

  constructor(
    source: StampSource,
    at: UnixNano,
    clock: ClockName,
    receivedAt: UnixNano | undefined,
    origin: Origin,
    field: string,
    raw?: string,
  ) {
    this.source = source
    this.at = at
    this.clock = clock
    this.receivedAt = receivedAt
    this.origin = origin
    this.field = field
    this.raw = raw
  }

  get resolution(): DurationNano {
    if (WHOLE_SECONDS.has(this.source)) return SECOND
    return this.source === 'event-time' ? MICROSECOND : NANOSECOND
  }

  get evidence(): Evidence {
    const { resource, namespace, name, resourceVersion } = this.origin
    const object = namespace === '' ? `${resource}/${name}` : `${resource}/${namespace}/${name}`
    return { object, resourceVersion, field: this.field, raw: this.raw ?? this.#text() }
  }

  /** All of it, where a trace leaves the process. */
  toJSON(): Stamp {
    const { source, at, clock, resolution, receivedAt, evidence } = this
    return { source, at, clock, resolution, receivedAt, evidence }
  }

  #text(): string {
    if (WHOLE_SECONDS.has(this.source)) return String(this.at / SECOND)
    if (this.source === 'event-time') return formatRfc3339(this.at, 6)
    return this.source === 'event-name' ? this.at.toString(16) : ''
  }
}

const WHOLE_SECONDS: ReadonlySet<StampSource> = new Set([
  'event-second',
  'creation-second',
  'deletion-second',
  'condition-second',
  'start-second',
  'state-second',
  'field-manager-second',
])

/** A stamp of whole seconds, or nothing where it is unset or absurd. */
export function secondStamp(
  frame: ObjectFrame,
  source: StampSource,
  clock: ClockName,
  field: string,
  value: UnixSeconds | undefined,
): ReadStamp[] {
  if (value === undefined || !(value > OLDEST && value < NEWEST)) return []
  return [new ReadStamp(source, fromSeconds(value), clock, undefined, originOf(frame), field)]
}

/** Where earlier versions were not seen, a live one says no more than a list does: what it shows may be long past. */
export const asListed = (frame: ObjectFrame): ObjectFrame =>
  frame.phase === 'live' ? { ...frame, phase: 'relist' } : frame

/**
 * When we received the frame. `near` is what a live receipt dates: `watch-receipt` for what the API server itself stores,
 * `status-receipt` for what a kubelet reports when it comes to it. A list's receipt only says "not later".
 */
export function receiptStamp(
  frame: ObjectFrame,
  near: 'watch-receipt' | 'status-receipt' | 'event-receipt' | 'list-receipt',
  field: string,
): ReadStamp {
  const source = frame.phase === 'live' ? near : 'list-receipt'
  return new ReadStamp(source, frame.t, 'observer', frame.t, originOf(frame), field)
}

/** A stamp finer than a second, as a component wrote it. */
export function fineStamp(
  frame: ObjectFrame,
  source: StampSource,
  clock: ClockName,
  at: UnixNano,
  field: string,
  raw?: string,
): ReadStamp {
  const receivedAt = frame.phase === 'live' ? frame.t : undefined
  return new ReadStamp(source, at, clock, receivedAt, originOf(frame), field, raw)
}
