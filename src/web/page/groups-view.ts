// Owns the lists of workloads and of nodes: each with its starts summed up, to be put in any order.
// Promises that the order is kept while starts come in. Does not draw one workload or node.

import type { StartRow } from '../row.ts'
import { colourOf } from './colours.ts'
import { type Drawn, h, isolated, place, replace, say } from './dom.ts'
import { now } from './now.ts'
import { isBad } from './outcome.ts'
import { onStarts, starts } from './starts.ts'
import { lengthsOf, type Quantiles, quantilesOf, type Share, sharesOf } from './sums.ts'
import { empty, nodeAddress, scroller, type Section, type View, workloadAddress } from './view.ts'
import { virtualRows } from './virtual-rows.ts'
import { countText, lengthText, percentText, whenText } from './words.ts'

interface Group {
  readonly key: string
  readonly namespace: string
  readonly name: string
  readonly address: string
  readonly count: number
  readonly bad: number
  readonly lengths: Quantiles | undefined
  readonly shares: readonly Share[]
  /** Of all its starts together, ms. */
  readonly sum: number
  readonly last: number
}

type Order = 'sum' | 'count' | 'p50' | 'p90' | 'max' | 'bad' | 'last'

const VALUES: Readonly<Record<Order, (group: Group) => number>> = {
  sum: ({ sum }) => sum,
  count: ({ count }) => count,
  p50: ({ lengths }) => lengths?.p50 ?? -1,
  p90: ({ lengths }) => lengths?.p90 ?? -1,
  max: ({ lengths }) => lengths?.max ?? -1,
  bad: ({ bad }) => bad,
  last: ({ last }) => last,
}

const TITLES: readonly (readonly [order: Order | undefined, look: string, title: string])[] = [
  [undefined, 'pod', ''],
  ['count', 'num', 'Starts'],
  ['p50', 'num', 'P50'],
  ['p90', 'num', 'P90'],
  ['max', 'num', 'Longest'],
  ['bad', 'num', 'Failed'],
  ['sum', 'bar', 'Where the time went'],
  [undefined, 'why', 'Most for'],
  ['last', 'when num', 'Last'],
]

export const workloadsView = (): View =>
  groupsView('Workloads', 'workloads', (row) => {
    const { namespace, workload } = row
    return workload === undefined
      ? undefined
      : {
          key: `${namespace}/${workload}`,
          namespace,
          name: workload,
          address: workloadAddress(workload, namespace),
        }
  })

export const nodesView = (): View =>
  groupsView('Nodes', 'nodes', ({ node }) =>
    node === undefined ? undefined : { key: node, namespace: '', name: node, address: nodeAddress(node) },
  )

type Named = Pick<Group, 'key' | 'namespace' | 'name' | 'address'>

function groupsView(title: string, section: Section, nameOf: (row: StartRow) => Named | undefined): View {
  let order: Order = 'sum'
  const head = h('div', { role: 'row', class: 'row head', 'aria-rowindex': 1 })
  const table = virtualRows<Group>({
    ...{ label: title, scroller: scroller(), head, create: drawGroup },
    keyOf: ({ key }) => key,
  })
  table.element.classList.add('of-groups')
  const nothing = h('div')
  let shown: readonly StartRow[] | undefined
  const draw = (): void => {
    const { finished } = starts()
    const groups = groupsOf(finished, nameOf).sort((a, b) => VALUES[order](b) - VALUES[order](a))
    shown = finished
    replace(
      head,
      ...headsOf(title.slice(0, -1), order, (next) => {
        order = next
        draw()
      }),
    )
    table.element.hidden = groups.length === 0
    replace(
      nothing,
      groups.length === 0
        ? empty(
            `No start of any ${title.slice(0, -1).toLowerCase()} has been seen`,
            'They appear by themselves.',
          )
        : undefined,
    )
    table.show(groups)
  }
  const stop = onStarts(() => {
    if (starts().finished !== shown) draw()
  })
  requestAnimationFrame(draw)
  return {
    ...{ title, section },
    element: h('div', { class: 'view groups-view' }, h('h1', {}, title), nothing, table.element),
    close: () => {
      stop()
      table.close()
    },
  }
}

