// Owns what many starts have in common: how they ended, how long they took, and where the time went.
// Promises that the shares of all operations sum to the whole of the critical paths, but for less than half a percent that no span tells.
// Keeps numbers, not traces.
// Does not print.

import type { DurationNano } from '../base/time.ts'
import { since } from '../base/time.ts'
import type { Outcome, Span, Trace } from '../trace/trace.ts'
import { displayWidth } from './display-width.ts'
import { ansi, type Paint, plain, toAscii } from './glyphs.ts'
import { type Column, drawColumns } from './table.ts'
import { formatDuration, formatShare, neutralise, plural, wrap } from './text.ts'
import { type Look, outcomeStyle } from './waterfall.ts'

interface OperationSum {
  critical: bigint
  errors: number
  readonly durations: DurationNano[]
}

export class Summary {
  readonly #startups = new Map<Outcome, DurationNano[]>()
  readonly #operations = new Map<string, OperationSum>()
  #total = 0

  get total(): number {
    return this.#total
  }

  add(trace: Trace): void {
    this.#total++
    const startups = this.#startups.get(trace.outcome) ?? []
    this.#startups.set(trace.outcome, startups)
    startups.push(trace.startup)
    for (const span of trace.spans.slice(1)) this.#addSpan(span)
    this.#addSpan({ ...trace.spans[0], name: 'unaccounted' } as Span, 'critical only')
  }

  /** The root is on the critical path only where no operation is. */
  #addSpan(span: Span, how?: 'critical only'): void {
    const critical = span.critical.reduce((sum, part) => sum + since(part.to, part.from), 0n)
    if (how === 'critical only' && critical === 0n) return
    const sum = this.#operations.get(span.name) ?? { critical: 0n, errors: 0, durations: [] }
    this.#operations.set(span.name, sum)
    sum.critical += critical
    if (how === 'critical only') return
    sum.durations.push(since(span.end.best, span.start.best))
    if (span.error !== undefined) sum.errors++
  }

  text({ width, colour, ascii }: Look): string {
    const text = this.lines(colour ? ansi : plain, width)
      .map((line) => `${line}\n`)
      .join('')
    return ascii ? toAscii(text) : text
  }

  /** Harmless, and no wider than that. */
  lines(paint: Paint, width: number): string[] {
    const outcomes = this.#outcomes(plain)
    return [
      // What has to be wrapped has no colours.
      ...(displayWidth(outcomes) <= width ? [this.#outcomes(paint)] : wrap(outcomes, width, 3)),
      ...this.#readyLine().flatMap((line) => wrap(line, width, 3)),
      ...this.#table(paint, width),
    ]
  }

  #outcomes(paint: Paint): string {
    const counts = ORDER.flatMap((outcome) => {
      const count = this.#startups.get(outcome)?.length ?? 0
      return count === 0 ? [] : [paint(outcomeStyle(outcome), `${count} ${WORDS[outcome] ?? outcome}`)]
    })
    return `${plural(this.#total, 'start')}: ${counts.join(', ')}`
  }

  /** Only starts that came to an end of their own say how long a start takes. */
  #readyLine(): string[] {
    const ended = ['ready', 'completed'] as const
    return ended.flatMap((outcome) => {
      const durations = sorted(this.#startups.get(outcome) ?? [])
      return durations.length === 0
        ? []
        : [
            `${outcome} after  ${quantiles(durations)
              .map(([name, value]) => `${name} ${formatDuration(value)}`)
              .join('   ')}`,
          ]
    })
  }

  #table(paint: Paint, width: number): string[] {
    const whole = [...this.#operations.values()].reduce((sum, each) => sum + each.critical, 0n)
    const rows = [...this.#operations]
      .filter(([, sum]) => sum.errors > 0 || (sum.critical > 0n && !isSliver(sum, whole)))
      .sort(([, a], [, b]) => (a.critical < b.critical ? 1 : a.critical > b.critical ? -1 : 0))
      .slice(0, ROWS)
      .map(([operation, sum]) => cellsOf(operation, sum, whole))
    return rows.length === 0 ? [] : ['', ...drawColumns(COLUMNS, rows, width, paint)]
  }
}

/** What lies between two operations and is no span of its own; a row for it would have neither spans nor a share to read. */
const isSliver = ({ critical, durations }: OperationSum, whole: bigint): boolean =>
  durations.length === 0 && critical * 200n < whole

const ROWS = 20
const COLUMNS: readonly Column[] = [
  { title: 'where the time went', rank: 0, least: 16 },
  { title: 'share', align: 'right', rank: 0 },
  { title: 'spans', align: 'right', rank: 3 },
  { title: 'failed', align: 'right', rank: 4 },
  { title: 'p50', align: 'right', rank: 2 },
  { title: 'p90', align: 'right', rank: 5 },
  { title: 'max', align: 'right', rank: 1 },
]

const ORDER: readonly Outcome[] = [
  'ready',
  'completed',
  'unstable',
  'failed',
  'timeout',
  'deleted',
  'starting',
]
const WORDS: Partial<Record<Outcome, string>> = { timeout: 'timed out', starting: 'still starting' }

function cellsOf(operation: string, sum: OperationSum, whole: bigint): string[] {
  const durations = quantiles(sorted(sum.durations)).map(([, value]) => formatDuration(value))
  return [
    neutralise(operation, 40),
    whole === 0n ? '' : formatShare(Number(sum.critical) / Number(whole)),
    String(sum.durations.length),
    sum.errors === 0 ? '' : String(sum.errors),
    ...durations,
  ]
}

const sorted = (durations: readonly DurationNano[]): DurationNano[] =>
  durations.toSorted((a, b) => (a < b ? -1 : a > b ? 1 : 0))

/** By nearest rank, so that each is a duration that occurred. */
function quantiles(durations: readonly DurationNano[]): [string, DurationNano][] {
  const rank = (share: number): DurationNano | undefined =>
    durations[Math.max(0, Math.ceil(share * durations.length) - 1)]
  const named: [string, DurationNano | undefined][] = [
    ['p50', rank(0.5)],
    ['p90', rank(0.9)],
    ['max', durations.at(-1)],
  ]
  return named.filter((pair): pair is [string, DurationNano] => pair[1] !== undefined)
}
