// Owns the picture of two revisions side by side: what differs between them, and what got slower, by how much, from how many starts.
// Promises that a figure never stands without its number of starts, and nothing from the cluster unneutralised.
// Does not compare: src/rollout/compare.ts does.

import { milliseconds } from '../base/time.ts'
import {
  byOf,
  type Compared,
  type ComparedOperation,
  type Comparison,
  type ImageUse,
  type Outcomes,
  type Spread,
} from '../rollout/compare.ts'
import { ENOUGH } from '../rollout/rank-sum.ts'
import type { Rollout } from '../rollout/rollout.ts'
import { ansi, type Paint, plain, toAscii } from './glyphs.ts'
import { type Cell, type Column, drawColumns } from './table.ts'
import { formatDuration, formatShare, neutralise, padEnd, plural, truncate, wrap } from './text.ts'
import type { Look } from './waterfall.ts'

const ROWS_MAX = 12

/** Without an end of line. */
export function drawComparison(comparison: Comparison, look: Look): string {
  const paint = look.colour ? ansi : plain
  const lines = [
    ...header(comparison, look, paint),
    '',
    ...changes(comparison, look.width),
    '',
    ...table(comparison, look.width, paint),
    '',
    ...images(comparison, look.width, paint),
  ]
  const text = lines
    .map((line) => line.trimEnd())
    .join('\n')
    .replace(/\n{3,}/g, '\n\n')
    .trimEnd()
  return look.ascii ? toAscii(text) : text
}

const nameOf = ({ revision, hash }: Rollout): string =>
  `revision ${neutralise(revision ?? '', 80)}${hash === undefined || hash === revision ? '' : ` (${neutralise(hash, 80)})`}`

function header(comparison: Comparison, look: Look, paint: Paint): string[] {
  const { before, after } = comparison
  const title = `${neutralise(`${after.namespace}/${after.name}`, 200)}  ${after.kind}  ${nameOf(before)} → ${nameOf(after)}`
  return [paint('bold', truncate(title, look.width)), ...wrap(verdictOf(comparison), look.width, 4)]
}

/** One sentence, with how sure it is. */
export function verdictOf({ startup, operations, outcomes }: Comparison): string {
  const [a, b] = [startup.before?.count ?? 0, startup.after?.count ?? 0]
  const starts = `${a} and ${b} starts`
  if (startup.change === 'too few')
    return `${capital(tooFew(startup))}; ${starts}, of which a verdict needs ${ENOUGH} each.`
  const worse =
    badOf(outcomes.after) > badOf(outcomes.before)
      ? ` ${badOf(outcomes.after)} of the new starts failed.`
      : ''
  if (startup.change === 'not shown')
    return `No difference that ${starts} could show: ${between(startup)}.${worse}`
  const main = operations.find(({ change }) => change === startup.change)
  const most = main ? `; most of it ${main.name} (${signed(byOf(main))})` : ''
  return `Starts are ${signed(byOf(startup)).slice(1)} ${startup.change} (99 %: ${between(startup)}; ${starts})${most}.${worse}`
}

function tooFew({ before, after }: Compared): string {
  if (!before || !after)
    return `of ${before ? 'the new' : after ? 'the old' : 'neither'} revision no start could be read`
  return `the median went from ${duration(before.p50Ms)} to ${duration(after.p50Ms)}`
}

const capital = (text: string): string => text.slice(0, 1).toUpperCase() + text.slice(1)

const between = ({ shift }: Compared): string =>
  shift ? `from ${signed(shift.fromMs)} to ${signed(shift.toMs)}` : ''

const badOf = (outcomes: Outcomes): number =>
  (outcomes.failed ?? 0) + (outcomes.unstable ?? 0) + (outcomes.timeout ?? 0)

const duration = (ms: number): string => formatDuration(milliseconds(ms))
const signed = (ms: number): string => (ms < 0 ? `−${duration(-ms)}` : `+${duration(ms)}`)

