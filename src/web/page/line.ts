// Owns what one line of a waterfall is: a span with its edges, or a lane, and the lines below it.
// Promises ms since the root began. Does not say which lines there are: lines.ts and native-lines.ts do.

import { msAfter, type SpanJson } from './start.ts'

/** A span in ms since the root began, with its edges as uncertain as they are. */
export interface Bar {
  readonly span: SpanJson
  readonly start: number
  readonly end: number
  readonly earliestStart: number
  readonly latestStart: number
  readonly earliestEnd: number
  readonly latestEnd: number
  readonly critical: readonly (readonly [from: number, to: number])[]
  readonly isOpen: boolean
}

export interface Line {
  /** The span's id, `lane/NAME`, or `native/ID` of what hangs below a span. */
  readonly key: string
  readonly kind: 'span' | 'lane'
  /** From 0 for the root. */
  readonly level: number
  /** Of a lane and of what is in it: its container. */
  readonly lane?: string
  readonly image?: string
  /** Of a span its own; of a lane all that is in it, which it shows when it is folded. */
  readonly bars: readonly Bar[]
  readonly children: readonly Line[]
}

export function barOf(span: SpanJson, origin: bigint): Bar {
  const [start, end] = [msAfter(span.start.time, origin), msAfter(span.end.time, origin)]
  return {
    ...{ span, start, end },
    earliestStart: start - span.start.earlyMs,
    latestStart: start + span.start.lateMs,
    earliestEnd: end - span.end.earlyMs,
    latestEnd: end + span.end.lateMs,
    critical: span.critical.map(({ from, to }) => [msAfter(from, origin), msAfter(to, origin)] as const),
    isOpen: span.attributes['podspan.open'] === true,
  }
}
