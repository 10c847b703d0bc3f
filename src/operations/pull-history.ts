// Owns what the events tell of one container's image pulls: when each was asked for, when the runtime began, how it ended.
// Promises one pull for each, whichever of its events was lost. Does not say which run a pull was for: tell-history.ts does.

import type { Stamp } from '../base/stamp.ts'
import { durationNano, milliseconds, SECOND } from '../base/time.ts'
import type { Detail } from '../observe/observation.ts'
import { type Clocks, combine, type Draft, unseen } from '../timeline/combine.ts'
import type { Fact } from '../timeline/facts.ts'
import type { Boundary } from '../timeline/weight.ts'
import { inOrder } from './occurrences.ts'
import type { FailedCreate, Run } from './runs.ts'

export interface Pull {
  readonly requested: Draft
  /** When the runtime began, where the event tells it. */
  transfer: Draft | undefined
  ended: Draft | undefined
  failed: string | undefined
  detail: Detail | undefined
  /** What the image was for, where events tell: with policy Always, each run has its own pull. */
  attempt: Run | FailedCreate | undefined
}

/** Two reports of one failure come within this; a pull that failed is tried again no sooner than after the kubelet's back-off of 10 s. */
export const SAME_FAILURE = durationNano(SECOND * 5n)

export const beginPull = (pulls: Pull[], requested: Draft, detail: Detail | undefined): void =>
  void pulls.push(newPull(requested, detail))

const newPull = (requested: Draft, detail: Detail | undefined): Pull => ({
  requested,
  transfer: undefined,
  ended: undefined,
  failed: undefined,
  detail,
  attempt: undefined,
})

/** It has not ended, and what it was for has not come yet. */
const isUnderWay = (pull: Pull | undefined): pull is Pull =>
  pull !== undefined && pull.ended === undefined && pull.attempt === undefined

/** The last one, if it has not ended; else another one, whose request was not seen. */
function pullUnderWay(pulls: Pull[], detail: Detail | undefined): Pull {
  const last = pulls.at(-1)
  if (isUnderWay(last)) return last
  const pull = newPull(unseen(), detail)
  pulls.push(pull)
  return pull
}

/** `failedAt`: where the last failure stands in the container's order; returns where this one does. */
export function failPull(
  pulls: Pull[],
  fact: Fact,
  at: Draft,
  key: bigint,
  failedAt: bigint | undefined,
): bigint {
  const isOpen = isUnderWay(pulls.at(-1))
  // The second, shorter report of a failure already told ("Error: ErrImagePull").
  if (!isOpen && failedAt !== undefined && key - failedAt < SAME_FAILURE) return failedAt
  const pull = pullUnderWay(pulls, fact.detail)
  pull.ended = at
  pull.failed = fact.detail?.message ?? fact.detail?.reason ?? 'image pull failed'
  return key
}

export function endPull(pulls: Pull[], fact: Fact, at: Draft, clocks: Clocks): void {
  const { detail } = fact
  const pull = pullUnderWay(pulls, detail)
  pull.ended = at
  pull.detail = { ...pull.detail, ...detail }
  if (detail?.pull !== undefined)
    pull.transfer = before(fact, detail.pull + recordedLate(fact, pull.requested), 'transfer began', clocks)
  if (detail?.withWaiting !== undefined && !pull.requested.stamps.some(isFine)) {
    const asked = before(fact, detail.withWaiting, 'wait began', clocks)
    const stamps = [...asked.stamps, ...pull.requested.stamps]
    Object.assign(pull.requested, combine('wait began', stamps, clocks))
  }
}

const isFine = ({ source }: Stamp): boolean => source === 'event-name'

/** Both durations of the message are cut to milliseconds, and the kubelet takes some to begin. */
const USUAL_LATE = milliseconds(2)

/** A kubelet without a core to spare records the end of a pull later than its message counts, from when the pull was asked for. */
function recordedLate({ detail, stamps }: Fact, requested: Draft): bigint {
  const [ended, asked] = [stamps.find(isFine), requested.stamps.find(isFine)]
  if (!ended || !asked || ended.clock !== asked.clock || detail?.withWaiting === undefined) return 0n
  const late = ended.at - asked.at - detail.withWaiting
  return late > USUAL_LATE ? late : 0n
}

/** The moment that lies a stated duration before an event. */
function before(fact: Fact, by: bigint, boundary: Boundary, clocks: Clocks): Draft {
  const ended = fact.stamps.find(isFine)
  if (!ended) return unseen()
  // Field by field: a stamp out of the fact log computes what it is asked for, and a spread would not copy that.
  const stamp: Stamp = {
    source: 'pull-duration',
    at: (ended.at - by) as Stamp['at'],
    clock: ended.clock,
    resolution: ended.resolution,
    receivedAt: ended.receivedAt,
    evidence: { ...ended.evidence, field: 'message', raw: fact.detail?.message ?? '' },
  }
  return combine(boundary, [stamp], clocks)
}

/** The pulls of one image that belong to no container, in the order of their facts. */
export function tellPulls(facts: readonly Fact[], clocks: Clocks): Pull[] {
  const pulls: Pull[] = []
  let failedAt: bigint | undefined
  for (const { fact, key } of inOrder(facts, clocks)) {
    const at = combine(fact.what, fact.stamps, clocks)
    if (fact.what === 'pulling') beginPull(pulls, at, fact.detail)
    else if (fact.what === 'pulled') endPull(pulls, fact, at, clocks)
    else failedAt = failPull(pulls, fact, at, key, failedAt)
  }
  return pulls
}
