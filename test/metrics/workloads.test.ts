import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { labelsOf, type WorkloadCounts } from '../../src/metrics/counts.ts'
import { createWorkloads, type Workloads } from '../../src/metrics/workloads.ts'

const DAY = 86_400

/** Counts a start, as starts.ts does. */
function start(workloads: Workloads, name: string, now: number, times = 1): void {
  for (let time = 0; time < times; time++) {
    const { outcomes } = workloads.countsOf(labelsOf('shop', `Deployment/${name}`), now)
    outcomes[0] = (outcomes[0] as number) + 1
  }
}

const nameOf = ({ labels }: WorkloadCounts): string =>
  labels.namespace === '' ? labels.workload_kind : labels.workload

const shown = (workloads: Workloads): Record<string, number> =>
  Object.fromEntries(workloads.list().map((counts) => [nameOf(counts), counts.outcomes[0] as number]))

test('workloads are admitted as they come, the others are counted together', () => {
  const workloads = createWorkloads(2)
  for (const name of ['a', 'b', 'c', 'd', 'a', 'c']) start(workloads, name, 0)
  assert.deepEqual(shown(workloads), { a: 2, b: 1, other: 3 })
  assert.equal(workloads.folded, 3)
})

test('while there are places there is no other', () => {
  const workloads = createWorkloads(2)
  start(workloads, 'a', 0)
  assert.deepEqual(shown(workloads), { a: 1 })
})

test('with no places everything is other', () => {
  const workloads = createWorkloads(0)
  start(workloads, 'a', 0)
  start(workloads, 'b', DAY)
  assert.deepEqual(shown(workloads), { other: 2 })
})

test('the same workload of another namespace is another workload', () => {
  const workloads = createWorkloads(5)
  const [a, b] = ['shop', 'staging'].map((namespace) =>
    workloads.countsOf(labelsOf(namespace, 'Deployment/web'), 0),
  )
  assert.notEqual(a, b)
})

test('a workload with many more recent starts takes the place of a quiet one; no start is lost and none moves', () => {
  const workloads = createWorkloads(2)
  start(workloads, 'quiet', 0, 3)
  start(workloads, 'busy', 0, 5)
  start(workloads, 'rising', 0, 9)
  start(workloads, 'busy', 600)
  assert.deepEqual(shown(workloads), { busy: 6, rising: 0, 'other-1': 12 })
  start(workloads, 'rising', 601)
  start(workloads, 'quiet', 601)
  assert.deepEqual(shown(workloads), { busy: 6, rising: 1, 'other-1': 13 })
  assert.equal(workloads.evicted, 1)
})

test('a workload with somewhat more recent starts takes no place', () => {
  const workloads = createWorkloads(1)
  start(workloads, 'first', 0, 3)
  start(workloads, 'second', 0, 6)
  start(workloads, 'first', 600)
  assert.deepEqual(shown(workloads), { first: 4, other: 6 })
})

test('places are looked at every ten minutes, not before', () => {
  const workloads = createWorkloads(1)
  start(workloads, 'first', 0)
  start(workloads, 'second', 0, 50)
  start(workloads, 'second', 599)
  assert.deepEqual(shown(workloads), { first: 1, other: 51 })
})

test('starts of the past count half with every day, so that a job that ran once gives way', () => {
  const workloads = createWorkloads(1)
  start(workloads, 'job', 0, 4)
  start(workloads, 'service', 0)
  for (let day = 1; day <= 4; day++) start(workloads, 'service', day * DAY, 3)
  start(workloads, 'service', 4 * DAY + 600)
  assert.deepEqual(shown(workloads), { service: 7, 'other-1': 11 })
})

test('a workload that starts once a day gets the place of one that is gone for weeks, a job that runs once does not', () => {
  const workloads = createWorkloads(2)
  for (const name of ['gone', 'gone too']) start(workloads, name, 0, 9)
  start(workloads, 'job', 30 * DAY)
  start(workloads, 'daily', 30 * DAY)
  start(workloads, 'another job', 30 * DAY + 600)
  assert.deepEqual(shown(workloads), { gone: 9, 'gone too': 9, other: 3 })
  start(workloads, 'daily', 31 * DAY)
  start(workloads, 'daily', 31 * DAY + 600)
  assert.deepEqual(shown(workloads), { 'gone too': 9, daily: 1, 'other-1': 13 })
})

