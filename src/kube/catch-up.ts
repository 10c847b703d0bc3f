// Owns the knowledge of when a stream was not listening, and for how long what it reads next may be old.
// Promises that what was stored meanwhile is not taken for something that has just happened.
// Does not see what is late on an open watch: timeline/lag.ts learns that from stamps.

import type { Clock } from '../base/clock.ts'
import { add, seconds, since, type UnixNano, unixNano } from '../base/time.ts'

/** What was stored while nobody listened comes in one burst, and is through after this; after a shorter time it takes no longer than that. */
const CATCH_UP = seconds(1)

const NOBODY_KNOWS = unixNano(0n)

export class CatchUp {
  private readonly clock: Pick<Clock, 'now'>
  /** Since when nobody listens: a list was asked for, or a watch has ended. */
  private deafSince = NOBODY_KNOWS
  private until = NOBODY_KNOWS

  constructor(clock: Pick<Clock, 'now'>) {
    this.clock = clock
  }

  /** Everything until now was heard. */
  deafens(): void {
    this.deafSince = this.clock.now()
  }

  /** Nobody knows how much of what a broken watch should have shown was heard. */
  broke(): void {
    this.deafSince = NOBODY_KNOWS
  }

  /** What happened meanwhile begins to arrive. */
  begins(): void {
    const now = this.clock.now()
    const deaf = since(now, this.deafSince)
    this.until = add(now, deaf < CATCH_UP ? deaf : CATCH_UP)
  }

  /** Whether what was read then may be from before, so that its receipt dates nothing from near. */
  isLate(t: UnixNano): boolean {
    return t < this.until
  }
}
