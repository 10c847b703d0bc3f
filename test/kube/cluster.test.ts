// Owns the cluster as one source: all streams, missing rights with their cost, past events, the rare calls.
// Promises what src/cli and the controller build on.
// Does not repeat what one stream does: see reflector.test.ts.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { manualClock } from '../../src/base/clock.ts'
import type { Frame } from '../../src/base/frame.ts'
import { seconds } from '../../src/base/time.ts'
import { type Cluster, watchCluster, type WatchClusterOptions } from '../../src/kube/cluster.ts'
import { openDirect } from '../../src/kube/config.ts'
import { COSTS } from '../../src/kube/sources.ts'
import type { Obj } from '../simulator/encode.ts'
import { eventObject, leaseObject, nodeObject, ownerObject, podObject, uidOf } from '../simulator/objects.ts'
import { SimulatedApiServer } from '../simulator/server.ts'
import { metaOf } from '../simulator/store.ts'
import { START, say, type TestClock, until } from './harness.ts'

interface Opened extends AsyncDisposable {
  readonly server: SimulatedApiServer
  readonly cluster: Cluster
  readonly frames: Frame[]
  readonly clock: TestClock
  until(what: string, holds: () => boolean, moves?: 'moves'): Promise<void>
}

async function open(
  prepare: (server: SimulatedApiServer) => void,
  options: WatchClusterOptions = {},
): Promise<Opened> {
  const server = await SimulatedApiServer.start()
  prepare(server)
  const clock = manualClock(START)
  const connection = openDirect(server.url)
  const frames: Frame[] = []
  const cluster = watchCluster(connection, {
    clock,
    random: () => 0.5,
    onFrame: (frame) => frames.push(frame),
    ...options,
  })
  return {
    server,
    cluster,
    frames,
    clock,
    until: (what, holds, moves) => until(clock, what, holds, moves),
    [Symbol.asyncDispose]: async () => {
      await cluster.close()
      await connection.close()
      await server.close()
    },
  }
}

const readyPod = (number: number, namespace = 'default'): Obj =>
  podObject({ number, resourceVersion: 0, namespace })
const startingPod = (number: number, namespace = 'default'): Obj =>
  podObject({ number, resourceVersion: 0, namespace, stage: 'bound' })
/** With the labels that the workload's selector asks for. */
const selected = (object: Obj): Obj => {
  const metadata = object['metadata'] as Obj
  return { ...object, metadata: { ...metadata, labels: { app: 'web', tier: 'a' } } }
}
const event = (number: number, pod: number, namespace = 'default'): Obj =>
  eventObject({ number, resourceVersion: 0, pod, namespace })

const forbid = (server: SimulatedApiServer, resource: string): void =>
  server.fail(
    resource,
    'any',
    { kind: 'status', code: 403, reason: 'Forbidden', message: `${resource} is forbidden` },
    Number.POSITIVE_INFINITY,
  )

function whole(server: SimulatedApiServer): void {
  server.store.load('pods', [readyPod(1)])
  server.store.load('nodes', [nodeObject(1, 0)])
  server.store.load('leases', [leaseObject(1, 0)])
  server.store.load('replicasets', [ownerObject(1, 0)])
}

const from = (frames: readonly Frame[], source: string): string[] =>
  frames.filter((frame) => 'source' in frame && frame.source === source).map(say)

test('a cluster is pods, events, nodes, leases and owners', async () => {
  await using c = await open(whole)
  await c.cluster.ready
  assert.deepStrictEqual(c.cluster.missing(), [])
  assert.deepStrictEqual(from(c.frames, 'nodes'), ['added node-1@3 initial', 'synced'])
  assert.deepStrictEqual(from(c.frames, 'leases'), ['added node-1@4 initial', 'synced'])
  assert.deepStrictEqual(from(c.frames, 'replicasets'), ['added web-1@5 initial', 'synced'])
  assert.deepStrictEqual(from(c.frames, 'events'), ['synced'])
  const paths = c.server.requests.map((request) => request.path)
  assert.ok(paths.includes('/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases'))
  assert.ok(paths.includes('/apis/batch/v1/cronjobs'))
})