test('one that was evicted needs four times as many starts to come back, and begins with 0', () => {
  const workloads = createWorkloads(1)
  start(workloads, 'a', 0, 2)
  start(workloads, 'b', 0, 10)
  start(workloads, 'b', 600)
  assert.deepEqual(Object.keys(shown(workloads)), ['b', 'other-1'])
  start(workloads, 'a', 601, 12)
  start(workloads, 'b', 1200)
  assert.deepEqual(Object.keys(shown(workloads)), ['b', 'other-1'])
  start(workloads, 'a', 1201, 20)
  start(workloads, 'a', 1800)
  assert.deepEqual(shown(workloads), { a: 1, 'other-2': 46 })
})

test('at most a tenth of the places change at once', () => {
  const workloads = createWorkloads(20)
  for (let index = 0; index < 20; index++) start(workloads, `old-${index}`, 0)
  for (let index = 0; index < 20; index++) start(workloads, `new-${index}`, 0, 20)
  start(workloads, 'new-0', 600)
  const fresh = () => Object.keys(shown(workloads)).filter((name) => name.startsWith('new')).length
  assert.equal(fresh(), 2)
  start(workloads, 'new-0', 1200)
  assert.equal(fresh(), 4)
})

test('of a flood of workloads that come once, no more are remembered than the limit', () => {
  const workloads = createWorkloads(10)
  for (let index = 0; index < 10; index++) start(workloads, `stays-${index}`, 0, 5)
  for (let index = 0; index < 100_000; index++) start(workloads, `job-${index}`, index)
  assert.equal(workloads.list().length, 11)
  assert.equal(
    Object.values(shown(workloads)).reduce((a, b) => a + b, 0),
    100_050,
  )
  start(workloads, 'hot', 100_600, 30)
  start(workloads, 'hot', 101_200)
  assert.ok('hot' in shown(workloads), 'a busy one still gets its place')
})

const steps = fc.array(
  fc.record({
    workload: fc.integer({ min: 0, max: 9 }),
    times: fc.constantFrom(1, 2, 7, 40),
    later: fc.constantFrom(0, 1, 300, 600, 3600, DAY, 30 * DAY),
  }),
  { minLength: 1, maxLength: 60 },
)

test('under any sequence all starts are shown, no series falls, and none rises but by starts of now', () => {
  fc.assert(
    fc.property(steps, fc.integer({ min: 0, max: 4 }), (sequence, max) => {
      const workloads = createWorkloads(max)
      let [now, taken] = [0, 0]
      let before: Record<string, number> = {}
      for (const { workload, times, later } of sequence) {
        now += later
        start(workloads, `w${workload}`, now, times)
        taken += times
        const after = shown(workloads)
        assert.ok(workloads.list().length <= max + 1)
        assert.equal(
          Object.values(after).reduce((a, b) => a + b, 0),
          taken,
        )
        let risen = 0
        for (const [name, count] of Object.entries(after)) {
          const increase = count - (before[name] ?? count)
          assert.ok(increase >= 0, `${name} fell by ${-increase}`)
          risen += increase
        }
        assert.ok(risen <= times, `${risen} starts of now where there were ${times}`)
        before = after
      }
    }),
    { numRuns: 500 },
  )
})

test('a series of two workloads that are about equally busy does not flap', () => {
  fc.assert(
    fc.property(fc.array(fc.constantFrom('a', 'b'), { minLength: 200, maxLength: 200 }), (names) => {
      const workloads = createWorkloads(1)
      names.forEach((name, index) => {
        start(workloads, name, index * 600, 3)
      })
      assert.ok(workloads.evicted <= 2, `${workloads.evicted} evictions`)
    }),
  )
})
