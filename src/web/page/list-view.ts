// Owns the first view: what starts now and what it waits for, then what has started, with filters.
// Promises that a filter is in the address, and that thousands of rows stay smooth. Does not fetch.

import type { StartRow } from '../row.ts'
import { LEGEND } from './colours.ts'
import { add, h, isolated, replace } from './dom.ts'
import { FIELDS, type Filter, parseLength, passes, writeFilter } from './filter.ts'
import { pathBar } from './path-bar.ts'
import { onStarts, starts } from './starts.ts'
import { virtualList } from './virtual-list.ts'
import { clockText, dayText, lengthText, plural } from './words.ts'

export interface View {
  readonly title: string
  readonly element: HTMLElement
  close(): void
}

export function listView(filter: Filter): View {
  const flight = h('ul', { class: 'flight' })
  const flightTitle = h('h2')
  const finishedTitle = h('h2')
  const list = virtualList('Finished starts')
  const element = h(
    'div',
    { class: 'view' },
    filterForm(filter),
    h('section', { 'aria-label': 'In flight' }, flightTitle, flight),
    h('section', { class: 'fill', 'aria-label': 'Finished' }, finishedTitle, legend(), list.element),
  )
  const draw = (): void => {
    const now = Date.now()
    const waiting = starts().inFlight.filter((row) => passes(row, filter, now))
    const over = starts().finished.filter((row) => passes(row, filter, now))
    replace(flightTitle, `${plural(waiting.length, 'pod')} starting`)
    replace(flight, ...waiting.slice(0, FLIGHT_SHOWN).map((row) => flightRow(row, now)))
    if (waiting.length > FLIGHT_SHOWN) flight.append(h('li', {}, `and ${waiting.length - FLIGHT_SHOWN} more`))
    replace(finishedTitle, `${plural(over.length, 'start')}${hiddenText(over.length)}`)
    const longest = over.reduce((most, { startupMs = 0 }) => Math.max(most, startupMs), 1)
    list.show(over.length, (index) => finishedRow(over[index] as StartRow, longest))
  }
  const stop = onStarts(draw)
  const ticking = setInterval(draw, 1000)
  requestAnimationFrame(draw)
  const close = (): void => {
    stop()
    clearInterval(ticking)
  }
  return { title: 'Starts', element, close }
}

/** Of those in flight so many are drawn; the others are counted. */
const FLIGHT_SHOWN = 50

const hiddenText = (shown: number): string => {
  const all = starts().finished.length
  return all > shown ? ` of ${all}` : ''
}

function flightRow(row: StartRow, now: number): HTMLElement {
  const { since = now, waitsFor = row.operation ?? '', reason } = row
  return h(
    'li',
    {},
    h('a', { href: `#/start/${row.id}` }, isolated(`${row.namespace}/${row.name}`)),
    h('span', { class: 'num' }, lengthText(Math.max(0, now - row.created))),
    h('span', { class: 'waits' }, isolated(waitsFor), ` for ${lengthText(Math.max(0, now - since))}`),
    reason !== undefined && isolated(reason, { class: 'why' }),
  )
}

function finishedRow(row: StartRow, longest: number): HTMLElement {
  const { startupMs = 0, path = [], verdict = '' } = row
  const cell = (name: string, ...children: (Node | string)[]): HTMLElement =>
    h('span', { role: 'cell', class: name }, ...children)
  return h(
    'div',
    { role: 'row', class: `row o-${row.outcome}` },
    cell('when', h('time', { title: dayText(row.created) }, clockText(row.created))),
    cell(
      'pod',
      h('a', { href: `#/start/${row.id}`, title: verdict }, isolated(`${row.namespace}/${row.name}`)),
    ),
    cell('outcome', row.outcome),
    cell('num', lengthText(startupMs)),
    cell('bar', pathBar(path, 0, longest)),
    cell('why', isolated(verdict)),
  )
}

const LABELS: Readonly<Record<(typeof FIELDS)[number], string>> = {
  namespace: 'Namespace',
  workload: 'Workload',
  node: 'Node',
  outcome: 'Outcome',
  cause: 'Cause',
  responsible: 'Held by',
}

function filterForm(filter: Filter): HTMLElement {
  const form = h('form', { class: 'filter', 'aria-label': 'Filter' })
  const go = (): void => {
    const data = new FormData(form)
    const of = (name: string): string => String(data.get(name) ?? '')
    const fields = Object.fromEntries(FIELDS.map((field) => [field, of(field)]))
    const next = { ...filter, ...fields, text: of('text'), slower: parseLength(of('slower')) }
    location.hash = `#/${writeFilter(next)}`
  }
  const rows = [...starts().finished, ...starts().inFlight]
  for (const field of FIELDS) {
    const values = new Set(rows.map((row) => row[field] ?? '').filter((value) => value !== ''))
    if (filter[field] !== '') values.add(filter[field])
    const options = [...values].sort().map((value) => {
      return h('option', { value, selected: value === filter[field] }, value)
    })
    add(form, [
      h(
        'label',
        {},
        LABELS[field],
        h('select', { name: field, onchange: go }, h('option', { value: '' }, 'all'), ...options),
      ),
    ])
  }
  const slower = filter.slower === 0 ? '' : `${filter.slower / 1000}s`
  add(form, [
    h('label', {}, 'Slower than', h('input', { name: 'slower', size: 6, value: slower, placeholder: '5s' })),
    h('label', {}, 'Text', h('input', { name: 'text', type: 'search', value: filter.text })),
    groupLinks(filter),
  ])
  form.addEventListener('submit', (event) => {
    event.preventDefault()
    go()
  })
  return form
}

/** From a filter by workload or node to the picture of it. */
function groupLinks({ namespace, node, workload }: Filter): HTMLElement {
  const links = h('span', { class: 'links' })
  if (workload !== '') {
    const place = namespace === '' ? '' : `?namespace=${encodeURIComponent(namespace)}`
    links.append(h('a', { href: `#/workload/${encodeURIComponent(workload)}${place}` }, 'Compare its starts'))
  }
  if (node !== '') links.append(h('a', { href: `#/node/${encodeURIComponent(node)}` }, 'See the node'))
  return links
}

export function legend(): HTMLElement {
  const items = LEGEND.map(([colour, text]) => h('li', {}, h('i', { class: colour }), text))
  return h('ul', { class: 'legend', 'aria-label': 'Colours' }, ...items)
}
