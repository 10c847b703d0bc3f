// Owns the intersection of all evidence for one boundary (design, rules of time 2 and 3).
// Promises that a finer stamp is never overruled by a coarser one, that two which exclude each other are marked as a conflict, and
// that a side nothing bounds stays open. Does not compare boundaries: order.ts does.

import type { Stamp, StampSource } from '../base/stamp.ts'
import {
  add,
  type DurationNano,
  durationNano,
  milliseconds,
  minus,
  type UnixNano,
  ZERO,
} from '../base/time.ts'
import { type ClockModel, type Shift, shiftOf, UNSHIFTED } from './clocks.ts'
import { type LagModel, lagAround } from './lag.ts'
import { boundRevision, type RevisionModel } from './revisions.ts'
import { type Boundary, type Weight, weighStamp } from './weight.ts'

/** One boundary in the making. A side that no evidence bounds is undefined. */
export interface Draft {
  earliest: UnixNano | undefined
  latest: UnixNano | undefined
  /** A lower bound that only holds as far as the watch's lag was what it showed nearby; any hard bound overrules it. */
  likely: UnixNano | undefined
  best: UnixNano | undefined
  /** Rank of the finest stamp; `UNSEEN` where there is none. */
  rank: number
  source: StampSource
  readonly stamps: readonly Stamp[]
  conflict: boolean
  clamped: boolean
  shifted: DurationNano
}

export const UNSEEN = 100

export interface Clocks {
  readonly clocks: ClockModel
  readonly lag: LagModel
  readonly revisions: RevisionModel
  /** A moment of ours for stamps that came without one (from a list). */
  readonly around: UnixNano
}

interface Claim {
  readonly stamp: Stamp
  /** Its earliest side is statistical. */
  readonly soft: boolean
  readonly rank: number
  readonly earliest: UnixNano | undefined
  readonly latest: UnixNano | undefined
  readonly best: UnixNano
  readonly shift: Shift
}

/** A boundary of which nothing is known yet. */
export const unseen = (): Draft => ({
  earliest: undefined,
  latest: undefined,
  likely: undefined,
  best: undefined,
  rank: UNSEEN,
  source: 'order',
  stamps: [],
  conflict: false,
  clamped: false,
  shifted: ZERO,
})

/** Combines all stamps of one boundary. */
export function combine(boundary: Boundary, stamps: readonly Stamp[], clocks: Clocks): Draft {
  const draft: Draft = { ...unseen(), stamps }
  const claims = stamps.map((stamp) => claimOf(boundary, stamp, clocks)).sort(finerFirst)
  for (const claim of claims) intersect(draft, claim)
  for (const stamp of stamps) if (isStored(boundary, stamp)) boundByRevision(draft, stamp, clocks)
  const winner = claims[0]
  if (winner) {
    draft.best = clampInto(winner.best, draft)
    draft.rank = winner.rank
    draft.source = winner.stamp.source
    draft.shifted = winner.shift.by
  }
  return draft
}

/** The store's own order bounds what it stored, whatever the watch's lag. */
function boundByRevision(draft: Draft, stamp: Stamp, clocks: Clocks): void {
  const { notBefore, notAfter } = boundRevision(clocks.revisions, stamp.evidence.resourceVersion)
  if (notBefore !== undefined && (draft.latest === undefined || notBefore <= draft.latest)) {
    if (draft.earliest === undefined || notBefore > draft.earliest) draft.earliest = notBefore
  }
  if (notAfter !== undefined && (draft.earliest === undefined || notAfter >= draft.earliest)) {
    if (draft.latest === undefined || notAfter < draft.latest) draft.latest = notAfter
  }
}

/** Of two equally fine claims the earlier counts: both say "not later". */
const finerFirst = (a: Claim, b: Claim): number =>
  a.rank !== b.rank ? a.rank - b.rank : a.best < b.best ? -1 : a.best > b.best ? 1 : 0

function claimOf(boundary: Boundary, stamp: Stamp, clocks: Clocks): Claim {
  const shift =
    stamp.clock === 'observer'
      ? UNSHIFTED
      : shiftOf(clocks.clocks, stamp.clock, stamp.receivedAt ?? clocks.around)
  const weight = weigh(boundary, stamp, clocks)
  const at = add(stamp.at, shift.by)
  return {
    stamp,
    soft: isStored(boundary, stamp),
    rank: weight.rank,
    earliest: weight.back === undefined ? undefined : add(at, minus(durationNano(weight.back + shift.early))),
    latest: weight.ahead === undefined ? undefined : add(at, durationNano(weight.ahead + shift.late)),
    best: add(at, minus(weight.lag)),
    shift,
  }
}

