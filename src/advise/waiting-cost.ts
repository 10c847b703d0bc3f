// Owns what waiting costs: what a pod requests, times how long it held it before it could do its work.
// Promises hours of cores, GiB and devices, from when the pod was bound to the end of its start, however that ended.
// Does not know money.

import { type DurationNano, SECOND } from '../base/time.ts'
import { boundAt, type Start } from './start.ts'

/** By unit: `core-hours`, `GiB-hours`, `nvidia.com/gpu-hours`. */
export type Hours = Readonly<Record<string, number>>

const GIB = 2 ** 30

/** Memory and storage are counted in bytes; everything else by the piece. */
function unitOf(resource: string): { readonly unit: string; readonly per: number } {
  if (resource === 'cpu') return { unit: 'core-hours', per: 1 }
  if (resource === 'memory') return { unit: 'GiB-hours', per: GIB }
  if (resource === 'ephemeral-storage') return { unit: 'GiB-hours of ephemeral-storage', per: GIB }
  if (resource.startsWith('hugepages-')) return { unit: `GiB-hours of ${resource}`, per: GIB }
  return { unit: `${resource}-hours`, per: 1 }
}

const hoursOf = (by: DurationNano): number => Number(by) / Number(SECOND) / 3600

export function addHours(sum: Record<string, number>, { requests }: Start, by: DurationNano): void {
  for (const resource in requests) {
    const { unit, per } = unitOf(resource)
    sum[unit] = (sum[unit] ?? 0) + ((requests[resource] ?? 0) / per) * hoursOf(by)
  }
}

export function waitingHours(starts: readonly Start[]): Hours {
  const sum: Record<string, number> = {}
  for (const start of starts) {
    const from = boundAt(start)
    if (from !== undefined && from < start.end) addHours(sum, start, (start.end - from) as DurationNano)
  }
  return sum
}
