// Owns hand-made traces for the tests of the command line: one line per span, in milliseconds.
// Promises values that keep the contract of trace.ts. Does not resemble a cluster more than a picture needs.

import { add, durationNano, milliseconds, type UnixNano, unixNano } from '../../src/base/time.ts'
import type { Instant } from '../../src/timeline/instant.ts'
import type { Attributes, Outcome, Span, SpanEvent, Trace } from '../../src/trace/trace.ts'

export const START = unixNano(1_700_000_000_000_000_000n)

export const at = (ms: number): UnixNano => add(START, milliseconds(ms))

/** `[best]` or `[earliest, best, latest]`, milliseconds after the start. */
export function instant(ms: number | readonly [number, number, number]): Instant {
  const [early, best, late] = typeof ms === 'number' ? [ms, ms, ms] : ms
  return { earliest: at(early), best: at(best), latest: at(late), source: 'event-name', stamps: [] }
}

export interface Made {
  readonly name: string
  readonly actor?: string
  readonly subject?: string
  readonly start: number | readonly [number, number, number]
  readonly end: number | readonly [number, number, number]
  readonly below?: string
  readonly id?: string
  readonly error?: string
  readonly attempt?: number
  readonly critical?: readonly (readonly [number, number])[]
  readonly events?: readonly SpanEvent[]
  readonly attributes?: Attributes
}

function span(made: Made, index: number): Span {
  const { name, actor = 'kubelet', subject, error, attempt } = made
  return {
    spanId: made.id ?? (index === 0 ? 'root' : `span-${index}`),
    ...(index > 0 && { parentSpanId: made.below ?? 'root' }),
    name,
    actor,
    ...(subject !== undefined && { subject }),
    start: instant(made.start),
    end: instant(made.end),
    ...(error !== undefined && { error }),
    ...(attempt !== undefined && { attempt }),
    attributes: made.attributes ?? {},
    events: made.events ?? [],
    links: [],
    critical: (made.critical ?? []).map(([from, to]) => ({ from: at(from), to: at(to) })),
  }
}

export interface MadeTrace extends Partial<Omit<Trace, 'spans'>> {
  readonly spans: readonly Made[]
}

export function trace({ spans, ...rest }: MadeTrace): Trace {
  const made = spans.map(span)
  const root = made[0]
  if (root === undefined) throw new Error('a trace needs a root')
  return {
    traceId: '4bf92f3577b34da6a3ce929d0e0e4736',
    uid: 'a3ce929d-0e0e-4736-4bf9-2f3577b34da6',
    namespace: 'shop',
    name: 'checkout-7d9f6c5b4-x2x4p',
    node: 'node-1',
    workload: 'Deployment/checkout',
    labels: {},
    owners: [],
    created: root.start.best,
    cause: 'unknown',
    outcome: 'ready' satisfies Outcome,
    verdict: 'Pulling ghcr.io/acme/checkout:1.4 took 9.1 s of 12.4 s.',
    resource: { 'k8s.pod.name': 'checkout-7d9f6c5b4-x2x4p', 'k8s.namespace.name': 'shop' },
    explainedRatio: 0.97,
    evidenceComplete: true,
    startup: durationNano(root.end.best - root.start.best),
    ...rest,
    spans: made,
  }
}

export const SLOW_PULL = trace({
  spans: [
    { name: 'pod startup', actor: 'podspan', start: 0, end: 12_400 },
    { name: 'schedule', actor: 'kube-scheduler', start: 0, end: 42, critical: [[0, 42]] },
    { name: 'prepare pod and create sandbox', start: 42, end: 1_210, critical: [[42, 1_210]] },
    {
      name: 'pull image',
      id: 'pull',
      subject: 'ghcr.io/acme/checkout:1.4',
      start: 1_210,
      end: 10_330,
      critical: [],
    },
    { name: 'wait for pull slot', below: 'pull', start: 1_210, end: 3_020, critical: [[1_210, 3_020]] },
    { name: 'transfer and unpack', below: 'pull', start: 3_020, end: 10_330, critical: [[3_020, 10_330]] },
    {
      name: 'create container',
      actor: 'container runtime',
      subject: 'app',
      start: 10_330,
      end: 10_420,
      critical: [[10_330, 10_420]],
    },
    {
      name: 'start container',
      actor: 'container runtime',
      subject: 'app',
      start: 10_420,
      end: 10_480,
      critical: [[10_420, 10_480]],
    },
    {
      name: 'readiness',
      subject: 'app',
      start: 10_480,
      end: [12_100, 12_380, 12_390],
      critical: [[10_480, 12_380]],
    },
    { name: 'report status', start: [12_100, 12_380, 12_390], end: 12_400, critical: [[12_380, 12_400]] },
  ],
})

export const FAILED_PULLS = trace({
  outcome: 'timeout',
  name: 'typo-6644757686-q8d2x',
  verdict: 'Not ready after 10 m: the image registry.example/typo:1 does not exist.',
  explainedRatio: 0.88,
  evidenceComplete: false,
  spans: [
    { name: 'pod startup', actor: 'podspan', start: 0, end: 64_000, error: 'not ready in time' },
    {
      name: 'schedule',
      actor: 'kube-scheduler',
      start: 0,
      end: 15_000,
      critical: [[0, 15_000]],
      events: [
        {
          at: at(10),
          name: 'FailedScheduling',
          attributes: { 'podspan.reason': '0/3 nodes are available: 3 Insufficient cpu.' },
        },
        {
          at: at(9000),
          name: 'FailedScheduling',
          attributes: { 'podspan.reason': '0/3 nodes are available: 3 Insufficient cpu.' },
        },
      ],
    },
    {
      name: 'pull image',
      subject: 'registry.example/typo:1',
      attempt: 1,
      start: 16_000,
      end: 17_000,
      critical: [[16_000, 17_000]],
      error:
        'failed to pull and unpack image "registry.example/typo:1": failed to resolve reference "registry.example/typo:1": not found',
    },
    { name: 'back-off', attempt: 1, start: 17_000, end: 32_000, critical: [[17_000, 32_000]] },
    {
      name: 'pull image',
      subject: 'registry.example/typo:1',
      attempt: 2,
      start: 32_000,
      end: 32_400,
      critical: [[32_000, 32_400]],
      error: 'not found',
    },
    { name: 'back-off', attempt: 2, start: 32_400, end: 64_000, critical: [[32_400, 64_000]] },
    {
      name: 'unaccounted',
      actor: 'podspan',
      subject: 'schedule … pull image',
      start: 15_000,
      end: 16_000,
      critical: [[15_000, 16_000]],
    },
  ],
})

/** All from status: whole seconds. */
export const STATUS_ONLY = trace({
  namespace: 'batch',
  name: 'import-29384-abcde',
  verdict: 'Started in about 3 s; the events of this pod have expired.',
  explainedRatio: 0.61,
  evidenceComplete: false,
  spans: [
    { name: 'pod startup', actor: 'podspan', start: [-900, 0, 100], end: [3_000, 3_400, 4_000] },
    {
      name: 'schedule',
      actor: 'kube-scheduler',
      start: [-900, 0, 100],
      end: [0, 400, 1_000],
      critical: [[0, 400]],
    },
    {
      name: 'prepare pod and create sandbox',
      start: [0, 400, 1_000],
      end: [1_000, 1_500, 2_000],
      critical: [[400, 1_500]],
    },
    {
      name: 'readiness',
      subject: 'app',
      start: [1_000, 1_500, 2_000],
      end: [3_000, 3_400, 4_000],
      critical: [[1_500, 3_400]],
    },
  ],
})
