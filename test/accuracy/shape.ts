// Owns what must hold in every trace without any truth beside it: spans end after they start and lie within their parent.
// Promises a sentence per violation. Does not look at times otherwise.

import type { Span, Trace } from '../../src/trace/trace.ts'

export interface Violation {
  readonly kind: 'ends before it starts' | 'outside its parent' | 'interval without its estimate'
  readonly text: string
}

export function findViolations(trace: Trace): Violation[] {
  const byId = new Map(trace.spans.map((span) => [span.spanId, span]))
  return trace.spans.flatMap((span) => {
    const parent = span.parentSpanId === undefined ? undefined : byId.get(span.parentSpanId)
    return [...endsEarly(trace, span), ...leavesParent(trace, span, parent), ...misplaced(trace, span)]
  })
}

const name = (trace: Trace, span: Span): string =>
  `${trace.namespace}/${trace.name} ${span.name} ${span.subject ?? ''}`.trim()

function endsEarly(trace: Trace, span: Span): Violation[] {
  if (span.end.best >= span.start.best) return []
  return [
    { kind: 'ends before it starts', text: `${name(trace, span)}: by ${span.start.best - span.end.best} ns` },
  ]
}

function leavesParent(trace: Trace, span: Span, parent: Span | undefined): Violation[] {
  if (span.parentSpanId === undefined) return []
  if (parent === undefined)
    return [{ kind: 'outside its parent', text: `${name(trace, span)}: its parent is missing` }]
  const early = parent.start.best - span.start.best
  const late = span.end.best - parent.end.best
  if (early <= 0n && late <= 0n) return []
  return [{ kind: 'outside its parent', text: `${name(trace, span)}: by ${early > late ? early : late} ns` }]
}

function misplaced(trace: Trace, span: Span): Violation[] {
  const wrong = [span.start, span.end].some(({ earliest, best, latest }) => best < earliest || best > latest)
  return wrong ? [{ kind: 'interval without its estimate', text: name(trace, span) }] : []
}
