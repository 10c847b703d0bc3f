// Owns rollouts in the operator, against the stub API server that shows what a recording of a real cluster holds.
// Promises each behaviour from outside: what reached the backend, what HTTP says, what was asked of the API server.
// Does not repeat how rollouts are told: see test/rollout.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { formatRfc3339, parseRfc3339, type UnixNano } from '../../src/base/time.ts'
import type { Rollout } from '../../src/rollout/rollout.ts'
import { rootSpanIdOf, traceIdOf } from '../../src/trace/identity.ts'
import { type Changes, changesOf } from '../cli/surroundings.ts'
import { followed } from '../rollout/followed.ts'
import { framesOf } from '../rollout/replay.ts'
import type { Obj } from '../simulator/encode.ts'
import { metaOf } from '../simulator/store.ts'
import { openWorld, type Replica, sessionObject, type World } from './operator-harness.ts'

const ALL: Obj = { allPods: true, completion: { when: 'Never' }, exporter: 'default' }
/** In the namespace of Podspan, for all others. */
const session = (name: string, more: Obj = {}): Obj =>
  sessionObject(name, { ...ALL, namespaceSelector: {}, ...more }, 'podspan-system')

const NAME = 'rollout-budget'

const told = async (): Promise<readonly Rollout[]> => followed(await framesOf(NAME)).told

/** Its objects as they came, moved to the time of the world; events carry their time in their names, and are left out. */
function changes(world: World): (Changes & { readonly t: UnixNano })[] {
  const all = changesOf(NAME).filter(({ resource }) => resource !== 'events' && resource !== 'leases')
  const [first] = all as readonly { readonly t?: UnixNano }[]
  const by = world.clock.now() - (first?.t ?? 0n)
  const moved = (text: string): string => {
    const at = parseRfc3339(text)
    return at === undefined ? text : formatRfc3339((at + by) as UnixNano, text.includes('.') ? 6 : 0)
  }
  return all.map((change) => ({
    ...change,
    t: ((change as unknown as { t: bigint }).t + by) as UnixNano,
    object: JSON.parse(JSON.stringify(change.object), (_, value: unknown) =>
      typeof value === 'string' && /^\d{4}-\d\d-\d\dT/.test(value) ? moved(value) : value,
    ) as Obj,
  }))
}

interface Play {
  /** Only what came before or after so many seconds of the recording. */
  readonly from?: number
  readonly to?: number
  readonly plan?: ReturnType<typeof changes>
}

/** Lets the cluster go through it. */
async function play(world: World, { from = 0, to = 1e9, plan = changes(world) }: Play = {}): Promise<void> {
  const begin = plan[0]?.t ?? (0n as UnixNano)
  for (const { object, resource, t, type } of plan) {
    const offset = Number(t - begin) / 1e9
    if (offset < from || offset >= to) continue
    while (world.clock.now() < t)
      await world.pass(Math.min(200, Math.ceil(Number(t - world.clock.now()) / 1e6)))
    if (type === 'DELETED') world.server.store.remove(resource, metaOf(object).uid)
    else world.server.store.apply(resource, object)
  }
}

const isReady = (replica: Replica): boolean =>
  replica.lines.some(({ message }) => message === 'podspan is ready')

async function leader(world: World, yaml = ''): Promise<Replica> {
  const replica = world.replica('a', yaml)
  await world.until('it is ready', () => isReady(replica))
  await world.until('it leads', () => replica.lines.some(({ message }) => message === 'this replica leads'))
  return replica
}

const hasArrived = (world: World, traceId: string): boolean =>
  world.requests.some((one) => one.holds(traceId))

const timesSent = (world: World, traceId: string, replica?: string): number =>
  world.requests.filter((one) => one.holds(traceId) && (replica === undefined || one.replica === replica))
    .length

/** The figure of a metric, by its labels as they stand there. */
const figure = (body: string, sample: string): number =>
  Number(
    body
      .split('\n')
      .find((line) => line.startsWith(`${sample} `))
      ?.split(' ')[1] ?? NaN,
  )

