// Owns what is known about one boundary: a best estimate, an interval that holds the truth, and the stamps it rests on.
// Promises earliest <= best <= latest, all on the observer's clock. Does not decide which stamps belong together: see combine.ts.

import type { DurationNano, UnixNano } from '../base/time.ts'
import { since } from '../base/time.ts'

/** Whose clock wrote a stamp. A kubelet and its runtime share their node's. */
export type ClockName = 'apiserver' | 'scheduler' | 'controller' | 'observer' | `node/${string}`

/** The object, field and raw value that a stamp was read from. */
export interface Evidence {
  /** `pods/NAMESPACE/NAME`, `events/NAMESPACE/NAME`, … */
  readonly object: string
  readonly resourceVersion: string
  readonly field: string
  readonly raw: string
}

/** One stamp that contributed to an instant. */
export interface Stamp {
  /** Low-cardinality name of the kind of evidence, such as `event-name` or `watch-receipt`. */
  readonly source: string
  readonly at: UnixNano
  readonly clock: ClockName
  readonly resolution: DurationNano
  readonly evidence: Evidence
}

export interface Instant {
  readonly best: UnixNano
  readonly earliest: UnixNano
  readonly latest: UnixNano
  /** The source of the stamp that won, or how the boundary was bounded where no stamp says it. */
  readonly source: string
  readonly stamps: readonly Stamp[]
  /** Two stamps excluded each other; the finest was kept. */
  readonly conflict?: boolean
  /** By how much the winning stamp was moved from its actor's clock to the observer's. */
  readonly shifted?: DurationNano
  /** Moved so that a span does not end before it starts. */
  readonly clamped?: boolean
}

export const earlyOf = (instant: Instant): DurationNano => since(instant.best, instant.earliest)
export const lateOf = (instant: Instant): DurationNano => since(instant.latest, instant.best)
export const widthOf = (instant: Instant): DurationNano => since(instant.latest, instant.earliest)
