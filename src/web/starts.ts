// Owns what the page asks of its surroundings: starts that are over, starts in flight, and to be told of news.
// Promises one form for the operator's ring, for a live watch and for recordings. Does not know HTTP.

import type { InFlight } from '../trace/pipeline.ts'
import type { Trace } from '../trace/trace.ts'

export interface Starts {
  /** Those that are over, the oldest first. */
  finished(): Iterable<Trace>
  inFlight(): readonly InFlight[]
  /** By trace id; one in flight as it stands. */
  get(traceId: string): Trace | undefined
  /** Called with each start that is over from now on; returns how to be told no more. */
  onFinished(listener: (trace: Trace) => void): () => void
}

/** What a page keeps when nobody else does, oldest out first; about 20 KB each. */
const KEPT_MAX = 20_000

export interface CollectedStarts extends Starts {
  add(trace: Trace): void
}

/** Starts of recordings or of a watch without an operator. */
export function collectStarts(live: {
  readonly inFlight: () => readonly InFlight[]
  readonly traceOf: (traceId: string) => Trace | undefined
}): CollectedStarts {
  const kept = new Map<string, Trace>()
  const listeners = new Set<(trace: Trace) => void>()
  return {
    add: (trace) => {
      kept.delete(trace.traceId)
      kept.set(trace.traceId, trace)
      const [oldest] = kept.keys()
      if (kept.size > KEPT_MAX && oldest !== undefined) kept.delete(oldest)
      for (const listener of listeners) listener(trace)
    },
    finished: () => kept.values(),
    inFlight: live.inFlight,
    get: (traceId) => kept.get(traceId) ?? live.traceOf(traceId),
    onFinished: (listener) => {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
  }
}
