// Owns `provision node` below `schedule`: the wait for a node that was not there yet, or not ready, when the pod was.
// Promises it also where no event says so: a pod on a node that could be used only after the pod was created waited for that node.
// Promises none for a pod that got a node of old, whatever an autoscaler had begun for it.

import { combine, type Draft } from '../timeline/combine.ts'
import type { NodeTimeline } from '../timeline/node-timeline.ts'
import type { Related } from '../timeline/related.ts'
import type { Facts, Milestones } from './milestones.ts'
import type { Bid } from './bid.ts'
import { findBids } from './node-bids.ts'
import { isAwaited } from './node-awaited.ts'
import { findNodeBoundaries, type NodeBoundaries } from './node-boundaries.ts'
import { doneLast, hindrancesOf, stepEvents, toldEvents } from './node-events.ts'
import { linksTo, type Mates, matesOn } from './node-mates.ts'
import type { Operation, OperationAttribute } from './operation.ts'
import { comesBefore, type Plan, type Planned } from './plan.ts'

const PATH = 'provision node'

/** The tries to get a node for this pod, as children of `schedule`. `shared` is what else happened on its node. */
export function planNodeProvision(
  plan: Plan,
  facts: Facts,
  milestones: Milestones,
  shared: NodeTimeline | undefined,
): readonly Planned[] {
  const { failed, current } = findBids(facts)
  const planned = failed.map((bid, index) => planFailed(plan, bid, index + 1, facts, milestones))
  if (!current || !isAwaited(current, facts, milestones)) return planned
  const boundaries = findNodeBoundaries(plan, current, facts, milestones)
  const { usable } = boundaries
  const mates = matesOn(shared, usable?.best, facts)
  const span = spanOf(current, PATH, boundaries, facts)
  const children = steps(current, PATH, { ...boundaries, end: usable, mates }, facts)
  const sharing = mates.sharing.length
  const last: Planned = {
    ...span,
    ...(failed.length > 0 ? { attempt: failed.length + 1 } : {}),
    end: usable,
    attributes: { ...span.attributes, ...(sharing > 0 ? { 'podspan.node.shared_by': sharing } : {}) },
    waitedFor: linksTo(mates, usable?.best),
    children,
  }
  return [...planned, last]
}

function spanOf(bid: Bid, path: string, boundaries: NodeBoundaries, facts: Facts): Planned {
  const subject = bid.name ?? bid.nodeName
  return {
    name: 'provision node',
    path,
    actor: bid.autoscaler,
    ...(subject === undefined ? {} : { subject }),
    start: boundaries.asked,
    attributes: attributesOf(bid),
    events: toldEvents(bid, facts),
  }
}

function attributesOf({ name, autoscaler, nodeName, claim, node }: Bid): Record<string, OperationAttribute> {
  const pool = poolOf(node) ?? poolOf(claim)
  const key = autoscaler === 'karpenter' ? 'podspan.node.claim' : 'podspan.node.groups'
  return {
    ...(name === undefined ? {} : { [key]: autoscaler === 'karpenter' ? name : name.split(', ') }),
    ...(nodeName === undefined ? {} : { 'k8s.node.name': nodeName }),
    ...(pool === undefined ? {} : { 'podspan.node.pool': pool }),
  }
}

const poolOf = (related: Related | undefined): string | undefined =>
  related?.record?.labels?.['karpenter.sh/nodepool']

interface Steps extends NodeBoundaries {
  /** When the last step was over; undefined while it goes on. */
  readonly end: Draft | undefined
  readonly mates?: Mates
  readonly error?: string
}

/** As far as it came; where nothing says when the node registered, no line is drawn between that and what followed. */
function steps(bid: Bid, path: string, boundaries: Steps, facts: Facts): Planned[] {
  const { asked, launched, isLaunchKnown, registered, end, mates, error } = boundaries
  const isLaunching =
    !isLaunchKnown && !registered && bid.autoscaler === 'karpenter' && bid.claim !== undefined
  const machine = bid.nodeName ?? bid.name
  const common = machine === undefined ? {} : { subject: machine }
  const found: Planned[] = []
  if (isLaunchKnown || isLaunching)
    found.push({
      ...{ name: 'launch node', path: `${path}/launch`, actor: bid.autoscaler, start: asked, ...common },
      ...{ end: isLaunchKnown ? launched : undefined, events: hindrancesOf(bid, 'Launched', facts) },
    })
  if (registered || (!isLaunching && (end === undefined || error !== undefined)))
    found.push({
      ...{ name: 'register node', path: `${path}/register`, actor: 'node', start: launched, ...common },
      ...{ end: registered, events: hindrancesOf(bid, 'Registered', facts) },
    })
  if (registered) {
    const events = [...stepEvents(bid, end, facts), ...hindrancesOf(bid, 'Initialized', facts)]
    found.push({
      ...{
        name: 'initialise node',
        path: `${path}/initialise`,
        actor: 'kubelet',
        start: registered,
        ...common,
      },
      ...{ attributes: doneLast(bid, end), events: [...events, ...(mates?.events ?? [])] },
    })
  }
  return found.map((step) => (step.end === undefined ? { ...step, end, ...(error ? { error } : {}) } : step))
}

function planFailed(plan: Plan, bid: Bid, number: number, facts: Facts, milestones: Milestones): Planned {
  const path = `${PATH}/${bid.name ?? number}`
  const boundaries = findNodeBoundaries(plan, bid, facts, { ...milestones, bound: undefined })
  const { error = 'the node never came', fact } = bid.failure ?? {}
  const end = fact && combine(fact.what === 'deleted' ? 'deleted' : 'noted', fact.stamps, facts.clocks)
  comesBefore(plan, boundaries.asked, end)
  const span = spanOf(bid, path, boundaries, facts)
  return {
    ...span,
    attempt: number,
    error,
    end,
    children: steps(bid, path, { ...boundaries, end, error }, facts),
  }
}

/** The one that gave the pod its node, or that it still waits for. */
export const provisionOf = (schedule: Operation): Operation | undefined =>
  schedule.children.findLast(({ name, error }) => name === 'provision node' && error === undefined)