test('without rights on nodes, leases and events it goes on, and says what that costs', async () => {
  await using c = await open((server) => {
    whole(server)
    for (const resource of ['nodes', 'leases', 'events']) forbid(server, resource)
  })
  await c.cluster.ready
  assert.deepStrictEqual(
    c.cluster.missing().toSorted((a, b) => (a.resource < b.resource ? -1 : 1)),
    ['events', 'leases', 'nodes'].map((resource) => ({
      resource,
      reason: `${resource} is forbidden`,
      cost: COSTS[resource],
    })),
  )
  c.server.store.apply('pods', readyPod(2))
  await c.until('a pod', () => from(c.frames, 'pods').length === 3)
})

test('a right granted later ends the complaint', async () => {
  await using c = await open((server) => {
    whole(server)
    server.fail('nodes', 'any', { kind: 'status', code: 403, reason: 'Forbidden' })
  })
  await c.cluster.ready
  assert.equal(c.cluster.missing().length, 1)
  c.clock.advance(seconds(230))
  await c.until('nodes', () => from(c.frames, 'nodes').length === 2, 'moves')
  assert.deepStrictEqual(c.cluster.missing(), [])
})

test('past events are read for namespaces with pods in flight, and only there', async () => {
  await using c = await open((server) => {
    server.store.load('pods', [readyPod(1, 'quiet'), startingPod(2, 'busy')])
    server.store.load('events', [event(1, 1, 'quiet'), event(2, 2, 'busy'), event(3, 2, 'busy')])
  })
  await c.until(
    'two past events',
    () => from(c.frames, 'events').filter((each) => each.startsWith('added')).length === 2,
  )
  assert.ok(from(c.frames, 'events').every((each) => each === 'synced' || each.endsWith('initial')))
  const listed = c.server.requests.filter((request) => request.resource === 'events' && !request.watch)
  assert.deepStrictEqual(
    listed.map((request) => [request.path, request.query.get('limit')]),
    [
      ['/api/v1/events', '1'],
      ['/api/v1/namespaces/busy/events', '500'],
    ],
  )
  assert.equal(c.cluster.backfill.events, 2)
})

test('past events are read too where a list shows a pod to be over that is wanted, and once', async () => {
  const prepare = (server: SimulatedApiServer): void => {
    server.store.load('pods', [readyPod(1, 'quiet'), readyPod(2, 'missed')])
    server.store.load('events', [event(1, 1, 'quiet'), event(2, 2, 'missed')])
  }
  await using c = await open(prepare, { wantsPast: (pod) => pod.namespace === 'missed' })
  await c.until('the past event', () => c.cluster.backfill.events === 1)
  assert.deepStrictEqual(readNamespaces(c), ['missed'])
  await c.until('the watch', () => c.server.openWatches('events') === 1)
  c.server.resetWatches('events')
  await c.until('the reset is seen', () => c.cluster.counters.get('events')?.state === 'waiting')
  c.server.store.apply('events', event(3, 2, 'missed'))
  c.server.compact()
  await c.until('a second run', () => c.cluster.backfill.runs === 2, 'moves')
  assert.deepStrictEqual(readNamespaces(c), ['missed'])
})

const readNamespaces = (c: Opened): (string | undefined)[] =>
  c.server.requests
    .filter((request) => request.resource === 'events' && !request.watch)
    .map(({ path }) => /namespaces\/([^/]+)/.exec(path)?.[1])
    .filter((namespace) => namespace !== undefined)

test('after a gap in the events they are read again, as a relist', async () => {
  await using c = await open((server) => {
    server.store.load('pods', [startingPod(1)])
    server.store.load('events', [event(1, 1)])
  })
  await c.until('the past event', () => c.cluster.backfill.events === 1)
  await c.until('the watch', () => c.server.openWatches('events') === 1)
  c.server.resetWatches('events')
  await c.until('the reset is seen', () => c.cluster.counters.get('events')?.state === 'waiting')
  c.server.store.apply('events', event(2, 1))
  c.server.compact()
  await c.until('two more', () => c.cluster.backfill.events === 3, 'moves')
  assert.equal(from(c.frames, 'events').filter((each) => each.endsWith('relist')).length, 2)
  assert.equal(from(c.frames, 'events').filter((each) => each.startsWith('gap')).length, 1)
})

