// Owns the form of what is known of all rollouts: workloads, their revisions and pods, and what was said of them.
// Promises bounded memory by LIMITS. Does not fold frames into it (fold.ts) and does not tell a rollout (tell.ts).

import type { ObjectFrame } from '../base/frame.ts'
import type { PodRecord } from '../base/record.ts'
import type { Stamp } from '../base/stamp.ts'
import type { UnixNano } from '../base/time.ts'
import type { Trace } from '../trace/trace.ts'
import { createGrouped, type Grouped } from './grouped.ts'
import type { History } from './history.ts'
import { emptyModels, type Models } from './models.ts'
import type { PodFacts } from './pods.ts'
import type { SealedTemplate } from './template.ts'

/** That a revision is there: of a ReplicaSet or a ControllerRevision. */
export interface RevisionSign {
  /** What pods of it carry. */
  readonly hash: string
  readonly number: number
  readonly stamps: readonly Stamp[]
  readonly resourceVersion: string
  readonly t: UnixNano
  /** False where its number changed: it is an old one that was taken up again. */
  readonly isNew: boolean
  /** Shown by a list: when it got its number is not known. */
  readonly listed: boolean
}

export interface Revision {
  readonly uid: string
  readonly name: string
  readonly owner: string
  readonly hash: string
  readonly signs: RevisionSign[]
  /** Of its pods, where the object was read whole; a recording holds none of ControllerRevisions. */
  template: SealedTemplate | undefined
  images: ReadonlyMap<string, string> | undefined
}

/** The controller could not create a pod. */
export interface Refusal {
  /** Of the event. */
  readonly uid: string
  readonly stamps: readonly Stamp[]
  readonly t: UnixNano
  readonly message: string
}

/** A Deployment's controller let a ReplicaSet have so many pods. */
export interface Scaling {
  /** Of the event. */
  readonly uid: string
  readonly replicaSet: string
  readonly to: number
  readonly stamps: readonly Stamp[]
  readonly t: UnixNano
}

export interface Book {
  readonly models: Models
  readonly options: BookOptions
  readonly histories: Map<string, History>
  /** ReplicaSets and ControllerRevisions, by their workload. */
  readonly revisions: Grouped<Revision>
  /** By what created them: a ReplicaSet, or the workload itself. */
  readonly pods: Grouped<PodFacts>
  readonly traces: Starts
  /** By UID of what creates pods. */
  readonly refusals: Map<string, Refusal[]>
  /** By UID of the Deployment. */
  readonly scalings: Map<string, Scaling[]>
  readonly counters: Record<string, number>
  /** UIDs of events that were taken in, with their count: an event comes again when it is patched. */
  readonly seen: Map<string, number>
  /** Workloads of which something changed, for whoever looks and clears it. */
  readonly touched: Set<string>
  /** Jobs of which nothing more is kept, until they are deleted. */
  readonly over: Set<string>
  from: UnixNano | undefined
  now: UnixNano
  /** When a stream may have missed something: the latest of them. */
  readonly gaps: UnixNano[]
}

/** Finished starts by the pod's UID; a Map is one. */
export interface Starts {
  get(uid: string): Trace | undefined
  set(uid: string, trace: Trace): unknown
  delete(uid: string): unknown
}

export interface BookOptions {
  /** Kept by somebody else, from the same frames; else the book keeps its own. */
  readonly models?: Models
  readonly traces?: Starts
  /** Of which pods anything is kept that the book does not know yet; default of all that have a controller. */
  readonly wantsPod?: (frame: ObjectFrame, pod: PodRecord) => boolean
  /** So many revisions of a workload are kept of what a list shows, the latest; default all. */
  readonly listedRevisions?: number
}

export const LIMITS = {
  pods: 20_000,
  histories: 20_000,
  revisions: 100_000,
  events: 100_000,
  eventsOfOne: 2000,
  gaps: 100,
  over: 100_000,
}

export const emptyBook = (options: BookOptions = {}): Book => ({
  models: options.models ?? emptyModels(),
  options,
  histories: new Map(),
  revisions: createGrouped(),
  pods: createGrouped(),
  traces: options.traces ?? new Map(),
  refusals: new Map(),
  scalings: new Map(),
  counters: {},
  seen: new Map(),
  touched: new Set(),
  over: new Set(),
  from: undefined,
  now: 0n as UnixNano,
  gaps: [],
})

export const latestOf = ({ signs }: Revision): number => signs.at(-1)?.number ?? 0
