// Owns the whole operator against the simulated API server: sessions, status, leader, standby, missing rights, the end.
// Promises each behaviour from outside: what was written to the API server, what reached the backend, what HTTP says.
// Does not repeat what sessions compute: see test/session.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { seconds, unixNano } from '../../src/base/time.ts'
import { parseWatermarks, shortId, WATERMARK_ANNOTATION } from '../../src/controller/watermark.ts'
import { traceIdOf } from '../../src/trace/identity.ts'
import type { Obj } from '../simulator/encode.ts'
import type { ObjectRequest } from '../simulator/object-calls.ts'
import { metaOf } from '../simulator/store.ts'
import {
  livePod,
  openWorld,
  OWN,
  podUid,
  type Replica,
  sessionObject,
  startPod,
  type World,
} from './operator-harness.ts'

const ALL: Obj = { allPods: true, completion: { when: 'Never' }, exporter: 'default' }

const statusWrites = (world: World): readonly ObjectRequest[] =>
  world.server.writes.filter(({ path }) => path.endsWith('/status'))

const statusOf = (write: ObjectRequest | undefined): Obj => {
  const operations = (write?.body ?? []) as readonly Obj[]
  return (operations.find(({ path }) => path === '/status')?.['value'] ?? {}) as Obj
}

const leaseOf = (world: World): Obj | undefined =>
  [...world.server.store.of('leases').values()].find(({ object }) => metaOf(object).name === 'podspan')
    ?.object

const holderOf = (world: World): string =>
  String((leaseOf(world)?.['spec'] as Obj | undefined)?.['holderIdentity'] ?? '')

const leads = (world: World, replica: Replica): boolean => holderOf(world).startsWith(`${replica.name}_`)

const said = (replica: Replica, message: string): readonly Obj[] =>
  replica.lines.filter((line) => line['message'] === message)

const uids = (world: World): string[] => world.sent.map(({ uid }) => uid)

/** A replica that leads, with a session for every start. */
async function firstLeader(world: World): Promise<Replica> {
  world.server.store.load('tracesessions', [sessionObject('all', ALL)])
  const first = world.replica('first')
  await ready(world, first)
  await world.until('it leads', () => leads(world, first))
  return first
}

async function ready(world: World, replica: Replica): Promise<void> {
  await world.until(`${replica.name} is ready`, () => said(replica, 'podspan is ready').length > 0)
}

function forbid(world: World, resource: string): void {
  const fault = {
    kind: 'status',
    code: 403,
    reason: 'Forbidden',
    message: `${resource} is forbidden`,
  } as const
  world.server.fail(resource, 'any', fault, Number.POSITIVE_INFINITY)
}

test('a start that a session asks for is exported, and the status says so', async () => {
  await using world = await openWorld()
  world.server.store.load('tracesessions', [sessionObject('all', ALL)])
  const replica = world.replica('a')
  await ready(world, replica)
  await world.until('it leads', () => leads(world, replica))
  await startPod(world, 1)
  await world.until('the trace arrives', () => world.sent.length === 1)
  assert.deepEqual(uids(world), [podUid(1)])
  await world.until('the status counts it', () => {
    const { pods } = statusOf(statusWrites(world).at(-1)) as { pods?: { ready?: number } }
    return pods?.ready === 1
  })
  const write = statusWrites(world).at(-1)
  assert.equal(write?.method, 'PATCH')
  assert.equal(write.path, '/apis/podspan.dev/v1alpha1/namespaces/default/tracesessions/all/status')
  const { traces } = statusOf(write) as { traces: Obj }
  assert.equal(traces['exported'], 1)
})

