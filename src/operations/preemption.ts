// Owns `preempt`: what a pod that fitted nowhere waited for while others ended in whose place it was to come.
// Promises one only where something says that others had to go: their own versions, an event on one of them, or the scheduler.
// A node that is named just before binding, as for claims and volumes, is no preemption.

import { add, durationNano, minus, SECOND, type UnixNano } from '../base/time.ts'
import { combine, type Draft, unseen } from '../timeline/combine.ts'
import type { Fact } from '../timeline/facts.ts'
import type { Victim } from '../timeline/victims.ts'
import { type Facts, factsOf, type Milestones } from './milestones.ts'
import type { OperationAttribute, OperationEvent } from './operation.ts'
import { comesBefore, type Plan, type Planned } from './plan.ts'

/** Of more victims than these the first are named and linked; all are counted. */
const VICTIMS_SHOWN = 20

/** The part of `schedule` that was spent on it; `start` is where scheduling began. */
export function planPreemption(
  plan: Plan,
  facts: Facts,
  { bound }: Milestones,
  start: Draft,
  actor: string,
): Planned[] {
  const planned: Planned[] = []
  for (const { node, fact } of nominations(facts)) {
    const nominated = fact ? combine('nominated', fact.stamps, facts.clocks) : unseen()
    const victims = victimsOf(facts, node, fact && nominated)
    const waited = waitedAfter(facts, nominated)
    if (victims.length === 0 && waited.length === 0) continue
    comesBefore(plan, start, nominated)
    const ends = victims.map((victim) => endOf(victim, facts))
    const gone = goneAt(plan, ends, waited, bound)
    comesBefore(plan, nominated, gone)
    comesBefore(plan, gone, bound)
    planned.push({ ...describe(node, actor, victims, facts), start: nominated, end: gone })
  }
  return planned.length < 2 ? planned : planned.map((one, index) => ({ ...one, attempt: index + 1 }))
}

interface Nomination {
  readonly node: string
  /** Undefined where only what had to go tells of it. */
  readonly fact: Fact | undefined
}

function nominations(facts: Facts): Nomination[] {
  const seen = factsOf(facts, 'nominated').map((fact) => ({ node: fact.detail?.value ?? '', fact }))
  const { uid, nodeName } = facts.pod
  if (seen.length > 0 || nodeName === undefined) return seen
  const named = facts.surroundings.victims(uid, nodeName).some(({ preemptor }) => preemptor === uid)
  return named ? [{ node: nodeName, fact: undefined }] : []
}

/** What was marked on the same node for nobody knows whom belongs to the nomination if it is this near. */
const NEAR = durationNano(SECOND * 2n)

function victimsOf(facts: Facts, node: string, nominated: Draft | undefined): readonly Victim[] {
  const { uid } = facts.pod
  return facts.surroundings.victims(uid, node).filter((victim) => {
    if (victim.preemptor !== undefined) return true
    const marked = factOf(victim, 'condition')
    const at = marked && combine('condition', marked.stamps, facts.clocks).best
    return at !== undefined && isNear(at, nominated?.best)
  })
}

const isNear = (at: UnixNano, nominated: UnixNano | undefined): boolean =>
  nominated !== undefined && at >= add(nominated, minus(NEAR)) && at <= add(nominated, NEAR)

const factOf = ({ facts }: Victim, what: Fact['what']): Fact | undefined =>
  [...facts.values()].find((fact) => fact.what === what)

/** pkg/scheduler/framework/plugins/defaultpreemption: PodEligibleToPreemptOthers. */
const STILL_THERE = /terminating pod on the nominated node/

/** When the scheduler found the place still taken. */
function waitedAfter(facts: Facts, nominated: Draft): Draft[] {
  const { best: since } = nominated
  return factsOf(facts, 'scheduling failed')
    .filter(({ detail }) => STILL_THERE.test(detail?.message ?? ''))
    .map(({ stamps }) => combine('scheduling failed', stamps, facts.clocks))
    .filter(({ best }) => best !== undefined && (since === undefined || best > since))
}

/**
 * When the last of them had left its place. Undefined while one has not, and the pod is bound nowhere; where the pod was bound before
 * that, it waited no longer.
 */
function goneAt(
  plan: Plan,
  victims: readonly (Draft | undefined)[],
  waited: readonly Draft[],
  bound: Draft | undefined,
): Draft | undefined {
  const known = victims.filter((end) => end !== undefined)
  const isAllSeen = known.length > 0 && known.length === victims.length
  if (!bound && !isAllSeen) return undefined
  const last = isAllSeen ? latestOf(known) : unseen()
  if (bound?.best !== undefined && last.best !== undefined && last.best > bound.best)
    return byThen(bound, last)
  for (const one of isAllSeen ? known : [...known, ...waited.slice(-1)]) comesBefore(plan, one, last)
  return last
}

/** Not later than the binding; earlier, where the end may have been. */
function byThen(bound: Draft, { earliest }: Draft): Draft {
  const isEarlier = earliest === undefined || (bound.earliest !== undefined && earliest < bound.earliest)
  return isEarlier ? { ...bound, earliest, likely: undefined } : bound
}

/** Its place is free when it has ended, at the latest when it is gone. */
function endOf(victim: Victim, facts: Facts): Draft | undefined {
  const fact = factOf(victim, 'phase') ?? factOf(victim, 'deleted')
  return fact && combine(fact.what === 'phase' ? 'phase' : 'deleted', fact.stamps, facts.clocks)
}

/** The latest of several moments, each known as far as it is. */
function latestOf(drafts: readonly Draft[]): Draft {
  const [first, ...rest] = drafts
  if (!first || rest.length === 0) return first ?? unseen()
  const last = rest.reduce((a, b) => ((b.best ?? 0n) > (a.best ?? 0n) ? b : a), first)
  const latests = drafts.map(({ latest }) => latest)
  return {
    ...last,
    earliest: greatest(drafts.map(({ earliest }) => earliest)),
    latest: latests.includes(undefined) ? undefined : greatest(latests),
  }
}

const greatest = (moments: readonly (UnixNano | undefined)[]): UnixNano | undefined =>
  moments.reduce((a, b) => (a === undefined || (b !== undefined && b > a) ? b : a), undefined)

function describe(node: string, actor: string, victims: readonly Victim[], facts: Facts) {
  const shown = victims.slice(0, VICTIMS_SHOWN)
  const attributes: Record<string, OperationAttribute> = {
    'k8s.node.name': node,
    ...(victims.length === 0 ? {} : { 'podspan.preempt.victims': victims.length }),
    ...(victims.length === 0 ? {} : { 'podspan.preempt.victim': shown.map(nameOf) }),
  }
  return {
    name: 'preempt',
    path: `preempt/${node}`,
    actor,
    subject: node,
    attributes,
    events: shown.flatMap((victim) => eventsOf(victim, facts)),
    waitedFor: shown.map(({ uid }) => ({ uid, why: 'preempted' })),
  } as const
}

const nameOf = ({ namespace, name }: Victim): string => `${namespace}/${name}`

function eventsOf(victim: Victim, facts: Facts): OperationEvent[] {
  const chosen = factOf(victim, 'noted')
  const moments = [
    ['Preempted', chosen && combine('noted', chosen.stamps, facts.clocks)],
    ['victim gone', endOf(victim, facts)],
  ] as const
  return moments.flatMap(([name, draft]) =>
    draft?.best === undefined
      ? []
      : [{ at: draft.best, name, attributes: { 'podspan.preempt.victim': nameOf(victim) } }],
  )
}
