import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { at, condition, drive, inFlight, ofDeployment, session, TARGET, uidOf } from './made.ts'

const DURATION = { ...TARGET, completion: { when: 'Duration', timeout: '60s' } }
const P99 = { objectives: [{ name: 'ready', percentile: 99, threshold: '30s' }] }

describe('a session counts starts', () => {
  test('each pod once, by how its start ended; matched is the sum of the others', () => {
    const driven = drive()
    driven.apply(session(DURATION))
    driven.backfilled()
    for (const [pod, outcome] of (
      ['ready', 'ready', 'completed', 'failed', 'unstable', 'deleted', 'timeout'] as const
    ).entries())
      driven.take({ pod, outcome })
    driven.tick(20, [{ pod: 20 }, { pod: 21 }])
    assert.deepEqual(driven.status().pods, {
      matched: 9,
      starting: 2,
      ready: 2,
      completed: 1,
      failed: 1,
      unstable: 1,
      deleted: 1,
      timedOut: 1,
    })
    assert.deepEqual(driven.status().traces, { exported: 0, sampledOut: 0, dropped: 0, pending: 7 })
  })

  test('and leads them to the trace that it is a part of, however late it learns of it', () => {
    const driven = drive()
    const spec = { allPods: true, completion: { when: 'Never' } }
    const annotations = { 'tracing.k8s.io/traceparent': `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01` }
    driven.apply(session(spec))
    driven.apply(session(spec, { name: 'broken', annotations: { 'tracing.k8s.io/traceparent': 'x' } }))
    assert.deepEqual(driven.take({ pod: 1 }).links, [])
    driven.apply(session(spec, { annotations }))
    assert.deepEqual(driven.take({ pod: 2 }).links, [
      {
        traceId: 'a'.repeat(32),
        spanId: 'b'.repeat(16),
        attributes: { 'podspan.link': 'session', 'podspan.session': 'shop/s' },
      },
    ])
    assert.deepEqual(driven.take({ pod: 3, namespace: 'bank' }).links, [])
  })

  test('of a context that is none is said where its author looks, and counted once', () => {
    const driven = drive()
    const key = 'tracing.k8s.io/traceparent'
    const accepted = (): string =>
      driven.status().conditions?.find(({ type }) => type === 'Accepted')?.message ?? ''
    const annotated = (text?: string): void =>
      driven.apply(session(TARGET, text === undefined ? {} : { annotations: { [key]: text } }))
    annotated()
    driven.tick(0)
    assert.doesNotMatch(accepted(), /trace context/)
    annotated('x')
    annotated('x')
    driven.tick(20)
    assert.match(
      accepted(),
      new RegExp(`^The session .*\\. Its annotation ${key} or the older one holds no trace context`),
    )
    assert.equal(driven.book.counters()['garbage.trace context'], 1)
    annotated(`00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`)
    driven.tick(40)
    assert.doesNotMatch(accepted(), /trace context/)
    assert.equal(driven.book.counters()['garbage.trace context'], 1)
  })

  test('only those of its namespace', () => {
    const driven = drive()
    driven.apply(session({ allPods: true }))
    assert.deepEqual(driven.take({ pod: 1, namespace: 'bank' }).sessions, [])
    assert.equal(driven.take({ pod: 1 }).sessions.length, 1)
  })

  test('not those created before it, unless backfill says so', () => {
    const driven = drive()
    driven.apply(session(DURATION, { created: 100 }), 100)
    driven.apply(session({ ...DURATION, backfill: '30s' }, { name: 'back', created: 100 }), 100)
    const names = (created: number, pod: number): string[] =>
      driven.take({ pod, created }, 130).sessions.map(({ name }) => name)
    assert.deepEqual(names(69, 1), [])
    assert.deepEqual(names(70, 2), ['back'])
    assert.deepEqual(names(100, 3).sort(), ['back', 's'])
  })

  test('what matched in flight is left when the final labels do not match', () => {
    const driven = drive()
    driven.apply(session({ podSelector: { matchLabels: { app: 'checkout' } } }))
    driven.tick(1, [{ pod: 1 }])
    assert.equal(driven.status().pods?.matched, 1)
    driven.take({ pod: 1, labels: { app: 'other' } })
    driven.tick(12)
    assert.equal(driven.status().pods?.matched, 0)
  })

  test('a label that changes in flight moves the pod', () => {
    const driven = drive()
    driven.apply(session({ podSelector: { matchLabels: { app: 'a' } } }, { name: 'a' }))
    driven.apply(session({ podSelector: { matchLabels: { app: 'b' } } }, { name: 'b' }))
    driven.tick(1, [{ pod: 1, labels: { app: 'a' } }])
    driven.tick(12, [{ pod: 1, labels: { app: 'b' } }])
    assert.equal(driven.status('a').pods?.matched, 0)
    assert.equal(driven.status('b').pods?.matched, 1)
  })

  test('one that came before its first frame, as soon as the session is there', () => {
    const driven = drive()
    driven.tick(1, [{ pod: 1 }])
    driven.apply(session({ allPods: true }), 2)
    driven.tick(3, [{ pod: 1 }])
    assert.equal(driven.status().pods?.starting, 1)
  })

  test('a pod that vanished from flight without a trace is given up after two minutes, and said', () => {
    const driven = drive()
    driven.apply(session({ ...TARGET, completion: { when: 'Duration', timeout: '10s' } }))
    driven.backfilled()
    driven.tick(1, [{ pod: 1 }])
    driven.tick(60)
    assert.equal(driven.status().pods?.starting, 1)
    assert.equal(condition(driven.status(), 'Complete'), 'False WaitingForStarts')
    driven.tick(125)
    assert.equal(driven.status().pods?.starting, 0)
    assert.equal(condition(driven.status(), 'EvidenceComplete'), 'False PodsVanished')
    assert.equal(condition(driven.status(), 'Complete'), 'True DurationReached')
  })
})

