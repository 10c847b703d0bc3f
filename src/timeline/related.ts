// Owns what is known of the objects beside the pods, and the ways from one to another: a pod's claim, its volume's attachment to a node,
// the NodeClaim of a node, the Workload of a Job.
// Promises bounded memory: so many objects, so many facts of each, the oldest out first; what is gone is kept for as long as a start
// may still ask. Does not read what they say: observe/related.ts does.

import type { ObjectFrame, Source } from '../base/frame.ts'
import type {
  EventRecord,
  NodeRecord,
  OwnerRecord,
  OwnerReference,
  PodRecord,
  RelatedRecord,
  VolumeSpec,
} from '../base/record.ts'
import { add, durationNano, SECOND, type UnixNano } from '../base/time.ts'
import type { Observation } from '../observe/observation.ts'
import { observeChild, observeRelated, type RelatedObject } from '../observe/related.ts'
import { observeRelatedEvent, relatedSourceOf } from '../observe/related-event.ts'
import { Claimants } from './claimants.ts'
import { type Fact, mergeStamps } from './facts.ts'
import { controllerOf, ownersOf } from './owners.ts'
import { isOlder, isSame } from '../base/resource-version.ts'
import { emptyVictims, sweepVictims, type Victim, type Victims, victimsOf } from './victims.ts'

/** One object beside the pods. */
export interface Related {
  /** `persistentvolumeclaims/shop/data-0` */
  readonly key: string
  /** The last version seen; undefined where only its events are known. */
  record: RelatedObject | undefined
  facts: Map<string, Fact>
  /** When something was last heard of it, by our clock. */
  heard: UnixNano
  gone: boolean
}

export interface RelatedObjects {
  readonly byKey: Map<string, Related>
  /** By what an object belongs to: `volume/NAME`, `node/NAME`, `owner/UID`, `pod/UID`. */
  readonly byLink: Map<string, Set<Related>>
  /** Pods that have claims: messages about a volume name its users. */
  readonly claimants: Claimants
  /** Pods that had to go so that others could be scheduled. */
  readonly victims: Victims
  sweptAt: UnixNano
}

export const emptyRelatedObjects = (): RelatedObjects => ({
  byKey: new Map(),
  byLink: new Map(),
  claimants: new Claimants(),
  victims: emptyVictims(),
  sweptAt: 0n as UnixNano,
})

/** A cluster of 150,000 pods has fewer claims, attachments, nodes and Workloads together. */
const OBJECTS_MAX = 300_000
/** A claim has three facts, a node that joined some twenty. */
const FACTS_MAX = 100
/** What is gone, or known by events alone, is kept for longer than a start may take. */
const KEPT = durationNano(SECOND * 1800n)
const SWEEP_EVERY = durationNano(SECOND * 60n)

export const relatedKey = (source: Source, namespace: string, name: string): string =>
  `${source}/${namespace}/${name}`

/** Of the thousands of nodes few have any: never written to. */
const NO_FACTS: Map<string, Fact> = new Map()
const NO_OBJECTS: readonly Related[] = []

/** What an operation may look up beside its pod. */
export interface Surroundings {
  /** `namespace` is empty for what is in none. */
  related(source: Source, namespace: string, name: string): Related | undefined
  /** What belongs to `volume/NAME`, `node/NAME`, `owner/UID` or `pod/UID`, in the order in which it was first seen. */
  linked(link: string): readonly Related[]
  /** The UID of the last pod of this name that had a claim. */
  claimant(namespace: string, name: string): string | undefined
  /** The owners of a pod, from the pod up, as far as their metadata is known. */
  ownersOf(pod: PodRecord): readonly OwnerReference[]
  /** The pods that had to leave this node for the pod of this UID. */
  victims(uid: string, node: string): readonly Victim[]
}

export const surroundingsOf = (
  { byKey, byLink, claimants, victims }: RelatedObjects,
  owners: ReadonlyMap<string, OwnerRecord> = new Map(),
): Surroundings => ({
  related: (source, namespace, name) => byKey.get(relatedKey(source, namespace, name)),
  linked: (link) => {
    const found = byLink.get(link)
    return found ? [...found] : NO_OBJECTS
  },
  claimant: (namespace, name) => claimants.get(`${namespace}/${name}`),
  ownersOf: (pod) => ownersOf(pod, owners),
  victims: (uid, node) => victimsOf(victims, uid, node),
})

/** Notes a new pod with its owner, if that has a history: its controller was refused pods before. */
export function foldChild(objects: RelatedObjects, frame: ObjectFrame, pod: PodRecord): number {
  const owner = controllerOf(pod)
  const source = owner && relatedSourceOf(owner)
  const key = source && relatedKey(source, pod.namespace, owner.name)
  const related = key === undefined ? undefined : objects.byKey.get(key)
  return related ? addFacts(related, [observeChild(frame, pod)]) : 0
}

/** Remembers who a message means that names the user of a volume; a pod that is gone may still be named. Returns how many found no room. */
export function foldClaimant(
  { claimants }: RelatedObjects,
  { uid, namespace, name, volumes }: PodRecord,
): number {
  return volumes?.some(hasClaim) ? claimants.set(`${namespace}/${name}`, uid) : 0
}

export const hasClaim = ({ kind, claim }: VolumeSpec): boolean => claim !== undefined || kind === 'ephemeral'

