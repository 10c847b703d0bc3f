// Owns the clock model: by how much each clock is off from ours, as an interval re-estimated every quarter minute.
// Promises that a clock whose interval holds 0 is left alone, and that samples may come in any order within their bucket.
// Does not know pods: it is fed stamps with their receipts, and moments before which a stamp cannot have been taken.

import type { ClockName } from '../base/stamp.ts'
import {
  toBigint,
  type DurationNano,
  durationNano,
  milliseconds,
  toNumber,
  type UnixNano,
  ZERO,
} from '../base/time.ts'
import { ClockBuckets, ENOUGH, type Gathered, type OffsetNs } from './clock-buckets.ts'

interface Clock {
  readonly buckets: ClockBuckets
  /** Shifts found since a sample last changed anything, by bucket. */
  readonly shifts: Map<number, Shifts>
  /** Whether this clock has a Lease at all: without one there is none to look for. */
  leases: boolean
}

export interface ClockModel {
  readonly clocks: Map<ClockName, Clock>
}

export const emptyClocks = (): ClockModel => ({ clocks: new Map() })

const SLOT_NS = 50e6
const BUCKET_NS = 15e9

/** Which bucket or slot a moment lies in. A double is 256 ns coarse here, and ten times as fast as a bigint's division. */
const indexOf = (t: UnixNano, width: number): number => Math.floor(toNumber(t) / width)
const SLOTS_PER_BUCKET = BUCKET_NS / SLOT_NS
/** Buckets to either side that are asked at the most: 2 minutes. */
const REACH_MAX = 8
/**
 * A sample is late by the write and the watch. The least of several is late by no more than this (measured: docs/accuracy.md), if a Lease is
 * among them: events may queue at their writer for seconds, a renewal is stamped just before it is sent. One or two say nothing of it: they may
 * be of the very moment at which the API server stood still.
 */
const LEAST_LATENESS: readonly { readonly samples: number; readonly ns: OffsetNs }[] = [
  { samples: ENOUGH, ns: 150e6 },
  { samples: 3, ns: 300e6 },
]
/** The least samples of two quarter minutes of a steady clock do not differ by more. */
const RIGHT_WITHIN: OffsetNs = 150e6
/** A Lease renewal gives up after 10 s (component-helpers/apimachinery/lease), and no event client holds back longer at first. */
const ANY_LATENESS: OffsetNs = 10_000e6
/** What few stamps without a Lease among them may be late by, where the store or the API server stood still: --request-timeout, a minute. */
const FEW_LATENESS: OffsetNs = 60_000e6
const BELIEVABLE: OffsetNs = 86_400e9
/** So long an event may be on its way: client-go tries 12 times, 10 s apart (tools/record), and no status waits longer. */
const LATEST_EVER: OffsetNs = 150e9

/** A stamp that is more than a day off is garbage, not a clock. */
export const isBelievable = (at: UnixNano, receivedAt: UnixNano): boolean =>
  Math.abs(toNumber(receivedAt - at)) <= BELIEVABLE

/**
 * A stamp of this clock and when we received it, on a live watch; `cut` where the stamp was truncated, or its receipt held up. A `repeat` bears a
 * stamp that may be hours old, and is no sign of a jump.
 */
export function sampleClock(
  model: ClockModel,
  name: ClockName,
  at: UnixNano,
  receivedAt: UnixNano,
  cut: DurationNano = ZERO,
  repeat = false,
): void {
  sample(model, name, { at, receivedAt, cut: toNumber(cut), lease: false, repeat })
}

/** A Lease's renewal, which is the surest sample. */
export function sampleLease(
  model: ClockModel,
  name: ClockName,
  renewed: UnixNano,
  receivedAt: UnixNano,
  cut: DurationNano = ZERO,
): void {
  sample(model, name, { at: renewed, receivedAt, cut: toNumber(cut), lease: true, repeat: false })
}

interface Sample {
  readonly at: UnixNano
  readonly receivedAt: UnixNano
  readonly cut: OffsetNs
  readonly lease: boolean
  readonly repeat: boolean
}

