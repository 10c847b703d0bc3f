// Owns everything that frames are folded into: pods in flight, nodes, owners, the clock and lag models, and the counters.
// Promises bounded memory, and that nothing is thrown whatever a record holds. Does not decide when a start is over for good:
// trace/pipeline.ts does, by time.

import type { Frame, GapFrame, ObjectFrame } from '../base/frame.ts'
import type { EventRecord, LeaseRecord, NodeRecord, OwnerRecord, PodRecord } from '../base/record.ts'
import type { Stamp } from '../base/stamp.ts'
import { add, durationNano, fromSeconds, minus, parseRfc3339, SECOND, type UnixNano } from '../base/time.ts'
import { observeEvent } from '../observe/event.ts'
import type { Observation } from '../observe/observation.ts'
import { isReady, nodeClock, observePod, wasReady } from '../observe/pod.ts'
import {
  boundClock,
  type ClockModel,
  emptyClocks,
  isBelievable,
  sampleClock,
  sampleLease,
  shiftOf,
} from './clocks.ts'
import { emptyLag, type LagModel, sampleLag } from './lag.ts'
import { emptyRevisions, type RevisionModel, sampleRevision } from './revisions.ts'
import { emptyNode, foldPull, type NodeTimeline } from './node-timeline.ts'
import { foldObservation, type PodTimeline, startTimeline } from './pod-timeline.ts'

export interface World {
  /** Pods whose start is not over. */
  readonly pods: Map<string, PodTimeline>
  /** UIDs of pods whose start is over, until they are deleted. */
  readonly finished: Set<string>
  readonly nodes: Map<string, NodeTimeline>
  readonly owners: Map<string, OwnerRecord>
  /** A static pod's own UID (its manifest's hash) → the UID of its mirror at the API server. */
  readonly mirrors: Map<string, string>
  /** Events whose pod has not been seen yet. */
  readonly orphans: Map<string, Orphans>
  /** By owner UID: pods that went away lately, for the cause of those that replace them. */
  readonly departures: Map<string, Departure[]>
  readonly clocks: ClockModel
  readonly lag: LagModel
  readonly revisions: RevisionModel
  readonly counters: Record<string, number>
  /** Which pods that were over when we first saw them are wanted all the same. */
  readonly backfill: (pod: PodRecord) => boolean
}

interface Orphans {
  readonly since: UnixNano
  readonly frames: ObjectFrame[]
}

export interface Departure {
  readonly at: UnixNano
  readonly uid: string
  readonly reason: 'preemption' | 'eviction' | 'failed' | 'deleted'
}

const ORPHAN_PODS_MAX = 5_000
const ORPHAN_FRAMES_MAX = 100
const ORPHAN_AGE = durationNano(SECOND * 120n)
const DEPARTURES_MAX = 50
const FINISHED_MAX = 1_000_000

export function emptyWorld(backfill: (pod: PodRecord) => boolean = () => false): World {
  return {
    pods: new Map(),
    finished: new Set(),
    nodes: new Map(),
    owners: new Map(),
    mirrors: new Map(),
    orphans: new Map(),
    departures: new Map(),
    clocks: emptyClocks(),
    lag: emptyLag(),
    revisions: emptyRevisions(),
    counters: {},
    backfill,
  }
}

export function count(world: World, name: string, by = 1): void {
  world.counters[name] = (world.counters[name] ?? 0) + by
}

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
    case 'tick':
      return forgetOrphans(world, frame.t)
  }
}

function foldObject(world: World, frame: ObjectFrame): void {
  const { record } = frame
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
  }
}

function foldPod(world: World, frame: ObjectFrame, pod: PodRecord): void {
  const { uid } = pod
  if (uid === '') return count(world, 'garbage.pod without uid')
  // A relist that no longer shows a pod tells its UID and name only: the last version seen says the rest.
  if (frame.synthetic) return foldKnownPod(world, frame, world.pods.get(uid)?.pod ?? pod)
  foldKnownPod(world, frame, pod)
}

