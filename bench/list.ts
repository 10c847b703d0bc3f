// Owns the bench of the first list: 60,000 pods that are long Ready, by pages and by WatchList.
// Promises a fresh process per measurement, whose peak resident memory is its own from start to end.
// Does not list other resources.

import type { ListCommand, Listed } from './list-client.ts'
import { startChild } from './processes.ts'
import type { Bench, Result } from './report.ts'

const LIMIT_MS = 180_000

export const bench: Bench = async ({ quick, say }) => {
  const pods = quick ? 2000 : 60_000
  // Typed objects of all 60,000 take 2 GB and most of a minute; the processor time is compared per pod.
  const typedPods = quick ? 1000 : 15_000
  const repeats = quick ? 1 : 2
  const server = startChild('server.ts', { limitMs: LIMIT_MS })
  const api = await server.receive<{ url: string; ca: string }>('listening')
  const measure = async (by: ListCommand['by'], count: number): Promise<Listed> => {
    server.send({ population: count })
    await server.receive('populated')
    const client = startChild('list-client.ts', { limitMs: LIMIT_MS })
    client.send({ by, server: api.url, ca: api.ca } satisfies ListCommand)
    const listed = await client.receive<Listed>('listed')
    client.kill()
    if (listed.pods !== count) throw new Error(`${by}: ${listed.pods} of ${count} pods`)
    say(
      `  ${by}: ${count} pods, ${(listed.cpuUs / 1e6).toFixed(2)} s of CPU, peak ${listed.peakMb.toFixed(0)} MB`,
    )
    return listed
  }
  const found: Record<ListCommand['by'], Listed[]> = { pages: [], 'watch list': [], typed: [] }
  for (let repeat = 0; repeat < repeats; repeat++) {
    found.typed.push(await measure('typed', typedPods))
    found.pages.push(await measure('pages', pods))
    found['watch list'].push(await measure('watch list', pods))
  }
  server.kill()
  const cpu = (by: ListCommand['by']): number[] => found[by].map(({ cpuUs, pods: count }) => cpuUs / count)
  const peak = (by: ListCommand['by']): number[] => found[by].map(({ peakMb }) => peakMb)
  const typed = (unit: string, values: number[]): NonNullable<Result['theirs']> => ({
    name: `client-node's typed list in pages of 500${unit}`,
    values,
  })
  const ofFewer = ` (${typedPods} pods)`
  const note = `the alternative listed ${typedPods} pods and kept them, as its informer does`
  return [
    {
      what: `list of ${pods} pods by pages, CPU per pod`,
      unit: 'µs',
      ours: cpu('pages'),
      theirs: typed('', cpu('typed')),
      note,
    },
    {
      what: `list of ${pods} pods by WatchList, CPU per pod`,
      unit: 'µs',
      ours: cpu('watch list'),
      theirs: typed('', cpu('typed')),
    },
    {
      what: `list of ${pods} pods by pages, peak RSS`,
      unit: 'MB',
      ours: peak('pages'),
      theirs: typed(ofFewer, peak('typed')),
      target: { kind: 'value', atMost: 300 },
    },
    {
      what: `list of ${pods} pods by WatchList, peak RSS`,
      unit: 'MB',
      ours: peak('watch list'),
      theirs: typed(ofFewer, peak('typed')),
      target: { kind: 'value', atMost: 300 },
    },
  ]
}
