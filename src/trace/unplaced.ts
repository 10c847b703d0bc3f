// Owns whose it is that a pod finds no node, by what the scheduler and autoscalers say of the nodes that there are.
// Promises the same answer for the wordings of 1.28 to 1.37 (pkg/scheduler/framework/plugins), and nobody where they name none.
// Does not know the nodes, but for the taints that it is told of.

import type { Party } from './party.ts'

/** Where nodes have no room, are cordoned, or may not become more. */
const NO_ROOM =
  /Insufficient |Too many pods|didn't have free ports|no nodes available|were unschedulable|cannot allocate all claims|exceed limits|max node group size reached|exceed max volume count|did not have enough free storage/
/** Against what the pod asks for, and others asked for before. Where a volume is, the pod did not ask: 1.33 has other words for that. */
const NO_MATCH =
  /didn't match (?!PersistentVolume's)|didn't satisfy existing pods anti-affinity|didn't satisfy plugin\(s\) \[NodeAffinity|persistentvolumeclaim "[^"]*" not found/

/** 1.34 and later do not say which taint it is: then the nodes' own may. */
const TAINT = /untolerated taint(?: \{([^:}]*)|\(s\))/

const UNNAMED = 'node(s) had untolerated taint(s)'

const CONTROL_PLANE = /^node-role\.kubernetes\.io\/(?:control-plane|master)$/
/** Nodes that are full, cordoned, or about to go. */
const TAINT_OF_CAPACITY =
  /^node\.kubernetes\.io\/(?:\w+-pressure|unschedulable)$|^karpenter\.sh\/(?:disrupted|disruption|unregistered)$|OfClusterAutoscaler$|ByClusterAutoscaler$/
/** Nodes that are not ready, not ready yet, or lost: as Kubernetes, clouds and network plug-ins mark them. */
const TAINT_OF_PLATFORM = /^node\.(?:cloudprovider\.)?kubernetes\.io\/|\/agent-not-ready$/

/** It looks for victims whatever the reason, and says of each node that this is no help: that is no reason of its own. */
const VICTIMS = /[,.]? preemption: .*$/s

const HELD_BY = ['capacity', 'workload', 'platform'] as const

/** Of several reasons the one that could be mended by room counts first, then the pod's own wishes. */
export function whoseUnplaced(
  messages: readonly string[],
  taints: readonly string[] = [],
): Party | undefined {
  if (messages.length + taints.length === 0) return 'platform'
  // Its events may be lost; that there are taints was in the pod's condition.
  const parts = messages.length === 0 ? [UNNAMED] : messages.flatMap(partsOf)
  const said = new Set(parts.flatMap((part) => whoseReasons(part, taints)))
  const first = HELD_BY.find((party) => said.has(party))
  if (first) return first
  // Of the nodes for workloads there is none yet, unless those are what is not named.
  return said.has('nobody') ? undefined : 'capacity'
}

/** `1 Insufficient cpu`, `2 node(s) were unschedulable`: one for each reason. */
const partsOf = (message: string): string[] =>
  message
    .replace(VICTIMS, '')
    .replace(/^[^:]*: (?=\d+ )/, '')
    .split(/, (?=\d+ )/)

type Whose = Party | 'nobody' | 'control plane'

function whoseReasons(reason: string, taints: readonly string[]): readonly Whose[] {
  if (NO_ROOM.test(reason)) return ['capacity']
  if (NO_MATCH.test(reason)) return ['workload']
  const taint = TAINT.exec(reason)
  if (!taint) return ['platform']
  return taint[1] === undefined && taints.length > 0
    ? taints.map((one) => whoseTaint(/^[^=:]*/.exec(one)?.[0]))
    : [whoseTaint(taint[1])]
}

function whoseTaint(key: string | undefined): Whose {
  if (key === undefined) return 'nobody'
  if (CONTROL_PLANE.test(key)) return 'control plane'
  if (TAINT_OF_CAPACITY.test(key)) return 'capacity'
  return TAINT_OF_PLATFORM.test(key) ? 'platform' : 'workload'
}
