// Owns the election: one leader at most, whatever networks and processes do; take-over, release, self-demotion.
// Promises every run from a seed that is in its failure. Does not touch a real clock or server.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createLeader, type Leader, type Role } from '../../src/controller/leader.ts'
import type { Log } from '../../src/controller/log.ts'
import { leaseOver, type Network, Process, randomOf, SharedLease, World } from './simulation.ts'

const quiet: Log = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} }

interface Replica {
  readonly name: string
  readonly process: Process
  readonly network: Network
  readonly leader: Leader
  readonly roles: Role[]
  readonly seen: string[]
  readonly stop: AbortController
}

function replica(world: World, shared: SharedLease, name: string, some: Partial<Network> = {}): Replica {
  const process = new Process(world)
  const network: Network = { cut: false, maxLatencyMs: 50, loss: 0, ...some }
  const roles: Role[] = []
  const seen: string[] = []
  const stop = new AbortController()
  const leader = createLeader({
    store: leaseOver(world, process, shared, network),
    clock: process,
    random: world.random,
    log: quiet,
    identity: name,
    leaseDurationMs: 15_000,
    renewDeadlineMs: 10_000,
    retryPeriodMs: 2000,
    publish: () => ({ by: name }),
    onLease: ({ annotations }) => void seen.push(annotations['by'] ?? ''),
    onChange: (role) => void roles.push(role),
    signal: stop.signal,
  })
  void leader.run()
  return { name, process, network, leader, roles, seen, stop }
}

const leading = (replicas: readonly Replica[]): string[] =>
  replicas.filter(({ process, leader }) => !process.dead && leader.leads()).map(({ name }) => name)

const noCheck = (): void => {}

test('the first replica creates the Lease and leads; the second waits', async () => {
  const world = new World(1)
  const shared = new SharedLease()
  const a = replica(world, shared, 'a')
  await world.run(1000, noCheck)
  const b = replica(world, shared, 'b')
  await world.run(60_000, noCheck)
  assert.deepEqual(leading([a, b]), ['a'])
  assert.deepEqual(a.roles, ['leader'])
  assert.equal(b.leader.holder(), 'a')
  assert.equal(shared.lease?.transitions, 0)
})

test('a leader that dies is replaced after the Lease was seen unchanged for its duration, and within a retry of it', async () => {
  const world = new World(2)
  const shared = new SharedLease()
  const a = replica(world, shared, 'a')
  const b = replica(world, shared, 'b')
  await world.run(30_000, noCheck)
  const [first, second] = a.leader.leads() ? [a, b] : [b, a]
  first.process.dead = true
  const diedMs = world.nowMs
  let tookOverMs = 0
  await world.run(diedMs + 40_000, () => {
    if (tookOverMs === 0 && second.leader.leads()) tookOverMs = world.nowMs
  })
  assert.ok(tookOverMs - diedMs >= 13_000, `after ${tookOverMs - diedMs} ms`)
  assert.ok(tookOverMs - diedMs <= 22_000, `after ${tookOverMs - diedMs} ms`)
  assert.equal(shared.lease?.transitions, 1)
})

test('what the leader published is seen by the next one before its term begins', async () => {
  const world = new World(3)
  const shared = new SharedLease()
  const a = replica(world, shared, 'a')
  await world.run(10_000, noCheck)
  const b = replica(world, shared, 'b')
  await world.run(20_000, noCheck)
  a.process.dead = true
  await world.run(60_000, noCheck)
  assert.deepEqual(leading([b]), ['b'])
  assert.equal(b.seen.at(-1), 'a')
})

test('a term is never on the Lease without what its leader publishes', async () => {
  const world = new World(3)
  const shared = new SharedLease()
  const a = replica(world, shared, 'a')
  await world.run(20_000, () => {
    if (shared.lease) assert.equal(shared.lease.annotations['by'], 'a')
  })
  const b = replica(world, shared, 'b')
  a.process.dead = true
  await world.run(60_000, () => {
    assert.equal(shared.lease?.annotations['by'], shared.lease?.holder)
  })
  assert.deepEqual(leading([b]), ['b'])
})

test('a leader that releases is replaced at the next retry, and its last word stays', async () => {
  const world = new World(4)
  const shared = new SharedLease()
  const a = replica(world, shared, 'a')
  await world.run(10_000, noCheck)
  const b = replica(world, shared, 'b')
  await world.run(20_000, noCheck)
  a.stop.abort()
  void a.leader.release()
  await world.run(20_500, noCheck)
  assert.equal(a.leader.leads(), false)
  assert.equal(shared.lease?.holder, '')
  assert.equal(shared.lease?.durationMs, 1000)
  await world.run(26_000, noCheck)
  assert.deepEqual(leading([a, b]), ['b'])
  assert.deepEqual(a.roles, ['leader', 'standby'])
})

test('a standby that is stopped does not touch the Lease', async () => {
  const world = new World(5)
  const shared = new SharedLease()
  const a = replica(world, shared, 'a')
  await world.run(10_000, noCheck)
  const b = replica(world, shared, 'b')
  await world.run(20_000, noCheck)
  b.stop.abort()
  const before = shared.version
  void b.leader.release()
  await world.run(20_400, noCheck)
  assert.equal(shared.lease?.holder, 'a')
  assert.ok(shared.version <= before + 1)
  assert.deepEqual(leading([a]), ['a'])
})

