// Owns the picture of how many things were going on at once, as steps over time.
// Promises to be as high as the greatest count within what is in sight. Does not count: steps.ts does.

import { place, svg } from './dom.ts'
import type { Scale } from './scale.ts'
import { clipped, type Step } from './steps.ts'

const HEIGHT = 100

export function stepChart(
  steps: readonly Step[],
  scale: Scale,
  colour: string,
): { readonly element: SVGElement; readonly most: number } {
  const seen = clipped(steps, scale)
  const most = seen.reduce((max, [, count]) => Math.max(max, count), 0)
  const x = (at: number): string => (((at - scale.from) / (scale.to - scale.from)) * 1000).toFixed(1)
  const y = (count: number): string => (HEIGHT - (most === 0 ? 0 : (count / most) * (HEIGHT - 8))).toFixed(1)
  const line = seen.map(([at, count], index) => {
    const next = seen[index + 1]?.[0] ?? scale.to
    return `L${x(at)} ${y(count)}L${x(next)} ${y(count)}`
  })
  const path = svg('path', { d: `M0 ${HEIGHT}${line.join('')}L1000 ${HEIGHT}Z`, class: 'area' })
  const element = svg(
    'svg',
    { viewBox: `0 0 1000 ${HEIGHT}`, preserveAspectRatio: 'none', class: `steps ${colour}` },
    path,
  )
  return { element: place(element, { width: '100%', height: '100%' }), most }
}
