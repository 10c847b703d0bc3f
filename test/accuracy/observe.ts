// Owns the process that traces live while scenarios run: the product's watches in protobuf, its pipeline, and nothing else.
// Promises one line on stdout per finished trace, as it was told at that moment. Ends when its stdin ends.
// Does not judge. Usage: observe.ts KUBECONFIG

import type { Frame } from '../../src/base/frame.ts'
import { watchCluster } from '../../src/kube/cluster.ts'
import { openConnection } from '../../src/kube/config.ts'
import { createPipeline } from '../../src/trace/pipeline.ts'
import { clock } from '../cluster/commands.ts'
import { packTrace } from './pack.ts'

const connection = await openConnection({ kubeconfig: process.argv[2] ?? '' })
const pipeline = createPipeline()
const stop = new AbortController()
process.stdin.resume().on('end', () => stop.abort())

function push(frame: Frame): void {
  for (const trace of pipeline.push(frame)) process.stdout.write(`${packTrace(trace)}\n`)
}

const cluster = watchCluster(connection, { clock, signal: stop.signal, onFrame: push })
await cluster.ready
process.stdout.write('ready\n')
while (!stop.signal.aborted) {
  await clock.sleep(1000, stop.signal)
  push({ kind: 'tick', t: clock.now() })
}
await cluster.close()
push({ kind: 'tick', t: clock.now(), final: true })
process.stdout.write('', () => process.exit(0))
