// Owns when a new node was asked for, launched, registered, and could be used, as far as anything says so.
// Promises that less evidence gives wider intervals which hold what more of it says: what an autoscaler tells a pod is only "not later",
// what nobody said lies between what must have come before and after.
// Does not decide whether the pod waited for the node: nodes.ts does.

import type { NodeRecord } from '../base/record.ts'
import type { UnixNano } from '../base/time.ts'
import { type Clocks, combine, type Draft, unseen } from '../timeline/combine.ts'
import type { Fact } from '../timeline/facts.ts'
import type { Related, Surroundings } from '../timeline/related.ts'
import { type Facts, factsOf, type Milestones } from './milestones.ts'
import { type Bid, groupFacts, groupsIn } from './node-bids.ts'
import { comesBefore, type Plan } from './plan.ts'

export interface NodeBoundaries {
  readonly asked: Draft
  /** When the cloud had taken the order. */
  readonly launched: Draft
  /** Whether something says when; else it is somewhere between its neighbours. */
  readonly isLaunchKnown: boolean
  /** When its Node was stored; undefined while nothing shows that it was. */
  readonly registered: Draft | undefined
  /** When it was Ready, and free of the taints that had kept the pod off. */
  readonly usable: Draft | undefined
}

export function findNodeBoundaries(
  plan: Plan,
  bid: Bid,
  facts: Facts,
  milestones: Milestones,
  surroundings: Surroundings,
): NodeBoundaries {
  const { clocks } = facts
  const { bound, created, ungated } = milestones
  const registration = conditionOf(bid.claim, 'Registered', clocks)
  const stored = factOf(bid.node, 'created')
  const registered = stored ? combine('created', stored.stamps, clocks) : registration && unseen()
  const usable = usableOf(bid, bound, clocks)
  const asked = askedFor(bid, facts, surroundings, registered)
  const launch = launchOf(bid, clocks, surroundings)
  const launched = launch ?? { ...unseen(), best: asked.best }
  // A node may have been asked for before there was this pod, but not if its own NodeClaim does not show that.
  if (!factOf(bid.claim, 'created')) comesBefore(plan, ungated ?? created, asked)
  comesBefore(plan, asked, launched)
  comesBefore(plan, asked, registered)
  comesBefore(plan, registered, registration)
  comesBefore(plan, registered, readyOf(bid.node, clocks))
  comesBefore(plan, registered, usable)
  // Karpenter takes its own taint off a node only after it has noted the launch; others launch before there is a node.
  comesBefore(plan, launched, bid.autoscaler === 'karpenter' ? usable : registered)
  comesBefore(plan, readyOf(bid.node, clocks), usable)
  return { asked, launched, isLaunchKnown: launch !== undefined, registered, usable }
}

export const factOf = (related: Related | undefined, what: Fact['what']): Fact | undefined =>
  related && [...related.facts.values()].find((fact) => fact.what === what)

/** The first time that the object had this condition. */
export function conditionOf(related: Related | undefined, type: string, clocks: Clocks): Draft | undefined {
  for (const { what, detail, stamps } of related?.facts.values() ?? [])
    if (what === 'condition' && detail?.type === type && detail.value === 'True')
      return combine('condition', stamps, clocks)
  return undefined
}

const readyOf = (node: Related | undefined, clocks: Clocks): Draft | undefined =>
  conditionOf(node, 'Ready', clocks)

/** The NodeClaim's creation is the request itself; what the pod was told came after it. */
function askedFor(bid: Bid, facts: Facts, surroundings: Surroundings, registered: Draft | undefined): Draft {
  const order = scaleUpOf(bid, surroundings, SETTING)
  if (order) return combine('noted', order.stamps, facts.clocks)
  const claimed = factOf(bid.claim, 'created')
  const stamps = [...(claimed?.stamps ?? []), ...bid.told.flatMap((fact) => fact.stamps)]
  if (stamps.length > 0) return combine('node asked for', stamps, facts.clocks)
  return { ...unseen(), best: firstFailure(facts), latest: registered?.latest }
}