/** Takes a version of an object in; returns how many facts or objects found no room. */
export function foldRelated(objects: RelatedObjects, frame: ObjectFrame, record: RelatedObject): number {
  const key = relatedKey(record.resource, record.namespace, record.name)
  const known = objects.byKey.get(key)
  const previous = known?.record?.uid === record.uid ? known.record : undefined
  if (frame.kind === 'deleted' && !previous) return 0
  if (previous && isRepeat(frame, record, previous)) return 0
  // Another object of the same name has a life of its own.
  if (known?.record && !previous) forget(objects, known)
  const related = take(objects, key, frame.t)
  if (!related) return 1
  // A list that no longer shows it tells its name only.
  const shown = frame.synthetic && previous ? previous : record
  const refused = addFacts(related, observeRelated(previous, frame, shown))
  unlink(objects, related)
  related.record = shown
  related.gone = frame.kind === 'deleted'
  for (const link of linksOf(shown)) linkTo(objects, link, related)
  return refused
}

/** A watch may show an older version again; a relist may go back, for a restored server does. */
function isRepeat(frame: ObjectFrame, { resourceVersion }: RelatedObject, last: RelatedObject): boolean {
  if (frame.kind === 'deleted') return false
  if (isSame(resourceVersion, last.resourceVersion)) return true
  return frame.phase === 'live' && isOlder(resourceVersion, last.resourceVersion)
}

/** Takes an event of such an object in. */
export function foldRelatedEvent(objects: RelatedObjects, frame: ObjectFrame, event: EventRecord): number {
  const { involved } = event
  const source = relatedSourceOf(involved)
  if (source === undefined) return 0
  const observations = observeRelatedEvent(frame, event)
  if (observations.length === 0) return 0
  const related = take(objects, keyOfInvolved(source, event), frame.t)
  return related ? addFacts(related, observations) : 1
}

/** Events of what is in no namespace are in `default`. */
const UNNAMESPACED: ReadonlySet<Source> = new Set(['nodes', 'nodeclaims', 'nodepools', 'volumeattachments'])

function keyOfInvolved(source: Source, { involved, namespace }: EventRecord): string {
  // Of ConfigMaps only that of Cluster Autoscaler's status has events that are read, whatever its name; a recording redacts it.
  if (source === 'configmaps') return AUTOSCALER_STATUS
  const place = UNNAMESPACED.has(source) ? '' : (involved.namespace ?? namespace)
  return relatedKey(source, place, involved.name)
}

const AUTOSCALER_STATUS = relatedKey('configmaps', '', 'cluster-autoscaler-status')

/** Time goes on: what nobody can ask for any more is forgotten. */
export function sweepRelated(objects: RelatedObjects, now: UnixNano): void {
  if (now < add(objects.sweptAt, SWEEP_EVERY)) return
  objects.sweptAt = now
  sweepVictims(objects.victims, now)
  for (const related of objects.byKey.values()) {
    const needed = related.record !== undefined && !related.gone
    if (!needed && now >= add(related.heard, KEPT)) forget(objects, related)
  }
}

function take(objects: RelatedObjects, key: string, t: UnixNano): Related | undefined {
  let related = objects.byKey.get(key)
  if (!related) {
    if (objects.byKey.size >= OBJECTS_MAX) return undefined
    related = { key, record: undefined, facts: NO_FACTS, heard: t, gone: false }
    objects.byKey.set(key, related)
  }
  related.heard = t
  return related
}

function addFacts(related: Related, observations: readonly Observation[]): number {
  let dropped = 0
  for (const { key, what, index = 0, group = '', detail, stamps } of observations) {
    const id = `${key}#${index}`
    const known = related.facts.get(id)
    if (known) {
      known.stamps = mergeStamps(known.stamps, stamps)
      continue
    }
    const [oldest] = related.facts.keys()
    if (related.facts.size >= FACTS_MAX && oldest !== undefined) {
      related.facts.delete(oldest)
      dropped++
    }
    if (related.facts === NO_FACTS) related.facts = new Map()
    related.facts.set(id, { key, what, container: undefined, index, group, detail, stamps: [...stamps] })
  }
  return dropped
}

function forget(objects: RelatedObjects, related: Related): void {
  unlink(objects, related)
  objects.byKey.delete(related.key)
}

function unlink({ byLink }: RelatedObjects, related: Related): void {
  if (!related.record) return
  for (const link of linksOf(related.record)) {
    const set = byLink.get(link)
    set?.delete(related)
    if (set?.size === 0) byLink.delete(link)
  }
}

function linkTo({ byLink }: RelatedObjects, link: string, related: Related): void {
  const set = byLink.get(link)
  if (set) set.add(related)
  else byLink.set(link, new Set([related]))
}

/** What this object belongs to. */
function linksOf(record: RelatedRecord | NodeRecord): readonly string[] {
  switch (record.resource) {
    case 'volumeattachments':
      return record.volume === undefined ? [] : [`volume/${record.volume}`]
    case 'nodeclaims':
      return record.node === undefined ? [] : [`node/${record.node}`]
    case 'workloads':
      return (record.owners ?? []).map(({ uid }) => `owner/${uid}`)
    case 'resourceclaims': {
      const owners = (record.owners ?? []).map(({ uid }) => `pod/${uid}`)
      return [...new Set([...owners, ...(record.reservedFor ?? []).map((uid) => `pod/${uid}`)])]
    }
    default:
      return []
  }
}
