// Owns what many starts have in common: how they ended, how long they took, and where the time went.
// Promises that the shares of all operations sum to the whole of the critical paths. Keeps numbers, not traces.
// Does not print.

import type { DurationNano } from '../base/time.ts'
import { since } from '../base/time.ts'
import type { Outcome, Span, Trace } from '../trace/trace.ts'
import type { Paint } from './glyphs.ts'
import { formatDuration, formatShare, neutralise, padEnd, padStart, plural } from './text.ts'
import { outcomeStyle } from './waterfall.ts'

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

  lines(paint: Paint): string[] {
    return [this.#outcomes(paint), ...this.#readyLine(), ...this.#table(paint)]
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

  #table(paint: Paint): string[] {
    const whole = [...this.#operations.values()].reduce((sum, each) => sum + each.critical, 0n)
    const rows = [...this.#operations].sort(([, a], [, b]) =>
      a.critical < b.critical ? 1 : a.critical > b.critical ? -1 : 0,
    )
    const shown = rows.filter(([, sum]) => sum.critical > 0n || sum.errors > 0).slice(0, ROWS)
    const name = Math.max(NAME.length, ...shown.map(([operation]) => neutralise(operation, 40).length))
    const heading = padEnd(NAME, name) + [...COLUMNS].map(([title, width]) => padStart(title, width)).join('')
    return shown.length === 0
      ? []
      : ['', paint('bold', heading), ...shown.map(([operation, sum]) => line(operation, name, sum, whole))]
  }
}

const ROWS = 20
const NAME = 'where the time went'
const COLUMNS = [
  ['share', 7],
  ['spans', 7],
  ['failed', 8],
  ['p50', 9],
  ['p90', 9],
  ['max', 9],
] as const

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

function line(operation: string, width: number, sum: OperationSum, whole: bigint): string {
  const durations = quantiles(sorted(sum.durations)).map(([, value]) => formatDuration(value))
  const share = whole === 0n ? '' : formatShare(Number(sum.critical) / Number(whole))
  const cells = [
    share,
    String(sum.durations.length),
    sum.errors === 0 ? '' : String(sum.errors),
    ...durations,
  ]
  return (
    padEnd(neutralise(operation, 40), width) +
    cells.map((cell, index) => padStart(cell, COLUMNS[index]?.[1] ?? 0)).join('')
  )
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
