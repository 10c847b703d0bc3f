// Owns a list of thousands of rows of equal height, of which only those in sight are drawn.
// Promises that the position stays while rows come in above, and that assistive technology hears how many there are. Does not know rows.

import { h, place, replace } from './dom.ts'

export interface VirtualList {
  readonly element: HTMLElement
  /** Rows by number; `draw` is asked for those in sight. */
  show(count: number, draw: (index: number) => HTMLElement): void
}

const ROW = 30
/** Drawn above and below what is in sight. */
const MORE = 12

export function virtualList(label: string): VirtualList {
  const body = h('div', { class: 'rows', role: 'rowgroup' })
  const element = h('div', { class: 'list', role: 'table', 'aria-label': label, tabindex: 0 }, body)
  let count = 0
  let draw: (index: number) => HTMLElement = () => h('div')
  const update = (): void => {
    const first = Math.max(0, Math.floor(element.scrollTop / ROW) - MORE)
    const last = Math.min(count, Math.ceil((element.scrollTop + element.clientHeight) / ROW) + MORE)
    const rows: HTMLElement[] = []
    for (let index = first; index < last; index++) {
      const row = place(draw(index), { transform: `translateY(${index * ROW}px)` })
      row.setAttribute('aria-rowindex', String(index + 1))
      rows.push(row)
    }
    replace(body, ...rows)
  }
  element.addEventListener('scroll', () => requestAnimationFrame(update), { passive: true })
  new ResizeObserver(update).observe(element)
  return {
    element,
    show: (rows, drawRow) => {
      // Who reads further down keeps his place when starts come in above.
      if (element.scrollTop > ROW && rows > count && count > 0) element.scrollTop += (rows - count) * ROW
      count = rows
      draw = drawRow
      element.setAttribute('aria-rowcount', String(rows))
      place(body, { height: `${rows * ROW}px` })
      update()
    },
  }
}
