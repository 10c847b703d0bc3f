// Owns one line of a waterfall: its label, its actor, its bar with edges as uncertain as they are, its share and its length.
// Promises that what a bar shows stands in words beside it. Does not know which line is chosen.

import { colourOf, colourOfService } from './colours.ts'
import { h, isolated, place, replace, say } from './dom.ts'
import type { Bar, Line } from './line.ts'
import { criticalMs, isCritical } from './lines.ts'
import type { Scale } from './scale.ts'
import type { SpanJson } from './start.ts'
import { maskOf, shapeOf, stretchOf } from './shape.ts'
import { lengthText, percentText } from './words.ts'

export interface DrawnLine {
  readonly element: HTMLElement
  readonly line: Line
  draw(scale: Scale): void
  fold(isFolded: boolean): void
  choose(isChosen: boolean): void
}

export interface LineOptions {
  /** Of the whole picture, in ms: shares are of it. */
  readonly whole: number
  readonly onChoose: () => void
  readonly onFold: () => void
}

export function drawLine(line: Line, options: LineOptions): DrawnLine {
  const track = h('span', { class: 'track' })
  const caret = h('span', { class: 'caret', 'aria-hidden': 'true' })
  const element = h(
    'div',
    {
      ...{ role: 'treeitem', 'aria-level': line.level + 1, 'aria-selected': 'false', tabindex: -1 },
      class: classOf(line),
      'data-key': line.key,
      onclick: options.onChoose,
    },
    labelOf(line, caret),
    actorOf(line),
    track,
    shareText(line, options.whole),
    h('span', { class: 'num length' }, lengthOf(line)),
  )
  caret.addEventListener('click', (event) => {
    event.stopPropagation()
    options.onFold()
  })
  let isFolded = false
  let scale: Scale | undefined
  const draw = (): void => {
    if (scale) replace(track, ...barsOf(line, isFolded).flatMap((bar) => barElements(bar, scale as Scale)))
  }
  return {
    element,
    line,
    draw: (next) => {
      scale = next
      draw()
    },
    fold: (folded) => {
      isFolded = folded
      if (line.children.length === 0) return
      element.setAttribute('aria-expanded', String(!folded))
      say(caret, folded ? '▸' : '▾')
      draw()
    },
    choose: (isChosen) => {
      element.setAttribute('aria-selected', String(isChosen))
      element.setAttribute('tabindex', isChosen ? '0' : '-1')
    },
  }
}

function actorOf({ kind, bars }: Line): HTMLElement {
  const span = kind === 'lane' ? undefined : bars[0]?.span
  if (!span) return h('span', { class: 'actor' })
  return h(
    'span',
    { class: 'actor' },
    h('i', { class: `swatch ${paintOf(span)}`, 'aria-hidden': 'true' }),
    isolated(span.actor),
  )
}

/** What only holds others is grey: the colours are for who works. */
const WHOLES: ReadonlySet<string> = new Set(['pod startup', 'rollout', 'start pod'])
function paintOf({ actor, isNative, name }: SpanJson): string {
  if (isNative) return colourOfService(actor)
  return WHOLES.has(name) ? 'c-root' : colourOf(name)
}

/** A lane that is open shows its bars in its lines. */
const barsOf = ({ kind, bars }: Line, isFolded: boolean): readonly Bar[] =>
  kind === 'span' || isFolded ? bars : []

function classOf({ kind, bars, level }: Line): string {
  const isFailed = kind === 'span' && bars[0]?.span.error !== undefined && level > 0
  return ['line', kind, isFailed ? 'failed' : '', level === 0 ? 'root' : '']
    .filter((one) => one !== '')
    .join(' ')
}

function labelOf(line: Line, caret: HTMLElement): HTMLElement {
  const indent = { 'padding-inline-start': `${line.level * 14}px` }
  if (line.kind === 'lane') {
    const image = isolated(line.image ?? '', { class: 'subject', title: line.image })
    return place(
      h('span', { class: 'label' }, caret, isolated(line.lane ?? '', { class: 'lane-name' }), image),
      indent,
    )
  }
  const [bar] = line.bars
  const { name = '', attempt, subject, error } = bar?.span ?? {}
  const own = subject === line.lane ? '' : (subject ?? '')
  return place(
    h(
      'span',
      { class: 'label', title: own === '' ? name : `${name} ${own}` },
      caret,
      error !== undefined && line.level > 0 && h('span', { class: 'cross', 'aria-hidden': 'true' }, '✕'),
      error !== undefined && line.level > 0 && h('span', { class: 'unseen' }, 'failed: '),
      h('span', { class: 'operation' }, name),
      attempt !== undefined && h('span', { class: 'attempt' }, `#${attempt}`),
      own !== '' && isolated(own, { class: 'subject' }),
    ),
    indent,
  )
}

function shareText(line: Line, whole: number): HTMLElement {
  if (!isCritical(line)) return h('span', { class: 'num share' })
  const share = percentText(criticalMs(line) / whole)
  return h('span', { class: 'num share' }, share, h('span', { class: 'unseen' }, ' of the critical path'))
}

function lengthOf({ kind, bars }: Line): string {
  const [bar] = bars
  if (!bar || kind === 'lane') return ''
  const text = lengthText(bar.end - bar.start)
  return bar.isOpen ? `${text} …` : isVague(bar) ? `~${text}` : text
}

/** Not known to a tenth. */
const isVague = ({ start, end, earliestStart, latestStart, earliestEnd, latestEnd }: Bar): boolean => {
  const shortest = Math.max(0, earliestEnd - latestStart)
  const longest = latestEnd - earliestStart
  return longest - shortest > Math.max(0.1, (end - start) * 0.2)
}

function barElements(bar: Bar, scale: Scale): HTMLElement[] {
  const shape = shapeOf(bar, scale)
  if (!shape) return []
  const { span, critical, isOpen } = bar
  const body = place(h('i', { class: `bar ${paintOf(span)}${isOpen ? ' open' : ''}` }), {
    left: `${shape.left}%`,
    width: `max(2px, ${shape.width}%)`,
    'mask-image': maskOf(shape) ?? 'none',
  })
  const marks = critical.flatMap(([from, to]) => {
    const stretch = stretchOf(from, to, scale)
    if (!stretch) return []
    return [
      place(h('i', { class: 'critical' }), {
        left: `${stretch.left}%`,
        width: `max(2px, ${stretch.width}%)`,
      }),
    ]
  })
  return [body, ...marks]
}
