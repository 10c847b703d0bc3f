// Owns who else was on a new node: the pods that waited for it too, its first DaemonSet pods, and the first image pulls there.
// Promises at most so many of each. Does not say whose fault a wait was: DaemonSet pods often take the last taint off.

import { add, fromSeconds, type UnixNano } from '../base/time.ts'
import { nodeClock } from '../observe/pod.ts'
import { shiftOf } from '../timeline/clocks.ts'
import type { Arrival, NodeTimeline } from '../timeline/node-timeline.ts'
import type { Facts } from './milestones.ts'
import type { Operation, OperationEvent } from './operation.ts'

const LINKS_MAX = 10
const EVENTS_MAX = 20

export interface Mates {
  /** Pods that were there before the node was, and are on it now. */
  readonly sharing: readonly Arrival[]
  readonly daemons: readonly Arrival[]
  /** What happened on the node before it could be used. */
  readonly events: readonly OperationEvent[]
}

const NONE: Mates = { sharing: [], daemons: [], events: [] }

export function matesOn(node: NodeTimeline | undefined, usable: UnixNano | undefined, facts: Facts): Mates {
  const created = node?.node?.createdSeconds
  if (!node || created === undefined) return NONE
  const others = [...node.arrivals.values()].filter(({ uid }) => uid !== facts.pod.uid)
  const daemons = others.filter(({ owner }) => owner === 'DaemonSet')
  const sharing = others.filter(
    ({ owner, createdSeconds }) =>
      owner !== 'DaemonSet' && createdSeconds !== undefined && createdSeconds < created,
  )
  const since = fromSeconds(created)
  const events = [...daemons.flatMap(arrivalEvents), ...pullEvents(node, facts)]
    .filter(({ at }) => at >= since && (usable === undefined || at <= usable))
    .sort((a, b) => (a.at < b.at ? -1 : a.at > b.at ? 1 : 0))
  return { sharing, daemons, events: events.slice(0, EVENTS_MAX) }
}

function arrivalEvents({ pod, seen, ready }: Arrival): OperationEvent[] {
  const attributes = { 'podspan.pod': pod }
  const bound = { at: seen, name: 'DaemonSet pod bound', attributes }
  return ready === undefined ? [bound] : [bound, { at: ready, name: 'DaemonSet pod ready', attributes }]
}

function pullEvents(node: NodeTimeline, { pod, clocks }: Facts): OperationEvent[] {
  const { by } = shiftOf(clocks.clocks, nodeClock(node.name), clocks.around)
  return [...node.pulls.values()]
    .filter(({ uid }) => uid !== pod.uid)
    .map(({ pod: puller, image, to }) => ({
      at: add(to, by),
      name: 'image pulled',
      attributes: { 'podspan.pod': puller, 'container.image.name': image },
    }))
}

export function linksTo({ sharing, daemons }: Mates, usable: UnixNano | undefined): Operation['waitedFor'] {
  const helped = daemons.filter(({ ready }) => ready !== undefined && usable !== undefined && ready <= usable)
  return [
    ...sharing.map(({ uid }) => ({ uid, why: 'waited for the same new node' })),
    ...helped.map(({ uid }) => ({ uid, why: 'DaemonSet pod on the new node' })),
  ].slice(0, LINKS_MAX)
}
