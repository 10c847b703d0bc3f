// Owns what of the evidence of a start is missing, in words.
// Promises to name what the status shows and no event told, and what of the pod's versions was not seen. What neither shows nobody can miss: a failure
// to make a sandbox or to mount a volume is known by its events alone.

import type { Stamp } from '../base/stamp.ts'
import type { UnixNano } from '../base/time.ts'
import type { Draft } from '../timeline/combine.ts'
import type { PodTimeline } from '../timeline/pod-timeline.ts'
import type { ContainerHistory } from './container-history.ts'
import { type Facts, factsOf } from './milestones.ts'
import { isObserved } from './plan.ts'
import { type Run, runsInOrder } from './runs.ts'
import { NOT_CREATED, NOT_PULLED } from './shown-failures.ts'

export interface Told {
  readonly timeline: PodTimeline
  readonly facts: Facts
  readonly histories: readonly ContainerHistory[]
  readonly isReady: boolean
  /** The Ready that is known of is a later one. */
  readonly isAgain: boolean
  /** When the start was over: what began later is no part of it. */
  readonly end: UnixNano
}

export function findMissing({ timeline, facts, histories, isReady, isAgain, end }: Told): string[] {
  const missing: string[] = []
  if (isAgain) missing.push('the first Ready: it has turned since')
  if (timeline.gap) missing.push('the watch had a gap')
  if (timeline.isThinned) missing.push('versions of the pod')
  if (timeline.isPickedUp) missing.push('the pod was created before we watched')
  if (isUnscheduled(facts) && factsOf(facts, 'scheduling failed').length === 0)
    missing.push('no FailedScheduling event')
  for (const history of histories) {
    missing.push(...missingRuns(history, isReady, end), ...missingFailures(history, facts))
  }
  return [...new Set(missing)]
}

/** Whether some of what is missing are events, which expire after an hour, and not what the watch did not see. */
export const namesEvents = (missing: readonly string[]): boolean =>
  missing.some((one) => /^no (\S.* )?event( of |$)/.test(one))

const isUnscheduled = ({ pod }: Facts): boolean =>
  pod.conditions?.some(({ type, reason }) => type === 'PodScheduled' && reason === 'Unschedulable') ?? false

function missingRuns({ spec, runs }: ContainerHistory, isReady: boolean, end: UnixNano): string[] {
  const told = runsInOrder(runs).filter(([, run]) => (beginOf(run) ?? end) <= end)
  if (told.length === 0) return isReady ? [`nothing of ${spec.name}`] : []
  const missing: string[] = []
  for (const [number, run] of told) {
    const kinds = lacking(run)
    const whose = number === 0 ? spec.name : `a restart of ${spec.name}`
    if (kinds.length > 0) missing.push(`no ${kinds.join(', ')} event of ${whose}`)
  }
  // Of those before the last, the status keeps one.
  const last = told.at(-1)?.[0] ?? 0
  if (last >= told.length) missing.push(`nothing of earlier runs of ${spec.name}`)
  return missing
}

const beginOf = ({ created, finished, started }: Run): UnixNano | undefined =>
  [created, started, finished].find(isObserved)?.best

/** Which of the events that its kubelet records of each run were not seen. */
function lacking({ created, failed, image, started }: Run): string[] {
  const kinds: string[] = []
  if (started && !isTold(started)) kinds.push('Started')
  if ((started ?? failed) && !isObserved(created)) kinds.push('Created')
  if ((created ?? started ?? failed) && !isObserved(image)) kinds.push('Pulled')
  return kinds
}

/** By an event or the component's own span, and not by the status alone. */
const isTold = ({ stamps }: Draft): boolean => stamps.some(isOfEvent)

const isOfEvent = ({ source }: Stamp): boolean => source.startsWith('event-') || source === 'native-span'

/** Failures that the status shows while they are waited for, and that no event told of. */
function missingFailures(
  { spec, waiting, pulls, failedCreates, runs }: ContainerHistory,
  facts: Facts,
): readonly string[] {
  if (waiting.length === 0) return NONE
  const missing: string[] = []
  const shows = (reasons: RegExp): boolean => waiting.some(({ detail }) => reasons.test(detail?.reason ?? ''))
  const isPullTold = pulls.some(({ ended, failed }) => failed && ended && isTold(ended))
  const isVolumeTold = factsOf(facts, 'pull failed').some(({ container }) => container === undefined)
  if (shows(NOT_PULLED) && !isPullTold && !isVolumeTold)
    missing.push(`no event of a failed pull for ${spec.name}`)
  const isTriedTold = failedCreates.some(({ at }) => isTold(at))
  if (shows(NOT_CREATED) && !isTriedTold) missing.push(`no event of a failure to create ${spec.name}`)
  const isStartTold = isTriedTold || [...runs.values()].some(({ failed }) => failed && isTold(failed.at))
  if (shows(NOT_STARTED) && !isStartTold) missing.push(`no event of a failure to start ${spec.name}`)
  return missing
}

const NONE: readonly string[] = []
const NOT_STARTED = /^RunContainerError$/
