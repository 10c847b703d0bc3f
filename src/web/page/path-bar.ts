// Owns the picture of a start in one line: its critical path, each part in the colour of its operation.
// Promises its true scale within the frame that it is given, and a broken end where it is longer. Does not know lists.

import type { PathPart } from '../row.ts'
import { colourOf } from './colours.ts'
import { h, place } from './dom.ts'
import { lengthText } from './words.ts'

/** Parts that are no wider than this are not drawn one by one. */
const HAIR = 0.15

/** `from` and `to`: what the whole width stands for, in ms since the start was created. */
export function pathBar(path: readonly PathPart[], from: number, to: number): HTMLElement {
  const share = (ms: number): number => Math.min(Math.max(((ms - from) / (to - from)) * 100, 0), 100)
  const parts = path
    .filter(([, start, end]) => share(end) - share(start) > HAIR)
    .map(([operation, start, end]) =>
      place(h('i', { class: colourOf(operation) }), {
        left: `${share(start).toFixed(2)}%`,
        width: `${(share(end) - share(start)).toFixed(2)}%`,
      }),
    )
  const isBroken = (path.at(-1)?.[2] ?? 0) > to * 1.001
  const words = pathWords(path)
  return h(
    'span',
    { class: isBroken ? 'path broken' : 'path', role: 'img', 'aria-label': words, title: words },
    ...(parts.length === 0 && path.length > 0 ? [hair(path, share)] : parts),
  )
}

/** What is too short for the scale is still seen. */
function hair(path: readonly PathPart[], share: (ms: number) => number): HTMLElement {
  const [operation] = path.reduce((a, b) => (b[2] - b[1] > a[2] - a[1] ? b : a))
  return place(h('i', { class: colourOf(operation) }), { left: `${share(path[0]?.[1] ?? 0)}%`, width: '2px' })
}

const WORDS_MAX = 12

function pathWords(path: readonly PathPart[]): string {
  const words = path
    .slice(0, WORDS_MAX)
    .map(([operation, from, to]) => `${operation} ${lengthText(to - from)}`)
    .join(', ')
  return path.length > WORDS_MAX ? `${words}, …` : words
}
