import assert from 'node:assert/strict'
import { test } from 'node:test'
import { toMilliseconds } from '../../src/base/time.ts'
import type { Counterfactual, FindCounterfactuals } from '../../src/advise/advice.ts'
import { findCachedImages } from '../../src/advise/cached-image.ts'
import { findFailedAttempts } from '../../src/advise/failed-attempts.ts'
import { findInitContainers } from '../../src/advise/init-containers.ts'
import { findInitialDelays } from '../../src/advise/initial-delay.ts'
import { findParallelPulls } from '../../src/advise/parallel-pulls.ts'
import { findReadinessPeriods, findStartupPeriods } from '../../src/advise/probe-period.ts'
import { savingOf } from '../../src/advise/retime.ts'
import type { Start } from '../../src/advise/start.ts'
import { made, type MadeStart, type MadeStep, probe, type ProbeSettings, pull, start } from './made.ts'

const run = (container: string, from: number, more: readonly MadeStep[], ready: number): MadeStart => ({
  to: ready + 10,
  steps: [
    made('start container', container, from - 100, from),
    ...more,
    { name: 'report status', from: ready, to: ready + 10 },
  ],
})

const ready = (from: number, to: number, settings: ProbeSettings): Start =>
  start(run('app', from, [probe('readiness', 'app', from, to, settings)], to))

/** `change: low / likely / high` of each start, in ms. */
function told(find: FindCounterfactuals, starts: readonly Start[], all = starts): string[] {
  return find(starts, all).map(
    (each) => `${each.change}: ${starts.map((one) => savings(each, one)).join(', ')}`,
  )
}

function savings({ cuts }: Counterfactual, of: Start): string {
  const range = cuts.get(of)
  if (!range) return 'as it was'
  const ms = (by: bigint): number => Math.round(toMilliseconds(by as never))
  const [low, high] = [savingOf(of, range.low), savingOf(of, range.high)].map(ms)
  return [low, range.likely ? ms(savingOf(of, range.likely)) : '?', high].join(' / ')
}

interface Case {
  readonly name: string
  readonly find: FindCounterfactuals
  readonly starts: readonly Start[]
  readonly all?: readonly Start[]
  readonly gives: readonly string[]
}

