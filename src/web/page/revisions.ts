// Owns one revision beside another: how long their starts took, and what these waited for.
// Promises that revisions stand in the order in which they came, the newest first, and figures only of starts that say how long one takes.
// Does not judge a difference: `podspan diff` does, and this page says so.

import type { StartRow } from '../row.ts'
import { colourOf } from './colours.ts'
import { h, isolated, place } from './dom.ts'
import { isBad } from './outcome.ts'
import { isGood, lengthsOf, quantilesOf, sharesOf } from './sums.ts'
import { sideways } from './view.ts'
import { countText, lengthText, plural, signedText } from './words.ts'

export interface Revision {
  readonly name: string
  readonly rows: readonly StartRow[]
}

export function revisionsOf(rows: readonly StartRow[]): Revision[] {
  const groups = [...Map.groupBy(rows, ({ revision }) => revision ?? '')]
  const latest = (some: readonly StartRow[]): number => Math.max(...some.map(({ created }) => created))
  return groups.map(([name, some]) => ({ name, rows: some })).sort((a, b) => latest(b.rows) - latest(a.rows))
}

export const revisionName = ({ name }: Revision): string => (name === '' ? 'without a revision' : name)

const SHOWN_MAX = 12

export function revisionTable(revisions: readonly Revision[]): HTMLElement {
  const shown = revisions.slice(0, SHOWN_MAX)
  const lengths = shown.flatMap(({ rows }) => lengthsOf(rows))
  const head = ['revision', 'starts', 'P50', 'P90', 'P99', 'longest', 'failed', 'each start']
  return sideways(
    'Revisions',
    h(
      'table',
      { class: 'figures-table' },
      h(
        'thead',
        {},
        h(
          'tr',
          {},
          ...head.map((title, index) =>
            h('th', { scope: 'col', class: index > 0 && index < 7 ? 'num' : '' }, title),
          ),
        ),
      ),
      h('tbody', {}, ...shown.map((revision) => revisionRow(revision, lengths))),
    ),
    revisions.length > shown.length &&
      h('p', { class: 'soft' }, `and ${plural(revisions.length - shown.length, 'older one')}`),
  )
}

function revisionRow(revision: Revision, all: readonly number[]): HTMLElement {
  const { rows } = revision
  const found = quantilesOf(lengthsOf(rows))
  const bad = rows.filter(({ outcome }) => isBad(outcome)).length
  const cell = (text: string, look = ''): HTMLElement => h('td', { class: `num ${look}` }, text)
  const length = (ms: number | undefined): HTMLElement => cell(ms === undefined ? '–' : lengthText(ms))
  return h(
    'tr',
    {},
    h('th', { scope: 'row' }, isolated(revisionName(revision))),
    cell(countText(rows.length)),
    ...[found?.p50, found?.p90, found?.p99, found?.max].map(length),
    cell(countText(bad), bad > 0 ? 'o-bad' : ''),
    h('td', { class: 'strip-cell' }, strip(rows, all)),
  )
}

/** Each start as a hair, on one logarithmic scale for all revisions. */
const STRIP_MAX = 300

function strip(rows: readonly StartRow[], all: readonly number[]): HTMLElement {
  const logs = all.map((ms) => Math.log10(Math.max(1, ms)))
  const [low, high] = [Math.min(...logs) - 0.05, Math.max(...logs) + 0.05]
  const share = (ms: number): number => ((Math.log10(Math.max(1, ms)) - low) / (high - low || 1)) * 100
  const good = rows.filter(isGood).slice(0, STRIP_MAX)
  const hairs = good.map(({ startupMs = 0 }) => place(h('i'), { left: `${share(startupMs).toFixed(2)}%` }))
  return h('span', { class: 'strip', 'aria-hidden': 'true' }, ...hairs)
}

interface Cost {
  readonly operation: string
  /** Mean for a start, of each side. */
  readonly before: number
  readonly after: number
}

/** What starts of two revisions waited for, the costliest first. */
export function costsOf(after: Revision, before: Revision | undefined): Cost[] {
  const mean = ({ rows }: Revision): Map<string, number> => {
    const good = rows.filter(isGood)
    return new Map(
      sharesOf(good.map(({ path = [] }) => path)).map(({ operation, ms }) => [operation, ms / good.length]),
    )
  }
  const [right, left] = [mean(after), before ? mean(before) : new Map<string, number>()]
  return [...new Set([...right.keys(), ...left.keys()])]
    .map((operation) => ({
      operation,
      after: right.get(operation) ?? 0,
      before: left.get(operation) ?? 0,
    }))
    .sort((a, b) => Math.max(b.after, b.before) - Math.max(a.after, a.before))
}

const COSTS_MAX = 14

/** Two bars for each operation: the newer revision's above, the older one's below. */
export function costTable(after: Revision, before: Revision | undefined): HTMLElement {
  const costs = costsOf(after, before).filter((cost) => cost.after + cost.before >= 0.05)
  const most = Math.max(...costs.map((cost) => Math.max(cost.after, cost.before)), 1)
  const titles = before
    ? ['operation', '', revisionName(after), revisionName(before), 'difference']
    : ['operation', '', 'mean']
  const rows = costs.slice(0, COSTS_MAX).map((cost) => costRow(cost, most, before !== undefined))
  return sideways(
    'What starts waited for',
    h(
      'table',
      { class: 'figures-table costs' },
      h(
        'thead',
        {},
        h(
          'tr',
          {},
          ...titles.map((title, index) =>
            h(
              'th',
              { scope: 'col', class: index > 1 ? 'num' : '' },
              index === 1 ? h('span', { class: 'unseen' }, 'picture') : isolated(title),
            ),
          ),
        ),
      ),
      h('tbody', {}, ...rows),
    ),
  )
}

function costRow({ operation, after, before }: Cost, most: number, isPair: boolean): HTMLElement {
  const bar = (ms: number, look: string): HTMLElement =>
    place(h('i', { class: `${colourOf(operation)} ${look}` }), { width: `${(ms / most) * 100}%` })
  const difference = after - before
  const look = Math.abs(difference) < Math.max(1, before * 0.1) ? 'soft' : difference > 0 ? 'o-bad' : 'good'
  return h(
    'tr',
    {},
    h(
      'th',
      { scope: 'row' },
      h('i', { class: `swatch ${colourOf(operation)}`, 'aria-hidden': 'true' }),
      operation,
    ),
    h(
      'td',
      { class: 'pair-cell' },
      h('span', { class: 'pair', 'aria-hidden': 'true' }, bar(after, ''), isPair && bar(before, 'older')),
    ),
    h('td', { class: 'num' }, lengthText(after)),
    ...(isPair
      ? [
          h('td', { class: 'num' }, lengthText(before)),
          h('td', { class: `num ${look}` }, signedText(difference)),
        ]
      : []),
  )
}
