// Owns when a new node was asked for, launched, registered, and could be used, as far as anything says so.
// Promises that less evidence gives wider intervals which hold what more of it says: what an autoscaler tells a pod is only "not later",
// what nobody said lies between what must have come before and after.
// Does not decide whether the pod waited for the node: nodes.ts does.

import type { NodeRecord } from '../base/record.ts'
import { isOlder } from '../base/resource-version.ts'
import type { UnixNano } from '../base/time.ts'
import { type Clocks, combine, type Draft, unseen, versionOf } from '../timeline/combine.ts'
import type { Fact } from '../timeline/facts.ts'
import type { Related, Surroundings } from '../timeline/related.ts'
import { type Facts, factsOf, type Milestones } from './milestones.ts'
import type { Bid } from './bid.ts'
import { groupFacts, groupsIn } from './node-groups.ts'
import { comesBefore, type Plan } from './plan.ts'

export interface NodeBoundaries {
  readonly asked: Draft
  /** When the cloud had taken the order. */
  readonly launched: Draft
  /** Whether something says when; else it is somewhere between its neighbours. */
  readonly isLaunchKnown: boolean
  /** When its Node was stored; undefined while nothing shows that it was. */
  readonly registered: Draft | undefined
  /** When it was free of the taints that had kept the pod off, that of a node which is not Ready among them. */
  readonly usable: Draft | undefined
}

export function findNodeBoundaries(
  plan: Plan,
  bid: Bid,
  facts: Facts,
  milestones: Milestones,
): NodeBoundaries {
  const { clocks } = facts
  const { bound, created, ungated } = milestones
  const registration = stepOf(bid.claim, 'Registered', clocks)
  const stored = factOf(bid.node, 'created')
  const registered = stored ? combine('created', stored.stamps, clocks) : registration && unseen()
  const usable = usableOf(bid, bound, facts)
  const asked = askedFor(bid, facts, registered)
  const { launched, isLaunchKnown } = launchOf(bid, facts, asked)
  for (const draft of [asked, launched, registered]) reachTo(draft, ungated ?? created)
  // A node may have been asked for before there was this pod, but not if its own NodeClaim does not show that.
  if (!factOf(bid.claim, 'created')) comesBefore(plan, ungated ?? created, asked)
  comesBefore(plan, asked, launched)
  comesBefore(plan, asked, registered)
  comesBefore(plan, registered, registration)
  comesBefore(plan, registered, readyOf(bid.node, clocks))
  comesBefore(plan, registered, usable)
  // Karpenter may note the launch after there is a node, but takes its own taint off only then.
  if (bid.autoscaler !== 'karpenter') comesBefore(plan, launched, registered)
  comesBefore(plan, launched, usable)
  comesBefore(plan, usable, bound)
  return { asked, launched, isLaunchKnown, registered, usable }
}

/** What began before the pod did is told from there on: its span may begin as late as the pod may have. */
function reachTo(draft: Draft | undefined, since: Draft): void {
  if (draft?.latest === undefined || since.latest === undefined) return
  if (draft.latest < since.latest) draft.latest = since.latest
}

export const factOf = (related: Related | undefined, what: Fact['what']): Fact | undefined =>
  related && [...related.facts.values()].find((fact) => fact.what === what)

/** The first time that the NodeClaim had this condition, by its status or by the event that tells of it. */
export function stepOf(claim: Related | undefined, type: string, clocks: Clocks): Draft | undefined {
  const facts = [...(claim?.facts.values() ?? [])]
  const shown = facts.find(
    ({ what, detail }) => what === 'condition' && detail?.type === type && detail.value === 'True',
  )
  const told = facts.find(
    ({ what, detail }) => what === 'noted' && detail?.reason === type && detail.message?.includes('-> True'),
  )
  const stamps = [...surely(shown?.stamps ?? []), ...(told?.stamps ?? [])]
  return stamps.length === 0 ? undefined : combine('node claim step', stamps, clocks)
}

/** Beside a live receipt, a second of a clock that nobody knows says nothing that can be relied on. */
function surely(stamps: Fact['stamps']): Fact['stamps'] {
  const live = stamps.filter(({ source }) => source === 'watch-receipt')
  return live.length > 0 ? live : stamps
}

/** The first time that the kubelet said it was Ready. */
export function readyOf(node: Related | undefined, clocks: Clocks): Draft | undefined {
  for (const { what, detail, stamps } of node?.facts.values() ?? [])
    if (what === 'condition' && detail?.type === 'Ready' && detail.value === 'True')
      return combine('condition', stamps, clocks)
  return undefined
}

/** The NodeClaim's creation is the request itself; what the pod was told came after it. */
function askedFor(bid: Bid, facts: Facts, registered: Draft | undefined): Draft {
  const order = scaleUpOf(bid, facts.surroundings, SETTING)
  if (order) return combine('noted', order.stamps, facts.clocks)
  const claimed = factOf(bid.claim, 'created')?.stamps ?? []
  const isSeen = claimed.some(({ source }) => source === 'watch-receipt')
  const stamps = isSeen ? claimed : [...claimed, ...bid.told.flatMap((fact) => fact.stamps)]
  if (stamps.length > 0) return combine('node asked for', stamps, facts.clocks)
  return { ...unseen(), best: firstFailure(facts), latest: registered?.latest }
}

