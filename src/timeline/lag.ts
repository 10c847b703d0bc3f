// Owns how late the watch shows things: the least and the greatest lateness of fine stamps against their live receipts, near a moment.
// Promises the same answer whatever the order of samples. Does not tell the write's share from the watch's: it bounds their sum.

import { type DurationNano, durationNano, type UnixNano } from '../base/time.ts'

interface Slot {
  least: number
  greatest: number
  /** Slots that were gathered. */
  slots: number
}

export interface LagModel {
  /** Lateness in ns by twentieth of a second of our clock. */
  readonly slots: Map<number, Slot>
}

export const emptyLag = (): LagModel => ({ slots: new Map() })

export interface Lag {
  readonly least: DurationNano
  readonly greatest: DurationNano
}

const SLOT_NS = 50_000_000n
/** 15 minutes, as in clocks.ts. */
const SLOTS_MAX = 18_000
/** Slots to either side of a receipt that are asked, until one has a sample: 0.1 s, 0.5 s, 2 s, 15 s, 60 s. */
const REACHES = [2, 10, 40, 300, 1200]
/** Without any sample: what a watch on a busy machine may be late by (docs/accuracy.md). */
const UNKNOWN: Lag = { least: durationNano(10_000_000n), greatest: durationNano(200_000_000n) }

/** A fine stamp, on our clock, and when the watch showed it. */
export function sampleLag(model: LagModel, at: UnixNano, receivedAt: UnixNano): void {
  const index = Number(receivedAt / SLOT_NS)
  const lag = Math.max(0, Number(receivedAt - at))
  const slot = model.slots.get(index)
  if (slot) {
    slot.least = Math.min(slot.least, lag)
    slot.greatest = Math.max(slot.greatest, lag)
    return
  }
  model.slots.set(index, { least: lag, greatest: lag, slots: 1 })
  if (model.slots.size > SLOTS_MAX) forget(model)
}

/** Slots are added nearly in order of time, so the first of the map are the oldest. */
function forget({ slots }: LagModel): void {
  let excess = slots.size - SLOTS_MAX
  for (const index of slots.keys()) {
    if (excess-- <= 0) return
    slots.delete(index)
  }
}

/** What a write and the watch together took near this receipt. */
export function lagAround(model: LagModel, receivedAt: UnixNano): Lag {
  const index = Number(receivedAt / SLOT_NS)
  for (const reach of REACHES) {
    const found = gather(model, index, reach)
    if (!found) continue
    const greatest = isFew(model, index, reach, found)
      ? Math.max(found.greatest, Number(UNKNOWN.greatest))
      : found.greatest
    return { least: nanos(found.least), greatest: nanos(greatest) }
  }
  return UNKNOWN
}

const nanos = (lag: number): DurationNano => durationNano(BigInt(Math.round(lag)))

/** A watch that has shown hardly anything yet has not shown its lag. */
const ENOUGH_SLOTS = 4
const FEW_REACH = 300

const isFew = (model: LagModel, index: number, reach: number, found: Slot): boolean =>
  found.slots < ENOUGH_SLOTS &&
  (reach >= FEW_REACH || (gather(model, index, FEW_REACH)?.slots ?? 0) < ENOUGH_SLOTS)

function gather({ slots }: LagModel, index: number, reach: number): Slot | undefined {
  let found: Slot | undefined
  for (let at = index - reach; at <= index + reach; at++) {
    const slot = slots.get(at)
    if (!slot) continue
    found ??= { least: Number.POSITIVE_INFINITY, greatest: 0, slots: 0 }
    found.slots++
    found.least = Math.min(found.least, slot.least)
    found.greatest = Math.max(found.greatest, slot.greatest)
  }
  return found
}
