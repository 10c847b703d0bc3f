// Owns operations in the making: their boundaries are drafts that still move while order is drawn between them.
// Promises that operations which share a boundary share its draft, and so its instant.
// Does not find operations: the other files of this folder do, each its own.

import type { UnixNano } from '../base/time.ts'
import { type Draft, UNSEEN } from '../timeline/combine.ts'
import { type Instant } from '../timeline/instant.ts'
import { type Edge, finishDraft, orderDrafts } from '../timeline/order.ts'
import { type Operation, type OperationInput, operation } from './operation.ts'

export interface Planned extends Omit<OperationInput, 'start' | 'end' | 'children'> {
  readonly start: Draft
  /** Absent while it goes on: it ends with the root. */
  readonly end?: Draft | undefined
  readonly children?: readonly Planned[]
}

export interface Plan {
  readonly planned: Planned[]
  /** What must come before what, causes first. */
  readonly edges: Edge[]
}

export const emptyPlan = (): Plan => ({ planned: [], edges: [] })

/** Says that the first boundary cannot be later than the second; either may be unknown. */
export function comesBefore(plan: Plan, before: Draft | undefined, after: Draft | undefined): void {
  if (before && after && before !== after) plan.edges.push([before, after])
}

/** Whether a boundary rests on a stamp of its own. */
export const isObserved = (draft: Draft | undefined): boolean => draft !== undefined && draft.rank < UNSEEN

/** Draws the order and finishes every operation whose start is known. */
export function finishPlan(plan: Plan, rootEnd: Instant): Operation[] {
  orderDrafts(plan.edges)
  const finished = new Map<Draft, Instant | undefined>()
  const finish = (draft: Draft): Instant | undefined => {
    if (!finished.has(draft)) finished.set(draft, finishDraft(draft))
    return finished.get(draft)
  }
  return plan.planned.map((planned) => finishOne(planned, finish, rootEnd)).filter((one) => one !== undefined)
}

function finishOne(
  planned: Planned,
  finish: (draft: Draft) => Instant | undefined,
  rootEnd: Instant,
): Operation | undefined {
  const { start: startDraft, end: endDraft, children = [], ...rest } = planned
  const start = finish(startDraft)
  const end = endDraft === undefined ? rootEnd : finish(endDraft)
  if (!start || !end) return undefined
  return operation({
    ...rest,
    start,
    end: endsAfter(end, start.best),
    ...(endDraft === undefined ? { open: true } : {}),
    children: children.map((child) => finishOne(child, finish, rootEnd)).filter((one) => one !== undefined),
  })
}

/** A span never ends before it starts; where that takes a clamp, it is marked. */
function endsAfter(end: Instant, start: UnixNano): Instant {
  if (end.best >= start) return end
  return { ...end, best: start, latest: end.latest > start ? end.latest : start, clamped: true }
}
