// Owns the intersection of all evidence for one boundary (design, rules of time 2 and 3).
// Promises that a finer stamp is never overruled by a coarser one, that two which exclude each other are marked as a conflict, and
// that a side nothing bounds stays open. Does not compare boundaries: order.ts does.

import type { Stamp, StampSource } from '../base/stamp.ts'
import { type DurationNano, type UnixNano, ZERO } from '../base/time.ts'
import { type Claim, type Clocks, claimOf } from './claim.ts'
import { boundRevision } from './revisions.ts'
import type { Boundary } from './weight.ts'
import { ReadStamp } from '../observe/stamps.ts'

export type { Clocks } from './claim.ts'

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

const NONE: readonly Stamp[] = []

/** A boundary of which nothing is known yet. */
export const unseen = (stamps: readonly Stamp[] = NONE): Draft => ({
  earliest: undefined,
  latest: undefined,
  likely: undefined,
  best: undefined,
  rank: UNSEEN,
  source: 'order',
  stamps,
  conflict: false,
  clamped: false,
  shifted: ZERO,
})

/** Combines all stamps of one boundary. */
export function combine(boundary: Boundary, stamps: readonly Stamp[], clocks: Clocks): Draft {
  const draft = unseen(stamps)
  const claims = finestFirst(boundary, stamps, clocks)
  for (const claim of claims) intersect(draft, claim)
  for (const { stored, stamp } of claims) if (stored) boundByRevision(draft, stamp, clocks)
  const winner = claims[0]
  if (winner) {
    draft.best = clampInto(winner.best, draft)
    draft.rank = winner.rank
    draft.source = winner.stamp.source
    draft.shifted = winner.shift.by
  }
  return draft
}

/** Sorted by insertion: a boundary has two or three stamps. */
function finestFirst(boundary: Boundary, stamps: readonly Stamp[], clocks: Clocks): Claim[] {
  const [only] = stamps
  if (only && stamps.length === 1) return [claimOf(boundary, only, clocks)]
  const claims: Claim[] = []
  // What reported the same was received then.
  const around = stamps.find(({ clock }) => clock === 'observer')?.at
  for (const stamp of stamps) {
    const claim = claimOf(boundary, stamp, clocks, around)
    let place = claims.length
    while (place > 0 && isFiner(claim, claims[place - 1] as Claim)) place--
    if (place === claims.length) claims.push(claim)
    else claims.splice(place, 0, claim)
  }
  return claims
}

/** Of two equally fine claims the earlier counts: both say "not later". */
const isFiner = (a: Claim, b: Claim): boolean => (a.rank !== b.rank ? a.rank < b.rank : a.best < b.best)

/** The store's own order bounds what it stored, whatever the watch's lag. */
function boundByRevision(draft: Draft, stamp: Stamp, clocks: Clocks): void {
  const { notBefore, notAfter } = boundRevision(clocks.revisions, versionOf(stamp))
  if (notBefore !== undefined && (draft.latest === undefined || notBefore <= draft.latest)) {
    if (draft.earliest === undefined || notBefore > draft.earliest) draft.earliest = notBefore
  }
  if (notAfter !== undefined && (draft.earliest === undefined || notAfter >= draft.earliest)) {
    if (draft.latest === undefined || notAfter < draft.latest) draft.latest = notAfter
  }
}

/** Not by `evidence`, which a stamp that was read puts into words each time. */
export const versionOf = (stamp: Stamp): string =>
  stamp instanceof ReadStamp ? stamp.origin.resourceVersion : stamp.evidence.resourceVersion

function intersect(draft: Draft, claim: Claim): void {
  const { latest } = claim
  const earliest = claim.stored ? undefined : claim.earliest
  if (
    claim.stored &&
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
