// Owns how late the watch shows things: the least lateness of fine stamps against their live receipts, second by second.
// Promises the same answer whatever the order of samples. Does not tell the write's share from the watch's: it bounds their sum.

import { type DurationNano, durationNano, type UnixNano } from '../base/time.ts'

export interface LagModel {
  /** Least lateness in ns by whole second of our clock. */
  readonly leastBySecond: Map<number, number>
}

export const emptyLag = (): LagModel => ({ leastBySecond: new Map() })

/** 15 minutes, as in clocks.ts. */
const SECONDS_MAX = 900
/** Seconds to either side of a receipt that are asked, until one has a sample. */
const REACHES = [1, 3, 10, 30]
/** Without any sample: what a watch on a busy machine was late by at P99 (docs/accuracy.md). */
const UNKNOWN: DurationNano = durationNano(100_000_000n)

/** A fine stamp, on our clock, and when the watch showed it. */
export function sampleLag(model: LagModel, at: UnixNano, receivedAt: UnixNano): void {
  const second = Number(receivedAt / 1_000_000_000n)
  const lag = Math.max(0, Number(receivedAt - at))
  const before = model.leastBySecond.get(second)
  if (before !== undefined && before <= lag) return
  model.leastBySecond.set(second, lag)
  if (model.leastBySecond.size > SECONDS_MAX) forgetBefore(model, second - SECONDS_MAX)
}

function forgetBefore(model: LagModel, oldest: number): void {
  for (const second of model.leastBySecond.keys()) if (second <= oldest) model.leastBySecond.delete(second)
}

/** The least that a write and the watch together took near this receipt. */
export function lagAround(model: LagModel, receivedAt: UnixNano): DurationNano {
  const second = Number(receivedAt / 1_000_000_000n)
  for (const reach of REACHES) {
    let least = Number.POSITIVE_INFINITY
    for (let at = second - reach; at <= second + reach; at++) {
      least = Math.min(least, model.leastBySecond.get(at) ?? Number.POSITIVE_INFINITY)
    }
    if (Number.isFinite(least)) return durationNano(BigInt(Math.round(least)))
  }
  return UNKNOWN
}
