// Owns `readiness gate` and `report status`: what lies between the last container being ready and Ready being stored.
// Promises a `report status` for every pod whose Ready was stored. Does not see the probes themselves: probes.ts does.

import { add, minus, milliseconds } from '../base/time.ts'
import { clampInto, combine, type Draft } from '../timeline/combine.ts'
import { type Facts, type Milestones, trueAtLast } from './milestones.ts'
import { comesBefore, isObserved, type Plan } from './plan.ts'

/** Between deciding Ready and having it stored a kubelet that is not held back takes this long (measured, docs/accuracy.md). */
const REPORT = milliseconds(6)

/** Where the last container had started: an unprobed one is ready as soon as it runs. */
export interface ContainersDone {
  readonly started: Draft | undefined
  /** Known to a second only. */
  readonly isVague: boolean
  /** A probe or a hook had a say: the kubelet's own stamp says when it saw all of them ready. */
  readonly isProbed: boolean
}

export function planReadiness(
  plan: Plan,
  facts: Facts,
  milestones: Milestones,
  { started, isVague, isProbed }: ContainersDone,
): void {
  const { isListed, readyStored } = milestones
  const gates = facts.pod.readinessGates ?? []
  const onNode = gates.length > 0 ? milestones.containersReady : milestones.readyOnNode
  // Listed, it may have been ready in a run before the last one: the first ones come before it (startup.ts).
  if (!isListed) comesBefore(plan, started, onNode)
  const ready = isProbed ? onNode : (started ?? onNode)
  comesBefore(plan, onNode, readyStored)
  if (gates.length === 0 && onNode && readyStored) {
    if (!isListed) placeLate(onNode, readyStored)
    if (isVague && started && ready === started) placeStarted(plan, started, onNode)
  }
  const last = gates.length === 0 ? ready : planGates(plan, facts, milestones, gates, ready)
  if (!isListed || last !== started) comesBefore(plan, last, readyStored)
  planReport(plan, last, readyStored)
}

/** A whole second says nothing finer; a probe's success is reported at once unless the kubelet is held back. */
function placeLate(onNode: Draft, stored: Draft): void {
  if (stored.best === undefined) return
  const usual = add(stored.best, minus(REPORT))
  onNode.best = onNode.latest !== undefined && usual > onNode.latest ? onNode.latest : usual
  if (onNode.earliest !== undefined && onNode.best < onNode.earliest) onNode.best = onNode.earliest
}

/** A kubelet notices within this that a container runs, and has looked at all of them (recordings with fine stamps, P50). */
const NOTICED = milliseconds(30)

/** As near to Ready as its second allows: nothing says that the status was held back. */
function placeStarted(plan: Plan, started: Draft, onNode: Draft): void {
  if (onNode.best === undefined || started.best === undefined) return
  const usual = clampInto(add(onNode.best, minus(NOTICED)), started)
  if (usual <= started.best) return
  started.best = usual
  // What nobody saw before it is put as late as it can be, once more.
  for (const [before, after] of plan.edges)
    if (after === started && !isObserved(before)) before.best = undefined
}

/** Returns the boundary at which the last gate turned true. */
function planGates(
  plan: Plan,
  facts: Facts,
  { isListed, readyReceipt, readyStored }: Milestones,
  gates: readonly string[],
  from: Draft | undefined,
): Draft | undefined {
  if (!from) return undefined
  let last: Draft | undefined = from
  for (const gate of gates) {
    const turned = trueAtLast(facts, gate, readyReceipt?.at)
    const end =
      turned && combine(isListed ? 'ready on node listed' : 'condition', turned.stamps, facts.clocks)
    if (isListed && end && isLater(end, readyStored)) end.best = readyStored?.best
    if (end?.best !== undefined && from.best !== undefined && end.best <= from.best) continue
    comesBefore(plan, from, end)
    plan.planned.push({
      name: 'readiness gate',
      path: `readiness gate/${gate}`,
      actor: gate.includes('/') ? gate.slice(0, gate.indexOf('/')) : gate,
      subject: gate,
      start: from,
      end,
      attributes: { 'podspan.gate': gate },
    })
    if (!end) last = undefined
    else if (last?.best !== undefined && end.best !== undefined && end.best > last.best) last = end
  }
  return last
}

/** Listed, what turned again when the pod had long been ready is estimated with it. */
const isLater = ({ best }: Draft, limit: Draft | undefined): boolean =>
  best !== undefined && limit?.best !== undefined && best > limit.best

/** What was so on the node, until it was stored; `phase` where it is not Ready. */
export function planReport(
  plan: Plan,
  ready: Draft | undefined,
  stored: Draft | undefined,
  phase?: 'Failed' | 'Succeeded',
): void {
  if (!ready || !stored) return
  comesBefore(plan, ready, stored)
  plan.planned.push({
    name: 'report status',
    path: 'report status',
    actor: 'kubelet',
    ...(phase === undefined ? {} : { subject: phase }),
    start: ready,
    end: stored,
  })
}
