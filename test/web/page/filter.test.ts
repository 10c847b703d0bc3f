// Owns what a filter in the address lets through.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { listAddress, passes, readFilter } from '../../../src/web/page/filter.ts'
import type { StartRow } from '../../../src/web/row.ts'

const row: StartRow = {
  id: '0'.repeat(32),
  uid: '11111111-2222-4333-8444-555555555555',
  namespace: 'shop',
  name: 'checkout-x2x4p',
  workload: 'Deployment/checkout',
  node: 'node-1',
  created: 1_000_000,
  cause: 'rollout',
  outcome: 'ready',
  startupMs: 12_000,
  longest: 'pull image',
  verdict: 'Ready after 12 s; 9 s (75 %) pulling registry/checkout:2',
}

const waiting: StartRow = {
  ...{
    id: row.id,
    uid: row.uid,
    namespace: 'shop',
    name: 'checkout-x2x4p',
    created: 1_000_000,
    cause: 'rollout',
  },
  outcome: 'starting',
  operation: 'schedule',
  waitsFor: 'waiting to be scheduled',
  reason: 'Insufficient cpu',
}

const filter = (query: string) => readFilter(new URLSearchParams(query))

const CASES: readonly (readonly [query: string, finished: boolean, inFlight: boolean])[] = [
  ['', true, true],
  ['namespace=shop', true, true],
  ['namespace=other', false, false],
  ['workload=Deployment/checkout', true, false],
  ['node=node-1', true, false],
  ['outcome=ready', true, false],
  ['outcome=starting', false, true],
  ['cause=rollout', true, true],
  ['longest=pull+image', true, false],
  ['longest=schedule', false, true],
  ['slower=10s', true, true],
  ['slower=20s', false, true],
  ['slower=nonsense', true, true],
  ['text=CHECKOUT-X2', true, true],
  ['text=insufficient', false, true],
  ['text=11111111-2222', true, true],
  ['after=1970-01-01T00:16:53Z', false, true],
  ['before=1970-01-01T00:16:53Z', true, false],
]

for (const [query, finished, inFlight] of CASES)
  test(`'${query}' shows ${finished ? '' : 'not '}what is over and ${inFlight ? '' : 'not '}what waits`, () => {
    assert.equal(passes(row, filter(query), 1_030_000), finished)
    assert.equal(passes(waiting, filter(query), 1_030_000), inFlight)
  })

test('a start that is dated after now, by a clock that is off, is shown all the same', () => {
  assert.equal(passes(waiting, filter(''), 0), true)
})

test('a filter comes back from its address as it was', () => {
  const query = 'namespace=shop&workload=Deployment%2Fcheckout&slower=0.8s&text=a%26b&order=slowest'
  const first = filter(query)
  const again = filter(listAddress(first).split('?')[1] ?? '')
  assert.deepEqual(again, first)
  assert.equal(listAddress(filter('')), '#/')
})
