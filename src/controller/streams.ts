// Owns the watches of what starts are told from: one set of streams for the cluster, or one per listed namespace.
// Promises that all go over one connection that has room for them, and that their counters are one account by resource.
// Does not interpret frames.

import type { Clock } from '../base/clock.ts'
import type { Frame, Source } from '../base/frame.ts'
import type { PodRecord } from '../base/record.ts'
import { OWNER_SOURCES } from '../decode/resources.ts'
import { WHOLE_SOURCES } from '../decode/whole.ts'
import { type Cluster, type MissingStream, watchCluster } from '../kube/cluster.ts'
import type { Connection } from '../kube/config.ts'
import { type StreamCounters, sumOfStreams } from '../kube/counters.ts'
import { mostUnread, type Unread } from '../kube/unread.ts'
import type { ControllerConfig } from './config.ts'
import type { Log } from './log.ts'

export interface Streams {
  readonly ready: Promise<void>
  missing(): readonly MissingStream[]
  counters(): Readonly<Record<Source, StreamCounters>>
  /** For a tick, once a second. */
  unread(): Unread
  close(): Promise<void>
}

export interface StreamsOptions {
  readonly connection: Connection
  readonly config: Pick<ControllerConfig, 'namespaces' | 'watch'>
  readonly clock: Clock
  readonly random: () => number
  readonly log: Log
  /** `stream`: the namespace, or '' for all. */
  readonly onFrame: (stream: string, frame: Frame) => void
  /** Whether a pod that was over when a list first showed it is told all the same; then its past events are read. */
  readonly wasMissed: (pod: PodRecord) => boolean
}

/** Which resources are watched in each place. */
export function sourcesOf({ namespaces, watch }: StreamsOptions['config']): readonly Source[] {
  const wide = namespaces.length === 0
  return [
    'pods',
    ...(watch.events ? ['events'] : []),
    ...(watch.nodes && wide ? ['nodes'] : []),
    ...(watch.leases && wide ? ['leases'] : []),
    ...new Set([...(watch.owners ? OWNER_SOURCES : []), ...(watch.rollouts ? ROLLOUT_SOURCES : [])]),
    ...(watch.volumes ? ['persistentvolumeclaims'] : []),
    ...(watch.volumes && wide ? ['volumeattachments'] : []),
    ...(watch.nodeClaims && wide ? ['nodeclaims'] : []),
    ...(watch.workloads ? ['workloads'] : []),
    ...(watch.deviceClaims ? ['resourceclaims'] : []),
  ]
}

/** Workloads and the revisions of them; of ReplicaSets the metadata says enough. */
const ROLLOUT_SOURCES: readonly Source[] = [...WHOLE_SOURCES, 'replicasets']

const placesOf = ({ namespaces }: StreamsOptions['config']): readonly string[] =>
  namespaces.length === 0 ? [''] : [...new Set(namespaces)]

/** How many sockets all watches take, those of sessions and namespaces too. */
export const watchesOf = (config: StreamsOptions['config']): number =>
  placesOf(config).length * (sourcesOf(config).length + 1) + 2

export const streamOf =
  (config: StreamsOptions['config']): ((namespace: string) => string) =>
  (namespace) =>
    config.namespaces.length === 0 ? '' : namespace

export function watchStreams(options: StreamsOptions): Streams {
  const { clock, config, connection, log, onFrame, random, wasMissed } = options
  const clusters = placesOf(config).map((place) =>
    watchCluster(connection, {
      clock,
      random,
      streams: sourcesOf(config),
      ...(config.watch.rollouts ? { whole: WHOLE_SOURCES } : {}),
      ...(place === '' ? {} : { namespace: place }),
      onFrame: (frame) => onFrame(place, frame),
      wantsPast: wasMissed,
      log: (message, fields) =>
        log.debug(message, { ...fields, ...(place === '' ? {} : { namespace: place }) }),
    }),
  )
  return {
    ready: Promise.all(clusters.map(({ ready }) => ready)).then(() => undefined),
    missing: () => uniqueMissing(clusters),
    counters: () => sumCounters(clusters),
    unread: () => mostUnread(clusters.map((cluster) => cluster.unread())),
    close: async () => {
      await Promise.all(clusters.map((cluster) => cluster.close()))
    },
  }
}

/** One of each resource: fifty namespaces without a right are one thing to say. */
function uniqueMissing(clusters: readonly Cluster[]): readonly MissingStream[] {
  const missing = new Map<Source, MissingStream>()
  for (const cluster of clusters) for (const one of cluster.missing()) missing.set(one.resource, one)
  return [...missing.values()]
}

function sumCounters(clusters: readonly Cluster[]): Record<Source, StreamCounters> {
  const bySource = new Map<Source, StreamCounters[]>()
  for (const { counters } of clusters)
    for (const [source, one] of counters) bySource.set(source, [...(bySource.get(source) ?? []), one])
  return Object.fromEntries([...bySource].map(([source, all]) => [source, sumOfStreams(all)]))
}
