// Owns the proof that the command line traces real starts: watch, trace, record, replay and check against a real cluster.
// Promises to need no more than a cluster, and four minutes. Does not judge accuracy: test/accuracy does.

import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { parseRfc3339, unixNano } from '../../src/base/time.ts'
import { type TruthSpan, truthCursor } from '../accuracy/collector.ts'
import { pushFreshImage, readCluster } from '../cluster/cluster.ts'
import { Api, type KubeObject, pathOf } from '../scenarios/api.ts'
import { container, deployment, pod, server, template } from '../scenarios/manifests.ts'
import { eventually, freshNamespace, removeNamespace } from '../scenarios/namespaces.ts'
import { clock, isReady } from '../scenarios/stage.ts'
import {
  bounds,
  describeSpan,
  expectedIds,
  noCluster,
  podspan,
  type Running,
  spansOf,
  startPodspan,
} from './trace-support.ts'

const namespace = 'e2e-trace'
const REPLICAS = 3

interface Started {
  readonly api: Api
  readonly directory: string
  readonly recording: string
  readonly watch: Running
  /** What the Collector has received of this pod since the start. */
  readonly exported: (uid: string) => TruthSpan[]
  readonly pods: readonly { readonly name: string; readonly uid: string; readonly created: bigint }[]
}

