import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { createBudget, createSlowest } from '../../src/session/budget.ts'
import { isSampled } from '../../src/session/sampling.ts'
import type { Trace } from '../../src/trace/trace.ts'
import { at, condition, drive, ownedBy, session, start, TARGET, uidOf } from './made.ts'

const DURATION = { ...TARGET, completion: { when: 'Duration', timeout: '600s' } }
const traceOf = (pod: number): string => start({ pod }).traceId

describe('sampling', () => {
  test('takes the share that it says, by the low 56 bits of the trace id', () => {
    const ids = Array.from({ length: 4000 }, (_, number) => traceOf(number))
    for (const percent of [1, 10, 50, 99]) {
      const share = (ids.filter((id) => isSampled(id, percent)).length * 100) / ids.length
      assert.ok(Math.abs(share - percent) < 2.5, `${share} % of ${percent} %`)
    }
  })

  test('of a smaller share is a part of that of a larger one', () => {
    fc.assert(
      fc.property(
        fc.nat(),
        fc.double({ min: 0, max: 100, noNaN: true }),
        fc.double({ min: 0, max: 100, noNaN: true }),
        (pod, a, b) => {
          const id = traceOf(pod)
          if (isSampled(id, Math.min(a, b))) assert.ok(isSampled(id, Math.max(a, b)))
        },
      ),
    )
  })

  test('looks at the low 56 bits only', () => {
    assert.equal(isSampled(`${'0'.repeat(18)}ffffffffffffff`, 0.0001), true)
    assert.equal(isSampled(`${'f'.repeat(18)}00000000000000`, 99.9999), false)
    assert.equal(isSampled(`${'f'.repeat(18)}00000000000000`, 100), true)
    assert.equal(isSampled('f'.repeat(32), 0), false)
  })

  test('keeps what is slow or failed, and counts the others as sampled out', () => {
    const driven = drive()
    driven.apply(session({ ...DURATION, sampling: { percent: 0, keep: { slowerThan: '10s' } } }))
    assert.deepEqual(driven.take({ pod: 1, took: 10 }).exporters, [])
    assert.deepEqual(driven.take({ pod: 2, took: 10.1 }).exporters, ['default'])
    for (const [pod, outcome] of (['failed', 'unstable', 'timeout'] as const).entries())
      assert.deepEqual(driven.take({ pod: 10 + pod, outcome }).exporters, ['default'], outcome)
    assert.deepEqual(driven.take({ pod: 20, outcome: 'deleted' }).exporters, [])
    driven.tick(20)
    assert.deepEqual(driven.status().traces, { exported: 0, sampledOut: 2, dropped: 0, pending: 4 })
  })

  test('keeps failed ones only if asked', () => {
    const driven = drive()
    driven.apply(session({ ...DURATION, sampling: { percent: 0, keep: { failed: false } } }))
    assert.deepEqual(driven.take({ pod: 1, outcome: 'failed' }).exporters, [])
  })
})

describe('several sessions of one pod', () => {
  test('are one decision per exporter: kept if any keeps it, and told to all', () => {
    const driven = drive({ exporters: { a: {}, b: {} } })
    driven.apply(session({ ...DURATION, exporter: 'a', sampling: { percent: 0 } }, { name: 'none' }))
    driven.apply(session({ ...DURATION, exporter: 'a' }, { name: 'all' }))
    driven.apply(session({ ...DURATION, exporter: 'b' }, { name: 'other' }))
    const decision = driven.take({ pod: 1 })
    assert.deepEqual([...decision.exporters].sort(), ['a', 'b'])
    assert.equal(decision.sessions.length, 3)
    driven.book.delivered(traceOf(1), 'a', 'sent')
    driven.book.delivered(traceOf(1), 'b', 'dropped')
    driven.tick(20)
    assert.equal(driven.status('none').traces?.exported, 1)
    assert.equal(driven.status('all').traces?.exported, 1)
    assert.equal(driven.status('other').traces?.dropped, 1)
  })

  test('all sampled out are none', () => {
    const driven = drive()
    for (const name of ['x', 'y']) driven.apply(session({ ...DURATION, sampling: { percent: 0 } }, { name }))
    const decision = driven.take({ pod: 1 })
    assert.deepEqual([decision.exporters, decision.decisions.get('default')], [[], 'sampled out'])
  })
})

