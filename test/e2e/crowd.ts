// Owns the proof that a thousand pods at once are told right, on a real API server, scheduler and controller manager at high rates, with
// nodes whose kubelets KWOK plays, and on hollow nodes: the kubelet's own code over a pretended runtime. Promises the API server's own audit
// log as the ledger: each pod that it stored as Ready has exactly one trace, and what the trace says of its creation and of Ready holds what
// the log says. Needs a cluster with PODSPAN_CLUSTER_AUDIT=1. Does not judge what only a real runtime does: pulls, sandboxes and containers.

import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { apiServerUrl } from '../cluster/certificates.ts'
import { kubectl } from '../cluster/cluster.ts'
import { auditLog } from '../cluster/control-plane.ts'
import { startKwok, stopKwok } from '../cluster/karpenter.ts'
import { startHollowNodes, stopHollowNodes } from '../cluster/kubemark.ts'
import { clusterLayout, type Layout } from '../cluster/layout.ts'
import { Api } from '../scenarios/api.ts'
import { eventually, newNamespace, removeNamespace, whenGone } from '../scenarios/namespaces.ts'
import { startOperator } from '../simulator/operator.ts'
import { traceIdOf } from '../simulator/judge.ts'
import { startOtlpReceiver } from '../support/otlp-receiver.ts'
import type { DecodedSpan } from '../support/otlp-receiver-decode.ts'
import { type AuditedPod, type Moment, readAudit } from './audit-ledger.ts'
import { noCluster } from './trace-support.ts'
import { applyMissingCrds, CRD, wholeCluster } from './whole-cluster.ts'

const PODS = Number(process.env['PODSPAN_E2E_CROWD'] ?? 1000)
const DEPLOYMENTS = 10
const POOL = { 'podspan.dev/pool': 'crowd' }
/** As the kubelet's default is; with room for those that another's rollout would leave behind. */
const PODS_EACH = 110
const HOLLOW_NODES = Math.ceil(PODS / PODS_EACH) + 1
const TAINT = { key: 'podspan.dev/pool', value: 'crowd', effect: 'NoSchedule' }
/** As docs/accuracy.md asks of all boundaries. */
const INSIDE_MIN = 0.99
const definition = join(import.meta.dirname, '..', '..', 'crds', 'podspan.dev_tracesessions.yaml')

const withoutAudit =
  noCluster ||
  (!existsSync(auditLog(clusterLayout())) &&
    'the API server writes no audit log: bring the cluster up with PODSPAN_CLUSTER_AUDIT=1')

/** Who plays the nodes. */
interface Players {
  readonly name: string
  start(api: Api, layout: Layout): Promise<void>
  stop(): Promise<void>
}

const KWOK_NODES = 20
const kwokNode = (number: number) => ({
  apiVersion: 'v1',
  kind: 'Node',
  metadata: {
    name: `crowd-${number}`,
    labels: { ...POOL, 'kubernetes.io/hostname': `crowd-${number}` },
    annotations: { 'kwok.x-k8s.io/node': 'fake' },
  },
  spec: { taints: [TAINT] },
  status: {
    allocatable: { cpu: '64', memory: '256Gi', pods: '200' },
    capacity: { cpu: '64', memory: '256Gi', pods: '200' },
  },
})

const PLAYERS: readonly Players[] = [
  {
    name: 'nodes of KWOK',
    start: async (api, layout) => {
      await startKwok(layout)
      for (let number = 0; number < KWOK_NODES; number++) await api.create(kwokNode(number))
    },
    stop: async () => {
      await kubectl(['delete', 'node', '-l', 'podspan.dev/pool=crowd', '--ignore-not-found'])
      await stopKwok()
    },
  },
  {
    name: 'hollow nodes of kubemark',
    start: (_, layout) =>
      startHollowNodes(layout, {
        nodes: HOLLOW_NODES,
        podsEach: PODS_EACH,
        pool: ['podspan.dev/pool', 'crowd'],
        taint: `${TAINT.key}=${TAINT.value}:${TAINT.effect}`,
      }),
    stop: () => stopHollowNodes({ nodes: HOLLOW_NODES }),
  },
]

const deployment = (namespace: string, number: number) => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name: `crowd-${number}`, namespace },
  spec: {
    replicas: PODS / DEPLOYMENTS,
    selector: { matchLabels: { app: `crowd-${number}` } },
    template: {
      metadata: { labels: { app: `crowd-${number}` } },
      spec: {
        nodeSelector: POOL,
        tolerations: [{ key: TAINT.key, operator: 'Exists' }],
        containers: [{ name: 'app', image: 'crowd.example/app:1' }],
      },
    },
  },
})

interface Found {
  readonly lost: string[]
  readonly repeated: string[]
  readonly wrong: string[]
  readonly outside: string[]
  boundaries: number
}

