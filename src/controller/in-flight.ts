// Owns how often what is in flight is told: to the sessions, the metrics and the page.
// Promises each second, or less often where thousands are in flight: at most a tenth of the time goes into it. Does not keep more than the last.

import type { Clock } from '../base/clock.ts'
import type { Metrics } from '../metrics/metrics.ts'
import type { SessionBook } from '../session/book.ts'
import type { InFlight } from '../trace/in-flight.ts'
import type { Pipeline } from '../trace/pipeline.ts'

/** Of a second, at most this share goes into telling what is in flight. */
const SHARE = 0.1

export interface InFlightDuty {
  /** Once a second. */
  tell(): void
  /** As it was last told. */
  readonly last: readonly InFlight[]
}

export interface InFlightOptions {
  readonly clock: Clock
  readonly pipeline: Pick<Pipeline, 'inFlight' | 'passed'>
  readonly book: Pick<SessionBook, 'startsInFlight'>
  readonly metrics: Pick<Metrics, 'startsInFlight'>
}

export function createInFlight({ clock, pipeline, book, metrics }: InFlightOptions): InFlightDuty {
  let dueMs = 0
  const duty = {
    last: [] as readonly InFlight[],
    tell(): void {
      const startedMs = clock.monotonicMs()
      if (startedMs < dueMs) return
      duty.last = pipeline.inFlight()
      book.startsInFlight(duty.last, pipeline.passed().read)
      metrics.startsInFlight(duty.last, clock.now())
      dueMs = startedMs + (clock.monotonicMs() - startedMs) / SHARE
    },
  }
  return duty
}