test('each rollout is exported once, under the id that the command gives it, and counted', async () => {
  await using world = await openWorld()
  world.server.store.load('tracesessions', [session('all')])
  const replica = await leader(world)
  await play(world)
  const rollouts = await told()
  assert.equal(rollouts.length, 2)
  await world.until('both arrive', () => rollouts.every(({ traceId }) => hasArrived(world, traceId)))
  await world.pass(10_000)
  for (const { traceId, pods } of rollouts) {
    assert.equal(timesSent(world, traceId), 1)
    // And so have the starts that it links to.
    for (const { uid } of pods) {
      assert.ok(hasArrived(world, traceIdOf(uid)))
      const [sent] = world.requests.filter((one) => one.holds(traceId))
      assert.ok(sent?.holds(rootSpanIdOf(uid)), 'it is linked to the root of each start')
    }
  }
  const { body } = await world.get(replica, '/metrics')
  const of = 'rollout_kind="Deployment"'
  assert.equal(figure(body, `podspan_rollouts_total{${of},rollout_outcome="complete"}`), 2)
  assert.equal(figure(body, `podspan_rollouts_under_way{${of}}`), 0)
  const took = rollouts.reduce((sum, { length }) => sum + Number(length) / 1e9, 0)
  assert.ok(Math.abs(figure(body, `podspan_rollout_duration_seconds_sum{${of}}`) - took) < 4)
})

test('a rollout shows in the metrics while it goes on', async () => {
  await using world = await openWorld()
  const replica = await leader(world)
  await play(world, { to: 12 })
  await world.pass(2000)
  const { body } = await world.get(replica, '/metrics')
  assert.equal(figure(body, 'podspan_rollouts_under_way{rollout_kind="Deployment"}'), 1)
  assert.ok(figure(body, 'podspan_rollout_oldest_age_seconds{rollout_kind="Deployment"}') > 1)
})

test('where no start is exported no rollout is, but they are counted', async () => {
  await using world = await openWorld()
  const replica = await leader(world)
  await play(world)
  await world.pass(20_000)
  assert.deepEqual(world.sent, [])
  const { body } = await world.get(replica, '/metrics')
  assert.equal(
    figure(body, 'podspan_rollouts_total{rollout_kind="Deployment",rollout_outcome="complete"}'),
    2,
  )
})

test('a session that takes no start by its sampling gets no rollout either', async () => {
  await using world = await openWorld()
  world.server.store.load('tracesessions', [session('none', { sampling: { percent: 0 } })])
  await leader(world)
  await play(world)
  await world.pass(20_000)
  assert.deepEqual(world.sent, [])
})

test('a session for the Deployment that completes with it gets its rollout, though it is over by then', async () => {
  await using world = await openWorld()
  const targetRef = { apiVersion: 'apps/v1', kind: 'Deployment', name: 'shop' }
  world.server.store.load('tracesessions', [
    sessionObject(
      'shop',
      { targetRef, exporter: 'default', completion: { when: 'PodCount', minPods: 4 } },
      NAME,
    ),
  ])
  await leader(world)
  await play(world)
  const [first] = await told()
  assert.ok(first)
  await world.until('it arrives', () => hasArrived(world, first.traceId))
})

test('with the setting off nothing is asked for and nothing is told', async () => {
  await using world = await openWorld()
  world.server.store.load('tracesessions', [session('all')])
  const replica = await leader(world, 'watch: {rollouts: false}')
  await play(world)
  await world.pass(20_000)
  for (const { traceId } of await told()) assert.equal(hasArrived(world, traceId), false)
  assert.ok(world.sent.length >= 8, 'the starts are')
  const asked = world.server.requests.map(({ resource }) => resource)
  assert.ok(!asked.includes('controllerrevisions'))
  const whole = world.server.requests.filter(
    ({ resource, headers }) => resource === 'deployments' && headers.accept === 'application/json',
  )
  assert.deepEqual(whole, [])
  const { body } = await world.get(replica, '/metrics')
  assert.equal(
    figure(body, 'podspan_rollouts_total{rollout_kind="Deployment",rollout_outcome="complete"}'),
    0,
  )
})

test('workloads are read once, whole or by their metadata', async () => {
  await using world = await openWorld()
  await leader(world)
  for (const resource of ['deployments', 'statefulsets', 'daemonsets', 'jobs', 'controllerrevisions']) {
    const accepts = world.server.requests
      .filter((one) => one.resource === resource)
      .map(({ headers }) => headers.accept)
    assert.deepEqual([...new Set(accepts)], ['application/json'], resource)
    assert.equal(world.server.openWatches(resource), 1)
  }
})