function foldKnownPod(world: World, frame: ObjectFrame, pod: PodRecord): void {
  const { uid } = pod
  if (frame.kind === 'deleted') noteDeparture(world, frame, pod)
  if (world.finished.has(uid)) {
    if (frame.kind === 'deleted') world.finished.delete(uid)
    return
  }
  const known = world.pods.get(uid)
  if (known && isStale(known.pod, pod, frame)) return
  if (frame.phase === 'live') sampleRevision(world.revisions, pod.resourceVersion, undefined, frame.t)
  if (!known && isOver(pod) && frame.phase !== 'live' && !world.backfill(pod)) return finish(world, uid)
  if (!known && frame.kind === 'deleted') return
  const timeline = known ?? startTimeline(pod, frame.t, frame.phase)
  observeInto(world, timeline, observePod(known?.pod, frame, pod))
  timeline.pod = pod
  sampleCreation(world, frame, pod)
  if (known) return
  world.pods.set(uid, timeline)
  adoptOrphans(world, timeline, pod)
}

/** A version not newer than the last one is a repeat. A relist may go back: a restored server does. */
function isStale(last: PodRecord, next: PodRecord, frame: ObjectFrame): boolean {
  if (frame.kind === 'deleted') return false
  if (last.resourceVersion === next.resourceVersion) return true
  return frame.phase === 'live' && isOlder(next.resourceVersion, last.resourceVersion)
}

/** Resource versions of one resource are ordered decimal numbers (KEP-5504); any other form is not compared. */
function isOlder(a: string, b: string): boolean {
  if (!DECIMAL.test(a) || !DECIMAL.test(b)) return false
  return a.length === b.length ? a < b : a.length < b.length
}

const DECIMAL = /^[1-9]\d*$/

/** Whether a pod that we see for the first time has its start behind it. */
function isOver(pod: PodRecord): boolean {
  if (pod.phase === 'Succeeded' || pod.phase === 'Failed' || pod.deletionSeconds !== undefined) return true
  return isReady(pod) || wasReady(pod)
}

/** The start of this pod is over and told; only its UID is kept. */
export function finish(world: World, uid: string): void {
  const timeline = world.pods.get(uid)
  world.pods.delete(uid)
  world.orphans.delete(uid)
  const hash = timeline?.pod.annotations?.['kubernetes.io/config.mirror']
  if (hash !== undefined) world.mirrors.delete(hash)
  if (world.finished.size >= FINISHED_MAX) {
    count(world, 'limit.finished pods')
    const [oldest] = world.finished
    if (oldest !== undefined) world.finished.delete(oldest)
  }
  world.finished.add(uid)
}

function observeInto(world: World, timeline: PodTimeline, observations: readonly Observation[]): void {
  for (const observation of observations) {
    if (!foldObservation(timeline, observation)) count(world, 'limit.facts of a pod')
  }
}

function sampleCreation(world: World, frame: ObjectFrame, pod: PodRecord): void {
  if (frame.phase !== 'live' || frame.kind !== 'added' || pod.createdSeconds === undefined) return
  sampleClock(world.clocks, 'apiserver', fromSeconds(pod.createdSeconds), frame.t, SECOND)
}

function foldEvent(world: World, frame: ObjectFrame, event: EventRecord): void {
  const { involved } = event
  if (frame.kind === 'deleted' || involved.kind !== 'Pod' || involved.uid === undefined) return
  const uid = world.mirrors.get(involved.uid) ?? involved.uid
  if (world.finished.has(uid)) return
  const timeline = world.pods.get(uid)
  if (timeline) foldPodEvent(world, frame, event, timeline)
  else keepOrphan(world, uid, frame)
}