function sample(model: ClockModel, name: ClockName, { at, receivedAt, cut, lease, repeat }: Sample): void {
  if (!isBelievable(at, receivedAt)) return
  const clock = clockOf(model, name)
  const { changed, spread } = clock.buckets.sample({
    index: indexOf(receivedAt, BUCKET_NS),
    slot: indexOf(receivedAt, SLOT_NS) % SLOTS_PER_BUCKET,
    offset: toNumber(receivedAt - at),
    cut,
    lease,
    repeat,
  })
  if (changed) clock.leases ||= lease
  if (changed || spread > LATEST_EVER) clock.shifts.clear()
}

/** The stamp, or the end of its second, was not taken before `notBefore` of our clock. */
export function boundClock(
  model: ClockModel,
  name: ClockName,
  latestStamp: UnixNano,
  notBefore: UnixNano,
): void {
  const clock = clockOf(model, name)
  const offset = toNumber(notBefore - latestStamp)
  if (clock.buckets.bound(indexOf(notBefore, BUCKET_NS), offset)) clock.shifts.clear()
}

function clockOf({ clocks }: ClockModel, name: ClockName): Clock {
  let clock = clocks.get(name)
  if (!clock) clocks.set(name, (clock = { buckets: new ClockBuckets(), shifts: new Map(), leases: false }))
  return clock
}

export interface Offset {
  readonly from: OffsetNs
  readonly to: OffsetNs
  readonly samples: number
  /** Above `to` by more than anything is late: the clock jumped meanwhile, and was off by so much before or after. */
  readonly jumped?: OffsetNs
}

/** What is known of a clock's offset round a moment of ours: its own quarter minute, and as many beside it as it takes for ten samples. */
export function offsetOf(model: ClockModel, name: ClockName, around: UnixNano): Offset | undefined {
  const clock = model.clocks.get(name)
  return clock && offsetAt(clock, indexOf(around, BUCKET_NS))
}

function offsetAt(clock: Clock, index: number): Offset {
  let found = clock.buckets.gather(index, 0)
  for (let reach = 1; !suffices(found, clock) && reach <= REACH_MAX; reach *= 2) {
    found = clock.buckets.gather(index, reach)
  }
  const offset = offsetFrom(found)
  if (!clock.leases)
    return offset.from > 0 && isUnsteady(clock.buckets, index, offset) ? { ...offset, from: 0 } : offset
  const steady = steadyAround(clock.buckets, index, found)
  return steady ? offsetFrom(steady) : offset
}

function offsetFrom(found: Gathered): Offset {
  const jumped = found.greatest - found.upper > LATEST_EVER
  // Most samples may be of the clock as it was before or afterwards.
  const lateness = jumped ? ANY_LATENESS : latenessOf(found)
  const statistical = found.upper - lateness - found.cut
  const lower = Math.max(statistical, found.lower > found.upper ? statistical : found.lower)
  return {
    from: lower,
    to: found.upper,
    samples: found.samples,
    ...(jumped && { jumped: found.greatest }),
  }
}

function latenessOf({ leases, samples: count }: Gathered): OffsetNs {
  if (leases) return LEAST_LATENESS.find(({ samples }) => count >= samples)?.ns ?? ANY_LATENESS
  return count >= ENOUGH ? ANY_LATENESS : FEW_LATENESS
}

/**
 * What was known before of a clock that seems to be further behind now, where it is the watch that was late: for a quarter minute of it the two
 * look alike, but a clock that is after it as it was before, as far as that is known, was so meanwhile, unless an order of causes says otherwise.
 */
function steadyAround(
  buckets: ClockBuckets,
  index: number,
  { lower, upper }: Gathered,
): Gathered | undefined {
  const [before] = [index - 1, index - 2]
    .map((near) => buckets.gather(near, 0))
    .filter(({ leases }) => leases)
    .sort((a, b) => a.upper - b.upper)
  if (!before || lower > before.upper + toNumber(DRIFT)) return undefined
  if (upper - before.upper <= RIGHT_WITHIN || upper - before.upper > ANY_LATENESS) return undefined
  const after = [index + 1, index + 2].map((near) => buckets.gather(near, 0))
  // That it is no further behind any one sample shows; a Lease may not have been renewed since.
  return after.every((one) => one.samples === 0 || Math.abs(one.upper - before.upper) <= RIGHT_WITHIN)
    ? before
    : undefined
}

/** The least samples of two quarter minutes of one offset, whose stamps are whole seconds, do not differ by as much. */
const STEADY_WITHIN: OffsetNs = 1_500e6
/** Quarter minutes to either side that have to agree on an offset. */
const STEADY_REACH = 2