/** What a node decided and its kubelet reports in its own time; a live receipt of it only says "not later". */
const REPORTED: ReadonlySet<Boundary> = new Set([
  'network ready',
  'ready on node',
  'startup passed',
  'container ready',
])

function weigh(boundary: Boundary, stamp: Stamp, clocks: Clocks): Weight {
  if (stamp.source === 'event-receipt') {
    return { ahead: ZERO, lag: usualLag(lagAround(clocks.lag, stamp.at).least), rank: 4 }
  }
  if (stamp.source === 'watch-receipt' && REPORTED.has(boundary)) {
    const lag = durationNano(usualLag(lagAround(clocks.lag, stamp.at).least) + STATUS_LAG)
    return { ahead: ZERO, lag, rank: 3 }
  }
  if (stamp.source === 'event-name') return weighEvent(boundary, stamp, clocks)
  return isStored(boundary, stamp) ? weighReceipt(stamp, clocks) : weighStamp(boundary, stamp)
}

const isStored = (boundary: Boundary, stamp: Stamp): boolean =>
  stamp.source === 'watch-receipt' && !REPORTED.has(boundary)

/**
 * What the API server stored, by when the watch showed it. Half as much again as the greatest lateness seen
 * nearby, of a write and the watch together, bounds it from below; half of the least is what the watch was late by.
 */
function weighReceipt(stamp: Stamp, { lag }: Clocks): Weight {
  const { least, greatest } = lagAround(lag, stamp.at)
  const [much, often] = [(greatest * 3n) / 2n, least * 3n]
  const seen = durationNano(much > often ? much : often)
  return { back: seen > RECEIPT_FLOOR ? seen : RECEIPT_FLOOR, ahead: ZERO, lag: usualLag(least), rank: 2 }
}

/** The watch's share of what a write and the watch took: half, which is the least wrong whichever of them was slow. */
const usualLag = (least: DurationNano): DurationNano =>
  least / 2n < USUAL_MAX ? durationNano(least / 2n) : USUAL_MAX

/** Events may queue at their writer for seconds; what is later than this says nothing of the watch. */
const USUAL_MAX = milliseconds(25)

/** How long a status takes from its decision on the node to being stored when nothing holds it back. */
const STATUS_LAG = milliseconds(6)

/** A receipt may always be late by this much: one turn of a busy event loop (docs/accuracy.md). */
const RECEIPT_FLOOR = milliseconds(40)

/** A busy machine delays its components' records too. */
const BUSY = milliseconds(15)
const BUSY_FACTOR = 5n

/** An event's bound, widened where the watch shows that the machine is busy. */
function weighEvent(boundary: Boundary, stamp: Stamp, { lag }: Clocks): Weight {
  const weight = weighStamp(boundary, stamp)
  if (weight.back === undefined || stamp.receivedAt === undefined) return weight
  if (lagAround(lag, stamp.receivedAt).least < BUSY) return weight
  return { ...weight, back: durationNano(weight.back * BUSY_FACTOR) }
}

function intersect(draft: Draft, claim: Claim): void {
  const { latest } = claim
  const earliest = claim.soft ? undefined : claim.earliest
  if (
    claim.soft &&
    claim.earliest !== undefined &&
    (draft.likely === undefined || claim.earliest > draft.likely)
  ) {
    draft.likely = claim.earliest
  }
  const excluded =
    (earliest !== undefined && draft.latest !== undefined && earliest > draft.latest) ||
    (latest !== undefined && draft.earliest !== undefined && latest < draft.earliest)
  if (excluded) {
    draft.conflict = true
    return
  }
  if (earliest !== undefined && (draft.earliest === undefined || earliest > draft.earliest))
    draft.earliest = earliest
  if (latest !== undefined && (draft.latest === undefined || latest < draft.latest)) draft.latest = latest
}

export function clampInto(at: UnixNano, { earliest, latest }: Pick<Draft, 'earliest' | 'latest'>): UnixNano {
  if (earliest !== undefined && at < earliest) return earliest
  if (latest !== undefined && at > latest) return latest
  return at
}
