import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CliError, EXIT } from '../../src/cli/exit.ts'
import { parseSelector } from '../../src/cli/session-selector.ts'
import {
  parseObjective,
  parseTargetRef,
  sessionFor,
  type SessionWants,
  uniqueName,
} from '../../src/cli/session-spec.ts'

const half = (): number => 0.5

const specOf = (wants: SessionWants, how: 'alone' | 'with a command' = 'alone'): object =>
  sessionFor(wants, how, half).manifest.spec

test('a target and an objective make a session for the rollout that began up to a minute ago', () => {
  assert.deepEqual(
    sessionFor({ target: 'deploy/checkout', objective: ['p99=30s'] }, 'alone', half).manifest,
    {
      apiVersion: 'podspan.dev/v1alpha1',
      kind: 'TraceSession',
      metadata: { name: 'checkout-rrrrr', labels: { 'podspan.dev/created-by': 'session-run' } },
      spec: {
        targetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'checkout' },
        completion: {},
        backfill: '1m',
        objectives: [{ name: 'p99', percentile: 99, threshold: '30s' }],
        ttlSecondsAfterFinished: 86_400,
      },
    },
  )
})

test('a command starts its own rollout, so that pods from before it are not taken', () => {
  assert.equal((specOf({ target: 'sts/db' }, 'with a command') as { backfill: string }).backfill, '0s')
})

test('what is asked for by option stands in the spec, by its own field', () => {
  const wants = {
    selector: 'app=web',
    minPods: 3,
    timeout: '10m',
    startTimeout: '2m',
    backfill: '5m',
    exporter: 'ci',
  }
  assert.deepEqual(specOf(wants), {
    podSelector: { matchLabels: { app: 'web' } },
    completion: { when: 'PodCount', minPods: 3, timeout: '10m' },
    backfill: '5m',
    startTimeout: '2m',
    exporter: 'ci',
    ttlSecondsAfterFinished: 86_400,
  })
})

test('all pods for a time are a session by duration', () => {
  const { spec } = sessionFor({ all: true, timeout: '5m' }, 'alone', half)
  assert.deepEqual([spec.allPods, spec.completion], [true, { timeout: '5m' }])
})

test('a CronJob has no rollout, so its pods are counted', () => {
  const { spec } = sessionFor({ target: 'cronjob/nightly', minPods: 2 }, 'alone', half)
  assert.deepEqual(spec.completion, { when: 'PodCount', minPods: 2 })
})

const TARGETS: readonly (readonly [text: string, apiVersion: string, kind: string])[] = [
  ['deploy/x', 'apps/v1', 'Deployment'],
  ['Deployment/x', 'apps/v1', 'Deployment'],
  ['sts/x', 'apps/v1', 'StatefulSet'],
  ['ds/x', 'apps/v1', 'DaemonSet'],
  ['rs/x', 'apps/v1', 'ReplicaSet'],
  ['job/x', 'batch/v1', 'Job'],
  ['pod/x', 'v1', 'Pod'],
  ['rollout/x', 'argoproj.io/v1alpha1', 'Rollout'],
  ['lws/x', 'leaderworkerset.x-k8s.io/v1', 'LeaderWorkerSet'],
  ['example.com/v1/Widget/x', 'example.com/v1', 'Widget'],
]

for (const [text, apiVersion, kind] of TARGETS)
  test(`--target ${text} means a ${kind}`, () =>
    assert.deepEqual(parseTargetRef(text), { apiVersion, kind, name: 'x' }))

test('an objective names its percentile and its operation', () => {
  assert.deepEqual(
    ['p99=30s', 'p95(pull image)=10s', 'p99.9=1m30s', ' p100=5s '].map((text) => parseObjective(text)),
    [
      { name: 'p99', percentile: 99, threshold: '30s' },
      { name: 'p95-pull-image', percentile: 95, threshold: '10s', operation: 'pull image' },
      { name: 'p99-9', percentile: 99.9, threshold: '1m30s' },
      { name: 'p100', percentile: 100, threshold: '5s' },
    ],
  )
})

