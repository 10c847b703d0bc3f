import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  fasterPeriod,
  probingOf,
  type Probing,
  savedByPeriod,
  savedByStartupProbe,
} from '../../src/advise/probe-timing.ts'
import { type Life, live } from './kubelet-prober.ts'
import { at, probe, step } from './made.ts'

/** What a recording would hold of such a life: the step of its probe. */
function probingIn(life: Life): Probing {
  const { seen, failures } = live(life)
  const settings = {
    period: life.periodMs / 1000,
    delay: life.delaySeconds,
    successThreshold: life.successThreshold,
  }
  const shape = probe(life.kind, 'app', life.started, seen, settings)
  const found = probingOf(step({ ...shape, events: Math.min(failures, 2) }), at(life.started))
  assert.ok(found)
  return found
}

const LIFE: Life = {
  kind: 'readiness',
  periodMs: 10_000,
  delaySeconds: 0,
  successThreshold: 1,
  takenUp: 3000,
  started: 5300,
  shown: 5900,
  ready: 12_300,
}

interface Case {
  readonly name: string
  readonly life: Partial<Life>
  readonly seen: number
  /** When it was ready, after the container's start. */
  readonly ready: readonly [over: number, until: number]
}

const CASES: readonly Case[] = [
  { name: 'readiness is looked at from the first status on', life: {}, seen: 15_900, ready: [600, 10_600] },
  { name: 'the first look succeeds', life: { ready: 5300 }, seen: 5900, ready: [0, 600] },
  {
    name: 'the look after the delay succeeds',
    life: { delaySeconds: 5, ready: 5300 },
    seen: 15_900,
    ready: [0, 10_600],
  },
  {
    name: 'a look after the delay fails',
    life: { delaySeconds: 5, periodMs: 5000 },
    seen: 15_900,
    ready: [5600, 10_600],
  },
  {
    name: 'a startup probe keeps to when the pod was taken up',
    life: { kind: 'startup probe' },
    seen: 13_000,
    ready: [0, 7700],
  },
  {
    name: 'and knows no earlier look',
    life: { kind: 'startup probe', ready: 5300 },
    seen: 13_000,
    ready: [0, 7700],
  },
  {
    name: 'successes in a row are counted back',
    life: { successThreshold: 3 },
    seen: 35_900,
    ready: [600, 10_600],
  },
]

for (const { name, life, seen, ready } of CASES)
  test(name, () => {
    const lived = { ...LIFE, ...life }
    assert.equal(live(lived).seen, seen)
    const { over, until } = probingIn(lived).ready
    assert.deepEqual([over, until], ready)
  })

test('a probe that failed, was cut off or has no period says nothing', () => {
  const settings = { period: 5 }
  const shape = probe('readiness', 'app', 0, 5000, settings)
  assert.equal(probingOf(step({ ...shape, failed: true }), at(0)), undefined)
  assert.equal(probingOf(step({ ...shape, open: true }), at(0)), undefined)
  assert.equal(probingOf(step({ ...shape, attributes: {} }), at(0)), undefined)
})

test('a faster period divides the slower one', () => {
  const of = (periodMs: number, kind: Life['kind']): number | undefined =>
    fasterPeriod(probingIn({ ...LIFE, periodMs, kind }), kind)
  assert.deepEqual(
    [10_000, 5000, 4000, 2000, 1000].map((period) => of(period, 'readiness')),
    [2000, 1000, 2000, 1000, undefined],
  )
  assert.equal(of(10_000, 'startup probe'), 1000)
})

const anyLife: fc.Arbitrary<Life> = fc
  .record({
    kind: fc.constantFrom('readiness' as const, 'startup probe' as const),
    periodMs: fc.constantFrom(2000, 3000, 5000, 10_000, 30_000),
    delaySeconds: fc.constantFrom(0, 0, 3, 5, 20),
    successThreshold: fc.constantFrom(1, 1, 3),
    takenUp: fc.nat(20_000),
    pulled: fc.nat(20_000),
    shownAfter: fc.nat(1000),
    boot: fc.nat(60_000),
  })
  .map(({ pulled, shownAfter, boot, ...life }) => {
    const started = life.takenUp + pulled
    const successThreshold = life.kind === 'startup probe' ? 1 : life.successThreshold
    return { ...life, successThreshold, started, shown: started + shownAfter, ready: started + boot }
  })

test('a container was ready where its start says that it was', () => {
  fc.assert(
    fc.property(anyLife, (life) => {
      const { ready } = probingIn(life)
      const boot = Math.max(life.ready - life.started, 0)
      // What was ready before its status was shown could not be seen to be.
      assert.ok(boot <= ready.until + 1, `${boot} in ${ready.over} to ${ready.until}`)
      assert.ok(boot > ready.over - 1 || ready.over <= 1000, `${boot} in ${ready.over} to ${ready.until}`)
    }),
    { numRuns: 1000 },
  )
})

test('a faster period saves what a life with it shows', () => {
  fc.assert(
    fc.property(anyLife, (life) => {
      const probing = probingIn(life)
      const faster = fasterPeriod(probing, life.kind)
      if (faster === undefined) return
      const truth = live(life).seen - live({ ...life, periodMs: faster }).seen
      const said = (end: 'low' | 'high'): number =>
        savedByPeriod(probing, faster, life.ready - life.started, end)
      assert.ok(
        said('low') <= truth + 1 && truth <= said('high') + 1,
        `${said('low')} ≤ ${truth} ≤ ${said('high')}`,
      )
    }),
    { numRuns: 1000 },
  )
})

test('a startup probe instead of the delay saves what a life with it shows', () => {
  fc.assert(
    fc.property(anyLife, fc.nat(999), (life, phase) => {
      const probing = probingIn({ ...life, kind: 'readiness', successThreshold: 1 })
      const without: Life = {
        ...life,
        kind: 'startup probe',
        periodMs: 1000,
        delaySeconds: 0,
        successThreshold: 1,
        takenUp: life.takenUp - phase,
      }
      const truth = live({ ...life, kind: 'readiness', successThreshold: 1 }).seen - live(without).seen
      const said = (end: 'low' | 'high'): number =>
        savedByStartupProbe(probing, life.ready - life.started, end)
      assert.ok(
        said('low') <= truth + 1 && truth <= said('high') + 1,
        `${said('low')} ≤ ${truth} ≤ ${said('high')}`,
      )
    }),
    { numRuns: 1000 },
  )
})
