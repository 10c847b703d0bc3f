// Owns what a try to get a node is. node-bids.ts and node-groups.ts find them.

import type { Fact } from '../timeline/facts.ts'
import type { Related } from '../timeline/related.ts'

export type Autoscaler = 'karpenter' | 'cluster-autoscaler' | 'node provisioner'

/** One try to get a node. */
export interface Bid {
  readonly autoscaler: Autoscaler
  /** The NodeClaim, or the groups of nodes that were to grow. */
  readonly name: string | undefined
  /** What told the pod of it: `Nominated`, `TriggeredScaleUp`. */
  readonly told: readonly Fact[]
  readonly claim: Related | undefined
  readonly nodeName: string | undefined
  /** What is known of the node itself; undefined without the right to see nodes, or before there is one. */
  readonly node: Related | undefined
  /** Set where it came to nothing. */
  readonly failure: Failure | undefined
}

export interface Failure {
  readonly fact: Fact
  readonly error: string
}
