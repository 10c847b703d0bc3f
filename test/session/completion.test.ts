import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { RolloutState } from '../../src/rollout/state.ts'
import { at, condition, drive, type Driven, session, start, TARGET } from './made.ts'

const P99 = { objectives: [{ name: 'ready', percentile: 99, threshold: '30s' }] }
const ROLLOUT = { ...TARGET, ...P99 }
const done: RolloutState = { complete: true, progress: '3 of 3 updated pods are available' }
const going: RolloutState = { complete: false, progress: '1 of 3 updated pods are available' }

function begin(spec: Readonly<Record<string, unknown>>): Driven {
  const driven = drive()
  driven.apply(session(spec))
  driven.backfilled()
  return driven
}
const rollout = (driven: Driven, state: RolloutState | undefined, second: number): void =>
  driven.book.rollout('uid-shop-s', state, at(second))

/** Phase and the two conditions that pipelines wait for. */
const verdict = (driven: Driven): readonly string[] => [
  driven.status().phase ?? '',
  condition(driven.status(), 'ObjectiveMet'),
  condition(driven.status(), 'Complete'),
]

describe('RolloutComplete', () => {
  test('waits for its target, then for its rollout, then for the pods, and passes', () => {
    const driven = begin(ROLLOUT)
    driven.tick(0)
    assert.deepEqual(verdict(driven), ['Pending', 'Unknown NoPods', 'False WaitingForTarget'])
    assert.equal(driven.book.targets()[0]?.target.name, 'checkout')
    rollout(driven, going, 1)
    driven.take({ pod: 1 }, 2)
    driven.tick(10, [{ pod: 2 }])
    assert.deepEqual(verdict(driven), ['Running', 'Unknown Undecided', 'False WaitingForRollout'])
    rollout(driven, done, 12)
    driven.tick(20, [{ pod: 2 }])
    assert.deepEqual(verdict(driven), ['Running', 'Unknown Undecided', 'False WaitingForStarts'])
    assert.deepEqual(driven.book.targets(), [])
    driven.take({ pod: 2, took: 20 }, 25)
    driven.tick(30)
    assert.deepEqual(verdict(driven), ['Passed', 'True Met', 'True RolloutComplete'])
    assert.equal(driven.status().objective, 'met')
  })

  test('of the revision before does not end it: without pods a complete rollout says nothing', () => {
    const driven = begin(ROLLOUT)
    rollout(driven, done, 1)
    driven.tick(60)
    assert.deepEqual(verdict(driven), ['Pending', 'Unknown NoPods', 'False WaitingForRollout'])
  })

  test('waits for minPods', () => {
    const driven = begin({ ...ROLLOUT, completion: { minPods: 2 } })
    rollout(driven, done, 1)
    driven.take({ pod: 1 }, 2)
    driven.tick(30)
    assert.equal(verdict(driven)[0], 'Running')
    driven.take({ pod: 2, created: 30 }, 37)
    driven.tick(40)
    driven.tick(50)
    assert.equal(verdict(driven)[0], 'Passed')
  })

  test('takes no pods that were created after it', () => {
    const driven = begin(ROLLOUT)
    rollout(driven, done, 1)
    driven.take({ pod: 1 }, 7)
    driven.tick(8)
    driven.take({ pod: 2, created: 9, took: 100 }, 12)
    driven.tick(20)
    assert.deepEqual([driven.status().pods?.matched, verdict(driven)[0]], [1, 'Passed'])
  })

  test('is not over before evidence has settled, so that a pod nobody has seen in flight still counts', () => {
    const driven = begin(ROLLOUT)
    rollout(driven, done, 1)
    driven.take({ pod: 1 }, 7)
    driven.tick(8)
    driven.take({ pod: 2, created: 7, took: 1, outcome: 'failed' }, 13)
    driven.tick(18)
    assert.deepEqual(verdict(driven), ['Failed', 'False Missed', 'True RolloutComplete'])
  })

  test('that fails ends it at once: missed objectives fail, met ones are inconclusive', () => {
    for (const [outcome, phase] of [
      ['timeout', 'Failed'],
      ['ready', 'Inconclusive'],
    ] as const) {
      const driven = begin(ROLLOUT)
      driven.take({ pod: 1, outcome }, 7)
      rollout(driven, { complete: false, failed: 'ProgressDeadlineExceeded', progress: 'stuck' }, 8)
      driven.tick(20)
      assert.deepEqual(
        [verdict(driven)[0], verdict(driven)[2]],
        [phase, 'True RolloutFailed'],
        `${outcome} gives ${phase}`,
      )
    }
  })

  test('that never comes ends at the timeout, inconclusive', () => {
    const driven = begin({ ...ROLLOUT, completion: { timeout: '60s' } })
    driven.take({ pod: 1 }, 7)
    driven.tick(59)
    assert.equal(verdict(driven)[0], 'Running')
    driven.tick(69)
    assert.deepEqual(verdict(driven), ['Inconclusive', 'Unknown Inconclusive', 'True Timeout'])
    assert.equal(driven.status().objective, 'inconclusive')
  })
})

