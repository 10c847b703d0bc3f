// Owns what follows for two boundaries from one having to come before the other.
// Promises that afterwards no later boundary's estimate is before an earlier one's, and that an interval only shrinks, except where two
// boundaries contradict each other: then the finer stays and the other is moved and marked.
// Does not know why one comes first: operations/ says so, edge by edge.

import type { Stamp } from '../base/stamp.ts'
import type { UnixNano } from '../base/time.ts'
import { clampInto, type Draft, UNSEEN } from './combine.ts'
import type { Instant } from './instant.ts'
import { ZERO } from '../base/time.ts'

/** `before` cannot be later than `after`. */
export type Edge = readonly [before: Draft, after: Draft]

/** Draws the consequences of all edges. They must be given in an order in which causes come first. */
export function orderDrafts(all: readonly Edge[]): void {
  const edges = all.filter(stands)
  for (const edge of edges) pushEarliest(edge[0], edge[1])
  for (let index = edges.length - 1; index >= 0; index--) {
    const edge = edges[index]
    if (edge) pullLatest(edge[0], edge[1])
  }
  // Moving one estimate may disorder an edge already passed; a chain of coarse stamps settles within a few rounds.
  let moved = true
  for (let round = 0; moved && round < ROUNDS; round++) {
    moved = false
    for (const edge of edges) if (alignEstimates(edge)) moved = true
  }
  if (!moved) return
  // A longer chain of ever finer ones yields to the finest at its end.
  for (const edge of edges.toReversed()) alignEstimates(edge)
  sweep(edges)
}

const stands = (edge: Edge): boolean => !isRefuted(edge)

/** What one clock has stamped in the other order came in the other order: two boundaries were taken for ones of the same attempt. */
export function isRefuted(edge: Edge): boolean {
  const before = edge[0]
  const after = edge[1]
  if (before.earliest === undefined || after.latest === undefined) return false
  if (before.earliest <= after.latest && !isSecondBefore(after, before)) return false
  const clock = clockOf(before)
  return clock !== undefined && clock === clockOf(after)
}

/** Whether the runtime stamped the first in an earlier second. Both are reached some time after their stamps, so that their intervals may meet. */
function isSecondBefore(first: Draft, second: Draft): boolean {
  const one = first.stamps.find(isOfState)
  const other = one && second.stamps.find(isOfState)
  return one !== undefined && other !== undefined && one.at < other.at
}

const isOfState = ({ source }: Stamp): boolean => source === 'state-second'

/** The one clock that all its stamps are of, beside ours. */
function clockOf({ stamps }: Draft): string | undefined {
  let one: string | undefined
  for (const { clock } of stamps) {
    if (clock === 'observer') continue
    if (one !== undefined && one !== clock) return undefined
    one = clock
  }
  return one
}

const ROUNDS = 6

/** Edges are in causal order, so one sweep settles what two fine boundaries that contradict each other have left. */
function sweep(edges: readonly Edge[]): void {
  for (const edge of edges.toReversed()) yieldToSeen(edge)
  for (const [before, after] of edges) {
    if (before.best === undefined || after.best === undefined || after.best >= before.best) continue
    if (before.rank === UNSEEN && after.rank !== UNSEEN && isAfter(before.best, after.latest)) continue
    after.best = before.best
    after.clamped = true
    if (after.latest !== undefined && after.latest < before.best) after.latest = before.best
  }
}

/** What nobody saw does not move what was seen out of its interval. */
function yieldToSeen([before, after]: Edge): void {
  const limit = after.rank === UNSEEN ? after.best : after.latest
  if (before.rank !== UNSEEN || before.best === undefined || limit === undefined || before.best <= limit)
    return
  before.best = limit
  before.clamped = true
  if (before.earliest !== undefined && before.earliest > limit) before.earliest = limit
}

const isAfter = (at: UnixNano, limit: UnixNano | undefined): boolean => limit !== undefined && at > limit

function pushEarliest(before: Draft, after: Draft): void {
  if (before.earliest === undefined || (after.earliest !== undefined && after.earliest >= before.earliest))
    return
  if (after.latest !== undefined && after.latest < before.earliest) return
  after.earliest = before.earliest
}

function pullLatest(before: Draft, after: Draft): void {
  if (after.latest === undefined || (before.latest !== undefined && before.latest <= after.latest)) return
  if (before.earliest !== undefined && after.latest < before.earliest) return
  before.latest = after.latest
}

/** True where an estimate was moved. */
function alignEstimates(edge: Edge): boolean {
  const before = edge[0]
  const after = edge[1]
  settleEstimate(before)
  settleEstimate(after)
  if (before.best === undefined || after.best === undefined || after.best >= before.best) return false
  const coarse = before.rank > after.rank ? before : after
  const target = (coarse === before ? after.best : before.best) as UnixNano
  if (clampInto(target, coarse) !== target) {
    coarse.clamped = true
    if (coarse.earliest !== undefined && target < coarse.earliest) coarse.earliest = target
    if (coarse.latest !== undefined && target > coarse.latest) coarse.latest = target
  }
  coarse.best = target
  return true
}

/** An estimate lies in its interval; a boundary without a stamp of its own is put as late as it can be. */
function settleEstimate(draft: Draft): void {
  const from = draft.best ?? draft.latest ?? draft.earliest
  if (from !== undefined) draft.best = clampInto(from, draft)
}

/** What is only likely counts where nothing harder speaks against it. */
function applyLikely(draft: Draft): void {
  const { likely, earliest, best } = draft
  if (likely === undefined || best === undefined || likely > best) return
  if (earliest === undefined || likely > earliest) draft.earliest = likely
}

/** The finished form. A boundary of which nothing at all is known is none. */
export function finishDraft(draft: Draft): Instant | undefined {
  settleEstimate(draft)
  applyLikely(draft)
  const { best, earliest, latest, source, stamps } = draft
  if (best === undefined) return undefined
  return {
    best,
    earliest: earliest !== undefined && earliest < best ? earliest : best,
    latest: latest !== undefined && latest > best ? latest : best,
    source,
    stamps,
    conflict: draft.conflict || undefined,
    clamped: draft.clamped || undefined,
    shifted: draft.shifted === ZERO ? undefined : draft.shifted,
  }
}
