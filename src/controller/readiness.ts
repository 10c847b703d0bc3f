// Owns what /readyz says: what is still being read, and what cannot be seen, with what that costs.
// Promises that what may not be seen never makes a replica unready. Does not answer requests: server.ts does.

import type { Log } from './log.ts'
import type { Readiness } from './server.ts'

/** A resource that is not seen. */
export interface Missing {
  readonly resource: string
  readonly reason: string
  readonly cost: string
}

export interface Synced {
  readonly sessions: boolean
  readonly streams: boolean
}

export function readinessOf({ sessions, streams }: Synced, missing: readonly Missing[]): Readiness {
  const waiting = [
    ...(sessions ? [] : ['TraceSessions are being read']),
    ...(streams ? [] : ['the streams are being read']),
  ]
  return {
    ready: waiting.length === 0,
    lines: [
      ...waiting,
      ...missing.map(({ resource, reason, cost }) => `without ${resource}: ${reason}. ${cost}`),
    ],
  }
}

export function sayMissing(log: Log, missing: readonly Missing[]): void {
  for (const { cost, reason, resource } of missing) log.warn(`${resource} are not seen`, { reason, cost })
}
