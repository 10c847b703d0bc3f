// Owns the picture of one start or rollout: its lines as a tree, to scale, with containers as lanes and the critical path marked.
// Promises that mouse and keyboard reach the same, that what is new comes in without moving what is looked at, and one line chosen
// at any time. Does not say what a span rests on: evidence-view.ts does.

import type { PathPart } from '../row.ts'
import { h, replace } from './dom.ts'
import type { Line } from './line.ts'
import { extentOf, foldedAtFirst, inSight, linesOf } from './lines.ts'
import { pathBar } from './path-bar.ts'
import { createRuler, type Ruler } from './ruler.ts'
import { nativeLanes } from './native-lines.ts'
import type { NativeJson, SpanJson } from './start.ts'
import { type DrawnLine, drawLine } from './waterfall-line.ts'

export interface Waterfall {
  readonly element: HTMLElement
  /** The spans as they stand now; zoom, folds and choice stay. */
  show(spans: readonly SpanJson[], before?: readonly SpanJson[], native?: readonly NativeJson[]): void
  choose(spanId: string): void
}

export const createWaterfall = (label: string, onChoose: (span: SpanJson) => void): Waterfall =>
  new Picture(label, onChoose)

class Picture implements Waterfall {
  readonly element: HTMLElement
  readonly #onChoose: (span: SpanJson) => void
  readonly #tree: HTMLElement
  readonly #overview = h('div', { class: 'overview-path' })
  readonly #ruler: Ruler
  #lines: readonly Line[] = []
  #drawn: readonly DrawnLine[] = []
  #folded: Set<string> | undefined
  #chosen = ''

