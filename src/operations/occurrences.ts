// Owns the putting in order of one container's facts: which occurrence came when, by its kubelet's record.
// Promises a total order for any set of facts. Does not say which run an occurrence belongs to: tell-history.ts does.

import type { Stamp } from '../base/stamp.ts'
import type { UnixNano } from '../base/time.ts'
import { add, durationNano, earliest, latest, milliseconds, SECOND } from '../base/time.ts'
import type { What } from '../observe/observation.ts'
import { type Clocks, shiftOn } from '../timeline/claim.ts'
import type { Fact } from '../timeline/facts.ts'

export interface Occurrence {
  readonly fact: Fact
  /** Where it stands among the others, roughly by our clock. */
  key: UnixNano
}

/** Events of one run that carry the same second stand in this order. */
const PLACE: Partial<Record<What, number>> = {
  pulling: 0,
  'pull failed': 1,
  pulled: 2,
  'image present': 2,
  'created container': 3,
  'container failed': 4,
  'started container': 5,
  'hook failed': 6,
  'finished container': 7,
  'backing off': 8,
}

const placeOf = ({ what }: Fact): number => PLACE[what] ?? 9

export function inOrder(facts: readonly Fact[], clocks: Clocks): Occurrence[] {
  const anchored: Occurrence[] = []
  const loose: Fact[] = []
  const asked = whenAsked(facts, clocks)
  for (const fact of facts) {
    const key = fineKey(fact, clocks) ?? asked.get(fact) ?? heardKey(fact, clocks)
    if (key === undefined) loose.push(fact)
    else anchored.push({ fact, key })
  }
  const rounds = areRounds(facts.filter(({ what }) => COUNTED.has(what)))
  const pullsFailed = facts.some(({ what }) => what === 'pull failed')
  const all = [
    ...anchored,
    ...loose.map((fact) => ({ fact, key: looseKey(fact, { facts, anchored, clocks, rounds, pullsFailed }) })),
  ]
  if (loose.length > 0 && rounds) keepRounds(all)
  return all.sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : placeOf(a.fact) - placeOf(b.fact)))
}

/** A stamp's moment on our clock. */
const ours = (stamp: Stamp, clocks: Clocks): UnixNano => (stamp.at + shiftOn(stamp, clocks).by) as UnixNano

const isFine = ({ stamps }: Fact): boolean =>
  stamps.some(({ source }) => source === 'event-name' || source === 'event-time')

function fineKey({ stamps }: Fact, clocks: Clocks): UnixNano | undefined {
  const fine = stamps.find(({ source }) => source === 'event-name' || source === 'event-time')
  return fine && ours(fine, clocks)
}

const receiptOf = ({ stamps }: Fact): Stamp | undefined => stamps.find(({ clock }) => clock === 'observer')
const secondOf = ({ stamps }: Fact): Stamp | undefined =>
  stamps.find(({ resolution }) => resolution === SECOND)

const LAST_IN_SECOND = durationNano(SECOND - 1n)

/** A whole second of which we heard live lies where we heard of it, if that was within it: what came late is no better than listed. */
function heardKey(fact: Fact, clocks: Clocks): UnixNano | undefined {
  const [receipt, second] = [receiptOf(fact), secondOf(fact)]
  if (!second) return receipt?.at ?? (0n as UnixNano)
  const from = ours(second, clocks)
  if (!receipt || receipt.source === 'list-receipt' || receipt.at > from + LAST_IN_SECOND) return undefined
  return latest(receipt.at, from)
}

/** The kubelet's message cuts what a pull took to milliseconds, and it counts from just before or after its event. */
const ROUNDED = milliseconds(5)

/** Clocks are aligned to some tens of milliseconds. */
const UNSURE = milliseconds(100)

