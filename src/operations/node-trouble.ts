// Owns what the pod's node went through while the pod was being prepared, or nothing is known of it: that it was not ready any more, and why.
// Promises only turns that lie within, by the node's own condition: a kubelet that stands still says nothing itself, and the node
// lifecycle controller says it for the kubelet. Does not say how long it lasted.

import { combine, type Draft } from '../timeline/combine.ts'
import type { Facts } from './milestones.ts'
import type { OperationEvent } from './operation.ts'

export const NODE_NOT_READY = 'NodeNotReady'

/** Each turn from Ready between two boundaries, as an event in the words of whoever wrote it. */
export function nodeTroubles(
  facts: Facts,
  { best: from }: Pick<Draft, 'best'>,
  until: Pick<Draft, 'best'> | undefined,
): OperationEvent[] {
  const { clocks, pod, surroundings } = facts
  const node = pod.nodeName === undefined ? undefined : surroundings.related('nodes', '', pod.nodeName)
  return [...(node?.facts.values() ?? [])].flatMap(({ what, detail, stamps }) => {
    if (what !== 'condition' || detail?.type !== 'Ready' || detail.value === 'True') return []
    const at = combine('condition', stamps, clocks).best
    if (at === undefined || from === undefined || at < from) return []
    if (until?.best !== undefined && at > until.best) return []
    const why = detail.message ?? detail.reason
    const reason = `${pod.nodeName} was not ready${why === undefined ? '' : `: ${why}`}`
    return [{ at, name: NODE_NOT_READY, attributes: { 'podspan.reason': reason, 'podspan.count': 1 } }]
  })
}