describe('Complete always comes', () => {
  test('a pod that never starts runs to its start timeout, then the session fails', () => {
    const driven = begin({ ...ROLLOUT, completion: { timeout: '60s' }, startTimeout: '90s' })
    for (const second of [10, 60, 80, 94]) driven.tick(second, [{ pod: 1 }])
    assert.deepEqual(verdict(driven), ['Running', 'Unknown NoPods', 'False WaitingForStarts'])
    driven.tick(104, [{ pod: 1 }])
    assert.deepEqual(verdict(driven), ['Failed', 'False Missed', 'True Timeout'])
  })

  test('without any pod it is inconclusive', () => {
    const driven = begin({ allPods: true, ...P99, completion: { when: 'Duration', timeout: '60s' } })
    driven.tick(70)
    assert.deepEqual(verdict(driven), ['Inconclusive', 'Unknown Inconclusive', 'True DurationReached'])
    assert.match(driven.status().conditions?.[4]?.message ?? '', /Set backfill/)
  })

  test('with pods that were all deleted it is inconclusive', () => {
    const driven = begin({ allPods: true, ...P99, completion: { when: 'Duration', timeout: '60s' } })
    driven.take({ pod: 1, outcome: 'deleted' })
    driven.tick(70)
    assert.equal(verdict(driven)[0], 'Inconclusive')
  })

  test('while suspended, too', () => {
    const driven = begin({ ...ROLLOUT, suspend: true, completion: { timeout: '60s' } })
    driven.tick(10)
    assert.equal(verdict(driven)[2], 'False Suspended')
    driven.tick(70)
    assert.equal(verdict(driven)[2], 'True Timeout')
  })

  test('where earlier starts are never read: after a minute, and it says so', () => {
    const driven = drive()
    driven.apply(session({ allPods: true, completion: { when: 'Duration', timeout: '10s' } }))
    driven.take({ pod: 1 }, 7)
    driven.tick(30)
    assert.equal(condition(driven.status(), 'Complete'), 'False WaitingForStarts')
    driven.tick(60)
    assert.equal(condition(driven.status(), 'Complete'), 'True DurationReached')
    assert.equal(condition(driven.status(), 'EvidenceComplete'), 'False BackfillIncomplete')
  })

  test('but not for a standing session', () => {
    const driven = begin({ allPods: true, ...P99, completion: { when: 'Never' } })
    driven.take({ pod: 1 }, 7)
    driven.tick(1_000_000)
    assert.deepEqual(verdict(driven), ['Running', 'Unknown NoPods', 'False StandingSession'])
  })
})

describe('PodCount', () => {
  test('is over when so many have ended; those in flight still count', () => {
    const driven = begin({ allPods: true, ...P99, completion: { when: 'PodCount', minPods: 2 } })
    driven.tick(1, [{ pod: 3 }])
    driven.take({ pod: 1 }, 7)
    driven.take({ pod: 2 }, 7)
    driven.tick(11, [{ pod: 3 }])
    assert.equal(verdict(driven)[2], 'False WaitingForStarts')
    driven.take({ pod: 3, took: 31 }, 36)
    driven.tick(40)
    assert.deepEqual(verdict(driven), ['Failed', 'False Missed', 'True PodCountReached'])
  })

  test('deleted pods do not count', () => {
    const driven = begin({ allPods: true, completion: { when: 'PodCount', minPods: 1 } })
    driven.take({ pod: 1, outcome: 'deleted' })
    driven.tick(30)
    assert.equal(verdict(driven)[0], 'Running')
  })

  test('not reached in time is inconclusive', () => {
    const driven = begin({
      allPods: true,
      ...P99,
      completion: { when: 'PodCount', minPods: 5, timeout: '60s' },
    })
    driven.take({ pod: 1 })
    driven.tick(70)
    assert.deepEqual(verdict(driven), ['Inconclusive', 'Unknown Inconclusive', 'True Timeout'])
  })
})

