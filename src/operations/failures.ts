// Owns the numbering of failures that events report: which try each of them was.
// Promises the same number for the same failure whichever of them were seen, as far as the events' counts say it.
// Does not say what was tried: sandbox.ts and the files of volumes do.

import { type Clocks, combine, type Draft, unseen } from '../timeline/combine.ts'
import type { Fact } from '../timeline/facts.ts'
import type { Boundary } from '../timeline/weight.ts'
import { comesBefore, type Plan, type Planned } from './plan.ts'

export interface Failure {
  readonly fact: Fact
  readonly draft: Draft
  /** From 1, as the events count: those that were not seen are left out, not closed up. */
  readonly number: number
}

/** In order of time; those without any date are left out. */
export function numberFailures(facts: readonly Fact[], boundary: Boundary, clocks: Clocks): Failure[] {
  if (facts.length === 0) return []
  const drafts = facts
    .map((fact) => ({ fact, draft: combine(boundary, fact.stamps, clocks) }))
    .filter(({ draft }) => draft.best !== undefined)
    .sort((a, b) => ((a.draft.best ?? 0n) < (b.draft.best ?? 0n) ? -1 : 1))
  countInOrder(drafts)
  // Occurrences of one event are numbered by its count; another event's come after all of those before it.
  const counted = new Map<string, number>()
  return drafts.map(({ fact, draft }) => {
    let before = 0
    for (const [group, most] of counted) if (group !== fact.group) before += most
    counted.set(fact.group, Math.max(counted.get(fact.group) ?? 0, fact.index + 1))
    return { fact, draft, number: before + fact.index + 1 }
  })
}

/** Of one event's occurrences the count tells the order, where stamps of whole seconds do not. */
function countInOrder(drafts: { readonly fact: Fact; readonly draft: Draft }[]): void {
  const places = new Map<string, number[]>()
  drafts.forEach(({ fact }, place) => places.set(fact.group, [...(places.get(fact.group) ?? []), place]))
  for (const [group, own] of places) {
    if (group === '') continue
    const counted = own.flatMap((place) => drafts[place] ?? []).sort((a, b) => a.fact.index - b.fact.index)
    own.forEach((place, index) => {
      const next = counted[index]
      if (next) drafts[place] = next
    })
  }
}

/** Failed tries shown one by one; of more than these the last ones. */
const TRIES_MAX = 20

/** One failed try of an operation, without its begin. */
export interface FailedTry extends Pick<Planned, 'path' | 'error' | 'attempt'> {
  readonly draft: Draft
}

/**
 * Failed tries as parts of the operation that they belong to. Each includes the wait since the one before it, as far as that was seen;
 * the try itself began at any time after it. `last` is where the operation ended, if it did.
 */
export function planTries(
  plan: Plan,
  whole: Omit<Planned, 'end' | 'path' | 'children'>,
  tries: readonly FailedTry[],
  last: Draft | undefined,
): Planned[] {
  let from = whole.start
  const planned = tries.slice(-TRIES_MAX).map(({ draft, ...one }) => {
    const begun = anyTimeAfter(from)
    comesBefore(plan, from, begun)
    comesBefore(plan, begun, draft)
    from = draft
    return { ...whole, ...one, start: begun, end: draft }
  })
  comesBefore(plan, from, last)
  return planned
}

/** Estimated at the boundary that it follows. */
export const anyTimeAfter = ({ best }: Draft): Draft => ({ ...unseen(), best })
