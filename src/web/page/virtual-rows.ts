// Owns a list of thousands of rows of equal height, of which only those in sight are elements.
// Promises that a row keeps its element, and so its focus, as long as it is in sight; that who reads further down keeps his place when
// rows come in above; and that assistive technology hears how many there are. Does not know what a row holds.

import { type Drawn, h, place } from './dom.ts'

export interface VirtualRows<T> {
  readonly element: HTMLElement
  show(values: readonly T[]): void
  /** To be called when it is no more in the page. */
  close(): void
}

export interface VirtualOptions<T> {
  readonly label: string
  /** What scrolls, and what stands above the rows in it. */
  readonly scroller: HTMLElement
  readonly head?: HTMLElement
  readonly keyOf: (value: T) => string
  readonly create: (value: T) => Drawn<T>
}

/** Drawn above and below what is in sight. */
const MORE = 12

export const virtualRows = <T>(options: VirtualOptions<T>): VirtualRows<T> => new Rows(options)

class Rows<T> implements VirtualRows<T> {
  readonly element: HTMLElement
  readonly #options: VirtualOptions<T>
  readonly #body = h('div', { class: 'rows', role: 'rowgroup' })
  readonly #resize: ResizeObserver
  #drawn = new Map<string, Drawn<T>>()
  #values: readonly T[] = []
  #height = 0
  #isDue = false

  constructor(options: VirtualOptions<T>) {
    this.#options = options
    const { head, label, scroller } = options
    this.element = h('div', { class: 'table', role: 'table', 'aria-label': label })
    if (head) this.element.append(h('div', { role: 'rowgroup', class: 'head-group' }, head))
    this.element.append(this.#body)
    scroller.addEventListener('scroll', this.#later, { passive: true })
    this.#resize = new ResizeObserver(this.#later)
    this.#resize.observe(scroller)
    this.element.addEventListener('keydown', (event) => this.#onKey(event))
  }

  show(values: readonly T[]): void {
    const { keyOf, scroller } = this.#options
    const first = this.#values[this.#firstInSight()]
    const before = first === undefined ? -1 : this.#firstInSight()
    this.#values = values
    if (before > 0 && first !== undefined) {
      const after = values.findIndex((value) => keyOf(value) === keyOf(first))
      if (after > before) scroller.scrollTop += (after - before) * this.#height
    }
    this.element.setAttribute('aria-rowcount', String(values.length + 1))
    this.#update()
  }

  close(): void {
    this.#options.scroller.removeEventListener('scroll', this.#later)
    this.#resize.disconnect()
  }

  readonly #later = (): void => {
    if (this.#isDue) return
    this.#isDue = true
    requestAnimationFrame(() => {
      this.#isDue = false
      if (this.element.isConnected) this.#update()
    })
  }

  /** Of the scroller's content, where the rows begin. */
  #top(): number {
    const { scroller } = this.#options
    return this.#body.getBoundingClientRect().top - scroller.getBoundingClientRect().top + scroller.scrollTop
  }

  #firstInSight(): number {
    if (!this.element.isConnected || this.#height === 0) return 0
    return Math.max(0, Math.floor((this.#options.scroller.scrollTop - this.#top()) / this.#height))
  }

  #update(): void {
    const { keyOf, create, scroller } = this.#options
    if (!this.element.isConnected) return
    this.#height = Number.parseFloat(getComputedStyle(this.element).getPropertyValue('--row')) || 32
    place(this.#body, { height: `${this.#values.length * this.#height}px` })
    const sight = this.#firstInSight()
    const first = Math.max(0, sight - MORE)
    const last = Math.min(this.#values.length, sight + Math.ceil(scroller.clientHeight / this.#height) + MORE)
    const next = new Map<string, Drawn<T>>()
    for (const index of this.#indexes(first, last)) {
      const value = this.#values[index] as T
      const key = keyOf(value)
      const one = this.#drawn.get(key) ?? create(value)
      one.update(value)
      place(one.element, { transform: `translateY(${index * this.#height}px)` })
      one.element.setAttribute('aria-rowindex', String(index + 2))
      next.set(key, one)
    }
    for (const [key, { element }] of this.#drawn) if (!next.has(key)) element.remove()
    this.#insert([...next.values()])
    this.#drawn = next
  }

  /** Those in sight, and the one that has the focus: the keyboard goes on from there, wherever the wheel has gone. */
  #indexes(first: number, last: number): number[] {
    const { keyOf } = this.#options
    const indexes = Array.from({ length: Math.max(0, last - first) }, (_, offset) => first + offset)
    const focused = [...this.#drawn].find(([, { element }]) => element.contains(document.activeElement))
    if (!focused) return indexes
    const index = this.#values.findIndex((value) => keyOf(value) === focused[0])
    if (index >= 0 && index < first) indexes.unshift(index)
    if (index >= last) indexes.push(index)
    return indexes
  }

  /** In the order of the rows, so that the keyboard goes through them as they stand. */
  #insert(rows: readonly Drawn<T>[]): void {
    let at: ChildNode | null = this.#body.firstChild
    for (const { element } of rows) {
      if (element === at) at = at.nextSibling
      else this.#body.insertBefore(element, at)
    }
  }

  /** ↑ and ↓ go from link to link. */
  #onKey(event: KeyboardEvent): void {
    const step = { ArrowDown: 1, ArrowUp: -1, j: 1, k: -1 }[event.key]
    const row = (event.target as Element).closest('[aria-rowindex]')
    if (step === undefined || row === null || event.altKey || event.ctrlKey || event.metaKey) return
    const index = Number(row.getAttribute('aria-rowindex')) - 2 + step
    const value = this.#values[index]
    if (value === undefined) return
    event.preventDefault()
    this.#reveal(index)
    this.#drawn.get(this.#options.keyOf(value))?.element.querySelector('a')?.focus({ preventScroll: true })
  }

  /** Scrolls as little as will do, and draws what came into sight at once. */
  #reveal(index: number): void {
    const { scroller } = this.#options
    const top = this.#top() + index * this.#height
    const head = this.element.querySelector('.head-group')?.clientHeight ?? 0
    if (top - head < scroller.scrollTop) scroller.scrollTop = top - head
    else if (top + this.#height > scroller.scrollTop + scroller.clientHeight)
      scroller.scrollTop = top + this.#height - scroller.clientHeight
    this.#update()
  }
}
