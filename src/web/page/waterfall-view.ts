// Owns the picture of one start: its spans as a tree, to scale, with the critical path and edges as uncertain as they are.
// Promises that mouse and keyboard reach the same: rows by ↑ and ↓, zoom by + and −, pan by ← and →, all of it by 0.
// Does not say what a span rests on: evidence-view.ts does.

import { colourOf } from './colours.ts'
import { h, isolated, place, replace } from './dom.ts'
import { panned, type Scale, ticksOf, zoomed } from './scale.ts'
import { msAfter, nanosOf, type SpanJson, type StartJson } from './start.ts'
import { lengthText } from './words.ts'

interface Bar {
  readonly span: SpanJson
  readonly depth: number
  readonly start: number
  readonly end: number
  readonly critical: readonly (readonly [from: number, to: number])[]
}

export interface Waterfall {
  readonly element: HTMLElement
  select(spanId: string): void
}

export function waterfall({ spans }: StartJson, onSelect: (span: SpanJson) => void): Waterfall {
  const bars = barsOf(spans)
  const length = Math.max(...bars.map(({ end }) => end), 0.01)
  let scale: Scale = { from: 0, to: length }
  let selected = 0
  const axis = h('div', { class: 'axis', 'aria-hidden': true })
  const tree = h('div', { role: 'tree', 'aria-label': 'Spans', class: 'tree' })
  const element = h('div', { class: 'waterfall' }, axis, tree)
  const rows = bars.map((bar, index) => rowOf(bar, () => choose(index)))
  tree.append(...rows.map(({ row }) => row))
  const choose = (index: number): void => {
    rows[selected]?.row.setAttribute('tabindex', '-1')
    rows[selected]?.row.setAttribute('aria-selected', 'false')
    selected = index
    const { row } = rows[index] ?? {}
    row?.setAttribute('tabindex', '0')
    row?.setAttribute('aria-selected', 'true')
    const span = bars[index]?.span
    if (span) onSelect(span)
  }
  const draw = (): void => {
    for (const [index, bar] of bars.entries()) drawBar(rows[index]?.track, bar, scale)
    replace(axis, ...ticksOf(scale).map((at) => tick(at, scale)))
  }
  const move = (next: Scale): void => {
    scale = next
    draw()
  }
  element.addEventListener('keydown', (event) => {
    const step = STEPS[event.key]
    const next = KEYS[event.key]
    if (step === undefined && next === undefined) return
    event.preventDefault()
    if (next) return move(next(scale, length))
    choose(Math.min(Math.max(selected + (step ?? 0), 0), bars.length - 1))
    rows[selected]?.row.focus()
  })
  byMouse(tree, () => scale, move, length)
  draw()
  choose(0)
  return {
    element,
    select: (spanId) =>
      choose(
        Math.max(
          0,
          bars.findIndex(({ span }) => span.spanId === spanId),
        ),
      ),
  }
}

const STEPS: Readonly<Record<string, number>> = { ArrowUp: -1, ArrowDown: 1, Home: -1e6, End: 1e6 }
const KEYS: Readonly<Record<string, (scale: Scale, length: number) => Scale>> = {
  '+': (scale, length) => zoomed(scale, 0.7, 0.5, length),
  '=': (scale, length) => zoomed(scale, 0.7, 0.5, length),
  '-': (scale, length) => zoomed(scale, 1.4, 0.5, length),
  ArrowLeft: (scale, length) => panned(scale, -0.2, length),
  ArrowRight: (scale, length) => panned(scale, 0.2, length),
  '0': (_, length) => ({ from: 0, to: length }),
}

/** Parents stand before their children already. */
function barsOf(spans: readonly SpanJson[]): Bar[] {
  const origin = nanosOf(spans[0]?.start.time ?? '1970-01-01T00:00:00.000000000Z')
  const depths = new Map<string, number>()
  return spans.map((span) => {
    const depth = span.parentSpanId === undefined ? 0 : (depths.get(span.parentSpanId) ?? 0) + 1
    depths.set(span.spanId, depth)
    const critical = span.critical.map(
      ({ from, to }) => [msAfter(from, origin), msAfter(to, origin)] as const,
    )
    return {
      span,
      depth,
      start: msAfter(span.start.time, origin),
      end: msAfter(span.end.time, origin),
      critical,
    }
  })
}

