import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { unixNano } from '../../src/base/time.ts'
import { findHolds } from '../../src/rollout/holds.ts'
import { type Course, milestonesOf } from '../../src/rollout/milestones.ts'
import type { OldPod, RolloutPod } from '../../src/rollout/rollout.ts'
import type { Run } from '../../src/rollout/runs.ts'
import type { Limits, WorkloadKind } from '../../src/rollout/workload.ts'
import type { Instant } from '../../src/timeline/instant.ts'

/** All times are seconds after the start. */
const at = (seconds: number) => unixNano(BigInt(Math.round(seconds * 1e9)))

const instant = (seconds: number): Instant => ({
  best: at(seconds),
  earliest: at(seconds),
  latest: at(seconds),
  source: 'order',
  stamps: [],
})

interface MadePod {
  readonly created: number
  readonly ready?: number
  readonly available?: number
  readonly finished?: number
  readonly deleting?: number
  readonly stopped?: number
  readonly failed?: string
}

function pod(name: string, made: MadePod): RolloutPod {
  const ready = made.ready === undefined ? undefined : instant(made.ready)
  return {
    uid: name,
    name,
    node: 'node-1',
    created: instant(made.created),
    ready,
    available: made.available === undefined ? ready : instant(made.available),
    finished: made.finished === undefined ? undefined : instant(made.finished),
    deleting: made.deleting === undefined ? undefined : instant(made.deleting),
    stopped: made.stopped === undefined ? undefined : instant(made.stopped),
    outcome: ready ? 'ready' : 'starting',
    failed: made.failed,
    wave: 1,
    trace: undefined,
  }
}

const old = (name: string, deleting: number, gone: number): OldPod => ({
  uid: `old-${name}`,
  name,
  node: 'node-1',
  deleting: instant(deleting),
  stopped: instant(gone),
  gone: instant(gone),
})

interface Made extends Partial<Omit<Course, 'run' | 'pods' | 'old' | 'start' | 'end' | 'watchedFrom'>> {
  readonly kind?: WorkloadKind
  readonly limits?: Limits
  readonly pods?: Readonly<Record<string, MadePod>>
  readonly old?: readonly OldPod[]
  readonly end: number
  readonly watchedFrom?: number
  readonly wanted?: number
}

function course({
  kind = 'Deployment',
  limits = {},
  pods = {},
  old: gone = [],
  end,
  watchedFrom = 0,
  wanted,
  ...more
}: Made): Course {
  const run = { history: { kind }, version: { limits, wanted }, isFirst: false } as unknown as Run
  const made = Object.entries(pods).map(([name, each]) => pod(name, each))
  return {
    run,
    limits,
    start: at(0),
    end: at(end),
    isComplete: true,
    isRolling: false,
    watchedFrom: at(watchedFrom),
    pods: made,
    old: gone,
    before: 0,
    milestones: milestonesOf(run, made, gone),
    scalings: [],
    refusals: [],
    halts: [],
    ...more,
  }
}

/** `0-3 reconcile; 3-7 start pod a (budget)`. */
const told = (made: Made): string =>
  findHolds(course(made))
    .map(({ kind, from, to, pod: of, old: gone, because }) => {
      const who = [of?.name ?? gone?.name, because && `(${because})`].filter(Boolean).join(' ')
      return `${Number(from) / 1e9}-${Number(to) / 1e9} ${kind}${who === '' ? '' : ` ${who}`}`
    })
    .join('; ')

const rollingWith = (limits: Limits): Pick<Made, 'limits'> => ({
  limits: { strategy: 'RollingUpdate', ...limits },
})

