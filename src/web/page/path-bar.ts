// Owns the picture of a start in one line: its critical path, each part in the colour of its operation.
// Promises its true scale within the frame that it is given. Does not know lists.

import type { PathPart } from '../row.ts'
import { colourOf } from './colours.ts'
import { h, place } from './dom.ts'
import { lengthText } from './words.ts'

/** `from` and `to`: what the whole width stands for, in ms since the start was created. */
export function pathBar(path: readonly PathPart[], from: number, to: number): HTMLElement {
  const share = (ms: number): number => ((ms - from) / (to - from)) * 100
  const parts = path.map(([operation, start, end]) =>
    place(h('i', { class: colourOf(operation), title: `${operation} ${lengthText(end - start)}` }), {
      left: `${share(start)}%`,
      width: `max(1px, ${share(end) - share(start)}%)`,
    }),
  )
  const words = path.map(([operation, start, end]) => `${operation} ${lengthText(end - start)}`).join(', ')
  return h('span', { class: 'path', role: 'img', 'aria-label': words }, ...parts)
}
