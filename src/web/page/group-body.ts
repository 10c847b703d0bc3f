// Owns what workloads and sessions show of their starts: figures, one revision beside another, where the time went, and each start
// aligned at its creation.
// Promises that the two revisions compared can be chosen. Does not choose the starts.

import type { StartRow } from '../row.ts'
import { alignedStarts } from './aligned.ts'
import { h, isolated, replace } from './dom.ts'
import { costTable, type Revision, revisionName, revisionsOf, revisionTable } from './revisions.ts'
import { scaleOf, sharesOf } from './sums.ts'
import { figuresOf, sharesBar } from './summary-panel.ts'

export interface GroupBody {
  readonly element: HTMLElement
  show(rows: readonly StartRow[]): void
  close(): void
}

export function groupBody(): GroupBody {
  const summary = h('div', { class: 'summary' })
  const revisions = h('section', { class: 'part-view', 'aria-label': 'Revisions' })
  const costs = h('section', { class: 'part-view', 'aria-label': 'Where the time went' })
  const aligned = alignedStarts({
    label: 'Starts, aligned at their creation',
    originOf: () => 0,
    noteOf: ({ name, revision = '' }) => (name.includes(revision) ? '' : revision),
  })
  const chosen: { after?: string; before?: string } = {}
  let rows: readonly StartRow[] = []
  const draw = (): void => {
    const found = revisionsOf(rows)
    replace(
      summary,
      h('dl', { class: 'figures' }, ...figuresOf(rows)),
      h('div', { class: 'shares' }, ...sharesBar(sharesOf(rows.map(({ path = [] }) => path)), undefined)),
    )
    replace(
      revisions,
      h('h2', {}, found.length > 1 ? 'Revisions, the newest first' : 'Revision'),
      revisionTable(found),
    )
    drawCosts(costs, found, chosen, draw)
    aligned.show(rows, { from: 0, to: scaleOf(rows.map(({ startupMs = 0 }) => startupMs)) })
  }
  return {
    element: h(
      'div',
      { class: 'group-body' },
      summary,
      h('div', { class: 'side-by-side' }, revisions, costs),
      h(
        'section',
        { class: 'part-view', 'aria-label': 'Starts' },
        h('h2', {}, 'Starts, aligned at their creation'),
        aligned.element,
      ),
    ),
    show: (next) => {
      rows = next
      draw()
    },
    close: () => aligned.close(),
  }
}

function drawCosts(
  section: HTMLElement,
  revisions: readonly Revision[],
  chosen: { after?: string; before?: string },
  again: () => void,
): void {
  if (section.contains(document.activeElement)) return
  const [newest] = revisions
  if (!newest) return
  const after = revisions.find(({ name }) => name === chosen.after) ?? newest
  const before =
    revisions.find(({ name }) => name === chosen.before && name !== after.name) ??
    revisions.find(({ name }) => name !== after.name)
  const select = (label: string, value: Revision, side: 'after' | 'before'): HTMLElement =>
    h(
      'select',
      {
        'aria-label': label,
        onchange: (event) => {
          const element = event.target as HTMLSelectElement
          chosen[side] = element.value
          element.blur()
          again()
        },
      },
      ...revisions.map((one) => {
        const option = h('option', { selected: one.name === value.name }, revisionName(one))
        option.value = one.name
        return option
      }),
    )
  const chooser =
    before &&
    h(
      'span',
      { class: 'chooser' },
      select('The newer revision', after, 'after'),
      h('span', {}, 'beside'),
      select('The older revision', before, 'before'),
    )
  replace(
    section,
    h('div', { class: 'section-head' }, h('h2', {}, 'Waited for, mean of each start'), chooser),
    costTable(after, before),
    before &&
      h(
        'p',
        { class: 'soft' },
        'Whether a difference is more than chance, ',
        h('code', {}, 'podspan diff'),
        ' says.',
      ),
  )
}

/** A heading of a view with a name in it. */
export const heading = (namespace: string, name: string): HTMLElement =>
  h('h1', {}, ...(namespace === '' ? [] : [isolated(`${namespace}/`, { class: 'soft' })]), isolated(name))
