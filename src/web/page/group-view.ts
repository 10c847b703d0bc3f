// Owns the views of several starts: a workload's, aligned at creation, with its revisions side by side, and a node's, as they overlapped.
// Promises quantiles by nearest rank with the number of starts that they rest on. Does not fetch.

import type { PathPart, StartRow } from '../row.ts'
import { colourOf } from './colours.ts'
import { h, isolated, replace } from './dom.ts'
import { legend, type View } from './list-view.ts'
import { pathBar } from './path-bar.ts'
import { onStarts, starts } from './starts.ts'
import { clockText, lengthText, plural, quantile } from './words.ts'

/** So many are drawn; quantiles are of all. */
const DRAWN_MAX = 200

export function workloadView(workload: string, namespace: string): View {
  return groupView(workload, (body) => {
    const rows = finished(
      (row) => row.workload === workload && (namespace === '' || row.namespace === namespace),
    )
    const longest = Math.max(1, ...rows.map(({ startupMs = 0 }) => startupMs))
    replace(
      body,
      h('h1', {}, isolated(workload)),
      h('p', {}, `${plural(rows.length, 'start')}, aligned at creation; the newest first`),
      revisionTable(rows),
      operationTable(rows),
      legend(),
      h('ol', { class: 'aligned' }, ...rows.slice(0, DRAWN_MAX).map((row) => alignedRow(row, 0, longest))),
      h('p', {}, more(rows.length)),
    )
  })
}

export function nodeView(node: string): View {
  return groupView(node, (body) => {
    const rows = finished((row) => row.node === node)
      .slice(0, DRAWN_MAX)
      .reverse()
    const from = Math.min(...rows.map(({ created }) => created))
    const to = Math.max(...rows.map(({ created, startupMs = 0 }) => created + startupMs))
    replace(
      body,
      h('h1', {}, isolated(node)),
      rows.length === 0
        ? h('p', {}, 'Nothing has started there since we watch.')
        : h(
            'p',
            {},
            `${plural(rows.length, 'start')} from ${clockText(from)} to ${clockText(to)}, as they overlapped`,
          ),
      legend(),
      h(
        'ol',
        { class: 'aligned' },
        ...rows.map((row) => alignedRow(row, from - row.created, to - row.created)),
      ),
    )
  })
}

function groupView(title: string, draw: (body: HTMLElement) => void): View {
  const element = h('div', { class: 'view group' })
  const update = (): void => draw(element)
  update()
  return { title, element, close: onStarts(update) }
}

const finished = (wanted: (row: StartRow) => boolean): StartRow[] => starts().finished.filter(wanted)

const more = (count: number): string => (count > DRAWN_MAX ? `and ${count - DRAWN_MAX} older` : '')

function alignedRow(row: StartRow, from: number, to: number): HTMLElement {
  const { path = [], startupMs = 0 } = row
  return h(
    'li',
    {},
    h('a', { href: `#/start/${row.id}` }, isolated(row.name)),
    pathBar(path, from, Math.max(to, from + 1)),
    h('span', { class: 'num' }, lengthText(startupMs)),
  )
}

const QUANTILES = [0.5, 0.9, 0.99, 1] as const
const TITLES = ['P50', 'P90', 'P99', 'longest']

function revisionTable(rows: readonly StartRow[]): HTMLElement {
  const revisions = Map.groupBy(rows, ({ revision }) => revision ?? '–')
  const body = [...revisions].map(([revision, some]) => {
    const lengths = some.map(({ startupMs = 0 }) => startupMs).sort((a, b) => a - b)
    return line([
      revision,
      String(some.length),
      ...QUANTILES.map((share) => lengthText(quantile(lengths, share) ?? 0)),
    ])
  })
  return tableOf('Revisions, the newest first', ['revision', 'starts', ...TITLES], body)
}

/** Where the time went, by operation, beside each other for the two newest revisions. */
function operationTable(rows: readonly StartRow[]): HTMLElement {
  const revisions = [...Map.groupBy(rows, ({ revision }) => revision ?? '–')].slice(0, 2)
  const sums = revisions.map(([, some]) => meanByOperation(some))
  const names = [...new Set(sums.flatMap((means) => [...means.keys()]))]
  names.sort((a, b) => (sums[0]?.get(b) ?? 0) - (sums[0]?.get(a) ?? 0))
  const body = names.map((name) => {
    const cells = sums.map((means) => lengthText(means.get(name) ?? 0))
    return h(
      'tr',
      {},
      h('th', { scope: 'row' }, h('i', { class: `swatch ${colourOf(name)}` }), name),
      ...cells.map((text) => h('td', { class: 'num' }, text)),
    )
  })
  const titles = revisions.map(([revision]) => revision)
  return tableOf('On the critical path, mean per start', ['operation', ...titles], body)
}

function meanByOperation(rows: readonly StartRow[]): Map<string, number> {
  const sums = new Map<string, number>()
  for (const { path = [] } of rows)
    for (const [operation, from, to] of path as readonly PathPart[])
      sums.set(operation, (sums.get(operation) ?? 0) + (to - from) / rows.length)
  return sums
}

function tableOf(caption: string, titles: readonly string[], body: readonly HTMLElement[]): HTMLElement {
  const head = h('tr', {}, ...titles.map((title) => h('th', { scope: 'col' }, isolated(title))))
  return h('table', {}, h('caption', {}, caption), h('thead', {}, head), h('tbody', {}, ...body))
}

const line = ([first = '', ...cells]: readonly string[]): HTMLElement =>
  h(
    'tr',
    {},
    h('th', { scope: 'row' }, isolated(first)),
    ...cells.map((text) => h('td', { class: 'num' }, text)),
  )