/** Where nobody says when a node was asked for: from when on one was missing. */
function firstFailure(facts: Facts): UnixNano | undefined {
  const [first] = factsOf(facts, 'scheduling failed')
  return first && combine('scheduling failed', first.stamps, facts.clocks).best
}

function launchOf(bid: Bid, clocks: Clocks, surroundings: Surroundings): Draft | undefined {
  if (bid.autoscaler === 'karpenter') return conditionOf(bid.claim, 'Launched', clocks)
  const done = scaleUpOf(bid, surroundings, SET)
  if (done) return combine('noted', done.stamps, clocks)
  const [told] = bid.told
  // Cluster Autoscaler tells the pods once the cloud has taken the order.
  return told && bid.autoscaler === 'cluster-autoscaler'
    ? combine('node asked for', told.stamps, clocks)
    : undefined
}

const SETTING = (group: string, size: string): string => `setting group ${group} size to ${size} `
const SET = (group: string, size: string): string => `group ${group} size set to ${size} `

/** What Cluster Autoscaler said on its status of the scale-up that it then told the pod of. */
function scaleUpOf(
  { told, autoscaler }: Bid,
  surroundings: Surroundings,
  words: typeof SETTING,
): Fact | undefined {
  const message = told[0]?.detail?.message
  if (autoscaler !== 'cluster-autoscaler' || message === undefined) return undefined
  const said = groupsIn(message).map((group) => words(group, sizeIn(message, group)))
  return groupFacts(surroundings, 'ScaledUpGroup').findLast(({ detail }) =>
    said.some((part) => detail?.message?.includes(part)),
  )
}

/** The size that a group was to grow to. */
function sizeIn(message: string, group: string): string {
  const from = message.indexOf(`{${group} `)
  return /->(\d+)/.exec(message.slice(from))?.[1] ?? ''
}

/** When the node was usable for the pod: with the taints that were left when it was bound, or are left now. */
function usableOf({ node, claim }: Bid, bound: Draft | undefined, clocks: Clocks): Draft | undefined {
  const before = usableFacts(node).map((fact) => ({ fact, draft: combine('node usable', fact.stamps, clocks) }))
  const seen = before.filter(({ draft }) => !isAfter(draft, bound))
  const last = seen.findLast(({ fact }, index) => !adds(fact, seen[index - 1]?.fact))
  if (last) return lastTouch(last.draft, node, clocks)
  // Placed on a node that it tolerated as it was, or of which we may not see more than its NodeClaim.
  if (bound === undefined) return undefined
  const initialized = node ? undefined : conditionOf(claim, 'Initialized', clocks)
  return { ...unseen(), best: initialized?.best, latest: bound.latest }
}

export const usableFacts = (node: Related | undefined): readonly Fact[] =>
  [...(node?.facts.values() ?? [])].filter(({ what }) => what === 'node usable')

/** Where a list alone shows that it was usable by then, Ready's own second is nearer. */
function lastTouch(usable: Draft, node: Related | undefined, clocks: Clocks): Draft {
  const isDated = usable.earliest !== undefined || usable.likely !== undefined
  const best = isDated ? undefined : readyOf(node, clocks)?.best
  return best === undefined ? usable : { ...usable, best }
}

function isAfter(draft: Draft, bound: Draft | undefined): boolean {
  const from = draft.earliest ?? draft.likely
  return bound?.latest !== undefined && from !== undefined && from > bound.latest
}

/** A taint that came back, or a cordon, is not what made it usable. */
function adds(fact: Fact, before: Fact | undefined): boolean {
  const keys = (one: Fact): readonly string[] => (one.detail?.value ?? '').split(', ').filter(Boolean)
  if (!before) return false
  const had = keys(before)
  return keys(fact).length > had.length && had.every((key) => keys(fact).includes(key))
}

export const nodeRecordOf = (node: Related | undefined): NodeRecord | undefined =>
  node?.record?.resource === 'nodes' ? node.record : undefined
