// Owns the picture of many starts one below the other on one time axis: aligned at their creation, or as they overlapped.
// Promises thousands of them, zoomed and panned by mouse and keyboard like one start. Does not choose which.

import type { StartRow } from '../row.ts'
import { type Drawn, h, replace, say } from './dom.ts'
import { isBad } from './outcome.ts'
import { pathBar } from './path-bar.ts'
import { createRuler, type Ruler } from './ruler.ts'
import type { Scale } from './scale.ts'
import { podLink, scroller } from './view.ts'
import { virtualRows } from './virtual-rows.ts'
import { lengthText } from './words.ts'

export interface Aligned {
  readonly element: HTMLElement
  show(rows: readonly StartRow[], all: Scale): void
  close(): void
}

export interface AlignedOptions {
  readonly label: string
  /** Where a row's creation stands on the axis: 0, or its moment. */
  readonly originOf: (row: StartRow) => number
  /** An axis that others share; by default one of its own. */
  readonly ruler?: Ruler
  /** Beside the name. */
  readonly noteOf?: (row: StartRow) => string
}

export function alignedStarts({ label, originOf, noteOf, ruler: shared }: AlignedOptions): Aligned {
  let last: readonly StartRow[] = []
  const ruler = shared ?? createRuler({ onScale: () => table.show(last) })
  const table = virtualRows<StartRow>({
    label,
    scroller: scroller(),
    keyOf: ({ id }) => id,
    create: (row) => drawRow(row, { ruler, originOf, noteOf: noteOf ?? (() => '') }),
  })
  const box = h('div', { class: 'tree-box' }, ...(shared ? [] : [ruler.layer]), table.element)
  const element = h('div', { class: 'aligned waterfall' }, ...(shared ? [] : [ruler.element]), box)
  if (!shared) {
    ruler.follow(table.element)
    element.addEventListener('keydown', (event) => ruler.key(event) && event.preventDefault())
  }
  return {
    element,
    show: (rows, all) => {
      last = rows
      // Where all are of one, it goes without saying.
      element.classList.toggle(
        'one-namespace',
        rows.every(({ namespace }) => namespace === rows[0]?.namespace),
      )
      if (!shared) ruler.extend(all)
      table.show(rows)
    },
    close: () => table.close(),
  }
}

function drawRow(
  { id, namespace, name }: StartRow,
  {
    ruler,
    originOf,
    noteOf,
  }: { readonly ruler: Ruler } & Required<Pick<AlignedOptions, 'originOf' | 'noteOf'>>,
): Drawn<StartRow> {
  const track = h('span', { class: 'track', role: 'cell' })
  const length = h('span', { class: 'num length', role: 'cell' })
  const note = h('span', { class: 'soft note' })
  const element = h(
    'div',
    { role: 'row', class: 'row line' },
    h('span', { role: 'cell', class: 'label' }, podLink(id, namespace, name), note),
    track,
    length,
  )
  let shown: { readonly row: StartRow; readonly scale: Scale } | undefined
  return {
    element,
    update: (row) => {
      const { scale } = ruler
      if (shown?.row === row && shown.scale === scale) return
      shown = { row, scale }
      const { outcome, path = [], startupMs = 0 } = row
      const origin = originOf(row)
      say(note, noteOf(row))
      say(length, `${isBad(outcome) ? '✕ ' : ''}${lengthText(startupMs)}`)
      length.classList.toggle('o-bad', isBad(outcome))
      replace(track, pathBar(path, scale.from - origin, scale.to - origin))
    },
  }
}
