// Owns what the process uses: CPU, memory, garbage collection.
// Promises no timers: Node tells of each collection, the rest is read when somebody scrapes.
// Does not measure the event loop: that needs a timer, and is the controller's.

import { totalmem } from 'node:os'
import { constants, PerformanceObserver } from 'node:perf_hooks'
import { type Buckets, emptyBuckets, observe } from './buckets.ts'
import { GC_BOUNDS } from './definitions.ts'

export interface ProcessReading {
  readonly cpuSeconds: number
  readonly residentBytes: number
  readonly heapUsedBytes: number
  /** Of the control group; absent where there is no limit, or none is known. */
  readonly limitBytes: number | undefined
  /** Seconds since the Unix epoch. */
  readonly startedAt: number
  /** By kind of collection. */
  readonly collections: ReadonlyMap<string, Buckets>
}

export interface ProcessObserver {
  read(): ProcessReading
  close(): void
}

const KINDS: ReadonlyMap<unknown, string> = new Map([
  [constants.NODE_PERFORMANCE_GC_MAJOR, 'major'],
  [constants.NODE_PERFORMANCE_GC_MINOR, 'minor'],
  [constants.NODE_PERFORMANCE_GC_INCREMENTAL, 'incremental'],
  [constants.NODE_PERFORMANCE_GC_WEAKCB, 'weakcb'],
])

export function observeProcess(): ProcessObserver {
  const collections = new Map([...KINDS.values()].map((kind) => [kind, emptyBuckets(GC_BOUNDS)]))
  const observer = new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) {
      const detail = 'detail' in entry ? entry.detail : undefined
      const kind = typeof detail === 'object' && detail !== null && 'kind' in detail ? detail.kind : undefined
      const buckets = collections.get(KINDS.get(kind) ?? '')
      if (buckets) observe(buckets, entry.duration / 1000)
    }
  })
  observer.observe({ entryTypes: ['gc'] })
  return {
    read() {
      const { user, system } = process.cpuUsage()
      const { rss, heapUsed } = process.memoryUsage()
      return {
        cpuSeconds: (user + system) / 1e6,
        residentBytes: rss,
        heapUsedBytes: heapUsed,
        limitBytes: limitOf(process.constrainedMemory()),
        startedAt: performance.timeOrigin / 1000,
        collections,
      }
    },
    close: () => observer.disconnect(),
  }
}

/** Zero says that no limit is known; a control group without one has more than there is. */
const limitOf = (constrained: number): number | undefined =>
  constrained > 0 && constrained < totalmem() ? constrained : undefined
