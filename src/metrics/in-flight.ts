// Owns the picture of the starts that are not over: how many wait for each operation, how many for long, whose they are, and the oldest.
// Promises the state of the last list it was given. Does not read a clock: `now` comes with the list.

import { SECOND, seconds, since, type UnixNano } from '../base/time.ts'
import { type InFlight, stuckSince } from '../trace/in-flight.ts'
import { byOperation, labelsOf, OTHER_OPERATION } from './counts.ts'
import { OPERATIONS } from './labels.ts'
import { nodeLabels } from './nodes.ts'
import type { Starts } from './starts.ts'

/** Longer than all operations of a usual start, and well below the start timeout. */
const STUCK_AFTER = seconds(60)

export interface InFlightCounts {
  readonly byOperation: Float64Array
  readonly stuck: Float64Array
  readonly oldestSeconds: number
}

export const NOTHING_IN_FLIGHT: InFlightCounts = {
  byOperation: byOperation(),
  stuck: byOperation(),
  oldestSeconds: 0,
}

const isStuck = (start: InFlight, now: UnixNano): boolean => since(now, stuckSince(start)) > STUCK_AFTER

export function countInFlight(starts: readonly InFlight[], now: UnixNano): InFlightCounts {
  const [all, stuck] = [byOperation(), byOperation()]
  let oldest = 0
  for (const start of starts) {
    const listed = OPERATIONS.indexOf(start.operation)
    const index = listed < 0 ? OTHER_OPERATION : listed
    all[index] = (all[index] as number) + 1
    if (isStuck(start, now)) stuck[index] = (stuck[index] as number) + 1
    oldest = Math.max(oldest, Number(since(now, start.created)) / Number(SECOND))
  }
  return { byOperation: all, stuck, oldestSeconds: oldest }
}

/** A workload or node has its series from its first start in flight on, so that they are there before anything is counted in them. */
export function assignInFlight(
  { workloads, nodes }: Starts,
  starts: readonly InFlight[],
  now: UnixNano,
): void {
  for (const counts of workloads.list()) counts.inFlight = counts.stuck = 0
  for (const counts of nodes.list()) counts.inFlight = 0
  for (const start of starts) {
    const workload = workloads.inFlightOf(labelsOf(start.namespace, start.workload))
    workload.inFlight++
    if (isStuck(start, now)) workload.stuck++
    if (start.node !== undefined) nodes.inFlightOf(nodeLabels(start.node)).inFlight++
  }
}