function judge(pods: Iterable<AuditedPod>, roots: ReadonlyMap<string, readonly DecodedSpan[]>): Found {
  const found: Found = { lost: [], repeated: [], wrong: [], outside: [], boundaries: 0 }
  for (const pod of pods) {
    const [root, ...more] = roots.get(traceIdOf(pod.uid)) ?? []
    if (!root) {
      found.lost.push(pod.name)
      continue
    }
    if (more.length > 0) found.repeated.push(pod.name)
    const outcome = root.attributes['podspan.outcome']
    if (outcome !== 'ready') found.wrong.push(`${pod.name} is told as ${String(outcome)}`)
    for (const [side, moment] of [
      ['start', pod.created],
      ['end', pod.ready],
    ] as const) {
      if (!moment) continue
      found.boundaries += 1
      if (!holds(root, side, moment)) found.outside.push(`${pod.name}: ${side}, ${apart(root, side, moment)}`)
    }
  }
  return found
}

const bound = (root: DecodedSpan, side: 'start' | 'end', what: 'early' | 'late'): bigint =>
  BigInt(Math.ceil(Number(root.attributes[`podspan.${side}.${what}_ms`] ?? 0) * 1e6))

const holds = (root: DecodedSpan, side: 'start' | 'end', { from, to }: Moment): boolean =>
  root[side] - bound(root, side, 'early') <= to && root[side] + bound(root, side, 'late') >= from

const apart = (root: DecodedSpan, side: 'start' | 'end', { from, to }: Moment): string =>
  `told ${Number(root[side] - to) / 1e6} ms after the answer, ${Number(root[side] - from) / 1e6} after the request, by ${String(root.attributes[`podspan.${side}.source`])}`

for (const players of PLAYERS)
  describe(`${PODS} pods at once, on ${players.name}`, { skip: withoutAudit, timeout: 900_000 }, () => {
    test('each that was stored as Ready is told once, and as the audit log says', () => playCrowd(players))
  })

async function playCrowd(players: Players): Promise<void> {
  const letGo = await wholeCluster()
  const layout = clusterLayout()
  const api = new Api()
  const namespace = await newNamespace(api, 'podspan-e2e-crowd')
  const removeCrd = await applyMissingCrds(new Map([[CRD, definition]]))
  await kubectl(['apply', '--server-side', '-f', '-'], {
    input: JSON.stringify({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'podspan-system' } }),
  })
  const roots = new Map<string, DecodedSpan[]>()
  const receiver = await startOtlpReceiver({
    protocol: 'http',
    keep: 'counts',
    onSpans: (spans) => {
      for (const span of spans.filter(({ name }) => name === 'pod startup'))
        roots.set(span.traceId, [...(roots.get(span.traceId) ?? []), span])
    },
  })
  const token = readFileSync(join(layout.certificates, 'tokens.csv'), 'utf8').split(',', 1)[0] ?? ''
  const ca = readFileSync(join(layout.certificates, 'ca.crt'), 'utf8')
  try {
    await using operator = await startOperator({
      url: apiServerUrl,
      ca,
      token,
      endpoint: receiver.url,
      config: { startTimeout: '10m' },
    })
    await operator.said('podspan is ready')
    await players.start(api, layout)
    await nodesAreReady()
    const begun = performance.now()
    for (let number = 0; number < DEPLOYMENTS; number++) await api.create(deployment(namespace, number))
    const ledger = (): AuditedPod[] => [...readAudit(auditLog(layout), namespace).values()]
    await eventually(
      'all pods are Ready',
      async () => ledger().filter(({ ready }) => ready).length >= PODS,
      300,
    )
    const seconds = (performance.now() - begun) / 1000
    await eventually(
      'all are told',
      async () => ledger().every(({ uid }) => roots.has(traceIdOf(uid))),
      60,
    ).catch(() => undefined)
    assertTold(ledger(), roots, seconds)
  } finally {
    await receiver.close()
    await removeNamespace(api, namespace)
    await whenGone(api, namespace).catch(() => undefined)
    await players.stop()
    // The next one needs it anew.
    await kubectl(['delete', 'namespace', 'podspan-system', '--ignore-not-found', '--timeout=60s'])
    await removeCrd()
    letGo()
  }
}

/** A hollow node registers itself in its own time. */
async function nodesAreReady(): Promise<void> {
  const selected = ['node', '-l', 'podspan.dev/pool=crowd']
  await eventually('there are nodes', async () => (await kubectl(['get', ...selected, '-o', 'name'])) !== '')
  await kubectl(['wait', '--for=condition=Ready', '--timeout=120s', ...selected])
}

function assertTold(
  pods: readonly AuditedPod[],
  roots: ReadonlyMap<string, readonly DecodedSpan[]>,
  seconds: number,
): void {
  const { boundaries, lost, outside, repeated, wrong } = judge(pods, roots)
  console.log(
    `  ${pods.length} pods Ready within ${seconds.toFixed(1)} s (${(pods.length / seconds).toFixed(0)}/s): ${lost.length} lost, ${repeated.length} repeated, ${wrong.length} wrong; ${outside.length} of ${boundaries} boundaries outside`,
  )
  assert.deepEqual(
    { lost: lost.slice(0, 5), repeated: repeated.slice(0, 5), wrong: wrong.slice(0, 5) },
    { lost: [], repeated: [], wrong: [] },
  )
  assert.ok(outside.length <= (1 - INSIDE_MIN) * boundaries, outside.slice(0, 10).join('\n'))
}