describe('an exporter', () => {
  test('that is not configured is said with the names of those that are; the traces count as dropped', () => {
    const driven = drive({ exporters: { tempo: {}, jaeger: {} } })
    driven.apply(session({ ...DURATION, exporter: 'tmepo' }))
    assert.deepEqual(driven.take({ pod: 1 }).exporters, [])
    driven.tick(8)
    assert.equal(condition(driven.status(), 'Exporting'), 'False UnknownExporter')
    assert.match(driven.status().conditions?.[1]?.message ?? '', /there are: jaeger, tempo\./)
    assert.equal(driven.status().traces?.dropped, 1)
    assert.equal(driven.status().pods?.ready, 1)
  })

  test('that is configured later takes over without a restart', () => {
    const driven = drive({ exporters: {} })
    driven.apply(session(DURATION))
    driven.tick(1)
    assert.equal(condition(driven.status(), 'Exporting'), 'False NoExporter')
    driven.book.configure({ ...drive().options, exporters: { default: {} } }, at(5))
    assert.deepEqual(driven.take({ pod: 1 }).exporters, ['default'])
    driven.tick(12)
    assert.equal(condition(driven.status(), 'Exporting'), 'True Exporting')
    assert.equal(driven.status().pods?.ready, 1)
  })
})

describe('a budget', () => {
  test('keeps a fifth back for what is urgent, and fills up again in a minute', () => {
    const budget = createBudget(100, at(0))
    const many = (urgency: 'urgent' | 'ordinary', second: number): number => {
      let taken = 0
      while (budget.take(1, urgency, at(second))) taken += 1
      return taken
    }
    assert.equal(many('ordinary', 0), 80)
    assert.equal(many('urgent', 0), 20)
    assert.equal(many('urgent', 30), 50)
    assert.equal(many('ordinary', 90), 80)
  })

  test('never lets more through than two minutes of it in one minute', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat({ max: 60 }), fc.integer({ min: 1, max: 30 })), { maxLength: 300 }),
        (asked) => {
          const budget = createBudget(60, at(0))
          let through = 0
          for (const [second, cost] of asked.toSorted((a, b) => a[0] - b[0]))
            if (budget.take(cost, 'urgent', at(second))) through += cost
          assert.ok(through <= 120, `${through}`)
        },
      ),
    )
  })

  test('of fewer spans than a trace has lets it through when it is full, and makes up for it', () => {
    const budget = createBudget(10, at(0))
    assert.equal(budget.take(40, 'ordinary', at(0)), true)
    assert.equal(budget.take(40, 'urgent', at(60)), false)
    assert.equal(budget.take(40, 'urgent', at(240)), true)
  })

  test('of an exporter counts spans, and lets failed starts pass where ordinary ones are refused', () => {
    const driven = drive({ exporters: { default: { spansPerMinute: 10 } } })
    driven.apply(session(DURATION))
    for (let pod = 0; pod < 8; pod += 1) assert.deepEqual(driven.take({ pod }, 10).exporters, ['default'])
    const refused = driven.take({ pod: 8 }, 10)
    assert.deepEqual([refused.exporters, refused.decisions.get('default')], [[], 'over budget'])
    assert.deepEqual(driven.take({ pod: 9, outcome: 'failed' }, 10).exporters, ['default'])
    driven.tick(11)
    assert.deepEqual(driven.status().traces, { exported: 0, sampledOut: 0, dropped: 1, pending: 9 })
  })

  test('of a session counts traces', () => {
    const driven = drive()
    driven.apply(session({ ...DURATION, limits: { tracesPerMinute: 5 } }))
    for (let pod = 0; pod < 4; pod += 1) assert.deepEqual(driven.take({ pod }, 10).exporters, ['default'])
    assert.equal(driven.take({ pod: 4 }, 10).decisions.get('default'), 'over limit')
    assert.deepEqual(driven.take({ pod: 5, outcome: 'failed' }, 10).exporters, ['default'])
    assert.deepEqual(driven.take({ pod: 6 }, 70).exporters, ['default'])
  })

  test('knows the slowest tenth of what went before', () => {
    const isSlow = createSlowest()
    for (let value = 1; value <= 256; value += 1) assert.equal(isSlow(value), false)
    assert.equal(isSlow(232), true)
    assert.equal(isSlow(231), false)
  })
})