test('a start leads to the trace of its session, whoever sends it in the end', async () => {
  await using world = await openWorld()
  const [traceId, spanId] = ['a'.repeat(32), 'b'.repeat(16)]
  const annotations = { 'tracing.k8s.io/traceparent': `00-${traceId}-${spanId}-01` }
  world.server.store.load('tracesessions', [sessionObject('all', ALL, 'default', annotations)])
  const first = world.replica('first')
  await ready(world, first)
  await world.until('it leads', () => leads(world, first))
  const second = world.replica('second')
  await ready(world, second)
  await startPod(world, 1)
  await world.until('the trace arrives', () => world.sent.length === 1)
  world.answer = () => ({ kind: 'retryable', reason: 'away' })
  await startPod(world, 2)
  await world.pass(20_000)
  first.kill()
  world.answer = () => ({ kind: 'ok' })
  await world.until('the second sends what waits', () =>
    world.sent.some(({ uid, replica }) => uid === podUid(2) && replica === 'second'),
  )
  for (const request of world.requests) assert.ok(request.holds(traceId) && request.holds(spanId))
})

test('a start that no session asks for is not exported, and still counted in the metrics', async () => {
  await using world = await openWorld()
  const replica = world.replica('a')
  await ready(world, replica)
  await world.until('it leads', () => leads(world, replica))
  await startPod(world, 1)
  await world.pass(20_000)
  assert.deepEqual(world.sent, [])
  const { status, body } = await world.get(replica, '/metrics')
  assert.equal(status, 200)
  assert.match(body, /^podspan_\w+.*outcome="ready".* 1$/m)
  assert.match(body, /^podspan_leader 1$/m)
})

test('a session whose time was over while the operator stood still counts what it had not read by then', async () => {
  await using world = await openWorld()
  // A minute old when the operator starts.
  const spec: Obj = { allPods: true, completion: { when: 'Duration', timeout: '90s' }, exporter: 'default' }
  world.server.store.load('tracesessions', [sessionObject('timed', spec)])
  const replica = world.replica('a')
  await ready(world, replica)
  await world.until('it leads', () => leads(world, replica))
  // All within one turn of the event loop, so that nothing is read before the clock has gone on.
  const now = world.clock.now()
  for (const stage of ['created', 'bound', 'running', 'ready'] as const)
    world.server.store.apply('pods', livePod(1, stage, now))
  world.clock.advance(seconds(120))
  await world.until(
    'the session is over',
    () => typeof statusOf(statusWrites(world).at(-1))['completionTime'] === 'string',
  )
  const { pods } = statusOf(statusWrites(world).at(-1)) as { pods?: { ready?: number } }
  assert.equal(pods?.ready, 1)
})

test('a session gets at most one status write in 10 s, however many pods start', async () => {
  await using world = await openWorld()
  world.server.store.load('tracesessions', [sessionObject('all', ALL)])
  const replica = world.replica('a')
  await ready(world, replica)
  const times: bigint[] = []
  let seen = 0
  const note = (): boolean => {
    const count = statusWrites(world).length
    while (seen < count) {
      seen += 1
      times.push(world.clock.now())
    }
    return world.sent.length >= 12
  }
  for (let n = 1; n <= 12; n++) {
    const now = world.clock.now()
    for (const stage of ['created', 'bound', 'running', 'ready'] as const)
      world.server.store.apply('pods', livePod(n, stage, now))
    const due = now + 3_000_000_000n
    await world.until('3 s pass', () => note() || world.clock.now() >= due)
  }
  await world.until('all arrive', note)
  assert.ok(times.length >= 3, `${times.length} writes`)
  for (const [n, time] of times.entries()) {
    const before = times[n - 1]
    // A write is noted up to a step of the clock late.
    if (before !== undefined) assert.ok(time - before >= 9_900_000_000n, `${time - before} ns`)
  }
})

