import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { type DurationNano, milliseconds, toMilliseconds } from '../../src/base/time.ts'
import { type Cuts, type Rounding, savingOf } from '../../src/advise/retime.ts'
import { durationOf, isTimed, readStart, type Start, type Step } from '../../src/advise/start.ts'
import { framesOf, recordings, tracesOf } from '../support/frames.ts'
import { made, type MadeStep, named, probe, pull, start } from './made.ts'

/** Two containers: `a` is slow to be ready, `b` is slow to be pulled. */
//
//   schedule ▌
//   sandbox   ███
//   pull a       ██
//   start a        ▌
//   readiness a     ████████████████████▌
//   pull b          ██████████
//   start b                   ▌
//   readiness b                ██▌
//   report status                        ▌
const two = (): Start =>
  start({
    to: 20_010,
    steps: [
      { name: 'schedule', from: 0, to: 10 },
      { name: 'prepare pod and create sandbox', from: 10, to: 500 },
      pull('a', 'a:1', 500, 2500),
      made('start container', 'a', 2500, 2600),
      probe('readiness', 'a', 2600, 20_000, { period: 10 }),
      pull('b', 'b:1', 2600, 12_600),
      made('start container', 'b', 12_600, 12_700),
      probe('readiness', 'b', 12_700, 15_000, { period: 10 }),
      { name: 'report status', from: 20_000, to: 20_010 },
    ],
  })

interface Case {
  readonly name: string
  readonly cut: readonly (readonly [name: string, container: string | undefined, ms: number])[]
  readonly saves: number
  readonly rounded?: Rounding
}

const CASES: readonly Case[] = [
  { name: 'nothing is saved without a cut', cut: [], saves: 0 },
  { name: 'a cut on the way to the end counts whole', cut: [['schedule', undefined, 10]], saves: 10 },
  { name: 'a pull off that way saves nothing', cut: [['pull image', 'b', 10_000]], saves: 0 },
  {
    name: 'a faster probe saves until the other container is last',
    cut: [['readiness', 'a', 8000]],
    saves: 5000,
  },
  {
    name: 'and more where the other is faster too',
    cut: [
      ['readiness', 'a', 8000],
      ['pull image', 'b', 1000],
    ],
    saves: 6000,
  },
  {
    name: 'the first container holds up the second, as the kubelet starts one after the other',
    cut: [
      ['pull image', 'a', 2000],
      ['readiness', 'a', 17_400],
    ],
    saves: 7000,
  },
  {
    name: 'what a probe waits for comes through in whole looks: fewer',
    cut: [['pull image', 'a', 1500]],
    saves: 1000,
    rounded: 'down',
  },
  { name: 'or one more', cut: [['pull image', 'a', 1500]], saves: 2000, rounded: 'up' },
  { name: 'what takes longer ends later', cut: [['pull image', 'a', -300]], saves: -300 },
]

for (const { name, cut, saves, rounded } of CASES)
  test(name, () => {
    const of = two()
    const cuts = new Map(cut.map(([step, container, ms]) => [named(of, step, container), milliseconds(ms)]))
    assert.equal(toMilliseconds(savingOf(of, cuts, rounded)), saves)
  })

test('a startup probe of a sidecar holds back the containers after it', () => {
  const of = start({
    to: 9010,
    steps: [
      made('start container', 'mesh', 0, 100),
      probe('startup probe', 'mesh', 100, 5000, { period: 5 }),
      made('create container', 'app', 5000, 5100),
      made('start container', 'app', 5100, 5200),
      { name: 'report status', from: 9000, to: 9010 },
    ],
  })
  assert.equal(
    toMilliseconds(savingOf(of, new Map([[named(of, 'startup probe'), milliseconds(4000)]]))),
    4000,
  )
})

test('a shift comes through a startup probe in whole periods, or one more or less', () => {
  const of = start({
    to: 20_000,
    steps: [
      pull('app', 'app:1', 0, 6000),
      made('start container', 'app', 6000, 6100),
      probe('startup probe', 'app', 6100, 19_000, { period: 10 }),
      { name: 'report status', from: 19_000, to: 20_000 },
    ],
  })
  const cut = new Map([[named(of, 'pull image'), milliseconds(6000)]])
  const saved = (['down', 'none', 'up'] as const).map((how) => toMilliseconds(savingOf(of, cut, how)))
  assert.deepEqual(saved, [0, 6000, 10_000])
})

