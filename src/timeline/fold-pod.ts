// Owns the folding of a pod's versions: into its timeline while it starts, into nothing once its start is over.
// Promises that a version which is not newer is a repeat, and that a pod whose start lay before our time is not taken for a new one.

import type { ObjectFrame } from '../base/frame.ts'
import type { PodRecord } from '../base/record.ts'
import { durationNano, fromSeconds, toNumber, SECOND, ZERO } from '../base/time.ts'
import type { Observation } from '../observe/observation.ts'
import { isNextVersion, isReady, isUntouched, observePod, wasReady } from '../observe/pod.ts'
import { asListed } from '../observe/stamps.ts'
import { sampleClock, shiftOf } from './clocks.ts'
import { adoptOrphans, observeInto } from './fold-event.ts'
import { foldArrival } from './node-timeline.ts'
import { noteLate, noteShownLate } from './lag.ts'
import { noteTaints, noteVersion, type PodTimeline, startTimeline } from './pod-timeline.ts'
import { foldChild, foldClaimant } from './related.ts'
import { sampleRevision, storedBy } from './revisions.ts'
import { isLeaving, noteDeparture, noteReplacement } from './departures.ts'
import { foldVictim } from './victims.ts'
import { isOlder, isSame } from '../base/resource-version.ts'
import { count, finish, type World } from './world.ts'

export function foldPod(world: World, frame: ObjectFrame, pod: PodRecord): void {
  const { uid } = pod
  if (uid === '') return count(world, 'garbage.pod without uid')
  // A relist that no longer shows a pod tells its UID and name only: the last version seen says the rest.
  if (frame.synthetic) return foldKnownPod(world, frame, world.pods.get(uid)?.pod ?? pod)
  foldKnownPod(world, frame, pod)
}

function foldKnownPod(world: World, frame: ObjectFrame, pod: PodRecord): void {
  const { uid } = pod
  if (frame.kind === 'deleted' || isLeaving(pod)) noteDeparture(world, frame, pod)
  if (foldClaimant(world.related, pod) > 0) count(world, 'limit.related objects')
  foldVictim(world.related.victims, frame, pod)
  const known = world.pods.get(uid)
  if (!known && world.finished.has(uid)) {
    if (frame.kind === 'deleted') world.finished.delete(uid)
    return
  }
  if (known && isStale(known.pod, pod, frame)) return
  if (frame.phase === 'live') sampleVersion(world, frame, pod)
  if (!known && isOver(pod) && frame.phase !== 'live' && !world.backfill(pod)) return finish(world, uid)
  if (!known && frame.kind === 'deleted') return
  const timeline = known ?? startTimeline(pod, frame, world.vocabulary)
  if (known) noteListed(known, frame, pod)
  const shown = timeline.isListed ? asListed(frame) : frame
  const fresh = observeInto(world, timeline, observePod(known?.pod, shown, pod))
  if (!timeline.isListed) sampleLateness(world, frame, fresh)
  timeline.pod = pod
  noteTaints(world.taints, timeline)
  noteVersion(timeline, frame)
  const node = pod.nodeName === undefined ? undefined : world.nodes.get(pod.nodeName)
  if (node) foldArrival(node, pod, isReady(pod), frame.t)
  sampleCreation(world, frame, pod)
  if (known) return
  const refused = foldChild(world.related, frame, pod)
  if (refused > 0) count(world, 'limit.related objects', refused)
  noteReplacement(world, frame, pod)
  world.pods.set(uid, timeline)
  adoptOrphans(world, timeline, pod)
}

/** Where versions before it were not seen, a live one says no more than a list does. */
function noteListed(timeline: PodTimeline, { phase }: ObjectFrame, pod: PodRecord): void {
  timeline.isThinned ||= phase === 'live' && !isNextVersion(timeline.pod, pod)
  timeline.isListed = phase !== 'live' || timeline.isThinned
}

/** A version not newer than the last one is a repeat. A relist may go back: a restored server does. */
function isStale(last: PodRecord, next: PodRecord, frame: ObjectFrame): boolean {
  if (frame.kind === 'deleted') return false
  if (isSame(last.resourceVersion, next.resourceVersion)) return true
  return frame.phase === 'live' && isOlder(next.resourceVersion, last.resourceVersion)
}

/** Whether a pod that we see for the first time has its start behind it. */
function isOver(pod: PodRecord): boolean {
  if (pod.phase === 'Succeeded' || pod.phase === 'Failed' || pod.deletionSeconds !== undefined) return true
  return isReady(pod) || wasReady(pod)
}

/** What another stream has shown already was stored after it: so late this one is, at the least. */
function sampleVersion({ lag, revisions }: World, { heldUp = ZERO, t }: ObjectFrame, pod: PodRecord): void {
  sampleRevision(revisions, pod.resourceVersion, undefined, t)
  const notAfter = storedBy(revisions, pod.resourceVersion)
  if (notAfter !== undefined && notAfter < t) noteShownLate(lag, toNumber(t - heldUp - notAfter), t)
}

/** What this version is the first to say was written and shown late by what lies between its second's end and the receipt, or by more. */
function sampleLateness(
  world: World,
  { heldUp = ZERO, t }: ObjectFrame,
  fresh: readonly Observation[],
): void {
  const endOfSecond = t - heldUp - SECOND
  for (const { stamps } of fresh)
    for (const { at, clock, resolution } of stamps) {
      if (resolution !== SECOND) continue
      const { by } = shiftOf(world.clocks, clock, t)
      noteLate(world.lag, toNumber(endOfSecond - at - by), t)
    }
}

function sampleCreation(world: World, frame: ObjectFrame, pod: PodRecord): void {
  if (frame.phase !== 'live' || frame.kind !== 'added' || pod.createdSeconds === undefined) return
  // A pod that begins to match a selector is added too, however old it is: that is no sign of a jump.
  const isNew = isUntouched(pod)
  const cut = durationNano(SECOND + (frame.heldUp ?? ZERO))
  sampleClock(world.clocks, 'apiserver', fromSeconds(pod.createdSeconds), frame.t, cut, !isNew)
}
