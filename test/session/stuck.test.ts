import assert from 'node:assert/strict'
import { test } from 'node:test'
import { groupStuck, reasonOf } from '../../src/session/stuck.ts'
import { at, inFlight, type MadeInFlight, uidOf } from './made.ts'

const REASONS: readonly (readonly [made: Partial<MadeInFlight>, reason: string | undefined])[] = [
  [
    {
      operation: 'schedule',
      reason:
        '0/5 nodes are available: 3 Insufficient cpu, 2 node(s) had untolerated taint {a: b}. preemption: 0/5 nodes are available: 5 No preemption victims found for incoming pod.',
    },
    'Insufficient cpu; node(s) had untolerated taint {a: b}',
  ],
  [
    {
      operation: 'schedule',
      reason:
        '0/1 nodes are available: 1 Insufficient cpu. no new claims to deallocate, preemption: 0/1 nodes are available.',
    },
    'Insufficient cpu',
  ],
  [
    { operation: 'schedule', reason: '0/1 nodes are available: 1 Insufficient memory.' },
    'Insufficient memory',
  ],
  [
    { operation: 'schedule', reason: 'running PreBind plugin "VolumeBinding": timed out' },
    'running PreBind plugin "VolumeBinding": timed out',
  ],
  [
    { reason: `back-off 10s restarting failed container=app pod=checkout-1_shop(${uidOf(1)})` },
    'back-off 10s restarting failed container=app pod=POD_shop(UID)',
  ],
  [{ reason: 'dial tcp 10.1.2.3:443: connection refused' }, 'dial tcp ADDRESS: connection refused'],
  [{ reason: 'sandbox 0123456789abcdef0123 failed' }, 'sandbox … failed'],
  [{ reason: 'sandbox 0123456789ab… failed' }, 'sandbox … failed'],
  [{ reason: '' }, undefined],
  [{}, undefined],
]

for (const [made, reason] of REASONS) {
  test(`'${made.reason ?? 'nothing'}' is grouped as '${reason ?? 'nothing'}'`, () =>
    assert.equal(reasonOf(inFlight({ pod: 1, ...made })), reason))
}

const groups = (starts: readonly MadeInFlight[], second: number) =>
  groupStuck(starts.map(inFlight), at(second), ({ name }) => name)

test('what has waited for less than 30 s is not stuck', () => {
  assert.deepEqual(groups([{ pod: 1, since: 10 }], 39), [])
  assert.equal(groups([{ pod: 1, since: 10 }], 40).length, 1)
})

test('what fails again and again is stuck from its first back-off on, however short each is', () => {
  assert.equal(groups([{ pod: 1, since: 35, failingSince: 10 }], 39).length, 0)
  assert.equal(groups([{ pod: 1, since: 35, failingSince: 10 }], 40).length, 1)
})

test('the largest group stands first, with its nodes and its oldest pod; ages go in steps', () => {
  const pulls = [1, 2, 3].map((pod) => ({ pod, node: `node-${pod % 2}`, created: pod, since: 5 }))
  assert.deepEqual(groups([{ pod: 9, operation: 'schedule' }, ...pulls], 250), [
    { in: 'pull image', pods: 3, nodes: 2, oldest: '3m', example: 'checkout-1' },
    { in: 'schedule', pods: 1, nodes: 0, oldest: '3m', example: 'checkout-9' },
  ])
})

test('there are at most ten groups', () => {
  const many = Array.from({ length: 40 }, (_, pod) => ({
    pod,
    reason: `cause ${String.fromCharCode(65 + pod)}x`,
  }))
  assert.equal(groups(many, 100).length, 10)
})
