// Owns the time of what is played: it passes as the machine's does, but stands still while the simulator itself is held up.
// Promises that a cause which is shown late has no effect before it: else a busy machine would make clusters that cannot be.
// Does not say when anything happens.

import type { Clock } from '../../../src/base/clock.ts'

/** So much may pass between two looks; what is more is time in which the simulator did not run. */
const STEP_MS = 4
/** Of so many standstills it is known when they were; older ones are one. */
const STANDSTILLS_MAX = 4096

export class PlayTime {
  nowMs = 0
  /** The longest standstill so far, which says how busy the machine is. */
  longestMs = 0
  private readonly clock: Clock
  private readonly beginNs: bigint
  private lookedMs: number
  /** From this played time on, so much later by the machine's clock. */
  private readonly standstills: { readonly fromMs: number; readonly lateMs: number }[] = []

  constructor(clock: Clock) {
    this.clock = clock
    this.beginNs = clock.now()
    this.lookedMs = clock.monotonicMs()
  }

  /** What is to be played by now. */
  pass(): number {
    const now = this.clock.monotonicMs()
    const passed = now - this.lookedMs
    this.lookedMs = now
    if (passed > STEP_MS) this.stoodStill(passed - STEP_MS)
    this.nowMs += Math.min(passed, STEP_MS)
    return this.nowMs
  }

  private stoodStill(ms: number): void {
    this.longestMs = Math.max(this.longestMs, ms)
    const lateMs = (this.standstills.at(-1)?.lateMs ?? 0) + ms
    this.standstills.push({ fromMs: this.nowMs, lateMs })
    if (this.standstills.length > STANDSTILLS_MAX) this.standstills.splice(0, STANDSTILLS_MAX / 4)
  }

  /** By the machine's clock; only of what has been played is it final. */
  at(ms: number): bigint {
    let [low, high] = [0, this.standstills.length]
    while (low < high) {
      const middle = (low + high) >> 1
      if ((this.standstills[middle]?.fromMs ?? 0) < ms) low = middle + 1
      else high = middle
    }
    const late = this.standstills[low - 1]?.lateMs ?? 0
    return this.beginNs + BigInt(Math.round((ms + late) * 1e6))
  }
}