/** The end of a pull says to the millisecond when it was asked for: a whole second in which one was, and that no finer stamp is of, is of that pull. */
function whenAsked(facts: readonly Fact[], clocks: Clocks): ReadonlyMap<Fact, UnixNano> {
  const asked = new Map<Fact, UnixNano>()
  const pulls = facts.filter(({ what }) => what === 'pulling')
  if (pulls.every(isFine)) return asked
  const told = facts.flatMap((fact) => askedBefore(fact, clocks) ?? []).sort((a, b) => (a < b ? -1 : 1))
  const take = (from: UnixNano, until: UnixNano): UnixNano | undefined => {
    const place = told.findIndex((at) => at >= from - ROUNDED && at <= until + ROUNDED)
    return place < 0 ? undefined : told.splice(place, 1)[0]
  }
  for (const fact of pulls) {
    const key = fineKey(fact, clocks)
    if (key !== undefined) take(key, key)
  }
  for (const fact of pulls.sort((a, b) => a.index - b.index)) {
    const second = isFine(fact) ? undefined : secondOf(fact)
    if (!second) continue
    const from = ours(second, clocks)
    const heard = receiptOf(fact)?.at ?? add(from, SECOND)
    const at = take(from, earliest(add(from, SECOND), add(heard, UNSURE)))
    if (at !== undefined) asked.set(fact, at)
  }
  return asked
}

function askedBefore(fact: Fact, clocks: Clocks): UnixNano | undefined {
  const took = fact.what === 'pulled' ? (fact.detail?.withWaiting ?? fact.detail?.pull) : undefined
  const ended = took === undefined ? undefined : fineKey(fact, clocks)
  return ended === undefined || took === undefined ? undefined : ((ended - took) as UnixNano)
}

interface Among {
  readonly facts: readonly Fact[]
  readonly anchored: readonly Occurrence[]
  readonly clocks: Clocks
  /** Whether counts tell which try an occurrence is of; see `keepRounds`. */
  readonly rounds: boolean
  /** Then the nth pull is of an earlier try than the nth of anything else. */
  readonly pullsFailed: boolean
}

/**
 * One that only a list told of lies at its second's end, or where the list was if that was within it, but before what of that second must come after it: what is of the same try or a
 * later one. The nth time that an image was there is of the nth try at the earliest.
 */
function looseKey(fact: Fact, among: Among): UnixNano {
  const { anchored, clocks } = among
  const second = secondOf(fact)
  if (!second) return 0n as UnixNano
  const from = ours(second, clocks)
  const end = earliest(add(from, LAST_IN_SECOND), latest(receiptOf(fact)?.at ?? from, from))
  const floor = endOfAttemptBefore(fact, anchored)
  const after = anchored.filter(
    ({ fact: other, key }) =>
      key >= from &&
      key <= end &&
      key > floor &&
      (other.group === fact.group ? other.index > fact.index : mayFollow(fact, other, key, among)),
  )
  return after.reduce((key, other) => (other.key <= key ? ((other.key - 1n) as UnixNano) : key), end)
}

/** Whether another comes after it in a try, and may be of the same one or a later one. */
function mayFollow(fact: Fact, other: Fact, at: UnixNano, among: Among): boolean {
  if (placeOf(other) <= placeOf(fact)) return false
  if (among.rounds) return (among.pullsFailed && fact.what === 'pulling') || other.index >= fact.index
  return (
    !IS_IMAGE.has(fact.what) || triesUntil(other, at, among) >= imagesBefore(fact, among) + fact.index + 1
  )
}

const IS_IMAGE: ReadonlySet<What> = new Set(['pulled', 'image present'])
const ENDS_TRY: ReadonlySet<What> = new Set(['created container', 'container failed'])

/** Of how many tries one can be at the most: each was created, or failed before that. */
function triesUntil({ group, index, what }: Fact, at: UnixNano, { facts, clocks }: Among): number {
  const others = facts
    .filter((one) => ENDS_TRY.has(one.what) && one.group !== group && beganAt(one, clocks) <= at)
    .sort((a, b) => (beganAt(a, clocks) < beganAt(b, clocks) ? -1 : 1))
  // What was created last could not be started.
  const isOfSame = what === 'container failed' && others.at(-1)?.what === 'created container'
  return countOf(others) + index + (isOfSame ? 0 : 1)
}

/** How often the image was there before, told by other events. */
function imagesBefore(fact: Fact, { facts, clocks }: Among): number {
  const from = beganAt(fact, clocks)
  return countOf(
    facts.filter((one) => IS_IMAGE.has(one.what) && one.group !== fact.group && beganAt(one, clocks) < from),
  )
}

/** The earliest moment at which it can have been. */
const beganAt = (fact: Fact, clocks: Clocks): bigint => {
  const second = secondOf(fact)
  return fineKey(fact, clocks) ?? (second ? ours(second, clocks) : 0n)
}

