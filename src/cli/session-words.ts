// Owns the words for a session's status that its report, its progress and the list of sessions share.
// Promises that nothing of a status reaches the screen unneutralised. Does not lay out.

import type { DurationNano, UnixNano } from '../base/time.ts'
import { parseRfc3339, since } from '../base/time.ts'
import { parseDuration } from '../session/duration.ts'
import type { Condition, Objective, Phase, TraceSession, TraceSessionStatus } from '../session/schema.ts'
import type { Style } from './glyphs.ts'
import { formatDuration, neutralise, plural } from './text.ts'

type Pods = NonNullable<TraceSessionStatus['pods']>

/** In the order in which they are read; the first is what is still open. */
const ENDINGS: readonly (readonly [key: Exclude<keyof Pods, 'matched'>, words: string])[] = [
  ['starting', 'starting'],
  ['ready', 'ready'],
  ['completed', 'completed'],
  ['unstable', 'unstable'],
  ['failed', 'failed'],
  ['timedOut', 'timed out'],
  ['deleted', 'deleted'],
]

/** `20: 3 starting, 16 ready, 1 failed`. */
export function countsText(pods: Pods): string {
  const parts = ENDINGS.flatMap(([key, words]) => (pods[key] === 0 ? [] : [`${pods[key]} ${words}`]))
  return parts.length === 0 ? 'none' : `${pods.matched}: ${parts.join(', ')}`
}

/** A length as the status has it (`12.4s`) in the words of this command line (`12.4 s`); what is none stays. */
export function lengthText(text: string | undefined): string {
  if (text === undefined) return ''
  const length = parseDuration(text)
  return length === undefined ? neutralise(text, 20) : formatDuration(length)
}

export function startupText({ startup }: TraceSessionStatus): string | undefined {
  const parts = (['p50', 'p90', 'p99', 'max'] as const).flatMap((key) =>
    startup?.[key] === undefined ? [] : [`${key} ${lengthText(startup[key])}`],
  )
  return parts.length === 0 ? undefined : parts.join('   ')
}

/** `Deployment/checkout`. */
export function targetText({ spec }: TraceSession): string {
  if (spec.targetRef) return neutralise(`${spec.targetRef.kind}/${spec.targetRef.name}`, 200)
  const selector = spec.podSelector
  if (!selector) return spec.namespaceSelector ? 'all pods of the namespaces it selects' : 'all pods'
  const labels = Object.entries(selector.matchLabels ?? {}).map(([key, value]) => `${key}=${value}`)
  const more = selector.matchExpressions?.length ?? 0
  const conditions = more > 0 ? [plural(more, 'condition')] : []
  return `pods with ${neutralise([...labels, ...conditions].join(', '), 200)}`
}

export const conditionOf = ({ status }: TraceSession, type: Condition['type']): Condition | undefined =>
  status?.conditions?.find((each) => each.type === type)

/** A session has not been looked at while its status is of an older spec. */
export const isComplete = (session: TraceSession): boolean =>
  conditionOf(session, 'Complete')?.status === 'True'

export const objectiveText = ({ percentile, operation }: Objective): string =>
  `p${percentile} ${operation ?? 'startup'}`

/** Since it was created, up to its end. */
export function ageOf({ metadata, status }: TraceSession, now: UnixNano): DurationNano | undefined {
  const from = parseRfc3339(metadata.creationTimestamp)
  const to = parseRfc3339(status?.completionTime) ?? now
  if (from === undefined) return undefined
  return to > from ? since(to, from) : (0n as DurationNano)
}

/** `3 m 20 s`, or nothing where it cannot be told. */
export function ageText(session: TraceSession, now: UnixNano): string {
  const age = ageOf(session, now)
  // A creationTimestamp has whole seconds.
  return age === undefined ? '' : formatDuration(((age / 1_000_000_000n) * 1_000_000_000n) as DurationNano)
}

const STYLES: Partial<Record<Phase, Style>> = {
  Passed: 'green',
  Failed: 'red',
  Error: 'red',
  Inconclusive: 'yellow',
}

export const phaseStyle = (phase: Phase | undefined): Style => (phase && STYLES[phase]) ?? 'bold'
