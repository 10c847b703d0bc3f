// Owns what shows how far a new node is: which taints still keep pods off it, and what its NodeClaim says holds it up.
// Promises a fact for each set of taints that the node had, dated by the version that first showed it.
// Does not know which taints a pod tolerates: operations/ looks at what was left when it was bound.

import type { ObjectFrame } from '../base/frame.ts'
import type { NodeClaimRecord, NodeRecord } from '../base/record.ts'
import { durationNano, fromSeconds, SECOND } from '../base/time.ts'
import type { Observation } from './observation.ts'
import { receiptStamp } from './stamps.ts'

/** What befalls a node that has long been made: a cordon, trouble, an autoscaler that wants it gone. */
const LATER_TAINTS: ReadonlySet<string> = new Set([
  'node.kubernetes.io/unschedulable',
  'node.kubernetes.io/unreachable',
  'node.kubernetes.io/memory-pressure',
  'node.kubernetes.io/disk-pressure',
  'node.kubernetes.io/pid-pressure',
  'node.kubernetes.io/out-of-service',
  'karpenter.sh/disrupted',
  'ToBeDeletedByClusterAutoscaler',
  'DeletionCandidateOfClusterAutoscaler',
])

/** The scheduler looks at taints alone: a node that is not Ready has one of its own. */
function keeping({ taints = [] }: NodeRecord): string {
  const keys = taints
    .filter(({ key, effect }) => effect !== 'PreferNoSchedule' && !LATER_TAINTS.has(key))
    .map(({ key }) => key)
  return [...new Set(keys)].sort().join(', ')
}

/** Longer than Karpenter waits for a node to register (15 min), and for as long as a start may take after it. */
export const NODE_YOUNG = durationNano(SECOND * 1800n)

/** Whether a list shows this node long after anything befell it: no start can depend on when that was, and a cluster has thousands. */
export function isSettledNode({ phase, t }: ObjectFrame, node: NodeRecord): boolean {
  if (phase === 'live') return false
  const lately = [node.createdSeconds, ...(node.conditions ?? []).map((one) => one.transitionSeconds)]
  return lately.every((at) => at !== undefined && t - fromSeconds(at) > NODE_YOUNG)
}

export function observeTaintsLeft(
  previous: NodeRecord | undefined,
  frame: ObjectFrame,
  node: NodeRecord,
  found: Observation[],
): void {
  const left = keeping(node)
  if (previous && keeping(previous) === left) return
  // Without a version before it, this one only shows that it was so by then.
  const near = previous ? 'watch-receipt' : 'list-receipt'
  found.push({
    key: `taints left/${left}`,
    what: 'taints left',
    detail: { value: left },
    stamps: [receiptStamp(frame, near, 'spec.taints')],
  })
}

/** What every NodeClaim says before anybody has looked at it. */
const UNTOUCHED = 'AwaitingReconciliation'

/** A condition that is not met says why, and may change its mind without a transition. */
export function observeHindrances(
  previous: NodeClaimRecord | undefined,
  frame: ObjectFrame,
  { conditions = [] }: NodeClaimRecord,
  found: Observation[],
): void {
  for (const { type, status, reason, message } of conditions) {
    if (status === 'True' || reason === undefined || reason === UNTOUCHED || type === 'Ready') continue
    if (previous?.conditions?.some((one) => one.type === type && one.reason === reason)) continue
    found.push({
      key: `hindered/${type}/${reason}`,
      what: 'noted',
      detail: { type, reason, component: 'karpenter', ...(message ? { message } : {}) },
      stamps: [receiptStamp(frame, 'watch-receipt', `status.conditions[${type}].reason`)],
    })
  }
}
