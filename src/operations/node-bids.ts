// Owns who tried to get a node for a pod, and which node came of it: Karpenter's NodeClaims, Cluster Autoscaler's node groups, or a node
// that is there and of which nobody said why.
// Promises the bids that were given up, and at most one more: the one whose node the pod got, or still waits for.
// Does not say when anything happened (node-boundaries.ts), nor whether the pod waited (nodes.ts).

import type { Fact } from '../timeline/facts.ts'
import type { Related, Surroundings } from '../timeline/related.ts'
import type { Bid, Failure } from './bid.ts'
import { groupBids } from './node-groups.ts'
import { type Facts, factsOf } from './milestones.ts'

export interface Bids {
  readonly failed: readonly Bid[]
  /** The node that the pod is on, or the try that goes on. */
  readonly current: Bid | undefined
}

/** The NodeClaim that a `Nominated` names, and whether it names a node that is there already. */
export function nominationIn(message = ''): { claim: string | undefined; node: string | undefined } {
  const part = (kind: string): string | undefined => new RegExp(`\\b${kind}/([^\\s,]+)`).exec(message)?.[1]
  return { claim: part('nodeclaim'), node: part('node') }
}

export function findBids(facts: Facts): Bids {
  const { surroundings } = facts
  const told = factsOf(facts, 'noted')
  const nominated = nominations(told, surroundings)
  const claims = claimBids(nominated, surroundings)
  const groups = groupBids(facts)
  const tried = [...claims, ...groups]
  const { nodeName } = facts.pod
  const current =
    nodeName === undefined
      ? tried.findLast(({ failure }) => failure === undefined)
      : bidOf(nodeName, tried, surroundings)
  return { failed: tried.filter((bid) => bid.failure && bid.name !== current?.name), current }
}

/** By NodeClaim, in the order in which the pod was told. */
function nominations(told: readonly Fact[], surroundings: Surroundings): ReadonlyMap<string, Fact[]> {
  const byClaim = new Map<string, Fact[]>()
  for (const fact of told) {
    if (fact.detail?.reason !== 'Nominated') continue
    const { claim, node } = nominationIn(fact.detail.message)
    // Of a node that was there, unless its own versions show that it was still coming up.
    if (claim === undefined || (node !== undefined && !surroundings.related('nodes', '', node))) continue
    byClaim.set(claim, [...(byClaim.get(claim) ?? []), fact])
  }
  return byClaim
}

function claimBids(nominated: ReadonlyMap<string, Fact[]>, surroundings: Surroundings): Bid[] {
  return [...nominated].map(([name, told]): Bid => {
    const claim = surroundings.related('nodeclaims', '', name)
    const named = nominationIn(told[0]?.detail?.message).node
    const nodeName = (claim?.record?.resource === 'nodeclaims' ? claim.record.node : undefined) ?? named
    const node = nodeName === undefined ? undefined : surroundings.related('nodes', '', nodeName)
    return { autoscaler: 'karpenter', name, told, claim, nodeName, node, failure: claim && failureOf(claim) }
  })
}

/** A NodeClaim that went away before its node could be used. */
function failureOf(claim: Related): Failure | undefined {
  const facts = [...claim.facts.values()]
  const deleted = facts.find(({ what }) => what === 'deleted')
  if (!deleted || facts.some(({ detail }) => detail?.type === 'Initialized' && detail.value === 'True'))
    return undefined
  const why = facts.findLast(({ what, detail }) => what === 'noted' && GIVEN_UP.has(detail?.reason ?? ''))
  const said = why?.detail?.message ?? why?.detail?.reason
  return { fact: deleted, error: said ?? 'the NodeClaim was deleted before its node was ready' }
}

const GIVEN_UP: ReadonlySet<string> = new Set([
  'InsufficientCapacityError',
  'NodeClassNotReady',
  'LaunchFailed',
  'NodeNotFound',
  'MultipleNodesFound',
])

/** The bid that the node of a bound pod came of. */
function bidOf(nodeName: string, tried: readonly Bid[], surroundings: Surroundings): Bid | undefined {
  const node = surroundings.related('nodes', '', nodeName)
  const claim = claimOf(nodeName, node, surroundings)
  const karpenter = isKarpenters(node) || claim !== undefined
  const open = tried.filter((bid) => !bid.failure && (!karpenter || bid.autoscaler === 'karpenter'))
  const name = claim?.record?.name ?? ownerOf(node)
  const mine =
    name === undefined
      ? open.findLast((bid) => bid.nodeName === undefined || bid.nodeName === nodeName)
      : open.find((bid) => bid.name === name)
  if (mine) return { ...mine, claim: claim ?? mine.claim, nodeName, node }
  if (!node && !claim) return undefined
  const autoscaler = karpenter || name !== undefined ? 'karpenter' : 'node provisioner'
  return { autoscaler, name, told: [], claim, nodeName, node, failure: undefined }
}

function claimOf(
  nodeName: string,
  node: Related | undefined,
  surroundings: Surroundings,
): Related | undefined {
  const linked = surroundings.linked(`node/${nodeName}`).find(({ key }) => key.startsWith('nodeclaims/'))
  const owner = ownerOf(node)
  return linked ?? (owner === undefined ? undefined : surroundings.related('nodeclaims', '', owner))
}

/** Karpenter makes the NodeClaim an owner of its node. */
const ownerOf = (node: Related | undefined): string | undefined =>
  node?.record?.owners?.find(({ kind }) => kind === 'NodeClaim')?.name

const isKarpenters = (node: Related | undefined): boolean =>
  node?.record?.labels?.['karpenter.sh/nodepool'] !== undefined
