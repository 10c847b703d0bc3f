// Owns the proof that the command line traces real starts: watch, trace, record, replay and check against a real cluster.
// Promises to need no more than a cluster, whoever's it is, and four minutes beside what its images take to pull.
// Does not judge accuracy: test/accuracy does.

import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { parseRfc3339 } from '../../src/base/time.ts'
import type { TruthSpan } from '../accuracy/collector.ts'
import { testedCluster, withoutAny } from '../cluster/foreign.ts'
import { Api, type KubeObject, pathOf } from '../scenarios/api.ts'
import { container, deployment, pod, server, template } from '../scenarios/manifests.ts'
import { eventually, newNamespace, removeNamespace } from '../scenarios/namespaces.ts'
import { clock, hasCondition, isReady } from '../scenarios/stage.ts'
import { type Destination, ourCollector, ownReceiver } from './received.ts'
import { assertNested, assertSame } from './same-trace.ts'
import { expectedIds, podspan, type Running, spansOf, startPodspan } from './trace-support.ts'

const REPLICAS = 3

/** What there is before any pod: removed again whatever follows. */
interface Place {
  readonly api: Api
  readonly kubeconfig: string
  readonly namespace: string
  readonly directory: string
  readonly destination: Destination
  readonly images: readonly [string, string]
}

interface Started {
  readonly recording: string
  readonly watch: Running
  readonly pods: readonly { readonly name: string; readonly uid: string; readonly created: bigint }[]
}

