// Owns what the operator does where its Lease was deleted under it.
// Promises each behaviour from outside: what stands at the API server, and what reached the backend.
// Does not repeat the election (leader.test.ts), and deletes what belongs to the Lease itself: the simulator collects no garbage.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Obj } from '../simulator/encode.ts'
import { metaOf } from '../simulator/store.ts'
import { openWorld, OWN, podUid, startPod, type World } from './operator-harness.ts'

const STANDING =
  'standingSession: {allPods: true, namespaceSelector: {}, completion: {when: Never}, exporter: default}'

/** An object of Podspan's own, as it stands now. */
const ownObject = (world: World, resource: string, name: string): Obj | undefined =>
  [...world.server.store.of(resource).values()].find(({ object }) => {
    const meta = metaOf(object)
    return meta.namespace === OWN && meta.name === name
  })?.object

function remove(world: World, resource: string, object: Obj | undefined): void {
  assert.ok(object, `there is one of ${resource} to delete`)
  world.server.store.remove(resource, metaOf(object).uid)
}

const ownersOf = (object: Obj | undefined): unknown =>
  ((object?.['metadata'] as Obj | undefined)?.['ownerReferences'] as readonly Obj[] | undefined)?.map(
    ({ uid }) => uid,
  )

/** A leader, with the Lease and the standing session that there are at any time. */
async function leading(world: World) {
  world.replica('a', STANDING)
  const standing = (): Obj | undefined => ownObject(world, 'tracesessions', 'standing')
  const lease = (): Obj | undefined => ownObject(world, 'leases', 'podspan')
  await world.until('it leads, with its session', () => standing() !== undefined)
  return { lease, standing }
}

test('a Lease that somebody deleted is made again, and the standing session that went with it', async () => {
  await using world = await openWorld()
  const { lease, standing } = await leading(world)
  const before = { lease: lease(), standing: standing() }
  remove(world, 'leases', before.lease)
  remove(world, 'tracesessions', before.standing)
  await world.until('both are there again', () => lease() !== undefined && standing() !== undefined)
  const uid = metaOf(lease() ?? {}).uid
  assert.notEqual(uid, metaOf(before.lease ?? {}).uid)
  await world.until('the session belongs to the new Lease', () => ownersOf(standing())?.toString() === uid)
  await startPod(world, 1)
  await world.until('a start arrives', () => world.sent.length === 1)
  assert.deepEqual(
    world.sent.map((one) => one.uid),
    [podUid(1)],
  )
})

test('a standing session that outlives the Lease belongs to the new one', async () => {
  await using world = await openWorld()
  const { lease, standing } = await leading(world)
  const kept = metaOf(standing() ?? {}).uid
  remove(world, 'leases', lease())
  await world.until('the Lease is there again', () => lease() !== undefined)
  const uid = metaOf(lease() ?? {}).uid
  await world.until('the session belongs to it', () => ownersOf(standing())?.toString() === uid)
  assert.equal(metaOf(standing() ?? {}).uid, kept)
})
