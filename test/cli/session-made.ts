// Owns statuses of sessions as Podspan writes them, made by hand, and the surroundings of a session command.
// Promises that each parses as the CRD's schema wants it. Does not run commands.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import type { Context } from '../../src/cli/context.ts'
import type { Condition, TraceSession, TraceSessionStatus } from '../../src/session/schema.ts'
import { parseTraceSession } from '../../src/session/schema.ts'
import { SessionServer, type SessionServerOptions } from './session-server.ts'
import { kubeconfigFor, type Surroundings, surroundings } from './surroundings.ts'

type Said = readonly [status: Condition['status'], reason: string, message: string]

const condition = (type: string, [status, reason, message]: Said): Condition => ({
  type,
  status,
  reason,
  message,
  observedGeneration: 1,
  lastTransitionTime: '2026-11-22T12:00:01Z',
})

export const ACCEPTED = condition('Accepted', [
  'True',
  'Accepted',
  'The session waits for the rollout of Deployment/checkout within 1800 s.',
])
export const complete = (...said: Said): Condition => condition('Complete', said)

const OPERATIONS = [
  { name: 'pull image', pods: 20, p50: '1.9s', p99: '28s', sharePercent: 71 },
  { name: 'schedule', pods: 20, p50: '9ms', p99: '2.1s', sharePercent: 12.4 },
  { name: 'create sandbox', pods: 20, p50: '301ms', p99: '1.1s', sharePercent: 9 },
  { name: 'report status', pods: 20, p50: '11ms', p99: '20ms', sharePercent: 0.3 },
  { name: 'readiness gate', pods: 2, p50: '0s', p99: '0s', sharePercent: 0 },
]

const PODS = {
  matched: 20,
  starting: 0,
  ready: 20,
  completed: 0,
  failed: 0,
  unstable: 0,
  deleted: 0,
  timedOut: 0,
}

export const RUNNING: TraceSessionStatus = {
  phase: 'Running',
  observedGeneration: 1,
  startTime: '2026-11-22T12:00:01Z',
  conditions: [
    ACCEPTED,
    complete('False', 'WaitingForRollout', 'Deployment/checkout: 12 of 20 updated pods are available.'),
  ],
  pods: { ...PODS, starting: 3, ready: 16, failed: 1 },
  traces: { exported: 10, sampledOut: 0, dropped: 0, pending: 7 },
  startup: { p50: '2.1s', p90: '9.8s', p99: '31s', max: '40s' },
  objective: 'missed: p99 31s > 30s',
  objectives: [{ name: 'p99', value: '31s', met: false, pods: 17, over: 1 }],
  operations: OPERATIONS.slice(0, 2),
  slowest: [
    {
      pod: 'checkout-6f5d8c9b7c-x2x4p',
      traceID: '4bf92f3577b34da6a3ce929d0e0e4736',
      outcome: 'failed',
      startup: '40s',
      longest: 'pull image',
      why: 'Failed after 40 s; 31 s (78 %) backing off after failed pulls of checkout:2',
    },
  ],
  stuck: [
    {
      in: 'schedule',
      reason: 'Insufficient cpu; node(s) had untolerated taint {dedicated: batch}',
      pods: 2,
      nodes: 0,
      oldest: '1m',
      example: 'checkout-6f5d8c9b7c-zzzzz',
    },
    { in: 'pull image', pods: 1, nodes: 1, oldest: '30s', example: 'checkout-6f5d8c9b7c-qqqqq' },
  ],
}

export const PASSED: TraceSessionStatus = {
  ...RUNNING,
  phase: 'Passed',
  completionTime: '2026-11-22T12:03:20Z',
  conditions: [
    ACCEPTED,
    complete(
      'True',
      'RolloutComplete',
      'The rollout is complete; p99: 99 % of the pods took at most 28s, wanted 30s.',
    ),
  ],
  pods: PODS,
  traces: { exported: 18, sampledOut: 2, dropped: 0, pending: 0 },
  startup: { p50: '2.1s', p90: '9.8s', p99: '28s', max: '28s' },
  objective: 'met',
  objectives: [
    { name: 'p99', value: '28s', met: true, pods: 20, over: 0 },
    { name: 'p95-pull-image', value: '7.9s', met: true, pods: 20, over: 1 },
  ],
  operations: OPERATIONS,
  slowest: [
    {
      pod: 'checkout-6f5d8c9b7c-x2x4p',
      traceID: '4bf92f3577b34da6a3ce929d0e0e4736',
      url: 'https://jaeger.example/trace/4bf92f3577b34da6a3ce929d0e0e4736',
      outcome: 'ready',
      startup: '28s',
      longest: 'pull image',
      why: 'Ready after 28 s; 26 s (93 %) pulling registry.example/shop/checkout:2, behind 3 other pulls on node-1',
    },
    {
      pod: 'checkout-6f5d8c9b7c-aaaaa',
      traceID: '4bf92f3577b34da6a3ce929d0e0e4737',
      outcome: 'ready',
      startup: '9.8s',
      longest: 'schedule',
      why: '',
    },
  ],
  stuck: [],
}

