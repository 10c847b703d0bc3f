// Owns the table of finished starts: one line each, with what its end waited for, to one scale for all.
// Promises that what is beyond the scale is drawn broken off, and that the order is in the address. Does not filter.

import type { StartRow } from '../row.ts'
import { type Drawn, h, isolated, replace, say } from './dom.ts'
import { type Filter, listAddress } from './filter.ts'
import { now } from './now.ts'
import { outcomeBadge } from './outcome.ts'
import { pathBar } from './path-bar.ts'
import { scaleOf } from './sums.ts'
import { podLink, scroller } from './view.ts'
import { virtualRows } from './virtual-rows.ts'
import { dayText, lengthText, whenText, whyText } from './words.ts'

export interface StartsTable {
  readonly element: HTMLElement
  show(rows: readonly StartRow[], filter: Filter): void
  close(): void
}

export function startsTable(): StartsTable {
  const scale = { longest: 1 }
  const head = h('div', { role: 'row', class: 'row head', 'aria-rowindex': 1 })
  let headed: Filter | undefined
  const table = virtualRows<StartRow>({
    label: 'Finished starts',
    scroller: scroller(),
    head,
    keyOf: ({ id }) => id,
    create: (row) => drawRow(row, scale),
  })
  return {
    element: table.element,
    show: (rows, filter) => {
      if (filter !== headed) replace(head, ...columnsOf(filter))
      headed = filter
      scale.longest = scaleOf(rows.map(({ startupMs = 0 }) => startupMs))
      table.show(rows)
    },
    close: table.close.bind(table),
  }
}

function columnsOf(filter: Filter): HTMLElement[] {
  const column = (name: string, ...children: (Node | string)[]): HTMLElement =>
    h('span', { role: 'columnheader', class: name }, ...children)
  const sort = (order: Filter['order'], text: string): HTMLElement =>
    filter.order === order
      ? h('span', { class: 'sorted' }, text, h('span', { 'aria-hidden': 'true' }, ' ↓'))
      : h('a', { href: listAddress({ ...filter, order }) }, text)
  return [
    column('when', sort('newest', 'Finished')),
    column('pod', 'Pod'),
    column('state', 'Outcome'),
    column('num took', sort('slowest', 'Startup')),
    column('bar', 'What it waited for'),
    column('why', 'Why'),
  ]
}

function drawRow(first: StartRow, scale: { readonly longest: number }): Drawn<StartRow> {
  const { id, namespace, name } = first
  const cell = (className: string, ...children: (Node | string)[]): HTMLElement =>
    h('span', { role: 'cell', class: className }, ...children)
  const when = h('time')
  const [state, took, bar, why] = [cell('state'), cell('num took'), cell('bar'), cell('why')]
  const element = h(
    'div',
    { role: 'row', class: 'row' },
    cell('when', when),
    cell('pod', podLink(id, namespace, name)),
    ...[state, took, bar, why],
  )
  element.addEventListener('click', (event) => {
    if ((event.target as Element).closest('a') === null && getSelection()?.isCollapsed !== false)
      element.querySelector('a')?.click()
  })
  let shown: { readonly row: StartRow; readonly longest: number } | undefined
  return {
    element,
    update: (row) => {
      const { created, outcome, path = [], startupMs = 0, verdict = '' } = row
      say(when, whenText(created + startupMs, now()))
      if (shown?.row === row && shown.longest === scale.longest) return
      shown = { row, longest: scale.longest }
      when.title = dayText(created + startupMs)
      say(took, lengthText(startupMs))
      replace(state, outcomeBadge(outcome))
      replace(bar, pathBar(path, 0, scale.longest))
      replace(why, isolated(whyText(verdict)))
      why.title = verdict
    },
  }
}
