// Owns a session's status as it is written: a picture of its state at one moment.
// Promises the bounds of schema-status.ts, pods.matched = the sum of the others, and traces = the finished pods.
// Does not decide anything.

import { formatRfc3339, milliseconds, parseRfc3339, type UnixNano } from '../base/time.ts'
import { currentSums } from './aggregate.ts'
import { conditionsOf, type View } from './conditions.ts'
import { formatDuration } from './duration.ts'
import { type Quantiles, valueAt } from './quantiles.ts'
import { publishedTotals } from './restore.ts'
import type { Phase, TraceSessionStatus } from './schema.ts'
import { LISTS } from './schema-status.ts'
import { finishedOf, type Session } from './state.ts'
import { groupStuck } from './stuck.ts'
import type { SlowStart, Sums } from './sums.ts'
import type { GoalStanding } from './verdict.ts'

export interface Links {
  readonly traceURLTemplate: string | undefined
}

const text = (ms: number): string => formatDuration(milliseconds(ms))
const clip = (words: string, max: number): string =>
  words.length > max ? `${words.slice(0, max - 1)}…` : words
const time = (at: UnixNano): string => formatRfc3339(at, 0)

export function statusOf(view: View, links: Links): TraceSessionStatus {
  const { session, goals, now } = view
  const sums = currentSums(session.aggregate, now)
  const { counts, fates } = publishedTotals(session)
  const starting = startingOf(session).length
  const longest = longestText(sums)
  const objective = objectiveText(session, goals)
  return {
    phase: phaseOf(session),
    observedGeneration: session.generation,
    startTime: session.restored?.startTime ?? time(session.accepted),
    ...(session.closing ? { closedTime: time(session.closing.at), closedBy: session.closing.reason } : {}),
    ...(session.completion ? { completionTime: time(session.completion.at) } : {}),
    asOf: formatRfc3339(now, 3),
    conditions: conditionsOf(view),
    pods: { matched: starting + finishedOf(counts), starting, ...counts },
    traces: fates,
    ...(sums.startup.count === 0 ? {} : { startup: startupOf(sums.startup) }),
    ...(longest === undefined ? {} : { longest }),
    ...(objective === undefined ? {} : { objective }),
    ...listed('objectives', goals.map(objectiveOf)),
    ...listed('operations', operationsOf(sums)),
    ...listed('revisions', revisionsOf(sums)),
    ...listed('images', imagesOf(sums)),
    ...listed(
      'slowest',
      sums.slowest.map((start) => slowOf(start, links)),
    ),
    ...listed(
      'stuck',
      groupStuck(waitingOf(session), now, ({ namespace, name }) =>
        podName(session.namespace, namespace, name),
      ),
    ),
  }
}

export const podName = (home: string, namespace: string, name: string): string =>
  clip(namespace === home ? name : `${namespace}/${name}`, 320)

/** In flight and not timed out for this session. */
const startingOf = ({ starting, timedOut, completion }: Session) =>
  completion ? [] : [...starting].filter(({ start }) => !timedOut.has(start.uid))

/** In flight. Those that have timed out for this session say, also when it is over, what the verdict rests on: their traces end later. */
const waitingOf = ({ starting, timedOut, completion }: Session) =>
  [...starting].map(({ start }) => start).filter(({ uid }) => !completion || timedOut.has(uid))

const listed = <K extends keyof TraceSessionStatus, V>(key: K, values: readonly V[]): { [key in K]?: V[] } =>
  (values.length === 0 ? {} : { [key]: values }) as { [key in K]?: V[] }

/** As it would be written now. */
export function phaseOf(session: Session): Phase {
  const { plan, completion, starting } = session
  if (plan.refused) return 'Error'
  if (completion) return completion.verdict
  const isMatched = starting.size > 0 || finishedOf(publishedTotals(session).counts) > 0
  return isMatched || plan.when === 'Never' ? 'Running' : 'Pending'
}

function startupOf(startup: Quantiles): NonNullable<TraceSessionStatus['startup']> {
  const at = (percentile: number): string => text(valueAt(startup, percentile) ?? 0)
  return { p50: at(50), p90: at(90), p99: at(99), max: text(startup.max) }
}

