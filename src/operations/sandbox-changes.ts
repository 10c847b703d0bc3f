// Owns sandboxes that are made in place of one that was lost: `create sandbox`, beside the containers' own operations.
// Promises one for each that the kubelet told of when the first had been there, from when it had noticed. Does not see why a sandbox was
// lost; those that never came up are attempts at the first (sandbox.ts).

import type { Stamp } from '../base/stamp.ts'
import { combine, type Draft, unseen } from '../timeline/combine.ts'
import type { Fact } from '../timeline/facts.ts'
import type { ContainerHistory } from './container-history.ts'
import { runsInOrder } from './runs.ts'
import { type Failure, numberFailures } from './failures.ts'
import { type Facts, factsOf } from './milestones.ts'
import { callsNamed } from './native-evidence.ts'
import type { OperationEvent } from './operation.ts'
import { comesBefore, isObserved, type Plan } from './plan.ts'

/** When the kubelet had noticed that a sandbox was lost, numbered from 1; `sandbox` is when the first was there. */
export function changesAfter(facts: Facts, sandbox: Draft | undefined): readonly Failure[] {
  // One that failed is changed as well, perhaps in the second in which the next one was there.
  const after = sandbox?.latest ?? sandbox?.best
  if (after === undefined) return []
  const told = factsOf(facts, 'sandbox changed')
  const changes =
    told.length > 0 ? numberFailures(told, 'sandbox changed', facts.clocks) : lostByStatus(facts)
  return changes.filter(({ draft }) => draft.best !== undefined && draft.best > after)
}

/** Where no event tells: the status said that it was there, then that it was not, and then that it was again. A pod that ends has none any more. */
function lostByStatus(facts: Facts): Failure[] {
  const there = factsOf(facts, 'network ready').flatMap((fact) => shownAt(fact) ?? [])
  if (there.length < 2) return []
  const isLost = (fact: Fact): boolean => {
    const { type, value } = fact.detail ?? {}
    const at = shownAt(fact)
    if (type !== 'PodReadyToStartContainers' || value !== 'False' || at === undefined) return false
    return there.some((one) => one < at) && there.some((one) => one > at)
  }
  const lost = numberFailures(factsOf(facts, 'condition').filter(isLost), 'sandbox changed', facts.clocks)
  // A condition has no count.
  return lost.map((one, place) => ({ ...one, number: place + 1 }))
}

const shownAt = ({ stamps }: Fact): bigint | undefined => stamps.find(({ clock }) => clock === 'observer')?.at

export interface SandboxChange {
  /** When the kubelet had noticed. */
  readonly changed: Draft
  /** When there was another one, if ever. */
  readonly ready: Draft | undefined
}

/** What ran then was ended with its sandbox, and is started anew at once. */
export function planSandboxChanges(
  plan: Plan,
  facts: Facts,
  histories: readonly ContainerHistory[],
  sandbox: Draft | undefined,
): readonly SandboxChange[] {
  const changes = changesAfter(facts, sandbox)
  return changes.map(({ fact, draft: changed, number }, place) => {
    const until = changes[place + 1]?.draft.best
    const sign = firstSignIn(histories, changed, until)
    const ready = readyIn(facts, changed, until, sign)
    comesBefore(plan, changed, ready)
    comesBefore(plan, ready, sign)
    plan.planned.push({
      name: 'create sandbox',
      path: `create sandbox/changed/${number}`,
      actor: 'container runtime',
      attempt: number + 1,
      start: changed,
      end: ready,
      attributes: { 'podspan.reason': fact.detail?.message ?? '' },
      events: failuresIn(facts, changed, until),
    })
    return { changed, ready }
  })
}

const isIn = (at: bigint | undefined, { best }: Draft, until: bigint | undefined): boolean =>
  at !== undefined && best !== undefined && at > best && (until === undefined || at < until)

/** The first that is known of a container in the new sandbox. */
function firstSignIn(
  histories: readonly ContainerHistory[],
  changed: Draft,
  until: bigint | undefined,
): Draft | undefined {
  return histories
    .flatMap(({ pulls, runs }) => [
      ...pulls.map(({ requested }) => requested),
      ...runsInOrder(runs).flatMap(([, { created, image, started }]) => [image, created, started]),
    ])
    .filter((draft) => isObserved(draft) && isIn(draft?.best, changed, until))
    .reduce(
      (a, b) => (a?.best !== undefined && (b?.best === undefined || a.best <= b.best) ? a : b),
      undefined,
    )
}

function readyIn(
  facts: Facts,
  changed: Draft,
  until: bigint | undefined,
  sign: Draft | undefined,
): Draft | undefined {
  const shown = factsOf(facts, 'network ready').find(
    (fact) => isIn(shownAt(fact), changed, until) && isOfAnother(fact, changed, facts),
  )
  const stamps = [...(shown?.stamps ?? []), ...callIn(facts, changed, until)]
  if (stamps.length > 0) return combine('network ready', stamps, facts.clocks)
  return sign && unseen()
}

/** What a list shows may have been so since before. */
function isOfAnother({ stamps }: Fact, { best }: Draft, { clocks }: Facts): boolean {
  const { latest } = combine('network ready', stamps, clocks)
  return best === undefined || latest === undefined || latest > best
}

/** The end of the kubelet's own call for it. */
function callIn({ clocks, native }: Facts, changed: Draft, until: bigint | undefined): Stamp[] {
  if (!native) return []
  const call = callsNamed(native.evidence, 'RunPodSandbox', 'succeeded').find(({ end }) =>
    isIn(combine('network ready', [end], clocks).best, changed, until),
  )
  return call ? [call.end] : []
}

function failuresIn(facts: Facts, changed: Draft, until: bigint | undefined): OperationEvent[] {
  return numberFailures(factsOf(facts, 'sandbox failed'), 'sandbox failed', facts.clocks).flatMap(
    ({ draft: { best }, fact, number }) =>
      best === undefined || !isIn(best, changed, until)
        ? []
        : [
            {
              at: best,
              name: fact.detail?.reason ?? 'event',
              attributes: { 'podspan.reason': fact.detail?.message ?? '', 'podspan.count': number },
            },
          ],
  )
}
