// Owns what follows from the order in which the store wrote things: resource versions of one etcd are its revisions, so an object
// that was stored after an event cannot have been stored before that event was recorded, nor after a later one was received.
// Promises bounds that hold whatever the watch's lag was. Switches itself off where resources live in different stores
// (`--etcd-servers-overrides`), which shows as contradictions.

import { versionNumber } from '../base/resource-version.ts'
import { fromNano, toNumber, type UnixNano } from '../base/time.ts'

/** Points in order of their revision, in columns: hundreds of thousands of objects would be most of what a collection has to walk. */
export interface RevisionModel {
  revisions: Float64Array
  /** Stored not before this, in nanoseconds after `base`; NaN where only the receipt is known. */
  notBefore: Float64Array
  /** Stored not after this, likewise. */
  notAfter: Float64Array
  length: number
  /** A moment near all others, from which doubles count nanoseconds exactly (for 104 days). */
  base: UnixNano | undefined
  contradictions: number
  samples: number
}

const FIRST_POINTS = 256

export const emptyRevisions = (): RevisionModel => ({
  revisions: new Float64Array(FIRST_POINTS),
  notBefore: new Float64Array(FIRST_POINTS),
  notAfter: new Float64Array(FIRST_POINTS),
  length: 0,
  base: undefined,
  contradictions: 0,
  samples: 0,
})

/** Points kept: half a minute at 1,000 starts/s, hours on a quiet cluster. Forgotten a quarter at a time. */
const POINTS_MAX = 200_000
/** Neighbours asked on each side: enough to pass those that came out of order. */
const REACH = 48
/** A bound that contradicts another by less than this is clock noise. */
const TOLERANCE_NS = 20e6
/** Later neighbours that a sample is compared with. */
const COMPARED = 8
/** With more than this share of contradicting samples, the resources are not in one store. */
const CONTRADICTIONS_MAX = 0.02

/** Something was stored at this revision, between the two moments of our clock. */
export function sampleRevision(
  model: RevisionModel,
  resourceVersion: string,
  notBefore: UnixNano | undefined,
  notAfter: UnixNano | undefined,
): void {
  const revision = versionNumber(resourceVersion)
  if (revision === undefined) return
  const before = offsetIn(model, notBefore)
  const after = offsetIn(model, notAfter)
  const { revisions, length } = model
  const isLast = length === 0 || (revisions[length - 1] as number) <= revision
  const index = isLast ? length : firstNotBelow(model, revision + 1)
  if (index > 0 && revisions[index - 1] === revision) return merge(model, index - 1, before, after)
  insert(model, index, revision, before, after)
  if (!Number.isNaN(before)) noteContradiction(model, index, before)
  if (model.length > POINTS_MAX) forgetOldest(model)
}

function offsetIn(model: RevisionModel, at: UnixNano | undefined): number {
  if (at === undefined) return Number.NaN
  model.base ??= at
  return toNumber(at - model.base)
}

const momentOf = ({ base }: RevisionModel, offset: number): UnixNano | undefined =>
  base === undefined || Number.isNaN(offset) ? undefined : fromNano(base, offset)

/** The same version, seen again. */
function merge({ notBefore, notAfter }: RevisionModel, index: number, before: number, after: number): void {
  if (Number.isNaN(notBefore[index] as number)) notBefore[index] = before
  const known = notAfter[index] as number
  if (Number.isNaN(known) || after < known) notAfter[index] = after
}

function insert(model: RevisionModel, index: number, revision: number, before: number, after: number): void {
  if (model.length === model.revisions.length) grow(model)
  const { revisions, notBefore, notAfter, length } = model
  if (index < length)
    for (const column of [revisions, notBefore, notAfter]) column.copyWithin(index + 1, index, length)
  revisions[index] = revision
  notBefore[index] = before
  notAfter[index] = after
  model.length = length + 1
}

function grow(model: RevisionModel): void {
  const larger = (column: Float64Array): Float64Array => {
    const copy = new Float64Array(Math.min(column.length * 2, POINTS_MAX + 1))
    copy.set(column)
    return copy
  }
  model.revisions = larger(model.revisions)
  model.notBefore = larger(model.notBefore)
  model.notAfter = larger(model.notAfter)
}

function forgetOldest(model: RevisionModel): void {
  const { revisions, notBefore, notAfter, length } = model
  const forgotten = POINTS_MAX / 4
  for (const column of [revisions, notBefore, notAfter]) column.copyWithin(0, forgotten, length)
  model.length = length - forgotten
  rebase(model)
}

/** After months the first moment would be too far away. */
function rebase(model: RevisionModel): void {
  const { base, notBefore, notAfter, length } = model
  const first = notAfter.subarray(0, length).find((offset) => !Number.isNaN(offset))
  if (base === undefined || first === undefined) return
  model.base = fromNano(base, first)
  for (let index = 0; index < length; index++) {
    notBefore[index] = (notBefore[index] as number) - first
    notAfter[index] = (notAfter[index] as number) - first
  }
}

/** A later revision that was received before this one was recorded: impossible within one store. */
function noteContradiction(model: RevisionModel, index: number, before: number): void {
  model.samples++
  const { notAfter, length } = model
  for (let at = index + 1; at < Math.min(length, index + COMPARED); at++) {
    if ((notAfter[at] as number) + TOLERANCE_NS < before) {
      model.contradictions++
      return
    }
  }
}

export interface RevisionBounds {
  readonly notBefore: UnixNano | undefined
  readonly notAfter: UnixNano | undefined
}

const UNKNOWN: RevisionBounds = { notBefore: undefined, notAfter: undefined }

/** Between which moments this revision was stored, by its neighbours. */
export function boundRevision(model: RevisionModel, resourceVersion: string): RevisionBounds {
  const index = placeOf(model, resourceVersion)
  if (index === undefined) return UNKNOWN
  return { notBefore: notBeforeAt(model, index), notAfter: notAfterAt(model, index) }
}

/** When this revision had been stored, by those after it. */
export function storedBy(model: RevisionModel, resourceVersion: string): UnixNano | undefined {
  const index = placeOf(model, resourceVersion)
  return index === undefined ? undefined : notAfterAt(model, index)
}

/** Where it stands among the others; undefined where the order says nothing. */
function placeOf(model: RevisionModel, resourceVersion: string): number | undefined {
  const { samples, contradictions } = model
  const revision = versionNumber(resourceVersion)
  if (revision === undefined || contradictions > Math.max(2, samples * CONTRADICTIONS_MAX)) return undefined
  return firstNotBelow(model, revision)
}

function notBeforeAt(model: RevisionModel, index: number): UnixNano | undefined {
  let notBefore = Number.NaN
  for (let at = index - 1; at >= Math.max(0, index - REACH); at--) {
    const bound = model.notBefore[at] as number
    // Not a number compares as false, so that the first bound is taken whatever it is.
    if (!Number.isNaN(bound) && !(bound <= notBefore)) notBefore = bound
  }
  return momentOf(model, notBefore)
}

function notAfterAt(model: RevisionModel, index: number): UnixNano | undefined {
  let notAfter = Number.NaN
  for (let at = index; at < Math.min(model.length, index + REACH); at++) {
    const bound = model.notAfter[at] as number
    if (!Number.isNaN(bound) && !(bound >= notAfter)) notAfter = bound
  }
  return momentOf(model, notAfter)
}

function firstNotBelow({ revisions, length }: RevisionModel, revision: number): number {
  let low = 0
  let high = length
  while (low < high) {
    const middle = (low + high) >> 1
    if ((revisions[middle] as number) < revision) low = middle + 1
    else high = middle
  }
  return low
}
