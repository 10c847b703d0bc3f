// Owns starts and sessions made by hand for the tests of sessions, and a book that is driven in seconds.
// Promises that equal inputs give equal objects, and that a pod's number alone makes it another pod.

import { createHash } from 'node:crypto'
import type { OwnerReference } from '../../src/base/record.ts'
import { add, durationNano, fromSeconds, SECOND, seconds, type UnixNano } from '../../src/base/time.ts'
import type { BookOptions, SessionBook, StatusUpdate } from '../../src/session/book.ts'
import { createSessionBook } from '../../src/session/create-book.ts'
import { parseTraceSession, type TraceSession, type TraceSessionStatus } from '../../src/session/schema.ts'
import type { Instant } from '../../src/timeline/instant.ts'
import type { InFlight } from '../../src/trace/in-flight.ts'
import { traceIdOf } from '../../src/trace/identity.ts'
import type { Attributes, Outcome, Span, Trace } from '../../src/trace/trace.ts'

const EPOCH = fromSeconds(1_796_083_200)

/** Seconds since the beginning of a test. */
export const at = (second: number): UnixNano => add(EPOCH, seconds(second))

export const uidOf = (number: number): string => {
  const hex = createHash('sha256').update(`pod ${number}`).digest('hex')
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20, 32)].join(
    '-',
  )
}

const instant = (best: UnixNano): Instant => ({
  best,
  earliest: best,
  latest: best,
  source: 'event-name',
  stamps: [],
})

const owner = (apiVersion: string, kind: string, name: string): OwnerReference => ({
  apiVersion,
  kind,
  name,
  uid: `${kind}-${name}`,
  controller: true,
})

export const ofDeployment = (name: string, hash = '7d9f'): readonly OwnerReference[] => [
  owner('apps/v1', 'ReplicaSet', `${name}-${hash}`),
  owner('apps/v1', 'Deployment', name),
]

export const ownedBy = (...owners: readonly (readonly [apiVersion: string, kind: string, name: string])[]) =>
  owners.map(([apiVersion, kind, name]) => owner(apiVersion, kind, name))

export interface MadeOperation {
  readonly name: string
  readonly from: number
  readonly to: number
  readonly critical?: boolean
  readonly error?: string
  readonly attributes?: Attributes
}

export interface MadeStart {
  readonly pod: number
  readonly namespace?: string
  readonly labels?: Readonly<Record<string, string>>
  readonly owners?: readonly OwnerReference[]
  readonly revision?: string
  /** Seconds; created at 0 and took 2 s unless said. */
  readonly created?: number
  readonly took?: number
  readonly outcome?: Outcome
  readonly operations?: readonly MadeOperation[]
  readonly evidenceComplete?: boolean
  readonly verdict?: string
  readonly name?: string
}

export function start(made: MadeStart): Trace {
  const { pod, namespace = 'shop', created = 0, took = 2, outcome = 'ready' } = made
  const uid = uidOf(pod)
  const spans = [
    span({ name: 'pod startup', from: 0, to: took, critical: false }, created),
    ...(made.operations ?? []).map((operation) => span(operation, created)),
  ]
  return {
    traceId: traceIdOf(uid),
    uid,
    namespace,
    name: made.name ?? `checkout-${pod}`,
    labels: made.labels ?? { app: 'checkout' },
    owners: made.owners ?? ofDeployment('checkout'),
    ...(made.revision === undefined ? {} : { revision: made.revision }),
    created: at(created),
    cause: 'rollout',
    outcome,
    verdict: made.verdict ?? `Ready after ${took} s.`,
    resource: {},
    spans,
    explainedRatio: 1,
    evidenceComplete: made.evidenceComplete ?? true,
    startup: durationNano(at(created + took) - at(created)),
  }
}

function span(
  { name, from, to, critical = true, error, attributes = {} }: MadeOperation,
  created: number,
): Span {
  const [begin, end] = [at(created + from), at(created + to)]
  return {
    spanId: 'aaaaaaaaaaaaaaaa',
    name,
    actor: 'kubelet',
    start: instant(begin),
    end: instant(end),
    ...(error === undefined ? {} : { error }),
    attributes,
    events: [],
    links: [],
    critical: critical ? [{ from: begin, to: end }] : [],
  }
}