describe('earlier starts', () => {
  test('are asked for once per session, from when and where', () => {
    const driven = drive()
    driven.apply(session({ ...DURATION, backfill: '60s' }, { created: 100 }), 100)
    driven.apply(
      session(
        { allPods: true, namespaceSelector: {}, completion: { when: 'Never' } },
        { name: 'all', namespace: 'podspan' },
      ),
      100,
    )
    assert.deepEqual(
      driven.book.backfills().map(({ session: { name }, namespace, since }) => [name, namespace, since]),
      [
        ['s', 'shop', at(40)],
        ['all', undefined, at(0)],
      ],
    )
    assert.deepEqual(driven.book.backfills(), [])
  })

  test('say since when an operator before us knew the session, by its status', () => {
    const before = drive()
    before.apply(session(DURATION, { created: 30 }), 30)
    before.backfilled()
    before.tick(31)
    const after = drive()
    const [known, unknown] = [{ created: 30 }, { created: 30, name: 'unknown' }]
    after.apply({ ...session(DURATION, known), status: before.status() }, 60)
    after.apply(session(DURATION, unknown), 60)
    assert.deepEqual(
      after.book.backfills().map(({ knownSince }) => knownSince),
      [at(30), undefined],
    )
  })

  test('that are offered count for that session alone, and once', () => {
    const driven = drive()
    driven.apply(session({ ...DURATION, backfill: '60s' }, { created: 100 }), 100)
    driven.apply(session(DURATION, { name: 'other' }), 0)
    const early = start({ pod: 1, created: 60 })
    driven.take({ pod: 2, created: 100 }, 107)
    assert.deepEqual(
      driven.book.offer('uid-shop-s', early, at(108)).sessions.map(({ name }) => name),
      ['s'],
    )
    assert.deepEqual(driven.book.offer('uid-shop-s', early, at(108)).sessions, [])
    assert.deepEqual(driven.book.offer('uid-shop-s', start({ pod: 2, created: 100 }), at(108)).sessions, [])
    driven.book.backfilled('uid-shop-s', undefined, at(109))
    driven.tick(110)
    assert.equal(driven.status('s').pods?.ready, 2)
    assert.equal(driven.status('other').pods?.ready, 1)
  })

  test('that the pipeline was about to tell count once, also when it tells them after the backfill', () => {
    const driven = drive()
    driven.tick(29, [{ pod: 1 }])
    driven.apply(session({ ...DURATION, backfill: '60s' }, { created: 30 }), 30)
    driven.tick(30, [{ pod: 1 }])
    driven.book.offer('uid-shop-s', start({ pod: 1, took: 29 }), at(31))
    driven.book.backfilled('uid-shop-s', undefined, at(32))
    assert.deepEqual(driven.take({ pod: 1, took: 29 }, 34).sessions, [])
    driven.tick(40)
    assert.equal(driven.status().pods?.matched, 1)
    assert.equal(driven.status().pods?.ready, 1)
  })

  test('that an operator before us has seen to count as it decided, by what can be told of it, and take no budget', () => {
    const driven = drive({ exporters: { default: { spansPerMinute: 10 } } })
    driven.apply(
      session({ ...DURATION, sampling: { percent: 0, keep: { slowerThan: '10s' } } }, { created: 20 }),
      20,
    )
    const decided = [1, 2].map((pod) => {
      const { decisions, exporters } = driven.book.offer(
        'uid-shop-s',
        start({ pod, took: pod === 1 ? 30 : 5, created: 20 }),
        at(60),
        ['default'],
      )
      return [exporters, decisions.get('default')]
    })
    assert.deepEqual(decided, [
      [[], 'sent before'],
      [[], 'sampled out'],
    ])
    driven.tick(61)
    assert.deepEqual(driven.status().traces, { exported: 1, sampledOut: 1, dropped: 0, pending: 0 })
    // Another exporter is none that it has seen to.
    const other = driven.book.offer('uid-shop-s', start({ pod: 3, took: 30, created: 20 }), at(62), ['other'])
    assert.deepEqual(other.exporters, ['default'])
  })

  test('that were sent are not sent again, but count as exported', () => {
    const driven = drive()
    driven.apply(session(DURATION, { name: 'first' }))
    driven.take({ pod: 1 })
    driven.take({ pod: 2 })
    driven.book.delivered(traceOf(1), 'default', 'sent')
    driven.apply(session({ ...DURATION, backfill: '60s' }, { created: 20 }), 20)
    for (const pod of [1, 2]) {
      const decision = driven.book.offer('uid-shop-s', start({ pod }), at(21))
      assert.deepEqual([decision.exporters, decision.decisions.get('default')], [[], 'sent before'])
    }
    driven.tick(22)
    assert.deepEqual(driven.status().traces, { exported: 1, sampledOut: 0, dropped: 0, pending: 1 })
    driven.book.delivered(traceOf(2), 'default', 'sent')
    driven.tick(40)
    assert.equal(driven.status().traces?.exported, 2)
    assert.equal(driven.status('first').traces?.exported, 2)
  })
})