describe('a session with its own startTimeout', () => {
  const spec = {
    ...DURATION,
    startTimeout: '10s',
    objectives: [{ name: 'ready', percentile: 100, threshold: '30s' }],
  }

  test('counts a slower pod as timed out, whatever its trace says', () => {
    const driven = drive()
    driven.apply(session(spec))
    driven.take({ pod: 1, took: 12 })
    driven.tick(20)
    assert.equal(driven.status().pods?.timedOut, 1)
    assert.equal(condition(driven.status(), 'ObjectiveMet'), 'False Missed')
  })

  test('decides while the pod is still in flight, and counts its trace once when it comes', () => {
    const driven = drive()
    driven.apply(session(spec))
    driven.tick(14, [{ pod: 1 }])
    assert.equal(driven.status().pods?.starting, 1)
    driven.tick(25, [{ pod: 1 }])
    assert.deepEqual(
      [driven.status().pods?.starting, driven.status().pods?.timedOut, driven.status().traces?.pending],
      [0, 1, 1],
    )
    const { exporters } = driven.take({ pod: 1, took: 40 })
    assert.deepEqual(exporters, ['default'])
    driven.book.delivered(uidTrace(1), 'default', 'sent')
    driven.tick(46)
    assert.equal(driven.status().pods?.matched, 1)
    assert.deepEqual(driven.status().traces, { exported: 1, sampledOut: 0, dropped: 0, pending: 0 })
    assert.equal(driven.status().slowest?.[0]?.outcome, 'timedOut')
  })

  test('says what the late pod waits for, also when the session is over and its trace is not', () => {
    const driven = drive()
    driven.apply(session(spec))
    const waits = { pod: 1, operation: 'back-off', reason: 'big:2: not found' }
    const said = { in: 'back-off', reason: 'big:2: not found', pods: 1, nodes: 0, example: 'checkout-1' }
    for (const second of [14, 35, 70, 100, 140])
      driven.tick(second, [waits, { ...waits, pod: 2, created: 130 }])
    assert.equal(condition(driven.status(), 'Complete'), 'True DurationReached')
    const [only, ...more] = driven.status().stuck ?? []
    assert.deepEqual([{ ...only, oldest: undefined }, more], [{ ...said, oldest: undefined }, []])
  })

  test('does not take for late what became ready in time, and whose evidence only settles', () => {
    const driven = drive()
    driven.apply(session(spec))
    driven.tick(8, [{ pod: 1 }])
    for (const second of [11, 16, 20]) driven.tick(second)
    driven.take({ pod: 1, took: 9 }, 21)
    driven.tick(31)
    assert.equal(driven.status().pods?.ready, 1)
  })

  test("is cut to the administrator's", () => {
    const driven = drive({ startTimeout: 20_000_000_000n as never })
    driven.apply(session({ ...DURATION, startTimeout: '5m' }))
    driven.tick(26, [{ pod: 1 }])
    assert.equal(driven.status().pods?.timedOut, 1)
  })

  test('a trace that comes after completion is still exported and booked', () => {
    const driven = drive()
    driven.apply(session({ ...spec, completion: { when: 'Duration', timeout: '20s' } }))
    driven.backfilled()
    driven.tick(19, [{ pod: 1 }])
    driven.tick(30, [{ pod: 1 }])
    assert.equal(driven.status().phase, 'Failed')
    assert.deepEqual(driven.take({ pod: 1, took: 35 }).exporters, ['default'])
    driven.book.delivered(uidTrace(1), 'default', 'sent')
    driven.tick(41)
    assert.equal(driven.status().traces?.exported, 1)
    assert.equal(driven.status().pods?.matched, 1)
  })
})

