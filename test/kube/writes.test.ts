// Owns the writes contract on the simulated API server, and what only a stub can do: overload, silence, broken connections.
// Promises what writes-contract.ts says; test/e2e/writes.e2e.test.ts runs the same on a real API server.

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { manualClock } from '../../src/base/clock.ts'
import { type Connection, openDirect } from '../../src/kube/config.ts'
import { createLeaseStore } from '../../src/kube/lease.ts'
import { createSessionWrites, WRITE_LIMITS, type WriteResult } from '../../src/kube/session-writes.ts'
import { type Fault, SimulatedApiServer } from '../simulator/server.ts'
import { sessionObject } from '../controller/operator-harness.ts'
import { metaOf } from '../simulator/store.ts'
import { START, until } from './harness.ts'
import { writesContract } from './writes-contract.ts'

let server: SimulatedApiServer
let connection: Connection

before(async () => {
  server = await SimulatedApiServer.start()
  connection = openDirect(server.url)
})
after(async () => {
  await connection.close()
  await server.close()
})

writesContract(() => ({ connection }))

interface Faulty {
  readonly result: () => WriteResult | undefined
  readonly attempts: () => number
  readonly waitedMs: () => number
  until(what: string, holds: () => boolean): Promise<void>
}

/** One status write that meets the fault so often. */
async function write(fault: Fault, times: number, name: string): Promise<Faulty> {
  const clock = manualClock(START)
  const object = sessionObject(name, {})
  server.store.load('tracesessions', [object])
  server.fail('tracesessions', 'write', fault, times)
  const before = server.requests.length
  const signal = new AbortController().signal
  const writes = createSessionWrites({ connection, clock, signal, random: () => 0.5, instance: 'a' })
  let result: WriteResult | undefined
  const { uid } = metaOf(object)
  void writes.status({ namespace: 'default', name, uid }, {}).then((value) => (result = value))
  return {
    result: () => result,
    attempts: () => server.requests.slice(before).filter(({ method }) => method === 'PATCH').length,
    waitedMs: () => Number(clock.now() - START) / 1e6,
    until: (what, holds) => until(clock, what, holds, 'moves'),
  }
}

test('a write that met overload is made again, not before the server asked for it', async () => {
  const faulty = await write({ kind: 'status', code: 429, retryAfter: 3 }, 1, 'overloaded')
  await faulty.until('it is written', () => faulty.result() !== undefined)
  assert.equal(faulty.result()?.kind, 'written')
  assert.equal(faulty.attempts(), 2)
  assert.ok(faulty.waitedMs() >= 3000)
})

test('a write whose connection breaks is made again', async () => {
  const faulty = await write({ kind: 'reset' }, 2, 'broken')
  await faulty.until('it is written', () => faulty.result() !== undefined)
  assert.equal(faulty.result()?.kind, 'written')
})

test('a write that gets no answer is given up after its time, and made again', async () => {
  const faulty = await write({ kind: 'silent' }, 1, 'silent')
  await faulty.until('it is written', () => faulty.result() !== undefined)
  assert.equal(faulty.result()?.kind, 'written')
  assert.ok(faulty.waitedMs() >= 15_000)
})

test('tries are bounded, and the last failure is the result', async () => {
  const faulty = await write({ kind: 'status', code: 500 }, WRITE_LIMITS.attempts, 'failing')
  await faulty.until('it has failed', () => faulty.result() !== undefined)
  assert.equal(faulty.result()?.kind, 'failed')
  assert.equal(faulty.attempts(), WRITE_LIMITS.attempts)
})

test('what is not allowed or not valid is tried once', async () => {
  for (const [code, kind] of [
    [403, 'forbidden'],
    [400, 'failed'],
  ] as const) {
    const faulty = await write({ kind: 'status', code }, 1, `refused-${code}`)
    await faulty.until('it has failed', () => faulty.result() !== undefined)
    assert.equal(faulty.result()?.kind, kind)
    assert.equal(faulty.attempts(), 1)
  }
})