test('a leader that is killed is followed by the standby, and nothing is lost', async () => {
  await using world = await openWorld()
  world.server.store.load('tracesessions', [sessionObject('all', ALL)])
  const first = world.replica('first')
  await ready(world, first)
  await world.until('the first leads', () => leads(world, first))
  const second = world.replica('second')
  await ready(world, second)
  for (const n of [1, 2]) await startPod(world, n)
  await world.until('they arrive', () => world.sent.length === 2)
  // Long enough for the Lease to say so.
  await world.pass(15_000)
  // The backend is away, so that what ends now is on its way when the leader dies.
  world.answer = () => ({ kind: 'retryable', reason: 'away' })
  for (const n of [3, 4]) await startPod(world, n)
  await world.pass(8000)
  await startPod(world, 5)
  first.kill()
  world.answer = () => ({ kind: 'ok' })
  await startPod(world, 6)
  await world.until('the second leads', () => leads(world, second))
  await startPod(world, 7)
  await world.until('the rest arrives', () => new Set(uids(world)).size === 7)
  await world.pass(20_000)
  assert.deepEqual(uids(world).toSorted(), [1, 2, 3, 4, 5, 6, 7].map(podUid))
  assert.ok(world.sent.slice(2).every(({ replica }) => replica === 'second'))
})

test('what was acknowledged after the last renewal repeats with the same ids, and is counted', async () => {
  await using world = await openWorld()
  world.server.store.load('tracesessions', [sessionObject('all', ALL)])
  const first = world.replica('first')
  await ready(world, first)
  await world.until('the first leads', () => leads(world, first))
  const second = world.replica('second')
  await ready(world, second)
  await startPod(world, 1)
  // From here on no renewal gets through.
  await world.pass(4000)
  world.server.fail('leases', 'write', { kind: 'reset' }, 4)
  await world.until('it arrives', () => world.sent.length === 1)
  first.kill()
  await world.until('the second leads', () => leads(world, second))
  await world.pass(10_000)
  assert.ok(uids(world).length <= 2)
  const { body } = await world.get(second, '/metrics')
  const repeats = Number(/^podspan_export_\w*repeat\w*\{[^}]*\} (\d+)$/m.exec(body)?.[1] ?? -1)
  assert.equal(repeats, uids(world).length - 1)
})

test('a leader whose term ran out and that leads again counts what it was sending then as repeated', async () => {
  await using world = await openWorld()
  const first = await firstLeader(world)
  let accept: (() => void) | undefined
  world.answer = () => new Promise((resolve) => (accept = () => resolve({ kind: 'ok' })))
  await startPod(world, 1)
  await world.until('it is being sent', () => accept !== undefined)
  world.server.fail('leases', 'write', { kind: 'reset' }, 12)
  await world.until('its term runs out', () => said(first, 'this replica is a standby').length > 0)
  accept?.()
  world.answer = () => ({ kind: 'ok' })
  await world.until('it leads again', () => said(first, 'this replica leads').length === 2)
  await world.until('it has sent it again', () => world.sent.length === 2)
  const { body } = await world.get(first, '/metrics')
  assert.match(body, /^podspan_export_repeats_total\{[^}]*\} 1$/m)
})

test('a leader that is asked to end sends what it has, frees the Lease, and accounts for every trace', async () => {
  await using world = await openWorld()
  const first = await firstLeader(world)
  world.answer = () => ({ kind: 'retryable', reason: 'away' })
  await startPod(world, 1)
  await world.pass(8000)
  world.answer = () => ({ kind: 'ok' })
  first.stop()
  let ended = false
  void first.ended.then(() => (ended = true))
  await world.until('it ends', () => ended)
  assert.deepEqual(uids(world), [podUid(1)])
  assert.equal(holderOf(world), '')
  assert.match(String(said(first, 'account').at(-1)?.['account']), /in 1 = sent 1 \+ dropped 0 \+ waiting 0/)
})

test('the last word of a leader that is asked to end says of each exporter what was sent', async () => {
  await using world = await openWorld()
  const first = await firstLeader(world)
  await startPod(world, 1)
  await world.pass(15_000)
  await startPod(world, 2)
  await world.until('both arrive', () => world.sent.length === 2)
  first.stop()
  await world.until('the Lease is free', () => holderOf(world) === '')
  const { annotations } = (leaseOf(world)?.['metadata'] ?? {}) as Obj
  const lastWord = parseWatermarks((annotations as Record<string, string>)[WATERMARK_ANNOTATION])
  assert.ok(lastWord.get('default')?.beyond.has(shortId(traceIdOf(podUid(2)))))
})

