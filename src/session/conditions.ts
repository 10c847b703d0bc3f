// Owns the conditions of a session: what each says, and since when.
// Promises that lastTransitionTime moves only when the status of a condition does.
// ObjectiveMet is True only once the session is complete: a standing one is never, and says how it stands in its message.

import { add, formatRfc3339, type UnixNano } from '../base/time.ts'
import { CREATORS_KEY } from '../base/trace-context.ts'
import type { Condition } from './schema.ts'
import { currentSums } from './aggregate.ts'
import { formatDuration } from './duration.ts'
import { publishedTotals } from './restore.ts'
import type { Session } from './state.ts'
import { finishedOf } from './state.ts'
import { type GoalStanding, goalText, missText } from './verdict.ts'

export interface Said {
  readonly status: 'True' | 'False' | 'Unknown'
  readonly reason: string
  readonly message: string
}

const MESSAGE_MAX = 800
const plural = (count: number, one: string): string => `${count} ${one}${count === 1 ? '' : 's'}`

const yes = (reason: string, message: string): Said => ({ status: 'True', reason, message })
const no = (reason: string, message: string): Said => ({ status: 'False', reason, message })
const unknown = (reason: string, message: string): Said => ({ status: 'Unknown', reason, message })

export interface View {
  readonly session: Session
  readonly goals: readonly GoalStanding[]
  readonly exporters: readonly string[]
  readonly now: UnixNano
}

/** All conditions in the order in which they are read. */
export function conditionsOf(view: View): Condition[] {
  const { session, now } = view
  const said: readonly (readonly [type: string, said: Said])[] = [
    ['Accepted', accepted(view)],
    ['Exporting', exporting(view)],
    ['EvidenceComplete', evidenceComplete(view)],
    ['ObjectiveMet', objectiveMet(view)],
    ['Complete', complete(view)],
  ]
  return said.map(([type, { status, reason, message }]) => {
    const before = session.conditions.find((one) => one.type === type)
    return {
      type,
      status,
      observedGeneration: session.generation,
      lastTransitionTime: before?.status === status ? before.lastTransitionTime : formatRfc3339(now, 0),
      reason,
      message: message.length > MESSAGE_MAX ? `${message.slice(0, MESSAGE_MAX - 1)}…` : message,
    }
  })
}

const accepted = ({ session: { carried, plan } }: View): Said =>
  plan.refused
    ? no(plan.refused.reason, plan.refused.message)
    : yes('Accepted', `The session ${whatOf(plan)}.${contextOf(carried)}`)

/** Who annotated it looks for links that are not there. */
const contextOf = ({ context, malformed }: Session['carried']): string =>
  context === undefined && malformed > 0
    ? ` Its annotation ${CREATORS_KEY} or the older one holds no trace context: starts are not linked to it.`
    : ''

function whatOf({ when, timeout, minPods, pods }: Session['plan']): string {
  const target = pods.target ? `${pods.target.kind}/${pods.target.name}` : 'the pods it selects'
  const within = timeout === undefined ? '' : ` within ${formatDuration(timeout)}`
  switch (when) {
    case 'Never':
      return `judges ${target} until it is deleted`
    case 'Duration':
      return `judges ${target}${within}`
    case 'PodCount':
      return `waits for ${minPods} pods of ${target}${within}`
    case 'RolloutComplete':
      return `waits for the rollout of ${target}${within}`
  }
}

function exporting({ session, exporters }: View): Said {
  const { plan, completion } = session
  if (plan.refused) return no('NotAccepted', 'The session was not accepted.')
  if (exporters.length === 0)
    return no('NoExporter', 'No exporter is configured: the session judges, and exports no traces.')
  if (!exporters.includes(plan.exporter))
    return no('UnknownExporter', `There is no exporter ${plan.exporter}; there are: ${exporters.join(', ')}.`)
  if (plan.suspend) return no('Suspended', 'The session is suspended.')
  const { fates } = publishedTotals(session)
  const text = `${fates.exported} exported, ${fates.sampledOut} sampled out, ${fates.dropped} dropped, ${fates.pending} pending.`
  if (completion && fates.pending === 0) return yes('Exported', `To ${plan.exporter}: ${text}`)
  return yes('Exporting', `To ${plan.exporter}.`)
}

