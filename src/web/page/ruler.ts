// Owns the time axis above a picture: which part is in sight, ticks, the small picture of the whole, and how all of it is moved.
// Promises the same by mouse and by keyboard: drag the axis to zoom in, drag the picture to pan, Ctrl and wheel, W S A D + − 0 as in
// Perfetto. Does not draw what is measured.

import { h, place, replace, say } from './dom.ts'
import { shareOf } from './shape.ts'
import { bounded, fitted, isWhole, panned, type Scale, stepOf, ticksOf, zoomed } from './scale.ts'
import { tickText } from './words.ts'

export interface RulerOptions {
  /** Called when another part is in sight. */
  readonly onScale: () => void
  /** What stands in the small picture; in percent of the whole. */
  readonly overview?: HTMLElement
  readonly tickText?: (at: number, step: number) => string
}

export interface Ruler {
  readonly element: HTMLElement
  /** Lines behind the picture, and the hand that follows the pointer; to be laid under the tracks. */
  readonly layer: HTMLElement
  readonly scale: Scale
  /** The whole; what was all in sight before stays so. */
  extend(all: Scale): void
  fit(from: number, to: number): void
  /** Wheel, drag and pointer over the tracks in `area`. */
  follow(area: HTMLElement): void
  /** Whether the key was for the time axis. */
  key(event: KeyboardEvent): boolean
}

const PIXELS_PER_TICK = 90
/** Of a label, about. */
const LETTER_PIXELS = 6.4

export const createRuler = (options: RulerOptions): Ruler => new TimeRuler(options)

class TimeRuler implements Ruler {
  readonly element: HTMLElement
  readonly layer = h('div', { class: 'grid-layer', 'aria-hidden': 'true' })
  readonly #options: RulerOptions
  readonly #axis = h('div', { class: 'axis' })
  readonly #window = h('div', { class: 'window' })
  readonly #hand = h('div', { class: 'hand' })
  readonly #handText = h('span', { class: 'hand-text num' })
  readonly #band = h('div', { class: 'band' })
  #all: Scale = { from: 0, to: 1 }
  #scale: Scale = { from: 0, to: 1 }

