// Owns how a session's objectives stand, and its verdict once it is over.
// Promises no verdict that a pod which is still to come could change, and no pass on evidence that a restart has lost.
// Does not say when a session is over (completion.ts).

import { SECOND, type DurationNano, type UnixNano } from '../base/time.ts'
import { currentSums } from './aggregate.ts'
import { formatDuration } from './duration.ts'
import { emptyTally, isMetSoFar, judge, type Standing, type Tally } from './objective.ts'
import type { Goal } from './plan.ts'
import { nearestRank, valueAtRank } from './quantiles.ts'
import { publishedTotals } from './restore.ts'
import type { CloseReason, Session, Verdict } from './state.ts'
import type { Sums } from './sums.ts'
import { milliseconds } from '../base/time.ts'

export interface GoalStanding {
  readonly goal: Goal
  readonly tally: Tally
  readonly standing: Standing
  readonly met: boolean | undefined
  /** The pods' value at the percentile; `never` where it lies among those that failed. */
  readonly value: string | undefined
}

/** Until then pods that were created before the closing may still be told for the first time: watch lag, and evidence settling. */
export const settledAfter = (at: UnixNano, settle: DurationNano): UnixNano =>
  (at + settle + 2n * SECOND) as UnixNano

export function standings(session: Session, now: UnixNano, settle: DurationNano): GoalStanding[] {
  const sums = currentSums(session.aggregate, now)
  const { lostGood, lostBad } = publishedTotals(session)
  // A window judges what ended in it; what a restart has lost of it is said in EvidenceComplete only.
  const isStanding = session.plan.when === 'Never'
  const undecided = isStanding ? 0 : session.starting.size - timedOutAmong(session) + lostGood
  return session.plan.goals.map((goal) => {
    const counted = sums.tallies.get(goal.key) ?? emptyTally()
    const lost = isStanding ? 0 : lostBad
    const tally = { judged: counted.judged + lost, over: counted.over + lost }
    return {
      goal,
      tally,
      standing: judge(tally, goal.percentile, {
        undecided,
        more: !isStanding && mayGrow(session, now, settle),
      }),
      met: isMetSoFar(tally, goal.percentile),
      value: valueOf(goal, tally, sums, lost),
    }
  })
}

const timedOutAmong = ({ starting, timedOut }: Session): number => {
  if (timedOut.size === 0) return 0
  let among = 0
  for (const { start } of starting) if (timedOut.has(start.uid)) among += 1
  return among
}

function mayGrow({ closing, backfill }: Session, now: UnixNano, settle: DurationNano): boolean {
  return closing === undefined || backfill.state !== 'done' || now < settledAfter(closing.at, settle)
}

function valueOf(
  { operation, percentile, thresholdMs }: Goal,
  tally: Tally,
  sums: Sums,
  lost: number,
): string | undefined {
  const pods = sums.startup.count + sums.bad + lost
  if (pods === 0) return undefined
  const rank = nearestRank(percentile, pods)
  if (rank > sums.startup.count) return 'never'
  const value = operation === undefined ? valueAtRank(sums.startup, rank) : spentAtRank(sums, operation, rank)
  if (value === undefined) return undefined
  // The sketch is within 1 %; the count is exact, and the two should not contradict each other.
  const isMet = isMetSoFar(tally, percentile)
  const shown = isMet ? Math.min(value, thresholdMs) : Math.max(value, thresholdMs)
  return formatDuration(milliseconds(shown))
}

/** Pods that did not need the operation spent nothing in it. */
function spentAtRank({ startup, goodSpent }: Sums, operation: string, rank: number): number | undefined {
  const spent = goodSpent.get(operation)
  const without = startup.count - (spent?.count ?? 0)
  return rank <= without || !spent ? 0 : valueAtRank(spent, rank - without)
}

export const goalText = (standing: GoalStanding): string =>
  standing.value === 'never' ? missText(standing) : reachedText(standing)

const reachedText = ({ goal, value }: GoalStanding): string =>
  `${goal.name}: ${goal.percentile} % of the pods ${goal.operation ? `spent at most ${value ?? '?'} in ${goal.operation}` : `took at most ${value ?? '?'}`}, wanted ${goal.threshold}`

/** Without `never` in a sentence about lengths. */
export const missText = ({ goal, value, tally }: GoalStanding): string =>
  value === 'never'
    ? `${goal.name}: ${tally.over} of ${plural(tally.judged)} failed or took longer than ${goal.threshold}`
    : `${goal.name}: ${goal.percentile} % took ${value ?? 'longer'}, wanted ${goal.threshold} (${tally.over} of ${plural(tally.judged)} over it)`

export interface Judgement {
  readonly verdict: Verdict
  readonly reason: string
  readonly message: string
}

const CLOSED: Readonly<Record<CloseReason, string>> = {
  RolloutComplete: 'The rollout is complete',
  RolloutFailed: 'The rollout has failed',
  DurationReached: 'The time is over',
  PodCountReached: 'The number of pods is reached',
  Timeout: 'The timeout was reached',
}

/** What a session that is over comes to. */
export function judgeSession(
  session: Session,
  goals: readonly GoalStanding[],
  reason: CloseReason,
): Judgement {
  const { counts } = publishedTotals(session)
  const judged = counts.ready + counts.completed + counts.failed + counts.unstable + counts.timedOut
  const inconclusive = (message: string): Judgement => ({ verdict: 'Inconclusive', reason, message })
  const missed = goals.filter(({ standing }) => standing === 'missed')
  if (judged === 0)
    return inconclusive(
      `${CLOSED[reason]}${failedText(session)}; no pod was started meanwhile. Set backfill where pods are older than the session.`,
    )
  if (missed.length > 0)
    return {
      verdict: 'Failed',
      reason,
      message: `${CLOSED[reason]}; missed ${missed.map(missText).join('; ')}.`,
    }
  if (reason === 'RolloutFailed' || reason === 'Timeout')
    return inconclusive(`${CLOSED[reason]}${failedText(session)}, after ${plural(judged)}.`)
  if (judged < session.plan.minPods)
    return inconclusive(`${CLOSED[reason]} after ${plural(judged)}, and minPods is ${session.plan.minPods}.`)
  if (goals.some(({ standing }) => standing !== 'met'))
    return inconclusive(`${CLOSED[reason]}, but a restart of Podspan lost pods that could decide it.`)
  const said = goals.length === 0 ? `${plural(judged)}, no objective` : goals.map(goalText).join('; ')
  return { verdict: 'Passed', reason, message: `${CLOSED[reason]}; ${said}.` }
}

const plural = (pods: number): string => `${pods} pod${pods === 1 ? '' : 's'}`

const failedText = ({ rollout }: Session): string => {
  const why = rollout?.failed ?? rollout?.progress
  return why === undefined ? '' : ` (${why})`
}
