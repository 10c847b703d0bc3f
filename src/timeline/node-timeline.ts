// Owns what happened on one node that several pods share: image pulls, the first pods of a young node, and the node's own versions.
// Promises a bounded memory of pulls and pods. Does not judge whether pulls are serial: the waits themselves show it.

import type { NodeRecord, PodRecord } from '../base/record.ts'
import { durationNano, fromSeconds, SECOND, type UnixNano } from '../base/time.ts'
import { NODE_YOUNG } from '../observe/new-node.ts'
import type { Observation } from '../observe/observation.ts'
import { emptyActivity, type NodeActivity, noteActivity } from './node-activity.ts'

export interface PullWindow {
  readonly uid: string
  readonly pod: string
  readonly image: string
  /** By the node's clock; undefined for a failed pull, whose event carries no duration. */
  readonly from: UnixNano | undefined
  readonly to: UnixNano
}

/** One of the first pods of a node. */
export interface Arrival {
  readonly uid: string
  readonly pod: string
  /** The kind of its controller, such as `DaemonSet`. */
  readonly owner: string | undefined
  readonly createdSeconds: number | undefined
  /** When we were shown it bound, and ready. */
  readonly seen: UnixNano
  ready: UnixNano | undefined
}

export interface NodeTimeline {
  readonly name: string
  node: NodeRecord | undefined
  /** The Lease's last version: one that comes again says nothing. */
  lease: string
  pulls: Map<string, PullWindow>
  /** Absent where the kubelet has told nothing. */
  activity: NodeActivity | undefined
  /** By UID; those that came while the node was young. */
  arrivals: Map<string, Arrival>
}

/** Pulls remembered per node: more than a node with 250 pods of several containers starts within a start timeout. */
const PULLS_MAX = 1000
/** A pull waits for others of at most the last quarter of an hour. */
const PULL_AGE = durationNano(SECOND * 900n)

/** Of the thousands of nodes few have any: never written to. */
const NO_PULLS: Map<string, PullWindow> = new Map()
const NO_ARRIVALS: Map<string, Arrival> = new Map()

export const emptyNode = (name: string): NodeTimeline => ({
  name,
  node: undefined,
  lease: '',
  pulls: NO_PULLS,
  activity: undefined,
  arrivals: NO_ARRIVALS,
})

/** DaemonSets and the pods that a new node was made for: more come seldom within this time. */
const ARRIVALS_MAX = 60
/** Remembers that this pod is on the node, or ready there, if the node is known to be young. */
export function foldArrival(node: NodeTimeline, pod: PodRecord, ready: boolean, t: UnixNano): void {
  const created = node.node?.createdSeconds
  if (created === undefined || t - fromSeconds(created) > NODE_YOUNG) {
    node.arrivals = NO_ARRIVALS
    return
  }
  const known = node.arrivals.get(pod.uid)
  if (known) {
    if (ready) known.ready ??= t
  } else if (node.arrivals.size < ARRIVALS_MAX) {
    const owner = pod.owners?.find(({ controller }) => controller)?.kind
    const { uid, createdSeconds } = pod
    const name = `${pod.namespace}/${pod.name}`
    if (node.arrivals === NO_ARRIVALS) node.arrivals = new Map()
    node.arrivals.set(uid, { uid, pod: name, owner, createdSeconds, seen: t, ready: ready ? t : undefined })
  }
}

/** Remembers when the kubelet recorded something of a pod. */
export function foldActivity(node: NodeTimeline, uid: string, { stamps }: Observation): void {
  const told = stamps.find(({ source }) => source === 'event-name' || source === 'event-second')
  if (told) noteActivity((node.activity ??= emptyActivity()), uid, told.at)
}

/** Remembers a pull that ended, from its event. */
export function foldPull(node: NodeTimeline, uid: string, pod: string, observation: Observation): void {
  const { what, key, detail } = observation
  if (what !== 'pulled' && what !== 'pull failed') return
  const ended = observation.stamps.find(({ source }) => source === 'event-name')
  if (!ended || node.pulls.has(key)) return
  const from = detail?.pull === undefined ? undefined : ((ended.at - detail.pull) as UnixNano)
  if (node.pulls === NO_PULLS) node.pulls = new Map()
  node.pulls.set(key, { uid, pod, image: detail?.image ?? '', from, to: ended.at })
  for (const [oldest, { to }] of node.pulls) {
    if (node.pulls.size <= PULLS_MAX && ended.at - to < PULL_AGE) return
    node.pulls.delete(oldest)
  }
}

/** A kubelet without a core to spare records that a pull has ended so late (measured: 41 ms), when the next is under way already. */
const TOLD_LATE = durationNano(SECOND / 10n)

/**
 * Pulls of other pods that ended while one waited, by the node's clock, last one last. One of them made room for it: where none ended
 * just before it began, the one that was told to have ended just after did.
 */
export function pullsAhead(node: NodeTimeline, uid: string, from: UnixNano, to: UnixNano): PullWindow[] {
  const others = [...node.pulls.values()]
    .filter((pull) => pull.uid !== uid && pull.to > from && pull.to <= to + TOLD_LATE)
    .sort((a, b) => (a.to < b.to ? -1 : a.to > b.to ? 1 : 0))
  const ahead = others.filter((pull) => pull.to <= to)
  const last = ahead.at(-1)
  if (last !== undefined && to - last.to <= TOLD_LATE) return ahead
  const toldLate = others.find((pull) => pull.to > to && (pull.from ?? from) < to)
  return toldLate === undefined ? ahead : [...ahead, toldLate]
}
