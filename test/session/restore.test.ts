import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { TraceSessionStatus } from '../../src/session/schema.ts'
import { at, condition, drive, type Driven, session, start } from './made.ts'

const SPEC = {
  allPods: true,
  objectives: [{ name: 'ready', percentile: 50, threshold: '30s' }],
  completion: { when: 'Duration', timeout: '300s' },
}

/** A session of ten pods: eight ready, one failed, one starting; one trace was not delivered. */
function before(): Driven {
  const driven = drive()
  driven.apply(session(SPEC))
  driven.backfilled()
  for (let pod = 0; pod < 8; pod += 1) driven.take({ pod }, 7)
  driven.take({ pod: 8, outcome: 'failed' }, 7)
  for (let pod = 0; pod < 8; pod += 1) driven.book.delivered(start({ pod }).traceId, 'default', 'sent')
  driven.tick(10, [{ pod: 9 }])
  return driven
}

const restarted = (status: TraceSessionStatus, second = 20): Driven => {
  const driven = drive()
  driven.apply(session(SPEC, { status }), second)
  return driven
}

describe('after a restart of all replicas', () => {
  test('nothing is published before earlier starts were read again', () => {
    const driven = restarted(before().status())
    assert.equal(driven.tick(21, [{ pod: 9 }]).length, 0)
    driven.backfilled()
    assert.equal(driven.tick(22, [{ pod: 9 }]).length, 1)
  })

  test('pods told again are the same pods', () => {
    const status = before().status()
    const driven = restarted(status)
    for (let pod = 0; pod < 8; pod += 1) driven.take({ pod }, 21)
    driven.take({ pod: 8, outcome: 'failed' }, 21)
    for (let pod = 0; pod <= 8; pod += 1) driven.book.delivered(start({ pod }).traceId, 'default', 'sent')
    driven.backfilled()
    driven.tick(22, [{ pod: 9 }])
    assert.deepEqual(driven.status().pods, status.pods)
    assert.deepEqual(driven.status().traces, { exported: 9, sampledOut: 0, dropped: 0, pending: 0 })
    assert.equal(condition(driven.status(), 'EvidenceComplete'), 'True Rebuilt')
  })

  test('pods that are gone stay in the totals, and it is said that percentiles lack them', () => {
    const status = before().status()
    const driven = restarted(status)
    driven.take({ pod: 0 }, 21)
    driven.backfilled()
    driven.tick(22, [{ pod: 9 }])
    assert.deepEqual(driven.status().pods, status.pods)
    assert.equal(condition(driven.status(), 'EvidenceComplete'), 'False Rebuilt')
    assert.match(driven.status().conditions?.[2]?.message ?? '', /8 pods/)
  })

  test('pods that ended since are added, not hidden by the old total', () => {
    const driven = restarted(before().status())
    driven.take({ pod: 9, took: 18 }, 24)
    driven.take({ pod: 10, created: 15 }, 24)
    driven.backfilled()
    driven.tick(25)
    assert.equal(driven.status().pods?.ready, 10)
    assert.equal(driven.status().pods?.matched, 11)
  })

  test('a pod that had ended, but was not told before the old status, is added', () => {
    const driven = restarted(before().status())
    driven.take({ pod: 20, created: 4, took: 3 }, 21)
    driven.backfilled()
    driven.tick(25)
    assert.equal(driven.status().pods?.ready, 9, 'it ended at 7, settled at 12, and the status was of 10')
  })

  test('a verdict that lost pods could turn is inconclusive', () => {
    const driven = restarted(before().status())
    driven.backfilled()
    driven.take({ pod: 30, created: 30 }, 37)
    driven.tick(310)
    assert.equal(driven.status().phase, 'Inconclusive')
    assert.match(driven.status().conditions?.[4]?.message ?? '', /restart/)
  })

  test('one that they cannot turn stands', () => {
    const driven = restarted(before().status())
    for (let pod = 0; pod < 7; pod += 1) driven.take({ pod }, 21)
    driven.backfilled()
    driven.tick(310)
    assert.equal(driven.status().phase, 'Passed', 'one of unknown length and one failed of nine, at 50 %')
  })

  test('failed pods that are gone still count against it', () => {
    const driven = drive()
    const object = { ...SPEC, objectives: [{ name: 'ready', percentile: 100, threshold: '30s' }] }
    driven.apply(session(object, { status: before().status() }), 20)
    driven.backfilled()
    driven.tick(21)
    assert.equal(condition(driven.status(), 'ObjectiveMet'), 'False Missed')
  })

  test('a session that takes no new pods still takes none', () => {
    const closing = drive()
    closing.apply(session({ ...SPEC, completion: { when: 'PodCount', minPods: 1 } }))
    closing.backfilled()
    closing.take({ pod: 1 }, 7)
    closing.tick(8, [{ pod: 2 }])
    closing.tick(18, [{ pod: 2 }])
    assert.equal(closing.status().closedBy, 'PodCountReached')
    const driven = drive()
    driven.apply(
      session({ ...SPEC, completion: { when: 'PodCount', minPods: 1 } }, { status: closing.status() }),
      20,
    )
    driven.backfilled()
    driven.take({ pod: 3, created: 15 }, 22)
    driven.take({ pod: 2, took: 20 }, 26)
    driven.tick(30)
    assert.equal(driven.status().pods?.matched, 2)
    assert.equal(condition(driven.status(), 'Complete'), 'True PodCountReached')
  })

  test('events that were recorded are not recorded again, and conditions keep their times', () => {
    const status = before().status()
    const driven = restarted(status)
    driven.backfilled()
    driven.tick(30, [{ pod: 9 }])
    assert.deepEqual(
      driven.updates.flatMap(({ events }) => events),
      [],
    )
    assert.equal(driven.status().startTime, status.startTime)
    assert.equal(
      driven.status().conditions?.[0]?.lastTransitionTime,
      status.conditions?.[0]?.lastTransitionTime,
    )
  })
})

