// Owns the view of one node: what started on it at the same time, its queue of image pulls, and how much kubelet and runtime had to do
// at once.
// Promises one time axis for all of it, which begins at the last busy stretch. Does not fetch starts.

import type { NodePicture, NodePull, NodeWork, StartRow } from '../row.ts'
import { alignedStarts } from './aligned.ts'
import { colourOf } from './colours.ts'
import { stepChart } from './step-chart.ts'
import { countSteps } from './steps.ts'
import { h, isolated, place, replace, say } from './dom.ts'
import { heading } from './group-body.ts'
import { settled } from './now.ts'
import { createRuler, type Ruler } from './ruler.ts'
import { stretchOf } from './shape.ts'
import { onStarts, readJson, starts } from './starts.ts'
import { figuresOf } from './summary-panel.ts'
import { empty, type View } from './view.ts'
import { bytesText, clockText, dayText, lengthText, plural } from './words.ts'

export function nodeView(node: string): View {
  const parts = partsOf(node)
  let picture: NodePicture = { pulls: [], works: [] }
  let rows: readonly StartRow[] = []
  let isFirst = true
  const draw = (): void => {
    drawPicture(parts, picture, rows)
    const { from, to } = parts.ruler.scale
    const seen = rows.filter((row) => endOf(row) >= from && row.created <= to)
    parts.aligned.show(
      seen.toSorted((a, b) => a.created - b.created),
      parts.ruler.scale,
    )
    const more = rows.length - seen.length
    say(
      parts.more,
      more === 0 ? '' : `${plural(more, 'start')} outside of this stretch of time; 0 shows all.`,
    )
  }
  parts.onScale(draw)
  const read = async (): Promise<void> => {
    rows = starts().finished.filter((row) => row.node === node)
    const nothing = empty('Nothing has started on this node', 'Starts appear here as soon as they are over.')
    replace(parts.nothing, rows.length === 0 ? nothing : undefined)
    parts.body.hidden = rows.length === 0
    if (rows.length === 0) return
    picture = await readJson<NodePicture>(`api/nodes/${encodeURIComponent(node)}`).catch(() => picture)
    replace(parts.figures, ...figuresOf(rows))
    const all = extentOf(rows)
    parts.ruler.extend(all)
    if (isFirst) parts.ruler.fit(...busyStretch(rows))
    isFirst = false
    draw()
  }
  const later = settled(300, () => void read())
  let shown: readonly StartRow[] | undefined
  const stop = onStarts(() => {
    const { finished } = starts()
    if (finished !== shown) later()
    shown = finished
  })
  void read()
  return {
    title: node,
    section: 'nodes',
    element: parts.element,
    close: () => {
      stop()
      parts.aligned.close()
    },
  }
}

interface Parts {
  readonly element: HTMLElement
  readonly nothing: HTMLElement
  readonly body: HTMLElement
  readonly figures: HTMLElement
  readonly overview: HTMLElement
  readonly charts: HTMLElement
  readonly pulls: HTMLElement
  readonly ruler: Ruler
  readonly aligned: ReturnType<typeof alignedStarts>
  readonly more: HTMLElement
  onScale(draw: () => void): void
}

function partsOf(node: string): Parts {
  let onScale = (): void => undefined
  const overview = h('div', { class: 'density' })
  const ruler = createRuler({ overview, onScale: () => onScale(), tickText: momentText })
  const aligned = alignedStarts({ label: 'Starts on the node', originOf: ({ created }) => created, ruler })
  const [figures, charts, pulls, nothing] = [h('dl', { class: 'figures' }), h('div'), h('div'), h('div')]
  const more = h('p', { class: 'soft more' })
  const area = h(
    'div',
    {
      class: 'tree-box',
      tabindex: 0,
      role: 'group',
      'aria-label': 'Time axis: W and S zoom, A and D pan, 0 shows all',
    },
    ruler.layer,
    h('h2', {}, 'At once'),
    charts,
    h('h2', {}, 'Image pulls'),
    pulls,
    h('h2', {}, 'Starts, as they overlapped'),
    aligned.element,
    more,
  )
  const body = h('div', { class: 'waterfall node-picture' }, ruler.element, area)
  ruler.follow(area)
  area.addEventListener('keydown', (event) => {
    if (ruler.key(event)) event.preventDefault()
  })
  return {
    element: h('div', { class: 'view node' }, heading('', node), figures, nothing, body),
    ...{ nothing, body, figures, overview, charts, pulls, ruler, aligned, more },
    onScale: (draw) => {
      onScale = draw
    },
  }
}

/** Steps of an axis of moments. */
function momentText(at: number, step: number): string {
  if (step >= 86_400_000) return dayText(at)
  const clock = clockText(at)
  return step >= 1000 ? clock : `${clock}.${String(Math.floor(at % 1000)).padStart(3, '0')}`
}

