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
  const finish: Finish = (draft) => {
    let instant = finished.get(draft)
    if (!instant && !finished.has(draft)) finished.set(draft, (instant = finishDraft(draft)))
    return instant
  }
  return finishAll(plan.planned, finish, rootEnd)
}

function finishOne(planned: Planned, finish: Finish, rootEnd: Instant): Operation | undefined {
  const start = finish(planned.start)
  const end = planned.end === undefined ? rootEnd : finish(planned.end)
  if (!start || !end) return undefined
  return operation({
    name: planned.name,
    path: planned.path,
    actor: planned.actor,
    subject: planned.subject,
    container: planned.container,
    start,
    end: endsAfter(end, start.best),
    error: planned.error,
    attempt: planned.attempt,
    open: planned.end === undefined ? true : undefined,
    attributes: planned.attributes ?? {},
    events: planned.events ?? [],
    waitedFor: planned.waitedFor ?? [],
    children: finishAll(planned.children ?? [], finish, rootEnd),
  })
}

type Finish = (draft: Draft) => Instant | undefined

function finishAll(planned: readonly Planned[], finish: Finish, rootEnd: Instant): Operation[] {
  const finished: Operation[] = []
  for (const one of planned) {
    const done = finishOne(one, finish, rootEnd)
    if (done) finished.push(done)
  }
  return finished
}

/** A span never ends before it starts; where that takes a clamp, it is marked. */
function endsAfter(end: Instant, start: UnixNano): Instant {
  if (end.best >= start) return end
  return { ...end, best: start, latest: end.latest > start ? end.latest : start, clamped: true }
}
