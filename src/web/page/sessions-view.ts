// Owns the views of TraceSessions: all of them, and one with its objectives and the starts that it has taken.
// Promises what the session's status says, and beside it the starts as far as they are kept here. Does not judge.

import type { SessionRow } from '../row.ts'
import { followSessions } from './collections.ts'
import { h, isolated, replace } from './dom.ts'
import { groupBody, heading } from './group-body.ts'
import { now } from './now.ts'
import { outcomeBadge } from './outcome.ts'
import { onStarts, starts } from './starts.ts'
import { empty, missing, sideways, type View } from './view.ts'
import { countText, dayText, plural, whenText } from './words.ts'

export function sessionsView(): View {
  const box = h('div', {}, h('p', { class: 'soft loading' }, 'Reading sessions'))
  const stop = followSessions((rows) => {
    const nothing = empty(
      'There is no TraceSession',
      'One judges the starts of a rollout: ',
      h('code', {}, 'podspan session run --target deploy/NAME'),
    )
    replace(box, rows.length === 0 ? nothing : sessionTable(rows.toSorted((a, b) => b.created - a.created)))
  })
  return {
    title: 'Sessions',
    section: 'sessions',
    element: h('div', { class: 'view' }, h('h1', {}, 'Sessions'), box),
    close: stop,
  }
}

const TITLES = ['created', 'session', 'verdict', 'objective', 'pods', 'target'] as const

function sessionTable(rows: readonly SessionRow[]): HTMLElement {
  const head = TITLES.map((title) => h('th', { scope: 'col', class: title === 'pods' ? 'num' : '' }, title))
  const body = rows.map(({ created, matched, name, namespace, objective = '', phase, target, uid }) =>
    h(
      'tr',
      {},
      h('td', { class: 'soft' }, h('time', { title: dayText(created) }, whenText(created, now()))),
      h(
        'th',
        { scope: 'row' },
        h(
          'a',
          { href: `#/session/${uid}`, class: 'name' },
          isolated(`${namespace}/`, { class: 'soft' }),
          isolated(name),
        ),
      ),
      h('td', {}, outcomeBadge(phase)),
      h('td', {}, isolated(objective)),
      h('td', { class: 'num' }, countText(matched)),
      h('td', {}, isolated(target)),
    ),
  )
  return sideways(
    'Sessions',
    h(
      'table',
      { class: 'figures-table wide' },
      h('thead', {}, h('tr', {}, ...head)),
      h('tbody', {}, ...body),
    ),
  )
}

export function sessionView(uid: string): View {
  const body = groupBody()
  const head = h('div', { class: 'lead' }, h('p', { class: 'soft loading' }, 'Reading the session'))
  const nothing = h('div')
  let session: SessionRow | undefined
  const draw = (): void => {
    if (!session) return
    const own = new Set(session.starts)
    const rows = starts().finished.filter(({ id }) => own.has(id))
    body.element.hidden = rows.length === 0
    const words =
      session.matched > 0
        ? 'Its starts are not kept here any more; its status has what they came to.'
        : 'It has taken no pod yet.'
    replace(nothing, rows.length === 0 ? empty('No start of this session is here', words) : undefined)
    if (rows.length > 0) body.show(rows)
  }
  const stops = [
    onStarts(draw),
    followSessions((rows) => {
      session = rows.find((row) => row.uid === uid)
      replace(
        head,
        ...(session
          ? headOf(session)
          : [missing('There is no such session', h('a', { href: '#/sessions' }, 'All sessions'))]),
      )
      draw()
    }),
  ]
  body.element.hidden = true
  return {
    title: 'Session',
    section: 'sessions',
    element: h('div', { class: 'view group' }, head, nothing, body.element),
    close: () => {
      for (const stop of stops) stop()
      body.close()
    },
  }
}

function headOf(session: SessionRow): HTMLElement[] {
  const { conditions, created, matched, name, namespace, objectives, phase, starting, target } = session
  const facts = [
    ['Target', target],
    ['Created', dayText(created)],
    ['Pods', `${plural(matched, 'pod')}, ${countText(starting)} starting`],
  ] as const
  return [
    h('div', { class: 'title-line' }, heading(namespace, name), outcomeBadge(phase)),
    ...conditions
      .filter(([type]) => type === 'ObjectiveMet' || type === 'Accepted')
      .slice(-1)
      .map(([, , , message]) => h('p', { class: 'verdict' }, isolated(message))),
    h(
      'dl',
      { class: 'facts' },
      ...facts.map(([term, value]) => h('div', {}, h('dt', {}, term), h('dd', {}, isolated(value)))),
    ),
    ...(objectives.length === 0 ? [] : [objectiveList(objectives)]),
  ]
}

const objectiveList = (objectives: SessionRow['objectives']): HTMLElement =>
  h(
    'ul',
    { class: 'objectives', 'aria-label': 'Objectives' },
    ...objectives.map(({ met, name, of, threshold, value }) =>
      h(
        'li',
        {},
        outcomeBadge(met === undefined ? 'Running' : met ? 'Passed' : 'Failed'),
        h('strong', {}, isolated(name)),
        h('span', {}, `${of} within ${threshold}`),
        h('span', { class: 'soft' }, value === undefined ? 'nothing to say yet' : `reached ${value}`),
      ),
    ),
  )