test('a leader that is cut off gives up before anyone else may lead, and comes back as a standby', async () => {
  const world = new World(6)
  const shared = new SharedLease()
  const a = replica(world, shared, 'a')
  await world.run(10_000, noCheck)
  const b = replica(world, shared, 'b')
  await world.run(20_000, noCheck)
  a.network.cut = true
  const cutMs = world.nowMs
  let gaveUpMs = 0
  await world.run(cutMs + 40_000, () => {
    if (gaveUpMs === 0 && !a.leader.leads()) gaveUpMs = world.nowMs
    assert.ok(leading([a, b]).length <= 1)
  })
  assert.ok(gaveUpMs - cutMs <= 10_000, `after ${gaveUpMs - cutMs} ms`)
  assert.deepEqual(leading([a, b]), ['b'])
  a.network.cut = false
  await world.run(world.nowMs + 30_000, noCheck)
  assert.deepEqual(leading([a, b]), ['b'])
  assert.equal(a.leader.holder(), 'b')
})

test('a leader that was stopped for longer than its term finds it over at the first look', async () => {
  const world = new World(7)
  const shared = new SharedLease()
  const a = replica(world, shared, 'a')
  await world.run(10_000, noCheck)
  a.process.pause(11_000)
  await world.run(20_900, noCheck)
  assert.equal(a.leader.leads(), false)
})

test('a step of the wall clock changes nothing', async () => {
  const world = new World(8)
  const shared = new SharedLease()
  const a = replica(world, shared, 'a')
  await world.run(10_000, noCheck)
  const b = replica(world, shared, 'b')
  for (const stepMs of [3_600_000, -7_200_000, 40_000_000]) {
    a.process.wallOffsetMs += stepMs
    b.process.wallOffsetMs -= stepMs
    await world.run(world.nowMs + 30_000, () => assert.deepEqual(leading([a, b]), ['a']))
  }
})

test('a Lease that somebody deletes ends the term and begins a new one', async () => {
  const world = new World(9)
  const shared = new SharedLease()
  const a = replica(world, shared, 'a')
  await world.run(10_000, noCheck)
  shared.lease = undefined
  await world.run(20_000, noCheck)
  assert.deepEqual(leading([a]), ['a'])
  assert.equal(a.leader.counters().acquired, 2)
})

/** Random losses, latencies up to seconds, cuts, pauses, deaths, releases, wall clock steps and newcomers. */
async function chaos(seed: number): Promise<{ takeovers: number; ledMs: number }> {
  const world = new World(seed)
  const shared = new SharedLease()
  const network = (): Partial<Network> => ({
    maxLatencyMs: [5, 200, 3000][Math.floor(world.random() * 3)] ?? 5,
    loss: [0, 0.05, 0.4][Math.floor(world.random() * 3)] ?? 0,
  })
  const replicas = ['a', 'b', 'c'].map((name) => replica(world, shared, name, network()))
  const trouble = (): void => {
    const one = replicas[Math.floor(world.random() * replicas.length)]
    const what = world.random()
    if (one && what < 0.3) {
      one.network.cut = true
      world.after(world.random() * 40_000, () => (one.network.cut = false))
    } else if (one && what < 0.6) one.process.pause(world.random() * 30_000)
    else if (one && what < 0.7) one.process.wallOffsetMs += (world.random() - 0.5) * 1e8
    else if (one && what < 0.85 && !one.process.dead) {
      if (world.random() < 0.5) one.process.dead = true
      one.stop.abort()
      if (!one.process.dead) void one.leader.release()
      replicas.push(replica(world, shared, `r${replicas.length}`, network()))
    }
    world.after(world.random() * 20_000, trouble)
  }
  world.after(0, trouble)
  let ledMs = 0
  let lastMs = 0
  await world.run(600_000, () => {
    const now = leading(replicas)
    assert.ok(now.length <= 1, `seed ${seed}, ${world.nowMs} ms: ${now.join(' and ')} lead`)
    if (now.length === 1) ledMs += world.nowMs - lastMs
    lastMs = world.nowMs
  })
  return { takeovers: shared.lease?.transitions ?? 0, ledMs }
}

test('of three replicas at most one leads, whatever happens to networks and processes', async () => {
  let takeovers = 0
  let ledMs = 0
  for (let seed = 1; seed <= 60; seed++) {
    const run = await chaos(seed)
    takeovers += run.takeovers
    ledMs += run.ledMs
  }
  // That it is no empty promise: leaders change often, and mostly there is one.
  assert.ok(takeovers > 150, `${takeovers} take-overs`)
  assert.ok(ledMs > 60 * 600_000 * 0.3, `led for ${Math.round(ledMs / 60 / 6000)} % of the time`)
})

test('the simulation is the same for the same seed', () => {
  const [a, b] = [randomOf(5), randomOf(5)]
  assert.deepEqual([a(), a(), a()], [b(), b(), b()])
})
