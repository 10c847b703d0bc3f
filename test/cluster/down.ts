// Owns the end of a cluster for the person at the terminal: `make cluster-down` runs this file.
// Promises that after it `leftovers` is empty; with --verify it removes nothing and lists what there is.
// Does not remove the cache of builds.

import { ClusterError, clock, runScript, say } from './commands.ts'
import { clusterLayout, type Layout } from './layout.ts'
import { withLock } from './lock.ts'
import { requireRoot } from './requirements.ts'
import { leftovers, teardown } from './teardown.ts'

/** Takes the cluster down, and fails if anything of it remains. */
export async function down(layout: Layout): Promise<void> {
  requireRoot()
  await withLock('cluster', async () => {
    await teardown(layout)
    await verify(layout)
  })
}

async function verify(layout: Layout): Promise<void> {
  const left = await leftovers(layout)
  if (left.length > 0)
    throw new ClusterError(`left on this machine:\n${left.map((line) => `  ${line}`).join('\n')}`)
}

if (import.meta.main) {
  runScript(async () => {
    const layout = clusterLayout()
    if (process.argv.includes('--verify')) return verify(layout)
    const started = clock.monotonicMs()
    await down(layout)
    say(`cluster down in ${((clock.monotonicMs() - started) / 1000).toFixed(1)} s`)
  })
}
