// Owns what is told along the way to a new node: what the pod was told of it, what held it up, and what its last step was.
// Promises components' own words, each once. Does not say when a step began or ended: node-boundaries.ts does.

import { isKarpenter } from '../observe/event.ts'
import { combine, type Draft } from '../timeline/combine.ts'
import type { Fact } from '../timeline/facts.ts'
import { type Facts, factsOf } from './milestones.ts'
import type { Bid } from './bid.ts'
import { momentOf } from './node-groups.ts'
import type { OperationAttribute, OperationEvent } from './operation.ts'

const eventOf = (fact: Fact, facts: Facts): OperationEvent => ({
  at: momentOf(fact, facts),
  name: fact.detail?.reason ?? 'event',
  attributes: {
    'podspan.reason': fact.detail?.message ?? '',
    'podspan.count': fact.index + 1,
    ...(fact.detail?.component === undefined ? {} : { 'podspan.component': fact.detail.component }),
  },
})

export const toldEvents = ({ told }: Bid, facts: Facts): OperationEvent[] =>
  told.map((fact) => eventOf(fact, facts))

/** That an autoscaler gets no node for the pod, and why: limits, instance types, taints. */
const isRefusal = ({ what, detail }: Fact): boolean =>
  what === 'noted'
    ? detail?.reason === 'NotTriggerScaleUp' || detail?.reason === 'FailedScaleUp'
    : what === 'scheduling failed' && isKarpenter(detail?.component)

const refusals = (facts: Facts): readonly Fact[] => [
  ...factsOf(facts, 'noted').filter(isRefusal),
  ...factsOf(facts, 'scheduling failed').filter(isRefusal),
]

export const refusalEvents = (facts: Facts): OperationEvent[] =>
  refusals(facts).map((fact) => eventOf(fact, facts))

/** Who refused last to get a node for the pod, and in which words. */
export function lastRefusal(facts: Facts): string | undefined {
  const at = (fact: Fact): bigint => momentOf(fact, facts)
  const [first, ...others] = refusals(facts)
  const last = others.reduce((a, b) => (a && at(a) > at(b) ? a : b), first)
  if (!last?.detail) return undefined
  return `${last.detail.component ?? 'cluster-autoscaler'}: ${last.detail.message ?? last.detail.reason ?? ''}`
}

/** Events of a NodeClaim that say why it cannot become this. */
const OF_STEP: Readonly<Record<string, readonly string[]>> = {
  Launched: ['InsufficientCapacityError', 'NodeClassNotReady'],
  Registered: ['UnregisteredTaintMissing'],
  Initialized: [],
}

/** These are the wait itself, not what is behind it. */
const USUAL: ReadonlySet<string> = new Set(['NodeNotFound', 'NodeNotReady'])

export function hindrancesOf({ claim }: Bid, step: string, facts: Facts): OperationEvent[] {
  const known = [...(claim?.facts.values() ?? [])].filter(({ what, detail }) => {
    if (what !== 'noted' || detail?.reason === undefined) return false
    if (detail.type === step) return !USUAL.has(detail.reason)
    return OF_STEP[step]?.includes(detail.reason) ?? false
  })
  return known.map((fact) => eventOf(fact, facts))
}

/** That the node got Ready, and which taints went, in order. */
export function stepEvents({ node }: Bid, usable: Draft | undefined, facts: Facts): OperationEvent[] {
  const found: OperationEvent[] = []
  for (const fact of node?.facts.values() ?? []) {
    const step = nameOf(fact)
    const at = step && combine(fact.what, fact.stamps, facts.clocks).best
    if (step === undefined || at === undefined) continue
    if (usable?.best === undefined || at <= usable.best) found.push({ at, ...step })
  }
  return found
}

function nameOf({ what, detail }: Fact): Pick<OperationEvent, 'name' | 'attributes'> | undefined {
  if (what === 'untainted') return { name: 'untainted', attributes: { 'podspan.taint': detail?.value ?? '' } }
  const ready = what === 'condition' && detail?.type === 'Ready' && detail.value === 'True'
  return ready ? { name: 'Ready', attributes: {} } : undefined
}

/** Which taint the version that made it usable no longer had; with it gone the pod could be placed. */
export function doneLast({ node }: Bid, usable: Draft | undefined): Record<string, OperationAttribute> {
  const receipt = receiptIn(usable?.stamps ?? [])
  const gone = [...(node?.facts.values() ?? [])]
    .filter(({ what, stamps }) => what === 'untainted' && receiptIn(stamps) === receipt)
    .map(({ detail }) => detail?.value ?? '')
  return receipt === undefined || gone.length === 0 ? {} : { 'podspan.node.last_taints': gone }
}

const receiptIn = (stamps: Fact['stamps']): bigint | undefined =>
  stamps.find(({ clock, source }) => clock === 'observer' && source === 'watch-receipt')?.at