export interface MadeInFlight extends MadeStart {
  readonly operation?: string
  readonly since?: number
  readonly failingSince?: number
  readonly reason?: string
  readonly node?: string
}

export function inFlight(made: MadeInFlight): InFlight {
  const { uid, namespace, name, labels, owners, created, cause } = start(made)
  return {
    uid,
    namespace,
    name,
    labels,
    owners,
    created,
    cause,
    operation: made.operation ?? 'pull image',
    since: at(made.since ?? made.created ?? 0),
    waitsFor: 'pulling big:2',
    ...(made.failingSince === undefined ? {} : { failingSince: at(made.failingSince) }),
    ...(made.reason === undefined ? {} : { reason: made.reason }),
    ...(made.node === undefined ? {} : { node: made.node }),
  }
}

export interface MadeSession {
  readonly name?: string
  readonly namespace?: string
  readonly created?: number
  readonly generation?: number
  readonly annotations?: Readonly<Record<string, string>>
  readonly status?: TraceSessionStatus
}

export const TARGET = { targetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'checkout' } }

export function session(spec: Readonly<Record<string, unknown>>, made: MadeSession = {}): TraceSession {
  const { name = 's', namespace = 'shop', created = 0, generation = 1, annotations, status } = made
  const parsed = parseTraceSession({
    apiVersion: 'podspan.dev/v1alpha1',
    kind: 'TraceSession',
    metadata: {
      name,
      namespace,
      uid: `uid-${namespace}-${name}`,
      generation,
      resourceVersion: '1',
      ...(annotations === undefined ? {} : { annotations }),
      creationTimestamp: new Date(Number(at(created) / 1_000_000n)).toISOString(),
    },
    spec,
    ...(status === undefined ? {} : { status }),
  })
  if (parsed.kind === 'invalid') throw new Error(parsed.problems.join('; '))
  return parsed.session
}

export const OPTIONS: BookOptions = {
  namespace: 'podspan',
  exporters: { default: {} },
  traceURLTemplate: 'https://traces.example/{traceID}',
  startTimeout: seconds(600),
  settle: seconds(5),
}

/** A book and what it said last of each session. */
export interface Driven {
  readonly options: BookOptions
  readonly book: SessionBook
  apply(object: TraceSession, second?: number): void
  /** Earlier starts were offered, as a controller answers. */
  backfilled(missing?: string): void
  take(made: MadeStart, second?: number): ReturnType<SessionBook['take']>
  /** What is in flight at that second, and the statuses that are due then. */
  tick(second: number, starts?: readonly MadeInFlight[]): readonly StatusUpdate[]
  status(name?: string): TraceSessionStatus
  readonly updates: StatusUpdate[]
}

export function drive(options: Partial<BookOptions> = {}): Driven {
  const all = { ...OPTIONS, ...options }
  const book = createSessionBook(all, at(0))
  const updates: StatusUpdate[] = []
  return {
    book,
    options: all,
    updates,
    apply: (object, second = 0) => book.apply(object, at(second)),
    backfilled: (missing) => {
      for (const { session: key } of book.backfills()) book.backfilled(key.uid, missing, at(0))
    },
    take: (made, second) => book.take(start(made), at(second ?? (made.created ?? 0) + (made.took ?? 2) + 5)),
    tick: (second, starts = []) => {
      book.startsInFlight(starts.map(inFlight), at(second))
      const due = book.due(at(second))
      updates.push(...due)
      return due
    },
    status: (name = 's') => {
      const last = updates.findLast(({ session: key }) => key.name === name)
      if (!last) throw new Error(`no status of ${name}`)
      return last.status
    },
  }
}

export const condition = ({ conditions = [] }: TraceSessionStatus, type: string): string => {
  const found = conditions.find((one) => one.type === type)
  return found ? `${found.status} ${found.reason}` : 'none'
}

export const minutes = (count: number): bigint => BigInt(count) * 60n * SECOND