export const FAILED: TraceSessionStatus = {
  ...RUNNING,
  phase: 'Failed',
  completionTime: '2026-11-22T12:03:20Z',
  conditions: [
    ACCEPTED,
    condition('Exporting', [
      'False',
      'NoExporter',
      'No exporter is configured: the session judges, and exports no traces.',
    ]),
    condition('EvidenceComplete', [
      'False',
      'EvidenceMissing',
      '2 of 20 traces lack some evidence and are coarser: see podspan.evidence.missing on them.',
    ]),
    complete(
      'True',
      'RolloutFailed',
      'The rollout has failed; missed p99: 3 of 20 pods failed or took longer than 30s.',
    ),
  ],
  pods: { ...PODS, ready: 17, failed: 1, unstable: 1, timedOut: 1 },
  objectives: [
    { name: 'p99', value: 'never', met: false, pods: 20, over: 3 },
    { name: 'p95-pull-image', pods: 0, over: 0 },
  ],
}

export const INCONCLUSIVE: TraceSessionStatus = {
  phase: 'Inconclusive',
  completionTime: '2026-11-22T12:30:00Z',
  conditions: [
    ACCEPTED,
    complete(
      'True',
      'Timeout',
      'The timeout was reached (12 of 20 updated pods are available); no pod was started meanwhile.',
    ),
  ],
  pods: { ...PODS, matched: 0, ready: 0 },
  traces: { exported: 0, sampledOut: 0, dropped: 0, pending: 0 },
}

const NOT_ALLOWED =
  'A session sees pods of its own namespace; namespaceSelector is allowed only in podspan. Remove it.'

export const NOT_ACCEPTED: TraceSessionStatus = {
  phase: 'Error',
  conditions: [
    condition('Accepted', ['False', 'NamespaceSelectorNotAllowed', NOT_ALLOWED]),
    complete('True', 'NotAccepted', NOT_ALLOWED),
  ],
}

export const TAKEN: TraceSessionStatus = { phase: 'Pending', conditions: [ACCEPTED] }

/** As the API server has it. */
export function session(
  status: TraceSessionStatus | undefined,
  name = 'checkout-7kx2p',
  spec: object = {},
): TraceSession {
  const parsed = parseTraceSession({
    apiVersion: 'podspan.dev/v1alpha1',
    kind: 'TraceSession',
    metadata: {
      name,
      namespace: 'shop',
      uid: `uid-of-${name}`,
      generation: 1,
      resourceVersion: '7',
      creationTimestamp: '2026-11-22T12:00:00Z',
    },
    spec: {
      targetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'checkout' },
      objectives: [
        { name: 'p99', percentile: 99, threshold: '30s' },
        { name: 'p95-pull-image', percentile: 95, threshold: '10s', operation: 'pull image' },
      ],
      ...spec,
    },
    status,
  })
  if (parsed.kind !== 'ok') throw new Error(parsed.problems.join('; '))
  if (status && !parsed.session.status) throw new Error('the status is none that Podspan could write')
  return parsed.session
}

export interface SessionSurroundings extends Surroundings {
  readonly server: SessionServer
  readonly kubeconfig: string
  /** Resolves when stderr matches. */
  said(pattern: RegExp): Promise<void>
}

export async function sessionSurroundings(
  t: TestContext,
  options: SessionServerOptions = {},
  some: Partial<Context> = {},
): Promise<SessionSurroundings> {
  const server = await SessionServer.start(options)
  const directory = mkdtempSync(join(tmpdir(), 'podspan-session-'))
  const kubeconfig = join(directory, 'config')
  writeFileSync(kubeconfig, JSON.stringify(kubeconfigFor(server.url)))
  t.after(async () => {
    await server.close()
    rmSync(directory, { recursive: true })
  })
  const plain = surroundings({ env: { PATH: process.env['PATH'] }, ...some })
  const waiting = new Set<() => void>()
  const terminal = {
    ...plain.context.terminal,
    say: (sentence: string): void => {
      plain.context.terminal.say(sentence)
      for (const check of waiting) check()
    },
  }
  const said = (pattern: RegExp): Promise<void> =>
    new Promise((resolve) => {
      const check = (): void => {
        if (!pattern.test(plain.err())) return
        waiting.delete(check)
        resolve()
      }
      waiting.add(check)
      check()
    })
  return { ...plain, context: { ...plain.context, terminal }, server, kubeconfig, said }
}