const REFUSED: readonly {
  readonly name: string
  readonly wants: SessionWants
  readonly says: RegExp
}[] = [
  { name: 'no pods at all', wants: {}, says: /exactly one of --target, --selector and --all/ },
  {
    name: 'two ways of choosing pods',
    wants: { target: 'deploy/x', all: true },
    says: /exactly one of --target, --selector and --all/,
  },
  {
    name: 'a target of no kind',
    wants: { target: 'checkout' },
    says: /--target checkout: expected deploy\//,
  },
  {
    name: 'a target of a wrong kind',
    wants: { target: 'svc/x' },
    says: /--target svc\/x: expected deploy\//,
  },
  { name: 'a target without a name', wants: { target: 'deploy/' }, says: /--target deploy\/: expected/ },
  {
    name: 'a selector that is none',
    wants: { selector: 'app=web,', timeout: '1m' },
    says: /--selector app=web,: expected a label selector/,
  },
  {
    name: 'a selector without an end',
    wants: { selector: 'app=web' },
    says: /give --min-pods .* --timeout/,
  },
  {
    name: 'a CronJob without a count',
    wants: { target: 'cj/x' },
    says: /^--target: a CronJob has no rollout/,
  },
  {
    name: 'an objective of no form',
    wants: { target: 'deploy/x', objective: ['30s'] },
    says: /--objective 30s: expected p99=30s/,
  },
  {
    name: 'a percentile out of range',
    wants: { target: 'deploy/x', objective: ['p99=30s', 'p101=30s'] },
    says: /^--objective p101=30s: a percentile is from 1 to 100/,
  },
  {
    name: 'a threshold in days',
    wants: { target: 'deploy/x', objective: ['p99=1d'] },
    says: /^--objective p99=1d: write hours, minutes and seconds/,
  },
  {
    name: 'an operation that there is not',
    wants: { target: 'deploy/x', objective: ['p99(pull images)=1s'] },
    says: /^--objective p99\(pull images\)=1s: .*pull image/,
  },
  {
    name: 'the same objective twice',
    wants: { target: 'deploy/x', objective: ['p99=30s', 'p99=20s'] },
    says: /^--objective: two objectives have the same name/,
  },
  {
    name: 'a timeout of nothing',
    wants: { target: 'deploy/x', timeout: '0s' },
    says: /^--timeout: must be longer than 0s/,
  },
  {
    name: 'a start timeout over its limit',
    wants: { target: 'deploy/x', startTimeout: '25h' },
    says: /^--start-timeout: must be at most 24h/,
  },
]

for (const { name, wants, says } of REFUSED) {
  test(`${name} is refused by its option`, () =>
    assert.throws(
      () => sessionFor(wants, 'alone', half),
      (error) => error instanceof CliError && error.exitCode === EXIT.usage && says.test(error.message),
    ))
}

const SELECTORS: readonly (readonly [text: string, then: object | undefined])[] = [
  ['app=web', { matchLabels: { app: 'web' } }],
  ['app==web, tier in (a)', { matchLabels: { app: 'web', tier: 'a' } }],
  [
    'app=web,tier!=cache,env in (prod, canary),!legacy,owner',
    {
      matchLabels: { app: 'web' },
      matchExpressions: [
        { key: 'tier', operator: 'NotIn', values: ['cache'] },
        { key: 'env', operator: 'In', values: ['prod', 'canary'] },
        { key: 'legacy', operator: 'DoesNotExist' },
        { key: 'owner', operator: 'Exists' },
      ],
    },
  ],
  ['env notin (a,b)', { matchExpressions: [{ key: 'env', operator: 'NotIn', values: ['a', 'b'] }] }],
  ['app.kubernetes.io/name=x', { matchLabels: { 'app.kubernetes.io/name': 'x' } }],
  ['a=1,a=2', { matchLabels: { a: '1' }, matchExpressions: [{ key: 'a', operator: 'In', values: ['2'] }] }],
  ['', undefined],
  ['a=b=c', undefined],
  ['a in (b', undefined],
  ['a=b,,c', undefined],
  ['a=b,', undefined],
]

for (const [text, then] of SELECTORS)
  test(`the selector ${JSON.stringify(text)} is ${then === undefined ? 'refused' : 'read as kubectl reads it'}`, () =>
    assert.deepEqual(parseSelector(text), then))

test('a name of its own has five letters and digits that nobody confuses', () => {
  assert.equal(
    uniqueName('web', () => 0),
    'web-bbbbb',
  )
  assert.equal(
    uniqueName('web', () => 0.9999),
    'web-99999',
  )
  assert.ok(uniqueName('x'.repeat(300), half).length < 253)
})