  constructor(options: RulerOptions) {
    this.#options = options
    const overview = h('div', { class: 'overview-strip' }, options.overview, this.#window)
    this.element = h(
      'div',
      { class: 'ruler', 'aria-hidden': 'true' },
      options.overview && overview,
      h('div', { class: 'axis-box' }, this.#axis, this.#band, this.#handText),
    )
    this.#dragToZoom(this.#axis.parentElement as HTMLElement, () => this.#scale)
    this.#dragToZoom(overview, () => this.#all)
    new ResizeObserver(() => this.#draw()).observe(this.#axis)
  }

  get scale(): Scale {
    return this.#scale
  }

  extend(all: Scale): void {
    const wasWhole = isWhole(this.#scale, this.#all)
    this.#all = all
    this.#move(wasWhole ? all : bounded(this.#scale, all))
  }

  fit(from: number, to: number): void {
    this.#move(fitted(from, to, this.#all))
  }

  #move(scale: Scale): void {
    this.#scale = scale
    this.#draw()
    this.#options.onScale()
  }

  #draw(): void {
    const most = Math.max(2, Math.floor(this.#axis.clientWidth / PIXELS_PER_TICK))
    const step = stepOf(this.#scale, most)
    const text = this.#options.tickText ?? tickText
    const ticks = ticksOf(this.#scale, most)
    const labels = ticks
      .map((at) => ({ at, words: text(at, step) }))
      .filter(({ at, words }) => this.#hasRoom(at, words))
    replace(this.#axis, ...labels.map(({ at, words }) => this.#at(h('span', { class: 'num' }, words), at)))
    replace(this.layer, ...ticks.map((at) => this.#at(h('i'), at)), this.#hand)
    const [left, right] = [shareOf(this.#scale.from, this.#all), shareOf(this.#scale.to, this.#all)]
    place(this.#window, { left: `${left}%`, width: `${Math.max(0.4, right - left)}%` })
    this.element.classList.toggle('zoomed', !isWhole(this.#scale, this.#all))
  }

  /** Before the right edge, so that no label is cut. */
  #hasRoom(at: number, words: string): boolean {
    const { clientWidth } = this.#axis
    return (shareOf(at, this.#scale) / 100) * clientWidth + words.length * LETTER_PIXELS + 6 < clientWidth
  }

  #at(element: HTMLElement, at: number): HTMLElement {
    return place(element, { left: `${shareOf(at, this.#scale)}%` })
  }

  key(event: KeyboardEvent): boolean {
    const move = KEYS[event.shiftKey && event.key.startsWith('Arrow') ? `Shift+${event.key}` : event.key]
    if (!move || event.ctrlKey || event.metaKey || event.altKey) return false
    this.#move(move(this.#scale, this.#all))
    return true
  }

  follow(area: HTMLElement): void {
    area.addEventListener('wheel', (event) => this.#wheel(event), { passive: false })
    area.addEventListener('pointermove', (event) => this.#point(event))
    area.addEventListener('pointerleave', () => this.#point(undefined))
    area.addEventListener('pointerdown', (event) => {
      if ((event.target as Element).closest('.track') && event.button === 0) this.#dragToPan(event)
    })
  }

  /** 0 to 1 across the tracks; they all stand as the layer does. */
  #share({ clientX }: { readonly clientX: number }): number {
    const { left, width } = this.layer.getBoundingClientRect()
    return (clientX - left) / width
  }

  #wheel(event: WheelEvent): void {
    if (!event.ctrlKey && !event.metaKey && !event.shiftKey) return
    event.preventDefault()
    const by = event.deltaY === 0 ? event.deltaX : event.deltaY
    const at = Math.min(Math.max(this.#share(event), 0), 1)
    this.#move(
      event.shiftKey
        ? panned(this.#scale, by / 1000, this.#all)
        : zoomed(this.#scale, 1.002 ** by, at, this.#all),
    )
  }

  #point(event: PointerEvent | undefined): void {
    const share = event ? this.#share(event) : -1
    const isIn = share >= 0 && share <= 1
    this.#hand.classList.toggle('shown', isIn)
    this.#handText.classList.toggle('shown', isIn)
    if (!isIn) return
    const at = this.#scale.from + share * (this.#scale.to - this.#scale.from)
    place(this.#hand, { left: `${share * 100}%` })
    place(this.#handText, { left: `${Math.min(Math.max(share * 100, 3), 97)}%` })
    const pixel = (this.#scale.to - this.#scale.from) / Math.max(1, this.layer.clientWidth)
    say(this.#handText, (this.#options.tickText ?? tickText)(at, 10 ** Math.ceil(Math.log10(pixel))))
  }

  #dragToPan(down: PointerEvent): void {
    const began = this.#scale
    const { width } = this.layer.getBoundingClientRect()
    onDrag((event) => this.#move(panned(began, (down.clientX - event.clientX) / width, this.#all)))
  }

  /** The stretch that was dragged over comes to fill the picture; a click alone shows all of it again. */
  #dragToZoom(strip: HTMLElement, scaleOf: () => Scale): void {
    strip.addEventListener('pointerdown', (down) => {
      if (down.button !== 0) return
      down.preventDefault()
      const { left, width } = strip.getBoundingClientRect()
      const share = (x: number): number => Math.min(Math.max((x - left) / width, 0), 1)
      const scale = scaleOf()
      const ends = ({ clientX }: PointerEvent): [number, number] => [
        Math.min(share(down.clientX), share(clientX)),
        Math.max(share(down.clientX), share(clientX)),
      ]
      strip.append(this.#band)
      const drag = (event: PointerEvent): void => {
        const [from, to] = ends(event)
        this.#band.classList.add('shown')
        place(this.#band, { left: `${from * 100}%`, width: `${(to - from) * 100}%` })
      }
      onDrag(drag, (event) => {
        this.#band.classList.remove('shown')
        const [from, to] = ends(event)
        const at = (part: number): number => scale.from + part * (scale.to - scale.from)
        this.#move((to - from) * width < 4 ? this.#all : bounded({ from: at(from), to: at(to) }, this.#all))
      })
    })
  }
}

const KEYS: Readonly<Record<string, (scale: Scale, all: Scale) => Scale>> = {
  '+': (scale, all) => zoomed(scale, 0.7, 0.5, all),
  '=': (scale, all) => zoomed(scale, 0.7, 0.5, all),
  w: (scale, all) => zoomed(scale, 0.7, 0.5, all),
  '-': (scale, all) => zoomed(scale, 1 / 0.7, 0.5, all),
  s: (scale, all) => zoomed(scale, 1 / 0.7, 0.5, all),
  a: (scale, all) => panned(scale, -0.2, all),
  d: (scale, all) => panned(scale, 0.2, all),
  'Shift+ArrowLeft': (scale, all) => panned(scale, -0.2, all),
  'Shift+ArrowRight': (scale, all) => panned(scale, 0.2, all),
  '0': (_, all) => all,
}

/** Wherever the pointer goes until it is let go. */
function onDrag(move: (event: PointerEvent) => void, end?: (event: PointerEvent) => void): void {
  const stop = (event: PointerEvent): void => {
    removeEventListener('pointermove', move)
    removeEventListener('pointerup', stop)
    removeEventListener('pointercancel', stop)
    end?.(event)
  }
  addEventListener('pointermove', move)
  addEventListener('pointerup', stop)
  addEventListener('pointercancel', stop)
}
