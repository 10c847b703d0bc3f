// Owns the streams of a cluster as a recording keeps them: JSON throughout, and workloads whole instead of their metadata.
// Promises what cluster.ts and whole.ts promise, as one. Does not write.

import type { Clock } from '../base/clock.ts'
import type { Frame } from '../base/frame.ts'
import { WHOLE_SOURCES } from '../decode/whole.ts'
import { type Cluster, type WatchClusterOptions, watchCluster } from './cluster.ts'
import type { Connection } from './config.ts'
import type { RawEvent } from './reflector.ts'
import { planStreams } from './sources.ts'
import { watchWhole } from './whole.ts'

export interface RecordStreamsOptions
  extends Pick<WatchClusterOptions, 'namespace' | 'podLabelSelector' | 'log' | 'signal'> {
  readonly clock: Clock
  readonly random: () => number
  readonly onRaw: (event: RawEvent) => void
  readonly onFrame: (frame: Frame) => void
}

export type RecordStreams = Pick<Cluster, 'ready' | 'missing' | 'valve' | 'close'>

export function watchToRecord(connection: Connection, options: RecordStreamsOptions): RecordStreams {
  const stop = new AbortController()
  const { namespace, podLabelSelector: _, ...rest } = options
  const signal = options.signal ? AbortSignal.any([options.signal, stop.signal]) : stop.signal
  const streams = planStreams({}).map(({ resource }) => resource.source)
  const cluster = watchCluster(connection, {
    ...options,
    streams: streams.filter((source) => !WHOLE_SOURCES.includes(source)),
    encoding: 'json',
  })
  const scope = namespace === undefined ? {} : { namespace }
  const whole = watchWhole({
    ...rest,
    connection,
    streams: WHOLE_SOURCES.map((source) => ({ source, scope })),
    valve: cluster.valve,
    signal,
  })
  return {
    ready: Promise.all([cluster.ready, whole.ready]).then(() => undefined),
    missing: () => [...cluster.missing(), ...whole.missing()],
    valve: cluster.valve,
    close: async () => {
      stop.abort()
      await Promise.all([cluster.close(), whole.ended])
    },
  }
}
