// Owns how late the watch shows things: the least and the greatest lateness of fine stamps against their live receipts, near a moment or now.
// Promises the same answer whatever the order of samples. Does not tell the write's share from the watch's: it bounds their sum.

import { toNumber, type UnixNano } from '../base/time.ts'

/** Lateness in nanoseconds; a double holds it. */
interface Slot {
  least: number
  greatest: number
}

export interface LagModel {
  /** By twentieth of a second of our clock. */
  readonly slots: Map<number, Slot>
  /** By the same twentieth: so long nothing was read before what it shows. */
  readonly heldUp: Map<number, number>
  /** By the same twentieth: a version showed that it was shown so late at the least, by a whole second in it. */
  readonly late: Map<number, number>
  /** Answers that no sample has changed since: all boundaries of a burst ask for the same few slots. */
  readonly answers: Map<number, Answer>
}

export const emptyLag = (): LagModel => ({
  slots: new Map(),
  heldUp: new Map(),
  late: new Map(),
  answers: new Map(),
})

/** What a write and the watch together took, in nanoseconds. */
export interface Lag {
  readonly least: number
  readonly greatest: number
  /** What our own process may have added to it. */
  readonly heldUp: number
}

interface Answer {
  readonly lag: Lag
  /** It rests on the fine stamps of so many slots to either side. */
  readonly reach: number
}

const SLOT_NS = 50e6

/** As in clocks.ts: a double is coarse enough and fast. */
const slotOf = (t: UnixNano): number => Math.floor(toNumber(t) / SLOT_NS)

/** 15 minutes, as in clocks.ts. */
const SLOTS_MAX = 18_000
/** Slots to either side of a receipt that are asked, until one has a sample: 0.1 s, 0.5 s, 2 s, 15 s. */
const REACHES = [2, 10, 40, 300]
const LATE_REACH = 10
/** Slots whose answers are kept, at the most: a start asks for those of its last seconds. */
const ANSWERS_MAX = 256
/** What is later than this was not held up on its way: its writer was away. */
const LATE_MAX_NS = 30e9
/** Without any sample: what a watch on a busy machine may be late by (docs/accuracy.md). */
const UNKNOWN = { least: 10e6, greatest: 200e6 }
/** A watch that has shown hardly anything within 15 s has not shown its lag. */
const ENOUGH_SLOTS = 4
const FEW_REACH = 300

/** A fine stamp, on our clock, and when the watch showed it. */
export function sampleLag(model: LagModel, at: UnixNano, receivedAt: UnixNano): void {
  const { slots } = model
  const index = slotOf(receivedAt)
  const lag = Math.max(0, toNumber(receivedAt - at))
  const slot = slots.get(index)
  if (slot) {
    if (lag >= slot.least && lag <= slot.greatest) return
    slot.least = Math.min(slot.least, lag)
    slot.greatest = Math.max(slot.greatest, lag)
    return forgetAnswers(model, index)
  }
  forgetAnswers(model, index)
  slots.set(index, { least: lag, greatest: lag })
  // Slots are added nearly in order of time, so the first of the map is the oldest.
  for (const oldest of slots.keys()) {
    if (slots.size <= SLOTS_MAX) return
    slots.delete(oldest)
    forgetAnswers(model, oldest)
  }
}

/** Nothing was read for so long before `receivedAt`. */
export function noteHeldUp(model: LagModel, ns: number, receivedAt: UnixNano): void {
  noteGreatest(model, 'heldUp', ns, receivedAt)
}

/** What was received then had happened so long before, or longer. Where a burst makes one stream late, fine stamps of others do not show it. */
export function noteLate(model: LagModel, ns: number, receivedAt: UnixNano): void {
  if (ns > 0 && ns <= LATE_MAX_NS) noteGreatest(model, 'late', ns, receivedAt)
}

