// Owns the comparison of a run with less evidence to the run with all of it.
// Promises to name the pod, the span, the boundary and both instants of whatever does not fit.
// Does not make the runs: restart.ts and the properties do.

import type { Instant } from '../../src/timeline/instant.ts'
import type { Span, Trace } from '../../src/trace/trace.ts'
import { boundaryText, spanName } from './frames-normal.ts'

export interface Compared {
  /** Boundaries that both have. */
  count: number
  /** Boundaries of the full run that the other's interval does not hold. */
  readonly outside: string[]
  /** Spans that only the other run has, or only the full one. */
  readonly added: string[]
  readonly lost: string[]
}

/** Compares traces of the same pods; what is `unaccounted` is named by its neighbours and may differ. */
export function compareRuns(full: readonly Trace[], other: readonly Trace[]): Compared {
  const compared: Compared = { count: 0, outside: [], added: [], lost: [] }
  const byUid = new Map(full.map((trace) => [trace.uid, trace]))
  for (const trace of other) {
    const whole = byUid.get(trace.uid)
    if (whole) compareTraces(whole, trace, compared)
    else compared.added.push(`${trace.namespace}/${trace.name}: a trace that the full run has not`)
  }
  return compared
}

function compareTraces(full: Trace, other: Trace, compared: Compared): void {
  const { outside, added, lost } = compared
  const spans = new Map(full.spans.map((span) => [span.spanId, span]))
  for (const span of other.spans) {
    const same = spans.get(span.spanId)
    if (!same && span.name !== 'unaccounted' && !mayBeAfter(span, full)) added.push(nameOf(other, span))
    if (!same || span.name === 'unaccounted') continue
    spans.delete(span.spanId)
    for (const side of ['start', 'end'] as const) {
      compared.count++
      if (holds(span[side], same[side]) || (side === 'end' && goesOn(span))) continue
      if (contradicts(full, same[side])) continue
      outside.push(
        `${nameOf(full, same)} ${side}\n      full  ${boundaryText(full, same[side])}\n      other ${boundaryText(full, span[side])}`,
      )
    }
  }
  for (const span of spans.values())
    if (span.name !== 'unaccounted' && !mayBeAfter(span, other)) lost.push(nameOf(full, span))
}

/** A back-off has no number of its own. */
function nameOf(trace: Trace, span: Span): string {
  const after = span.attributes['podspan.backoff.after']
  return spanName(trace, span) + (after === undefined ? '' : ` after ${after}`)
}

/** What began when the start was over is not told: where either is known less well, it may seem to have begun before. */
function mayBeAfter({ start }: Span, { spans }: Trace): boolean {
  const root = spans.find(({ parentSpanId }) => parentSpanId === undefined)
  return root !== undefined && start.latest >= root.end.best
}

/**
 * A kubelet that stood still records a start seconds after the runtime's own stamp of it: the status alone cannot know. Where both are seen they
 * contradict each other, and what must come after is moved there too.
 */
const contradicts = ({ spans }: Trace, { best, clamped, conflict }: Instant): boolean =>
  conflict === true ||
  (clamped === true &&
    spans.some(({ start, end }) => [start, end].some((one) => one.conflict && one.best === best)))

/** Nothing that was seen ended it. */
const goesOn = ({ attributes }: Span): boolean => attributes['podspan.open'] === true

const holds = (instant: Instant, { best }: Instant): boolean =>
  instant.earliest <= best && best <= instant.latest
