// Owns the picture of many starts as points: when they were over, how long they took, and what held them most.
// Promises a logarithmic scale of lengths, so that 400 ms and 40 minutes stand in one picture; a stretch of time is chosen by dragging.
// Does not filter: it says what was chosen. The table beside it holds the same for who does not see it.

import type { StartRow } from '../row.ts'
import { familyOf } from './colours.ts'
import { h, place, replace } from './dom.ts'
import { isBad } from './outcome.ts'
import { clockText, dayHourText, dayText, lengthText, plural } from './words.ts'

export interface Scatter {
  readonly element: HTMLElement
  show(rows: readonly StartRow[]): void
  close(): void
}

interface Frame {
  readonly width: number
  readonly height: number
  readonly from: number
  readonly to: number
  /** log10 of ms. */
  readonly low: number
  readonly high: number
}

const LEFT = 52
const RIGHT = 10
const TOP = 8
const BOTTOM = 20
const RADIUS = 3
/** More points than this are smaller and paler, so that one sees where they are dense. */
const DENSE = 600
/** A pointer this near to a point means it. */
const NEAR = 12

export function scatter(onPeriod: (after: number, before: number) => void): Scatter {
  const canvas = h('canvas', { class: 'scatter', role: 'img' })
  const tip = h('div', { class: 'tip', 'aria-hidden': 'true' })
  const band = h('div', { class: 'band', 'aria-hidden': 'true' })
  const element = h('div', { class: 'scatter-box', title: '' }, canvas, band, tip)
  let rows: readonly StartRow[] = []
  let frame: Frame | undefined
  const draw = (): void => {
    frame = frameOf(rows, canvas.clientWidth, canvas.clientHeight)
    if (frame) paint(canvas, frame, rows)
  }
  const resize = new ResizeObserver(draw)
  resize.observe(canvas)
  const scheme = matchMedia('(prefers-color-scheme: dark)')
  scheme.addEventListener('change', draw)
  document.addEventListener('themechange', draw)
  canvas.addEventListener('pointermove', (event) => showTip(tip, nearest(rows, frame, event), frame))
  canvas.addEventListener('pointerleave', () => showTip(tip, undefined, frame))
  choosePeriod(
    canvas,
    band,
    () => frame,
    (after, before, event) => {
      if (before - after > 0) return onPeriod(after, before)
      const row = nearest(rows, frame, event)
      if (row) location.hash = `#/start/${row.id}`
    },
  )
  return {
    element,
    show: (next) => {
      rows = next
      canvas.setAttribute('aria-label', wordsOf(rows))
      draw()
    },
    close: () => {
      resize.disconnect()
      scheme.removeEventListener('change', draw)
      document.removeEventListener('themechange', draw)
    },
  }
}

const endOf = ({ created, startupMs = 0 }: StartRow): number => created + startupMs

function wordsOf(rows: readonly StartRow[]): string {
  const ends = rows.map(endOf)
  if (ends.length === 0) return 'No starts'
  const [first, last] = [Math.min(...ends), Math.max(...ends)]
  return `${plural(rows.length, 'start')} by when they were over, from ${dayText(first)} to ${dayText(last)}, and how long they took`
}

function frameOf(rows: readonly StartRow[], width: number, height: number): Frame | undefined {
  if (rows.length === 0 || width < LEFT + RIGHT + 20) return undefined
  let [from, to, low, high] = [Infinity, -Infinity, Infinity, -Infinity]
  for (const row of rows) {
    const end = endOf(row)
    const log = Math.log10(Math.max(1, row.startupMs ?? 1))
    ;[from, to] = [Math.min(from, end), Math.max(to, end)]
    ;[low, high] = [Math.min(low, log), Math.max(high, log)]
  }
  const margin = Math.max(500, (to - from) * 0.02)
  return {
    ...{ width, height },
    from: from - margin,
    to: to + margin,
    low: Math.min(low - 0.15, high - 1),
    high: high + 0.15,
  }
}

const xOf = ({ width, from, to }: Frame, at: number): number =>
  LEFT + ((at - from) / (to - from)) * (width - LEFT - RIGHT)
const yOf = ({ height, low, high }: Frame, ms: number): number =>
  height - BOTTOM - ((Math.log10(Math.max(1, ms)) - low) / (high - low)) * (height - TOP - BOTTOM)
const timeAt = ({ width, from, to }: Frame, x: number): number =>
  from + Math.min(1, Math.max(0, (x - LEFT) / (width - LEFT - RIGHT))) * (to - from)

function paint(canvas: HTMLCanvasElement, frame: Frame, rows: readonly StartRow[]): void {
  const ratio = devicePixelRatio
  canvas.width = Math.round(frame.width * ratio)
  canvas.height = Math.round(frame.height * ratio)
  const pen = canvas.getContext('2d')
  if (!pen) return
  pen.scale(ratio, ratio)
  const style = getComputedStyle(canvas)
  const colour = (name: string): string => style.getPropertyValue(name).trim()
  paintAxes(pen, frame, colour)
  const colours = new Map<string, string>()
  const dot = rows.length > DENSE ? { radius: 2, alpha: 0.4 } : { radius: RADIUS, alpha: 0.75 }
  for (const row of rows) {
    const family = familyOf(row.longest ?? 'unaccounted')
    if (!colours.has(family)) colours.set(family, colour(`--${family}`))
    if (!isBad(row.outcome)) paintDot(pen, frame, row, { ...dot, colour: colours.get(family) ?? '' })
  }
  // What failed lies on top.
  for (const row of rows) if (isBad(row.outcome)) paintCross(pen, frame, row, colour('--bad'))
}

