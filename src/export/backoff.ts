// Owns how long to wait after a failure that may pass: full jitter below a doubling ceiling.
// Promises a wait below the ceiling, and never one shorter than the server asked for.
// Does not wait itself and reads no randomness of its own.

export interface BackoffOptions {
  readonly initialMs: number
  readonly maxMs: number
  /** A server that asks for more than this is not believed: its answer may be stale long before. */
  readonly maxServerDelayMs: number
}

export const BACKOFF: BackoffOptions = { initialMs: 1_000, maxMs: 30_000, maxServerDelayMs: 600_000 }

/** The wait after the given number of failures in a row, the first being 1. */
export function backoffMs(
  failures: number,
  retryAfterMs: number | undefined,
  random: () => number,
  options: BackoffOptions = BACKOFF,
): number {
  const ceiling = Math.min(options.maxMs, options.initialMs * 2 ** (failures - 1))
  const asked = Math.min(retryAfterMs ?? 0, options.maxServerDelayMs)
  return Math.max(asked, random() * ceiling)
}
