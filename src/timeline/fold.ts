// Owns the fold: one frame of any kind into the world.
// Promises that nothing is thrown whatever a record holds, and that a frame which comes again changes nothing.
// Pods and events, which are most of it, have files of their own beside this one.

import type { Frame, GapFrame, ObjectFrame } from '../base/frame.ts'
import type { LeaseRecord, NodeRecord, OwnerRecord } from '../base/record.ts'
import { add, minus, toNumber } from '../base/time.ts'
import { nodeClock } from '../observe/pod.ts'
import { isBelievable, sampleLease, shiftOfStamp } from './clocks.ts'
import { foldEvent, forgetOrphans } from './fold-event.ts'
import { foldPod } from './fold-pod.ts'
import { noteHeldUp, sampleLag } from './lag.ts'
import { foldSpans, sweepSpans } from './native-fold.ts'
import { foldRelated, sweepRelated } from './related.ts'
import { sampleRevision } from './revisions.ts'
import { isOlder, isSame } from '../base/resource-version.ts'
import { noteTaints } from './pod-timeline.ts'
import { count, nodeOf, type World } from './world.ts'

const FRAMES: Readonly<Record<Frame['kind'], string>> = {
  added: 'frames.added',
  modified: 'frames.modified',
  deleted: 'frames.deleted',
  gap: 'frames.gap',
  synced: 'frames.synced',
  tick: 'frames.tick',
  otlp: 'frames.otlp',
}

/** Takes one frame in. */
export function foldFrame(world: World, frame: Frame): void {
  count(world, FRAMES[frame.kind])
  switch (frame.kind) {
    case 'added':
    case 'modified':
    case 'deleted':
      return foldObject(world, frame)
    case 'gap':
      return foldGap(world, frame)
    case 'synced':
      return frame.source === 'nodes' ? foldNodesListed(world) : undefined
    case 'otlp':
      return foldSpans(world, frame)
    case 'tick':
      forgetOrphans(world, frame.t)
      sweepSpans(world, frame.t)
      return sweepRelated(world.related, frame.t)
  }
}

function foldObject(world: World, frame: ObjectFrame): void {
  const { record, heldUp } = frame
  if (heldUp !== undefined && frame.phase === 'live') noteHeldUp(world.lag, toNumber(heldUp), frame.t)
  switch (record.resource) {
    case 'pods':
      return foldPod(world, frame, record)
    case 'events':
      return foldEvent(world, frame, record)
    case 'nodes':
      return foldNode(world, frame, record)
    case 'leases':
      return foldLease(world, frame, record)
    case 'owners':
      return foldOwner(world, frame, record)
    case 'persistentvolumeclaims':
    case 'volumeattachments':
    case 'nodeclaims':
    case 'workloads':
    case 'resourceclaims':
      return countFull(world, foldRelated(world.related, frame, record))
    case 'custom':
      return
  }
}

function foldNode(world: World, frame: ObjectFrame, record: NodeRecord): void {
  countFull(world, foldRelated(world.related, frame, record))
  const known = world.nodes.get(record.name)?.node
  const isGone = frame.kind === 'deleted'
  if (known && !isGone && frame.phase === 'live' && isOlder(record.resourceVersion, known.resourceVersion))
    return
  world.taints.note(known, isGone ? undefined : record)
  if (isGone) world.nodes.delete(record.name)
  else nodeOf(world, record.name).node = record
}

/** Pods may have been listed before: what keeps them off is known from here on. */
function foldNodesListed({ pods, taints }: World): void {
  taints.isComplete = true
  for (const timeline of pods.values()) noteTaints(taints, timeline)
}

function countFull(world: World, refused: number): void {
  if (refused > 0) count(world, 'limit.related objects', refused)
}

function foldLease(world: World, frame: ObjectFrame, lease: LeaseRecord): void {
  if (frame.phase !== 'live' || frame.kind === 'deleted' || lease.renewTime === undefined) return
  if (lease.namespace !== 'kube-node-lease') return
  if (!isBelievable(lease.renewTime, frame.t)) return count(world, 'garbage.lease time')
  const node = nodeOf(world, lease.name)
  if (isSame(node.lease, lease.resourceVersion) || isOlder(lease.resourceVersion, node.lease)) return
  node.lease = lease.resourceVersion
  sampleLease(world.clocks, nodeClock(lease.name), lease.renewTime, frame.t, frame.heldUp)
  const shift = shiftOfStamp(world.clocks, nodeClock(lease.name), lease.renewTime, frame.t)
  const renewed = add(lease.renewTime, shift.by)
  sampleLag(world.lag, renewed, frame.t)
  sampleRevision(world.revisions, lease.resourceVersion, add(renewed, minus(shift.early)), frame.t)
}

/** An owner is kept after its deletion while the process lives within bounds: its pods' traces may still need its name. */
function foldOwner(world: World, frame: ObjectFrame, owner: OwnerRecord): void {
  if (frame.kind === 'deleted') return forgetOwner(world, owner.uid)
  const before = world.owners.get(owner.uid)
  world.owners.set(owner.uid, owner)
  if (!before) return
  if (revisionOf(before) !== revisionOf(owner)) world.revised.set(owner.uid, frame.t)
  const by = owner.managers?.[0]?.manager
  // The same one again is only seen by the spec that has changed.
  const changed = by !== before.managers?.[0]?.manager || owner.generation !== before.generation
  if (by === undefined || !changed) return
  const scaled = [...(world.scaled.get(owner.uid) ?? []), { at: frame.t, by }]
  world.scaled.set(owner.uid, scaled.slice(-SCALINGS_MAX))
}

/** An autoscaler scales every 15 s at the most; a start is told within minutes. */
const SCALINGS_MAX = 20

const revisionOf = ({ annotations }: OwnerRecord): string | undefined =>
  annotations?.['deployment.kubernetes.io/revision']

function forgetOwner(world: World, uid: string): void {
  for (const { pod } of world.pods.values()) if (pod.owners?.some((owner) => owner.uid === uid)) return
  world.owners.delete(uid)
  world.departures.delete(uid)
  world.revised.delete(uid)
  world.scaled.delete(uid)
}

function foldGap(world: World, gap: GapFrame): void {
  if (gap.source !== 'pods' && gap.source !== 'events') return
  for (const timeline of world.pods.values()) timeline.gap = true
}
