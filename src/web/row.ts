// Owns the short form of a start, as lists and groups of the page show it; the server makes it and the page reads it.
// Promises nothing but its form. Imports nothing, so that the page is checked by itself.

export type PathPart = readonly [operation: string, fromMs: number, toMs: number]

/** What a list shows of a start. */
export interface StartRow {
  readonly id: string
  readonly uid: string
  readonly namespace: string
  readonly name: string
  readonly workload?: string
  readonly revision?: string
  readonly node?: string
  /** ms since the epoch. */
  readonly created: number
  readonly cause: string
  /** Of one in flight: `starting`. */
  readonly outcome: string
  /** Of one that is over. */
  readonly startupMs?: number
  readonly verdict?: string
  readonly responsible?: string
  /** Its critical path in order: what was waited for, from and to in ms since it was created. */
  readonly path?: readonly PathPart[]
  /** Of one in flight: the operation that it waits for, since when (ms since the epoch), in words, and why. */
  readonly operation?: string
  readonly since?: number
  readonly waitsFor?: string
  readonly reason?: string
}
