import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { sessionStatus } from '../../src/session/schema-status.ts'
import type { TraceSessionStatus } from '../../src/session/schema.ts'
import { at, drive, type Driven, type MadeStart, session, start } from './made.ts'

const OUTCOMES = ['ready', 'completed', 'failed', 'unstable', 'deleted', 'timeout'] as const

type Step =
  | { readonly kind: 'take'; readonly made: MadeStart }
  | { readonly kind: 'flight'; readonly pods: readonly number[] }
  | { readonly kind: 'deliver'; readonly pod: number; readonly result: 'sent' | 'dropped' }
  | { readonly kind: 'rollout'; readonly complete: boolean }
  | { readonly kind: 'restart' }

const podNumber = fc.nat({ max: 30 })
const made: fc.Arbitrary<MadeStart> = fc.record({
  pod: podNumber,
  outcome: fc.constantFrom(...OUTCOMES),
  took: fc.integer({ min: 1, max: 60 }),
  created: fc.integer({ min: -20, max: 100 }),
  evidenceComplete: fc.boolean(),
})
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: made.map((one): Step => ({ kind: 'take', made: one })) },
  {
    weight: 3,
    arbitrary: fc.array(podNumber, { maxLength: 6 }).map((pods): Step => ({ kind: 'flight', pods })),
  },
  {
    weight: 3,
    arbitrary: fc
      .record({ pod: podNumber, result: fc.constantFrom('sent' as const, 'dropped' as const) })
      .map((one): Step => ({ kind: 'deliver', ...one })),
  },
  { weight: 1, arbitrary: fc.boolean().map((complete): Step => ({ kind: 'rollout', complete })) },
  { weight: 1, arbitrary: fc.constant<Step>({ kind: 'restart' }) },
)

const target = { targetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'checkout' } }
const spec = fc
  .record({
    when: fc.constantFrom('RolloutComplete', 'Duration', 'PodCount', 'Never'),
    percentile: fc.constantFrom(50, 90, 99, 100),
    percent: fc.constantFrom(0, 50, 100),
    startTimeout: fc.constantFrom('20s', '10m'),
    tracesPerMinute: fc.constantFrom(3, 600),
    exporter: fc.constantFrom('default', 'default', 'unknown'),
  })
  .map(({ when, percentile, percent, startTimeout, tracesPerMinute, exporter }) => ({
    ...target,
    completion: when === 'Never' ? { when } : { when, minPods: 3, timeout: '80s' },
    objectives: [{ name: 'ready', percentile, threshold: '30s' }],
    sampling: { percent },
    limits: { tracesPerMinute },
    backfill: '10s',
    startTimeout,
    exporter,
  }))

const sum = (values: Readonly<Record<string, number>>): number =>
  Object.values(values).reduce((total, value) => total + value, 0)

function assertSums({ pods, traces }: TraceSessionStatus): void {
  assert.ok(pods && traces)
  const { matched, starting, ...ended } = pods
  assert.equal(matched, starting + sum(ended), 'matched is the sum of the others')
  assert.equal(sum(traces), sum(ended), 'finished is the sum of what became of the traces')
  assert.ok([...Object.values(pods), ...Object.values(traces)].every((count) => count >= 0))
}

function assertVerdict({ phase, conditions = [] }: TraceSessionStatus): void {
  const is = (type: string): string | undefined => conditions.find((one) => one.type === type)?.status
  if (is('ObjectiveMet') === 'True') assert.equal(is('Complete'), 'True')
  assert.equal(phase === 'Passed', is('ObjectiveMet') === 'True')
  if (phase === 'Failed') assert.equal(is('ObjectiveMet'), 'False')
  assert.equal(is('Complete') === 'True', ['Passed', 'Failed', 'Inconclusive'].includes(phase ?? ''))
}

const TOTALS = ['ready', 'completed', 'failed', 'unstable', 'deleted', 'timedOut'] as const

function assertNext(before: TraceSessionStatus | undefined, after: TraceSessionStatus): void {
  for (const ending of TOTALS)
    assert.ok((after.pods?.[ending] ?? 0) >= (before?.pods?.[ending] ?? 0), `${ending} fell`)
  for (const fate of ['exported', 'sampledOut', 'dropped'] as const)
    assert.ok((after.traces?.[fate] ?? 0) >= (before?.traces?.[fate] ?? 0), `${fate} fell`)
  if (before?.completionTime === undefined) return
  assert.equal(after.phase, before.phase, 'a final phase is final')
  assert.deepEqual(after.pods, before.pods)
}