test('what a leader that ends cannot send is left to the next one', async () => {
  await using world = await openWorld()
  const first = await firstLeader(world)
  world.answer = () => ({ kind: 'retryable', reason: 'away' })
  await startPod(world, 1)
  await world.pass(8000)
  first.stop()
  let ended = false
  void first.ended.then(() => (ended = true))
  await world.until('it ends', () => ended)
  assert.match(String(said(first, 'account').at(-1)?.['account']), /dropped 1 \(left 1\)/)
  world.answer = () => ({ kind: 'ok' })
  // It was not there when the pod became ready.
  const second = world.replica('second')
  await world.until('the next one sends it', () => world.sent.length === 1)
  await world.pass(20_000)
  assert.deepEqual(world.sent, [{ replica: second.name, uid: podUid(1) }])
})

test('a pod that was in flight when the operator was restarted is exported once', async () => {
  await using world = await openWorld()
  const first = await firstLeader(world)
  await startPod(world, 1)
  await world.until('it arrives', () => world.sent.length === 1)
  await world.pass(15_000)
  const now = world.clock.now()
  world.server.store.apply('pods', livePod(2, 'bound', now))
  world.server.store.apply('pods', livePod(3, 'bound', now))
  await world.pass(500)
  first.kill()
  world.server.store.apply('pods', livePod(2, 'ready', now, world.clock.now()))
  const second = world.replica('second')
  await ready(world, second)
  world.server.store.apply('pods', livePod(3, 'ready', now, world.clock.now()))
  await world.until('all arrive', () => new Set(uids(world)).size === 3)
  await world.pass(20_000)
  assert.deepEqual(uids(world).toSorted(), [1, 2, 3].map(podUid))
})

test('after a restart a session counts its earlier starts again, and none is exported again, however many there were', async () => {
  await using world = await openWorld()
  const first = await firstLeader(world)
  const created = world.clock.now()
  const numbers = Array.from({ length: 250 }, (_, n) => n + 1)
  for (const n of numbers) world.server.store.apply('pods', livePod(n, 'bound', created))
  await world.pass(1000)
  for (const n of numbers) world.server.store.apply('pods', livePod(n, 'ready', created, world.clock.now()))
  await world.until('all arrive', () => world.sent.length === numbers.length)
  // Long enough for the Lease to say so by a version and not by every id.
  await world.pass(15_000)
  await startPod(world, 251)
  await world.pass(15_000)
  first.kill()
  const second = world.replica('second')
  await world.until('the second leads', () => leads(world, second))
  await world.pass(20_000)
  assert.equal(world.sent.length, 251)
  const { traces } = statusOf(statusWrites(world).at(-1)) as { traces: Obj }
  assert.equal(traces['exported'], 251)
})

for (const yaml of ['', 'namespaces: [default, shop]'])
  test(`a first leader that is killed before it told anything: the next one tells what ended meanwhile (${yaml})`, async () => {
    await using world = await openWorld()
    world.server.store.load('tracesessions', [sessionObject('all', ALL)])
    // Over before anyone watched and before the session came, so nobody's to export.
    world.server.store.apply('pods', livePod(1, 'ready', unixNano(world.clock.now() - 120_000_000_000n)))
    const first = world.replica('first', yaml)
    await world.until('it leads', () => leads(world, first))
    await startPod(world, 2)
    first.kill()
    await startPod(world, 3)
    const second = world.replica('second', yaml)
    await world.until('the second leads', () => leads(world, second))
    await world.until('both arrive', () => new Set(uids(world)).size === 2)
    await world.pass(20_000)
    assert.deepEqual(uids(world).toSorted(), [2, 3].map(podUid))
  })

