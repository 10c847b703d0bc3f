// Owns `podspan watch --ui` and `trace --ui`: what a live watch sees, as the page asks for it, rollouts included.
// Promises that workloads are read whole only where there is a page to show their rollouts, and that what may not be read is said once.
// Does not draw, and does not print starts.

import { uidOf } from '../trace/identity.ts'
import type { Trace } from '../trace/trace.ts'
import { collectStarts, type PageSource } from '../web/source.ts'
import type { Target } from './connect.ts'
import type { Context } from './context.ts'
import type { Live } from './live.ts'
import { rolloutsSeen } from './rollout-recordings.ts'
import type { RolloutFeed } from './rollout-feed.ts'
import { neutralise } from './text.ts'

export interface LivePage {
  readonly source: PageSource
  readonly add: (trace: Trace) => void
}

export function livePage({ version }: Context, { connection }: Target, feed: RolloutFeed): LivePage {
  const { pipeline } = feed
  const starts = collectStarts()
  const source: PageSource = {
    ...starts,
    about: () => ({ kind: 'cluster', title: connection.contextName, version, has: ['rollouts'] }),
    inFlight: pipeline.inFlight,
    get: (traceId) => starts.kept(traceId) ?? pipeline.traceOf(uidOf(traceId)),
    rollouts: () => rolloutsSeen(feed),
  }
  return { source, add: starts.add }
}

const SOURCES = [
  'deployments',
  'statefulsets',
  'daemonsets',
  'jobs',
  'replicasets',
  'controllerrevisions',
] as const

export interface WorkloadScope {
  readonly namespace?: string
}

/** Workloads and their revisions as objects, beside the streams of `live`; ends with the returned call. */
export async function watchWorkloads(
  { clock, random, signal, terminal }: Context,
  { connection }: Target,
  { push }: Pick<Live, 'push'>,
  scope: WorkloadScope,
): Promise<() => Promise<void>> {
  const { watchWhole } = await import('../kube/whole.ts')
  const stop = new AbortController()
  const whole = watchWhole({
    ...{ connection, clock, random },
    signal: AbortSignal.any([signal, stop.signal]),
    streams: SOURCES.map((source) => ({ source, scope })),
    onFrame: push,
    log: (message, fields) => terminal.say(`podspan: ${message} ${neutralise(JSON.stringify(fields), 300)}`),
  })
  const ended = whole.ended.catch(() => undefined)
  await Promise.race([whole.ready, ended])
  for (const { resource, reason, cost } of whole.missing())
    terminal.say(`podspan: ${resource} are not read: ${neutralise(reason)}. ${cost}`)
  return async () => {
    stop.abort()
    await ended
  }
}