test('a delivery that nobody waits for is nothing', () => {
  const driven = drive()
  driven.apply(session(DURATION))
  driven.book.delivered(uidOf(1), 'default', 'sent')
  driven.take({ pod: 1 })
  driven.book.delivered(traceOf(1), 'default', 'sent')
  driven.book.delivered(traceOf(1), 'default', 'dropped')
  driven.tick(10)
  assert.deepEqual(driven.status().traces, { exported: 1, sampledOut: 0, dropped: 0, pending: 0 })
})

describe('a rollout', () => {
  const rollout = (pod: number, more: Partial<Trace> = {}): Trace => ({
    ...start({
      pod,
      outcome: 'completed',
      took: 100,
      owners: ownedBy(['apps/v1', 'Deployment', 'checkout']),
    }),
    name: 'checkout',
    ...more,
  })
  const failed = { outcome: 'failed' } as const

  test('goes where the start of one of its pods went, whatever sampling would say of itself', () => {
    const driven = drive({ exporters: { a: {}, b: {} } })
    driven.apply(session({ ...DURATION, exporter: 'a', sampling: { percent: 0 } }))
    const { exporters, sessions } = driven.book.takeRollout({ trace: rollout(1), exporters: ['a'] }, at(5))
    assert.deepEqual([exporters, sessions], [['a'], []])
  })

  test('goes by itself to the sessions that choose its pods, as their sampling has it', () => {
    const wanted = (more: object, trace: Trace = rollout(1)): readonly string[] => {
      const driven = drive()
      driven.apply(session({ ...DURATION, ...more }))
      return driven.book.takeRollout({ trace, exporters: [] }, at(5)).exporters
    }
    assert.deepEqual(wanted({}), ['default'])
    assert.deepEqual(wanted({ targetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'other' } }), [])
    assert.deepEqual(wanted({ suspend: true }), [])
    assert.deepEqual(wanted({ sampling: { percent: 0 } }), [])
    assert.deepEqual(wanted({ sampling: { percent: 0 } }, rollout(1, failed)), ['default'])
    assert.deepEqual(wanted({ sampling: { percent: 0, keep: { failed: false } } }, rollout(1, failed)), [])
    const pod = { apiVersion: 'v1', kind: 'Pod', name: 'checkout' }
    assert.deepEqual(wanted({ targetRef: pod }), [], 'it is no pod')
  })

  test('is given once to each exporter, counts in no session, and takes of the budget', () => {
    const driven = drive({ exporters: { default: { spansPerMinute: 10 } } })
    driven.apply(session({ ...DURATION }))
    const spans = Array.from({ length: 8 }, () => rollout(1).spans[0]).filter((span) => span !== undefined)
    const take = (pod: number, more: Partial<Trace> = {}) =>
      driven.book.takeRollout({ trace: rollout(pod, { spans, ...more }), exporters: ['default'] }, at(5))
    assert.deepEqual(take(1).exporters, ['default'])
    assert.deepEqual([...take(1).decisions.values()], ['sent before'])
    driven.book.delivered(rollout(1).traceId, 'default', 'sent')
    assert.deepEqual([...take(1).decisions.values()], ['sent before'])
    assert.deepEqual([...take(2).decisions.values()], ['over budget'])
    driven.tick(20)
    assert.deepEqual(driven.status().traces, { exported: 0, sampledOut: 0, dropped: 0, pending: 0 })
    assert.equal(driven.status().pods?.matched, 0)
  })

  test('of an exporter that is no more is nobody’s', () => {
    const driven = drive({ exporters: { a: {} } })
    assert.deepEqual(driven.book.takeRollout({ trace: rollout(1), exporters: ['gone'] }, at(5)).exporters, [])
  })
})
