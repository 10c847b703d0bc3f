// Owns the table of `make versions`. Promises a row for each version, also where nothing was reached. Does not run anything.

import type { Sum } from '../accuracy/run.ts'

export interface Tested {
  readonly passed: number | undefined
  readonly failed: number | undefined
  readonly skipped: number | undefined
  readonly ok: boolean
}

export interface Run {
  readonly version: string
  readonly tested: Tested | undefined
  readonly sum: Sum | undefined
  readonly whatFailed: readonly string[]
  readonly seconds: number
}

const HEAD =
  '| Kubernetes | tests passed | failed | skipped | starts | boundaries | error P50, ms | P99, ms | truth inside | explained | result | min |\n' +
  '|---|---|---|---|---|---|---|---|---|---|---|---|'

const UNKNOWN = '–'
const shown = (value: number | undefined, digits = 0): string => value?.toFixed(digits) ?? UNKNOWN

export function formatRuns(runs: readonly Run[]): string {
  return [HEAD, ...runs.map((run) => `| ${cells(run).join(' | ')} |`)].join('\n')
}

function cells({ version, tested, sum, whatFailed, seconds }: Run): string[] {
  const inside = sum && `${shown(sum.inside * 100, 1)} %`
  return [
    version,
    ...[tested?.passed, tested?.failed, tested?.skipped, sum?.starts, sum?.boundaries].map((one) =>
      shown(one),
    ),
    shown(sum?.errorP50, 2),
    shown(sum?.errorP99, 2),
    inside ?? UNKNOWN,
    shown(sum?.explained, 3),
    whatFailed.length === 0 ? 'passed' : `failed: ${whatFailed.join(', ')}`,
    shown(seconds / 60, 1),
  ]
}