  constructor(label: string, onChoose: (span: SpanJson) => void) {
    this.#onChoose = onChoose
    this.#tree = h('div', { role: 'tree', 'aria-label': label, class: 'tree' })
    this.#ruler = createRuler({ onScale: () => this.#drawBars(), overview: this.#overview })
    this.element = h(
      'div',
      { class: 'waterfall' },
      this.#ruler.element,
      h(
        'div',
        { class: 'column-heads', 'aria-hidden': 'true' },
        h('span', {}, 'of path'),
        h('span', {}, 'length'),
      ),
      h('div', { class: 'tree-box' }, this.#ruler.layer, this.#tree),
    )
    this.#ruler.follow(this.#tree)
    this.#tree.addEventListener('keydown', (event) => this.#onKey(event))
    this.#tree.addEventListener('dblclick', () => this.#fitChosen())
  }

  show(
    spans: readonly SpanJson[],
    before: readonly SpanJson[] = [],
    native: readonly NativeJson[] = [],
  ): void {
    const had = new Set(nativeLanes(this.#lines))
    this.#lines = linesOf(spans, before, native)
    this.#folded ??= foldedAtFirst(this.#lines)
    // They come when the start is nearly told.
    for (const key of nativeLanes(this.#lines)) if (!had.has(key)) this.#folded.add(key)
    if (this.#chosen === '') this.#chosen = spans[0]?.spanId ?? ''
    const all = extentOf(this.#lines)
    replace(this.#overview, pathBar(pathOf(spans), all.from, all.to))
    this.#layOut()
    this.#ruler.extend(all)
  }

  choose(spanId: string): void {
    const line = this.#find(this.#lines, spanId)
    if (!line) return
    for (const key of this.#above(this.#lines, spanId)) this.#folded?.delete(key)
    this.#chosen = spanId
    this.#layOut()
  }

  /** The lines in sight as elements; who was in sight before keeps his place, and the chosen one its focus. */
  #layOut(): void {
    const hadFocus = this.#tree.contains(document.activeElement)
    const whole = Math.max(0.01, this.#lines.at(-1)?.bars[0]?.end ?? 1)
    this.#drawn = inSight(this.#lines, this.#folded ?? new Set()).map((line) => {
      const drawn = drawLine(line, {
        whole,
        onChoose: () => this.#take(line.key),
        onFold: () => this.#fold(line.key, !this.#folded?.has(line.key)),
      })
      drawn.fold(this.#folded?.has(line.key) ?? false)
      drawn.draw(this.#ruler.scale)
      return drawn
    })
    if (!this.#drawn.some(({ line }) => line.key === this.#chosen))
      this.#chosen = this.#drawn[0]?.line.key ?? ''
    for (const drawn of this.#drawn) drawn.choose(drawn.line.key === this.#chosen)
    replace(this.#tree, ...this.#drawn.map(({ element }) => element))
    if (hadFocus) this.#focusChosen()
  }

  #drawBars(): void {
    for (const drawn of this.#drawn) drawn.draw(this.#ruler.scale)
  }

  #find(lines: readonly Line[], key: string): Line | undefined {
    for (const line of lines) {
      const found = line.key === key ? line : this.#find(line.children, key)
      if (found) return found
    }
    return undefined
  }

  #above(lines: readonly Line[], key: string): string[] {
    for (const line of lines) {
      if (line.children.some((child) => child.key === key)) return [line.key]
      const above = this.#above(line.children, key)
      if (above.length > 0) return [line.key, ...above]
    }
    return []
  }

  #take(key: string): void {
    this.#chosen = key
    for (const drawn of this.#drawn) drawn.choose(drawn.line.key === key)
    const line = this.#find(this.#lines, key)
    const [bar] = line?.bars ?? []
    if (bar && line?.kind === 'span') this.#onChoose(bar.span)
    else if (line?.kind === 'lane') this.#fold(key, !this.#folded?.has(key))
  }

  #fold(key: string, isFolded: boolean): void {
    if (isFolded) this.#folded?.add(key)
    else this.#folded?.delete(key)
    this.#layOut()
  }

  #fitChosen(): void {
    const bars = this.#find(this.#lines, this.#chosen)?.bars ?? []
    if (bars.length > 0)
      this.#ruler.fit(Math.min(...bars.map(({ start }) => start)), Math.max(...bars.map(({ end }) => end)))
  }

  #focusChosen(): void {
    const element = this.#drawn.find(({ line }) => line.key === this.#chosen)?.element
    element?.focus({ preventScroll: true })
    element?.scrollIntoView({ block: 'nearest' })
  }

  #onKey(event: KeyboardEvent): void {
    const at = this.#drawn.findIndex(({ line }) => line.key === this.#chosen)
    const step = STEPS[event.key]
    if (event.key === 'f') this.#fitChosen()
    else if (!event.shiftKey && step !== undefined)
      this.#stepTo(Math.min(Math.max(at + step, 0), this.#drawn.length - 1))
    else if (!event.shiftKey && event.key === 'ArrowRight') this.#open(at)
    else if (!event.shiftKey && event.key === 'ArrowLeft') this.#shut(at)
    else if (event.key === 'Enter' || event.key === ' ') this.#take(this.#chosen)
    else if (!this.#ruler.key(event)) return
    event.preventDefault()
  }

  #stepTo(index: number): void {
    const line = this.#drawn[index]?.line
    if (!line) return
    this.#chosen = line.key
    for (const drawn of this.#drawn) drawn.choose(drawn.line.key === line.key)
    const [bar] = line.bars
    if (bar && line.kind === 'span') this.#onChoose(bar.span)
    this.#focusChosen()
  }

  /** As a tree is walked: → opens, then goes in; ← shuts, then goes out. */
  #open(at: number): void {
    const line = this.#drawn[at]?.line
    if (!line || line.children.length === 0) return
    if (this.#folded?.has(line.key)) this.#fold(line.key, false)
    else this.#stepTo(at + 1)
  }

  #shut(at: number): void {
    const line = this.#drawn[at]?.line
    if (!line) return
    if (line.children.length > 0 && !this.#folded?.has(line.key)) return this.#fold(line.key, true)
    const parent = this.#drawn.slice(0, at).findLastIndex((one) => one.line.level < line.level)
    if (parent >= 0) this.#stepTo(parent)
  }
}

const STEPS: Readonly<Record<string, number>> = {
  ArrowUp: -1,
  ArrowDown: 1,
  Home: -1e6,
  End: 1e6,
  k: -1,
  j: 1,
}

/** The critical path of the whole, for the small picture above. */
function pathOf(spans: readonly SpanJson[]): PathPart[] {
  const [root] = linesOf(spans).slice(-1)
  if (!root) return []
  const parts = inSight([root], new Set())
    .filter(({ kind }) => kind === 'span')
    .flatMap(({ bars }) =>
      bars.flatMap(({ span, critical }) =>
        critical.map(
          ([from, to]): PathPart => [span.name === 'pod startup' ? 'unaccounted' : span.name, from, to],
        ),
      ),
    )
  return parts.sort((a, b) => a[1] - b[1])
}
