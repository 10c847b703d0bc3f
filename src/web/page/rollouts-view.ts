// Owns the view of all rollouts, and the table of them that a workload shows, too.
// Promises the newest first, each with what it waited for to one scale. Does not draw one rollout whole.

import type { RolloutRow } from '../row.ts'
import { type Drawn, h, isolated, replace, say } from './dom.ts'
import { now } from './now.ts'
import { outcomeBadge } from './outcome.ts'
import { pathBar } from './path-bar.ts'
import { followRollouts } from './collections.ts'
import { scaleOf } from './sums.ts'
import { empty, scroller, type View } from './view.ts'
import { type VirtualRows, virtualRows } from './virtual-rows.ts'
import { dayText, lengthText, whenText, whyText } from './words.ts'

export interface RolloutTable extends Pick<VirtualRows<RolloutRow>, 'element' | 'close'> {
  show(rows: readonly RolloutRow[]): void
}

const TITLES = [
  ['when', 'Began'],
  ['pod', 'Workload'],
  ['state', 'Outcome'],
  ['num took', 'Length'],
  ['bar', 'What it waited for'],
  ['why', 'Why'],
] as const

export function rolloutTable(): RolloutTable {
  const scale = { longest: 1 }
  const head = h(
    'div',
    { role: 'row', class: 'row head', 'aria-rowindex': 1 },
    ...TITLES.map(([look, title]) => h('span', { role: 'columnheader', class: look }, title)),
  )
  const table = virtualRows<RolloutRow>({
    ...{ label: 'Rollouts', scroller: scroller(), head },
    keyOf: ({ id }) => id,
    create: (row) => drawRow(row, scale),
  })
  table.element.classList.add('of-rollouts')
  return {
    element: table.element,
    close: () => table.close(),
    show: (rows) => {
      scale.longest = scaleOf(rows.map(({ lengthMs }) => lengthMs))
      table.show(rows.toSorted((a, b) => b.began - a.began))
    },
  }
}

function drawRow(
  { id, namespace, workload }: RolloutRow,
  scale: { readonly longest: number },
): Drawn<RolloutRow> {
  const cell = (look: string, ...children: (Node | string)[]): HTMLElement =>
    h('span', { role: 'cell', class: look }, ...children)
  const when = h('time')
  const revision = isolated('', { class: 'soft' })
  const [state, took, bar, why] = [cell('state'), cell('num took'), cell('bar'), cell('why')]
  const link = h(
    'a',
    { href: `#/rollout/${id}`, class: 'name' },
    isolated(`${namespace}/`, { class: 'soft' }),
    isolated(workload),
    ' ',
    revision,
  )
  return {
    element: h(
      'div',
      { role: 'row', class: 'row' },
      cell('when', when),
      cell('pod', link),
      ...[state, took, bar, why],
    ),
    update: (row) => {
      say(when, whenText(row.began, now()))
      when.title = dayText(row.began)
      say(revision, row.revision === undefined ? '' : `#${row.revision}`)
      say(took, lengthText(row.lengthMs))
      replace(state, outcomeBadge(row.outcome))
      replace(bar, pathBar(row.path, 0, scale.longest))
      replace(why, isolated(whyText(row.verdict)))
      why.title = row.verdict
    },
  }
}

export function rolloutsView(): View {
  const table = rolloutTable()
  const box = h('div', {}, h('p', { class: 'soft loading' }, 'Reading rollouts'))
  const stop = followRollouts((rows) => {
    const nothing = empty(
      'No rollout has been seen',
      'A rollout is shown when its workload changes while it is watched, or when a recording holds it.',
    )
    replace(box, rows.length === 0 ? nothing : table.element)
    table.show(rows)
  })
  return {
    title: 'Rollouts',
    section: 'rollouts',
    element: h('div', { class: 'view starts' }, h('h1', {}, 'Rollouts'), box),
    close: () => {
      stop()
      table.close()
    },
  }
}