describe('the command line against a real cluster', { skip: noCluster, timeout: 240_000 }, () => {
  let started: Started
  before(async () => {
    started = await startPods()
  })
  after(async () => {
    // Where the start failed, it has ended what it began.
    if (started === undefined) return
    await started.watch.stop()
    await removeNamespace(started.api, namespace)
    started.api.close()
    await rm(started.directory, { recursive: true, force: true })
  })

  test('watch exports exactly one trace per pod, whole, nested, from created to Ready', async () => {
    for (const { uid, created } of started.pods) {
      const spans = started.exported(uid)
      const roots = spans.filter(({ parentSpanId }) => parentSpanId === undefined)
      assert.equal(roots.length, 1)
      const [root] = roots as [TruthSpan]
      assert.equal(root.name, 'pod startup')
      assert.equal(root.spanId, expectedIds(uid).rootId)
      assert.equal(root.attributes['podspan.outcome'], 'ready')
      assert.equal(new Set(spans.map(({ spanId }) => spanId)).size, spans.length, 'no span twice')
      assert.ok(root.start >= created && root.start < created + 2_000_000_000n, 'begins when it was created')
      assertNested(spans)
      const names = new Set(spans.map(({ name }) => name))
      for (const name of [
        'schedule',
        'pull image',
        'create container',
        'start container',
        'run init container',
      ])
        assert.ok(names.has(name), `${name} is there`)
    }
  })

  test('trace of a finished pod tells the same start, with the same ids', async () => {
    const [{ name, uid }] = started.pods as [(typeof started.pods)[number]]
    const args = ['trace', name, '--namespace', namespace, '--output', 'otlp-json', '--exit-code']
    const { code, stdout, stderr } = await podspan(args, readCluster().kubeconfig)
    assert.equal(code, 0, stderr)
    const now = spansOf(stdout, uid)
    assertSame(started.exported(uid), now)
  })

  test('trace of a pod that is still starting says what it waits for', async () => {
    const gates = { schedulingGates: [{ name: 'example.com/quota' }] }
    const { metadata } = await started.api.create(inNamespace(pod('gated', [server()], gates)))
    const args = ['trace', 'gated', '--namespace', namespace, '--no-follow', '--output', 'otlp-json']
    const { code, stdout, stderr } = await podspan(args, readCluster().kubeconfig)
    assert.equal(code, 0, stderr)
    const spans = spansOf(stdout, String(metadata.uid))
    const root = spans.find(({ parentSpanId }) => parentSpanId === undefined)
    assert.equal(root?.attributes['podspan.outcome'], 'starting')
    assert.ok(spans.some(({ name }) => name === 'wait at scheduling gate'))
    assert.match(String(root?.attributes['podspan.verdict']), /gate/)
  })

  test('what was recorded replays to the trace that was told live', async () => {
    const { code, stdout, stderr } = await podspan(['replay', started.recording, '--output', 'otlp-json'], '')
    assert.equal(code, 0, stderr)
    for (const { uid } of started.pods) assertSame(started.exported(uid), spansOf(stdout, uid))
  })

  test('check finds that everything may be seen', async () => {
    const { code, stdout, stderr } = await podspan(['check', '--for', '11s'], readCluster().kubeconfig)
    assert.equal(code, 0, `${stdout}\n${stderr}`)
    assert.match(stdout, /1 clock agrees with this machine's/)
    assert.match(stdout, new RegExp(`Kubernetes v${readCluster().kubernetesVersion.replaceAll('.', '\\.')}`))
  })

  test('watch ends on a signal with an account that adds up', async () => {
    const { code, stderr } = await started.watch.stop()
    assert.equal(code, 0, stderr)
    assert.match(stderr, /sent/)
  })
})

const inNamespace = (object: KubeObject): KubeObject => ({
  ...object,
  metadata: { ...object.metadata, namespace },
})

/** A Deployment whose images no node has, watched and recorded from before it was created until its starts settled. */
async function startPods(): Promise<Started> {
  const { kubeconfig, collector, podspanTracesFile } = readCluster()
  const api = new Api()
  const directory = await mkdtemp(join(tmpdir(), 'podspan-e2e-'))
  const recording = join(directory, 'starts.jsonl.gz')
  await freshNamespace(api, namespace)
  const cursor = truthCursor(podspanTracesFile)
  const exported = (uid: string): TruthSpan[] => {
    const { traceId } = expectedIds(uid)
    return cursor.read().filter((span) => span.traceId === traceId)
  }
  const scope = ['--namespace', namespace]
  const watch = startPodspan(['watch', ...scope, '--otlp-endpoint', collector.podspan.http], kubeconfig)
  const record = startPodspan(['record', ...scope, recording], kubeconfig)
  try {
    await eventually(
      'both watch',
      async () => /watching/.test(watch.said()) && /recording/.test(record.said()),
    )
    // Both say so when they begin to list; what is created before the lists are complete is not a live start.
    await clock.sleep(3000)
    const pods = await createDeployment(api)
    const isExported = ({ uid }: { uid: string }): boolean => exported(uid).length > 0
    await eventually('every trace is exported', async () => pods.every(isExported), 40)
    const { code, stderr } = await record.stop()
    assert.equal(code, 0, stderr)
    return { api, directory, recording, watch, exported, pods }
  } catch (error) {
    const [watched] = await Promise.all([watch.stop(), record.stop()])
    throw new Error(`${(error as Error).message}; watch said: ${watched.stderr}`)
  }
}

async function createDeployment(api: Api): Promise<Started['pods']> {
  const [first, second] = await Promise.all([pushFreshImage('fresh', 8), pushFreshImage('fresh', 4)])
  const initContainers = [container('prepare', 'sleep 1', { image: first })]
  const readinessProbe = { exec: { command: ['true'] }, periodSeconds: 1 }
  const pods = template('shop', [server({ image: second, readinessProbe })], { initContainers })
  await api.create(inNamespace(deployment('shop', REPLICAS, pods)))
  let items: readonly KubeObject[] = []
  const allReady = async (): Promise<boolean> => {
    const { body } = await api.send('GET', pathOf({ apiVersion: 'v1', kind: 'Pod', namespace }))
    items = (JSON.parse(body) as { items: KubeObject[] }).items
    return items.length === REPLICAS && items.every(isReady)
  }
  await eventually('the Deployment is ready', allReady, 90)
  return items.map(({ metadata: { name, uid, creationTimestamp } }) => ({
    ...{ name, uid: String(uid) },
    created: parseRfc3339(creationTimestamp) ?? 0n,
  }))
}

function assertNested(spans: readonly TruthSpan[]): void {
  const byId = new Map(spans.map((span) => [span.spanId, span]))
  for (const span of spans) {
    assert.ok(span.end >= span.start, `${span.name} ends after it starts`)
    if (span.parentSpanId === undefined) continue
    const parent = byId.get(span.parentSpanId)
    assert.ok(parent, `${span.name} has its parent`)
    assert.ok(span.start >= parent.start && span.end <= parent.end, `${span.name} lies within ${parent.name}`)
  }
}

/** The same operations by id and name; and two intervals that hold the same truth overlap. */
function assertSame(expected: readonly TruthSpan[], actual: readonly TruthSpan[]): void {
  const origin = expected[0]?.start ?? unixNano(0n)
  const key = ({ spanId, name }: TruthSpan): string => `${spanId} ${name}`
  const evident = (spans: readonly TruthSpan[]): TruthSpan[] =>
    spans.filter(({ name }) => name !== 'unaccounted')
  assert.deepEqual(evident(actual).map(key).sort(), evident(expected).map(key).sort())
  for (const one of evident(expected)) {
    const other = actual.find(({ spanId }) => spanId === one.spanId)
    for (const side of ['start', 'end'] as const) {
      const [a, b] = [bounds(one, side), bounds(other ?? one, side)]
      const words = `${side} of ${describeSpan(one, origin)} against ${describeSpan(other ?? one, origin)}`
      assert.ok(a.from <= b.to && b.from <= a.to, words)
    }
  }
}