const quantilesOf = (values: Quantiles): { p50?: string; p99?: string } =>
  values.count === 0 ? {} : { p50: text(valueAt(values, 50) ?? 0), p99: text(valueAt(values, 99) ?? 0) }

function operationsOf({ operations, startupMs }: Sums): NonNullable<TraceSessionStatus['operations']> {
  return [...operations]
    .toSorted(([a, { criticalMs: x }], [b, { criticalMs: y }]) => y - x || (a < b ? -1 : 1))
    .slice(0, LISTS.operations)
    .map(([name, { spent, criticalMs }]) => ({
      name,
      pods: spent.count,
      ...quantilesOf(spent),
      sharePercent: percentOf(criticalMs, startupMs),
    }))
}

/** With one digit. */
const percentOf = (part: number, whole: number): number =>
  whole <= 0 ? 0 : Math.min(100, Math.round((part * 1000) / whole) / 10)

function longestText(sums: Sums): string | undefined {
  const [first] = operationsOf(sums)
  return first && first.sharePercent > 0 ? `${first.name} ${Math.round(first.sharePercent)} %` : undefined
}

function revisionsOf({ revisions }: Sums): NonNullable<TraceSessionStatus['revisions']> {
  return [...revisions]
    .toSorted(([a, { latest: x }], [b, { latest: y }]) => (x === y ? (a < b ? -1 : 1) : x > y ? -1 : 1))
    .slice(0, LISTS.revisions)
    .map(([revision, { startup, pods }]) => ({ revision, pods, ...quantilesOf(startup) }))
}

function imagesOf({ images }: Sums): NonNullable<TraceSessionStatus['images']> {
  return [...images]
    .toSorted(([a, { pullMs: x }], [b, { pullMs: y }]) => y - x || (a < b ? -1 : 1))
    .slice(0, LISTS.images)
    .map(([image, { pulls, cached, bytes }]) => ({
      image: clip(image, 256),
      pulls: pulls.count,
      cachedPercent: Math.round((cached * 100) / Math.max(1, cached + pulls.count)),
      ...(bytes === undefined ? {} : { bytes }),
      ...(pulls.count === 0 ? {} : { p99: text(valueAt(pulls, 99) ?? 0) }),
    }))
}

function slowOf(
  start: SlowStart,
  { traceURLTemplate }: Links,
): NonNullable<TraceSessionStatus['slowest']>[number] {
  const url = start.kept ? traceURLTemplate?.replaceAll('{traceID}', start.traceId) : undefined
  return {
    pod: start.pod,
    traceID: start.traceId,
    ...(url === undefined || url.length > 512 ? {} : { url }),
    outcome: start.ending,
    startup: text(start.startupMs),
    ...(start.longest === undefined ? {} : { longest: start.longest }),
    why: clip(start.why, 300),
  }
}

function objectiveOf({
  goal,
  tally,
  met,
  value,
}: GoalStanding): NonNullable<TraceSessionStatus['objectives']>[number] {
  return {
    name: goal.name,
    ...(value === undefined ? {} : { value }),
    ...(met === undefined ? {} : { met }),
    pods: tally.judged,
    over: tally.over,
  }
}

/** For the column: how the objectives stand in a few words. */
function objectiveText({ completion, plan }: Session, goals: readonly GoalStanding[]): string | undefined {
  if (goals.length === 0 || plan.refused) return undefined
  const missed = goals.filter(({ standing }) => standing === 'missed')
  const [first] = missed
  if (first) {
    const more = missed.length > 1 ? ` and ${missed.length - 1} more` : ''
    return clip(`missed: ${first.goal.name} ${first.value ?? ''} > ${first.goal.threshold}${more}`, 120)
  }
  if (completion) return completion.verdict === 'Passed' ? 'met' : 'inconclusive'
  const [shown] = goals.filter(({ met }) => met === false).concat(goals.filter(({ met }) => met === true))
  if (!shown) return 'no pods yet'
  return clip(
    `so far: ${shown.goal.name} ${shown.value ?? ''} ${shown.met ? '<=' : '>'} ${shown.goal.threshold}`,
    120,
  )
}

/** When a status was computed, as far as it says. */
export const asOfStatus = (status: TraceSessionStatus | undefined): UnixNano | undefined =>
  parseRfc3339(status?.asOf)
