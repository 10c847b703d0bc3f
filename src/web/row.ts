// Owns the short forms that lists of the page show: of a start, of a rollout, of a session; and what the page says of itself.
// Promises nothing but their form: the server makes them and the page reads them. Imports nothing, so that the page is checked by itself.

export type PathPart = readonly [operation: string, fromMs: number, toMs: number]

/** What a list shows of a start. */
export interface StartRow {
  readonly id: string
  readonly uid: string
  readonly namespace: string
  readonly name: string
  readonly workload?: string
  readonly revision?: string
  readonly node?: string
  /** ms since the epoch. */
  readonly created: number
  readonly cause: string
  /** Of one in flight: `starting`. */
  readonly outcome: string
  /** Of one that is over. */
  readonly startupMs?: number
  readonly verdict?: string
  readonly responsible?: string
  /** The operation that cost most of the critical path. */
  readonly longest?: string
  /** Its critical path in order: what was waited for, from and to in ms since it was created. */
  readonly path?: readonly PathPart[]
  /** Of one in flight: the operation that it waits for, since when (ms since the epoch), in words, and why. */
  readonly operation?: string
  readonly since?: number
  readonly waitsFor?: string
  readonly reason?: string
}

/** One stretch of the finished starts, the newest first; lists are read in stretches, so that the first rows are there at once. */
export interface StartPage {
  readonly finished: readonly StartRow[]
  /** How many there are altogether. */
  readonly total: number
}

/** What a list shows of a rollout. */
export interface RolloutRow {
  readonly id: string
  readonly namespace: string
  /** `Deployment/web`. */
  readonly workload: string
  readonly revision?: string
  /** What its pods carry, as starts name their revision. */
  readonly hash?: string
  readonly outcome: string
  readonly cause: string
  /** Who wrote the change. */
  readonly by?: string
  readonly verdict: string
  /** ms since the epoch. */
  readonly began: number
  readonly lengthMs: number
  readonly pods: number
  readonly wanted?: number
  /** For what it waited, in order: from and to in ms since it began. */
  readonly path: readonly PathPart[]
}

/** A TraceSession with the starts that it has taken of those that are kept here. */
export interface SessionRow {
  readonly uid: string
  readonly namespace: string
  readonly name: string
  readonly phase: string
  /** `Deployment/web`, a selector, or all pods. */
  readonly target: string
  /** ms since the epoch. */
  readonly created: number
  readonly completed?: number
  /** How its objectives stand, in a few words. */
  readonly objective?: string
  readonly objectives: readonly SessionObjective[]
  /** The conditions that say something: type, status, reason, message. */
  readonly conditions: readonly (readonly [type: string, status: string, reason: string, message: string])[]
  readonly matched: number
  readonly starting: number
  /** Trace ids. */
  readonly starts: readonly string[]
}

export interface SessionObjective {
  readonly name: string
  /** `p99 of pull image`. */
  readonly of: string
  readonly threshold: string
  readonly value?: string
  readonly met?: boolean
}

/** One pull on a node: when it was asked for, when the runtime began, when it was over, in ms since the epoch. */
export interface NodePull {
  readonly id: string
  readonly pod: string
  readonly image: string
  readonly asked: number
  readonly began: number
  readonly over: number
  readonly bytes?: number
  readonly failed?: boolean
}

/** One piece of work of the kubelet or the runtime on a node. */
export interface NodeWork {
  readonly id: string
  readonly operation: string
  readonly from: number
  readonly to: number
}

export interface NodePicture {
  readonly pulls: readonly NodePull[]
  readonly works: readonly NodeWork[]
}

/** Where the starts come from, for the head of the page. */
export interface About {
  readonly kind: 'recordings' | 'cluster' | 'operator'
  /** The files, the context, or the cluster's name. */
  readonly title: string
  /** The replica that serves the page. */
  readonly pod?: string
  readonly role?: 'leader' | 'standby'
  readonly version: string
  readonly has: readonly ('rollouts' | 'sessions')[]
}