/** A session that lives through the steps, one every three seconds, with all statuses that it said. */
function live(object: Parameters<typeof session>[0], steps: readonly Step[]): TraceSessionStatus[] {
  const statuses: TraceSessionStatus[] = []
  const told = new Set<number>()
  let driven = drive()
  driven.apply(session(object))
  const say = (second: number, pods: readonly number[]): void => {
    const starts = pods.filter((pod) => !told.has(pod)).map((pod) => ({ pod, created: 0 }))
    for (const { status } of driven.tick(second, starts)) statuses.push(status)
  }
  for (const [index, one] of [...steps, ...END].entries()) {
    const second = index * 3
    if (one.kind === 'restart') {
      driven = drive()
      driven.apply(
        session(object, statuses.length === 0 ? {} : { status: statuses.at(-1) as TraceSessionStatus }),
        second,
      )
    } else run(driven, one, second, told)
    if (index % 4 === 3) driven.backfilled()
    say(second, one.kind === 'flight' ? one.pods : [])
  }
  return statuses
}

/** Long enough for everything to time out. */
const END: readonly Step[] = Array.from({ length: 280 }, () => ({ kind: 'flight', pods: [] }))

function run(
  driven: Driven,
  one: Exclude<Step, { kind: 'restart' }>,
  second: number,
  told: Set<number>,
): void {
  switch (one.kind) {
    case 'take':
      if (told.has(one.made.pod)) return
      told.add(one.made.pod)
      driven.take(one.made, second)
      return
    case 'deliver':
      driven.book.delivered(start({ pod: one.pod }).traceId, 'default', one.result)
      return
    case 'rollout':
      driven.book.rollout('uid-shop-s', { complete: one.complete, progress: `${one.complete}` }, at(second))
      return
    case 'flight':
  }
}

type Spec = typeof spec extends fc.Arbitrary<infer T> ? T : never

/** A start that is told after the backfill has given up on another one of the same ending. */
const LATE_AFTER_RESTART: [Spec, Step[]] = [
  {
    targetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'checkout' },
    completion: { when: 'RolloutComplete', minPods: 3, timeout: '80s' },
    objectives: [{ name: 'ready', percentile: 50, threshold: '30s' }],
    sampling: { percent: 0 },
    limits: { tracesPerMinute: 3 },
    backfill: '10s',
    startTimeout: '20s',
    exporter: 'default',
  },
  [
    ...([0, 0] as const).map((pod) => failedTake(pod)),
    ...Array.from({ length: 4 }, (): Step => ({ kind: 'flight', pods: [] })),
    { kind: 'flight', pods: [1] },
    { kind: 'restart' },
    failedTake(1),
  ],
]

function failedTake(pod: number): Step {
  return { kind: 'take', made: { pod, outcome: 'failed', took: 1, created: 0, evidenceComplete: false } }
}

describe('whatever happens to a session', () => {
  test('its totals sum up and never fall, a final phase is final, and nothing is met before it is complete', () => {
    fc.assert(
      fc.property(spec, fc.array(step, { maxLength: 40 }), (object, steps) => {
        const statuses = live(object, steps)
        for (const [index, status] of statuses.entries()) {
          assertSums(status)
          if (object.completion.when !== 'Never') assertVerdict(status)
          assertNext(statuses[index - 1], status)
          assert.deepEqual(sessionStatus.safeParse(status).error?.issues ?? [], [])
        }
        const complete = statuses.at(-1)?.completionTime !== undefined
        assert.equal(complete, object.completion.when !== 'Never', 'Complete always comes')
      }),
      { numRuns: 500, examples: [LATE_AFTER_RESTART] },
    )
  })

  test('the order in which its starts are told changes nothing of its last status', () => {
    const distinct = fc.uniqueArray(made, { selector: ({ pod }) => pod, minLength: 1, maxLength: 25 })
    const twoOrders = distinct.chain((list) =>
      fc.tuple(
        fc.constant(list),
        fc.shuffledSubarray(list, { minLength: list.length, maxLength: list.length }),
      ),
    )
    fc.assert(
      fc.property(spec, twoOrders, (object, orders) => {
        const plain = {
          ...object,
          limits: { tracesPerMinute: 600 },
          completion: { when: 'Duration', timeout: '80s' },
        }
        const [one, other] = orders.map((order) => {
          const driven = drive()
          driven.apply(session(plain))
          driven.backfilled()
          for (const each of order) driven.take(each, 70)
          driven.tick(200)
          return driven.status()
        })
        assert.deepEqual(one, other)
      }),
      { numRuns: 60 },
    )
  })
})
