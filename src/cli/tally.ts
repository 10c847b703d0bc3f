// Owns what a watch has seen so far, in one line: how many starts came to which end, and the slowest.
// Promises a few numbers however long it lasts. Does not print.

import type { DurationNano } from '../base/time.ts'
import type { Outcome, Trace } from '../trace/trace.ts'
import type { Paint } from './glyphs.ts'
import { formatDuration } from './text.ts'
import { outcomeStyle, podName } from './waterfall.ts'

export interface Tally {
  add(trace: Trace): void
  readonly total: number
  /** `17 ready, 1 failed`. */
  outcomes(paint: Paint): string
  /** `slowest 31.0 s shop/web-x2x4p`; empty before the first. */
  slowest(): string
}

const ORDER: readonly Outcome[] = ['ready', 'completed', 'unstable', 'failed', 'timeout', 'deleted']

export function createTally(): Tally {
  const counts = new Map<Outcome, number>()
  let total = 0
  let slowest: { readonly startup: DurationNano; readonly name: string } | undefined
  return {
    get total() {
      return total
    },
    add: (trace) => {
      total++
      counts.set(trace.outcome, (counts.get(trace.outcome) ?? 0) + 1)
      if (!slowest || trace.startup > slowest.startup)
        slowest = { startup: trace.startup, name: podName(trace) }
    },
    outcomes: (paint) =>
      ORDER.flatMap((outcome) => {
        const count = counts.get(outcome)
        return count === undefined ? [] : [paint(outcomeStyle(outcome), `${count} ${outcome}`)]
      }).join(', '),
    slowest: () =>
      slowest === undefined ? '' : `slowest ${formatDuration(slowest.startup)} ${slowest.name}`,
  }
}
