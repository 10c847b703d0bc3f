// Owns what is known of pods that had to go so that others could be scheduled, and the way from the others to them.
// Promises bounded memory: so many, the oldest out first, and none for longer than a start may take.
// Does not read what they say: observe/victim.ts does.

import type { ObjectFrame } from '../base/frame.ts'
import type { EventRecord, PodRecord } from '../base/record.ts'
import { add, durationNano, SECOND, type UnixNano } from '../base/time.ts'
import type { Observation } from '../observe/observation.ts'
import { markOf, observeChoice, observeVictim, preemptorOf } from '../observe/victim.ts'
import { type Fact, mergeStamps } from './facts.ts'

export interface Victim {
  readonly uid: string
  readonly namespace: string
  readonly name: string
  node: string | undefined
  /** UID of the pod that took its place; undefined where no event says it. */
  preemptor: string | undefined
  readonly facts: Map<string, Fact>
  heard: UnixNano
}

export interface Victims {
  /** In the order in which they were first heard of. */
  readonly byUid: Map<string, Victim>
  readonly byNode: Map<string, Set<Victim>>
}

export const emptyVictims = (): Victims => ({ byUid: new Map(), byNode: new Map() })

const VICTIMS_MAX = 20_000
const KEPT = durationNano(SECOND * 1800n)

/** Takes in a version of a pod that is being preempted, whether its own start is over or not. */
export function foldVictim(victims: Victims, frame: ObjectFrame, pod: PodRecord): void {
  const known = victims.byUid.get(pod.uid)
  if (!known && !markOf(pod)) return
  const victim = take(victims, pod, frame.t)
  place(victims, victim, pod.nodeName)
  addFacts(victim, observeVictim(frame, pod))
}

/** Takes in an event that may say who preempted its pod. */
export function foldVictimEvent(victims: Victims, frame: ObjectFrame, event: EventRecord): void {
  const preemptor = preemptorOf(event)
  const { uid, name, namespace = event.namespace } = event.involved
  if (!preemptor || uid === undefined) return
  const victim = take(victims, { uid, name, namespace }, frame.t)
  place(victims, victim, preemptor.node)
  victim.preemptor ??= preemptor.uid
  addFacts(victim, observeChoice(frame, event))
}

/** What had to go for this pod on this node; where an event is missing, what had to go there for nobody knows whom. */
export function victimsOf(victims: Victims, preemptor: string, node: string): readonly Victim[] {
  const there = victims.byNode.get(node)
  if (!there) return []
  return [...there].filter((one) => one.preemptor === undefined || one.preemptor === preemptor)
}

export function sweepVictims(victims: Victims, now: UnixNano): void {
  for (const victim of victims.byUid.values()) if (now >= add(victim.heard, KEPT)) forget(victims, victim)
}

/** A pod is on one node for good; a list that no longer shows it does not name it. */
function place({ byNode }: Victims, victim: Victim, node: string | undefined): void {
  if (node === undefined || victim.node !== undefined) return
  victim.node = node
  const there = byNode.get(node)
  if (there) there.add(victim)
  else byNode.set(node, new Set([victim]))
}

function forget({ byUid, byNode }: Victims, victim: Victim): void {
  byUid.delete(victim.uid)
  const there = byNode.get(victim.node ?? '')
  there?.delete(victim)
  if (there?.size === 0) byNode.delete(victim.node ?? '')
}

function take(
  victims: Victims,
  { uid, namespace, name }: Pick<Victim, 'uid' | 'namespace' | 'name'>,
  heard: UnixNano,
): Victim {
  let victim = victims.byUid.get(uid)
  if (!victim) {
    const [oldest] = victims.byUid.values()
    if (victims.byUid.size >= VICTIMS_MAX && oldest !== undefined) forget(victims, oldest)
    victim = { uid, namespace, name, node: undefined, preemptor: undefined, facts: new Map(), heard }
    victims.byUid.set(uid, victim)
  }
  victim.heard = heard
  return victim
}

function addFacts({ facts }: Victim, observations: readonly Observation[]): void {
  for (const { key, what, index = 0, group = '', detail, stamps } of observations) {
    const known = facts.get(key)
    if (known) known.stamps = mergeStamps(known.stamps, stamps)
    else facts.set(key, { key, what, container: undefined, index, group, detail, stamps: [...stamps] })
  }
}