describe('a final phase', () => {
  const finish = (): Driven => {
    const driven = begin({
      allPods: true,
      ...P99,
      completion: { when: 'Duration', timeout: '60s' },
      ttlSecondsAfterFinished: 30,
    })
    driven.take({ pod: 1 })
    driven.tick(70)
    assert.equal(driven.status().phase, 'Passed')
    return driven
  }

  test('does not change with pods that come later', () => {
    const driven = finish()
    driven.tick(71, [{ pod: 2, created: 50 }])
    driven.take({ pod: 2, created: 50, outcome: 'failed' }, 80)
    driven.tick(90)
    assert.equal(driven.status().phase, 'Passed')
    assert.equal(driven.status().pods?.matched, 1)
  })

  test('expires when its time to live is over, not before', () => {
    const driven = finish()
    assert.deepEqual(driven.book.expired(at(99)), [])
    assert.equal(driven.book.expired(at(100))[0]?.name, 's')
  })

  test('says itself with one event, and the miss with another', () => {
    const driven = begin({ allPods: true, ...P99, completion: { when: 'Duration', timeout: '60s' } })
    driven.tick(1)
    driven.take({ pod: 1, outcome: 'failed' })
    driven.tick(70)
    driven.book.delivered('x', 'default', 'sent')
    driven.tick(100)
    assert.deepEqual(
      driven.updates.flatMap(({ events }) => events.map(({ type, reason }) => `${type} ${reason}`)),
      ['Normal Accepted', 'Warning ObjectiveMissed', 'Warning Completed'],
    )
  })

  const SPEC = { allPods: true, ...P99, completion: { when: 'Duration', timeout: '60s' } }

  test('stays as it was over a restart; of a trace that was pending is said what became of it', () => {
    const status = finish().status()
    assert.equal(status.traces?.pending, 1)
    const driven = drive()
    driven.apply(session(SPEC, { status }), 200)
    assert.equal(driven.tick(200).length, 0)
    const { exporters } = driven.take({ pod: 1, outcome: 'failed' }, 201)
    assert.deepEqual(exporters, ['default'], 'it may never have arrived')
    driven.book.delivered(start({ pod: 1 }).traceId, 'default', 'sent')
    driven.tick(210)
    assert.equal(driven.status().phase, 'Passed')
    assert.deepEqual(driven.status().pods, status.pods)
    assert.deepEqual(driven.status().traces, { exported: 1, sampledOut: 0, dropped: 0, pending: 0 })
    driven.backfilled()
    assert.deepEqual(driven.take({ pod: 2 }, 300).exporters, [])
  })

  test('counts as dropped what was pending and is never told again', () => {
    const driven = drive()
    driven.apply(session(SPEC, { status: finish().status() }), 200)
    driven.tick(300)
    assert.equal(driven.status().phase, 'Passed')
    assert.deepEqual(driven.status().traces, { exported: 0, sampledOut: 0, dropped: 1, pending: 0 })
  })

  test('follows the generation, so that kubectl wait does not wait for ever', () => {
    const before = finish()
    const driven = drive()
    driven.apply(
      session({ allPods: true, ttlSecondsAfterFinished: 5 }, { status: before.status(), generation: 2 }),
      200,
    )
    driven.tick(201)
    assert.equal(driven.status().observedGeneration, 2)
    assert.ok(driven.status().conditions?.every(({ observedGeneration }) => observedGeneration === 2))
    assert.equal(driven.status().phase, 'Passed')
    assert.equal(driven.updates[0]?.events.length, 0)
  })
})

