// Owns the finished traces that are kept for a while: for late sessions, for the page, and for what a standby would have to export.
// Promises a bound in bytes, the oldest going first, and that whoever still wanted one that goes is told.
// Does not decide what a trace is wanted for.

import type { Prelude, Span, Trace } from '../trace/trace.ts'

export interface Ring {
  /** Takes a trace; where one of the same id is there, that one goes. */
  put(trace: Trace): void
  get(traceId: string): Trace | undefined
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
    all: function* () {
      for (const { trace } of entries.values()) yield trace
    },
    counters: () => ({ traces: entries.size, bytes: total, evicted }),
  }
}

/** Measured on recordings, where traces take 10.6 to 28 KB of heap: the sum is right for the smallest and up to 43 % too much for others. */
const BYTES = { trace: 1500, span: 900, stamp: 220, attribute: 60, event: 300, character: 1 } as const

const NONE: readonly Prelude[] = []

export function bytesOf(trace: Trace): number {
  let bytes = BYTES.trace + Object.keys(trace.resource).length * BYTES.attribute
  for (const { spans } of [trace, ...(trace.before ?? NONE)])
    for (const span of spans) bytes += bytesOfSpan(span)
  return bytes
}

function bytesOfSpan(span: Span): number {
  const stamps = span.start.stamps.length + span.end.stamps.length
  let bytes = BYTES.span + stamps * BYTES.stamp + (span.error?.length ?? 0) * BYTES.character
  bytes += Object.keys(span.attributes).length * BYTES.attribute
  for (const event of span.events)
    bytes += BYTES.event + Object.keys(event.attributes).length * BYTES.attribute
  return bytes + span.links.length * BYTES.event
}
