// Owns the line that says by which keys a picture is walked, zoomed and panned.
// Promises what waterfall-view.ts and ruler.ts do. Does nothing itself.

import { h } from './dom.ts'

export function keysText(): HTMLElement {
  const key = (text: string): HTMLElement => h('kbd', {}, text)
  return h(
    'p',
    { class: 'keys' },
    ...[
      key('↑'),
      key('↓'),
      ' line  ',
      key('←'),
      key('→'),
      ' fold  ',
      key('W'),
      key('S'),
      ' zoom  ',
      key('A'),
    ],
    ...[
      key('D'),
      ' pan  ',
      key('F'),
      ' fit  ',
      key('0'),
      ' all  ',
      'Ctrl + wheel zooms, dragging the axis too',
    ],
  )
}