describe('the command line against a real cluster', { skip: withoutAny, timeout: 600_000 }, () => {
  let place: Place
  let started: Started
  const exported = (uid: string): readonly TruthSpan[] => exportedTo(place, uid)
  before(async () => {
    place = await takePlace()
    started = await startPods(place)
  })
  after(async () => {
    // Where the start failed, it has ended what it began.
    await started?.watch.stop()
    if (place !== undefined) await leavePlace(place)
  })

  test('watch exports exactly one trace per pod, whole, nested, from created to Ready', async () => {
    for (const { uid, created } of started.pods) {
      const spans = exported(uid)
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
      for (const name of ['schedule', 'create container', 'start container', 'run init container'])
        assert.ok(names.has(name), `${name} is there`)
    }
  })

  test('watch exports a pull of each image that was not on the node, and of no other', async () => {
    const pulled = new Set<string>()
    for (const { uid } of started.pods) {
      const pulls = exported(uid).filter(({ name }) => name === 'pull image')
      const shown = unique(pulls.map(({ attributes }) => String(attributes['k8s.container.name'])))
      assert.deepEqual(shown, await containersPulledFor(place, uid))
      for (const container of shown) pulled.add(container)
    }
    // What our own registry has was made a moment ago; the pod that came second may have found it there.
    if (testedCluster().isOurs) assert.ok(pulled.has('prepare'), [...pulled].join())
  })

  test('trace of a finished pod tells the same start, with the same ids', async () => {
    const [{ name, uid }] = started.pods as [(typeof started.pods)[number]]
    const args = ['trace', name, '--namespace', place.namespace, '--output', 'otlp-json', '--exit-code']
    const { code, stdout, stderr } = await podspan(args, place.kubeconfig)
    assert.equal(code, 0, stderr)
    const now = spansOf(stdout, uid)
    assertSame(exported(uid), now)
  })

  test('trace of a pod that is still starting says what it waits for', async () => {
    const gates = { schedulingGates: [{ name: 'example.com/quota' }] }
    const gated = pod('gated', [server({ image: place.images[0] })], gates)
    const { metadata } = await place.api.create(inNamespace(place.namespace, gated))
    const args = ['trace', 'gated', '--namespace', place.namespace, '--no-follow', '--output', 'otlp-json']
    const { code, stdout, stderr } = await podspan(args, place.kubeconfig)
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
    for (const { uid } of started.pods) assertSame(exported(uid), spansOf(stdout, uid))
  })

  test('check finds that everything may be seen, and a clock on every node', async () => {
    // A kubelet renews its Lease every 10 s.
    const args = ['check', '--for', testedCluster().isOurs ? '11s' : '21s']
    const { code, stdout, stderr } = await podspan(args, place.kubeconfig)
    assert.equal(code, 0, `${stdout}\n${stderr}`)
    const { gitVersion } = await read<{ gitVersion: string }>(place.api, '/version')
    assert.ok(stdout.includes(`Kubernetes ${gitVersion}`), stdout)
    const { items } = await read<List>(place.api, '/api/v1/nodes')
    const nodes = items.filter((node) => hasCondition(node, 'Ready')).length
    const agreeing = Number(/(\d+) clocks? agrees? with this machine's/.exec(stdout)?.[1])
    const off = [...stdout.matchAll(/(?:behind|ahead of) this machine's clock/g)].length
    // The API server's and the scheduler's show too where pods come meanwhile.
    assert.ok(agreeing + off >= nodes, stdout)
    if (testedCluster().isOurs) assert.equal(off, 0, stdout)
  })

  test('watch ends on a signal with an account that adds up', async () => {
    const { code, stderr } = await started.watch.stop()
    assert.equal(code, 0, stderr)
    assert.match(stderr, /sent/)
  })
})

interface List {
  readonly items: readonly KubeObject[]
}

const inNamespace = (namespace: string, object: KubeObject): KubeObject => ({
  ...object,
  metadata: { ...object.metadata, namespace },
})

async function read<T>(api: Api, path: string): Promise<T> {
  const { status, body } = await api.send('GET', path)
  assert.equal(status, 200, `${path}: ${body.slice(0, 400)}`)
  return JSON.parse(body) as T
}

async function takePlace(): Promise<Place> {
  const { kubeconfig, images: makeImages, isOurs } = testedCluster()
  const images = await makeImages()
  const api = new Api(kubeconfig)
  // First, since it is what may be refused.
  const namespace = await newNamespace(api, 'podspan-e2e-trace')
  const directory = await mkdtemp(join(tmpdir(), 'podspan-e2e-'))
  const destination = isOurs ? ourCollector() : await ownReceiver()
  return { api, kubeconfig, namespace, directory, destination, images }
}

async function leavePlace({ api, namespace, directory, destination }: Place): Promise<void> {
  await removeNamespace(api, namespace)
  api.close()
  await destination.close()
  await rm(directory, { recursive: true, force: true })
}

/** What has been received of this pod since the start. */
function exportedTo({ destination }: Place, uid: string): readonly TruthSpan[] {
  const { traceId } = expectedIds(uid)
  return destination.read().filter((span) => span.traceId === traceId)
}

/** The kubelet records that it pulls where the image is not there, and `already present` where it is. */
async function containersPulledFor({ api, namespace }: Place, uid: string): Promise<string[]> {
  const selector = encodeURIComponent(`involvedObject.uid=${uid},reason=Pulling`)
  const { items } = await read<List>(api, `/api/v1/namespaces/${namespace}/events?fieldSelector=${selector}`)
  const paths = items.map(({ involvedObject }) => (involvedObject as { fieldPath?: string }).fieldPath)
  return unique(paths.map((path) => /\{(.+)\}/.exec(path ?? '')?.[1] ?? ''))
}

/** A pull that failed is tried again. */
const unique = (names: readonly string[]): string[] => [...new Set(names)].sort()

/** A Deployment that is watched and recorded from before it was created until its starts settled. */
async function startPods(place: Place): Promise<Started> {
  const { kubeconfig, destination, directory } = place
  const recording = join(directory, 'starts.jsonl.gz')
  const scope = ['--namespace', place.namespace]
  const watch = startPodspan(['watch', ...scope, '--otlp-endpoint', destination.endpoint], kubeconfig)
  const record = startPodspan(['record', ...scope, recording], kubeconfig)
  try {
    await eventually(
      'both watch',
      async () => /watching/.test(watch.said()) && /recording/.test(record.said()),
    )
    // Both say so when they begin to list; what is created before the lists are complete is not a live start.
    await clock.sleep(3000)
    const pods = await createDeployment(place)
    const isExported = ({ uid }: { uid: string }): boolean => exportedTo(place, uid).length > 0
    await eventually('every trace is exported', async () => pods.every(isExported), 40)
    const { code, stderr } = await record.stop()
    assert.equal(code, 0, stderr)
    return { recording, watch, pods }
  } catch (error) {
    const [watched] = await Promise.all([watch.stop(), record.stop()])
    throw new Error(`${(error as Error).message}; watch said: ${watched.stderr}`)
  }
}

async function createDeployment({ api, namespace, images }: Place): Promise<Started['pods']> {
  const initContainers = [container('prepare', 'sleep 1', { image: images[0] })]
  const readinessProbe = { exec: { command: ['true'] }, periodSeconds: 1 }
  const pods = template('shop', [server({ image: images[1], readinessProbe })], { initContainers })
  await api.create(inNamespace(namespace, deployment('shop', REPLICAS, pods)))
  let items: readonly KubeObject[] = []
  const allReady = async (): Promise<boolean> => {
    items = (await read<List>(api, pathOf({ apiVersion: 'v1', kind: 'Pod', namespace }))).items
    return items.length === REPLICAS && items.every(isReady)
  }
  await eventually('the Deployment is ready', allReady, testedCluster().readySeconds)
  return items.map(({ metadata: { name, uid, creationTimestamp } }) => ({
    ...{ name, uid: String(uid) },
    created: parseRfc3339(creationTimestamp) ?? 0n,
  }))
}
