// Owns what sums over many starts need of one finished start, taken from its spans once: for sessions, and for revisions.
// Promises milliseconds, and that the parts of the critical path sum to the startup but for what lies on the root itself.
// Does not keep the trace.

import type { UnixNano } from '../base/time.ts'
import { rootOf, type Span, type Trace } from '../trace/trace.ts'

export interface OperationFact {
  /** Time during which it went on; attempts that overlap count once. */
  readonly spentMs: number
  /** Time during which the end of the start was waiting for it. */
  readonly criticalMs: number
}

export interface ImageFact {
  readonly image: string
  /** Undefined: the node had it already. */
  readonly pullMs: number | undefined
  readonly bytes: number | undefined
}

export interface StartFacts {
  readonly startupMs: number
  readonly ended: UnixNano
  readonly operations: ReadonlyMap<string, OperationFact>
  readonly images: readonly ImageFact[]
  /** The operation that cost most of the critical path. */
  readonly longest: string | undefined
}

const toMs = (nanoseconds: bigint): number => Number(nanoseconds) / 1e6

export function factsOf(trace: Trace): StartFacts {
  const [root, ...spans] = trace.spans
  const byName = new Map<string, Span[]>()
  for (const span of spans) {
    const same = byName.get(span.name)
    if (same) same.push(span)
    else byName.set(span.name, [span])
  }
  const operations = new Map<string, OperationFact>()
  for (const [name, same] of byName)
    operations.set(name, { spentMs: spentMsOf(same), criticalMs: criticalMsOf(same) })
  return {
    startupMs: toMs(trace.startup),
    ended: root?.end.best ?? rootOf(trace).end.best,
    operations,
    images: imagesOf(spans),
    longest: longestOf(operations),
  }
}

function spentMsOf(spans: readonly Span[]): number {
  const ordered =
    spans.length === 1 ? spans : spans.toSorted((a, b) => (a.start.best < b.start.best ? -1 : 1))
  let total = 0n
  let reached: bigint | undefined
  for (const { start, end } of ordered) {
    const from = reached === undefined || start.best > reached ? start.best : reached
    if (end.best > from) total += end.best - from
    if (reached === undefined || end.best > reached) reached = end.best
  }
  return toMs(total)
}

function criticalMsOf(spans: readonly Span[]): number {
  let total = 0n
  for (const { critical } of spans) for (const { from, to } of critical) total += to - from
  return toMs(total)
}

function longestOf(operations: ReadonlyMap<string, OperationFact>): string | undefined {
  let longest: string | undefined
  let most = 0
  for (const [name, { criticalMs }] of operations) {
    if (criticalMs <= most) continue
    most = criticalMs
    longest = name
  }
  return longest
}

function imagesOf(spans: readonly Span[]): ImageFact[] {
  const images: ImageFact[] = []
  for (const { name, error, attributes, start, end } of spans) {
    const image = attributes['container.image.name']
    const bytes = attributes['podspan.image.bytes']
    if (typeof image !== 'string' || error !== undefined) continue
    if (name === 'pull image')
      images.push({
        image,
        pullMs: toMs(end.best - start.best),
        bytes: typeof bytes === 'number' ? bytes : undefined,
      })
    else if (name === 'create container' && attributes['podspan.image.cached'] === true)
      images.push({ image, pullMs: undefined, bytes: undefined })
  }
  return images
}