function foldPodEvent(world: World, frame: ObjectFrame, event: EventRecord, timeline: PodTimeline): void {
  const observations = ofThisLife(observeEvent(frame, event), timeline.pod)
  // A frame that comes again says nothing new of clocks and lag.
  const fresh = observations.filter(({ key }) => !timeline.facts.has(key))
  observeInto(world, timeline, observations)
  sampleEventRevision(world, frame, event, observations[0])
  for (const observation of fresh) {
    for (const stamp of observation.stamps) sampleStamp(world, timeline, stamp, frame)
    const host = event.component === 'kubelet' ? event.host : undefined
    if (host)
      foldPull(
        nodeOf(world, host),
        timeline.uid,
        `${timeline.pod.namespace}/${timeline.pod.name}`,
        observation,
      )
  }
}

/** An event's first version was stored after it was recorded. A repeat's is dated too coarsely to tell. */
function sampleEventRevision(
  world: World,
  frame: ObjectFrame,
  event: EventRecord,
  first: Observation | undefined,
): void {
  if (Math.max(event.count ?? 1, event.seriesCount ?? 1) > 1) return
  const named = first?.stamps.find(({ source }) => source === 'event-name' || source === 'event-time')
  if (!named) return
  if (!isBelievable(named.at, frame.t)) return
  const shift = shiftOf(world.clocks, named.clock, frame.t)
  const recorded = add(named.at, durationNano(shift.by - shift.early))
  sampleRevision(
    world.revisions,
    event.resourceVersion,
    recorded,
    frame.phase === 'live' ? frame.t : undefined,
  )
}

/** Every fine stamp with a live receipt says something of its clock and of the watch; every kubelet's stamp, that its pod existed. */
function sampleStamp(world: World, timeline: PodTimeline, stamp: Stamp, { t, phase }: ObjectFrame): void {
  if (stamp.source === 'event-second' && phase === 'live') return sampleSecond(world, stamp, t)
  if (stamp.source !== 'event-name' && stamp.source !== 'event-time') return
  const { createdSeconds } = timeline.pod
  if (createdSeconds !== undefined && !isStatic(timeline.pod) && fromSeconds(createdSeconds) <= t) {
    boundClock(world.clocks, stamp.clock, stamp.at, fromSeconds(createdSeconds))
  }
  if (stamp.receivedAt === undefined) return
  if (!isBelievable(stamp.at, stamp.receivedAt)) return count(world, 'garbage.event time')
  sampleClock(world.clocks, stamp.clock, stamp.at, stamp.receivedAt)
  const shift = shiftOf(world.clocks, stamp.clock, stamp.receivedAt)
  sampleLag(world.lag, add(stamp.at, shift.by), stamp.receivedAt)
}

/** A static pod's UID is its manifest's hash: the same manifest, put back, has the same UID, and its old events are patched. */
function ofThisLife(observations: readonly Observation[], pod: PodRecord): readonly Observation[] {
  const seen = parseRfc3339(pod.annotations?.['kubernetes.io/config.seen'])
  if (seen === undefined || !isStatic(pod)) return observations
  const current = observations.filter(({ stamps }) =>
    stamps.every(({ at, clock }) => clock === 'observer' || at >= seen - SECOND),
  )
  if (current.length === observations.length) return observations
  // The count goes on from the earlier life, so it numbers nothing here; each occurrence stands for itself.
  return current.map((one) => ({ ...one, group: one.key, index: 0 }))
}

/** A repeat's second is coarse, but for a clock that is minutes off it is a witness. */
function sampleSecond(world: World, { clock, at }: Stamp, t: UnixNano): void {
  sampleClock(world.clocks, clock, at, t, SECOND)
}

const isStatic = (pod: PodRecord): boolean => pod.annotations?.['kubernetes.io/config.mirror'] !== undefined

function keepOrphan(world: World, uid: string, frame: ObjectFrame): void {
  let orphans = world.orphans.get(uid)
  if (!orphans) {
    if (world.orphans.size >= ORPHAN_PODS_MAX) {
      count(world, 'limit.events before their pod')
      const [oldest] = world.orphans.keys()
      if (oldest !== undefined) world.orphans.delete(oldest)
    }
    orphans = { since: frame.t, frames: [] }
    world.orphans.set(uid, orphans)
  }
  if (orphans.frames.length < ORPHAN_FRAMES_MAX) orphans.frames.push(frame)
  else count(world, 'limit.events before their pod')
}

