// Owns what is known about one boundary: a best estimate, an interval that holds the truth, and the stamps it rests on.
// Promises earliest <= best <= latest, all on the observer's clock. Does not decide which stamps belong together: see combine.ts.

import type { Stamp, StampSource } from '../base/stamp.ts'
import type { DurationNano, UnixNano } from '../base/time.ts'
import { since } from '../base/time.ts'

export type { ClockName, Evidence, Stamp, StampSource } from '../base/stamp.ts'

export interface Instant {
  readonly best: UnixNano
  readonly earliest: UnixNano
  readonly latest: UnixNano
  /** The source of the stamp that won; `order` where no stamp says it. */
  readonly source: StampSource
  readonly stamps: readonly Stamp[]
  /** Two stamps excluded each other; the finest was kept. */
  readonly conflict?: boolean | undefined
  /** By how much the winning stamp was moved from its actor's clock to the observer's. */
  readonly shifted?: DurationNano | undefined
  /** Moved so that a span does not end before it starts. */
  readonly clamped?: boolean | undefined
}

export const earlyOf = (instant: Instant): DurationNano => since(instant.best, instant.earliest)
export const lateOf = (instant: Instant): DurationNano => since(instant.latest, instant.best)
export const widthOf = (instant: Instant): DurationNano => since(instant.latest, instant.earliest)
