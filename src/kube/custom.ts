// Owns the watch of a resource that is read whole as JSON: TraceSessions, and Namespaces for their labels.
// Promises the watch contract (watch.ts) for it, and to look again soon where the resource does not exist yet or may not be read; what goes
// meanwhile is deleted when it is read again.
// Does not parse: the reader gets the objects as they came.

import type { Clock } from '../base/clock.ts'
import type { Resource } from '../decode/resources.ts'
import type { Json } from '../decode/json-fields.ts'
import type { Connection } from './config.ts'
import { type StreamCounters, streamCounters } from './counters.ts'
import type { Failure } from './failure.ts'
import { KnownObjects } from './known-objects.ts'
import { type Log, runReflector } from './reflector.ts'
import { createValve } from './valve.ts'

export type CustomChange =
  | { readonly kind: 'put'; readonly uid: string; readonly object: Json }
  | { readonly kind: 'deleted'; readonly uid: string }

export interface CustomWatchOptions {
  readonly connection: Connection
  readonly resource: Resource
  readonly namespace?: string
  /** One object only, such as `metadata.name=checkout`. */
  readonly fieldSelector?: string
  readonly clock: Clock
  readonly random: () => number
  readonly onChange: (change: CustomChange) => void
  readonly log?: Log
  readonly signal: AbortSignal
}

export interface CustomWatch {
  /** Resolves when the list is complete or the resource is known to be missing. */
  readonly ready: Promise<void>
  readonly counters: StreamCounters
  /** Why there is nothing to see, while there is nothing. */
  missing(): Failure | undefined
  readonly ended: Promise<void>
}

export const TRACE_SESSIONS: Resource = {
  source: 'tracesessions',
  root: '/apis/podspan.dev/v1alpha1',
  apiVersion: 'podspan.dev/v1alpha1',
  kind: 'TraceSession',
  namespaced: true,
  record: 'custom',
}

export const NAMESPACES: Resource = {
  source: 'namespaces',
  root: '/api/v1',
  apiVersion: 'v1',
  kind: 'Namespace',
  namespaced: false,
  record: 'custom',
}

/** A CRD that is being installed is there within seconds; a right that is granted later should not take minutes. */
const AGAIN_MS = { 'not-found': 5000, forbidden: 60_000 } as const

export function watchCustom(options: CustomWatchOptions): CustomWatch {
  const counters = streamCounters()
  const known = new KnownObjects()
  const { promise: ready, resolve } = Promise.withResolvers<void>()
  const state: { missing: Failure | undefined } = { missing: undefined }
  const ended = (async () => {
    while (!options.signal.aborted) {
      const pauseMs = await watchOnce({ ...options, counters, known }, resolve, (failure) => {
        state.missing = failure
      })
      await options.clock.sleep(pauseMs * (1 + options.random() / 2), options.signal)
    }
    counters.state = 'closed'
  })()
  return { ready, counters, missing: () => state.missing, ended }
}

/** One life of the stream: until the signal, or until the resource is found to be missing. */
async function watchOnce(
  options: CustomWatchOptions & { readonly counters: StreamCounters; readonly known: KnownObjects },
  settled: () => void,
  report: (failure: Failure | undefined) => void,
): Promise<number> {
  const { namespace, fieldSelector, onChange, signal, ...rest } = options
  const stop = new AbortController()
  let pauseMs = 0
  await runReflector({
    ...rest,
    mode: 'list',
    scope: {
      ...(namespace === undefined ? {} : { namespace }),
      ...(fieldSelector === undefined ? {} : { fieldSelector }),
    },
    encoding: 'json',
    valve: createValve(),
    signal: AbortSignal.any([signal, stop.signal]),
    onFrame: (frame) => {
      if (frame.kind === 'synced') settled()
      if (!('record' in frame) || frame.record.resource !== 'custom') return
      const { uid, object } = frame.record
      onChange(frame.kind === 'deleted' ? { kind: 'deleted', uid } : { kind: 'put', uid, object })
    },
    onHealth: (failure) => {
      const missing = failure?.kind === 'not-found' || failure?.kind === 'forbidden'
      if (failure && !missing) return
      report(failure)
      if (!missing) return
      pauseMs = AGAIN_MS[failure.kind as keyof typeof AGAIN_MS]
      settled()
      stop.abort()
    },
  })
  return pauseMs
}
