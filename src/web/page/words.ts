// Owns how the page says lengths, moments and counts.
// Promises three figures at most, and the reader's own time zone for moments. Computes nothing.

/** `400 ms`, `1.04 s`, `3 min 51 s`; what is shorter than it can be known is `0 ms`. */
export function lengthText(ms: number): string {
  if (ms < 0.05) return '0 ms'
  if (ms < 9.95) return `${ms.toFixed(1)} ms`
  if (ms < 999.5) return `${Math.round(ms)} ms`
  if (ms < 9995) return `${(ms / 1000).toFixed(2)} s`
  if (ms < 59_950) return `${(ms / 1000).toFixed(1)} s`
  const seconds = Math.round(ms / 1000)
  const [hours, minutes, rest] = [Math.floor(seconds / 3600), Math.floor((seconds % 3600) / 60), seconds % 60]
  if (hours > 0) return `${hours} h ${minutes} min`
  return rest === 0 ? `${minutes} min` : `${minutes} min ${rest} s`
}

/** For what counts up each second: whole seconds. */
export function ageText(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000))
  return seconds < 60 ? `${seconds} s` : lengthText(seconds * 1000)
}

/** With its sign, for differences. */
export const signedText = (ms: number): string =>
  Math.abs(ms) < 0.05 ? '±0' : `${ms < 0 ? '−' : '+'}${lengthText(Math.abs(ms))}`

/** For an axis, where all steps have one unit: `0`, `500 ms`, `1.5 s`, `2 min`. */
export function tickText(ms: number, stepMs: number): string {
  if (ms === 0) return '0'
  if (stepMs >= 60_000 || Math.abs(ms) >= 120_000)
    return lengthText(Math.abs(ms)).replace(/^/, ms < 0 ? '−' : '')
  const [unit, size] = stepMs >= 1000 || Math.abs(ms) >= 1000 ? ['s', 1000] : ['ms', 1]
  const digits = Math.min(6, Math.max(0, Math.ceil(-Math.log10(stepMs / size) - 1e-9)))
  return `${(ms / size).toFixed(digits).replace('-', '−')} ${unit}`
}

/** A formatter costs milliseconds to make, which the first paint need not wait for. */
const made = new Map<string, Intl.DateTimeFormat>()

function format(key: string, options: Intl.DateTimeFormatOptions, epochMs: number): string {
  let formatter = made.get(key)
  if (!formatter) made.set(key, (formatter = new Intl.DateTimeFormat(undefined, options)))
  return formatter.format(epochMs)
}

const TIME = { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' } as const
const DATE = { month: 'short', day: 'numeric' } as const

export const clockText = (epochMs: number): string => format('clock', { ...TIME, second: '2-digit' }, epochMs)
export const dayText = (epochMs: number): string =>
  format('day', { dateStyle: 'medium', timeStyle: 'medium', hourCycle: 'h23' }, epochMs)
/** For an axis of days. */
export const dayHourText = (epochMs: number): string =>
  `${format('hour', { ...DATE, hour: '2-digit', hourCycle: 'h23' }, epochMs)} h`

/** The clock alone, where it is of the same day as `now`; else to the minute. */
export function whenText(epochMs: number, now: number): string {
  const isToday = new Date(epochMs).toDateString() === new Date(now).toDateString()
  return isToday
    ? clockText(epochMs)
    : `${format('date', DATE, epochMs)}, ${format('minutes', TIME, epochMs)}`
}

/** A share of a whole as people say it. */
export function percentText(share: number): string {
  if (share > 0 && share < 0.01) return '<1 %'
  if (share < 1 && share >= 0.995) return '>99 %'
  return `${Math.round(share * 100)} %`
}

export const countText = (count: number): string => String(count).replace(/\B(?=(\d{3})+$)/g, ',')
export const plural = (count: number, one: string, many = `${one}s`): string =>
  `${countText(count)} ${count === 1 ? one : many}`

const UNITS = ['B', 'kB', 'MB', 'GB', 'TB'] as const

export function bytesText(bytes: number): string {
  let value = bytes
  let unit = 0
  while (value >= 999.5 && unit < UNITS.length - 1) {
    value /= 1000
    unit++
  }
  return `${value >= 99.5 || unit === 0 ? Math.round(value) : value.toPrecision(3)} ${UNITS[unit]}`
}

/** Of a verdict what stands behind its length. */
export function whyText(verdict: string): string {
  const at = verdict.indexOf('; ')
  return at < 0 ? verdict : verdict.slice(at + 2)
}
