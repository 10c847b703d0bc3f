// Owns the finished traces that are kept for a while: for late sessions, for the page, and for what a standby would have to export.
// Promises a bound in bytes, the oldest going first, and that whoever still wanted one that goes is told.
// Does not decide what a trace is wanted for.

import type { Trace } from '../trace/trace.ts'
import { bytesOf } from '../trace/trace-bytes.ts'

export interface Ring {
  /** Takes a trace; where one of the same id is there, that one goes. */
  put(trace: Trace): void
  get(traceId: string): Trace | undefined
  /** Nobody wants it any more. */
  delete(traceId: string): void
  /** The oldest first. */
  all(): Iterable<Trace>
  counters(): { readonly traces: number; readonly bytes: number; readonly evicted: number }
}

export function createRing(maxBytes: number, onEvicted: (trace: Trace) => void): Ring {
  // A Map keeps the order of insertion and forgets any entry at once.
  const entries = new Map<string, { readonly trace: Trace; readonly bytes: number }>()
  let total = 0
  let evicted = 0
  const remove = (traceId: string): Trace | undefined => {
    const entry = entries.get(traceId)
    if (!entry) return undefined
    entries.delete(traceId)
    total -= entry.bytes
    return entry.trace
  }
  const evict = (): void => {
    for (const traceId of entries.keys()) {
      if (total <= maxBytes) return
      const trace = remove(traceId)
      evicted += 1
      if (trace) onEvicted(trace)
    }
  }
  return {
    put: (trace) => {
      remove(trace.traceId)
      const bytes = bytesOf(trace)
      entries.set(trace.traceId, { trace, bytes })
      total += bytes
      evict()
    },
    get: (traceId) => entries.get(traceId)?.trace,
    delete: (traceId) => void remove(traceId),
    all: function* () {
      for (const { trace } of entries.values()) yield trace
    },
    counters: () => ({ traces: entries.size, bytes: total, evicted }),
  }
}
