// Owns two TraceSessions for the page's tests: one that has passed its verdict, one that has taken no pod yet.
// Promises what the API server would store of them. Does not judge starts.

import type { SessionLook } from '../../src/session/book.ts'
import { parseTraceSession, type TraceSession } from '../../src/session/schema.ts'
import type { Trace } from '../../src/trace/trace.ts'

const OBJECTIVES = [
  { name: 'ready', percentile: 99, threshold: '30s' },
  { name: 'pulls', percentile: 90, threshold: '5s', operation: 'pull image' },
]

function session(number: number, spec: object, status: object): TraceSession {
  const parsed = parseTraceSession({
    apiVersion: 'podspan.dev/v1alpha1',
    kind: 'TraceSession',
    metadata: {
      name: `shop-${number}`,
      namespace: 'rollout-slower',
      uid: `5e551071-0000-4000-8000-00000000000${number}`,
      generation: 1,
      creationTimestamp: `2026-11-22T23:1${number}:00Z`,
    },
    spec,
    status,
  })
  if (parsed.kind !== 'ok') throw new Error(parsed.problems.join('; '))
  return parsed.session
}

const CONDITION = {
  type: 'ObjectiveMet',
  status: 'False',
  reason: 'ObjectiveMissed',
  message: 'P90 of pull image is 7.1s, over 5s; ready is within its objective.',
  observedGeneration: 1,
  lastTransitionTime: '2026-11-22T23:13:00Z',
}

export function sessionsOf(traces: readonly Trace[]): SessionLook[] {
  const own = new Set(traces.filter(({ namespace }) => namespace === 'rollout-slower').map(({ uid }) => uid))
  const counts = { ready: own.size, completed: 0, failed: 0, unstable: 0, deleted: 0, timedOut: 0 }
  const judged = session(
    1,
    { targetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'shop' }, objectives: OBJECTIVES },
    {
      phase: 'Failed',
      completionTime: '2026-11-22T23:13:00Z',
      conditions: [CONDITION],
      objective: 'pulls missed',
      objectives: [
        { name: 'ready', value: '12.5s', met: true, pods: own.size, over: 0 },
        { name: 'pulls', value: '7.1s', met: false, pods: own.size, over: 3 },
      ],
      pods: { matched: own.size, starting: 0, ...counts },
    },
  )
  const young = session(2, { podSelector: { matchLabels: { app: 'web' } } }, { phase: 'Pending' })
  return [
    { session: judged, takes: ({ uid }) => own.has(uid) },
    { session: young, takes: () => false },
  ]
}
