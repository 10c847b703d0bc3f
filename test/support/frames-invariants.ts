// Owns what holds for every trace, whatever the frames were.
// Promises to name the pod, the span and the figures of each violation.
// Does not know what a trace should say: only what none may.

import { rootOf, type Span, type Trace } from '../../src/trace/trace.ts'
import { spanName } from './frames-normal.ts'

/** Everything that is wrong with these traces, in words; empty where nothing is. */
export function violations(traces: readonly Trace[]): string[] {
  const seen = new Map<string, number>()
  for (const { uid } of traces) seen.set(uid, (seen.get(uid) ?? 0) + 1)
  const twice = [...seen]
    .filter(([, times]) => times > 1)
    .map(([uid, times]) => `${uid} was told ${times} times`)
  return [...twice, ...traces.flatMap(violationsOf)]
}

function violationsOf(trace: Trace): string[] {
  const byId = new Map(trace.spans.map((span) => [span.spanId, span]))
  const wrong: string[] = []
  if (byId.size !== trace.spans.length) wrong.push(`${sameIds(trace)}`)
  for (const span of trace.spans) {
    for (const problem of [...boundaryProblems(span), ...nestingProblems(span, byId, trace)])
      wrong.push(`${spanName(trace, span)}: ${problem}`)
  }
  const root = rootOf(trace)
  if (root.parentSpanId !== undefined) wrong.push(`${spanName(trace, root)}: the root has a parent`)
  return [...wrong, ...criticalProblems(trace)]
}

function sameIds(trace: Trace): string {
  const names = new Map<string, string[]>()
  for (const span of trace.spans)
    names.set(span.spanId, [...(names.get(span.spanId) ?? []), spanName(trace, span)])
  return [...names.values()]
    .filter(({ length }) => length > 1)
    .map((same) => `one id for ${same}`)
    .join('; ')
}

function boundaryProblems({ start, end }: Span): string[] {
  const wrong: string[] = []
  for (const [side, { earliest, best, latest }] of [['start', start] as const, ['end', end] as const]) {
    if (earliest > best) wrong.push(`${side} is estimated ${best - earliest} ns before its earliest`)
    if (latest < best) wrong.push(`${side} is estimated ${best - latest} ns after its latest`)
  }
  if (end.best < start.best) wrong.push(`ends ${start.best - end.best} ns before it starts`)
  return wrong
}

function nestingProblems(span: Span, byId: ReadonlyMap<string, Span>, trace: Trace): string[] {
  if (span === trace.spans[0]) return []
  const parent = byId.get(span.parentSpanId ?? '')
  if (!parent) return ['its parent is not in the trace']
  const wrong: string[] = []
  if (trace.spans.indexOf(parent) > trace.spans.indexOf(span)) wrong.push('stands before its parent')
  if (span.start.best < parent.start.best)
    wrong.push(`starts ${parent.start.best - span.start.best} ns before ${parent.name}`)
  if (span.end.best > parent.end.best)
    wrong.push(`ends ${span.end.best - parent.end.best} ns after ${parent.name}`)
  return wrong
}

/** The parts of all spans together must be the root: no gap, no overlap. */
function criticalProblems(trace: Trace): string[] {
  const root = rootOf(trace)
  const parts = trace.spans
    .flatMap((span) => span.critical.map((part) => ({ ...part, span })))
    .sort((a, b) => (a.from < b.from ? -1 : a.from > b.from ? 1 : a.to < b.to ? -1 : 1))
  const wrong: string[] = []
  let reached = root.start.best
  for (const { from, to, span } of parts) {
    if (from !== reached)
      wrong.push(`critical path: ${spanName(trace, span)} begins ${from - reached} ns off`)
    if (from < span.start.best || to > span.end.best)
      wrong.push(`critical path: a part of ${spanName(trace, span)} lies outside of it`)
    reached = to
  }
  if (reached !== root.end.best)
    wrong.push(`critical path of ${trace.name} ends ${root.end.best - reached} ns before the root`)
  return wrong
}