test('no more writes than allowed are made at once', async () => {
  const clock = manualClock(START)
  const objects = Array.from({ length: 20 }, (_, n) => sessionObject(`many-${n}`, {}))
  server.store.load('tracesessions', objects)
  server.fail('tracesessions', 'write', { kind: 'silent' }, WRITE_LIMITS.atOnce)
  const before = server.requests.length
  const signal = new AbortController().signal
  const writes = createSessionWrites({ connection, clock, signal, random: () => 0.5, instance: 'a' })
  const done = objects.map((object) => writes.status({ ...metaOf(object), namespace: 'default' }, {}))
  const made = (): number => server.requests.length - before
  await until(clock, 'the first are on their way', () => made() === WRITE_LIMITS.atOnce)
  for (let turn = 0; turn < 50; turn++) await new Promise((resolve) => setImmediate(resolve))
  assert.equal(made(), WRITE_LIMITS.atOnce)
  let all = false
  void Promise.all(done).then(() => (all = true))
  await until(clock, 'all are written', () => all, 'moves')
  assert.equal(writes.counters['status written'], 20)
})

test('what is given up is not written: neither what waits, nor what rests before another attempt, nor what is under way', async () => {
  const clock = manualClock(START)
  const objects = Array.from({ length: 6 }, (_, n) => sessionObject(`given-up-${n}`, {}))
  server.store.load('tracesessions', objects)
  server.fail('tracesessions', 'write', { kind: 'status', code: 503 }, 1)
  server.fail('tracesessions', 'write', { kind: 'silent' }, WRITE_LIMITS.atOnce - 1)
  const signal = new AbortController().signal
  const writes = createSessionWrites({ connection, clock, signal, random: () => 0.5, instance: 'a' })
  const before = server.requests.length
  const done = objects.map((object) => writes.status({ ...metaOf(object), namespace: 'default' }, {}))
  await until(
    clock,
    'one rests, three are under way',
    () => server.requests.length - before === WRITE_LIMITS.atOnce,
  )
  writes.giveUp()
  const results = await Promise.all(done)
  assert.deepEqual(new Set(results.map(({ kind }) => kind)), new Set(['failed']))
  assert.equal(server.requests.length - before, WRITE_LIMITS.atOnce)
  const after = await writes.status({ ...metaOf(objects[0] as never), namespace: 'default' }, {})
  assert.equal(after.kind, 'written')
})

test('more Events than allowed in a minute are not sent, and counted', async () => {
  const clock = manualClock(START)
  const signal = new AbortController().signal
  const writes = createSessionWrites({ connection, clock, signal, random: () => 0.5, instance: 'a' })
  const session = { namespace: 'default', name: 'chatty', uid: 'x' }
  const event = { type: 'Normal', reason: 'Accepted', message: 'It runs.' } as const
  const results: Promise<WriteResult>[] = []
  for (let n = 0; n < WRITE_LIMITS.eventsPerMinute + 5; n++) {
    clock.advance(1n as never)
    results.push(writes.event(session, event))
  }
  let all = false
  void Promise.all(results).then(() => (all = true))
  await until(clock, 'all have ended', () => all)
  assert.equal(writes.counters['event over limit'], 5)
})

test('a Lease that gets no answer fails in its time, as if the network were down', async () => {
  const clock = manualClock(START)
  server.fail('silent-lease', 'any', { kind: 'silent' }, 1)
  const signal = new AbortController().signal
  const store = createLeaseStore(
    { connection, clock, signal },
    { namespace: 'default', name: 'silent-lease', timeoutMs: 5000 },
  )
  let kind = ''
  void store.read().then((read) => (kind = read.ok ? 'read' : read.failure.kind))
  await until(clock, 'it fails', () => kind !== '', 'moves')
  assert.equal(kind, 'network')
})

test('fifty watches and the requests beside them share one connection pool', async () => {
  const many = openDirect(server.url, {}, {}, 60)
  const clock = manualClock(START)
  const stop = new AbortController()
  const { watchCluster } = await import('../../src/kube/cluster.ts')
  const clusters = Array.from({ length: 20 }, (_, n) =>
    watchCluster(many, {
      clock,
      namespace: `ns-${n}`,
      streams: ['pods', 'replicasets', 'jobs'],
      onFrame: () => {},
      signal: stop.signal,
    }),
  )
  let ready = false
  void Promise.all(clusters.map((cluster) => cluster.ready)).then(() => (ready = true))
  await until(clock, 'all are live', () => ready)
  const uid = await clusters[0]?.api.listPods({ namespace: 'ns-0' })
  assert.equal(uid?.ok, true)
  await Promise.all(clusters.map((cluster) => cluster.close()))
  await many.close()
})