const uidTrace = (pod: number): string => {
  const hex = uidOf(pod).replaceAll('-', '')
  return hex.slice(16) + hex.slice(0, 16)
}

describe('a status says', () => {
  test('where the time went, by operation, revision and image', () => {
    const driven = drive()
    driven.apply(session({ ...DURATION, ...P99 }))
    const pull = (from: number, to: number, bytes: number) => ({
      name: 'pull image',
      from,
      to,
      attributes: { 'container.image.name': 'web:1', 'podspan.image.bytes': bytes },
    })
    const create = {
      name: 'create container',
      from: 8,
      to: 8.5,
      attributes: { 'container.image.name': 'web:1', 'podspan.image.cached': true },
    }
    const schedule = { name: 'schedule', from: 0, to: 1 }
    driven.take({ pod: 1, took: 10, revision: 'r1', operations: [schedule, pull(1, 9, 5)] })
    driven.take({ pod: 2, took: 10, revision: 'r2', created: 1, operations: [schedule, create] })
    driven.tick(20)
    const { operations, revisions, images, longest } = driven.status()
    assert.deepEqual(operations, [
      { name: 'pull image', pods: 1, p50: '8s', p99: '8s', sharePercent: 40 },
      { name: 'schedule', pods: 2, p50: '1s', p99: '1s', sharePercent: 10 },
      { name: 'create container', pods: 1, p50: '500ms', p99: '500ms', sharePercent: 2.5 },
    ])
    assert.deepEqual(revisions, [
      { revision: 'r2', pods: 1, p50: '10s', p99: '10s' },
      { revision: 'r1', pods: 1, p50: '10s', p99: '10s' },
    ])
    assert.deepEqual(images, [{ image: 'web:1', pulls: 1, cachedPercent: 50, bytes: 5, p99: '8s' }])
    assert.equal(longest, 'pull image 40 %')
  })

  test('attempts of one operation count their time once where they overlap', () => {
    const driven = drive()
    driven.apply(session(DURATION))
    const pull = (from: number, to: number) => ({ name: 'pull image', from, to, critical: false })
    driven.take({ pod: 1, took: 10, operations: [pull(1, 5), pull(3, 7), pull(8, 9)] })
    driven.tick(20)
    assert.equal(driven.status().operations?.[0]?.p50, '7s')
  })

  test('the slowest, failed ones first, with a sentence, and a link where the trace is kept', () => {
    const driven = drive()
    driven.apply(session({ ...DURATION, sampling: { percent: 0 } }))
    driven.take({ pod: 1, took: 50, operations: [{ name: 'schedule', from: 0, to: 40 }] })
    driven.take({ pod: 2, took: 3, outcome: 'failed', verdict: 'Failed after 3 s (OOMKilled)' })
    driven.tick(60)
    const [failed, slow] = driven.status().slowest ?? []
    assert.deepEqual(failed, {
      pod: 'checkout-2',
      traceID: uidTrace(2),
      url: `https://traces.example/${uidTrace(2)}`,
      outcome: 'failed',
      startup: '3s',
      why: 'Failed after 3 s (OOMKilled)',
    })
    assert.equal(slow?.longest, 'schedule')
    assert.equal(slow?.url, undefined)
  })

  test('what pods are stuck at, grouped', () => {
    const driven = drive()
    driven.apply(session(DURATION))
    const reason = (nodes: number) => `0/${nodes} nodes are available: ${nodes} Insufficient cpu.`
    driven.tick(50, [
      { pod: 1, operation: 'schedule', reason: reason(3) },
      { pod: 2, operation: 'schedule', reason: reason(4), created: 10 },
      { pod: 3, operation: 'pull image', node: 'node-1', since: 45 },
    ])
    assert.deepEqual(driven.status().stuck, [
      { in: 'schedule', reason: 'Insufficient cpu', pods: 2, nodes: 0, oldest: '30s', example: 'checkout-1' },
    ])
  })

  test('quantiles of those that became ready', () => {
    const driven = drive()
    driven.apply(session(DURATION))
    for (let pod = 1; pod <= 100; pod += 1) driven.take({ pod, took: pod / 10 })
    driven.take({ pod: 200, took: 500, outcome: 'timeout' })
    driven.tick(20)
    assert.deepEqual(driven.status().startup, { p50: '5s', p90: '9s', p99: '9.9s', max: '10s' })
  })
})