const CASES: readonly { readonly name: string; readonly given: Made; readonly then: string }[] = [
  {
    //  a ----      the slowest of one wave is what the end waited for
    //  b --------
    name: 'of pods that start together the slowest counts',
    given: {
      ...rollingWith({ maxSurge: 2 }),
      pods: { a: { created: 1, ready: 4 }, b: { created: 1, ready: 8 } },
      end: 9,
    },
    then: '0-1 reconcile; 1-8 start pod b (last); 8-9 reconcile',
  },
  {
    //  a ----
    //       b ----
    name: 'a pod that came when another was available had to wait for it',
    given: {
      ...rollingWith({ maxSurge: 0, maxUnavailable: 1 }),
      pods: { a: { created: 1, ready: 4 }, b: { created: 5, ready: 8 } },
      end: 8,
    },
    then: '0-1 reconcile; 1-4 start pod a (budget); 4-5 reconcile; 5-8 start pod b (last)',
  },
  {
    name: 'a ReplicaSet that was let have both pods at once is held by its own controller, not by the first pod',
    given: {
      ...rollingWith({ maxSurge: 2 }),
      pods: { a: { created: 1, ready: 4 }, b: { created: 5, ready: 8 } },
      scalings: [{ at: at(1), to: 2 }],
      end: 8,
    },
    then: '0-5 reconcile; 5-8 start pod b (last)',
  },
  {
    name: 'the time that a pod has to be ready is told apart from its start',
    given: {
      ...rollingWith({ maxSurge: 1, minReadySeconds: 3 }),
      pods: { a: { created: 1, ready: 2, available: 5 } },
      end: 5,
    },
    then: '0-1 reconcile; 1-2 start pod a (last); 2-5 wait for minReadySeconds a (last)',
  },
  {
    name: 'a pod that was refused until it was there was held by that from the first refusal on',
    given: {
      pods: { a: { created: 10, ready: 12 } },
      refusals: [
        { at: at(1), message: 'quota' },
        { at: at(4), message: 'quota' },
      ],
      end: 12,
    },
    then: '0-1 reconcile; 1-10 creation refused; 10-12 start pod a (last)',
  },
  {
    name: 'a refusal that was overcome long before says nothing of a later pod',
    given: {
      pods: { a: { created: 3, ready: 6 }, b: { created: 20, ready: 22 } },
      refusals: [{ at: at(1), message: 'quota' }],
      end: 22,
    },
    then: '0-1 reconcile; 1-3 creation refused; 3-6 start pod a (budget); 6-20 reconcile; 20-22 start pod b (last)',
  },
  {
    name: 'nothing goes on while it is paused; what is left of the gap is its controller',
    given: {
      pods: { a: { created: 1, ready: 3 }, b: { created: 9, ready: 11 } },
      halts: [{ from: at(4), to: at(8), kind: 'paused' }],
      end: 11,
    },
    then: '0-1 reconcile; 1-3 start pod a (budget); 3-4 reconcile; 4-8 paused; 8-9 reconcile; 9-11 start pod b (last)',
  },
  {
    name: 'a start that goes on while it is paused is not held by that',
    given: {
      pods: { a: { created: 1, ready: 7 } },
      halts: [{ from: at(2), to: at(5), kind: 'paused' }],
      end: 7,
    },
    then: '0-1 reconcile; 1-7 start pod a (last)',
  },
  {
    name: 'a StatefulSet waits for the old pod of the same name, not for any other',
    given: {
      kind: 'StatefulSet',
      limits: { strategy: 'RollingUpdate', ordered: true },
      pods: { 'db-1': { created: 5, ready: 7 }, 'db-0': { created: 12, ready: 14 } },
      old: [old('db-1', 1, 5), old('db-0', 8, 12)],
      end: 14,
    },
    then: '0-1 reconcile; 1-5 stop old pod db-1 (ordered); 5-7 start pod db-1 (ordered); 7-8 reconcile; 8-12 stop old pod db-0 (ordered); 12-14 start pod db-0 (last)',
  },
  {
    name: 'old pods of a rolling Deployment hold nothing, those of Recreate all of it',
    given: {
      limits: { strategy: 'Recreate' },
      pods: { a: { created: 6, ready: 8 } },
      old: [old('x', 1, 6), old('y', 1, 4)],
      end: 8,
    },
    then: '0-1 reconcile; 1-6 stop old pod x (Recreate); 6-8 start pod a (last)',
  },
  {
    name: 'a Job that backs off waits for that, though another pod ended later',
    given: {
      kind: 'Job',
      limits: { parallelism: 2 },
      pods: {
        a: { created: 0, ready: 1, finished: 3, failed: 'exit 1' },
        b: { created: 0, ready: 1, finished: 4 },
        c: { created: 13, ready: 14, finished: 16 },
      },
      end: 16,
    },
    then: '0-1 start pod a (parallelism); 1-3 run pod a (parallelism); 3-13 back-off; 13-14 start pod c (last); 14-16 run pod c (last)',
  },
  {
    name: 'a pod that is not there yet is what a rollout waits for that goes on; without room for more it is the budget',
    given: {
      isComplete: false,
      wanted: 3,
      ...rollingWith({ maxSurge: 1 }),
      pods: { a: { created: 2 } },
      end: 9,
    },
    then: '0-2 reconcile; 2-9 start pod a (budget)',
  },
  {
    name: 'a pod that was on its way when the next rollout began held this one, whatever became of it later',
    given: {
      isComplete: false,
      wanted: 1,
      ...rollingWith({ maxSurge: 1 }),
      pods: { a: { created: 2, ready: 11, deleting: 12 } },
      end: 9,
    },
    then: '0-2 reconcile; 2-9 start pod a (last)',
  },
  {
    name: 'a pod that was asked to go before it was ready holds nothing from then on',
    given: {
      isComplete: false,
      wanted: 1,
      pods: { a: { created: 1, deleting: 3 }, b: { created: 4 } },
      end: 9,
    },
    then: '0-4 reconcile; 4-9 start pod b (last)',
  },
  {
    name: 'a rollout that may create no more pods is held by that to its end',
    given: {
      isComplete: false,
      wanted: 3,
      pods: { a: { created: 1, ready: 4 } },
      refusals: [
        { at: at(2), message: 'quota' },
        { at: at(30), message: 'quota' },
      ],
      end: 60,
    },
    then: '0-2 reconcile; 2-60 creation refused',
  },
  {
    name: 'a pod that failed when the next rollout had begun held this one',
    given: {
      isComplete: false,
      wanted: 1,
      pods: { a: { created: 2, failed: 'Evicted', stopped: 12 } },
      end: 9,
    },
    then: '0-2 reconcile; 2-9 start pod a (last)',
  },
  {
    name: 'a pod that has to be made again is held by the refusal to',
    given: {
      isComplete: false,
      wanted: 2,
      pods: { a: { created: 1, ready: 3 }, b: { created: 1, deleting: 6 } },
      refusals: [
        { at: at(8), message: 'quota' },
        { at: at(50), message: 'quota' },
      ],
      end: 60,
    },
    then: '0-1 reconcile; 1-3 start pod a (budget); 3-8 reconcile; 8-60 creation refused',
  },
  {
    name: 'a Job that goes on after its pod failed backs off; one that is over does not',
    given: {
      kind: 'Job',
      isComplete: false,
      isRolling: true,
      wanted: 1,
      pods: { a: { created: 1, ready: 2, finished: 5, stopped: 5, failed: 'exit 1' } },
      end: 30,
    },
    then: '0-1 reconcile; 1-2 start pod a (parallelism); 2-5 run pod a (parallelism); 5-30 back-off',
  },
  {
    name: 'a refusal says nothing of a rollout that has all its pods',
    given: {
      isComplete: false,
      wanted: 1,
      pods: { a: { created: 1, ready: 4 } },
      refusals: [{ at: at(2), message: 'quota' }],
      end: 6,
    },
    then: '0-1 reconcile; 1-4 start pod a (last); 4-6 reconcile',
  },
  {
    name: 'what went before anybody watched is not put down to the controller',
    given: {
      kind: 'StatefulSet',
      limits: { strategy: 'RollingUpdate', ordered: true },
      pods: { 'db-0': { created: 4, ready: 6 } },
      watchedFrom: 100,
      end: 6,
    },
    then: '0-4 unaccounted; 4-6 start pod db-0 (last)',
  },
  {
    name: 'a person who has to delete the old pods is waited for',
    given: {
      kind: 'DaemonSet',
      limits: { strategy: 'OnDelete' },
      pods: { a: { created: 3, ready: 4 }, b: { created: 52, ready: 53 } },
      old: [old('x', 50, 52)],
      end: 53,
    },
    then: '0-3 reconcile; 3-4 start pod a (budget); 4-50 wait for deletion; 50-52 stop old pod x (budget); 52-53 start pod b (last)',
  },
  { name: 'a rollout without pods is its controller alone', given: { end: 2 }, then: '0-2 reconcile' },
]

