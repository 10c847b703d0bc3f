// Owns what advice needs of one trace: its steps, which are the spans right below the root, and their parts.
// Promises steps in the order in which they began, and nothing of a trace that it does not need: thousands are held at once.
// Does not judge: retime.ts says what follows from what.

import type { DurationNano, UnixNano } from '../base/time.ts'
import { since } from '../base/time.ts'
import type { Requests } from '../trace/requests.ts'
import { type Attributes, type Outcome, rootOf, type Span, type Trace } from '../trace/trace.ts'

/** A boundary, without the evidence that it rests on. */
export interface Moment {
  readonly best: UnixNano
  readonly earliest: UnixNano
  readonly latest: UnixNano
}

export interface Step {
  readonly spanId: string
  readonly name: string
  readonly container?: string
  readonly subject?: string
  readonly start: Moment
  readonly end: Moment
  readonly failed: boolean
  /** Still going on when the root ended: nothing waited for it. */
  readonly open: boolean
  readonly attempt: number
  readonly attributes: Attributes
  /** Span events, such as answers of a failing probe. */
  readonly events: number
  readonly parts: readonly Step[]
}

export interface Start {
  readonly traceId: string
  readonly uid: string
  readonly namespace: string
  readonly name: string
  readonly workload?: string
  readonly node?: string
  readonly outcome: Outcome
  readonly end: UnixNano
  readonly total: DurationNano
  readonly steps: readonly Step[]
  readonly requests?: Requests
}

/** Only these came to the end that a user waits for, so that a shorter step would have made them shorter. */
export const isTimed = ({ outcome }: Start): boolean =>
  outcome === 'ready' || outcome === 'unstable' || outcome === 'completed'

export function readStart(trace: Trace): Start {
  const root = rootOf(trace)
  const below = new Map<string, Span[]>()
  for (const span of trace.spans.slice(1)) {
    const list = below.get(span.parentSpanId ?? '')
    if (list) list.push(span)
    else below.set(span.parentSpanId ?? '', [span])
  }
  const { traceId, uid, namespace, name, workload, node, outcome, requests } = trace
  return {
    traceId,
    uid,
    namespace,
    name,
    ...(workload === undefined ? {} : { workload }),
    ...(node === undefined ? {} : { node }),
    outcome,
    end: root.end.best,
    total: since(root.end.best, root.start.best),
    steps: (below.get(root.spanId) ?? []).map((span) => stepOf(span, below)).sort(byStart),
    ...(requests === undefined ? {} : { requests }),
  }
}

function stepOf(span: Span, below: ReadonlyMap<string, readonly Span[]>): Step {
  const container = span.attributes['k8s.container.name']
  return {
    spanId: span.spanId,
    name: span.name,
    ...(typeof container === 'string' ? { container } : {}),
    ...(span.subject === undefined ? {} : { subject: span.subject }),
    start: momentOf(span.start),
    end: momentOf(span.end),
    failed: span.error !== undefined,
    open: span.attributes['podspan.open'] === true,
    attempt: span.attempt ?? 1,
    attributes: span.attributes,
    events: span.events.length,
    parts: (below.get(span.spanId) ?? []).map((part) => stepOf(part, below)).sort(byStart),
  }
}

const momentOf = ({ best, earliest, latest }: Moment): Moment => ({ best, earliest, latest })

const byStart = (a: Step, b: Step): number =>
  a.start.best !== b.start.best
    ? a.start.best < b.start.best
      ? -1
      : 1
    : a.end.best < b.end.best
      ? -1
      : a.end.best > b.end.best
        ? 1
        : 0

export const durationOf = ({ start, end }: Step): DurationNano => since(end.best, start.best)

export const numberAt = ({ attributes }: Step, key: string): number | undefined => {
  const value = attributes[key]
  return typeof value === 'number' ? value : undefined
}

/** When the pod began to hold what it requests; undefined where it never was on a node. */
export function boundAt({ steps }: Start): UnixNano | undefined {
  const scheduled = steps.find(({ name, open }) => name === 'schedule' && !open)
  return scheduled ? scheduled.end.best : steps.find(({ name }) => name.startsWith('prepare pod'))?.start.best
}
