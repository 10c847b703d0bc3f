// Owns what the page says of one boundary: when it was, how far the truth may lie, and every stamp that speaks of it.
// Promises a picture of each stamp beside the interval that all of them leave, to one scale. Does not combine: the server has.

import { h, isolated, place } from './dom.ts'
import { wordsOfSource, whyWon } from './sources.ts'
import { type Boundary, type Evidence, msAfter, nanosOf } from './start.ts'
import { lengthText, tickText } from './words.ts'

export function boundaryView(title: string, boundary: Boundary, origin: bigint): HTMLElement {
  const { earlyMs, evidence, lateMs, source, time } = boundary
  const winner = winnerOf(boundary)
  const at = msAfter(time, origin)
  return h(
    'section',
    { class: 'part boundary' },
    h(
      'h3',
      {},
      title,
      h('span', { class: 'num at' }, `${at < 0 ? '' : '+'}${tickText(at, 0.001)}`),
      h('time', { class: 'num soft', datetime: time }, clockOf(time)),
    ),
    h('p', { class: 'soft' }, rangeText(earlyMs, lateMs)),
    h(
      'p',
      {},
      whyWon(source, Math.max(0, evidence.length - 1)),
      ...notesOf(boundary).map((note) => ` ${note}.`),
    ),
    evidence.length > 0 && stampList(boundary, winner),
  )
}

const clockOf = (time: string): string => time.replace(/^.*T/, '')

const rangeText = (early: number, late: number): string =>
  early < 0.001 && late < 0.001
    ? 'Exact.'
    : `The truth is at most ${lengthText(early)} earlier and ${lengthText(late)} later.`

function notesOf({ clamped, conflict, shiftedMs }: Boundary): string[] {
  return [
    conflict === true ? 'Two stamps exclude each other, and the finest was kept' : '',
    clamped === true ? 'Moved so that the span lies inside its parent and does not end before it starts' : '',
    shiftedMs !== undefined && shiftedMs !== 0
      ? `Its clock is off: moved by ${lengthText(Math.abs(shiftedMs))}${shiftedMs < 0 ? ' back' : ''}`
      : '',
  ].filter((note) => note !== '')
}

/** Of several of the finest kind the earliest counts: all of them say "not later". */
function winnerOf({ evidence, source }: Boundary): Evidence | undefined {
  return evidence
    .filter((one) => one.source === source)
    .reduce<Evidence | undefined>(
      (best, one) => (best === undefined || one.time < best.time ? one : best),
      undefined,
    )
}

interface Extent {
  readonly origin: bigint
  readonly from: number
  readonly to: number
}

/** What the picture of the stamps spans, in ms from the best estimate; that lies at 0. */
function extentOf({ earlyMs, evidence, lateMs, time }: Boundary): Extent {
  const origin = nanosOf(time)
  const ends = evidence.flatMap((one) => {
    const at = msAfter(one.time, origin)
    return [at, at + one.resolutionMs]
  })
  const [from, to] = [Math.min(-earlyMs, ...ends), Math.max(lateMs, ...ends)]
  const margin = Math.max((to - from) * 0.06, 0.001)
  return { origin, from: from - margin, to: to + margin }
}

function stampList(boundary: Boundary, winner: Evidence | undefined): HTMLElement {
  const extent = extentOf(boundary)
  const items = boundary.evidence.map((one) => stampItem(one, boundary, extent, one === winner))
  return h('ul', { class: 'stamps', 'aria-label': 'Evidence' }, ...items)
}

function stampItem(one: Evidence, boundary: Boundary, extent: Extent, won: boolean): HTMLElement {
  const { clock, field, object, raw, resolutionMs, resourceVersion, source, time } = one
  const { from, says } = wordsOfSource(source)
  return h(
    'li',
    won ? { class: 'winner' } : {},
    h(
      'div',
      { class: 'stamp-head' },
      h('strong', { title: `From ${from}: ${says}` }, source),
      won && h('span', { class: 'won' }, 'won'),
      ruler(one, boundary, extent),
    ),
    h(
      'dl',
      {},
      ...pair('time', time, 'num'),
      ...pair('clock', `${clock}, fine to ${lengthText(resolutionMs)}`),
      ...pair('object', `${object}${resourceVersion === '' ? '' : ` @${resourceVersion}`}`),
      ...pair('field', field, 'mono'),
      ...(raw === '' ? [] : pair('value', raw, 'mono')),
    ),
  )
}

const pair = (term: string, value: string, look = ''): HTMLElement[] => [
  h('dt', {}, term),
  h('dd', { class: look }, isolated(value)),
]

/** The stamp as a bar as wide as it is coarse, over the interval that is left, and the best estimate as a line. */
function ruler(one: Evidence, { earlyMs, lateMs }: Boundary, { origin, from, to }: Extent): HTMLElement {
  const share = (ms: number): number => ((ms - from) / (to - from)) * 100
  const at = msAfter(one.time, origin)
  const strip = (name: string, first: number, last: number): HTMLElement =>
    place(h('i', { class: name }), {
      left: `${share(first)}%`,
      width: `max(2px, ${share(last) - share(first)}%)`,
    })
  return h(
    'span',
    { class: 'stamp-ruler', 'aria-hidden': 'true' },
    strip('left', -earlyMs, lateMs),
    strip('stamp', at, at + one.resolutionMs),
    place(h('i', { class: 'best' }), { left: `${share(0)}%` }),
  )
}