/** Where nobody says when a node was asked for: from when on one was missing. */
function firstFailure(facts: Facts): UnixNano | undefined {
  const [first] = factsOf(facts, 'scheduling failed')
  return first && combine('scheduling failed', first.stamps, facts.clocks).best
}

interface Launch {
  readonly launched: Draft
  readonly isLaunchKnown: boolean
}

function launchOf(bid: Bid, facts: Facts, asked: Draft): Launch {
  const { clocks, surroundings } = facts
  const step = bid.autoscaler === 'karpenter' ? stepOf(bid.claim, 'Launched', clocks) : undefined
  const done = scaleUpOf(bid, surroundings, SET)
  const known = step ?? (done && combine('noted', done.stamps, clocks))
  if (known) return { launched: known, isLaunchKnown: true }
  // Cluster Autoscaler tells the pods once the cloud has taken the order.
  const [told] = bid.autoscaler === 'cluster-autoscaler' ? bid.told : []
  const launched = told ? combine('node asked for', told.stamps, clocks) : { ...unseen(), best: asked.best }
  return { launched, isLaunchKnown: false }
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

/**
 * When the pod could be placed on the node: when the last taint went that was gone at its binding. The scheduler asks for no more, so a pod
 * may be bound before the kubelet says Ready.
 */
export function usableOf({ node, claim }: Bid, bound: Draft | undefined, facts: Facts): Draft | undefined {
  const { clocks } = facts
  if (bound === undefined) return usableSoFar(node, claim, clocks)
  const seen = taintFacts(node)
    .map((fact) => ({ fact, draft: combine('taints left', fact.stamps, clocks) }))
    .filter(
      ({ fact, draft }) => !isLaterThan(draft, bound) && !isStoredAfter(fact, factsOf(facts, 'bound')[0]),
    )
  const last = seen.findLast(({ fact }, index) => !adds(fact, seen[index - 1]?.fact))
  if (last) {
    const usable = nearReady(last.draft, node, clocks)
    // What was left it tolerated; or it was gone, and the watch of nodes slower than that of pods.
    return last.fact.detail?.value === '' ? usable : { ...usable, latest: bound.latest ?? usable.latest }
  }
  // Its node may not be seen; its NodeClaim says when Karpenter was done with it.
  const initialized = stepOf(claim, 'Initialized', clocks)
  return { ...unseen(), best: initialized?.best, latest: bound.latest }
}

/** For a pod that is still waiting: nobody knows which taints it tolerates. */
function usableSoFar(
  node: Related | undefined,
  claim: Related | undefined,
  clocks: Clocks,
): Draft | undefined {
  const last = taintFacts(node).at(-1)
  if (!last || !readyOf(node, clocks)) return undefined
  if (last.detail?.value !== '' && !stepOf(claim, 'Initialized', clocks)) return undefined
  return combine('taints left', last.stamps, clocks)
}

export const taintFacts = (node: Related | undefined): readonly Fact[] =>
  [...(node?.facts.values() ?? [])].filter(({ what }) => what === 'taints left')

/** Where a list alone shows which taints were left by then, they were gone soon after Ready, as a rule. */
function nearReady(usable: Draft, node: Related | undefined, clocks: Clocks): Draft {
  const isDated = usable.earliest !== undefined || usable.likely !== undefined
  const best = isDated ? undefined : readyOf(node, clocks)?.best
  return best === undefined ? usable : { ...usable, best }
}

/** For sure, or as far as the watch was not slower than it showed. */
export function isLaterThan({ earliest, likely }: Draft, other: Draft): boolean {
  const from = earliest === undefined || (likely !== undefined && likely > earliest) ? likely : earliest
  return other.latest !== undefined && from !== undefined && from > other.latest
}

/** By their versions, of which a watch shows each: however late it is. */
function isStoredAfter(fact: Fact, other: Fact | undefined): boolean {
  const [version, before] = [shownVersion(fact), other && shownVersion(other)]
  return version !== undefined && before !== undefined && isOlder(before, version)
}

function shownVersion({ stamps }: Fact): string | undefined {
  const shown = stamps.find(({ source }) => source === 'watch-receipt')
  return shown && versionOf(shown)
}

const keysOf = (value = ''): readonly string[] => value.split(', ').filter(Boolean)

/** A taint that came back, or a cordon, is not what made it usable. */
function adds(fact: Fact, before: Fact | undefined): boolean {
  if (!before) return false
  const [had, has] = [keysOf(before.detail?.value), keysOf(fact.detail?.value)]
  return has.length > had.length && had.every((key) => has.includes(key))
}

export const nodeRecordOf = (node: Related | undefined): NodeRecord | undefined =>
  node?.record?.resource === 'nodes' ? node.record : undefined