test('a start is told when its evidence has settled, not when a session asks for earlier ones', async () => {
  await using world = await openWorld()
  await firstLeader(world)
  await startPod(world, 1)
  await world.pass(4000)
  assert.deepEqual(world.sent, [])
  await world.until('it arrives', () => world.sent.length === 1)
  await world.pass(10_000)
  assert.deepEqual(uids(world), [podUid(1)])
})

test('a standby that got a start from what the API still held sends it when it leads', async () => {
  await using world = await openWorld()
  world.server.store.load('tracesessions', [sessionObject('all', { ...ALL, backfill: '10m' })])
  const first = world.replica('first')
  await ready(world, first)
  await world.until('it leads', () => leads(world, first))
  world.answer = () => ({ kind: 'retryable', reason: 'away' })
  await startPod(world, 1)
  const second = world.replica('second')
  await ready(world, second)
  await world.pass(5000)
  first.kill()
  world.answer = () => ({ kind: 'ok' })
  await world.until('the standby leads', () => leads(world, second))
  await world.pass(10_000)
  assert.deepEqual(world.sent, [{ replica: second.name, uid: podUid(1) }])
})

test('a session that has been over for its time is deleted, and only that very one', async () => {
  await using world = await openWorld()
  const spec = { allPods: true, completion: { when: 'PodCount', minPods: 1 }, ttlSecondsAfterFinished: 30 }
  const session = sessionObject('gate', spec)
  world.server.store.load('tracesessions', [session])
  const replica = world.replica('a')
  await ready(world, replica)
  await startPod(world, 1)
  await world.until('it is deleted', () => world.server.store.of('tracesessions').size === 0)
  const removal = world.server.writes.find(({ method }) => method === 'DELETE')
  const removed = removal?.body as Obj | undefined
  assert.deepEqual(removed?.['preconditions'], { uid: metaOf(session).uid })
  const last = statusOf(statusWrites(world).at(-1))
  const complete = (last['conditions'] as readonly Obj[]).find(({ type }) => type === 'Complete')
  assert.equal(complete?.['status'], 'True')
})

test('what becomes of a session is recorded as Events on it', async () => {
  await using world = await openWorld()
  world.server.store.load('tracesessions', [sessionObject('all', ALL)])
  const replica = world.replica('a')
  await ready(world, replica)
  const events = (): readonly Obj[] =>
    world.server.writes
      .filter(({ path }) => path === '/apis/events.k8s.io/v1/namespaces/default/events')
      .map(({ body }) => body as Obj)
  await world.until('it is recorded', () => events().length > 0)
  assert.equal(events()[0]?.['reason'], 'Accepted')
  const regarding = events()[0]?.['regarding'] as Obj | undefined
  assert.equal(regarding?.['name'], 'all')
})

test('without the CRD it goes on, says what that costs, and sees sessions as soon as there are some', async () => {
  await using world = await openWorld()
  const missing = { kind: 'status', code: 404, reason: 'NotFound', message: 'not found' } as const
  world.server.fail('tracesessions', 'any', missing, 3)
  const replica = world.replica('a')
  await ready(world, replica)
  const lines = said(replica, 'tracesessions are not seen')
  assert.equal(lines.length, 1)
  assert.match(String(lines[0]?.['cost']), /metrics go on/)
  const { status, body } = await world.get(replica, '/readyz')
  assert.equal(status, 200)
  assert.match(body, /^without tracesessions: not found\./m)
  world.server.store.load('tracesessions', [sessionObject('all', ALL)])
  await world.until('the session is seen', () => statusWrites(world).length > 0)
  await startPod(world, 1)
  await world.until('its start arrives', () => world.sent.length === 1)
  assert.doesNotMatch((await world.get(replica, '/readyz')).body, /without tracesessions/)
})