interface Row {
  readonly row: HTMLElement
  readonly track: HTMLElement
}

function rowOf({ depth, span }: Bar, choose: () => void): Row {
  const { attempt, durationMs, error, name, subject } = span
  const container = span.attributes['k8s.container.name']
  const label = place(
    h(
      'span',
      { class: 'label' },
      name,
      attempt !== undefined && h('small', {}, ` #${attempt}`),
      typeof container === 'string' && isolated(` ${container}`, { class: 'subject' }),
      subject !== undefined && subject !== container && isolated(` ${subject}`, { class: 'subject' }),
    ),
    { 'padding-inline-start': `${depth * 14}px` },
  )
  const track = h('span', { class: 'track' })
  const words = `${name}${typeof container === 'string' ? ` ${container}` : ''}, ${lengthText(durationMs)}${error === undefined ? '' : ', failed'}`
  const row = h(
    'div',
    {
      ...{ role: 'treeitem', 'aria-level': depth + 1, 'aria-selected': false, 'aria-label': words },
      ...{ tabindex: -1, class: error === undefined ? 'span' : 'span failed', onclick: choose },
    },
    label,
    track,
    h('span', { class: 'num' }, lengthText(durationMs)),
  )
  return { row, track }
}

function drawBar(track: HTMLElement | undefined, bar: Bar, scale: Scale): void {
  if (!track) return
  const { critical, end, span, start } = bar
  const colour = colourOf(span.name)
  replace(
    track,
    stripe(`bar ${span.name === 'pod startup' ? 'c-root' : colour}`, start, end, scale),
    edge('early', start - span.start.earlyMs, start + span.start.lateMs, scale),
    edge('late', end - span.end.earlyMs, end + span.end.lateMs, scale),
    ...critical.map(([from, to]) => stripe('critical', from, to, scale)),
  )
}

/** Where the truth may lie, from the earliest to the latest; nothing where that is less than a hair. */
function edge(side: 'early' | 'late', from: number, to: number, scale: Scale): HTMLElement | undefined {
  if ((to - from) / (scale.to - scale.from) < 0.002) return undefined
  return stripe(`edge ${side}`, from, to, scale)
}

function stripe(className: string, from: number, to: number, scale: Scale): HTMLElement {
  const share = (ms: number): number =>
    Math.min(Math.max(((ms - scale.from) / (scale.to - scale.from)) * 100, -1), 101)
  return place(h('i', { class: className }), {
    left: `${share(from)}%`,
    width: `max(2px, ${share(to) - share(from)}%)`,
  })
}

function tick(at: number, { from, to }: Scale): HTMLElement {
  return place(h('span', {}, lengthText(at)), { left: `${((at - from) / (to - from)) * 100}%` })
}

function byMouse(area: HTMLElement, scale: () => Scale, move: (next: Scale) => void, length: number): void {
  area.addEventListener(
    'wheel',
    (event) => {
      if (!event.ctrlKey && !event.metaKey && !event.shiftKey) return
      event.preventDefault()
      const track = area.querySelector('.track')?.getBoundingClientRect()
      if (!track) return
      const at = Math.min(Math.max((event.clientX - track.left) / track.width, 0), 1)
      const by = event.deltaY === 0 ? event.deltaX : event.deltaY
      move(event.shiftKey ? panned(scale(), by / 1000, length) : zoomed(scale(), 1.002 ** by, at, length))
    },
    { passive: false },
  )
  area.addEventListener('pointerdown', (down) => {
    const track = (down.target as Element).closest('.track')
    if (!track) return
    const began = scale()
    const width = track.getBoundingClientRect().width
    const drag = (event: PointerEvent): void =>
      move(panned(began, (down.clientX - event.clientX) / width, length))
    const stop = (): void => {
      removeEventListener('pointermove', drag)
      removeEventListener('pointerup', stop)
    }
    addEventListener('pointermove', drag)
    addEventListener('pointerup', stop)
  })
}
