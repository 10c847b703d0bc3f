// Owns the view of one start: its verdict on top, its waterfall, and the evidence of the span that is chosen.
// Promises that a start in flight is read again while it goes on. Does not draw spans.

import { h, isolated, replace } from './dom.ts'
import { showEvidence } from './evidence-view.ts'
import type { View } from './list-view.ts'
import { fetchStart, type SpanJson, type StartJson } from './start.ts'
import { onStarts, starts } from './starts.ts'
import { waterfall } from './waterfall-view.ts'
import { lengthText } from './words.ts'

export function startView(id: string): View {
  const body = h('div', { class: 'view start' }, h('p', {}, 'Reading…'))
  let shown = ''
  let chosen = ''
  const panel = h('aside', { class: 'evidence', 'aria-label': 'Evidence of the chosen span' })
  const select = (span: SpanJson): void => {
    chosen = span.spanId
    showEvidence(panel, span)
  }
  const read = async (): Promise<void> => {
    const start = await fetchStart(id)
    if (typeof start === 'string') return replace(body, h('p', { class: 'error' }, start), back())
    const text = JSON.stringify(start)
    if (text === shown) return
    shown = text
    const before = chosen
    const { element, select: choose } = waterfall(start, select)
    replace(body, header(start), h('div', { class: 'columns' }, element, panel))
    if (before !== '') choose(before)
  }
  void read()
  const isOpen = (): boolean => starts().inFlight.some((row) => row.id === id || row.uid === id)
  let wasOpen = true
  const stop = onStarts(() => {
    const open = isOpen()
    if (open || wasOpen) void read()
    wasOpen = open
  })
  return { title: 'Start', element: body, close: stop }
}

const back = (): HTMLElement => h('p', {}, h('a', { href: '#/' }, 'All starts'))

function header(start: StartJson): HTMLElement {
  const { cause, explainedRatio, name, namespace, node, outcome, startupMs, traceId, verdict, workload } =
    start
  const place = `?namespace=${encodeURIComponent(namespace)}`
  return h(
    'div',
    { class: 'head' },
    h('h1', {}, isolated(`${namespace}/${name}`)),
    h('p', { class: `verdict o-${outcome}` }, isolated(verdict)),
    h(
      'p',
      { class: 'facts' },
      `${outcome} · ${lengthText(startupMs)} · ${cause} · ${Math.round(explainedRatio * 100)} % explained`,
      workload !== undefined && ' · ',
      workload !== undefined &&
        h('a', { href: `#/workload/${encodeURIComponent(workload)}${place}` }, isolated(workload)),
      node !== undefined && ' · ',
      node !== undefined && h('a', { href: `#/node/${encodeURIComponent(node)}` }, isolated(node)),
    ),
    h(
      'p',
      { class: 'links' },
      h('a', { href: `api/starts/${traceId}/otlp`, download: true }, 'OTLP JSON'),
      h('a', { href: `api/starts/${traceId}/chrome`, download: true }, 'Trace events for Perfetto'),
      h('span', { class: 'keys' }, '↑ ↓ span, + − zoom, ← → pan, 0 all, Ctrl + wheel zoom'),
    ),
  )
}
