// Owns whether a session wants a trace to be exported: by its share, or because it is slow or failed.
// Promises the same answer in every session, replica and run: the share goes by the low 56 bits of the trace id, as W3C's
// consistent sampling has it, so that a smaller share is always a part of a larger one.

import type { Sampling } from './plan.ts'
import { type Ending, isBad } from './sums.ts'

const RANGE = 1n << 56n

/** True for `percent` of all trace ids. */
export function isSampled(traceId: string, percent: number): boolean {
  if (percent >= 100) return true
  if (percent <= 0) return false
  const refused = BigInt(Math.round((1 - percent / 100) * 2 ** 56))
  return BigInt(`0x${traceId.slice(-14)}`) % RANGE >= refused
}

export const isKept = ({ slowerThanMs, failed }: Sampling, ending: Ending, startupMs: number): boolean =>
  (failed && isBad(ending)) || (slowerThanMs !== undefined && startupMs > slowerThanMs)
