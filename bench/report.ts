// Owns the form of a result and the table that is printed: medians, spread, the ratio against a named alternative.
// Promises that a ratio is formed pair by pair, from repeats that ran beside each other, and that a missed target is said.
// Does not measure.

export interface Result {
  readonly what: string
  readonly unit: string
  /** One number per repeat. Less is better in all of them. */
  readonly ours: readonly number[]
  /** The same work by the alternative, repeat by repeat. */
  readonly theirs?: { readonly name: string; readonly values: readonly number[] }
  readonly target?: Target
  readonly note?: string
}

export type Target =
  | { readonly kind: 'ratio'; readonly atLeast: number }
  | { readonly kind: 'value'; readonly atMost: number }

export interface BenchOptions {
  /** A shorter form with fewer repeats, to see that everything runs. */
  readonly quick: boolean
  readonly profile: boolean
  readonly say: (line: string) => void
}

export type Bench = (options: BenchOptions) => Promise<readonly Result[]>

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  const upper = sorted[middle] ?? Number.NaN
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? upper) + upper) / 2
}

export function ratiosOf({ ours, theirs }: Result): readonly number[] {
  return theirs ? ours.map((value, index) => (theirs.values[index] ?? Number.NaN) / value) : []
}

export function isReached(result: Result): boolean | undefined {
  const { target } = result
  if (!target) return undefined
  return target.kind === 'ratio'
    ? median(ratiosOf(result)) >= target.atLeast
    : median(result.ours) <= target.atMost
}

const HEADINGS = ['measured', 'Podspan', 'alternative', 'ratio', 'wanted', ''] as const

/** A table in Markdown, so that docs/performance.md can hold it as it is printed. */
export function tableOf(results: readonly Result[]): string {
  const rows = [HEADINGS, ...results.map(cellsOf)]
  const widths = HEADINGS.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)))
  const line = (cells: readonly string[]): string =>
    `| ${widths.map((width, column) => (cells[column] ?? '').padEnd(width)).join(' | ')} |`
  const rule = `|${widths.map((width) => '-'.repeat(width + 2)).join('|')}|`
  return [line(HEADINGS), rule, ...rows.slice(1).map(line)].join('\n')
}

function cellsOf(result: Result): readonly string[] {
  const { what, unit, ours, theirs, target } = result
  const reached = isReached(result)
  const wanted = !target
    ? ''
    : target.kind === 'ratio'
      ? `≥ ${figure(target.atLeast)} ×`
      : `≤ ${target.atMost} ${unit}`
  return [
    what,
    `${spreadOf(ours)} ${unit}`,
    theirs ? `${theirs.name}: ${spreadOf(theirs.values)} ${unit}` : '',
    theirs ? `${spreadOf(ratiosOf(result))} ×` : '',
    wanted,
    reached === undefined ? '' : reached ? 'reached' : 'NOT reached',
  ]
}

/** `median (least–greatest)`, or the one value there is. */
function spreadOf(values: readonly number[]): string {
  const middle = figure(median(values))
  return values.length < 2
    ? middle
    : `${middle} (${figure(Math.min(...values))}–${figure(Math.max(...values))})`
}

/** Three figures are more than these machines are good for. */
export const figure = (value: number): string =>
  Math.abs(value) >= 100 ? String(Math.round(value)) : String(Number(value.toPrecision(3)))