for (const { name, given, then } of CASES)
  test(name, () => {
    assert.equal(told(given), then)
  })

const moments = fc.tuple(fc.nat(60), fc.nat(20), fc.nat(10))

test('whatever the pods did, the holds are a partition of the rollout', () => {
  fc.assert(
    fc.property(
      fc.array(moments, { maxLength: 12 }),
      fc.array(moments, { maxLength: 6 }),
      fc.constantFrom<WorkloadKind>('Deployment', 'StatefulSet', 'DaemonSet', 'Job'),
      fc.boolean(),
      (pods, gone, kind, isComplete) => {
        const made = Object.fromEntries(
          pods.map(([created, start, more], index) => [
            `p${index}`,
            {
              created,
              ready: created + start,
              available: created + start + more,
              ...(kind === 'Job' && { finished: created + start + more }),
            },
          ]),
        )
        const holds = findHolds(
          course({
            kind,
            isComplete,
            pods: made,
            old: gone.map(([from, length], index) => old(`p${index}`, from, from + length)),
            end: 70,
          }),
        )
        let cursor = at(0)
        for (const { from, to } of holds) {
          assert.equal(from, cursor)
          assert.ok(to > from)
          cursor = to
        }
        assert.equal(cursor, at(70))
      },
    ),
    { numRuns: 300 },
  )
})
