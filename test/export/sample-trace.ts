// Owns traces for the tests of export/: small, with every optional field somewhere.
// Promises that ids follow from the UID as the design says. Not a model of a real start.

import { createHash } from 'node:crypto'
import {
  type DurationNano,
  durationNano,
  fromSeconds,
  SECOND,
  type UnixNano,
  unixNano,
} from '../../src/base/time.ts'
import type { Instant } from '../../src/timeline/instant.ts'
import type { Outcome, Span, Trace } from '../../src/trace/trace.ts'

/** A time that no double holds exactly. */
export const START = unixNano(1_796_083_200_123_456_789n)

export const instant = (best: UnixNano, more: Partial<Instant> = {}): Instant => ({
  best,
  earliest: best,
  latest: best,
  source: 'event-name',
  stamps: [],
  ...more,
})

const at = (nanoseconds: bigint): UnixNano => unixNano(START + nanoseconds)

export function sampleSpan(more: Partial<Span> = {}): Span {
  return {
    spanId: 'aaaaaaaaaaaaaaaa',
    name: 'pull image',
    actor: 'kubelet',
    start: instant(START),
    end: instant(at(1_000_000_001n)),
    attributes: {},
    events: [],
    links: [],
    critical: [],
    ...more,
  }
}

export interface SampleOptions {
  readonly number?: number
  readonly outcome?: Outcome
  readonly startup?: DurationNano
  /** Spans below the root. */
  readonly children?: number
  readonly endedAt?: UnixNano
}

const ACTORS = ['kube-scheduler', 'kubelet', 'container runtime', 'podspan']

/** One pod's start; the number makes another pod. */
export function sampleTrace(options: SampleOptions = {}): Trace {
  const { number = 1, outcome = 'ready', startup = SECOND, children = 4, endedAt = at(startup) } = options
  const hex = createHash('sha256').update(`${number}`).digest('hex')
  const rootId = hex.slice(0, 16)
  const root = sampleSpan({
    spanId: rootId,
    name: 'pod startup',
    actor: 'podspan',
    end: instant(endedAt),
    attributes: { 'podspan.outcome': outcome, 'podspan.explained.ratio': 0.75 },
  })
  const child = (_: unknown, index: number): Span =>
    sampleSpan({
      spanId: createHash('sha256').update(`${number}/${index}`).digest('hex').slice(0, 16),
      parentSpanId: rootId,
      actor: ACTORS[index % ACTORS.length] ?? 'kubelet',
      attributes: { 'k8s.container.name': 'app', 'container.image.name': 'registry/app' },
    })
  return {
    traceId: hex.slice(16, 48),
    uid: `uid-${number}`,
    namespace: 'shop',
    name: `checkout-${number}`,
    node: 'node-1',
    workload: 'Deployment/checkout',
    labels: {},
    owners: [],
    created: START,
    cause: 'unknown',
    outcome,
    verdict: 'Ready after 1 s.',
    resource: {
      'k8s.cluster.name': 'test',
      'k8s.namespace.name': 'shop',
      'k8s.pod.name': `checkout-${number}`,
      'k8s.pod.uid': `uid-${number}`,
      'k8s.node.name': 'node-1',
    },
    spans: [root, ...Array.from({ length: children }, child)],
    explainedRatio: 0.75,
    evidenceComplete: true,
    startup,
  }
}

/** Every optional field is set once. */
export function fullTrace(): Trace {
  const trace = sampleTrace({ children: 0 })
  const [root] = trace.spans
  if (!root) throw new Error('the sample has no root')
  const pull = sampleSpan({
    parentSpanId: root.spanId,
    actor: 'container runtime',
    start: instant(at(5n), {
      earliest: at(-1_234_567n),
      latest: at(2_000_005n),
      conflict: true,
      shifted: durationNano(-1_500_000n),
      clamped: true,
    }),
    end: instant(at(999_999_999_999n), { source: 'watch-receipt', clamped: true }),
    error: 'ErrImagePull: „nicht gefunden“',
    attempt: 2,
    attributes: {
      'container.image.name': 'registry/app:1 ✓',
      'podspan.image.bytes': 9_007_199_254_740_991,
      'podspan.image.cached': false,
      'podspan.ratio': 0.125,
      'podspan.negative': -3,
      'podspan.tags': ['a', 'ü'],
    },
    events: [{ at: at(7n), name: 'FailedScheduling', attributes: { 'podspan.count': 3 } }],
    links: [
      { traceId: 'b'.repeat(32), spanId: 'c'.repeat(16), attributes: { 'podspan.link': 'queued behind' } },
    ],
    critical: [
      { from: at(0n), to: at(1_500_000n) },
      { from: at(2_000_000n), to: at(2_000_999n) },
    ],
  })
  return { ...trace, spans: [root, pull] }
}

export const SOME_SECONDS = fromSeconds(1_796_083_200)
