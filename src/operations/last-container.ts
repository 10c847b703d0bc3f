// Owns what only the last of a pod's containers decides: when all had started before Ready, and when all were over.
// Promises the latest of several moments, each known as far as it is, no surer than its surest rival allows.
// Does not tell a container's own runs: tell-history.ts does.

import type { UnixNano } from '../base/time.ts'
import type { Draft } from '../timeline/combine.ts'
import { orderDrafts } from '../timeline/order.ts'
import type { ContainerHistory } from './container-history.ts'
import type { Ending, Facts, Milestones } from './milestones.ts'
import { comesBefore, isObserved, type Plan } from './plan.ts'
import { planReport } from './readiness.ts'
import { runsInOrder } from './runs.ts'

/** When the last container had started before the pod was ready: the latest of several moments, each known as far as it is. */
export function allStarted(
  plan: Plan,
  histories: readonly ContainerHistory[],
  { containersReady, isListed, readyOnNode, readyStored }: Milestones,
): Draft | undefined {
  const before: Draft[] = []
  const surely: Draft[] = []
  for (const { runs } of histories)
    for (const [number, { started }] of runs) {
      if (!started || !isObserved(started) || !isBefore(started, readyStored)) continue
      before.push(started)
      if (!isListed || number === 0) surely.push(started)
      if (!isListed || number > 0) continue
      comesBefore(plan, started, containersReady)
      comesBefore(plan, started, readyOnNode)
    }
  if (before.length <= 1 && surely.length === before.length) return before[0]
  orderDrafts(plan.edges)
  const last = before.reduce((a, b) =>
    b.best !== undefined && (a.best === undefined || b.best >= a.best) ? b : a,
  )
  if (!surely.includes(last)) return lastOfSome(surely, last)
  const mayBeLater = before.filter((start) => start !== last && isLaterAtMost(start, last))
  return mayBeLater.length > 0 ? lastOf(plan, [...mayBeLater, last], last) : last
}

/** The first Ready that a list does not tell may have come before a later run: then it was the start of an earlier one that it waited for. */
const lastOfSome = (surely: readonly Draft[], last: Draft): Draft => ({
  ...last,
  earliest: surely.reduce<UnixNano | undefined>(
    (at, { earliest }) => (at === undefined || (earliest !== undefined && earliest > at) ? earliest : at),
    undefined,
  ),
})

/** Its containers ended it: of one that ran out of time, or may be restarted, the last exit need not be the end. */
export const endsByItself = ({ pod }: Facts, ending: Ending): boolean =>
  ending === 'completed' || (ending === 'failed' && pod.restartPolicy === 'Never' && !pod.reason)

/** A pod that ended without having been ready: the kubelet reports its phase when all is over. */
export function planEnd(
  plan: Plan,
  histories: readonly ContainerHistory[],
  { readyStored }: Milestones,
  end: Draft,
  phase: 'Failed' | 'Succeeded',
): void {
  const over = histories.flatMap(({ runs }) => [...runs.values()].flatMap(({ finished }) => finished ?? []))
  const known = over.filter((one) => isObserved(one) && isBefore(one, end))
  if (readyStored || known.length === 0 || histories.some(isRunning)) return
  orderDrafts(plan.edges)
  const last = known.reduce((a, b) => ((b.best ?? 0n) >= (a.best ?? 0n) ? b : a))
  const mayBeLater = known.filter((one) => one !== last && isLaterAtMost(one, last))
  planReport(plan, mayBeLater.length > 0 ? lastOf(plan, [...mayBeLater, last], last) : last, end, phase)
}

/** What began and was not seen to end: a pod of a lost node, or one that was killed whole. */
const isRunning = ({ runs }: ContainerHistory): boolean => {
  const last = runsInOrder(runs).at(-1)?.[1]
  return last?.started !== undefined && !last.finished && !last.failed
}

const isLaterAtMost = (start: Draft, last: Draft): boolean =>
  last.latest !== undefined && (start.latest === undefined || start.latest > last.latest)

/** The latest of these, which is likely the one given. */
function lastOf(plan: Plan, starts: readonly Draft[], likely: Draft): Draft {
  const latest = starts.map((start) => start.latest)
  const isOpen = latest.includes(undefined)
  const end: Draft = {
    ...likely,
    latest: isOpen
      ? undefined
      : latest.reduce((a, b) => (a !== undefined && b !== undefined && b > a ? b : a)),
  }
  for (const start of starts) comesBefore(plan, start, end)
  return end
}

const isBefore = ({ best }: Draft, limit: Draft | undefined): boolean =>
  limit?.latest === undefined || best === undefined || best <= limit.latest

/** Dated to a second only, with nothing finer to tell where in it. */
export const isVague = (started: Draft, histories: readonly ContainerHistory[]): boolean =>
  started.rank >= OF_SECOND &&
  !histories.some(({ runs }) =>
    [...runs.values()].some((run) => run.started === started && run.created && run.created.rank < OF_SECOND),
  )

/** The rank of whole seconds (weight.ts). */
const OF_SECOND = 5

/** Whether anything but the containers' starts had a say in Ready. A hook has one only in the last container: the others' are over before. */
export const isProbed = (histories: readonly ContainerHistory[]): boolean =>
  histories.some(({ spec }) => spec.readinessProbe || spec.startupProbe) ||
  (histories.at(-1)?.spec.postStart ?? false)
