// Owns the count of how much of the source is executed for one start: each block of it as often as it ran, times its length.
// Promises the same figure on every machine and under any load, from V8's exact counters. Says nothing of time: bench/ does.
// Runs in a process of its own, since exact counters slow everything down: `node test/cost/count.ts` prints characters by folder.

import type { Profiler } from 'node:inspector'
import { Session } from 'node:inspector/promises'
import { setFlagsFromString } from 'node:v8'

/** Enough for what is done once per burst, bucket or table to weigh little. */
const STARTS = 200
const SOURCE = new URL('../../src/', import.meta.url).href

/** A range's own length: without the ranges within it, which have counts of their own. */
function charactersOf({ ranges }: Profiler.FunctionCoverage): number {
  let sum = 0
  const open: Profiler.CoverageRange[] = []
  for (const range of ranges) {
    const { startOffset, endOffset, count } = range
    while ((open.at(-1)?.endOffset ?? Infinity) <= startOffset) open.pop()
    sum += (endOffset - startOffset) * (count - (open.at(-1)?.count ?? 0))
    open.push(range)
  }
  return sum
}

// What was compiled before the counters has none, and loses them if it is compiled anew.
setFlagsFromString('--no-flush-bytecode')
const session = new Session()
session.connect()
await session.post('Profiler.enable')
await session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: true })
const { work } = await import('./starts.ts')
work(1, STARTS)
// What is taken is counted from 0 again.
await session.post('Profiler.takePreciseCoverage')
work(1 + STARTS, STARTS)
const { result } = await session.post('Profiler.takePreciseCoverage')
session.disconnect()
const byFolder: Record<string, number> = {}
for (const { url, functions } of result) {
  if (!url.startsWith(SOURCE)) continue
  const folder = url.slice(SOURCE.length).split('/')[0] ?? ''
  const characters = functions.reduce((sum, one) => sum + charactersOf(one), 0)
  byFolder[folder] = (byFolder[folder] ?? 0) + characters / STARTS
}
console.log(
  JSON.stringify(
    Object.fromEntries(
      Object.entries(byFolder)
        .filter(([, count]) => count >= 1)
        .toSorted(([a], [b]) => (a < b ? -1 : 1))
        .map(([folder, count]) => [folder, Math.round(count)]),
    ),
  ),
)
