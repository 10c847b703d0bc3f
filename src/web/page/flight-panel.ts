// Owns what is in flight on top of the starts: what each pod waits for now and for how long; where many wait, grouped by what for.
// Promises the longest waiting first, and that times go on each second without anything else moving. Does not fetch.

import type { StartRow } from '../row.ts'
import { colourOf } from './colours.ts'
import { type Drawn, h, isolated, keyedList, replace, say } from './dom.ts'
import { now } from './now.ts'
import { podLink } from './view.ts'
import { ageText, countText, plural } from './words.ts'

export interface FlightPanel {
  readonly element: HTMLElement
  show(rows: readonly StartRow[], settling: readonly StartRow[]): void
}

/** So many stand one by one; more are grouped. */
const SINGLE_MAX = 12
/** Of a group so many are listed when it is opened. */
const LISTED_MAX = 100

export function flightPanel(): FlightPanel {
  const title = h('h2', { id: 'flight-title' })
  const note = h('span', { class: 'soft' })
  const list = h('ul', { class: 'flight', 'aria-labelledby': 'flight-title' })
  const groups = h('ul', { class: 'flight groups', 'aria-labelledby': 'flight-title' })
  const element = h(
    'section',
    { class: 'in-flight', 'aria-labelledby': 'flight-title' },
    h('div', { class: 'section-head' }, title, note),
    list,
    groups,
  )
  const showSingle = keyedList<StartRow>(list, ({ uid }) => uid, drawWaiting)
  const showGroups = keyedList<Group>(groups, ({ key }) => key, drawGroup)
  return {
    element,
    show: (rows, settling) => {
      const isMany = rows.length > SINGLE_MAX
      say(title, rows.length === 0 ? 'Nothing is starting' : `${countText(rows.length)} starting`)
      say(note, settling.length === 0 ? '' : settlingText(settling))
      showSingle(isMany ? [] : rows)
      showGroups(isMany ? groupsOf(rows) : [])
      element.classList.toggle('idle', rows.length === 0)
    },
  }
}

const settlingText = (rows: readonly StartRow[]): string =>
  rows.length === 1
    ? `${rows[0]?.name} is over; its evidence settles for a few seconds`
    : `${countText(rows.length)} are over; their evidence settles for a few seconds`

function drawWaiting({ id, namespace, name }: StartRow): Drawn<StartRow> {
  const swatch = h('i', { 'aria-hidden': 'true' })
  const what = isolated('')
  const since = h('span', { class: 'num since' })
  const age = h('span', { class: 'num age' })
  const why = isolated('', { class: 'why' })
  const element = h(
    'li',
    {},
    podLink(id, namespace, name),
    h('span', { class: 'waits-for' }, swatch, what),
    since,
    why,
    age,
  )
  return {
    element,
    update: (row) => {
      const at = now()
      swatch.className = `swatch ${colourOf(row.operation ?? '')}`
      say(what, row.waitsFor ?? row.operation ?? '')
      say(since, ageText(at - (row.since ?? at)))
      say(why, row.reason ?? '')
      say(age, `${ageText(at - row.created)} old`)
    },
  }
}

interface Group {
  readonly key: string
  readonly operation: string
  readonly reason: string
  readonly rows: readonly StartRow[]
}

/** By what is waited for and what was said of it; the largest first. */
export function groupsOf(rows: readonly StartRow[]): Group[] {
  const groups = Map.groupBy(rows, ({ operation = '', reason = '' }) => `${operation}\n${reason}`)
  return [...groups]
    .map(([key, some]) => ({
      key,
      operation: some[0]?.operation ?? '',
      reason: some[0]?.reason ?? '',
      rows: some.toSorted((a, b) => (a.since ?? 0) - (b.since ?? 0)),
    }))
    .sort((a, b) => b.rows.length - a.rows.length || (a.key < b.key ? -1 : 1))
}

function drawGroup({ operation }: Group): Drawn<Group> {
  const count = h('strong', { class: 'num' })
  const why = isolated('', { class: 'why' })
  const oldest = h('span', { class: 'num age' })
  const inner = h('ul', { class: 'flight' })
  const showInner = keyedList<StartRow>(inner, ({ uid }) => uid, drawWaiting)
  const more = h('p', { class: 'soft' })
  const details = h(
    'details',
    {},
    h(
      'summary',
      {},
      count,
      h('span', { class: 'waits-for' }, h('i', { class: `swatch ${colourOf(operation)}` }), operation),
      why,
      oldest,
    ),
    inner,
    more,
  )
  const element = h('li', {}, details)
  let last: Group | undefined
  const fill = (): void => {
    const rows = details.open ? (last?.rows ?? []) : []
    showInner(rows.slice(0, LISTED_MAX))
    replace(more, rows.length > LISTED_MAX ? `and ${countText(rows.length - LISTED_MAX)} more` : '')
  }
  details.addEventListener('toggle', fill)
  return {
    element,
    update: (group) => {
      last = group
      const at = now()
      say(count, plural(group.rows.length, 'pod'))
      say(why, group.reason)
      say(oldest, `the first for ${ageText(at - (group.rows[0]?.since ?? at))}`)
      if (details.open) fill()
    },
  }
}
