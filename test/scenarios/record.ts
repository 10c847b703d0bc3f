// Owns the recording of one scenario: watches as JSON, one line per received object, only what the scenario is about.
// Promises initial lists that end with a bookmark, receipts taken when a chunk arrived, and no command, argument or value.
// Does not survive a lost watch: a recording with a hole is thrown away by its runner.

import { request } from 'node:https'
import { systemClock } from '../../src/base/clock.ts'
import type { UnixNano } from '../../src/base/time.ts'
import { formatFrame, formatHeader, type LineType, type RecordedFrame } from '../../src/recording/format.ts'
import type { Access, KubeObject } from './api.ts'
import { redact } from './redact.ts'

const clock = systemClock()

const RESOURCES: readonly { resource: string; path: string; metadataOnly?: true }[] = [
  { resource: 'pods', path: '/api/v1/pods' },
  { resource: 'events', path: '/api/v1/events' },
  { resource: 'nodes', path: '/api/v1/nodes' },
  { resource: 'leases', path: '/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases' },
  { resource: 'replicasets', path: '/apis/apps/v1/replicasets', metadataOnly: true },
  { resource: 'deployments', path: '/apis/apps/v1/deployments', metadataOnly: true },
  { resource: 'statefulsets', path: '/apis/apps/v1/statefulsets', metadataOnly: true },
  { resource: 'daemonsets', path: '/apis/apps/v1/daemonsets', metadataOnly: true },
  { resource: 'jobs', path: '/apis/batch/v1/jobs', metadataOnly: true },
]

export interface Seen {
  readonly t: UnixNano
  readonly resource: string
  readonly type: LineType
  readonly object: KubeObject
}

export interface RecordingTask {
  /** Resolves when all lists are complete. */
  readonly synced: Promise<void>
  readonly lines: string[]
  /** Set when a watch ended by itself. */
  broken?: string
  stop(): void
}

export interface RecordOptions {
  readonly access: Access
  readonly kubernetes: string
  readonly namespace: string
  readonly onObject: (seen: Seen) => void
}

export function record(options: RecordOptions): RecordingTask {
  const header = { kubernetes: options.kubernetes, cluster: 'podspan-test', startedAt: clock.now() }
  const stops: (() => void)[] = []
  const waiting = new Set(RESOURCES.map(({ resource }) => resource))
  let done: () => void = () => {}
  const task: RecordingTask = {
    synced: new Promise((resolve) => {
      done = resolve
    }),
    lines: [formatHeader(header)],
    stop: () => {
      for (const stop of stops) stop()
    },
  }
  const take = (seen: Seen): void => {
    if (seen.type === 'BOOKMARK' && waiting.delete(seen.resource) && waiting.size === 0) done()
    if (seen.type === 'ERROR') task.broken = `${seen.resource}: ${JSON.stringify(seen.object)}`
    if (!concerns(seen, options.namespace)) return
    options.onObject(seen)
    const object = redact(seen.object) as RecordedFrame['object']
    task.lines.push(formatFrame({ t: seen.t, resource: seen.resource, type: seen.type, object }))
  }
  for (const source of RESOURCES) {
    const ended = (why: string): void => {
      task.broken ??= `the watch of ${source.resource} ${why}`
    }
    stops.push(watch(options.access, source, take, ended))
  }
  return task
}

/** Other scenarios run beside this one: their objects are not its business, the node is everyone's. */
function concerns(seen: Seen, namespace: string): boolean {
  const where = seen.object.metadata.namespace
  if (where === undefined || where === '' || where === namespace || where === 'kube-node-lease') return true
  const involved = seen.object.involvedObject as { kind?: string } | undefined
  return seen.resource === 'events' && involved?.kind === 'Node'
}

const QUERY = 'watch=1&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true'
const METADATA = 'application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1'

function watch(
  access: Access,
  source: (typeof RESOURCES)[number],
  take: (seen: Seen) => void,
  ended: (why: string) => void,
): () => void {
  const accept = source.metadataOnly ? METADATA : 'application/json'
  const headers = { authorization: `Bearer ${access.token}`, accept }
  const { resource } = source
  let stopped = false
  const finish = (why: string): void => {
    if (!stopped) ended(why)
  }
  const call = request(`${access.server}${source.path}?${QUERY}`, { ca: access.ca, headers }, (response) => {
    if (response.statusCode !== 200) finish(`was refused with ${response.statusCode}`)
    let rest = ''
    response.setEncoding('utf8').on('data', (chunk: string) => {
      const t = clock.now()
      const parts = (rest + chunk).split('\n')
      rest = parts.pop() ?? ''
      for (const line of parts)
        take({ t, resource, ...(JSON.parse(line) as { type: LineType; object: KubeObject }) })
    })
    response.on('end', () => finish('ended'))
    response.on('error', (error) => finish(error.message))
  })
  call.on('error', (error) => finish(error.message))
  call.end()
  return () => {
    stopped = true
    call.destroy()
  }
}
