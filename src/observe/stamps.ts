// Owns the making of stamps from records: which clock, how fine, which field.
// Promises that a receipt is called `watch-receipt` only where it is near what it dates, and that a stamp holds nothing of the record but
// its name: thousands of pods in flight hold some fifty stamps each. Does not weigh stamps.

import type { ObjectFrame } from '../base/frame.ts'
import type { AnyRecord, UnixSeconds } from '../base/record.ts'
import type { ClockName, Evidence, Stamp, StampSource } from '../base/stamp.ts'
import {
  type DurationNano,
  durationNano,
  fromSeconds,
  MICROSECOND,
  SECOND,
  type UnixNano,
} from '../base/time.ts'

export const NANOSECOND: DurationNano = durationNano(1n)

/** Stamps of whole seconds outside 2000 to 2100 are no moments of a pod's start: 1970 stands for "unset" in some writers. */
const OLDEST: UnixSeconds = 946_684_800
const NEWEST: UnixSeconds = 4_102_444_800

/** The version of an object that a frame's stamps were read from, shared by all of them. */
interface Origin {
  readonly resource: string
  readonly namespace: string
  readonly name: string
  readonly resourceVersion: string
}

let lastRecord: AnyRecord | undefined
let lastOrigin: Origin | undefined

function originOf(record: AnyRecord): Origin {
  if (record === lastRecord && lastOrigin) return lastOrigin
  const { resource, namespace, name, resourceVersion } = record
  lastRecord = record
  lastOrigin = { resource, namespace, name, resourceVersion }
  return lastOrigin
}

/** A stamp whose evidence is put into words only when somebody asks. */
class ReadStamp implements Stamp {
  readonly source: StampSource
  readonly at: UnixNano
  readonly clock: ClockName
  readonly resolution: DurationNano
  readonly receivedAt: UnixNano | undefined
  readonly #origin: Origin
  readonly #field: string
  readonly #raw: string | undefined

  constructor(
    stamp: Pick<Stamp, 'source' | 'at' | 'clock' | 'resolution'>,
    receivedAt: UnixNano | undefined,
    record: AnyRecord,
    field: string,
    raw?: string,
  ) {
    this.source = stamp.source
    this.at = stamp.at
    this.clock = stamp.clock
    this.resolution = stamp.resolution
    this.receivedAt = receivedAt
    this.#origin = originOf(record)
    this.#field = field
    this.#raw = raw
  }

  get evidence(): Evidence {
    const { resource, namespace, name, resourceVersion } = this.#origin
    const object = namespace === '' ? `${resource}/${name}` : `${resource}/${namespace}/${name}`
    return { object, resourceVersion, field: this.#field, raw: this.#raw ?? this.#text() }
  }

  /** All of it, where a trace leaves the process. */
  toJSON(): Stamp {
    const { source, at, clock, resolution, receivedAt, evidence } = this
    return { source, at, clock, resolution, receivedAt, evidence }
  }

  #text(): string {
    if (this.resolution === SECOND) return String(this.at / SECOND)
    return this.source === 'event-name' ? this.at.toString(16) : ''
  }
}

/** A stamp of whole seconds, or nothing where it is unset or absurd. */
export function secondStamp(
  { record }: ObjectFrame,
  source: StampSource,
  clock: ClockName,
  field: string,
  value: UnixSeconds | undefined,
): Stamp[] {
  if (value === undefined || !(value > OLDEST && value < NEWEST)) return []
  const stamp = { source, at: fromSeconds(value), clock, resolution: SECOND }
  return [new ReadStamp(stamp, undefined, record, field)]
}

/**
 * When we received the frame. `near` is what a live receipt dates: `watch-receipt` for what the API server itself stores,
 * `status-receipt` for what a kubelet reports when it comes to it. A list's receipt only says "not later".
 */
export function receiptStamp(
  frame: ObjectFrame,
  near: 'watch-receipt' | 'status-receipt' | 'event-receipt' | 'list-receipt',
  field: string,
): Stamp {
  const source = frame.phase === 'live' ? near : 'list-receipt'
  const stamp = { source, at: frame.t, clock: 'observer', resolution: NANOSECOND } as const
  return new ReadStamp(stamp, frame.t, frame.record, field)
}

/** A stamp finer than a second, as a component wrote it. */
export function fineStamp(
  frame: ObjectFrame,
  source: StampSource,
  clock: ClockName,
  at: UnixNano,
  field: string,
  raw?: string,
): Stamp {
  const resolution = source === 'event-time' ? MICROSECOND : NANOSECOND
  const receivedAt = frame.phase === 'live' ? frame.t : undefined
  return new ReadStamp({ source, at, clock, resolution }, receivedAt, frame.record, field, raw)
}
