// Owns how much may go out per minute: spans of an exporter, traces of a session.
// Promises `perMinute` on average and twice that in any one minute at most, and that a fifth is kept back for what is urgent.
// Does not decide what is urgent, but for the slowest tenth of what it has seen (createSlowest).

import type { UnixNano } from '../base/time.ts'
import { addValue, emptyQuantiles, type Quantiles, valueAt } from './quantiles.ts'

export type Urgency = 'urgent' | 'ordinary'

export interface Budget {
  readonly perMinute: number
  /** Takes `cost` out of what is left, or refuses. `now` may be the same for many. */
  take(cost: number, urgency: Urgency, now: UnixNano): boolean
}

const MINUTE = 60_000_000_000
const RESERVE = 0.2

export function createBudget(perMinute: number, now: UnixNano): Budget {
  let left = perMinute
  let at = now
  const reserve = Math.floor(perMinute * RESERVE)
  return {
    perMinute,
    take: (cost, urgency, moment) => {
      if (moment > at) {
        left = Math.min(perMinute, left + (Number(moment - at) * perMinute) / MINUTE)
        at = moment
      }
      // What costs more than a whole minute's worth goes when all of that is there, and is paid off afterwards.
      const asked = Math.min(cost, perMinute - (urgency === 'urgent' ? 0 : reserve))
      if (left - asked < (urgency === 'urgent' ? 0 : reserve)) return false
      left -= cost
      return true
    },
  }
}

/** Values per generation: the line is drawn by the generation before. */
const GENERATION = 256
const SLOW_PERCENTILE = 90

/** Whether a start is among the slowest tenth of what went before. Nothing is, until 256 were seen. */
export function createSlowest(): (startupMs: number) => boolean {
  let current: Quantiles = emptyQuantiles()
  let line = Number.POSITIVE_INFINITY
  return (startupMs) => {
    addValue(current, startupMs)
    const isSlow = startupMs > line
    if (current.count >= GENERATION) {
      line = valueAt(current, SLOW_PERCENTILE) ?? line
      current = emptyQuantiles()
    }
    return isSlow
  }
}
