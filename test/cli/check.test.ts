import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { EventRecord, PodRecord } from '../../src/base/record.ts'
import { milliseconds } from '../../src/base/time.ts'
import { describeClocks } from '../../src/cli/check.ts'
import { estimate } from '../../src/cli/estimate.ts'
import { differencesOf, minorOf } from '../../src/cli/evidence.ts'
import { parseTarget } from '../../src/cli/target.ts'

const clock = (name: string, from: number | undefined, to: number | undefined, samples = 3) => ({
  clock: name,
  samples,
  ...(from !== undefined && { offsetFrom: milliseconds(from) }),
  ...(to !== undefined && { offsetTo: milliseconds(to) }),
})

const CLOCKS = [
  {
    name: 'clocks whose interval holds 0 agree',
    given: [clock('node/a', -20, 80), clock('node/b', -5, 30)],
    then: ["2 clocks agree with this machine's within what can be told (intervals up to 100 ms wide)."],
  },
  {
    name: 'a clock that is behind is named',
    given: [clock('node/a', 1800, 1900)],
    then: [
      "node/a is 1.8 s to 1.9 s behind this machine's clock; its times are shifted by the nearer end.",
      "0 clocks agree with this machine's within what can be told (intervals up to 100 ms wide).",
    ],
  },
  {
    name: 'a clock that is ahead is named',
    given: [clock('node/a', -1900, -1800), clock('apiserver', 0, 0)],
    then: [
      "node/a is 1.8 s to 1.9 s ahead of this machine's clock; its times are shifted by the nearer end.",
      "1 clock agrees with this machine's within what can be told (intervals up to 100 ms wide).",
    ],
  },
  {
    name: 'one end alone gives a least offset',
    given: [clock('node/a', undefined, -1800)],
    then: [
      "node/a is at least 1.8 s ahead of this machine's clock; its times are shifted by the nearer end.",
      "0 clocks agree with this machine's within what can be told (intervals up to 0 ms wide).",
    ],
  },
  {
    name: 'without samples nothing is claimed',
    given: [clock('node/a', 0, 0, 0)],
    then: ['No lease was renewed in this time; try a longer --for.'],
  },
]

for (const { name, given, then } of CLOCKS) test(name, () => assert.deepEqual(describeClocks(given), then))

const VERSIONS: readonly (readonly [string, number | undefined])[] = [
  ['v1.36.3', 36],
  ['v1.30.14-eks-1234', 30],
  ['1.28', 28],
  ['v2.0.0', undefined],
  ['', undefined],
]

for (const [version, minor] of VERSIONS)
  test(`the minor version of ${JSON.stringify(version)} is ${minor}`, () =>
    assert.equal(minorOf(version), minor))

test('what a version tells follows its minor version, with the one that switched WatchList off', () => {
  const held = (minor: number): string =>
    differencesOf(minor)
      .map(({ holds }) => (holds ? 'y' : 'n'))
      .join('')
  assert.deepEqual([29, 30, 32, 33, 34, 36].map(held), [
    'nnnnnn',
    'yynnnn',
    'yyyynn',
    'yyynnn',
    'yyyynn',
    'yyyyyy',
  ])
})

const NOW = 1_700_000_000

const pod = (age: number, containers = 1): PodRecord => ({
  resource: 'pods',
  uid: `u-${age}`,
  name: 'p',
  namespace: 'n',
  resourceVersion: '1',
  createdSeconds: NOW - age,
  containers: Array.from({ length: containers }, (_, index) => ({ name: `c${index}`, image: 'i' })),
})

const scheduled = (age: number, uid: string): EventRecord => ({
  resource: 'events',
  uid: `e-${uid}-${age}`,
  name: 'e',
  namespace: 'n',
  resourceVersion: '1',
  involved: { kind: 'Pod', name: 'p', uid },
  reason: 'Scheduled',
  lastSeconds: NOW - age,
})

test('the estimate lies between the pods that are left and those that were scheduled', () => {
  const pods = [pod(60), pod(7200), pod(200_000)]
  const events = [scheduled(10, 'a'), scheduled(20, 'a'), scheduled(30, 'b'), scheduled(5000, 'c')]
  const { startsPerMonth, spansPerStart, spansPerMonth } = estimate({
    nowSeconds: NOW,
    pods,
    events,
    truncated: false,
  })
  assert.deepEqual([startsPerMonth, spansPerStart, spansPerMonth], [[60, 1440], 6.5, [390, 9360]])
})

test('what was cut off or may not be read is said', () => {
  const said = (events: EventRecord[] | undefined, truncated: boolean): string =>
    estimate({ nowSeconds: NOW, pods: [], events, truncated }).how.join(' ')
  assert.match(said([], true), /or more \(not all events were read\)/)
  assert.match(said(undefined, false), /Events may not be read/)
})

const TARGETS: readonly (readonly [string, string, string])[] = [
  ['web', 'pods', 'web'],
  ['po/web', 'pods', 'web'],
  ['deploy/web', 'deployments', 'web'],
  ['Deployment/web', 'deployments', 'web'],
  ['rs/web', 'replicasets', 'web'],
  ['sts/web', 'statefulsets', 'web'],
  ['ds/web', 'daemonsets', 'web'],
  ['job/web', 'jobs', 'web'],
]

for (const [text, source, name] of TARGETS)
  test(`${text} means ${source} ${name}`, () => assert.deepEqual(parseTarget(text), { source, name }))

for (const text of ['svc/web', 'deploy/', '/web', 'a/b/c', 'constructor/web', '']) {
  test(`${JSON.stringify(text)} names nothing that can be traced`, () =>
    assert.throws(() => parseTarget(text), /names nothing that can be traced/))
}