test('without Events, Nodes and node Leases it goes on, and /readyz says what is missing', async () => {
  await using world = await openWorld()
  world.server.store.load('tracesessions', [sessionObject('all', ALL)])
  for (const resource of ['events', 'nodes', 'replicasets']) forbid(world, resource)
  const replica = world.replica('a')
  await ready(world, replica)
  await startPod(world, 1)
  await world.until('the trace arrives', () => world.sent.length === 1)
  const { status, body } = await world.get(replica, '/readyz')
  assert.equal(status, 200)
  for (const resource of ['events', 'nodes', 'replicasets'])
    assert.match(body, new RegExp(`^without ${resource}: ${resource} is forbidden\\.`, 'm'))
})

test('without the right to its Lease it does not export, and says so', async () => {
  await using world = await openWorld()
  world.server.store.load('tracesessions', [sessionObject('all', ALL)])
  forbid(world, 'podspan')
  const replica = world.replica('a')
  await ready(world, replica)
  await startPod(world, 1)
  await world.pass(20_000)
  assert.deepEqual(world.sent, [])
  assert.ok(said(replica, 'the Lease cannot be read or written').length > 0)
})

test('without an election the one replica leads, and asks for no Lease', async () => {
  await using world = await openWorld()
  world.server.store.load('tracesessions', [sessionObject('all', ALL)])
  const replica = world.replica('a', 'leaderElection: {enabled: false}')
  await ready(world, replica)
  await startPod(world, 1)
  await world.until('the trace arrives', () => world.sent.length === 1)
  assert.equal(leaseOf(world), undefined)
  assert.ok(world.server.requests.every(({ path }) => !path.includes(`/namespaces/${OWN}/leases`)))
})

test('a status that cannot be written is written later, and no other session waits for it', async () => {
  await using world = await openWorld()
  world.server.store.load('tracesessions', [sessionObject('all', ALL), sessionObject('other', ALL)])
  const overloaded = { kind: 'status', code: 429, reason: 'TooManyRequests', retryAfter: 1 } as const
  world.server.fail('tracesessions', 'write', overloaded, 6)
  const replica = world.replica('a')
  await ready(world, replica)
  const written = (name: string): boolean =>
    statusWrites(world).some(({ path }) => path.endsWith(`/${name}/status`))
  await world.until('both are written', () => written('all') && written('other'))
})

test('with listed namespaces only these are watched, and nothing of the cluster is asked for', async () => {
  await using world = await openWorld()
  world.server.store.load('tracesessions', [sessionObject('all', ALL)])
  const replica = world.replica('a', 'namespaces: [default, shop]')
  await ready(world, replica)
  await startPod(world, 1)
  await world.until('the trace arrives', () => world.sent.length === 1)
  const asked = world.server.requests.map(({ path }) => path)
  const outside = asked.filter(
    (path) =>
      !/\/namespaces\/(default|shop|podspan-system)\/|^\/apis\/[^/]+$/.test(path) &&
      !path.endsWith('/kube-system'),
  )
  assert.deepEqual([...new Set(outside)], [])
  assert.ok(world.server.openWatches('pods') === 2)
})

test('a session that comes late and asks for it gets earlier starts', async () => {
  await using world = await openWorld()
  const replica = world.replica('a')
  await ready(world, replica)
  await world.until('it leads', () => leads(world, replica))
  await startPod(world, 1)
  await world.pass(10_000)
  world.server.store.apply('tracesessions', sessionObject('late', { ...ALL, backfill: '10m' }))
  await world.until('the earlier start arrives', () => world.sent.length === 1)
  assert.deepEqual(uids(world), [podUid(1)])
})

test('probes are answered while the lists are still on their way', async () => {
  await using world = await openWorld()
  world.server.fail('pods', 'any', { kind: 'silent' }, 1)
  const replica = world.replica('a')
  await world.until('it listens', () => replica.port() !== 0)
  assert.equal((await world.get(replica, '/livez')).status, 200)
  const { status, body } = await world.get(replica, '/readyz')
  assert.equal(status, 503)
  assert.match(body, /being read/)
  assert.equal((await world.get(replica, '/elsewhere')).status, 404)
})
