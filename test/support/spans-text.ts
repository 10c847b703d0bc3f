// Owns the text form of traces for golden files: a head per start, then one line per span, indented as a tree.
// Promises whole milliseconds, so that a change which does not matter does not show. Does not draw for people: see cli/waterfall.ts.

import { type DurationNano, since, toMilliseconds } from '../../src/base/time.ts'
import { earlyOf, type Instant, lateOf } from '../../src/timeline/instant.ts'
import { type Prelude, rootOf, type Span, type Trace } from '../../src/trace/trace.ts'

export function spansText(traces: readonly Trace[]): string {
  return traces.map(traceText).join('\n')
}

function traceText(trace: Trace): string {
  const { namespace, name, outcome, startup, explainedRatio, evidenceComplete, workload, cause, verdict } =
    trace
  const facts = [
    outcome,
    `${ms(startup)} ms`,
    `explained ${Math.round(explainedRatio * 100)} %`,
    evidenceComplete ? 'complete' : 'incomplete',
    ...(workload === undefined ? [] : [workload]),
    `${cause}, held by ${String(rootOf(trace).attributes['podspan.responsible'] ?? 'nobody')}`,
  ]
  const lines = treeOf(trace).map(([span, depth]) => spanLine(span, depth, rootOf(trace)))
  const before = (trace.before ?? []).flatMap((one) => preludeLines(one, trace))
  const all = [`${namespace}/${name}: ${facts.join(', ')}`, `  ${verdict}`, ...before, ...lines]
  return `${[...all, ...nativeLines(trace)].join('\n')}\n`
}

/** What other components sent, as a tree below the operations that it hangs in: `~ kubelet syncPod  10 +2000`. */
function nativeLines({ native = [], spans }: Trace): string[] {
  if (native.length === 0) return []
  const root = spans[0]
  const below = Map.groupBy(native, ({ parentSpanId }) => parentSpanId)
  const visit = (spanId: string, depth: number): string[] =>
    (below.get(spanId) ?? []).flatMap(({ attributes, span }) => [
      [
        `${'  '.repeat(depth)}~ ${span.origin.service} ${span.name}`,
        `${ms(since(span.start, root?.start.best ?? span.start))} +${ms(since(span.end, span.start))}`,
        ...('podspan.native.straddles' in attributes ? ['straddles'] : []),
      ].join('  '),
      ...visit(span.spanId, depth + 1),
    ])
  return spans.flatMap(({ name, spanId, subject }) => {
    const lines = visit(spanId, 2)
    return lines.length === 0
      ? []
      : [`  spans below ${name}${subject === undefined ? '' : ` ${subject}`}`, ...lines]
  })
}

/** Times are against the pod's own root, which comes after. */
const preludeLines = (prelude: Prelude, trace: Trace): string[] => [
  `  before, trace ${prelude.traceId.slice(0, 8)}…`,
  ...treeOf(prelude).map(([span, depth]) => spanLine(span, depth, rootOf(trace))),
]

function treeOf({ spans }: Pick<Trace, 'spans'>): (readonly [Span, number])[] {
  const below = Map.groupBy(spans, (span) => span.parentSpanId)
  const visit = (span: Span, depth: number): (readonly [Span, number])[] => [
    [span, depth],
    ...(below.get(span.spanId) ?? []).flatMap((child) => visit(child, depth + 1)),
  ]
  const root = spans[0]
  return root === undefined ? [] : visit(root, 1)
}

/** `schedule node-1  [kube-scheduler]  0 +64  watch-receipt -3/+0  event-name -0/+1  critical 64`. */
function spanLine(span: Span, depth: number, root: Span): string {
  const title = [
    span.name,
    ...(span.attempt === undefined ? [] : [`#${span.attempt}`]),
    ...(span.subject ? [span.subject] : []),
  ]
  const critical = span.critical.reduce((sum, part) => sum + (part.to - part.from), 0n) as DurationNano
  const cells = [
    title.join(' '),
    `[${span.actor}]`,
    `${ms(since(span.start.best, root.start.best))} +${ms(since(span.end.best, span.start.best))}`,
    instantText(span.start),
    instantText(span.end),
    ...(critical > 0n ? [`critical ${ms(critical)}`] : []),
    ...(span.error === undefined ? [] : [`ERROR ${span.error}`]),
    ...span.events.map((event) => `(${event.name})`),
    ...(span.links.length > 0 ? [`${span.links.length} links`] : []),
  ]
  return '  '.repeat(depth) + cells.join('  ')
}

function instantText(instant: Instant): string {
  const marks = [
    ...(instant.conflict ? ['conflict'] : []),
    ...(instant.clamped ? ['clamped'] : []),
    ...(instant.shifted ? ['shifted'] : []),
  ]
  return [`${instant.source} -${ms(earlyOf(instant))}/+${ms(lateOf(instant))}`, ...marks].join(' ')
}

const ms = (by: DurationNano): number => Math.round(toMilliseconds(by))
