// Owns the view of one start: its verdict on top, its waterfall, and the evidence of the span that is chosen.
// Promises that a start in flight is read again while it goes on. Does not draw spans.

import { h } from './dom.ts'
import { spanView } from './span-view.ts'
import type { StartJson } from './start.ts'
import { startHead } from './start-head.ts'
import { onStarts, readJson, starts } from './starts.ts'
import { missing, type View } from './view.ts'

export function startView(id: string, spanId: string): View {
  const view = spanView({
    ...{ address: `#/start/${id}`, spanId },
    label: 'Spans of the start',
    loading: 'Reading the start',
  })
  const show = (start: StartJson): void => {
    document.title = `${start.namespace}/${start.name} – Podspan`
    view.show(startHead(start, starts().finished), start)
  }
  const close = followStart(id, show, (error) => view.sayInstead(notThere(error)))
  return { title: 'Start', section: 'starts', element: view.element, close }
}

/** Reads it, and again with each change while it is in flight or settles. */
function followStart(id: string, show: (start: StartJson) => void, fail: (error: Error) => void): () => void {
  let shown = ''
  let isReading = false
  let isClosed = false
  const read = async (): Promise<void> => {
    if (isReading) return
    isReading = true
    const start = await readJson<StartJson>(`api/starts/${id}`).catch((error: Error) => error)
    isReading = false
    if (isClosed) return
    if (start instanceof Error) return fail(start)
    const text = JSON.stringify(start)
    if (text !== shown) show(start)
    shown = text
  }
  void read()
  let wasOpen = isUnderWay(id)
  const stop = onStarts(() => {
    const isOpen = isUnderWay(id)
    if (isOpen || wasOpen || shown === '') void read()
    wasOpen = isOpen
  })
  return () => {
    isClosed = true
    stop()
  }
}

function isUnderWay(id: string): boolean {
  const { inFlight, settling } = starts()
  return [...inFlight, ...settling].some((row) => row.id === id || row.uid === id)
}

const notThere = (error: Error): HTMLElement =>
  missing(
    'This start is not here',
    `${error.message}. A start is kept for a while only; its trace is where your exporter sent it. `,
    h('a', { href: '#/' }, 'All starts'),
  )