/** What differs between the revisions themselves. */
function changes({ after, images: changed, lengthMs, before }: Comparison, width: number): string[] {
  const lines = changed.map(
    ({ container, before: old, after: now }) => `image of ${container}: ${old ?? 'none'} → ${now ?? 'none'}`,
  )
  const paths = after.cause.differences.map(({ path }) => path).filter((path) => !path.endsWith('.image'))
  const isNext = after.cause.kind === 'template' && paths.length > 0
  const template = isNext ? [`template of ${nameOf(after)}: ${paths.slice(0, 8).join(', ')}`] : []
  const isSeen = before.pods.length > 0 && after.pods.length > 0
  const rollouts = `rollouts: ${lengthOf(before, lengthMs.before)} → ${lengthOf(after, lengthMs.after)} (one of each)`
  return [...lines, ...template, ...(isSeen ? [rollouts] : [])].flatMap((line) =>
    wrap(neutralise(line), width, 3),
  )
}

const lengthOf = ({ outcome, pods }: Rollout, ms: number): string =>
  `${outcome === 'complete' ? '' : `${outcome} after `}${duration(ms)} for ${plural(pods.length, 'pod')}`

const COLUMNS: readonly Column[] = [
  { title: '', rank: 0, least: 14 },
  { title: 'before p50 / p90', align: 'right', rank: 2 },
  { title: 'after p50 / p90', align: 'right', rank: 3 },
  { title: 'shift', align: 'right', rank: 1 },
  { title: '', rank: 0 },
]
const LEGEND = 'operations by what they add to the critical path; shift: median of all differences'

function table(comparison: Comparison, width: number, paint: Paint): string[] {
  const { startup, operations } = comparison
  const shown = operations.slice(0, ROWS_MAX)
  const [heading = '', counts = '', ...rows] = drawColumns(
    COLUMNS,
    [
      ['', countOf(startup.before), countOf(startup.after)],
      row('startup', startup),
      ...shown.map((each) => row(`  ${each.name}`, each)),
    ],
    width,
    paint,
  )
  return [
    heading,
    paint('dim', counts),
    ...rows,
    ...(operations.length > shown.length
      ? [paint('dim', `… and ${operations.length - shown.length} more operations`)]
      : []),
    ...wrap(LEGEND, width, 3).map((line) => paint('dim', line)),
  ]
}

const countOf = (spread: Spread | undefined): string => `n = ${spread?.count ?? 0}`

function row(label: string, compared: Compared | ComparedOperation): Cell[] {
  const { before, after, change } = compared
  const by = before && after ? signed(byOf(compared)) : ''
  const style = change === 'slower' ? 'red' : change === 'faster' ? 'green' : 'dim'
  // Its indent is the label's own.
  const name = label.replace(/\S.*/, (words) => neutralise(words, 80))
  return [name, spreadText(before), spreadText(after), by, { text: change, style }]
}

const spreadText = (spread: Spread | undefined): string =>
  spread ? `${duration(spread.p50Ms)} / ${duration(spread.p90Ms)}` : '–'

function images({ uses }: Comparison, width: number, paint: Paint): string[] {
  const names = [...new Set([...uses.before, ...uses.after].map(({ image }) => image))]
  if (names.length === 0) return []
  const of = (all: readonly ImageUse[], image: string): ImageUse | undefined =>
    all.find((one) => one.image === image)
  return [
    paint('bold', 'images'),
    ...names.flatMap((image) => [
      `  ${truncate(neutralise(image), width - 2)}`,
      ...useLine('before', of(uses.before, image), width),
      ...useLine('after', of(uses.after, image), width),
    ]),
  ]
}

const LABEL = 12

function useLine(when: string, use: ImageUse | undefined, width: number): string[] {
  if (!use) return []
  const { starts, cached, pull, bytes } = use
  const pulled = pull ? `; pulled ${plural(pull.count, 'time')}, p50 ${duration(pull.p50Ms)}` : ''
  const size = bytes === undefined ? '' : `, ${(bytes / 1e6).toFixed(1)} MB`
  const said = `on the node already in ${formatShare(cached / starts)} of ${plural(starts, 'start')}${pulled}${size}`
  return wrap(said, width - LABEL, 3).map(
    (line, index) => ' '.repeat(4) + padEnd(index ? '' : when, 8) + line,
  )
}