test('one namespace asks for that namespace only, nodes and leases excepted', async () => {
  await using c = await open(whole, { namespace: 'shop', podLabelSelector: 'app=web' })
  await c.cluster.ready
  const paths = c.server.requests.map((request) => request.path)
  assert.ok(paths.includes('/api/v1/namespaces/shop/pods'))
  assert.ok(paths.includes('/apis/apps/v1/namespaces/shop/deployments'))
  assert.ok(paths.includes('/api/v1/nodes'))
  const pods = c.server.requests.find((request) => request.resource === 'pods')
  assert.equal(pods?.query.get('labelSelector'), 'app=web')
})

test('frames come as an iterable to one reader, and end with the cluster', async () => {
  const server = await SimulatedApiServer.start()
  whole(server)
  const connection = openDirect(server.url)
  const cluster = watchCluster(connection, { clock: manualClock(START), streams: ['pods'] })
  const got: string[] = []
  for await (const frame of cluster.frames()) {
    got.push(say(frame))
    if (frame.kind === 'synced') await cluster.close()
  }
  assert.equal(got.at(-1), 'synced')
  await connection.close()
  await server.close()
})

test('a slow reader stops the streams and gets everything in order', async () => {
  const server = await SimulatedApiServer.start()
  server.store.load(
    'pods',
    Array.from({ length: 40 }, (_, n) => readyPod(n)),
  )
  const connection = openDirect(server.url)
  const clock = manualClock(START)
  const cluster = watchCluster(connection, { clock, streams: ['pods'], queueFrames: 8 })
  await until(clock, 'the valve closes', () => !cluster.valve.isOpen)
  for (let n = 0; n < 40; n++) server.store.apply('pods', readyPod(n))
  const versions: number[] = []
  for await (const frame of cluster.frames()) {
    if ('record' in frame) versions.push(Number(frame.record.resourceVersion))
    if (versions.length === 80) await cluster.close()
  }
  assert.deepStrictEqual(
    versions,
    Array.from({ length: 80 }, (_, n) => n + 2),
  )
  await connection.close()
  await server.close()
})

test('one pod, its events, the workload and its current pods are read by name', async () => {
  await using c = await open((server) => {
    server.store.load('pods', [selected(readyPod(1)), selected(startingPod(2)), readyPod(3)])
    server.store.load('events', [event(1, 1), event(2, 2)])
    server.store.load('replicasets', [selected(ownerObject(1, 0))])
  })
  const { api } = c.cluster
  const pod = await api.getPod('default', 'web-6f5d8c9b7c-00001')
  assert.ok(pod.ok)
  assert.equal(pod.value.uid, uidOf(1, 1))
  const none = await api.getPod('default', 'nobody')
  assert.equal(none.ok || none.failure.kind, 'not-found')
  const events = await api.readEvents('default', { involvedUid: uidOf(1, 2) })
  assert.ok(events.ok)
  assert.deepStrictEqual(
    events.value.events.map((each) => each.involved.uid),
    [uidOf(1, 2)],
  )
  assert.equal(events.value.truncated, false)
  const deployment = {
    metadata: {
      name: 'web',
      namespace: 'default',
      uid: uidOf(6, 1),
      annotations: { 'deployment.kubernetes.io/revision': '3' },
    },
    spec: {
      replicas: 2,
      selector: {
        matchLabels: { app: 'web' },
        matchExpressions: [{ key: 'tier', operator: 'In', values: ['a', 'b'] }],
      },
    },
  }
  c.server.fail('web', 'list', {
    kind: 'body',
    contentType: 'application/json',
    body: Buffer.from(JSON.stringify(deployment)),
  })
  const workload = await api.workloadPods('deployments', 'default', 'web')
  assert.ok(workload.ok)
  assert.equal(workload.value.workload.selector, 'app=web,tier in (a,b)')
  assert.equal(workload.value.replicaSet?.name, 'web-1')
  assert.equal(workload.value.pods.length, 2)
})

test('the limit on past events is kept and said', async () => {
  await using c = await open((server) =>
    server.store.load(
      'events',
      Array.from({ length: 9 }, (_, n) => event(n, 1)),
    ),
  )
  const read = await c.cluster.api.readEvents('default', { limit: 4 })
  assert.ok(read.ok)
  assert.deepStrictEqual([read.value.events.length, read.value.truncated], [4, true])
})

const nodeClaim = (number: number): Obj => ({
  apiVersion: 'karpenter.sh/v1',
  kind: 'NodeClaim',
  metadata: { name: `spot-${number}`, uid: `nodeclaim-${number}` },
  status: { nodeName: `node-${number}` },
})

