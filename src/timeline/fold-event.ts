// Owns the folding of events: into the timeline of the pod they are of, and into the models of clocks, lag and revisions.
// Promises that an event which comes before its pod waits for it, bounded in number and time, and that events of a static pod's earlier life
// are not taken for this one's. Does not read what an event says: observe/event.ts does.

import type { ObjectFrame } from '../base/frame.ts'
import type { EventRecord, PodRecord } from '../base/record.ts'
import type { Stamp } from '../base/stamp.ts'
import {
  add,
  type DurationNano,
  durationNano,
  fromSeconds,
  parseRfc3339,
  SECOND,
  type UnixNano,
  ZERO,
} from '../base/time.ts'
import { observeEvent } from '../observe/event.ts'
import type { Observation } from '../observe/observation.ts'
import { boundClock, isBelievable, sampleClock, shiftOf, shiftOfStamp } from './clocks.ts'
import { sampleLag } from './lag.ts'
import { foldActivity, foldPull } from './node-timeline.ts'
import { addFacts } from './fact-log.ts'
import { noteTaints, type PodTimeline } from './pod-timeline.ts'
import { foldRelatedEvent } from './related.ts'
import { sampleRevision } from './revisions.ts'
import { foldVictimEvent } from './victims.ts'
import { count, nodeOf, type World } from './world.ts'

/** Events come on a stream of their own, often before their pod: so many pods' are kept, each so many, for so long. */
const ORPHAN_PODS_MAX = 5_000
const ORPHAN_FRAMES_MAX = 100
const ORPHAN_AGE = durationNano(SECOND * 120n)

export function foldEvent(world: World, frame: ObjectFrame, event: EventRecord): void {
  const { involved } = event
  if (frame.kind === 'deleted') return
  if (involved.kind !== 'Pod') {
    const refused = foldRelatedEvent(world.related, frame, event)
    return refused > 0 ? count(world, 'limit.related objects', refused) : undefined
  }
  if (involved.uid === undefined) return
  foldVictimEvent(world.related.victims, frame, event)
  const uid = world.mirrors.get(involved.uid) ?? involved.uid
  const timeline = world.pods.get(uid)
  if (timeline) foldPodEvent(world, frame, event, timeline)
  else if (!world.finished.has(uid)) keepOrphan(world, uid, frame)
}

function foldPodEvent(world: World, frame: ObjectFrame, event: EventRecord, timeline: PodTimeline): void {
  const observations = ofThisLife(observeEvent(frame, event), timeline.pod)
  // A frame that comes again says nothing new of clocks and lag.
  const fresh = observeInto(world, timeline, observations)
  // It tries again when nodes change, and its condition need not.
  if (event.reason === 'FailedScheduling') noteTaints(world.taints, timeline)
  sampleEventRevision(world, frame, event, observations[0])
  for (const observation of fresh) {
    for (const stamp of observation.stamps) sampleStamp(world, timeline, stamp, frame, isRepeat(event))
    const host = event.component === 'kubelet' ? event.host : undefined
    if (host) {
      const node = nodeOf(world, host)
      foldActivity(node, timeline.uid, observation)
      foldPull(node, timeline.uid, `${timeline.pod.namespace}/${timeline.pod.name}`, observation)
    }
  }
}

const isRepeat = (event: EventRecord): boolean => Math.max(event.count ?? 1, event.seriesCount ?? 1) > 1

/** An event's first version was stored after it was recorded. A repeat's is dated too coarsely to tell. */
function sampleEventRevision(
  world: World,
  frame: ObjectFrame,
  event: EventRecord,
  first: Observation | undefined,
): void {
  if (isRepeat(event)) return
  const named = first?.stamps.find(({ source }) => source === 'event-name' || source === 'event-time')
  if (!named) return
  if (!isBelievable(named.at, frame.t)) return
  const shift =
    frame.phase === 'live'
      ? shiftOfStamp(world.clocks, named.clock, named.at, frame.t)
      : shiftOf(world.clocks, named.clock, frame.t)
  const recorded = add(named.at, durationNano(shift.by - shift.early))
  sampleRevision(
    world.revisions,
    event.resourceVersion,
    recorded,
    frame.phase === 'live' ? frame.t : undefined,
  )
}

/** Every fine stamp with a live receipt says something of its clock and of the watch; every kubelet's stamp, that its pod existed. */
function sampleStamp(
  world: World,
  timeline: PodTimeline,
  stamp: Stamp,
  { t, phase, heldUp }: ObjectFrame,
  repeat: boolean,
): void {
  if (stamp.source === 'event-second' && phase === 'live') return sampleSecond(world, stamp, t, heldUp)
  if (stamp.source !== 'event-name' && stamp.source !== 'event-time') return
  const { createdSeconds } = timeline.pod
  if (createdSeconds !== undefined && !isStatic(timeline.pod) && fromSeconds(createdSeconds) <= t) {
    boundClock(world.clocks, stamp.clock, stamp.at, fromSeconds(createdSeconds))
  }
  if (stamp.receivedAt === undefined) return
  if (!isBelievable(stamp.at, stamp.receivedAt)) return count(world, 'garbage.event time')
  sampleClock(world.clocks, stamp.clock, stamp.at, stamp.receivedAt, heldUp, repeat)
  const shift = shiftOfStamp(world.clocks, stamp.clock, stamp.at, stamp.receivedAt)
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
  return current.map(alone)
}

function alone(observation: Observation): Observation {
  const { key, index = 0 } = observation
  const own = index === 0 ? key : `${key}/${index}`
  return { ...observation, key: own, group: own, index: 0 }
}

/** A repeat's second is coarse, but for a clock that is minutes off it is a witness. */
function sampleSecond(world: World, { clock, at }: Stamp, t: UnixNano, heldUp: DurationNano = ZERO): void {
  sampleClock(world.clocks, clock, at, t, durationNano(SECOND + heldUp))
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

export function adoptOrphans(world: World, timeline: PodTimeline, pod: PodRecord): void {
  const hash = pod.annotations?.['kubernetes.io/config.mirror']
  if (hash !== undefined) world.mirrors.set(hash, timeline.uid)
  for (const uid of hash === undefined ? [timeline.uid] : [timeline.uid, hash]) {
    for (const frame of world.orphans.get(uid)?.frames ?? []) {
      if (frame.record.resource === 'events') foldPodEvent(world, frame, frame.record, timeline)
    }
    world.orphans.delete(uid)
  }
}

export function forgetOrphans(world: World, now: UnixNano): void {
  for (const [uid, { since }] of world.orphans) {
    if (now - since <= ORPHAN_AGE) return
    world.orphans.delete(uid)
  }
}

/** Returns those that were not known before. */
export function observeInto(
  world: World,
  timeline: PodTimeline,
  observations: readonly Observation[],
): readonly Observation[] {
  const { fresh, refused } = addFacts(timeline.facts, timeline.pod, observations)
  if (refused > 0) count(world, 'limit.facts of a pod', refused)
  return fresh
}
