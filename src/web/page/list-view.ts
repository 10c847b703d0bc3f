// Owns the first view: what starts now and what it waits for, then what has started: how long, where the time went, and each of them.
// Promises that a filter is in the address, and that thousands of rows stay smooth. Does not fetch.

import type { StartRow } from '../row.ts'
import { h, replace, say } from './dom.ts'
import { filterBar } from './filter-bar.ts'
import { type Filter, isAll, listAddress, passes } from './filter.ts'
import { flightPanel } from './flight-panel.ts'
import { every, now } from './now.ts'
import { scatter } from './scatter.ts'
import { onStarts, type Store, starts } from './starts.ts'
import { startsTable } from './starts-table.ts'
import { summaryPanel } from './summary-panel.ts'
import { empty, nodeAddress, type View, workloadAddress } from './view.ts'
import { countText } from './words.ts'

export interface ListView extends View {
  /** Another filter, while what is focused and typed stays. */
  setFilter(filter: Filter): void
}

export function listView(first: Filter): ListView {
  let filter = first
  const parts = partsOf(() => filter)
  let last: { readonly store: Store; readonly filter: Filter } | undefined
  const draw = (): void => {
    const store = starts()
    drawFlight(parts, store, filter)
    if (last?.store.finished === store.finished && last.filter === filter && last.store.state === store.state)
      return
    last = { store, filter }
    drawFinished(parts, store, filter)
  }
  const stops = [onStarts(draw), every(1000, draw)]
  requestAnimationFrame(draw)
  return {
    title: 'Starts',
    section: 'starts',
    element: parts.element,
    setFilter: (next) => {
      filter = next
      draw()
    },
    close: () => {
      for (const stop of stops) stop()
      parts.table.close()
      parts.points.close()
    },
  }
}

interface Parts {
  readonly element: HTMLElement
  readonly bar: ReturnType<typeof filterBar>
  readonly flight: ReturnType<typeof flightPanel>
  readonly title: HTMLElement
  readonly links: HTMLElement
  readonly overview: HTMLElement
  readonly summary: ReturnType<typeof summaryPanel>
  readonly points: ReturnType<typeof scatter>
  readonly table: ReturnType<typeof startsTable>
  readonly nothing: HTMLElement
}

function partsOf(filterOf: () => Filter): Parts {
  const bar = filterBar()
  const flight = flightPanel()
  const title = h('h2', { id: 'finished-title' })
  const links = h('span', { class: 'links' })
  const summary = summaryPanel()
  const points = scatter((after, before) => {
    location.hash = listAddress({ ...filterOf(), after: Math.floor(after), before: Math.ceil(before) })
  })
  const overview = h('div', { class: 'overview' }, summary.element, points.element)
  const table = startsTable()
  const nothing = h('div', { class: 'nothing' })
  const element = h(
    'div',
    { class: 'view starts' },
    h('h1', { class: 'unseen' }, 'Starts'),
    bar.element,
    flight.element,
    h(
      'section',
      { 'aria-labelledby': 'finished-title', class: 'finished' },
      h('div', { class: 'section-head' }, title, links),
      overview,
      table.element,
      nothing,
    ),
  )
  element.addEventListener('find', () => bar.focus())
  return { element, bar, flight, title, links, overview, summary, points, table, nothing }
}

function drawFlight(
  { flight, bar }: Parts,
  { about, finished, inFlight, settling }: Store,
  filter: Filter,
): void {
  const at = now()
  flight.element.hidden = about?.kind === 'recordings'
  flight.show(
    inFlight.filter((row) => passes(row, filter, at)),
    settling.filter((row) => passes(row, filter, at)),
  )
  bar.show(filter, finished.length === 0 ? inFlight : finished)
}

function drawFinished(
  { links, nothing, overview, points, summary, table, title }: Parts,
  store: Store,
  filter: Filter,
): void {
  const { finished, isPartial, state } = store
  const at = now()
  const over = finished.filter((row) => passes(row, filter, at))
  const shown = filter.order === 'slowest' ? over.toSorted(slowestFirst) : over
  const all = `${countText(finished.length)}${isPartial ? '+' : ''}`
  say(
    title,
    over.length === finished.length ? `${all} finished` : `${countText(over.length)} of ${all} finished`,
  )
  replace(links, ...groupLinks(filter))
  overview.hidden = over.length === 0
  table.element.hidden = over.length === 0
  replace(nothing, over.length === 0 ? nothingText(store, filter) : undefined)
  nothing.hidden = over.length > 0 || state === 'loading'
  if (over.length === 0) return
  summary.show(over, filter)
  points.show(over)
  table.show(shown, filter)
}

const slowestFirst = (a: StartRow, b: StartRow): number => (b.startupMs ?? 0) - (a.startupMs ?? 0)

function nothingText({ about, finished }: Store, filter: Filter): HTMLElement {
  if (finished.length > 0 || !isAll(filter))
    return empty('No start is as asked for', h('a', { href: '#/' }, 'Show all starts'))
  if (about?.kind === 'recordings') return empty('No start is in these recordings')
  return empty(
    'No start has been seen yet',
    'What starts from now on appears here by itself. A rollout is a good way to begin: ',
    h('code', {}, 'kubectl rollout restart deployment/NAME'),
  )
}

/** From a filter by workload or node to the picture of it. */
function groupLinks({ namespace, node, workload }: Filter): HTMLElement[] {
  return [
    ...(workload === ''
      ? []
      : [h('a', { href: workloadAddress(workload, namespace) }, 'Compare its revisions')]),
    ...(node === '' ? [] : [h('a', { href: nodeAddress(node) }, 'See the node')]),
  ]
}
