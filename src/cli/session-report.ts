// Owns the report on one session: its verdict, how its objectives stand, where the time went, and which pods were slow or stuck.
// Promises lines no wider than asked for, the same words with and without colour, and the same picture while it runs and after.
// Does not judge: everything here stands in the session's status.

import type { UnixNano } from '../base/time.ts'
import type { TraceSession, TraceSessionStatus } from '../session/schema.ts'
import { ansi, type Paint, plain, toAscii } from './glyphs.ts'
import {
  ageText,
  conditionOf,
  countsText,
  isComplete,
  lengthText,
  objectiveText,
  phaseStyle,
  startupText,
  targetText,
} from './session-words.ts'
import { neutralise, padEnd, padStart, truncate, wrap } from './text.ts'
import type { Look } from './waterfall.ts'

interface Page {
  readonly session: TraceSession
  readonly status: TraceSessionStatus
  readonly paint: Paint
  readonly width: number
}

/** The report, with an end of line. */
export function drawSession(session: TraceSession, now: UnixNano, look: Look): string {
  const page: Page = {
    session,
    status: session.status ?? {},
    paint: look.colour ? ansi : plain,
    width: look.width,
  }
  const sections = [
    [...header(page, now), ...reason(page)],
    figures(page),
    objectives(page),
    operations(page),
    slowest(page),
    stuck(page),
    notes(page),
  ]
  const text = sections
    .filter((lines) => lines.length > 0)
    .map((lines) => lines.map((line) => `${line}\n`).join(''))
    .join('\n')
  return look.ascii ? toAscii(text) : text
}

function header({ session, status, paint, width }: Page, now: UnixNano): string[] {
  const phase = status.phase ?? 'Pending'
  const { namespace, name } = session.metadata
  const rest = `${neutralise(`${namespace}/${name}`, 300)}  ${targetText(session)}, ${ageText(session, now)}`
  return [`${paint(phaseStyle(phase), phase)}  ${truncate(rest, width - phase.length - 2)}`]
}

function reason({ session, width }: Page): string[] {
  const complete = conditionOf(session, 'Complete')
  const accepted = conditionOf(session, 'Accepted')
  const said = complete?.message ?? accepted?.message ?? 'Podspan has not looked at this session yet.'
  return wrap(neutralise(said), width, 4)
}

function figures({ session, status, width }: Page): string[] {
  const rows = [
    ['pods', status.pods && countsText(status.pods)],
    ['startup', startupText(status)],
    ['traces', tracesText(session, status.traces)],
  ] as const
  return rows.flatMap(([title, text]) => (text ? [truncate(padEnd(title, 11) + text, width)] : []))
}

function tracesText(session: TraceSession, traces: TraceSessionStatus['traces']): string {
  if (!traces) return ''
  if (traces.exported === 0 && conditionOf(session, 'Exporting')?.reason === 'NoExporter')
    return 'not sent: no exporter is configured'
  const words = [
    [traces.exported, 'exported'],
    [traces.sampledOut, 'sampled out'],
    [traces.dropped, 'dropped'],
    [traces.pending, 'still to be sent'],
  ] as const
  return words.flatMap(([count, word]) => (count === 0 ? [] : [`${count} ${word}`])).join(', ')
}

type Row = readonly [first: string, ...cells: string[]]

/** The first column takes what the others leave. */
function rowLine({ width }: Page, columns: readonly number[], [head, ...cells]: Row): string {
  const first = width - columns.reduce((sum, each) => sum + each, 0)
  const right = cells.map((cell, index) => padStart(cell, columns[index] ?? 0)).join('')
  return (padEnd(truncate(head, first - 1), first) + right).trimEnd()
}

const titleLine = (page: Page, columns: readonly number[], title: Row): string =>
  page.paint('bold', rowLine(page, columns, title))

function table(page: Page, columns: readonly number[], title: Row, rows: readonly Row[]): string[] {
  if (rows.length === 0) return []
  return [titleLine(page, columns, title), ...rows.map((row) => rowLine(page, columns, row))]
}

function objectives(page: Page): string[] {
  const { session, status } = page
  const standings = new Map((status.objectives ?? []).map((each) => [each.name, each]))
  const rows = (session.spec.objectives ?? []).map((objective): Row => {
    const standing = standings.get(objective.name)
    const isNamed = !objective.name.startsWith(`p${objective.percentile}`.replace('.', '-'))
    const name = isNamed ? ` (${objective.name})` : ''
    return [
      `${padEnd(standingText(page, standing?.met), 8)}${objectiveText(objective)}${name}`,
      lengthText(objective.threshold),
      lengthText(standing?.value),
      standing === undefined ? '' : `${standing.over} of ${standing.pods}`,
    ]
  })
  return table(page, [11, 11, 14], ['objectives', 'wanted', 'reached', 'over'], rows)
}

/** Before the end a pod that is still to come may change it. */
function standingText({ session }: Page, met: boolean | undefined): string {
  const isOver = isComplete(session)
  if (met === undefined) return isOver ? 'no pods' : 'open'
  return met ? (isOver ? 'met' : 'so far') : 'missed'
}

const OPERATIONS_MAX = 8

function operations(page: Page): string[] {
  const rows = (page.status.operations ?? [])
    .filter(({ sharePercent }) => sharePercent > 0)
    .slice(0, OPERATIONS_MAX)
    .map(
      ({ name, sharePercent, pods, p50, p99 }): Row => [
        neutralise(name, 60),
        sharePercent < 0.5 ? '<1 %' : `${Math.round(sharePercent)} %`,
        String(pods),
        lengthText(p50),
        lengthText(p99),
      ],
    )
  return table(page, [8, 8, 11, 11], ['where the time went', 'share', 'pods', 'p50', 'p99'], rows)
}

const SLOWEST = [11, 11] as const

function slowest(page: Page): string[] {
  const { status, width, paint } = page
  const starts = (status.slowest ?? []).flatMap(({ pod, outcome, startup, why, url, traceID }) => [
    rowLine(page, SLOWEST, [neutralise(pod, 320), lengthText(startup), neutralise(outcome, 16)]),
    ...wrap(neutralise(why), width - 2, 3).map((line) => `  ${line}`),
    // A link that is cut is none.
    `  ${paint('dim', url === undefined ? `trace ${neutralise(traceID, 32)}` : neutralise(url, 512))}`,
  ])
  return starts.length === 0 ? [] : [titleLine(page, SLOWEST, ['slowest', 'startup', 'ended']), ...starts]
}

const STUCK = [8, 8, 11] as const

function stuck(page: Page): string[] {
  const { status, width } = page
  const groups = (status.stuck ?? []).flatMap(
    ({ in: operation, reason: why, pods, nodes, oldest, example }) => {
      const said = `${why === undefined ? '' : `${why}; `}such as ${example}`
      return [
        rowLine(page, STUCK, [neutralise(operation, 60), String(pods), String(nodes), lengthText(oldest)]),
        ...wrap(neutralise(said), width - 2, 3).map((line) => `  ${line}`),
      ]
    },
  )
  return groups.length === 0
    ? []
    : [titleLine(page, STUCK, ['stuck in', 'pods', 'nodes', 'oldest']), ...groups]
}

/** What stands between the figures and the whole truth. */
function notes({ session, width }: Page): string[] {
  return (['Exporting', 'EvidenceComplete'] as const).flatMap((type) => {
    const condition = conditionOf(session, type)
    return condition?.status === 'False' && condition.reason !== 'NotAccepted'
      ? wrap(`Note: ${neutralise(condition.message)}`, width, 3)
      : []
  })
}
