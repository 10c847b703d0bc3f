// Owns durations as people write them in a TraceSession: Go's form, such as `30s` or `1h30m`.
// Promises that what is parsed here is what Go's and CEL's `duration()` parse, without days, signs and bare numbers.
// Does not say durations in sentences (trace/duration-text.ts).

import { type DurationNano, durationNano } from '../base/time.ts'

const UNITS = {
  ns: 1n,
  us: 1_000n,
  ms: 1_000_000n,
  s: 1_000_000_000n,
  m: 60_000_000_000n,
  h: 3_600_000_000_000n,
} as const

/** At most six digits a part and three parts in this length: `duration()` of CEL cannot overflow. */
export const DURATION_LENGTH_MAX = 20
export const DURATION_PATTERN = '^([0-9]{1,6}([.][0-9]{1,9})?(ns|us|ms|s|m|h))+$'

const WHOLE = new RegExp(DURATION_PATTERN)
const PART = /([0-9]+)(?:\.([0-9]+))?(ns|us|ms|s|m|h)/g

/** Undefined where it is not a duration. */
export function parseDuration(text: string): DurationNano | undefined {
  if (text.length > DURATION_LENGTH_MAX || !WHOLE.test(text)) return undefined
  let total = 0n
  for (const [, whole = '0', fraction = '', unit = 's'] of text.matchAll(PART)) {
    const scale = UNITS[unit as keyof typeof UNITS]
    total += BigInt(whole) * scale
    if (fraction !== '') total += (BigInt(fraction) * scale) / 10n ** BigInt(fraction.length)
  }
  return durationNano(total)
}

/** Two or three figures in the unit that fits: `834ms`, `12.4s`, `2m5s`, `1h30m`. Parses again, but for what was rounded. */
export function formatDuration(by: DurationNano): string {
  const ms = Number(by) / 1e6
  if (ms < 0.0005) return '0s'
  if (ms < 9.95) return `${trimmed(ms.toFixed(1))}ms`
  if (ms < 999.5) return `${Math.round(ms)}ms`
  if (ms < 9_995) return `${trimmed((ms / 1000).toFixed(2))}s`
  if (ms < 59_950) return `${trimmed((ms / 1000).toFixed(1))}s`
  const whole = Math.round(ms / 1000)
  const [hours, minutes, rest] = [Math.floor(whole / 3600), Math.floor((whole % 3600) / 60), whole % 60]
  return `${hours > 0 ? `${hours}h` : ''}${minutes > 0 ? `${minutes}m` : ''}${rest > 0 ? `${rest}s` : ''}`
}

const trimmed = (text: string): string => text.replace(/\.?0+$/, '')