const endOf = ({ created, startupMs = 0 }: StartRow): number => created + startupMs

function extentOf(rows: readonly StartRow[]): { readonly from: number; readonly to: number } {
  const from = Math.min(...rows.map(({ created }) => created))
  const to = Math.max(...rows.map(endOf))
  const margin = Math.max(200, (to - from) * 0.01)
  return { from: from - margin, to: to + margin }
}

/** Starts without a longer pause than this belong together. */
const PAUSE_MS = 60_000

/** The last stretch in which starts followed each other. */
function busyStretch(rows: readonly StartRow[]): [from: number, to: number] {
  const [last, ...others] = rows.toSorted((a, b) => endOf(b) - endOf(a))
  if (!last) return [0, 1]
  let from = last.created
  for (const row of others) {
    if (endOf(row) < from - PAUSE_MS) break
    from = Math.min(from, row.created)
  }
  return [from, endOf(last)]
}

function drawPicture(
  { charts, overview, pulls, ruler }: Parts,
  picture: NodePicture,
  rows: readonly StartRow[],
): void {
  const { scale } = ruler
  const all = extentOf(rows)
  replace(
    overview,
    ...rows.map((row) => stripe('', row.created, endOf(row), all)).filter((one) => one !== undefined),
  )
  const pulling = picture.pulls.length > 0
  replace(
    charts,
    chartRow('pods starting', countSteps(rows.map((row) => [row.created, endOf(row)])), 'c-kubelet', ruler),
    chartRow('sandboxes and containers', countSteps(picture.works.map(spanOf)), 'c-runtime', ruler),
    pulling && chartRow('pulls waiting', countSteps(picture.pulls.map(waitOf)), 'c-pull waits', ruler),
    pulling && chartRow('pulls under way', countSteps(picture.pulls.map(pullOf)), 'c-pull', ruler),
  )
  const seen = picture.pulls.filter(({ asked, over }) => over >= scale.from && asked <= scale.to)
  replace(
    pulls,
    ...(seen.length === 0
      ? [
          h(
            'p',
            { class: 'soft' },
            picture.pulls.length === 0
              ? 'No image was pulled: all of them were on the node.'
              : 'No pull in this stretch of time.',
          ),
        ]
      : seen.slice(0, PULLS_MAX).map((pull) => pullRow(pull, ruler))),
    ...(seen.length > PULLS_MAX
      ? [h('p', { class: 'soft' }, `and ${seen.length - PULLS_MAX} more; zoom in to see them`)]
      : []),
  )
}

const PULLS_MAX = 60
type Ends = readonly [from: number, to: number]
const spanOf = ({ from, to }: NodeWork): Ends => [from, to]
const waitOf = ({ asked, began }: NodePull): Ends => [asked, began]
const pullOf = ({ began, over }: NodePull): Ends => [began, over]

function stripe(
  look: string,
  from: number,
  to: number,
  scale: { from: number; to: number },
): HTMLElement | undefined {
  const stretch = stretchOf(from, to, scale)
  return (
    stretch &&
    place(h('i', { class: look }), { left: `${stretch.left}%`, width: `max(2px, ${stretch.width}%)` })
  )
}

function chartRow(
  title: string,
  steps: ReturnType<typeof countSteps>,
  colour: string,
  { scale }: Ruler,
): HTMLElement {
  const { element, most } = stepChart(steps, scale, colour)
  return h(
    'div',
    { class: 'line chart-line' },
    h('span', { class: 'label' }, h('span', { class: 'operation' }, title)),
    h('span', { class: 'track', role: 'img', 'aria-label': `${title}: at most ${most} at once` }, element),
    h('span', { class: 'num share' }),
    h('span', { class: 'num length' }, most === 0 ? '–' : `at most ${most}`),
  )
}

function pullRow(
  { id, pod, image, asked, began, over, bytes, failed }: NodePull,
  { scale }: Ruler,
): HTMLElement {
  const words = `${image} for ${pod}: waited ${lengthText(began - asked)}, pulled in ${lengthText(over - began)}${failed ? ', failed' : ''}`
  return h(
    'div',
    { class: failed ? 'line failed' : 'line' },
    h(
      'a',
      { class: 'label', href: `#/start/${id}`, title: words, 'aria-label': words },
      failed === true && h('span', { class: 'cross' }, '✕'),
      isolated(image, { class: 'operation' }),
    ),
    h(
      'span',
      { class: 'track', 'aria-hidden': 'true' },
      began > asked + 0.5 && stripe(`bar ${colourOf('wait for pull slot')}`, asked, began, scale),
      stripe(`bar ${colourOf('pull image')}`, began, over, scale),
    ),
    h('span', { class: 'num share' }, bytes === undefined ? '' : bytesText(bytes)),
    h('span', { class: 'num length' }, lengthText(over - asked)),
  )
}
