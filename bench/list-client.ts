// Owns one first list, in a process of its own: pods from the API server into the pipeline, or into client-node's cache.
// Promises the peak of the whole process, its start included.
// Does not go on watching.

import { systemClock } from '../src/base/clock.ts'
import { openDirect } from '../src/kube/config.ts'
import { watchCluster } from '../src/kube/cluster.ts'
import { createPipeline } from '../src/trace/pipeline.ts'
import { cpuSince, peakRssMb } from './cpu.ts'

export interface ListCommand {
  readonly by: 'pages' | 'watch list' | 'typed'
  readonly server: string
  readonly ca: string
}

export interface Listed {
  readonly pods: number
  readonly cpuUs: number
  readonly peakMb: number
}

async function listOurs({ by, server, ca }: ListCommand): Promise<number> {
  const clock = systemClock()
  const pipeline = createPipeline()
  let pods = 0
  const connection = openDirect(by === 'pages' ? `${server}/pages` : server, {}, { ca })
  const cluster = watchCluster(connection, {
    streams: ['pods'],
    clock,
    onFrame: (frame) => {
      if (frame.kind === 'added') pods += 1
      pipeline.push(frame)
    },
  })
  await cluster.ready
  return pods
}

/** As an informer's list function that pages would do it; the unpaged one fails at 45,000 pods, by V8's longest string. */
async function listTyped({ server, ca }: ListCommand): Promise<number> {
  const { CoreV1Api, addOrUpdateObject } = await import('@kubernetes/client-node')
  const { configFor } = await import('./client-node.ts')
  const api = configFor(server, ca).makeApiClient(CoreV1Api)
  const cache = new Map()
  let pods = 0
  let next: string | undefined
  do {
    const page = await api.listPodForAllNamespaces({
      limit: 500,
      ...(next === undefined ? {} : { _continue: next }),
    })
    for (const pod of page.items) addOrUpdateObject(cache, pod, [], [])
    pods += page.items.length
    next = page.metadata?._continue
  } while (next)
  return pods
}

async function main(command: ListCommand): Promise<void> {
  // Ours has it in memory too, for its kubeconfig (openConnection).
  await import('@kubernetes/client-node')
  const begun = process.cpuUsage()
  const pods = await (command.by === 'typed' ? listTyped(command) : listOurs(command))
  const listed: Listed = { pods, cpuUs: cpuSince(begun), peakMb: peakRssMb() }
  process.send?.({ listed })
}

process.on('disconnect', () => process.exit(0))
process.once('message', (message) => void main(message as ListCommand))
