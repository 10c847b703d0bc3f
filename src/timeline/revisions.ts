// Owns what follows from the order in which the store wrote things: resource versions of one etcd are its revisions, so an object
// that was stored after an event cannot have been stored before that event was recorded, nor after a later one was received.
// Promises bounds that hold whatever the watch's lag was. Switches itself off where resources live in different stores
// (`--etcd-servers-overrides`), which shows as contradictions.

import { earliest, latest, type UnixNano } from '../base/time.ts'

interface Point {
  readonly revision: number
  /** Stored not before this; undefined where only the receipt is known. */
  readonly notBefore: UnixNano | undefined
  /** Stored not after this. */
  readonly notAfter: UnixNano | undefined
}

export interface RevisionModel {
  /** By revision, ascending. */
  readonly points: Point[]
  contradictions: number
  samples: number
}

export const emptyRevisions = (): RevisionModel => ({ points: [], contradictions: 0, samples: 0 })

/** Points kept: half a minute at 1,000 starts/s, hours on a quiet cluster. Forgotten a quarter at a time. */
const POINTS_MAX = 200_000
/** Neighbours asked on each side: enough to pass those that came out of order. */
const REACH = 48
/** A bound that contradicts another by less than this is clock noise. */
const TOLERANCE = 20_000_000n
/** With more than this share of contradicting samples, the resources are not in one store. */
const CONTRADICTIONS_MAX = 0.02

const DECIMAL = /^[1-9]\d{0,15}$/

/** Something was stored at this revision, between the two moments of our clock. */
export function sampleRevision(
  model: RevisionModel,
  resourceVersion: string,
  notBefore: UnixNano | undefined,
  notAfter: UnixNano | undefined,
): void {
  if (!DECIMAL.test(resourceVersion)) return
  const point = { revision: Number(resourceVersion), notBefore, notAfter }
  const { points } = model
  const last = points.at(-1)
  const index =
    !last || last.revision <= point.revision ? points.length : firstNotBelow(points, point.revision + 1)
  const same = points[index - 1]
  if (same?.revision === point.revision) {
    points[index - 1] = mergePoints(same, point)
    return
  }
  if (index === points.length) points.push(point)
  else points.splice(index, 0, point)
  if (points.length > POINTS_MAX) points.splice(0, POINTS_MAX / 4)
  if (notBefore !== undefined) noteContradiction(model, index, point)
}

/** The same version, seen again. */
const mergePoints = (a: Point, b: Point): Point => ({
  revision: a.revision,
  notBefore: a.notBefore ?? b.notBefore,
  notAfter:
    a.notAfter === undefined || (b.notAfter !== undefined && b.notAfter < a.notAfter)
      ? b.notAfter
      : a.notAfter,
})

/** A later revision that was received before this one was recorded: impossible within one store. */
function noteContradiction(model: RevisionModel, index: number, { notBefore }: Point): void {
  model.samples++
  for (let at = index + 1; at < Math.min(model.points.length, index + 8); at++) {
    const after = model.points[at]?.notAfter
    if (after !== undefined && notBefore !== undefined && after + TOLERANCE < notBefore) {
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
  const { points, samples, contradictions } = model
  if (contradictions > Math.max(2, samples * CONTRADICTIONS_MAX) || !DECIMAL.test(resourceVersion))
    return UNKNOWN
  const revision = Number(resourceVersion)
  const index = firstNotBelow(points, revision)
  let notBefore: UnixNano | undefined
  for (let at = index - 1; at >= Math.max(0, index - REACH); at--) {
    const bound = points[at]?.notBefore
    if (bound !== undefined) notBefore = notBefore === undefined ? bound : latest(notBefore, bound)
  }
  let notAfter: UnixNano | undefined
  for (let at = index; at < Math.min(points.length, index + REACH); at++) {
    const bound = points[at]?.notAfter
    if (bound !== undefined) notAfter = notAfter === undefined ? bound : earliest(notAfter, bound)
  }
  return { notBefore, notAfter }
}

function firstNotBelow(points: readonly Point[], revision: number): number {
  let low = 0
  let high = points.length
  while (low < high) {
    const middle = (low + high) >> 1
    if ((points[middle] as Point).revision < revision) low = middle + 1
    else high = middle
  }
  return low
}