/**
 * Where no Lease shows that a clock was right: it was not behind by so much within the last two minutes, and by how much it is since changes.
 * A clock that was set is off by one amount; an API server that answers late is late by another each time.
 */
function isUnsteady(buckets: ClockBuckets, index: number, { from, to }: Offset): boolean {
  if (to > LATEST_EVER) return false
  let [least, greatest, wasRight] = [Infinity, -Infinity, false]
  for (let by = -REACH_MAX; by <= STEADY_REACH; by++) {
    const { samples, upper } = buckets.gather(index + by, 0)
    if (samples === 0) continue
    if (upper < from) wasRight ||= upper >= 0
    else if (by >= -STEADY_REACH) [least, greatest] = [Math.min(least, upper), Math.max(greatest, upper)]
  }
  return wasRight && (least >= greatest || greatest - least > STEADY_WITHIN)
}

const suffices = ({ samples, leases }: Gathered, clock: Clock): boolean =>
  samples >= ENOUGH && (leases || !clock.leases)

export interface Shift {
  readonly by: DurationNano
  /** How much earlier and later than the shifted stamp the truth may lie, on top of the stamp's own bounds. */
  readonly early: DurationNano
  readonly late: DurationNano
}

export const UNSHIFTED: Shift = { by: ZERO, early: ZERO, late: ZERO }

/** Within its quarter minute a clock may drift by this much (200 ms a minute; NTP slews by 30). */
const DRIFT = milliseconds(50)

/**
 * How to move a stamp of this clock to ours: not at all while the interval holds 0, else by its upper end. That is the nearest end for a
 * clock that is ahead; for one that is behind it is the end that a sample showed, where the other one is only a limit.
 */
export const shiftOf = (model: ClockModel, name: ClockName, around: UnixNano): Shift =>
  shiftsAt(model, name, around).unreceived

/**
 * How to move one stamp that was received then. Where its clock jumped meanwhile, the receipt tells the two apart: what would have been later
 * than anything is was stamped by the other one, and is right as it is if its receipt allows that, else it was taken when it was received.
 * That it was late all the same, by a node that was cut off, its interval still holds.
 */
export function shiftOfStamp(model: ClockModel, name: ClockName, at: UnixNano, receivedAt: UnixNano): Shift {
  const { jumped, least: shift } = shiftsAt(model, name, receivedAt)
  if (!jumped) return shift
  const offset = toNumber(receivedAt - at)
  if (offset - toNumber(shift.by) <= LATEST_EVER) return shift
  const by = offset >= 0 && offset <= ANY_LATENESS ? 0 : offset
  return {
    by: nanos(by),
    early: durationNano(nanos(by) - shift.by + shift.early),
    late: nanos(offset - by),
  }
}

interface Shifts {
  /** Of a stamp that says nothing of when it was received. */
  readonly unreceived: Shift
  /** By the least that the clock was off. */
  readonly least: Shift
  readonly jumped: boolean
}

const NO_SHIFTS: Shifts = { unreceived: UNSHIFTED, least: UNSHIFTED, jumped: false }

function shiftsAt(model: ClockModel, name: ClockName, around: UnixNano): Shifts {
  const clock = model.clocks.get(name)
  if (!clock) return NO_SHIFTS
  const index = indexOf(around, BUCKET_NS)
  let shifts = clock.shifts.get(index)
  if (!shifts) clock.shifts.set(index, (shifts = shiftsBy(offsetAt(clock, index))))
  return shifts
}

function shiftsBy({ from, to, jumped }: Offset): Shifts {
  if (!Number.isFinite(to)) return NO_SHIFTS
  const least = from <= 0 && to >= 0 ? UNSHIFTED : { by: nanos(to), early: nanos(to - from), late: DRIFT }
  if (jumped === undefined) return { unreceived: least, least, jumped: false }
  const by = least === UNSHIFTED ? 0 : Math.max(to, Math.min(0, jumped))
  return {
    unreceived: { by: nanos(by), early: nanos(by - from), late: nanos(jumped - by) },
    least,
    jumped: true,
  }
}

const nanos = (ns: OffsetNs): DurationNano => durationNano(toBigint(Math.round(ns)))