/** What was received then had been stored so long before, or longer, as another stream has shown: no writer was away. */
export function noteShownLate(model: LagModel, ns: number, receivedAt: UnixNano): void {
  if (ns > 0) noteGreatest(model, 'late', ns, receivedAt)
}

/** How many slots to either side are told of what one of these shows. */
const TOLD_REACH = { heldUp: 0, late: LATE_REACH } as const

function noteGreatest(
  model: LagModel,
  what: keyof typeof TOLD_REACH,
  ns: number,
  receivedAt: UnixNano,
): void {
  const known = model[what]
  const index = slotOf(receivedAt)
  if ((known.get(index) ?? 0) >= ns) return
  known.set(index, ns)
  forgetNear(model, index, TOLD_REACH[what])
  if (known.size <= SLOTS_MAX) return
  const [oldest] = known.keys()
  if (oldest === undefined) return
  known.delete(oldest)
  forgetNear(model, oldest, TOLD_REACH[what])
}

function forgetNear({ answers }: LagModel, changed: number, reach: number): void {
  for (let index = changed - reach; index <= changed + reach; index++) answers.delete(index)
}

/** Most samples are of now, and most answers of moments too long ago for them to matter. */
function forgetAnswers({ answers }: LagModel, changed: number): void {
  for (const [index, { reach }] of answers) if (Math.abs(index - changed) <= reach) answers.delete(index)
}

/** What a write and the watch together took near this receipt. Where hardly any sample is near, the greatest is not taken for the worst. */
export function lagAround(model: LagModel, receivedAt: UnixNano): Lag {
  const index = slotOf(receivedAt)
  let answer = model.answers.get(index)
  if (!answer) {
    const { least, greatest, reach } = findLag(model, index)
    const heldUp = model.heldUp.get(index) ?? 0
    const lag = { least, greatest: Math.max(greatest, latest(model, index)), heldUp }
    answer = { lag, reach }
    if (model.answers.size >= ANSWERS_MAX) model.answers.clear()
    model.answers.set(index, answer)
  }
  return answer.lag
}

/** Within half a second a burst passes through the same queues. */
function latest({ late }: LagModel, index: number): number {
  let greatest = 0
  for (let at = index - LATE_REACH; at <= index + LATE_REACH; at++)
    greatest = Math.max(greatest, late.get(at) ?? 0)
  return greatest
}

function findLag(model: LagModel, index: number): Omit<Lag, 'heldUp'> & Pick<Answer, 'reach'> {
  for (const reach of REACHES) {
    let [least, greatest, count] = [Infinity, 0, 0]
    for (let at = index - reach; at <= index + reach; at++) {
      const slot = model.slots.get(at)
      if (!slot) continue
      least = Math.min(least, slot.least)
      greatest = Math.max(greatest, slot.greatest)
      count++
    }
    if (count === 0) continue
    if (count >= ENOUGH_SLOTS) return { least, greatest, reach }
    if (isFew(model, index)) greatest = Math.max(greatest, UNKNOWN.greatest)
    return { least, greatest, reach: FEW_REACH }
  }
  return { ...UNKNOWN, reach: FEW_REACH }
}

/** How late the watch typically was in the last 15 s, in nanoseconds; undefined where it has shown no fine stamp meanwhile. */
export function lagNow({ slots }: LagModel, now: UnixNano): number | undefined {
  const index = slotOf(now)
  const seen: number[] = []
  for (let at = index - FEW_REACH; at <= index; at++) {
    const slot = slots.get(at)
    if (slot) seen.push(slot.least)
  }
  // The least of each moment, and their median: a component that was slow to write says nothing of the watch.
  return seen.toSorted((a, b) => a - b)[(seen.length - 1) >> 1]
}

function isFew({ slots }: LagModel, index: number): boolean {
  let count = 0
  for (let at = index - FEW_REACH; at <= index + FEW_REACH && count < ENOUGH_SLOTS; at++)
    if (slots.has(at)) count++
  return count < ENOUGH_SLOTS
}