function adoptOrphans(world: World, timeline: PodTimeline, pod: PodRecord): void {
  const hash = pod.annotations?.['kubernetes.io/config.mirror']
  if (hash !== undefined) world.mirrors.set(hash, timeline.uid)
  for (const uid of hash === undefined ? [timeline.uid] : [timeline.uid, hash]) {
    for (const frame of world.orphans.get(uid)?.frames ?? []) {
      if (frame.record.resource === 'events') foldPodEvent(world, frame, frame.record, timeline)
    }
    world.orphans.delete(uid)
  }
}

function forgetOrphans(world: World, now: UnixNano): void {
  for (const [uid, { since }] of world.orphans) {
    if (now - since <= ORPHAN_AGE) return
    world.orphans.delete(uid)
  }
}

export function nodeOf(world: World, name: string): NodeTimeline {
  let node = world.nodes.get(name)
  if (!node) world.nodes.set(name, (node = emptyNode(name)))
  return node
}

function foldNode(world: World, frame: ObjectFrame, record: NodeRecord): void {
  if (frame.kind === 'deleted') world.nodes.delete(record.name)
  else nodeOf(world, record.name).node = record
}

function foldLease(world: World, frame: ObjectFrame, lease: LeaseRecord): void {
  if (frame.phase !== 'live' || frame.kind === 'deleted' || lease.renewTime === undefined) return
  if (lease.namespace !== 'kube-node-lease') return
  if (!isBelievable(lease.renewTime, frame.t)) return count(world, 'garbage.lease time')
  const node = nodeOf(world, lease.name)
  if (node.lease === lease.resourceVersion || isOlder(lease.resourceVersion, node.lease)) return
  node.lease = lease.resourceVersion
  sampleLease(world.clocks, nodeClock(lease.name), lease.renewTime, frame.t)
  const shift = shiftOf(world.clocks, nodeClock(lease.name), frame.t)
  const renewed = add(lease.renewTime, shift.by)
  sampleLag(world.lag, renewed, frame.t)
  sampleRevision(world.revisions, lease.resourceVersion, add(renewed, minus(shift.early)), frame.t)
}

/** An owner is kept after its deletion while the process lives within bounds: its pods' traces may still need its name. */
function foldOwner(world: World, frame: ObjectFrame, owner: OwnerRecord): void {
  if (frame.kind !== 'deleted') world.owners.set(owner.uid, owner)
  else forgetOwner(world, owner.uid)
}

function forgetOwner(world: World, uid: string): void {
  for (const { pod } of world.pods.values()) if (pod.owners?.some((owner) => owner.uid === uid)) return
  world.owners.delete(uid)
  world.departures.delete(uid)
}

function noteDeparture(world: World, frame: ObjectFrame, pod: PodRecord): void {
  const owner = pod.owners?.find(({ controller }) => controller) ?? pod.owners?.[0]
  if (!owner) return
  const departures = world.departures.get(owner.uid) ?? []
  if (departures.some(({ uid }) => uid === pod.uid)) return
  const asked =
    pod.deletionSeconds === undefined
      ? frame.t
      : fromSeconds(pod.deletionSeconds - (pod.deletionGraceSeconds ?? 0))
  departures.push({ at: asked, uid: pod.uid, reason: departureReason(pod) })
  world.departures.set(owner.uid, departures.slice(-DEPARTURES_MAX))
}

function departureReason(pod: PodRecord): Departure['reason'] {
  const target = pod.conditions?.find(({ type, status }) => type === 'DisruptionTarget' && status === 'True')
  if (target?.reason?.startsWith('PreemptionBy')) return 'preemption'
  if (target || pod.reason === 'Evicted') return 'eviction'
  return pod.phase === 'Failed' ? 'failed' : 'deleted'
}

function foldGap(world: World, gap: GapFrame): void {
  if (gap.source !== 'pods' && gap.source !== 'events') return
  for (const timeline of world.pods.values()) timeline.gap = true
}
