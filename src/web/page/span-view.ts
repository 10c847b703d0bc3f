// Owns what the views of one start and of one rollout have in common: a head, the picture, and beside it the evidence of what is chosen.
// Promises that the chosen span is in the address, and that what is shown anew keeps zoom, folds and choice. Does not fetch.

import { h, replace } from './dom.ts'
import { evidencePanel } from './evidence-panel.ts'
import { showEvidence } from './evidence-view.ts'
import { keysText } from './keys-text.ts'
import { spanOf } from './native-lines.ts'
import { nanosOf, type SpanJson, type StartJson } from './start.ts'
import { createWaterfall } from './waterfall-view.ts'

export interface SpanView {
  readonly element: HTMLElement
  show(head: HTMLElement, trace: StartJson): void
  /** Something else in its place, unless a trace is shown already. */
  sayInstead(element: HTMLElement): void
}

export interface SpanViewOptions {
  /** `#/start/ID`. */
  readonly address: string
  /** What the address chooses; empty for the root. */
  readonly spanId: string
  readonly label: string
  readonly loading: string
}

export function spanView({ address, label, loading, spanId }: SpanViewOptions): SpanView {
  const top = h('div')
  const panel = evidencePanel()
  const element = h('div', { class: 'view start' }, h('p', { class: 'soft loading' }, loading))
  let trace: StartJson | undefined
  let chosen = spanId
  const tell = (span: SpanJson): void => {
    if (!trace) return
    chosen = span.spanId
    const origin = nanosOf(trace.spans[0]?.start.time ?? trace.created)
    showEvidence(panel.content, { span, origin, whole: Math.max(trace.startupMs, 0.001) })
  }
  const picture = createWaterfall(label, (span) => {
    tell(span)
    panel.open()
    history.replaceState(null, '', `${address}?span=${span.spanId}`)
  })
  const layOut = (): void => {
    replace(
      element,
      top,
      h('div', { class: 'columns' }, h('div', {}, picture.element, keysText()), panel.element),
    )
  }
  return {
    element,
    sayInstead: (other) => {
      if (!trace) replace(element, other)
    },
    show: (head, next) => {
      const isFirst = trace === undefined
      trace = next
      replace(top, head)
      if (isFirst) layOut()
      const before = next.before?.flatMap(({ spans }) => spans) ?? []
      const { native = [] } = next
      picture.show(next.spans, before, native)
      if (isFirst && chosen !== '') picture.choose(chosen)
      const all = [...next.spans, ...before, ...native.map(spanOf)]
      const span = all.find((one) => one.spanId === chosen) ?? next.spans[0]
      if (span) tell(span)
    },
  }
}
