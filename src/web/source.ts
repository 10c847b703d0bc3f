// Owns what the page asks of its surroundings: starts that are over, starts in flight, rollouts, sessions, and to be told of news.
// Promises one form for the operator's ring, for a live watch and for recordings, and that nothing is computed unless it is asked for.
// Does not know HTTP.

import type { Rollout } from '../rollout/rollout.ts'
import type { SessionLook } from '../session/book.ts'
import type { InFlight } from '../trace/in-flight.ts'
import type { Trace } from '../trace/trace.ts'
import type { About } from './row.ts'

export interface PageSource {
  about(): About
  /** Those that are over, the oldest first. */
  finished(): Iterable<Trace>
  inFlight(): readonly InFlight[]
  /** By trace id; one in flight as it stands. */
  get(traceId: string): Trace | undefined
  /** Called with each start that is over from now on; returns how to be told no more. */
  onFinished(listener: (trace: Trace) => void): () => void
  /** As they stand; absent where nobody tells rollouts. */
  readonly rollouts?: () => readonly Rollout[]
  /** Absent where there is no operator. */
  readonly sessions?: () => readonly SessionLook[]
}

/** What a page keeps when nobody else does, oldest out first; about 20 KB each. */
const KEPT_MAX = 10_000

export interface CollectedStarts extends Pick<PageSource, 'finished' | 'onFinished'> {
  add(trace: Trace): void
  kept(traceId: string): Trace | undefined
}

/** Starts of recordings, or of a watch without an operator. */
export function collectStarts(): CollectedStarts {
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
    kept: (traceId) => kept.get(traceId),
    finished: () => kept.values(),
    onFinished: (listener) => {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
  }
}
