// Owns which write of a pod's object made which version that the watch showed.
// Promises a write only where there is no doubt: as many writes as versions, in all or in one stretch of time, in the same order. Where
// spans are sampled out there is doubt, and the watch's own bounds stay.

import type { Stamp } from '../base/stamp.ts'
import { add, type DurationNano, milliseconds, minus, type UnixNano } from '../base/time.ts'
import { NANOSECOND } from '../observe/stamps.ts'
import { shiftOf } from '../timeline/clocks.ts'
import { type Clocks, combine } from '../timeline/combine.ts'
import type { NativeOfPod, Write } from './native-evidence.ts'

/** By when the watch showed the version. */
export type StoredVersions = ReadonlyMap<UnixNano, Stamp>

/** Two clocks of a cluster that keeps its time may differ by this much. */
const SLACK = milliseconds(20)

interface Stretch {
  readonly from: UnixNano
  readonly to: UnixNano
  /** Its receipt. */
  readonly version?: UnixNano
  readonly write?: Write
}

export function matchVersions(
  { sawAll, versions }: Pick<NativeOfPod, 'sawAll' | 'versions'>,
  writes: readonly Write[],
  clocks: Clocks,
): StoredVersions {
  const matched = new Map<UnixNano, Stamp>()
  if (writes.length === 0) return matched
  if (sawAll && areAllOf(versions, writes, clocks)) {
    pair(versions, writes, matched)
    return matched
  }
  const stretches = [
    ...versions.map((receivedAt) => stretchOfVersion(receivedAt, clocks)),
    ...writes.map((write) => stretchOfWrite(write, clocks)),
  ].sort((a, b) => (a.from < b.from ? -1 : a.from > b.from ? 1 : 0))
  for (const group of groupsOf(stretches)) matchGroup(group, matched)
  return matched
}

/** Another pod may have had the name in the same second, or have it by now: what was written before the creation, or from the next one on. */
export function withoutNamesakes(
  { sawAll, versions }: Pick<NativeOfPod, 'sawAll' | 'versions'>,
  writes: readonly Write[],
  clocks: Clocks,
): readonly Write[] {
  const [first] = sawAll ? versions : []
  const inOrder = writes.toSorted(byEnd)
  const created = inOrder.findLastIndex(
    (write) =>
      write.kind === 'create' &&
      first !== undefined &&
      stretchOfWrite(write, clocks).from <= add(first, SLACK),
  )
  if (created < 0) return writes
  const next = inOrder.findIndex(({ kind }, index) => index > created && kind === 'create')
  return inOrder.slice(created, next < 0 ? undefined : next)
}

/** Each write made one version, and each version has its write: then it does not matter how late the watch was. */
function areAllOf(versions: readonly UnixNano[], writes: readonly Write[], clocks: Clocks): boolean {
  if (versions.length !== writes.length || !writes.every(({ isSure }) => isSure)) return false
  const shown = versions.toSorted(byTime)
  const inOrder = writes.toSorted(byEnd)
  return (
    inOrder[0]?.kind === 'create' &&
    inOrder.every((write, index) => {
      const receivedAt = shown[index]
      return receivedAt !== undefined && stretchOfWrite(write, clocks).from <= add(receivedAt, SLACK)
    })
  )
}

/** Where a version was stored, by the watch alone: its lag bounds it from below, its receipt from above. */
function stretchOfVersion(receivedAt: UnixNano, clocks: Clocks): Stretch {
  const receipt: Stamp = {
    source: 'watch-receipt',
    at: receivedAt,
    clock: 'observer',
    resolution: NANOSECOND,
    evidence: { object: '', resourceVersion: '', field: '', raw: '' },
    receivedAt,
  }
  const { earliest, likely } = combine('created', [receipt], clocks)
  const from = earliest !== undefined && (likely === undefined || earliest > likely) ? earliest : likely
  return { from: add(from ?? receivedAt, minus(SLACK)), to: add(receivedAt, SLACK), version: receivedAt }
}

function stretchOfWrite(write: Write, { clocks, around }: Clocks): Stretch {
  const { at, clock, resolution } = write.stored
  const { by } = shiftOf(clocks, clock, around)
  const from = add(at, by)
  return { from, to: add(from, resolution as DurationNano), write }
}

/** Those that overlap, and those that overlap these. */
function groupsOf(sorted: readonly Stretch[]): Stretch[][] {
  const groups: Stretch[][] = []
  let reached: UnixNano | undefined
  for (const stretch of sorted) {
    if (reached !== undefined && stretch.from <= reached) groups.at(-1)?.push(stretch)
    else groups.push([stretch])
    if (reached === undefined || stretch.to > reached) reached = stretch.to
  }
  return groups
}

function matchGroup(group: readonly Stretch[], matched: Map<UnixNano, Stamp>): void {
  const versions = group.flatMap(({ version }) => version ?? [])
  const writes = group.flatMap(({ write }) => write ?? [])
  if (versions.length === writes.length) pair(versions, writes, matched)
}

function pair(versions: readonly UnixNano[], writes: readonly Write[], matched: Map<UnixNano, Stamp>): void {
  const inOrder = writes.toSorted(byEnd)
  versions.toSorted(byTime).forEach((receivedAt, index) => {
    const write = inOrder[index]
    if (write) matched.set(receivedAt, write.stored)
  })
}

const byTime = (a: UnixNano, b: UnixNano): number => (a < b ? -1 : a > b ? 1 : 0)

/** Writes of one object are stored in the order in which their transactions end. */
function byEnd({ stored: a }: Write, { stored: b }: Write): number {
  const [x, y] = [a.at + a.resolution, b.at + b.resolution]
  return x < y ? -1 : x > y ? 1 : 0
}
