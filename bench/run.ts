// Owns the command `npm run bench [-- NAME…] [--quick] [--profile]`: runs the benches one after another and prints one table.
// Promises that it ends by itself, with the children it started, and that nothing leaves the loopback.
// Does not judge by exit code: these machines are shared, and a missed target is a line in the table.

import { availableParallelism, loadavg } from 'node:os'
import { parseArgs } from 'node:util'
import { killAll } from './processes.ts'
import type { Bench, Result } from './report.ts'
import { tableOf } from './report.ts'

const BENCHES: Readonly<Record<string, () => Promise<{ readonly bench: Bench }>>> = {
  middle: () => import('./middle.ts'),
  watch: () => import('./watch.ts'),
  pipeline: () => import('./pipeline.ts'),
  heap: () => import('./heap.ts'),
  list: () => import('./list.ts'),
  pace: () => import('./pace.ts'),
  idle: () => import('./idle.ts'),
  page: () => import('./page.ts'),
  scale: () => import('./scale.ts'),
}

/** The short form says nothing about targets, a profiled one nothing about time. */
function withoutTarget(result: Result): Result {
  const { target, ...rest } = result
  return target ? rest : result
}

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { quick: { type: 'boolean', default: false }, profile: { type: 'boolean', default: false } },
  })
  const unknown = positionals.filter((name) => !(name in BENCHES))
  if (unknown.length > 0)
    throw new Error(`no bench ${unknown.join(', ')}; there are ${Object.keys(BENCHES).join(', ')}`)
  const names = positionals.length > 0 ? positionals : Object.keys(BENCHES)
  const say = (line: string): void => void process.stderr.write(`${line}\n`)
  say(
    `Node ${process.version}, ${availableParallelism()} cores, load ${loadavg()
      .map((one) => one.toFixed(1))
      .join(' ')}`,
  )
  const results: Result[] = []
  for (const name of names) {
    const begun = performance.now()
    const loaded = await BENCHES[name]?.()
    results.push(...((await loaded?.bench({ ...values, say })) ?? []))
    say(`${name}: ${((performance.now() - begun) / 1000).toFixed(0)} s`)
  }
  process.stdout.write(`${tableOf(values.quick || values.profile ? results.map(withoutTarget) : results)}\n`)
  for (const { what, note } of results) if (note !== undefined) process.stdout.write(`${what}: ${note}\n`)
}

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    killAll()
    process.exit(130)
  })
}

try {
  await main()
} finally {
  killAll()
}