function evidenceComplete({ session, now }: View): Said {
  const { counts, lostGood, lostBad } = publishedTotals(session)
  const lost = lostGood + lostBad
  const { incomplete, told } = currentSums(session.aggregate, now)
  if (lost > 0 && !hasPassed(session, now))
    return no(
      'Rebuilt',
      `Podspan was restarted: the counts hold ${plural(lost, 'pod')} that could not be read again for percentiles and lists.`,
    )
  if (session.lost > 0)
    return no(
      'PodsVanished',
      `${plural(session.lost, 'pod')} in flight vanished without an end that anybody saw, and count for nothing.`,
    )
  if (session.backfill.state === 'done' && session.backfill.missing !== undefined)
    return no('BackfillIncomplete', `Of earlier pods: ${session.backfill.missing}.`)
  if (finishedOf(counts) === 0) return unknown('NoPods', 'No pod has finished starting.')
  if (incomplete > 0)
    return no(
      'EvidenceMissing',
      `${incomplete} of ${plural(told, 'trace')} lack some evidence and are coarser: see podspan.evidence.missing on them.`,
    )
  if (session.restored)
    return yes(
      'Rebuilt',
      lost > 0
        ? 'Podspan was restarted longer ago than the window reaches back.'
        : 'Podspan was restarted, and all pods of this session were read again.',
    )
  return yes('Complete', `All evidence of ${plural(told, 'trace')} was seen.`)
}

/** What a restart has lost of a standing session leaves its window in time. */
const hasPassed = ({ plan, accepted: from }: Session, now: UnixNano): boolean =>
  plan.window !== undefined && now >= add(from, plan.window)

function objectiveMet({ session, goals }: View): Said {
  const { completion, plan } = session
  if (plan.refused) return unknown('NotAccepted', 'The session was not accepted.')
  if (completion) {
    if (completion.verdict === 'Passed')
      return yes(goals.length === 0 ? 'NoObjectives' : 'Met', completion.message)
    if (completion.verdict === 'Failed') return no('Missed', completion.message)
    return unknown('Inconclusive', completion.message)
  }
  if (goals.length === 0) return unknown('NoObjectives', 'The session has no objectives.')
  const missed = goals.filter(({ standing }) => standing === 'missed')
  if (missed.length > 0) return no('Missed', `${missed.map(missText).join('; ')}.`)
  const counted = goals.filter(({ tally }) => tally.judged > 0)
  if (counted.length === 0) return unknown('NoPods', 'No pod has finished starting.')
  const how = `${counted.map(goalText).join('; ')}.`
  return plan.when === 'Never'
    ? unknown('WithinObjectives', `In the last window ${how}`)
    : unknown('Undecided', `So far ${how}`)
}

function complete({ session }: View): Said {
  const { completion, plan, closing, starting, rollout } = session
  if (plan.refused) return yes('NotAccepted', plan.refused.message)
  if (completion) return yes(completion.reason, completion.message)
  if (plan.when === 'Never') return no('StandingSession', 'A standing session judges until it is deleted.')
  if (closing)
    return no('WaitingForStarts', `No new pods are taken; ${starting.size} in flight run to their end.`)
  if (plan.suspend) return no('Suspended', 'The session is suspended; its timeout goes on.')
  if (plan.when !== 'RolloutComplete') return no('Running', `The session ${whatOf(plan)}.`)
  const target = plan.pods.target ? `${plan.pods.target.kind}/${plan.pods.target.name}` : ''
  return rollout === undefined
    ? no('WaitingForTarget', `${target} was not found yet.`)
    : no('WaitingForRollout', `${target}: ${rollout.progress}.`)
}
