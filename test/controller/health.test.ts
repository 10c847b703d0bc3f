// Owns what the operator says of its own health where it takes the whole operator to say it.
// Promises numbers from outside, off /metrics. Does not repeat which number is which metric: see test/metrics/health.test.ts.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { formatRfc3339, unixNano } from '../../src/base/time.ts'
import { openWorld, type Replica, type World } from './operator-harness.ts'

/** The kubelet of node-1 renews its Lease, by a request that takes so long. */
function renew(world: World, takesMs: number): void {
  const renewTime = formatRfc3339(unixNano(world.clock.now() - BigInt(takesMs) * 1_000_000n), 6)
  world.server.store.apply('leases', {
    apiVersion: 'coordination.k8s.io/v1',
    kind: 'Lease',
    metadata: {
      name: 'node-1',
      namespace: 'kube-node-lease',
      uid: '00000009-0000-4000-8000-000000000001',
    },
    spec: { holderIdentity: 'node-1', leaseDurationSeconds: 40, renewTime },
  })
}

async function lagOf(world: World, replica: Replica): Promise<number | undefined> {
  const { body } = await world.get(replica, '/metrics')
  const said = /^podspan_watch_lag_seconds (\S+)$/m.exec(body)?.[1]
  return said === undefined ? undefined : Number(said)
}

test('how late the watch is shows in the metrics while it is known', async () => {
  await using world = await openWorld()
  const replica = world.replica('a')
  await world.until('it is ready', () => replica.lines.some(({ message }) => message === 'podspan is ready'))
  assert.equal(await lagOf(world, replica), undefined)
  renew(world, 40)
  await world.pass(3000)
  const lag = (await lagOf(world, replica)) ?? Number.NaN
  // What the watch itself took is some steps of the test's clock.
  assert.ok(lag >= 0.04 && lag < 1, `${lag} s`)
  await world.pass(20_000)
  assert.equal(await lagOf(world, replica), undefined)
  renew(world, 8000)
  await world.pass(3000)
  assert.ok(((await lagOf(world, replica)) ?? 0) >= 8)
})
