// Owns the state that frames are folded into: pods in flight, nodes, owners, what starts wait for besides, the models that
// all pods share, and the counters.
// Promises bounded memory. Does not fold: fold.ts does, and trace/pipeline.ts decides by time when a start is over for good.

import type { ObjectFrame } from '../base/frame.ts'
import type { OwnerRecord, PodRecord } from '../base/record.ts'
import type { UnixNano } from '../base/time.ts'
import { type ClockModel, emptyClocks } from './clocks.ts'
import { emptyLag, type LagModel } from './lag.ts'
import { FinishedPods } from './finished-pods.ts'
import type { NativeBook } from './native-book.ts'
import { NodeTaints } from './node-taints.ts'
import { emptyNode, type NodeTimeline } from './node-timeline.ts'
import type { PodTimeline } from './pod-timeline.ts'
import { emptyRelatedObjects, type RelatedObjects } from './related.ts'
import { emptyRevisions, type RevisionModel } from './revisions.ts'
import { emptyVocabulary, type Vocabulary } from './vocabulary.ts'

export interface World {
  /** Pods whose start is not over. */
  readonly pods: Map<string, PodTimeline>
  /** UIDs of pods whose start is over, until they are deleted and for a while after it. */
  readonly finished: FinishedPods
  readonly nodes: Map<string, NodeTimeline>
  readonly taints: NodeTaints
  readonly owners: Map<string, OwnerRecord>
  /** Claims, attachments, NodeClaims, Workloads and devices, and what nodes and owners went through. */
  readonly related: RelatedObjects
  /** A static pod's own UID (its manifest's hash) → the UID of its mirror at the API server. */
  readonly mirrors: Map<string, string>
  /** Events whose pod has not been seen yet. */
  readonly orphans: Map<string, Orphans>
  /** By owner UID: pods that went away lately, for the cause of those that replace them. */
  readonly departures: Map<string, Departure[]>
  /** By owner UID: when it was seen to become another revision, as a ReplicaSet does that is rolled back to. */
  readonly revised: Map<string, UnixNano>
  /** By owner UID: when it was lately seen to be scaled, and by which field manager; the latest last. */
  readonly scaled: Map<string, readonly Scaling[]>
  /** Spans that other components sent; undefined as long as none has come. */
  native: NativeBook | undefined
  readonly clocks: ClockModel
  readonly lag: LagModel
  readonly revisions: RevisionModel
  readonly vocabulary: Vocabulary
  readonly counters: Record<string, number>
  /** Which pods that were over when we first saw them are wanted all the same. */
  readonly backfill: (pod: PodRecord) => boolean
}

export interface Orphans {
  readonly since: UnixNano
  readonly frames: ObjectFrame[]
}

export interface Scaling {
  readonly at: UnixNano
  readonly by: string
}

/** A pod that goes away: when that was asked for, and why, as far as its last version and its node say. */
export interface Departure {
  readonly at: UnixNano
  /** When we saw it, for a departure that came live. */
  readonly seen: UnixNano | undefined
  readonly uid: string
  readonly name: string
  readonly reason: 'preemption' | 'eviction' | 'drain' | 'failed' | 'deleted'
  /** pod-template-hash or controller-revision-hash. */
  readonly revision: string | undefined
  /** UID of the pod that came in its place, where both were seen live. */
  replacedBy?: string
}

export function emptyWorld(backfill: (pod: PodRecord) => boolean = () => false): World {
  return {
    pods: new Map(),
    finished: new FinishedPods(),
    nodes: new Map(),
    taints: new NodeTaints(),
    owners: new Map(),
    related: emptyRelatedObjects(),
    mirrors: new Map(),
    orphans: new Map(),
    departures: new Map(),
    revised: new Map(),
    scaled: new Map(),
    native: undefined,
    clocks: emptyClocks(),
    lag: emptyLag(),
    revisions: emptyRevisions(),
    vocabulary: emptyVocabulary(),
    counters: {},
    backfill,
  }
}

export function count(world: World, name: string, by = 1): void {
  world.counters[name] = (world.counters[name] ?? 0) + by
}

/** The start of this pod is over and told; only its UID is kept. */
export function finish(world: World, uid: string): void {
  const timeline = world.pods.get(uid)
  world.pods.delete(uid)
  world.orphans.delete(uid)
  const hash = timeline?.pod.annotations?.['kubernetes.io/config.mirror']
  if (hash !== undefined) world.mirrors.delete(hash)
  if (world.finished.add(uid) > 0) count(world, 'limit.finished pods')
}

export function nodeOf(world: World, name: string): NodeTimeline {
  let node = world.nodes.get(name)
  if (!node) world.nodes.set(name, (node = emptyNode(name)))
  return node
}
