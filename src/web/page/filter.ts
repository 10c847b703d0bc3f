// Owns which starts a list shows, as the address says it: `#/?namespace=shop&slower=5s`.
// Promises that every list can be linked to, and that what is no filter is passed over. Does not draw.

import type { StartRow } from '../row.ts'

export interface Filter {
  readonly namespace: string
  readonly workload: string
  readonly node: string
  readonly outcome: string
  readonly cause: string
  readonly longest: string
  readonly responsible: string
  /** ms; 0 for all. */
  readonly slower: number
  /** Over within these, ms since the epoch; 0 for open. */
  readonly after: number
  readonly before: number
  /** Part of the pod's name or of the verdict. */
  readonly text: string
  readonly order: 'newest' | 'slowest'
}

export const FIELDS = ['namespace', 'workload', 'node', 'outcome', 'cause', 'longest', 'responsible'] as const
export type Field = (typeof FIELDS)[number]

export function readFilter(query: URLSearchParams): Filter {
  const of = (name: string): string => query.get(name) ?? ''
  const [namespace, workload, node, outcome, cause, longest, responsible] = FIELDS.map(of)
  return {
    namespace: namespace ?? '',
    workload: workload ?? '',
    node: node ?? '',
    outcome: outcome ?? '',
    cause: cause ?? '',
    longest: longest ?? '',
    responsible: responsible ?? '',
    slower: parseLength(of('slower')),
    after: parseMoment(of('after')),
    before: parseMoment(of('before')),
    text: of('text'),
    order: of('order') === 'slowest' ? 'slowest' : 'newest',
  }
}

export function writeFilter(filter: Filter): string {
  const query = new URLSearchParams()
  for (const [name, value] of Object.entries(filter)) {
    if (value === '' || value === 0 || value === 'newest') continue
    if (name === 'slower') query.set(name, writeLength(Number(value)))
    else query.set(name, typeof value === 'number' ? new Date(value).toISOString() : String(value))
  }
  const text = query.toString()
  return text === '' ? '' : `?${text}`
}

export const listAddress = (filter: Filter): string => `#/${writeFilter(filter)}`
export const isAll = (filter: Filter): boolean => writeFilter({ ...filter, order: 'newest' }) === ''

const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, '': 1000 }

/** `5s`, `800ms`, `2m`, or seconds; 0 for what is none of these. */
export function parseLength(text: string): number {
  const [, digits, unit = ''] = /^\s*(\d+(?:\.\d+)?)\s*(ms|s|m|h|)\s*$/.exec(text) ?? []
  return digits === undefined ? 0 : Number(digits) * (UNITS[unit] ?? 0)
}

export const writeLength = (ms: number): string =>
  ms === 0 ? '' : ms < 1000 ? `${Math.round(ms)}ms` : `${Math.round(ms) / 1000}s`

function parseMoment(text: string): number {
  const at = Date.parse(text)
  return Number.isNaN(at) ? 0 : at
}

/** By one look at each row; `now` is for those that are not over. */
export function passes(row: StartRow, filter: Filter, now: number): boolean {
  for (const field of FIELDS) {
    const wanted = filter[field]
    if (wanted !== '' && valueOf(row, field) !== wanted) return false
  }
  const took = row.startupMs ?? Math.max(0, now - row.created)
  if (took < filter.slower) return false
  const end = row.created + took
  if (end < filter.after || (filter.before !== 0 && end > filter.before)) return false
  return filter.text === '' || holds(row, filter.text.toLowerCase())
}

/** One in flight waits for its operation now, and that is what a filter by the longest one means there. */
export const valueOf = (row: StartRow, field: Field): string =>
  (field === 'longest' ? (row.longest ?? row.operation) : row[field]) ?? ''

function holds({ namespace, name, uid, id, verdict, waitsFor, reason }: StartRow, text: string): boolean {
  const words = `${namespace}/${name} ${verdict ?? ''} ${waitsFor ?? ''} ${reason ?? ''} ${uid} ${id}`
  return words.toLowerCase().includes(text)
}
