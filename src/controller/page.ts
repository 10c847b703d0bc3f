// Owns the operator's page: what it shows comes from the ring, the pipeline and the book, as they are.
// Promises that while nobody looks it costs a socket on the pod's loopback, and that where it cannot be served the operator goes on.
// Does not answer requests (web/) and does not let anybody in: a port-forward does.

import type { Clock } from '../base/clock.ts'
import type { SessionBook } from '../session/book.ts'
import { uidOf } from '../trace/identity.ts'
import type { InFlight } from '../trace/in-flight.ts'
import type { Pipeline } from '../trace/pipeline.ts'
import type { Trace } from '../trace/trace.ts'
import type { PageFiles } from '../web/routes.ts'
import { startPageServer } from '../web/server.ts'
import type { PageSource } from '../web/source.ts'
import type { ControllerConfig } from './config.ts'
import type { Log } from './log.ts'
import type { Ring } from './ring.ts'

export interface OperatorPageOptions {
  readonly config: ControllerConfig
  readonly pageFiles?: () => PageFiles
  readonly book: Pick<SessionBook, 'looks'>
  readonly ring: Pick<Ring, 'all' | 'get'>
  readonly pipeline: Pick<Pipeline, 'traceOf'>
  /** As they were last told, about a second ago. */
  readonly inFlight: () => readonly InFlight[]
  readonly leads: () => boolean
  readonly clock: Clock
  readonly log: Log
  readonly version: string
  readonly podName: string
}

export interface OperatorPage {
  readonly port: number
  /** A start that is final. */
  told(trace: Trace): void
  close(): Promise<void>
}

/** Undefined where it is off, or cannot be served. */
export async function servePage(options: OperatorPageOptions): Promise<OperatorPage | undefined> {
  const { clock, config, log, pageFiles: files } = options
  const { enabled, port } = config.page
  if (!enabled || !files) return undefined
  const listeners = new Set<(trace: Trace) => void>()
  const source = sourceOf(options, listeners)
  const onError = ({ stack, message }: Error): void =>
    log.error('the page could not answer a request', { reason: stack ?? message })
  try {
    const server = await startPageServer({ source, files, clock, port, onError })
    log.info('the page is served on loopback', { port: server.port })
    return {
      port: server.port,
      told: (trace) => {
        for (const listener of listeners) listener(trace)
      },
      close: server.close,
    }
  } catch (error) {
    log.error('the page cannot be served; see page.port', { port, reason: (error as Error).message })
    return undefined
  }
}

function sourceOf(
  { book, config, inFlight, leads, pipeline, podName, ring, version }: OperatorPageOptions,
  listeners: Set<(trace: Trace) => void>,
): PageSource {
  return {
    about: () => ({
      kind: 'operator',
      title: config.clusterName ?? 'this cluster',
      pod: podName,
      role: leads() ? 'leader' : 'standby',
      version,
      has: ['sessions'],
    }),
    finished: () => ring.all(),
    inFlight,
    get: (traceId) => ring.get(traceId) ?? pipeline.traceOf(uidOf(traceId)),
    onFinished: (listener) => {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
    sessions: () => book.looks(),
  }
}
