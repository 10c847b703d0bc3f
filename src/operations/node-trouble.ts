// Owns what the pod's node went through while the pod was being prepared, or nothing is known of it: that it was not ready any more, and why.
// Promises turns that lie within, and before them only what still held: a kubelet that stands still says nothing itself, and the node
// lifecycle controller says it for the kubelet. Does not say how long it lasted.

import type { UnixNano } from '../base/time.ts'
import type { Detail } from '../observe/observation.ts'
import { combine, type Draft } from '../timeline/combine.ts'
import type { Facts } from './milestones.ts'
import type { OperationEvent } from './operation.ts'

export const NODE_NOT_READY = 'NodeNotReady'

interface Turn {
  readonly at: UnixNano
  readonly detail: Detail
}

/** Each turn from Ready between two boundaries, as an event in the words of whoever wrote it; what held at the first one stands there. */
export function nodeTroubles(
  facts: Facts,
  { best: from }: Pick<Draft, 'best'>,
  until: Pick<Draft, 'best'> | undefined,
): OperationEvent[] {
  const { nodeName } = facts.pod
  if (nodeName === undefined || from === undefined) return []
  const turns = turnsOf(facts, nodeName)
  const before = turns.findLast(({ at }) => at < from)
  const within = turns.filter(({ at }) => at >= from && (until?.best === undefined || at <= until.best))
  const held = before && isWhy(before, until === undefined) ? [{ ...before, at: from }] : []
  return [...held, ...within.filter(isAway)].map(({ at, detail }) => {
    const why = detail.message ?? detail.reason
    const reason = `${nodeName} was not ready${why === undefined ? '' : `: ${why}`}`
    return { at, name: NODE_NOT_READY, attributes: { 'podspan.reason': reason, 'podspan.count': 1 } }
  })
}

function turnsOf({ clocks, surroundings }: Facts, node: string): Turn[] {
  const known = surroundings.related('nodes', '', node)?.facts.values() ?? []
  return [...known]
    .flatMap(({ what, detail, stamps }) => {
      const at =
        what === 'condition' && detail?.type === 'Ready'
          ? combine('condition', stamps, clocks).best
          : undefined
      return at === undefined || !detail ? [] : [{ at, detail }]
    })
    .sort((a, b) => (a.at < b.at ? -1 : a.at > b.at ? 1 : 0))
}

const isAway = ({ detail }: Turn): boolean => detail.value !== 'True'

/** A kubelet that is not ready may prepare pods all the same, as a new node's does before it has a network; one that is away does not. */
const isWhy = ({ detail }: Turn, isOpen: boolean): boolean =>
  detail.value === 'Unknown' || (isOpen && detail.value === 'False')
