// Owns which starts a list shows, as the address says it: `#/?namespace=shop&slower=5s`.
// Promises that every list can be linked to, and that what is no filter is passed over. Does not draw.

import type { StartRow } from '../row.ts'

export interface Filter {
  readonly namespace: string
  readonly workload: string
  readonly node: string
  readonly outcome: string
  readonly cause: string
  readonly responsible: string
  /** ms; 0 for all. */
  readonly slower: number
  /** Part of the pod's name or of the verdict. */
  readonly text: string
}

export const FIELDS = ['namespace', 'workload', 'node', 'outcome', 'cause', 'responsible'] as const

export function readFilter(query: URLSearchParams): Filter {
  const of = (name: string): string => query.get(name) ?? ''
  return {
    namespace: of('namespace'),
    workload: of('workload'),
    node: of('node'),
    outcome: of('outcome'),
    cause: of('cause'),
    responsible: of('responsible'),
    slower: parseLength(of('slower')),
    text: of('text'),
  }
}

export function writeFilter(filter: Filter): string {
  const query = new URLSearchParams()
  for (const [name, value] of Object.entries(filter)) {
    if (value === '' || value === 0) continue
    query.set(name, name === 'slower' ? `${Number(value) / 1000}s` : String(value))
  }
  const text = query.toString()
  return text === '' ? '' : `?${text}`
}

const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, '': 1000 }

/** `5s`, `800ms`, `2m`, or seconds; 0 for what is none of these. */
export function parseLength(text: string): number {
  const [, digits, unit = ''] = /^\s*(\d+(?:\.\d+)?)\s*(ms|s|m|)\s*$/.exec(text) ?? []
  return digits === undefined ? 0 : Number(digits) * (UNITS[unit] ?? 0)
}

export function passes(row: StartRow, filter: Filter, now: number): boolean {
  for (const field of FIELDS) {
    const wanted = filter[field]
    if (wanted !== '' && row[field] !== wanted) return false
  }
  const took = row.startupMs ?? now - row.created
  if (took < filter.slower) return false
  if (filter.text === '') return true
  const words = `${row.namespace}/${row.name} ${row.verdict ?? row.waitsFor ?? ''}`.toLowerCase()
  return words.includes(filter.text.toLowerCase())
}
