// Owns what `top` prints: a table with the slowest start of each workload below it, or one `top/v1` document.
// Promises lines no wider than asked for, what is left out counted, and nothing from the cluster unneutralised.
// Does not rank.

import { type DurationNano, formatRfc3339, since, toMilliseconds, type UnixNano } from '../base/time.ts'
import { ansi, type Paint, plain, type Style, toAscii } from './glyphs.ts'
import type { ProgramName } from './invoked.ts'
import { type Cell, type Column, drawColumns } from './table.ts'
import { formatDuration, formatShare, neutralise, plural, wrap } from './text.ts'
import type { Length, RankedWorkload, Sort } from './top-rank.ts'
import type { Look } from './waterfall.ts'

export interface Top {
  readonly time: UnixNano
  readonly since: UnixNano
  readonly context: string
  /** All, where it is absent. */
  readonly namespace?: string
  readonly sort: Sort
  readonly workloads: readonly RankedWorkload[]
  /** Starts that were too many to rank. */
  readonly left: number
}

const WHY_LINES = 2
const INDENT = '    '

export interface TopLook extends Look {
  readonly program: ProgramName
}

export function drawTop(top: Top, limit: number, look: TopLook): string {
  const paint = look.colour ? ansi : plain
  const shown = top.workloads.slice(0, limit)
  const [heading = '', ...rows] = drawColumns(
    columnsOf(top),
    shown.map((one) => cellsOf(one, top.namespace)),
    look.width,
    paint,
  )
  const lines = [
    ...wrap(titleOf(top), look.width, 3),
    '',
    heading,
    ...rows.flatMap((row, index) => [row, ...why(shown[index], look.width, paint)]),
    ...footer(top, shown.length, look).map((line) => paint('dim', line)),
  ]
  const text = lines.map((line) => `${line}\n`).join('')
  return look.ascii ? toAscii(text) : text
}

function titleOf({ workloads, time, since: from, namespace, context }: Top): string {
  const starts = plural(
    sum(workloads, ({ starts: count }) => count),
    'start',
  )
  const where = namespace === undefined ? 'all namespaces' : `namespace ${namespace}`
  const age = formatDuration(since(time, from))
  return neutralise(
    `${starts} of ${plural(workloads.length, 'workload')} in the last ${age}, ${where} of ${context}`,
  )
}

const sum = (all: readonly RankedWorkload[], of: (one: RankedWorkload) => number): number =>
  all.reduce((total, one) => total + of(one), 0)

const columnsOf = ({ sort }: Top): readonly Column[] => {
  const mark = (title: string): string => (title === sort ? `${title}*` : title)
  return [
    { title: 'workload', rank: 0, least: 20, keep: 'end' },
    { title: mark('starts'), align: 'right', rank: 3 },
    { title: 'not ready', align: 'right', rank: 4 },
    { title: mark('p50'), align: 'right', rank: sort === 'p50' ? 0 : 5 },
    { title: mark('p90'), align: 'right', rank: sort === 'p90' ? 0 : 2 },
    { title: mark('max'), align: 'right', rank: sort === 'max' ? 0 : 1 },
    ...(sort === 'total' ? [{ title: mark('total'), align: 'right', rank: 0 } as const] : []),
    { title: 'longest operation', rank: 1, least: 12 },
  ]
}

function cellsOf(one: RankedWorkload, namespace: string | undefined): Cell[] {
  const [longest] = one.operations
  const { ready = 0, completed = 0 } = one.outcomes
  const bad = one.starts - ready - completed
  return [
    neutralise(namespace === undefined ? `${one.namespace}/${one.workload}` : one.workload, 320),
    String(one.starts),
    bad === 0 ? '' : { text: String(bad), style: 'red' satisfies Style },
    lengthText(one.p50),
    lengthText(one.p90),
    lengthText(one.max),
    longest === undefined ? '' : `${neutralise(longest.operation, 60)} ${formatShare(longest.share)}`,
  ]
}

const lengthText = ({ length, atLeast }: Length): string => `${atLeast ? '>' : ''}${formatDuration(length)}`

/** The sentence of the slowest start: what it waited for, and why. */
function why(one: RankedWorkload | undefined, width: number, paint: Paint): string[] {
  if (!one) return []
  const { name, verdict } = one.slowest
  const coarse = one.coarse === 0 ? '' : ` [${one.coarse} of ${one.starts} coarse]`
  const text = neutralise(`${name}: ${verdict}${coarse}`)
  return wrap(text, width - INDENT.length, WHY_LINES).map((line) => paint('dim', INDENT + line))
}

function footer({ workloads, sort }: Top, shown: number, { program, width }: TopLook): string[] {
  const rest = workloads.length - shown
  const coarse = sum(workloads, ({ coarse: count }) => count)
  const starts = sum(workloads, ({ starts: count }) => count)
  const isOpen = workloads
    .slice(0, shown)
    .some(({ p50, p90, max }) => p50.atLeast || p90.atLeast || max.atLeast)
  const lines = [
    rest === 0 ? '' : `… and ${plural(rest, 'more workload')}; --limit shows more.`,
    coarse === 0
      ? ''
      : `${coarse} of ${plural(starts, 'start')} ${coarse === 1 ? 'is' : 'are'} coarse: events of them have expired or were not kept, and the pod's status tells the rest to the second.`,
    isOpen ? '> not ready yet, or never: the length so far' : '',
    `* sorted by ${sort}; pods that are gone are not seen. '${program} trace POD' shows one start whole.`,
  ]
  return ['', ...lines.filter((line) => line !== '').flatMap((line) => wrap(line, width, 3))]
}

/** `top/v1`, as docs/output.md describes it. */
export function topJson(top: Top, limit: number | undefined): string {
  const { workloads, left, time, since: from, ...facts } = top
  const shown = workloads.slice(0, limit)
  return JSON.stringify({
    podspan: 'top/v1',
    ...facts,
    time: formatRfc3339(time),
    since: formatRfc3339(from),
    starts: sum(workloads, ({ starts }) => starts),
    coarse: sum(workloads, ({ coarse }) => coarse),
    unranked: left,
    omitted: workloads.length - shown.length,
    workloads: shown.map(workloadJson),
  })
}

const ms = (length: DurationNano): number => toMilliseconds(length)
const lengthJson = ({ length, atLeast }: Length) => ({ ms: ms(length), ...(atLeast && { atLeast }) })

const workloadJson = ({ p50, p90, max, total, operations, slowest, ...facts }: RankedWorkload) => {
  const { startup, ...start } = slowest
  return {
    ...facts,
    startup: { p50: lengthJson(p50), p90: lengthJson(p90), max: lengthJson(max), totalMs: ms(total) },
    operations: operations.map(({ operation, total: length, share }) => ({
      operation,
      totalMs: ms(length),
      share,
    })),
    slowest: { ...start, startupMs: ms(startup) },
  }
}