describe('statuses are written seldom', () => {
  test('at once when a session comes, then at most every 10 s, and only if something changed', () => {
    const driven = drive()
    driven.apply(session({ allPods: true }))
    driven.backfilled()
    assert.equal(driven.tick(0).length, 1)
    driven.take({ pod: 1 }, 1)
    for (const second of [1, 5, 9]) assert.equal(driven.tick(second).length, 0)
    assert.equal(driven.tick(10).length, 1)
    for (const second of [20, 30, 300]) assert.equal(driven.tick(second).length, 0)
  })

  test('pods that merely go on starting change nothing but in steps', () => {
    const driven = drive()
    driven.apply(session({ allPods: true }))
    const waiting = [{ pod: 1, operation: 'schedule' }]
    let writes = 0
    for (let second = 0; second <= 560; second += 1) writes += driven.tick(second, waiting).length
    assert.ok(writes <= 8, `${writes} writes in 560 s`)
  })

  test('one that could not be written is due again, with its events', () => {
    const driven = drive()
    driven.apply(session({ allPods: true }))
    const [first] = driven.tick(0)
    assert.ok(first)
    assert.deepEqual(
      first.events.map(({ reason }) => reason),
      ['Accepted'],
    )
    driven.book.unwritten(first)
    const [again] = driven.tick(10)
    assert.deepEqual(again?.events, first.events)
  })

  test('lastTransitionTime moves only with the status of the condition', () => {
    const driven = drive()
    driven.apply(session({ ...DURATION, ...P99 }))
    driven.tick(0)
    const before = driven.status().conditions ?? []
    driven.take({ pod: 1 }, 11)
    driven.tick(12)
    const after = driven.status().conditions ?? []
    for (const [index, { type, status, lastTransitionTime }] of after.entries()) {
      const same = before[index]?.status === status
      assert.equal(lastTransitionTime === before[index]?.lastTransitionTime, same, type)
    }
    assert.ok(after.some(({ type, status }) => type === 'EvidenceComplete' && status === 'True'))
  })

  test('its own write, seen by the watch, changes nothing', () => {
    const driven = drive()
    const object = session({ allPods: true })
    driven.apply(object)
    driven.tick(0)
    driven.apply({ ...object, status: driven.status() }, 1)
    assert.equal(driven.tick(30).length, 0)
  })
})

describe('a session is not accepted', () => {
  test('with a namespaceSelector outside of our namespace; it is complete, so that nobody waits', () => {
    const driven = drive()
    driven.apply(session({ allPods: true, namespaceSelector: {} }))
    const [update] = driven.tick(0)
    assert.equal(driven.status().phase, 'Error')
    assert.equal(condition(driven.status(), 'Accepted'), 'False NamespaceSelectorNotAllowed')
    assert.equal(condition(driven.status(), 'Complete'), 'True NotAccepted')
    assert.deepEqual(
      update?.events.map(({ reason, type }) => [reason, type]),
      [['NotAccepted', 'Warning']],
    )
    assert.deepEqual(driven.take({ pod: 1 }).sessions, [])
  })

  test('and is once it is mended', () => {
    const driven = drive()
    driven.apply(session({ allPods: true, namespaceSelector: {} }))
    driven.tick(0)
    driven.apply(session({ allPods: true }, { generation: 2 }), 5)
    driven.take({ pod: 1, created: 6 })
    driven.tick(15)
    assert.equal(driven.status().phase, 'Running')
    assert.equal(condition(driven.status(), 'Accepted'), 'True Accepted')
    assert.equal(driven.status().observedGeneration, 2)
  })

  test('in our namespace a namespaceSelector sees others', () => {
    const driven = drive()
    const spec = {
      allPods: true,
      namespaceSelector: { matchLabels: { team: 'a' } },
      completion: { when: 'Never' },
    }
    driven.apply(session(spec, { namespace: 'podspan' }))
    driven.book.namespaces(
      new Map([
        ['shop', { team: 'a' }],
        ['bank', { team: 'b' }],
      ]),
    )
    assert.equal(driven.take({ pod: 1, namespace: 'shop' }).sessions.length, 1)
    assert.equal(driven.take({ pod: 2, namespace: 'bank' }).sessions.length, 0)
    driven.tick(20)
    assert.equal(driven.status().slowest?.[0]?.pod, 'shop/checkout-1')
  })
})

