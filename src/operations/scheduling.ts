// Owns `wait at scheduling gate` and `schedule`, with each failed attempt as an event of the span.
// Promises no `schedule` for a pod that nobody scheduled (static, or created with a node).

import type { Condition } from '../base/record.ts'
import type { UnixNano } from '../base/time.ts'
import { isKarpenter } from '../observe/event.ts'
import type { Fact } from '../timeline/facts.ts'
import { combine } from '../timeline/combine.ts'
import type { NodeTimeline } from '../timeline/node-timeline.ts'
import type { OperationAttribute, OperationEvent } from './operation.ts'
import { type Facts, factsOf, type Milestones } from './milestones.ts'
import { lastRefusal, refusalEvents } from './node-events.ts'
import { planNodeProvision } from './nodes.ts'
import { comesBefore, type Plan } from './plan.ts'
import { planDevices, shortOf } from './devices.ts'
import { planQueueAtGate } from './queues.ts'
import { planPreemption } from './preemption.ts'
import { planProvisioning } from './volume-provision.ts'

export function planScheduling(
  plan: Plan,
  facts: Facts,
  milestones: Milestones,
  node: NodeTimeline | undefined,
): void {
  const { created, ungated, bound, gates, preset } = milestones
  comesBefore(plan, created, ungated)
  if (gates.length > 0) {
    const removals = gatesRemoved(facts)
    const waitedFor = gates.filter((name) => removals.every(({ gate }) => gate !== name))
    plan.planned.push({
      name: 'wait at scheduling gate',
      path: 'wait at scheduling gate',
      actor: gateOwner(waitedFor),
      subject: waitedFor.join(', '),
      start: created,
      end: ungated,
      events: removals.map(({ gate, at }) => ({
        at,
        name: 'SchedulingGateRemoved',
        attributes: { 'podspan.gate': gate },
      })),
      attributes: { 'podspan.gates': gates },
      children: planQueueAtGate(plan, facts, ungated),
    })
    if (!ungated) return
  }
  if (preset) return comesBefore(plan, created, bound)
  const start = ungated ?? created
  const children = [
    ...planNodeProvision(plan, facts, milestones, node),
    ...planProvisioning(plan, facts, start, bound),
    ...planDevices(plan, facts, milestones, start, schedulerOf(facts)),
    ...planPreemption(plan, facts, milestones, start, schedulerOf(facts)),
  ]
  comesBefore(plan, start, bound)
  plan.planned.push({
    name: 'schedule',
    path: 'schedule',
    actor: schedulerOf(facts),
    subject: facts.pod.nodeName || undefined,
    start,
    end: bound,
    events: [...failedAttempts(facts), ...refusalEvents(facts)],
    attributes: attemptAttributes(facts),
    children,
  })
}

function schedulerOf({ pod }: Facts): string {
  const { schedulerName } = pod
  return schedulerName === undefined || schedulerName === 'default-scheduler'
    ? 'kube-scheduler'
    : schedulerName
}

interface GateRemoval {
  readonly gate: string
  readonly at: UnixNano
}

/** Those that went before the others. */
const gatesRemoved = (facts: Facts): GateRemoval[] =>
  factsOf(facts, 'gate removed').flatMap(({ detail, stamps }) => {
    const at = combine('ungated', stamps, facts.clocks).best
    return at === undefined ? [] : [{ gate: detail?.value ?? '', at }]
  })

/** The part of a gate's name before the slash says whose it is, as Kubernetes' naming rule has it. */
function gateOwner(gates: readonly string[]): string {
  const owners = new Set(gates.map((gate) => (gate.includes('/') ? gate.slice(0, gate.indexOf('/')) : gate)))
  return owners.size === 1 ? ([...owners][0] ?? 'unknown') : 'several controllers'
}

function failedAttempts(facts: Facts): OperationEvent[] {
  return schedulerFailures(facts).map((fact) => ({
    at: combine('scheduling failed', fact.stamps, facts.clocks).best ?? facts.clocks.around,
    name: 'FailedScheduling',
    attributes: { 'podspan.reason': fact.detail?.message ?? '', 'podspan.count': fact.index + 1 },
  }))
}

/** A cluster autoscaler's or Karpenter's `FailedScheduling` is not the scheduler's. */
const schedulerFailures = (facts: Facts): readonly Fact[] =>
  factsOf(facts, 'scheduling failed').filter(({ detail }) => !isKarpenter(detail?.component))

/** What an autoscaler said of why there is no node, else what the scheduler said last, by its events or, where these were dropped, by the condition. */
export function lastSchedulingFailure(facts: Facts): string | undefined {
  const refused = lastRefusal(facts)
  if (refused !== undefined) return refused
  const said = schedulerFailures(facts).at(-1)?.detail?.message
  const message = said ?? unscheduled(facts)?.message
  const taints = facts.untolerated
  return taints.length === 0 ? message : message?.replace('taint(s)', `taint(s) [${taints.join(', ')}]`)
}

/** As its scheduler has it. The API server's own word for gates stays after the last of them has gone, until a scheduler says another. */
export function unscheduled({ pod }: Pick<Facts, 'pod'>): Condition | undefined {
  const { conditions, schedulingGates = [] } = pod
  return conditions?.find(
    ({ reason, status, type }) =>
      type === 'PodScheduled' &&
      status === 'False' &&
      (reason !== 'SchedulingGated' || schedulingGates.length > 0),
  )
}

function attemptAttributes(facts: Facts): Record<string, OperationAttribute> {
  const failures = schedulerFailures(facts)
  const attributes = failures.length > 0 ? failureAttributes(failures) : {}
  const { reason } = unscheduled(facts) ?? {}
  if (reason) attributes['podspan.schedule.reason'] = reason
  if (facts.untolerated.length > 0) attributes['podspan.schedule.taints'] = facts.untolerated
  return attributes
}

function failureAttributes(failures: readonly Fact[]): Record<string, OperationAttribute> {
  const attributes: Record<string, OperationAttribute> = {}
  const attempts = failures.filter(({ index }) => index === 0).length
  const repeats = failures.reduce((sum, { index }) => Math.max(sum, index), 0)
  const short = shortOf(failures.map(({ detail }) => detail?.message ?? ''))
  if (short.length > 0) attributes['podspan.schedule.insufficient'] = short
  if (attempts + repeats > 0) attributes['podspan.schedule.failed_attempts'] = attempts + repeats
  return attributes
}