/** How often all of these events came, by their counts. */
function countOf(facts: readonly Fact[]): number {
  const counts = new Map<string, number>()
  for (const { group, index } of facts) counts.set(group, Math.max(counts.get(group) ?? 0, index + 1))
  return [...counts.values()].reduce((sum, count) => sum + count, 0)
}

const ENDS_ATTEMPT: ReadonlySet<What> = new Set(['started container', 'container failed', 'pull failed'])
/** Two reports of one failure. */
const BOTH_REPORTS = milliseconds(100)

/** What came once more came when the attempt that it came in before was over, however that ended; an image is not asked for while it comes. */
function endOfAttemptBefore({ group, index, what }: Fact, anchored: readonly Occurrence[]): bigint {
  const before = index > 0 && anchored.find(({ fact }) => fact.group === group && fact.index === index - 1)
  if (!before) return -1n
  const isLaterOne = (other: Fact): boolean => other.group === group && other.index > index
  const keysOf = (isOne: (of: What) => boolean): bigint[] =>
    anchored
      .filter(({ fact, key }) => key > before.key && isOne(fact.what) && !isLaterOne(fact))
      .map(({ key }) => key)
      .sort((a, b) => (a < b ? -1 : 1))
  const ends = keysOf((of) => ENDS_ATTEMPT.has(of))
  const end = ends.filter((key) => key - (ends[0] ?? 0n) < BOTH_REPORTS).at(-1) ?? before.key
  const [pulled = end] = what === 'pulling' ? keysOf((of) => of === 'pulled') : []
  return pulled > end ? pulled : end
}

/** One of each a run. Of images there may be none, or another event where the first run pulled and the next found it present. */
const COUNTED: ReadonlySet<What> = new Set(['created container', 'started container', 'container failed'])

/**
 * Where every try gave a run and each kind has one event that is counted, the nth repeat of any comes after all of the one before:
 * the count is evidence, a whole second only a hint.
 */
function keepRounds(occurrences: readonly Occurrence[]): void {
  const counted = occurrences.filter(({ fact }) => COUNTED.has(fact.what))
  counted.sort((a, b) => a.fact.index - b.fact.index || placeOf(a.fact) - placeOf(b.fact))
  let last = 0n
  const moved = new Map<Occurrence, UnixNano>()
  for (const one of counted) {
    if (one.key <= last && !isFine(one.fact)) {
      // We heard of it before: one that was not seen is missing in the count.
      const heard = receiptOf(one.fact)
      if (heard && add(heard.at, UNSURE) < last) return
      moved.set(one, (last + 1n) as UnixNano)
    }
    const key = moved.get(one) ?? one.key
    last = key > last ? key : last
  }
  for (const [one, key] of moved) one.key = key
}

/** Whether every run failed to start, as the status says of one, so that the nth failure is the nth run's, whatever else was lost of it. */
export function eachFailed(facts: readonly Fact[], statuses: readonly Fact[]): boolean {
  const failed = facts.filter(({ what }) => what === 'container failed')
  const [one] = failed
  if (!one || facts.some(({ what }) => what === 'started container')) return false
  const said = statuses.flatMap(({ what, detail }) =>
    what === 'finished container' && NEVER_STARTED.has(detail?.reason ?? '') && detail?.message
      ? [detail.message]
      : [],
  )
  const isToStart = ({ detail }: Fact): boolean => said.some((text) => detail?.message?.includes(text))
  return failed.every((fact) => fact.group === one.group && isToStart(fact))
}

/** What the runtime says of a container that it could not start (containerd, CRI-O; dockershim). */
export const NEVER_STARTED = new Set(['StartError', 'ContainerCannotRun', 'RunContainerError'])

/** Either every run was started, or none was and each failed after it was created. */
function areRounds(counted: readonly Fact[]): boolean {
  const last = new Map<What, Fact>()
  for (const fact of counted) {
    const known = last.get(fact.what)
    if (known && known.group !== fact.group) return false
    if (!known || fact.index > known.index) last.set(fact.what, fact)
  }
  const failed = last.get('container failed')
  if (!failed) return true
  const created = last.get('created container')
  return created !== undefined && !last.has('started container') && failed.index <= created.index
}
