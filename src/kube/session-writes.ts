// Owns everything that Podspan writes about TraceSessions: their status, their end, and Events on them.
// Promises a bounded number of requests at once, retries of what may pass with the server's own delay, and a counted value for every end;
// nothing is written to an object of the same name that is another one. Does not decide what to write or when.

import PQueue from 'p-queue'
import { formatRfc3339 } from '../base/time.ts'
import type { Json } from '../decode/json-fields.ts'
import type { Failure } from './failure.ts'
import { type Caller, callJson, type JsonCall } from './json-call.ts'

export interface SessionName {
  readonly namespace: string
  readonly name: string
  readonly uid: string
}

/** `gone`: it was deleted, or another one has its name now. */
export type WriteResult =
  | { readonly kind: 'written'; readonly object: Json }
  | { readonly kind: 'gone' }
  | { readonly kind: 'forbidden'; readonly failure: Failure }
  | { readonly kind: 'failed'; readonly failure: Failure }

export interface NewEvent {
  readonly type: 'Normal' | 'Warning'
  readonly reason: string
  readonly message: string
}

export interface SessionWrites {
  /** Replaces the status whole. */
  status(session: SessionName, status: object): Promise<WriteResult>
  remove(session: SessionName): Promise<WriteResult>
  event(session: SessionName, event: NewEvent): Promise<WriteResult>
  /** Another may write from now on: what waits, rests before another attempt or is under way ends as `failed`, aborted. */
  giveUp(): void
  /** By what was written and how it ended, such as `status written`. */
  readonly counters: Readonly<Record<string, number>>
}

export interface SessionWritesOptions extends Caller {
  readonly random: () => number
  /** Who reports events: the pod's name. */
  readonly instance: string
}

export const WRITE_LIMITS = {
  atOnce: 4,
  attempts: 4,
  backoffFirstMs: 500,
  backoffLastMs: 10_000,
  /** A server that asks for more is asked again at the next status. */
  retryAfterMs: 15_000,
  /** Events in a minute: a session has a handful in its whole life. */
  eventsPerMinute: 120,
} as const

const ROOT = '/apis/podspan.dev/v1alpha1'
const API_VERSION = 'podspan.dev/v1alpha1'

export function createSessionWrites(options: SessionWritesOptions): SessionWrites {
  const lanes = new PQueue({ concurrency: WRITE_LIMITS.atOnce })
  const counters: Record<string, number> = {}
  const events = createRate(options, WRITE_LIMITS.eventsPerMinute)
  let term = new AbortController()
  const run = async (what: string, call: JsonCall): Promise<WriteResult> => {
    const signal = AbortSignal.any([options.signal, term.signal])
    const result = await lanes.add(() => write({ ...options, signal }, call))
    count(counters, `${what} ${result.kind}`)
    return result
  }
  return {
    counters,
    status: (session, status) =>
      run('status', {
        method: 'PATCH',
        path: `${pathOf(session)}/status`,
        contentType: 'application/json-patch+json',
        // The test makes it a write to this object or to none; a merge patch would keep what the new status no longer says.
        body: [
          { op: 'test', path: '/metadata/uid', value: session.uid },
          { op: 'add', path: '/status', value: status },
        ],
      }),
    remove: (session) =>
      run('delete', {
        method: 'DELETE',
        path: pathOf(session),
        body: { apiVersion: 'v1', kind: 'DeleteOptions', preconditions: { uid: session.uid } },
      }),
    event: (session, event) => {
      if (events.take()) return run('event', eventCall(options, session, event))
      count(counters, 'event over limit')
      return Promise.resolve({ kind: 'failed', failure: { kind: 'aborted', message: 'over limit' } })
    },
    giveUp: () => {
      term.abort()
      term = new AbortController()
    },
  }
}

const count = (counters: Record<string, number>, name: string): void => {
  counters[name] = (counters[name] ?? 0) + 1
}

const pathOf = ({ namespace, name }: SessionName): string =>
  `${ROOT}/namespaces/${encodeURIComponent(namespace)}/tracesessions/${encodeURIComponent(name)}`

async function write(options: SessionWritesOptions, call: JsonCall): Promise<WriteResult> {
  const { clock, random, signal } = options
  for (let attempt = 1; ; attempt++) {
    if (signal.aborted) return { kind: 'failed', failure: { kind: 'aborted', message: 'given up' } }
    const answer = await callJson(options, call)
    if (answer.ok) return { kind: 'written', object: answer.value }
    const { failure } = answer
    if (failure.kind === 'not-found') return { kind: 'gone' }
    // A refused precondition: 409 for a deletion, 422 for the test of a patch, whose status itself the schema would refuse by a message.
    if (failure.kind === 'conflict' && call.method === 'DELETE') return { kind: 'gone' }
    if (failure.kind === 'invalid' && isRefusedTest(failure)) return { kind: 'gone' }
    if (failure.kind === 'forbidden') return { kind: 'forbidden', failure }
    if (attempt >= WRITE_LIMITS.attempts || !mayPass(failure)) return { kind: 'failed', failure }
    await clock.sleep(pauseMs(attempt, failure, random()), signal)
  }
}

/** The API server's words for a patch that could not be applied; what the schema refuses is called invalid by name. */
const isRefusedTest = ({ message }: Failure): boolean => message.includes('rejected our request')

const mayPass = ({ kind, retryAfterMs = 0 }: Failure): boolean =>
  retryAfterMs <= WRITE_LIMITS.retryAfterMs &&
  (kind === 'network' || kind === 'unavailable' || kind === 'too-many-requests' || kind === 'conflict')

/** Full jitter, and never sooner than the server asked. */
function pauseMs(attempt: number, { retryAfterMs = 0 }: Failure, random: number): number {
  const limit = Math.min(WRITE_LIMITS.backoffLastMs, WRITE_LIMITS.backoffFirstMs * 2 ** (attempt - 1))
  return retryAfterMs + random * limit
}

function eventCall(
  { clock, instance, random }: SessionWritesOptions,
  session: SessionName,
  event: NewEvent,
): JsonCall {
  const now = clock.now()
  // As client-go names events; the suffix keeps two of one moment apart.
  const suffix = `${now.toString(16)}${Math.floor(random() * 0x10000).toString(16)}`
  return {
    method: 'POST',
    path: `/apis/events.k8s.io/v1/namespaces/${encodeURIComponent(session.namespace)}/events`,
    body: {
      apiVersion: 'events.k8s.io/v1',
      kind: 'Event',
      metadata: { name: `${session.name.slice(0, 200)}.${suffix}`, namespace: session.namespace },
      eventTime: formatRfc3339(now, 6),
      reportingController: 'podspan.dev/controller',
      reportingInstance: instance.slice(0, 128),
      action: 'Judge',
      reason: event.reason,
      note: event.message.slice(0, 1024),
      type: event.type,
      regarding: {
        apiVersion: API_VERSION,
        kind: 'TraceSession',
        namespace: session.namespace,
        name: session.name,
        uid: session.uid,
      },
    },
  }
}

interface Rate {
  take(): boolean
}

/** A bucket that holds one minute's worth. */
function createRate({ clock }: Caller, perMinute: number): Rate {
  let left: number = perMinute
  let atMs = clock.monotonicMs()
  return {
    take: () => {
      const now = clock.monotonicMs()
      left = Math.min(perMinute, left + ((now - atMs) / 60_000) * perMinute)
      atMs = now
      if (left < 1) return false
      left -= 1
      return true
    },
  }
}
