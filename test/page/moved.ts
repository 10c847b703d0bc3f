// Owns copies of a recorded start under another name and at another time, so that a few recordings fill a page.
// Promises that everything else of it stays: lengths, evidence, critical path. Does not choose names.

import { type DurationNano, durationNano, type UnixNano } from '../../src/base/time.ts'
import type { Instant, Stamp } from '../../src/timeline/instant.ts'
import { traceIdOf } from '../../src/trace/identity.ts'
import type { Span, Trace } from '../../src/trace/trace.ts'

export interface Identity
  extends Partial<Pick<Trace, 'name' | 'namespace' | 'workload' | 'node' | 'revision' | 'verdict'>> {
  readonly uid: string
}

/** `byMs`: how much later; `times`: how much longer everything takes. */
export function moved(trace: Trace, identity: Identity, byMs: number, times = 1): Trace {
  const at = (moment: UnixNano): UnixNano =>
    (trace.created +
      durationNano(BigInt(Math.round(Number(moment - trace.created) * times))) +
      BigInt(byMs) * 1_000_000n) as UnixNano
  return {
    ...trace,
    ...identity,
    traceId: traceIdOf(identity.uid),
    created: at(trace.created),
    startup: BigInt(Math.round(Number(trace.startup) * times)) as DurationNano,
    spans: trace.spans.map((span) => movedSpan(span, at)),
  }
}

const movedSpan = (span: Span, at: (moment: UnixNano) => UnixNano): Span => ({
  ...span,
  start: movedInstant(span.start, at),
  end: movedInstant(span.end, at),
  critical: span.critical.map(({ from, to }) => ({ from: at(from), to: at(to) })),
  events: span.events.map((event) => ({ ...event, at: at(event.at) })),
})

const movedInstant = (instant: Instant, at: (moment: UnixNano) => UnixNano): Instant => ({
  ...instant,
  best: at(instant.best),
  earliest: at(instant.earliest),
  latest: at(instant.latest),
  stamps: instant.stamps.map((stamp) => ({ ...plain(stamp), at: at(stamp.at) })),
})

/** A stamp of the fact log reads its fields when they are asked for: a spread would lose them. */
export const plain = ({ source, at, clock, resolution, evidence, receivedAt }: Stamp): Stamp => ({
  ...{ source, at, clock, resolution, evidence, receivedAt },
})

/** A UID of a number, the same each time. */
export const uidOfNumber = (number: number): string =>
  `${number.toString(16).padStart(8, '0')}-0000-4000-8000-${(number * 2654435761).toString(16).slice(-12).padStart(12, '0')}`