describe('objectives', () => {
  test('are missed as soon as every pod must be within, and one is not', () => {
    const driven = begin({ ...TARGET, objectives: [{ name: 'all', percentile: 100, threshold: '30s' }] })
    driven.take({ pod: 1, took: 31 })
    driven.tick(40)
    assert.deepEqual(verdict(driven), ['Running', 'False Missed', 'False WaitingForTarget'])
    assert.equal(driven.status().objective, 'missed: all 31s > 30s')
  })

  test('at a percentile are open while pods may come, and missed once those in flight cannot mend it', () => {
    const driven = begin({ ...TARGET, objectives: [{ name: 'half', percentile: 50, threshold: '30s' }] })
    driven.take({ pod: 1, outcome: 'failed' }, 7)
    driven.take({ pod: 2, outcome: 'failed' }, 7)
    driven.tick(10, [{ pod: 3 }])
    assert.equal(verdict(driven)[1], 'Unknown Undecided')
    rollout(driven, done, 11)
    driven.tick(21, [{ pod: 3 }])
    assert.deepEqual(verdict(driven), ['Running', 'False Missed', 'False WaitingForStarts'])
  })

  test('stay open at a percentile while a pod in flight could still meet them', () => {
    const driven = begin({ ...TARGET, objectives: [{ name: 'half', percentile: 50, threshold: '30s' }] })
    driven.take({ pod: 1, outcome: 'failed' }, 7)
    rollout(driven, done, 8)
    for (const second of [9, 19, 29]) driven.tick(second, [{ pod: 2 }])
    assert.deepEqual(verdict(driven), ['Running', 'Unknown Undecided', 'False WaitingForStarts'])
    driven.take({ pod: 2, took: 25 }, 30)
    driven.tick(40)
    assert.deepEqual(verdict(driven), ['Passed', 'True Met', 'True RolloutComplete'])
  })

  test('are never True before the session is complete, however good it looks', () => {
    const driven = begin(ROLLOUT)
    for (let pod = 0; pod < 300; pod += 1) driven.take({ pod })
    driven.tick(20)
    assert.equal(verdict(driven)[1], 'Unknown Undecided')
  })

  test('of an operation judge the time in it; a pod that did not need it spent none', () => {
    const objectives = [{ name: 'pulls', percentile: 99, threshold: '5s', operation: 'pull image' }]
    const judged = (seconds: number): Driven => {
      const driven = begin({ allPods: true, objectives, completion: { when: 'PodCount', minPods: 2 } })
      driven.take({ pod: 1, took: 60 }, 7)
      driven.take({ pod: 2, took: 60, operations: [{ name: 'pull image', from: 0, to: seconds }] }, 7)
      driven.tick(8)
      driven.tick(20)
      return driven
    }
    assert.equal(judged(4).status().phase, 'Passed')
    assert.equal(judged(6).status().phase, 'Failed')
    assert.deepEqual(judged(6).status().objectives, [
      { name: 'pulls', value: '6s', met: false, pods: 2, over: 1 },
    ])
  })

  test('unstable and failed pods count as infinitely slow, deleted ones not at all', () => {
    const driven = begin({ allPods: true, objectives: [{ name: 'half', percentile: 50, threshold: '30s' }] })
    for (const [pod, outcome] of (['ready', 'unstable', 'failed', 'deleted'] as const).entries())
      driven.take({ pod, outcome })
    driven.tick(10)
    assert.deepEqual(driven.status().objectives, [
      { name: 'half', value: 'never', met: false, pods: 3, over: 2 },
    ])
  })

  test('none at all pass when the session completes with pods', () => {
    const driven = begin({ allPods: true, completion: { when: 'PodCount', minPods: 1 } })
    driven.take({ pod: 1 }, 7)
    driven.tick(8)
    driven.tick(20)
    assert.deepEqual(verdict(driven), ['Passed', 'True NoObjectives', 'True PodCountReached'])
  })
})

describe('a standing session', () => {
  const STANDING = { allPods: true, ...P99, completion: { when: 'Never' }, window: '10m' }

  test('judges the last window, misses, and recovers; its totals go on', () => {
    const driven = begin(STANDING)
    driven.take({ pod: 1, took: 40 }, 45)
    driven.tick(50)
    assert.deepEqual(verdict(driven), ['Running', 'False Missed', 'False StandingSession'])
    driven.take({ pod: 2, created: 700 }, 707)
    driven.take({ pod: 3, created: 760 }, 767)
    driven.tick(770)
    assert.deepEqual(verdict(driven), ['Running', 'Unknown WithinObjectives', 'False StandingSession'])
    assert.equal(driven.status().pods?.ready, 3)
    assert.equal(driven.status().startup?.max, '2s')
  })

  test('may be given other objectives', () => {
    const driven = begin(STANDING)
    driven.take({ pod: 1, took: 20 }, 25)
    driven.apply(
      session(
        { ...STANDING, objectives: [{ name: 'ready', percentile: 99, threshold: '10s' }] },
        { generation: 2 },
      ),
      30,
    )
    driven.take({ pod: 2, created: 30, took: 20 }, 55)
    driven.tick(60)
    assert.equal(verdict(driven)[1], 'False Missed')
    assert.equal(driven.status().observedGeneration, 2)
  })
})
