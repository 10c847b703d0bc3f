// Owns what one stamp claims of one boundary, on our clock: not before, not after, most likely then.
// Promises that a live receipt is weighed by the lag that the watch showed at that moment, every other stamp by weight.ts.
// Does not compare claims: combine.ts does.

import type { Stamp } from '../base/stamp.ts'
import { toBigint, durationNano, milliseconds, type UnixNano, ZERO } from '../base/time.ts'
import { type ClockModel, type Shift, shiftOf, shiftOfStamp, UNSHIFTED } from './clocks.ts'
import { type LagModel, lagAround } from './lag.ts'
import type { RevisionModel } from './revisions.ts'
import { type Boundary, type Weight, weighStamp } from './weight.ts'

/** The models that all pods share. */
export interface Clocks {
  readonly clocks: ClockModel
  readonly lag: LagModel
  readonly revisions: RevisionModel
  /** A moment of ours for stamps that came without one (from a list). */
  readonly around: UnixNano
}

export interface Claim {
  readonly stamp: Stamp
  /** What the API server stored; its earliest side is statistical. */
  readonly stored: boolean
  readonly rank: number
  readonly earliest: UnixNano | undefined
  readonly latest: UnixNano | undefined
  readonly best: UnixNano
  readonly shift: Shift
}

export function claimOf(boundary: Boundary, stamp: Stamp, clocks: Clocks, around = clocks.around): Claim {
  const stored = stamp.source === 'watch-receipt' && !REPORTED.has(boundary)
  const weight = stored ? weighReceipt(stamp, clocks.lag) : weigh(boundary, stamp, clocks.lag)
  const { back, ahead, lag, rank } = weight
  const { at } = stamp
  const shift = shiftOn(stamp, clocks, around)
  if (shift !== UNSHIFTED) return shiftedClaim(stamp, weight, shift)
  return {
    stamp,
    stored,
    rank,
    earliest: back === undefined ? undefined : back === ZERO ? at : ((at - back) as UnixNano),
    latest: ahead === undefined ? undefined : ahead === ZERO ? at : ((at + ahead) as UnixNano),
    best: lag === ZERO ? at : ((at - lag) as UnixNano),
    shift,
  }
}

/** How a stamp is moved to our clock; by what was known of its own at `around`, if nobody knows when it was received. */
export function shiftOn(
  { at, clock, receivedAt }: Stamp,
  { clocks, around: ofStart }: Clocks,
  around = ofStart,
): Shift {
  if (clock === 'observer') return UNSHIFTED
  return receivedAt === undefined
    ? shiftOf(clocks, clock, around)
    : shiftOfStamp(clocks, clock, at, receivedAt)
}

function shiftedClaim(stamp: Stamp, { back, ahead, lag, rank }: Weight, shift: Shift): Claim {
  const at = stamp.at + shift.by
  return {
    stamp,
    stored: false,
    rank,
    earliest: back === undefined ? undefined : ((at - back - shift.early) as UnixNano),
    latest: ahead === undefined ? undefined : ((at + ahead + shift.late) as UnixNano),
    best: (at - lag) as UnixNano,
    shift,
  }
}

/** What a node decided and its kubelet reports in its own time; a live receipt of it only says "not later". */
const REPORTED: ReadonlySet<Boundary> = new Set([
  'network ready',
  'ready on node',
  'startup passed',
  'container ready',
  'container unready',
])

function weigh(boundary: Boundary, stamp: Stamp, lag: LagModel): Weight {
  switch (stamp.source) {
    case 'event-receipt':
      return { back: undefined, ahead: ZERO, lag: usualLag(lagAround(lag, stamp.at).least), rank: 4 }
    case 'watch-receipt':
      return {
        back: undefined,
        ahead: ZERO,
        lag: durationNano(usualLag(lagAround(lag, stamp.at).least) + STATUS_LAG),
        rank: 3,
      }
    case 'event-name':
    case 'pull-duration':
      return weighEvent(boundary, stamp, lag)
    default:
      return weighStamp(boundary, stamp)
  }
}

/**
 * What the API server stored, by when the watch showed it. Twice the greatest lateness seen nearby, of a write and the
 * watch together, bounds it from below, and what our own process was held up by; half of the least is what the watch was late by.
 */
function weighReceipt(stamp: Stamp, lag: LagModel): Weight {
  const { least, greatest, heldUp } = lagAround(lag, stamp.at)
  const back = Math.max(greatest * 2, least * 3, RECEIPT_FLOOR_NS) + heldUp
  return { back: durationNano(toBigint(Math.round(back))), ahead: ZERO, lag: usualLag(least), rank: 2 }
}

/** The watch's share of what a write and the watch took: half, which is the least wrong whichever of them was slow. */
const usualLag = (least: number) => durationNano(toBigint(Math.round(Math.min(least / 2, USUAL_MAX_NS))))

/** Events may queue at their writer for seconds; what is later than this says nothing of the watch. */
const USUAL_MAX_NS = 25e6
/** A receipt may always be late by this much: one turn of a busy event loop (docs/accuracy.md). */
const RECEIPT_FLOOR_NS = 45e6
/** How long a status takes from its decision on the node to being stored when nothing holds it back. */
const STATUS_LAG = milliseconds(6)

/** A busy machine delays its components' records too. */
const BUSY_NS = 15e6
const BUSY_FACTOR = 5n

/** An event's bound, widened where the watch shows that the machine is busy. */
function weighEvent(boundary: Boundary, stamp: Stamp, lag: LagModel): Weight {
  const weight = weighStamp(boundary, stamp)
  if (weight.back === undefined || stamp.receivedAt === undefined) return weight
  if (lagAround(lag, stamp.receivedAt).least < BUSY_NS) return weight
  return { ...weight, back: durationNano(weight.back * BUSY_FACTOR) }
}
