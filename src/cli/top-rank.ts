// Owns the ranking of workloads by their starts: how long they took, on what, and the slowest of each.
// Promises that a start which is not over counts with its length so far, marked as a lower bound, and that shares are of critical paths.
// Keeps of each start a few numbers, and of each workload its slowest start's sentence. Does not read and does not draw.

import type { DurationNano } from '../base/time.ts'
import type { Outcome, Trace } from '../trace/trace.ts'

export const SORTS = ['p90', 'p50', 'max', 'total', 'starts'] as const
export type Sort = (typeof SORTS)[number]

export interface Length {
  readonly length: DurationNano
  /** The start is not over, or was given up: it takes at least this long. */
  readonly atLeast: boolean
}

export interface SlowestStart
  extends Pick<Trace, 'name' | 'uid' | 'traceId' | 'node' | 'outcome' | 'verdict'> {
  readonly startup: DurationNano
}

export interface OperationShare {
  readonly operation: string
  /** On the critical paths of all starts together. */
  readonly total: DurationNano
  readonly share: number
}

export interface RankedWorkload {
  readonly namespace: string
  /** `Deployment/web`; `Pod/NAME` where nothing owns the pod. */
  readonly workload: string
  readonly starts: number
  readonly outcomes: Partial<Record<Outcome, number>>
  /** Starts of which no event is left, or not those of its containers: told from the pod's status, to the second. */
  readonly coarse: number
  readonly p50: Length
  readonly p90: Length
  readonly max: Length
  readonly total: DurationNano
  /** The most costly first. */
  readonly operations: readonly OperationShare[]
  readonly slowest: SlowestStart
}

interface Sum {
  readonly namespace: string
  readonly workload: string
  readonly lengths: Length[]
  readonly outcomes: Partial<Record<Outcome, number>>
  readonly operations: Map<string, bigint>
  coarse: number
  slowest: SlowestStart
}

export interface Ranking {
  add(trace: Trace, isCoarse: boolean): void
  /** The slowest first. */
  by(sort: Sort): RankedWorkload[]
}

export function createRanking(): Ranking {
  const sums = new Map<string, Sum>()
  return {
    add: (trace, isCoarse) => {
      const { namespace, workload = `Pod/${trace.name}` } = trace
      const key = `${namespace}/${workload}`
      const sum = sums.get(key) ?? emptySum(namespace, workload, trace)
      sums.set(key, sum)
      take(sum, trace)
      if (isCoarse) sum.coarse++
    },
    by: (sort) => [...sums.values()].map(rankedOf).sort(comparing(sort)),
  }
}

const emptySum = (namespace: string, workload: string, first: Trace): Sum => ({
  namespace,
  workload,
  lengths: [],
  outcomes: {},
  operations: new Map(),
  coarse: 0,
  slowest: slowestOf(first),
})

const slowestOf = ({ name, uid, traceId, node, outcome, verdict, startup }: Trace): SlowestStart => ({
  name,
  uid,
  traceId,
  outcome,
  verdict,
  startup,
  ...(node !== undefined && { node }),
})

const ENDED: ReadonlySet<Outcome> = new Set(['ready', 'completed', 'unstable'])

function take(sum: Sum, trace: Trace): void {
  const { outcome, startup } = trace
  sum.lengths.push({ length: startup, atLeast: !ENDED.has(outcome) })
  sum.outcomes[outcome] = (sum.outcomes[outcome] ?? 0) + 1
  if (startup > sum.slowest.startup) sum.slowest = slowestOf(trace)
  for (const [index, { name, critical }] of trace.spans.entries()) {
    const length = critical.reduce((all, { from, to }) => all + (to - from), 0n)
    // The root is on the critical path only where no operation is.
    const operation = index === 0 ? 'unaccounted' : name
    if (length > 0n) sum.operations.set(operation, (sum.operations.get(operation) ?? 0n) + length)
  }
}

function rankedOf({ lengths, operations, ...sum }: Sum): RankedWorkload {
  const sorted = lengths.toSorted((a, b) => (a.length < b.length ? -1 : a.length > b.length ? 1 : 0))
  const critical = [...operations.values()].reduce((all, each) => all + each, 0n)
  return {
    ...sum,
    starts: lengths.length,
    p50: nearestRank(sorted, 50),
    p90: nearestRank(sorted, 90),
    max: nearestRank(sorted, 100),
    total: lengths.reduce((all, { length }) => all + length, 0n) as DurationNano,
    operations: [...operations]
      .toSorted(([, a], [, b]) => (a > b ? -1 : a < b ? 1 : 0))
      .map(([operation, total]) => ({
        operation,
        total: total as DurationNano,
        share: Number(total) / Number(critical),
      })),
  }
}

function nearestRank(sorted: readonly Length[], percentile: number): Length {
  const found = sorted[Math.max(1, Math.ceil((percentile * sorted.length) / 100)) - 1]
  if (!found) throw new Error('a workload without starts is not ranked')
  return found
}

const KEYS: Readonly<Record<Sort, (one: RankedWorkload) => bigint>> = {
  p50: ({ p50 }) => p50.length,
  p90: ({ p90 }) => p90.length,
  max: ({ max }) => max.length,
  total: ({ total }) => total,
  starts: ({ starts }) => BigInt(starts),
}

function comparing(sort: Sort): (a: RankedWorkload, b: RankedWorkload) => number {
  const key = KEYS[sort]
  const name = ({ namespace, workload }: RankedWorkload): string => `${namespace}/${workload}`
  return (a, b) => {
    const [x, y] = [key(a), key(b)]
    return x > y ? -1 : x < y ? 1 : name(a) < name(b) ? -1 : 1
  }
}