describe('suspend', () => {
  test('takes no pods and exports nothing meanwhile, and goes on after', () => {
    const driven = drive()
    driven.apply(session({ ...DURATION, suspend: true }))
    driven.tick(0, [{ pod: 1 }])
    assert.equal(condition(driven.status(), 'Exporting'), 'False Suspended')
    assert.deepEqual(driven.take({ pod: 1 }).exporters, [])
    driven.apply(session(DURATION, { generation: 2 }), 10)
    driven.tick(11, [{ pod: 2 }])
    assert.deepEqual(driven.take({ pod: 2 }, 12).exporters, ['default'])
    driven.tick(22)
    assert.equal(driven.status().pods?.ready, 1)
  })
})

describe('a custom owner', () => {
  test('is found through the owners by group, kind and name', () => {
    const driven = drive()
    driven.apply(
      session({ targetRef: { apiVersion: 'argoproj.io/v1beta9', kind: 'Rollout', name: 'checkout' } }),
    )
    const owners = [
      ...ofDeployment('checkout').slice(0, 1),
      { apiVersion: 'argoproj.io/v1alpha1', kind: 'Rollout', name: 'checkout', uid: 'r' },
    ]
    assert.equal(driven.take({ pod: 1, owners }).sessions.length, 1)
    assert.equal(driven.take({ pod: 2 }).sessions.length, 0)
  })
})

describe('the book forgets', () => {
  test('a removed session', () => {
    const driven = drive()
    const object = session({ allPods: true })
    driven.apply(object)
    driven.tick(0, [{ pod: 1 }])
    driven.book.remove(object.metadata.uid)
    assert.deepEqual(driven.take({ pod: 1 }).sessions, [])
    driven.tick(20)
    assert.equal(driven.updates.length, 1)
    assert.equal(driven.book.counters()['sessions'], 0)
  })

  test('one whose deletion was asked for, too', () => {
    const driven = drive()
    const object = session({ allPods: true })
    driven.apply(object)
    driven.apply(
      { ...object, metadata: { ...object.metadata, deletionTimestamp: '2026-11-22T10:00:00Z' } },
      1,
    )
    assert.equal(driven.book.counters()['sessions'], 0)
  })
})

test('one in flight that is no trace yet is no start', () => {
  const driven = drive()
  driven.apply(session({ allPods: true }))
  driven.book.startsInFlight([inFlight({ pod: 1 })], at(9))
  assert.deepEqual(driven.take({ pod: 1, outcome: 'starting' }).sessions, [])
  driven.book.due(at(10)).forEach((update) => driven.updates.push(update))
  assert.deepEqual([driven.status().pods?.matched, driven.status().pods?.starting], [1, 1])
})

test('the counts by phase are those of the statuses', () => {
  const driven = drive()
  driven.apply(session({ ...TARGET, completion: { when: 'Duration', timeout: '30s' } }, { name: 'judged' }))
  const other = { targetRef: { ...TARGET.targetRef, name: 'other' } }
  driven.apply(session(other, { name: 'idle' }))
  driven.apply(session({ allPods: true, completion: { when: 'Never' } }, { name: 'standing' }))
  driven.apply(session({ allPods: true, namespaceSelector: {} }, { name: 'refused' }))
  driven.backfilled()
  const phases = (): Record<string, number> =>
    Object.fromEntries(
      Object.entries(driven.book.counters())
        .filter(([name]) => name.startsWith('phase.'))
        .map(([name, count]) => [name.slice(6), count]),
    )
  const published = (): Record<string, number> => {
    const counts: Record<string, number> = {}
    for (const name of ['judged', 'idle', 'standing', 'refused']) {
      const phase = driven.status(name).phase ?? 'none'
      counts[phase] = (counts[phase] ?? 0) + 1
    }
    return counts
  }
  driven.tick(0)
  assert.deepEqual(phases(), { Pending: 2, Running: 1, Error: 1 })
  assert.deepEqual(phases(), published())
  driven.tick(11, [{ pod: 1 }])
  assert.deepEqual(phases(), { Pending: 1, Running: 2, Error: 1 })
  assert.deepEqual(phases(), published())
  driven.take({ pod: 1 }, 20)
  driven.tick(60)
  assert.deepEqual(phases(), { Passed: 1, Pending: 1, Running: 1, Error: 1 })
  assert.deepEqual(phases(), published())
})