test('a group that is not served is nothing to miss, and nothing of it is listed', async () => {
  await using c = await open(whole)
  await c.cluster.ready
  assert.deepStrictEqual(c.cluster.missing(), [])
  assert.deepStrictEqual(from(c.frames, 'nodeclaims'), [])
  const paths = c.server.requests.map(({ path }) => path).filter((path) => path.includes('karpenter'))
  assert.deepStrictEqual(paths, ['/apis/karpenter.sh'])
  assert.equal(c.cluster.counters.get('nodeclaims')?.state, 'absent')
})

test('a group that is installed later is found within five minutes', async () => {
  await using c = await open(whole)
  await c.cluster.ready
  c.server.groups.set('karpenter.sh', ['v1'])
  c.server.store.load('nodeclaims', [nodeClaim(1)])
  c.clock.advance(seconds(300))
  await c.until('NodeClaims', () => from(c.frames, 'nodeclaims').length === 2, 'moves')
  assert.equal(c.cluster.counters.get('nodeclaims')?.state, 'live')
})

test('a version that is not served any more is left for the one that is, and what went meanwhile is deleted', async () => {
  const [first, second] = [nodeClaim(1), nodeClaim(2)]
  await using c = await open((server) => {
    whole(server)
    server.groups.set('karpenter.sh', ['v1beta1'])
    server.store.load('nodeclaims', [first, second])
  })
  await c.until('a watch', () => c.server.openWatches('nodeclaims') === 1, 'moves')
  c.server.groups.set('karpenter.sh', ['v1'])
  c.server.endWatches('nodeclaims')
  c.server.store.remove('nodeclaims', metaOf(first).uid)
  await c.until('the other version', () => from(c.frames, 'nodeclaims').length === 5, 'moves')
  const paths = c.server.requests.map(({ path }) => path).filter((path) => path.endsWith('/nodeclaims'))
  assert.deepStrictEqual(
    [paths[0], paths.at(-1)],
    ['/apis/karpenter.sh/v1beta1/nodeclaims', '/apis/karpenter.sh/v1/nodeclaims'],
  )
  assert.deepStrictEqual(c.cluster.missing(), [])
  const gone = c.frames.filter((frame) => frame.kind === 'deleted' && frame.source === 'nodeclaims')
  assert.deepStrictEqual(
    gone.map((frame) => 'record' in frame && [frame.record.uid, frame.synthetic]),
    [['nodeclaim-1', true]],
  )
})

test('a resource of a group that is served, which is not, is asked for rarely', async () => {
  await using c = await open((server) => {
    whole(server)
    server.groups.set('karpenter.sh', ['v1'])
    server.fail('nodeclaims', 'any', { kind: 'status', code: 404, reason: 'NotFound', message: 'no' }, 1000)
  })
  await c.cluster.ready
  const asked = (): number => c.server.requests.filter(({ path }) => path.endsWith('/nodeclaims')).length
  assert.equal(asked(), 1)
  c.clock.advance(seconds(120))
  for (let turn = 0; turn < 200; turn++) await new Promise((resolve) => setImmediate(resolve))
  assert.equal(asked(), 1)
})

test('of the versions that a server has, the best is watched that can be read', async () => {
  await using c = await open((server) => {
    whole(server)
    server.groups.set('kueue.x-k8s.io', ['v1alpha1', 'v1beta1'])
    server.groups.set('resource.k8s.io', ['v1alpha3'])
  })
  await c.cluster.ready
  const paths = new Set(c.server.requests.map(({ path }) => path))
  assert.ok(paths.has('/apis/kueue.x-k8s.io/v1beta1/workloads'))
  assert.ok(![...paths].some((path) => path.endsWith('/resourceclaims')))
})

test('a server that cannot say which groups it has is asked again, and pods do not wait for it', async () => {
  await using c = await open((server) => {
    whole(server)
    server.fail('karpenter.sh', 'any', { kind: 'status', code: 503 })
    server.groups.set('karpenter.sh', ['v1'])
  })
  await c.until('pods', () => from(c.frames, 'pods').length === 2)
  await c.until('NodeClaims', () => from(c.frames, 'nodeclaims').length === 1, 'moves')
  await c.cluster.ready
})
