// Owns the clocks, the watch's lag and the store's order as rollouts need them: folded from node leases and events, as timeline/ does for pods.
// Promises the same models, with the same limits; a frame that comes again changes nothing that matters.
// Does not combine stamps.

import type { Frame, ObjectFrame } from '../base/frame.ts'
import type { EventRecord, LeaseRecord } from '../base/record.ts'
import type { ClockName, Stamp } from '../base/stamp.ts'
import { add, durationNano, minus, type UnixNano } from '../base/time.ts'
import { clockOf } from '../observe/event.ts'
import { eventNameTime } from '../observe/event-name.ts'
import type { Clocks } from '../timeline/claim.ts'
import { emptyClocks, isBelievable, sampleClock, sampleLease, shiftOf } from '../timeline/clocks.ts'
import { combine, type Draft } from '../timeline/combine.ts'
import { emptyLag, sampleLag } from '../timeline/lag.ts'
import { emptyRevisions, sampleRevision } from '../timeline/revisions.ts'
import type { Boundary } from '../timeline/weight.ts'

export type Models = Omit<Clocks, 'around'>

export const emptyModels = (): Models => ({
  clocks: emptyClocks(),
  lag: emptyLag(),
  revisions: emptyRevisions(),
})

export function foldModels(models: Models, frame: Frame): void {
  if (!('record' in frame) || frame.kind === 'deleted' || frame.phase !== 'live') return
  const { record } = frame
  if (record.resource === 'leases') foldLease(models, frame, record)
  else if (record.resource === 'events') foldEvent(models, frame, record)
}

function foldLease(models: Models, { t }: ObjectFrame, lease: LeaseRecord): void {
  const { renewTime, name, namespace, resourceVersion } = lease
  if (renewTime === undefined || namespace !== 'kube-node-lease' || !isBelievable(renewTime, t)) return
  sampleLease(models.clocks, `node/${name}`, renewTime, t)
  sample(models, `node/${name}`, renewTime, resourceVersion, t)
}

function foldEvent(models: Models, { t }: ObjectFrame, event: EventRecord): void {
  if (Math.max(event.count ?? 1, event.seriesCount ?? 1) > 1) return
  const at = eventNameTime(event)
  if (at === undefined || !isBelievable(at, t)) return
  const clock = clockOf(event)
  sampleClock(models.clocks, clock, at, t)
  sample(models, clock, at, event.resourceVersion, t)
}

function sample(models: Models, clock: ClockName, at: UnixNano, resourceVersion: string, t: UnixNano): void {
  const shift = shiftOf(models.clocks, clock, t)
  const moved = add(at, shift.by)
  sampleLag(models.lag, moved, t)
  sampleRevision(models.revisions, resourceVersion, add(moved, minus(durationNano(shift.early))), t)
}

/** All stamps of one boundary as one, by the rules that pods' boundaries follow. */
export function combineStamps(
  models: Models,
  boundary: Boundary,
  stamps: readonly Stamp[],
  around: UnixNano,
): Draft {
  return combine(boundary, stamps, { ...models, around })
}
