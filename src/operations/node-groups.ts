// Owns what Cluster Autoscaler tried for a pod: each `TriggeredScaleUp`, and what is said of the groups that it named.
// Promises that a try failed only where all of its groups did, or where another group was asked while there was no node for the pod.
// Does not say which try a node came of: node-bids.ts does.

import { combine } from '../timeline/combine.ts'
import { fromSeconds, SECOND, type UnixNano } from '../base/time.ts'
import type { Fact } from '../timeline/facts.ts'
import type { Surroundings } from '../timeline/related.ts'
import { type Facts, factsOf } from './milestones.ts'
import type { Bid, Failure } from './bid.ts'

interface Group {
  readonly name: string
  /** How many nodes were asked for. */
  readonly increase: number
}

/** Those that a `TriggeredScaleUp` names: `[{default-pool 1->2 (max: 5)}]`. */
const groupsOf = (message = ''): readonly Group[] =>
  [...message.matchAll(/\{(\S+) (\d+)->(\d+) \(max: \d+\)\}/g)].map(([, name = '', from, to]) => ({
    name,
    increase: Number(to) - Number(from),
  }))

export const groupsIn = (message?: string): readonly string[] => groupsOf(message).map(({ name }) => name)

export const momentOf = (fact: Fact, { clocks }: Facts): UnixNano =>
  combine('noted', fact.stamps, clocks).best ?? clocks.around

export function groupBids(facts: Facts): Bid[] {
  const told = factsOf(facts, 'noted')
  const triggered = told.filter(({ detail, index }) => detail?.reason === 'TriggeredScaleUp' && index === 0)
  if (triggered.length === 0) return []
  const status = statusFacts(facts.surroundings)
  const ofPod = told.filter(({ detail }) => detail?.reason === 'FailedScaleUp')
  return triggered.map((fact, place): Bid => {
    const groups = groupsOf(fact.detail?.message)
    const next = triggered[place + 1]
    const window = { from: momentOf(fact, facts), until: next && momentOf(next, facts) }
    const within = (one: Fact): boolean => isWithin(momentOf(one, facts), window)
    return {
      autoscaler: 'cluster-autoscaler',
      name: groups.length > 0 ? groups.map(({ name }) => name).join(', ') : undefined,
      told: [fact],
      claim: undefined,
      nodeName: undefined,
      node: undefined,
      failure:
        failureIn(ofPod.filter(within)) ??
        failedAll(groups, status.filter(within)) ??
        (next && supersededBy(next, groups, facts)),
    }
  })
}

const isWithin = (
  at: UnixNano,
  { from, until }: { readonly from: UnixNano; readonly until: UnixNano | undefined },
): boolean => at > from && (until === undefined || at <= until)

const STATUS = ['configmaps', '', 'cluster-autoscaler-status'] as const

/** What it tells of groups on its own status, in the order of time. */
const statusFacts = (surroundings: Surroundings): readonly Fact[] =>
  [...(surroundings.related(...STATUS)?.facts.values() ?? [])].filter(({ what }) => what === 'noted')

export const groupFacts = (surroundings: Surroundings, reason: string): readonly Fact[] =>
  statusFacts(surroundings).filter(({ detail }) => detail?.reason === reason)

const failureIn = ([fact]: readonly Fact[]): Failure | undefined =>
  fact && { fact, error: fact.detail?.message ?? fact.detail?.reason ?? 'no node came' }

/** What was said of the last group to fail, if all of them did. */
function failedAll(groups: readonly Group[], status: readonly Fact[]): Failure | undefined {
  const ends = groups.map((group) => failureIn(endsOf(group, status)))
  return ends.includes(undefined) ? undefined : ends.at(-1)
}

/**
 * A group failed whose nodes did not register in time, or which could not be resized, or of whose machines as many failed as were asked for:
 * others of them may have come (clusterstate.go; scale_up/orchestrator/executor.go).
 */
function endsOf({ name, increase }: Group, status: readonly Fact[]): readonly Fact[] {
  let missing = increase
  return status.filter(({ detail }) => {
    const message = detail?.message ?? ''
    if (!message.includes(`group ${name} `) && !message.includes(`group ${name}:`)) return false
    if (detail?.reason === 'ScaleUpFailed') {
      missing -= Number(/^Failed adding (\d+) nodes/.exec(message)?.[1] ?? 0)
      return missing <= 0
    }
    return detail?.reason === 'ScaleUpTimedOut' || detail?.reason === 'FailedToScaleUpGroup'
  })
}

/** Another group was asked: there was no node for the pod until then, unless the one that it is on was there already. */
function supersededBy(next: Fact, groups: readonly Group[], facts: Facts): Failure | undefined {
  const others = groupsIn(next.detail?.message)
  if (groups.length === 0 || others.length === 0) return undefined
  if (groups.some(({ name }) => others.includes(name)) || hadNodeBefore(momentOf(next, facts), facts))
    return undefined
  return { fact: next, error: `no node came for the pod before ${others.join(', ')} was asked for one` }
}

function hadNodeBefore(at: UnixNano, { pod, surroundings }: Facts): boolean {
  if (pod.nodeName === undefined) return false
  const created = surroundings.related('nodes', '', pod.nodeName)?.record?.createdSeconds
  return created !== undefined && fromSeconds(created) + SECOND <= at
}
