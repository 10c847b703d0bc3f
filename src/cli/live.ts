// Owns a live cluster driving the pipeline: frames in as they come, a tick each second, traces out.
// Promises the same middle as a recording's, and that what may not be watched is said once with its cost.
// Does not print traces.

import type { Clock } from '../base/clock.ts'
import type { Frame } from '../base/frame.ts'
import type { Cluster, WatchClusterOptions } from '../kube/cluster.ts'
import type { Pipeline } from '../trace/pipeline.ts'
import type { Trace } from '../trace/trace.ts'
import { refuse, type Target } from './connect.ts'
import type { Context } from './context.ts'
import type { Terminal } from './terminal.ts'
import { neutralise } from './text.ts'
import { type LogFields, troubleWords } from './watch-trouble.ts'

export interface Live {
  readonly cluster: Cluster
  /** Takes a frame that did not come from the watch. */
  push(frame: Frame): void
  close(): Promise<void>
}

export interface LiveOptions
  extends Pick<WatchClusterOptions, 'namespace' | 'podLabelSelector' | 'podFieldSelector' | 'streams'> {
  readonly onTrace: (trace: Trace) => void
}

const TICK_MS = 1000

export const sayTrouble =
  (terminal: Terminal) =>
  (message: string, fields: LogFields): void => {
    const words = troubleWords(message, fields)
    if (words !== undefined) terminal.say(`podspan: ${words}`)
  }

export async function startLive(
  context: Context,
  target: Target,
  pipeline: Pipeline,
  options: LiveOptions,
): Promise<Live> {
  const { watchCluster } = await import('../kube/cluster.ts')
  const { onTrace, ...scope } = options
  const { clock, terminal } = context
  const stop = new AbortController()
  const signal = AbortSignal.any([context.signal, stop.signal])
  const push = (frame: Frame): void => pipeline.push(frame).forEach(onTrace)
  const log = sayTrouble(terminal)
  const cluster = watchCluster(target.connection, { ...scope, clock, signal, onFrame: push, log })
  const ticking = tick(clock, signal, () => push({ kind: 'tick', t: clock.now(), ...cluster.unread() }))
  const close = async (): Promise<void> => {
    stop.abort()
    await Promise.all([cluster.close(), ticking])
  }
  return { cluster, push, close }
}

async function tick(clock: Clock, signal: AbortSignal, push: () => void): Promise<void> {
  while (!signal.aborted) {
    await clock.sleep(TICK_MS, signal)
    push()
  }
}

/** Resolves when every stream is live or known to be missing; without pods there is nothing to do. */
export async function untilReady(
  { terminal, signal }: Context,
  { cluster }: Live,
  what: string,
): Promise<void> {
  await Promise.race([cluster.ready, aborted(signal)])
  for (const { resource, reason, cost } of cluster.missing()) {
    if (resource === 'pods') {
      refuse(
        `Pods may not be watched in ${what}: ${reason}. Try one namespace with -n, or ask for get, list and watch on pods.`,
      )
    }
    terminal.say(`podspan: ${resource} are not seen: ${neutralise(reason)}. ${cost}`)
  }
}

export const aborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve(), { once: true })
  })
