// Owns which traces of what lies before a start still have to be sent: pods of one Workload share one.
// Promises each once per exporter, with the first start that needs it; again where that start was not sent. Bounded: the oldest is
// forgotten, and sent again if it is ever needed again. Does not encode.

import type { Prelude, Trace } from '../trace/trace.ts'

/** More than Workloads have pods on their way at one time. */
const KNOWN_MAX = 20_000

export interface Preludes {
  /** Those of this start that have not been taken before; they count as taken from now on. */
  take(trace: Trace): readonly Prelude[]
  /** They did not arrive. */
  giveBack(preludes: readonly Prelude[]): void
}

const NONE: readonly Prelude[] = []

/** A Workload that was admitted twice has two of one trace id. */
const keyOf = ({ spans, traceId }: Prelude): string => `${traceId}/${spans[0]?.spanId ?? ''}`

export function createPreludes(max = KNOWN_MAX): Preludes {
  const known = new Set<string>()
  const isNew = (prelude: Prelude): boolean => {
    const key = keyOf(prelude)
    if (known.has(key)) return false
    const [oldest] = known
    if (known.size >= max && oldest !== undefined) known.delete(oldest)
    known.add(key)
    return true
  }
  return {
    take: ({ before = NONE }) => (before.length === 0 ? NONE : before.filter(isNew)),
    giveBack: (preludes) => {
      for (const prelude of preludes) known.delete(keyOf(prelude))
    },
  }
}