function headsOf(first: string, order: Order, sort: (order: Order) => void): HTMLElement[] {
  return TITLES.map(([by, look, title]) => {
    if (by === undefined) return h('span', { role: 'columnheader', class: look }, title || first)
    const button = h(
      'button',
      { type: 'button', class: by === order ? 'sorted' : '', onclick: () => sort(by) },
      title,
      by === order && h('span', { 'aria-hidden': 'true' }, ' ↓'),
    )
    return h(
      'span',
      { role: 'columnheader', class: look, 'aria-sort': by === order ? 'descending' : undefined },
      button,
    )
  })
}

function groupsOf(rows: readonly StartRow[], nameOf: (row: StartRow) => Named | undefined): Group[] {
  const groups = new Map<string, { named: Named; rows: StartRow[] }>()
  for (const row of rows) {
    const named = nameOf(row)
    if (!named) continue
    const group = groups.get(named.key) ?? { named, rows: [] }
    group.rows.push(row)
    groups.set(named.key, group)
  }
  return [...groups.values()].map(({ named, rows: own }) => {
    const shares = sharesOf(own.map(({ path = [] }) => path))
    return {
      ...named,
      ...{ shares, count: own.length, lengths: quantilesOf(lengthsOf(own)) },
      bad: own.filter(({ outcome }) => isBad(outcome)).length,
      sum: shares.reduce((sum, { ms }) => sum + ms, 0),
      last: Math.max(...own.map(({ created, startupMs = 0 }) => created + startupMs)),
    }
  })
}

function drawGroup({ address, namespace, name }: Group): Drawn<Group> {
  const cell = (look: string, ...children: (Node | string)[]): HTMLElement =>
    h('span', { role: 'cell', class: look }, ...children)
  const link = h(
    'a',
    { href: address, class: 'name' },
    namespace === '' ? '' : isolated(`${namespace}/`, { class: 'soft' }),
    isolated(name),
  )
  const [count, p50, p90, longest, bad] = [
    cell('num'),
    cell('num'),
    cell('num took'),
    cell('num'),
    cell('num'),
  ]
  const [bar, most, last] = [cell('bar'), cell('why'), cell('when num')]
  return {
    element: h(
      'div',
      { role: 'row', class: 'row' },
      cell('pod', link),
      ...[count, p50, p90, longest, bad, bar, most, last],
    ),
    update: (group) => {
      const { lengths, shares } = group
      const [first] = shares
      say(count, countText(group.count))
      for (const [element, ms] of [
        [p50, lengths?.p50],
        [p90, lengths?.p90],
        [longest, lengths?.max],
      ] as const)
        say(element, ms === undefined ? '–' : lengthText(ms))
      say(bad, group.bad === 0 ? '–' : countText(group.bad))
      bad.classList.toggle('o-bad', group.bad > 0)
      replace(bar, shareBar(shares))
      say(most, first ? `${first.operation} ${percentText(first.share)}` : '')
      say(last, whenText(group.last, now()))
    },
  }
}

/** All of it, whatever its length: rows are compared by what they are made of. */
function shareBar(shares: readonly Share[]): HTMLElement {
  const words = shares
    .slice(0, 5)
    .map(({ operation, share }) => `${operation} ${percentText(share)}`)
    .join(', ')
  const parts = shares
    .filter(({ share }) => share > 0.004)
    .map(({ operation, share }) =>
      place(h('i', { class: colourOf(operation) }), { width: `${share * 100}%` }),
    )
  return h('span', { class: 'path whole thin', role: 'img', 'aria-label': words, title: words }, ...parts)
}