const CASES: readonly Case[] = [
  {
    name: 'a readiness probe that failed once could have succeeded at any of the looks in between',
    find: findReadinessPeriods,
    starts: [ready(1000, 11_600, { period: 10 })],
    gives: ['readiness periodSeconds 10 → 2 of container app: 0 / 4011 / 8000'],
  },
  {
    name: 'one that looks each second needs no advice',
    find: findReadinessPeriods,
    starts: [ready(1000, 11_600, { period: 1 })],
    gives: [],
  },
  {
    name: 'starts whose looks fell differently say together where the container was ready',
    find: findStartupPeriods,
    starts: [1400, 4200, 6100, 8300, 9900].map((seen) =>
      start(
        run('app', 1000, [probe('startup probe', 'app', 1000, 1000 + seen, { period: 10 })], 1000 + seen),
      ),
    ),
    gives: [
      'startupProbe periodSeconds 10 → 1 of container app: 0 / 0 / 1000, 0 / 2126 / 4000, 0 / 3689 / 6000, 0 / 5635 / 8000, 0 / 7261 / 9000',
    ],
  },
  {
    name: 'a startup probe saves nothing where readiness took its own time after it',
    find: findStartupPeriods,
    starts: [
      start(
        run(
          'app',
          1000,
          [
            probe('startup probe', 'app', 1000, 9000, { period: 10 }),
            probe('readiness', 'app', 9000, 19_000, { period: 10 }),
          ],
          19_000,
        ),
      ),
    ],
    gives: ['startupProbe periodSeconds 10 → 1 of container app: as it was'],
  },
  {
    name: 'two containers that are both looked at seldom save most together',
    find: findReadinessPeriods,
    starts: [
      start({
        to: 11_010,
        steps: [
          made('start container', 'a', 0, 500),
          probe('readiness', 'a', 500, 11_000, { period: 10 }),
          made('start container', 'b', 500, 700),
          probe('readiness', 'b', 700, 11_000, { period: 10 }),
          { name: 'report status', from: 11_000, to: 11_010 },
        ],
      }),
    ],
    gives: [
      'readiness periodSeconds 10 → 2 of container a: 0 / 0 / 0',
      'readiness periodSeconds 10 → 2 of container b: 0 / 0 / 0',
      'readiness periodSeconds 2 of all 2 containers with a slower one: 0 / 4010 / 8000',
    ],
  },
  {
    name: 'during a delay nobody asks the container: only the ends are known',
    find: findInitialDelays,
    starts: [ready(1000, 21_600, { period: 10, delay: 15 })],
    gives: [
      'startupProbe with periodSeconds 1 instead of initialDelaySeconds 15 of container app: -1000 / ? / 20600',
    ],
  },
  {
    name: 'a look that failed after the delay says that the delay cost nothing',
    find: findInitialDelays,
    starts: [ready(1000, 31_600, { period: 10, delay: 15 })],
    gives: [
      'startupProbe with periodSeconds 1 instead of initialDelaySeconds 15 of container app: -1000 / 4549 / 10000',
    ],
  },
  {
    name: 'an image is there at once, with the back-off after a pull that failed',
    find: findCachedImages,
    starts: [
      start({
        to: 15_000,
        steps: [
          { ...pull('app', 'app:1', 1000, 2000), failed: true },
          {
            ...made('back-off', 'app', 2000, 12_000),
            subject: 'app:1',
            attributes: { 'podspan.backoff.after': 'pull image' },
          },
          pull('app', 'app:1', 12_000, 14_000),
          made('start container', 'app', 14_000, 14_100),
          { name: 'report status', from: 14_100, to: 15_000 },
        ],
      }),
    ],
    gives: ['image app:1 present on the node: 13000 / 13000 / 13000'],
  },
  {
    name: 'with imagePullPolicy Always the registry is still asked, as long as by the shortest pull seen',
    find: findCachedImages,
    starts: [400, 5000].map((took) => {
      const step = pull('app', 'app:1', 1000, 1000 + took)
      const always = { ...step, attributes: { ...step.attributes, 'podspan.image.pull_policy': 'Always' } }
      return start(run('app', 1100 + took, [always], 1200 + took))
    }),
    gives: ['image app:1 present on the node: 0 / 0 / 400, 4600 / 4600 / 5000'],
  },
  {
    name: 'a pull that waited for another needs not',
    find: findParallelPulls,
    starts: [
      start(run('app', 4100, [pull('app', 'a:1', 0, 4000)], 4200)),
      start(run('app', 6100, [pull('app', 'b:1', 0, 6000, 4000)], 6200)),
    ],
    gives: ['kubelet serializeImagePulls true → false: -2000 / ? / 0, 2000 / ? / 4000'],
  },
  {
    name: 'a pull that waited for one that no trace shows shares the link with it',
    find: findParallelPulls,
    starts: [start(run('app', 6100, [pull('app', 'b:1', 0, 6000, 4000)], 6200))],
    gives: ['kubelet serializeImagePulls true → false: 2000 / ? / 4000'],
  },
  {
    name: 'pulls of other workloads on the node count, those of other nodes do not',
    find: findParallelPulls,
    starts: [start(run('app', 6100, [pull('app', 'b:1', 0, 6000, 4000)], 6200))],
    all: [
      start(run('app', 6100, [pull('app', 'b:1', 0, 6000, 4000)], 6200)),
      start({ ...run('app', 4100, [pull('app', 'a:1', 0, 4000)], 4200), workload: 'Deployment/other' }),
      start({ ...run('app', 4100, [pull('app', 'c:1', 0, 4000)], 4200), node: 'node-2' }),
    ],
    gives: ['kubelet serializeImagePulls true → false: 2000 / ? / 4000'],
  },
  {
    name: 'where no pull waited there is nothing to say',
    find: findParallelPulls,
    starts: [start(run('app', 6100, [pull('app', 'b:1', 0, 6000)], 6200))],
    gives: [],
  },
  {
    name: 'init containers at once take as long as the longest, or save what making the others took',
    find: findInitContainers,
    starts: [
      start({
        to: 9000,
        steps: [
          made('create container', 'migrate', 0, 100),
          made('start container', 'migrate', 100, 200),
          made('run init container', 'migrate', 200, 4200),
          { name: 'unaccounted', from: 4200, to: 4700 },
          made('create container', 'warm', 4700, 4800),
          made('start container', 'warm', 4800, 4900),
          made('run init container', 'warm', 4900, 6900),
          { name: 'unaccounted', from: 6900, to: 7500 },
          made('start container', 'app', 7500, 7600),
          { name: 'report status', from: 7600, to: 9000 },
        ],
      }),
    ],
    gives: ['2 init containers at once, where they do not need each other: 200 / ? / 2800'],
  },
  {
    name: 'a container that ended twice is started once',
    find: findFailedAttempts,
    starts: [
      start({
        to: 34_000,
        steps: [
          pull('app', 'app:1', 0, 2000),
          made('create container', 'app', 2000, 2100),
          made('start container', 'app', 2100, 2200),
          { ...made('readiness', 'app', 2200, 3200), failed: true },
          { ...made('back-off', 'app', 3200, 13_200), attributes: { 'podspan.backoff.after': 'exit' } },
          made('create container', 'app', 13_200, 13_300),
          made('start container', 'app', 13_300, 13_400),
          { ...made('readiness', 'app', 13_400, 14_400), failed: true },
          { ...made('back-off', 'app', 14_400, 32_400), attributes: { 'podspan.backoff.after': 'exit' } },
          made('create container', 'app', 32_400, 32_500),
          made('start container', 'app', 32_500, 32_600),
          probe('readiness', 'app', 32_600, 33_900, { period: 1 }),
          { name: 'report status', from: 33_900, to: 34_000 },
        ],
      }),
    ],
    gives: ['container app: it runs on at the first attempt: 30400 / 30400 / 30400'],
  },
  {
    name: 'a sandbox that was refused is made at once',
    find: findFailedAttempts,
    starts: [
      start({
        to: 20_000,
        steps: [
          {
            name: 'prepare pod and create sandbox',
            from: 0,
            to: 16_000,
            parts: [
              { name: 'prepare pod', from: 0, to: 500 },
              { name: 'create sandbox', from: 500, to: 1000, failed: true },
              { name: 'back-off', from: 1000, to: 15_000 },
              { name: 'create sandbox', from: 15_000, to: 16_000 },
            ],
          },
          made('start container', 'app', 16_000, 16_100),
          { name: 'report status', from: 16_100, to: 20_000 },
        ],
      }),
    ],
    gives: ['the sandbox made at the first attempt: 14500 / 14500 / 14500'],
  },
]

for (const { name, find, starts, all, gives } of CASES)
  test(name, () => {
    // The workload's own starts are the same objects in both.
    const everyone = all ? [...starts, ...all.slice(starts.length)] : starts
    assert.deepEqual(told(find, starts, everyone), gives)
  })
