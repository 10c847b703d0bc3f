// Owns how TraceSessions and Namespaces reach the book: the watches of them, in all namespaces or in the listed ones.
// Promises that a session which cannot be read is said once per version and costs only itself, and that missing rights or a missing CRD
// are told with what they cost. Does not judge sessions.

import type { Clock } from '../base/clock.ts'
import type { Connection } from '../kube/config.ts'
import { type StreamCounters, sumOfStreams } from '../kube/counters.ts'
import {
  type CustomChange,
  type CustomWatch,
  NAMESPACES,
  TRACE_SESSIONS,
  watchCustom,
} from '../kube/custom.ts'
import type { SessionBook } from '../session/book.ts'
import { parseTraceSession } from '../session/schema.ts'
import type { Log } from './log.ts'

export interface SessionWatch {
  /** Every session there is has been read, or it is known that none can be. */
  readonly ready: Promise<void>
  missing(): readonly { readonly resource: string; readonly reason: string; readonly cost: string }[]
  counters(): Readonly<Record<string, StreamCounters>>
  readonly unreadable: () => number
  readonly ended: Promise<void>
}

export interface SessionWatchOptions {
  readonly connection: Connection
  /** Empty: all. */
  readonly namespaces: readonly string[]
  /** Podspan's own, which is always watched. */
  readonly ownNamespace: string
  readonly book: Pick<SessionBook, 'apply' | 'remove' | 'namespaces'>
  readonly clock: Clock
  readonly random: () => number
  readonly log: Log
  readonly signal: AbortSignal
}

const COSTS: Readonly<Record<string, string>> = {
  tracesessions: 'No start is exported and no session is judged; metrics go on.',
  namespaces: 'A namespaceSelector with labels matches nothing; one that selects everything does.',
}

export function watchSessions(options: SessionWatchOptions): SessionWatch {
  const { book, clock, log, namespaces, ownNamespace } = options
  const places = namespaces.length === 0 ? [undefined] : [...new Set([...namespaces, ownNamespace])]
  const state = { unreadable: 0 }
  const labels = new Map<string, Readonly<Record<string, string>>>()
  const names = new Map<string, string>()
  const open = (
    resource: typeof NAMESPACES,
    onChange: (change: CustomChange) => void,
    namespace?: string,
  ): CustomWatch =>
    watchCustom({
      ...options,
      resource,
      onChange,
      ...(namespace === undefined ? {} : { namespace }),
      log: (message, fields) => log.debug(message, fields),
    })
  const sessions = places.map((place) =>
    open(
      TRACE_SESSIONS,
      (change) => {
        if (change.kind === 'deleted') return book.remove(change.uid)
        if (!applySession(book, clock, log, change)) state.unreadable += 1
      },
      place,
    ),
  )
  const wide = namespaces.length === 0
  const spaces = wide ? [open(NAMESPACES, (change) => applyNamespace(book, labels, names, change))] : []
  return {
    ready: Promise.all([...sessions, ...spaces].map(({ ready }) => ready)).then(() => undefined),
    missing: () => [...missingOf('tracesessions', sessions), ...missingOf('namespaces', spaces)],
    counters: () => ({ ...countersOf('tracesessions', sessions), ...countersOf('namespaces', spaces) }),
    unreadable: () => state.unreadable,
    ended: Promise.all([...sessions, ...spaces].map(({ ended }) => ended)).then(() => undefined),
  }
}

function applySession(
  book: SessionWatchOptions['book'],
  clock: Clock,
  log: Log,
  { uid, object }: Extract<CustomChange, { kind: 'put' }>,
): boolean {
  const parsed = parseTraceSession({
    apiVersion: TRACE_SESSIONS.apiVersion,
    kind: TRACE_SESSIONS.kind,
    ...object,
  })
  if (parsed.kind === 'ok') {
    book.apply(parsed.session, clock.now())
    return true
  }
  // What it was before is no longer asked for.
  book.remove(uid)
  const { name, namespace } = (object['metadata'] ?? {}) as Readonly<Record<string, unknown>>
  log.warn('a TraceSession cannot be read', { namespace, name, problems: parsed.problems.slice(0, 5) })
  return false
}

function applyNamespace(
  book: SessionWatchOptions['book'],
  labels: Map<string, Readonly<Record<string, string>>>,
  names: Map<string, string>,
  change: CustomChange,
): void {
  if (change.kind === 'deleted') {
    labels.delete(names.get(change.uid) ?? '')
    names.delete(change.uid)
  } else {
    const metadata = (change.object['metadata'] ?? {}) as { name?: string; labels?: Record<string, string> }
    names.set(change.uid, metadata.name ?? '')
    labels.set(metadata.name ?? '', metadata.labels ?? {})
  }
  book.namespaces(labels)
}

function missingOf(resource: string, watches: readonly CustomWatch[]): ReturnType<SessionWatch['missing']> {
  const failure = watches.map((watch) => watch.missing()).find((one) => one !== undefined)
  return failure ? [{ resource, reason: failure.message, cost: COSTS[resource] ?? '' }] : []
}

const countersOf = (resource: string, watches: readonly CustomWatch[]): Record<string, StreamCounters> =>
  watches.length === 0 ? {} : { [resource]: sumOfStreams(watches.map(({ counters }) => counters)) }