interface Dot {
  readonly radius: number
  readonly alpha: number
  readonly colour: string
}

function paintDot(pen: CanvasRenderingContext2D, frame: Frame, row: StartRow, dot: Dot): void {
  pen.globalAlpha = dot.alpha
  pen.fillStyle = dot.colour
  pen.beginPath()
  pen.arc(xOf(frame, endOf(row)), yOf(frame, row.startupMs ?? 0), dot.radius, 0, Math.PI * 2)
  pen.fill()
}

function paintCross(pen: CanvasRenderingContext2D, frame: Frame, row: StartRow, colour: string): void {
  const [x, y] = [xOf(frame, endOf(row)), yOf(frame, row.startupMs ?? 0)]
  pen.globalAlpha = 1
  pen.strokeStyle = colour
  pen.lineWidth = 1.75
  pen.beginPath()
  for (const side of [-1, 1]) {
    pen.moveTo(x - RADIUS, y - RADIUS * side)
    pen.lineTo(x + RADIUS, y + RADIUS * side)
  }
  pen.stroke()
}

/** Lengths that a line is drawn for, as far as they are in the frame. */
const LINES = [1, 10, 100, 1000, 10_000, 60_000, 600_000, 3_600_000, 36_000_000] as const
const LABELS_MAX = 5

function paintAxes(pen: CanvasRenderingContext2D, frame: Frame, colour: (name: string) => string): void {
  pen.font = `11px ${colour('--font') || 'sans-serif'}`
  pen.lineWidth = 1
  pen.textBaseline = 'middle'
  pen.textAlign = 'right'
  for (const ms of LINES) {
    const y = Math.round(yOf(frame, ms)) + 0.5
    if (y < TOP || y > frame.height - BOTTOM) continue
    pen.strokeStyle = colour('--line')
    pen.beginPath()
    pen.moveTo(LEFT, y)
    pen.lineTo(frame.width - RIGHT, y)
    pen.stroke()
    pen.fillStyle = colour('--soft')
    pen.fillText(lengthText(ms).replace('.00', '').replace('.0', ''), LEFT - 8, y)
  }
  const labels = Math.min(LABELS_MAX, Math.floor((frame.width - LEFT - RIGHT) / 90))
  pen.textBaseline = 'alphabetic'
  for (let index = 0; index < labels; index++) {
    const share = labels === 1 ? 0.5 : index / (labels - 1)
    const at = frame.from + share * (frame.to - frame.from)
    pen.textAlign = share === 0 ? 'left' : share === 1 ? 'right' : 'center'
    pen.fillText(labelOf(at, frame), xOf(frame, at), frame.height - 5)
  }
}

const DAY_MS = 86_400_000
const labelOf = (at: number, { from, to }: Frame): string =>
  to - from > DAY_MS ? dayHourText(at) : clockText(at)

function nearest(
  rows: readonly StartRow[],
  frame: Frame | undefined,
  { offsetX, offsetY }: { readonly offsetX: number; readonly offsetY: number },
): StartRow | undefined {
  if (!frame) return undefined
  let best: StartRow | undefined
  let least = NEAR ** 2
  for (const row of rows) {
    const away = (xOf(frame, endOf(row)) - offsetX) ** 2 + (yOf(frame, row.startupMs ?? 0) - offsetY) ** 2
    if (away >= least) continue
    least = away
    best = row
  }
  return best
}

function showTip(tip: HTMLElement, row: StartRow | undefined, frame: Frame | undefined): void {
  tip.classList.toggle('shown', row !== undefined)
  tip.parentElement?.classList.toggle('over', row !== undefined)
  if (!row || !frame) return
  const [x, y] = [xOf(frame, endOf(row)), yOf(frame, row.startupMs ?? 0)]
  const isRight = x > frame.width / 2
  replace(
    tip,
    h('strong', {}, `${row.namespace}/${row.name}`),
    h('span', {}, `${row.outcome}, ${lengthText(row.startupMs ?? 0)}; most for ${row.longest ?? 'nothing'}`),
  )
  place(tip, {
    left: isRight ? 'auto' : `${x + 10}px`,
    right: isRight ? `${frame.width - x + 10}px` : 'auto',
    top: `${Math.max(0, y - 20)}px`,
  })
}

/** Dragging chooses a stretch of time; a click is a stretch of nothing. */
function choosePeriod(
  canvas: HTMLCanvasElement,
  band: HTMLElement,
  frameOf: () => Frame | undefined,
  done: (after: number, before: number, event: PointerEvent) => void,
): void {
  canvas.addEventListener('pointerdown', (down) => {
    const frame = frameOf()
    if (!frame || down.button !== 0) return
    canvas.setPointerCapture(down.pointerId)
    const ends = (event: PointerEvent): [number, number] => [
      Math.min(down.offsetX, event.offsetX),
      Math.max(down.offsetX, event.offsetX),
    ]
    const drag = (event: PointerEvent): void => {
      const [left, right] = ends(event)
      band.classList.toggle('shown', right - left > 4)
      place(band, {
        left: `${Math.max(LEFT, left)}px`,
        width: `${Math.min(right, frame.width - RIGHT) - Math.max(LEFT, left)}px`,
      })
    }
    const stop = (event: PointerEvent): void => {
      canvas.removeEventListener('pointermove', drag)
      band.classList.remove('shown')
      const [left, right] = ends(event)
      if (right - left > 4) done(timeAt(frame, left), timeAt(frame, right), event)
      else done(0, 0, event)
    }
    canvas.addEventListener('pointermove', drag)
    canvas.addEventListener('pointerup', stop, { once: true })
  })
}