describe('a standing session after a restart', () => {
  const STANDING = { allPods: true, completion: { when: 'Never' }, window: '10m' }

  test('asks only for what its window holds, and is whole again once the window has passed', () => {
    const first = drive()
    first.apply(session(STANDING))
    first.backfilled()
    for (let pod = 0; pod < 5; pod += 1) first.take({ pod }, 7)
    first.tick(10)
    const driven = drive()
    driven.apply(session(STANDING, { status: first.status() }), 10_000)
    assert.equal(driven.book.backfills()[0]?.since, at(9400))
    driven.book.backfilled('uid-shop-s', undefined, at(10_001))
    driven.tick(10_002)
    assert.equal(condition(driven.status(), 'EvidenceComplete'), 'False Rebuilt')
    driven.take({ pod: 9, created: 10_500 }, 10_507)
    driven.tick(10_700)
    assert.equal(condition(driven.status(), 'EvidenceComplete'), 'True Rebuilt')
    assert.equal(driven.status().pods?.ready, 6)
  })
})

describe('a standby that takes over', () => {
  const leading = (): { leader: Driven; standby: Driven } => {
    const [leader, standby] = [drive(), drive()]
    for (const driven of [leader, standby]) {
      driven.apply(session(SPEC))
      driven.backfilled()
      for (let pod = 0; pod < 4; pod += 1) driven.take({ pod }, 7)
    }
    return { leader, standby }
  }

  test('goes on from what it has seen itself, with nothing falling', () => {
    const { leader, standby } = leading()
    leader.take({ pod: 50 }, 8)
    leader.tick(10)
    standby.apply(session(SPEC, { status: leader.status() }), 10)
    standby.tick(12)
    assert.deepEqual(standby.updates, [], 'not before ten seconds after the leader')
    standby.take({ pod: 5, created: 12 }, 19)
    standby.tick(21)
    assert.equal(standby.status().pods?.ready, 5)
    const { traces, pods } = standby.status()
    assert.equal((traces?.pending ?? 0) + (traces?.exported ?? 0), pods?.ready)
  })

  test("keeps the leader's verdict", () => {
    const { leader, standby } = leading()
    leader.tick(310)
    assert.equal(leader.status().phase, 'Passed')
    standby.take({ pod: 60, created: 299, outcome: 'failed' }, 306)
    standby.apply(session(SPEC, { status: leader.status() }), 311)
    standby.tick(330)
    const last = standby.updates.at(-1)
    assert.ok(last === undefined || last.status.phase === 'Passed')
    assert.deepEqual(standby.book.expired(at(10_000)), [])
  })

  test('writes over what the leader before it had still on its way', () => {
    const { leader, standby } = leading()
    leader.tick(10)
    standby.take({ pod: 5, created: 12 }, 19)
    standby.tick(310)
    assert.equal(standby.status().phase, 'Passed')
    standby.apply(session(SPEC, { status: standby.status() }), 310)
    standby.apply(session(SPEC, { status: leader.status() }), 311)
    standby.tick(315)
    assert.equal(standby.updates.length, 1, 'not within ten seconds')
    standby.tick(321)
    assert.equal(standby.updates.length, 2)
    assert.equal(standby.status().phase, 'Passed')
    standby.apply(session(SPEC, { status: standby.status() }), 321)
    for (let second = 322; second < 400; second++) standby.tick(second)
    assert.equal(standby.updates.length, 2, 'once')
  })

  test('a session that was complete before is written once, not again for its own echo', () => {
    const { leader } = leading()
    leader.tick(310)
    const restored = drive()
    const generation = 2
    restored.apply(session(SPEC, { status: leader.status(), generation }), 320)
    restored.backfilled()
    for (let second = 321; second < 400; second++)
      for (const { status } of restored.tick(second))
        restored.apply(session(SPEC, { status, generation }), second)
    assert.deepEqual(
      restored.updates.map(({ status }) => status.observedGeneration),
      [generation],
    )
  })
})
