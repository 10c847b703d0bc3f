// Owns the bench of memory: what stays, on the heap and in buffers, per pod in flight and per finished pod.
// Promises sizes after full collections, each in a fresh process, over pods that came through the real decoders.
// Does not count what neither is: sockets do not grow with pods.

import type { HeapCommand, Holder, Retained } from './heap-client.ts'
import { startChild } from './processes.ts'
import type { Bench, Result } from './report.ts'

const KB = 1024
const LIMIT_MS = 180_000

/** Pods before the measured ones: the models of clocks, lag and pulls and the decoder's tables, which have bounds of their own, are full by then. */
const FULL = 43_000

export const bench: Bench = async ({ quick, say }) => {
  const perPod = async (holder: Holder, pods: number, full = FULL): Promise<number> => {
    const before = quick ? 200 : full
    const command: HeapCommand = { holder, before, pods: quick ? 400 : pods }
    const child = startChild('heap-client.ts', { limitMs: LIMIT_MS, execArgv: ['--expose-gc'] })
    child.send(command)
    const { bytes } = await child.receive<Retained>('retained')
    child.kill()
    const each = bytes / command.pods
    say(`  ${holder}, ${command.pods} pods after ${before}: ${each.toFixed(0)} B each`)
    return each / KB
  }
  const inFlight = await perPod('in flight', 10_000)
  const finished = await perPod('finished', 50_000)
  const known = await perPod('known to the watch', 25_000, 100)
  const cachedAll = {
    name: "client-node informers' caches",
    values: [await perPod('cached with events', 3000, 100)],
  }
  const cached = { name: "client-node informer's cache", values: [await perPod('cached', 5000, 100)] }
  const results: readonly Result[] = [
    {
      what: 'memory per pod in flight, its events seen',
      unit: 'KB',
      ours: [inFlight],
      theirs: cachedAll,
      target: { kind: 'value', atMost: 6 },
    },
    {
      what: 'memory per finished pod, middle',
      unit: 'KB',
      ours: [finished],
      theirs: cached,
      target: { kind: 'value', atMost: 0.12 },
    },
    {
      what: 'memory per finished pod, with its entry in the watch',
      unit: 'KB',
      ours: [finished + known],
      theirs: cached,
    },
  ]
  return results
}
