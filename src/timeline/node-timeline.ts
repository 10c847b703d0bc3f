// Owns what happened on one node that several pods share: image pulls, and the node's own versions.
// Promises a bounded memory of pulls. Does not judge whether pulls are serial: the waits themselves show it.

import type { NodeRecord } from '../base/record.ts'
import { durationNano, SECOND, type UnixNano } from '../base/time.ts'
import type { Observation } from '../observe/observation.ts'

export interface PullWindow {
  readonly uid: string
  readonly pod: string
  readonly image: string
  /** By the node's clock; undefined for a failed pull, whose event carries no duration. */
  readonly from: UnixNano | undefined
  readonly to: UnixNano
}

export interface NodeTimeline {
  readonly name: string
  node: NodeRecord | undefined
  /** The Lease's last version: one that comes again says nothing. */
  lease: string
  readonly pulls: Map<string, PullWindow>
}

/** Pulls remembered per node: more than a node with 250 pods of several containers starts within a start timeout. */
const PULLS_MAX = 1000
/** A pull waits for others of at most the last quarter of an hour. */
const PULL_AGE = durationNano(SECOND * 900n)

export const emptyNode = (name: string): NodeTimeline => ({
  name,
  node: undefined,
  lease: '',
  pulls: new Map(),
})

/** Remembers a pull that ended, from its event. */
export function foldPull(node: NodeTimeline, uid: string, pod: string, observation: Observation): void {
  const { what, key, detail } = observation
  if (what !== 'pulled' && what !== 'pull failed') return
  const ended = observation.stamps.find(({ source }) => source === 'event-name')
  if (!ended || node.pulls.has(key)) return
  const from = detail?.pull === undefined ? undefined : ((ended.at - detail.pull) as UnixNano)
  node.pulls.set(key, { uid, pod, image: detail?.image ?? '', from, to: ended.at })
  for (const [oldest, { to }] of node.pulls) {
    if (node.pulls.size <= PULLS_MAX && ended.at - to < PULL_AGE) return
    node.pulls.delete(oldest)
  }
}

/** Pulls of other pods that ended while one waited, by the node's clock, last one last. */
export function pullsAhead(node: NodeTimeline, uid: string, from: UnixNano, to: UnixNano): PullWindow[] {
  return [...node.pulls.values()]
    .filter((pull) => pull.uid !== uid && pull.to > from && pull.to <= to)
    .sort((a, b) => (a.to < b.to ? -1 : a.to > b.to ? 1 : 0))
}
