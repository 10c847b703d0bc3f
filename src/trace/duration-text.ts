// Owns how a duration is said to people: `834 ms`, `12.4 s`, `2 min 5 s`.
// Promises three figures at most. Text only: nothing is computed from it.

import { type DurationNano, toMilliseconds } from '../base/time.ts'

export function durationText(by: DurationNano): string {
  const ms = toMilliseconds(by)
  if (ms < 0.9995) return `${ms.toFixed(2)} ms`
  if (ms < 9.95) return `${ms.toFixed(1)} ms`
  if (ms < 999.5) return `${Math.round(ms)} ms`
  if (ms < 9_995) return `${(ms / 1000).toFixed(2)} s`
  if (ms < 59_950) return `${(ms / 1000).toFixed(1)} s`
  const seconds = Math.round(ms / 1000)
  const [hours, minutes, rest] = [Math.floor(seconds / 3600), Math.floor((seconds % 3600) / 60), seconds % 60]
  if (hours > 0) return `${hours} h ${minutes} min`
  return rest === 0 ? `${minutes} min` : `${minutes} min ${rest} s`
}