test('without the right to read a kind its rollouts are not told, /readyz says so, and starts are told as ever', async () => {
  await using world = await openWorld()
  world.server.store.load('tracesessions', [session('all')])
  const message = 'deployments is forbidden'
  world.server.fail('deployments', 'any', { kind: 'status', code: 403, reason: 'Forbidden', message }, 1e9)
  const replica = await leader(world)
  await play(world)
  await world.pass(20_000)
  for (const { traceId, pods } of await told()) {
    assert.equal(hasArrived(world, traceId), false)
    for (const { uid } of pods) assert.ok(hasArrived(world, traceIdOf(uid)))
  }
  const { body } = await world.get(replica, '/readyz')
  assert.match(body, /without deployments: deployments is forbidden\. .*No rollout of it is told\./)
})

test('only the leader sends a rollout, and a standby takes over what its leader had not sent', async () => {
  await using world = await openWorld()
  world.server.store.load('tracesessions', [session('all')])
  const first = await leader(world)
  const second = world.replica('b')
  await world.until('the standby is ready', () => isReady(second))
  const [one, two] = await told()
  assert.ok(one && two)
  const plan = changes(world)
  const end = Number(two.end.best - two.start.best) / 1e9
  // The first rollout is told, the second not yet when the leader dies.
  await play(world, { plan, to: 5 + end / 2 })
  await world.until('the first arrives', () => hasArrived(world, one.traceId))
  // And the Lease says so.
  await world.pass(3000)
  first.kill()
  await play(world, { plan, from: 5 + end / 2 })
  await world.until('the second arrives', () => hasArrived(world, two.traceId))
  await world.pass(30_000)
  assert.equal(timesSent(world, two.traceId, 'b'), 1)
  assert.equal(timesSent(world, two.traceId, 'a'), 0)
  // What the leader before had sent and said on the Lease is not sent again.
  assert.equal(timesSent(world, one.traceId), 1)
})

test('a rollout that a Collector did not take before the leader died is sent by the next one', async () => {
  await using world = await openWorld()
  world.server.store.load('tracesessions', [session('all')])
  const first = await leader(world)
  const second = world.replica('b')
  await world.until('the standby is ready', () => isReady(second))
  const rollouts = await told()
  world.answer = () => ({ kind: 'retryable', reason: 'the Collector is away' })
  await play(world)
  await world.pass(20_000)
  assert.deepEqual(world.sent, [])
  first.kill()
  world.answer = () => ({ kind: 'ok' })
  await world.until('both arrive', () => rollouts.every(({ traceId }) => hasArrived(world, traceId)))
  for (const { traceId } of rollouts) assert.equal(timesSent(world, traceId, 'b'), 1)
})

test('a Deployment that became complete while no replica was there is told by the next one, and not once more after that', async () => {
  await using world = await openWorld()
  world.server.store.load('tracesessions', [session('all')])
  const first = await leader(world)
  const [one, two] = await told()
  assert.ok(one && two)
  const plan = changes(world)
  await play(world, { plan, to: 12 })
  await world.until('the first arrives', () => hasArrived(world, one.traceId))
  await world.pass(3000)
  first.kill()
  await play(world, { plan, from: 12 })
  await world.pass(5000)
  const second = world.replica('b')
  await world.until('it is ready', () => isReady(second))
  await world.until('the second arrives', () => hasArrived(world, two.traceId))
  await world.pass(90_000)
  second.stop()
  await second.ended
  const third = world.replica('c')
  await world.until('it is ready', () => isReady(third))
  await world.pass(60_000)
  assert.equal(timesSent(world, one.traceId), 1)
  assert.equal(timesSent(world, two.traceId), 1)
})

test('the first replica of a cluster tells no rollout that was over before it came', async () => {
  await using world = await openWorld()
  world.server.store.load('tracesessions', [session('all')])
  await play(world)
  await world.pass(60_000)
  await leader(world)
  await world.pass(60_000)
  for (const { traceId } of await told()) assert.equal(hasArrived(world, traceId), false)
})
