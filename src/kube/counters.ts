// Owns the numbers of one stream, plain so that the hot path pays nanoseconds, and the sum of several; /metrics reads them when it is scraped.
// Promises that every limit reached and everything dropped or repeated shows here, and that a sum falls only where one of its parts does.
// Does not log.

import type { UnixNano } from '../base/time.ts'

export interface StreamCounters {
  /** Objects, bookmarks and errors received, of lists and watches. */
  frames: number
  bytes: number
  /** Watches opened after the first. */
  restarts: number
  /** By reason. */
  relists: Record<string, number>
  /** By kind of decode error. */
  decodeErrors: Record<string, number>
  /** Failed requests and ERROR frames by kind. */
  failures: Record<string, number>
  gaps: number
  bookmarks: number
  /** Objects that a list or a resumed watch showed unchanged. */
  unchanged: number
  syntheticDeletes: number
  oversizeFrames: number
  tooManyRequests: number
  idleAborts: number
  /** The consumer was full and the socket was paused. */
  pauses: number
  watchListRefused: number
  jsonFallbacks: number
  /** Objects known to exist; for a stream that keeps none, 0. */
  objects: number
  lastEventAt: UnixNano | undefined
  /** `absent`: the server does not serve this resource. */
  state: 'starting' | 'listing' | 'live' | 'waiting' | 'forbidden' | 'closed' | 'absent'
}

export const streamCounters = (): StreamCounters => ({
  frames: 0,
  bytes: 0,
  restarts: 0,
  relists: {},
  decodeErrors: {},
  failures: {},
  gaps: 0,
  bookmarks: 0,
  unchanged: 0,
  syntheticDeletes: 0,
  oversizeFrames: 0,
  tooManyRequests: 0,
  idleAborts: 0,
  pauses: 0,
  watchListRefused: 0,
  jsonFallbacks: 0,
  objects: 0,
  lastEventAt: undefined,
  state: 'starting',
})

/** Counts by a label; true the first time, which is when it is worth saying. */
export function countIn(counts: Record<string, number>, label: string): boolean {
  const before = counts[label] ?? 0
  counts[label] = before + 1
  return before === 0
}

/** What is furthest from well is the state of the sum. */
const STATES = ['absent', 'live', 'closed', 'listing', 'starting', 'waiting', 'forbidden'] as const

/** The streams of one resource in several namespaces, as one; of none, one that has not begun. */
export const sumOfStreams = ([
  first = streamCounters(),
  ...rest
]: readonly StreamCounters[]): StreamCounters => rest.reduce(addStreams, { ...first })

function addStreams(a: StreamCounters, b: StreamCounters): StreamCounters {
  const sum: Record<string, unknown> = { ...a }
  for (const [key, value] of Object.entries(b)) {
    const before: unknown = sum[key]
    if (typeof value === 'number') sum[key] = Number(before) + value
    else if (typeof value === 'object') sum[key] = addCounts(before as Counts, value as Counts)
  }
  const isLater = a.lastEventAt === undefined || (b.lastEventAt ?? 0n) > a.lastEventAt
  const lastEventAt = isLater ? b.lastEventAt : a.lastEventAt
  const state = STATES.indexOf(a.state) > STATES.indexOf(b.state) ? a.state : b.state
  return { ...(sum as unknown as StreamCounters), lastEventAt, state }
}

type Counts = Readonly<Record<string, number>>

const addCounts = (a: Counts, b: Counts): Counts => {
  const sum = { ...a }
  for (const [key, value] of Object.entries(b)) sum[key] = (sum[key] ?? 0) + value
  return sum
}