test('what still went on at the end, and what was never done, hold nobody up', () => {
  const of = start({
    to: 1000,
    steps: [
      made('start container', 'app', 0, 900),
      { ...made('back-off', 'helper', 100, 1000), open: true },
      { name: 'unaccounted', from: 500, to: 1000 },
      { name: 'report status', from: 900, to: 1000 },
    ],
  })
  assert.equal(
    toMilliseconds(savingOf(of, new Map([[named(of, 'start container'), milliseconds(900)]]))),
    900,
  )
})

/** A pod as the kubelet would start it: containers one after the other, each with a probe or none. */
const anyStart = fc
  .record({
    before: fc.array(fc.nat(3000), { minLength: 1, maxLength: 3 }),
    inits: fc.array(fc.tuple(fc.nat(5000), fc.nat(900)), { maxLength: 3 }),
    apps: fc.array(
      fc.tuple(fc.nat(5000), fc.nat(300), fc.option(fc.nat(30_000)), fc.option(fc.nat(20_000))),
      {
        minLength: 1,
        maxLength: 4,
      },
    ),
  })
  .map(({ before, inits, apps }) => {
    const steps: MadeStep[] = []
    let now = 0
    const next = (name: string, by: number, container = ''): void => {
      steps.push(made(name, container, now, now + by))
      now += by
    }
    for (const by of before) next(steps.length === 0 ? 'schedule' : 'prepare pod and create sandbox', by)
    inits.forEach(([by, gap], index) => {
      next('run init container', by, `init-${index}`)
      now += gap
    })
    let last = now
    apps.forEach(([pulled, started, passed, ready], index) => {
      const name = `app-${index}`
      next('pull image', pulled, name)
      next('start container', started, name)
      let of = now
      if (passed !== null) steps.push(probe('startup probe', name, of, (of += passed), { period: 7 }))
      if (ready !== null) steps.push(probe('readiness', name, of, (of += ready), { period: 10 }))
      last = Math.max(last, of, now)
    })
    steps.push({ name: 'report status', from: last, to: last + 5 })
    return start({ steps, to: last + 5 })
  })

/** A share of each step; a start above has no more than 26. */
const anyShares = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 26, maxLength: 26 })

const cutBy = (of: Start, shares: readonly number[]): Map<Step, DurationNano> =>
  new Map(
    of.steps.map((each, index) => [
      each,
      milliseconds(toMilliseconds(durationOf(each)) * (shares[index] as number)),
    ]),
  )

const all = (of: Start, cuts: Cuts): readonly bigint[] =>
  (['down', 'none', 'up'] as const).map((how) => savingOf(of, cuts, how))

test('no cut of a step saves less than nothing, nor more than itself', () => {
  fc.assert(
    fc.property(anyStart, fc.double({ min: 0, max: 1, noNaN: true }), fc.nat(), (of, share, which) => {
      const step = of.steps[which % of.steps.length] as Step
      const cut = milliseconds(toMilliseconds(durationOf(step)) * share)
      const [down = 0n, none = 0n, up = 0n] = all(of, new Map([[step, cut]]))
      assert.ok(down >= 0n && none >= down && up >= none, `${down} ${none} ${up}`)
      assert.ok(none <= cut, `${step.name} cut by ${cut} saves ${none}`)
    }),
  )
})

test('more cut never saves less, and all cut no more than the whole', () => {
  fc.assert(
    fc.property(anyStart, anyShares, fc.nat(), (of, shares, which) => {
      const cuts = cutBy(of, shares)
      const step = of.steps[which % of.steps.length] as Step
      const more = new Map(cuts).set(step, durationOf(step))
      const [before, after] = [all(of, cuts), all(of, more)]
      before.forEach((saved, index) => assert.ok(saved <= (after[index] ?? 0n), `${saved} ${after[index]}`))
      assert.ok(savingOf(of, cuts) <= of.total)
    }),
  )
})

const idsOf = ({ spanId, parts }: Step): ReadonlySet<string> =>
  new Set([spanId, ...parts.flatMap((part) => [...idsOf(part)])])

for (const name of recordings())
  test(`${name}: a step that had not been would save no more than its share of the critical path`, async () => {
    for (const trace of tracesOf(await framesOf(name))) {
      const of = readStart(trace)
      if (!isTimed(of)) continue
      for (const step of of.steps.filter((each) => each.name !== 'unaccounted')) {
        const ids = idsOf(step)
        const parts = trace.spans.filter(({ spanId }) => ids.has(spanId)).flatMap(({ critical }) => critical)
        const share = parts.reduce((sum, { from, to }) => sum + (to - from), 0n)
        const saved = savingOf(of, new Map([[step, durationOf(step)]]))
        assert.ok(
          saved >= 0n && saved <= share + milliseconds(1),
          `${step.name} of ${trace.name}: ${saved} of ${share}`,
        )
      }
    }
  })
