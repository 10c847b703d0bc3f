// Owns the two units of time: a moment and a span of it, both in whole nanoseconds.
// Promises that no bare number is a time: the compiler refuses a millisecond where a nanosecond belongs.
// Does not read a clock (see clock.ts) and knows nothing of whose clock a moment is.

/** A moment, nanoseconds since the Unix epoch, by some clock. */
export type UnixNano = bigint & { readonly __unit: 'UnixNano' }
/** A length of time in nanoseconds; may be negative where a difference is meant. */
export type DurationNano = bigint & { readonly __unit: 'DurationNano' }

export const unixNano = (nanoseconds: bigint): UnixNano => nanoseconds as UnixNano
export const durationNano = (nanoseconds: bigint): DurationNano => nanoseconds as DurationNano

export const SECOND = durationNano(1_000_000_000n)
export const MILLISECOND = durationNano(1_000_000n)
export const MICROSECOND = durationNano(1_000n)
export const ZERO = durationNano(0n)

/** V8 calls into C++ for `Number(bigint)` and for `BigInt(double)`, which takes ten times as long as this; a start asks for hundreds. */
const cell = new DataView(new ArrayBuffer(8))
const HALF = 2 ** 32

/** `Number(value)`. */
export function toNumber(value: bigint): number {
  cell.setBigInt64(0, value)
  // What does not fit into 64 bits was cut.
  if (cell.getBigInt64(0) !== value) return Number(value)
  return cell.getInt32(0) * HALF + cell.getUint32(4)
}

/** `BigInt(whole)`, of a whole number. */
export function toBigint(whole: number): bigint {
  const high = Math.floor(whole / HALF)
  if (!(high >= -HALF / 2 && high < HALF / 2)) return BigInt(whole)
  cell.setInt32(0, high)
  cell.setUint32(4, whole - high * HALF)
  return cell.getBigInt64(0)
}

export const add = (at: UnixNano, by: DurationNano): UnixNano => (at + by) as UnixNano
export const since = (later: UnixNano, earlier: UnixNano): DurationNano => (later - earlier) as DurationNano
/** A moment so many whole nanoseconds after another. */
export const fromNano = (base: UnixNano, offset: number): UnixNano => (base + toBigint(offset)) as UnixNano
export const minus = (by: DurationNano): DurationNano => -by as DurationNano
export const earliest = (a: UnixNano, b: UnixNano): UnixNano => (a < b ? a : b)
export const latest = (a: UnixNano, b: UnixNano): UnixNano => (a > b ? a : b)

export const fromSeconds = (seconds: number): UnixNano => (toBigint(seconds) * SECOND) as UnixNano
export const milliseconds = (count: number): DurationNano => toBigint(Math.round(count * 1e6)) as DurationNano
export const seconds = (count: number): DurationNano => milliseconds(count * 1e3)

/** Milliseconds as a number, for text, pixels and attributes only. Exact to a microsecond below 285 years. */
export const toMilliseconds = (by: DurationNano): number => toNumber(by / MICROSECOND) / 1000

const RFC3339 = /^(\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2})(?:\.(\d{1,9}))?(Z|[+-]\d{2}:\d{2})$/

/** Parses RFC 3339 with up to nine fractional digits, as `metav1.Time` and `MicroTime` are written. Undefined where it is not one. */
export function parseRfc3339(text: unknown): UnixNano | undefined {
  if (typeof text !== 'string') return undefined
  const match = RFC3339.exec(text)
  if (!match) return undefined
  const wholeMs = Date.parse(`${match[1]}${match[3]}`)
  if (Number.isNaN(wholeMs)) return undefined
  const fraction = BigInt((match[2] ?? '').padEnd(9, '0'))
  return (BigInt(wholeMs) * 1_000_000n + fraction) as UnixNano
}

/** RFC 3339 in UTC with the given number of fractional digits (0 to 9). */
export function formatRfc3339(at: UnixNano, digits = 9): string {
  const wholeSeconds = at / SECOND - (at % SECOND < 0n ? 1n : 0n)
  const fraction = (at - wholeSeconds * SECOND).toString().padStart(9, '0').slice(0, digits)
  const whole = new Date(Number(wholeSeconds) * 1000).toISOString().slice(0, 19)
  return digits === 0 ? `${whole}Z` : `${whole}.${fraction}Z`
}
