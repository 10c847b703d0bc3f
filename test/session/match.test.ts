import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { createMatcher, type PodView } from '../../src/session/match.ts'
import type { Choice } from '../../src/session/plan.ts'
import { selects } from '../../src/session/selector.ts'
import type { LabelSelector } from '../../src/session/schema.ts'
import { ofDeployment, ownedBy } from './made.ts'

const EXPRESSIONS: readonly (readonly [
  expression: NonNullable<LabelSelector['matchExpressions']>[number],
  labels: Readonly<Record<string, string>>,
  selected: boolean,
])[] = [
  [{ key: 'a', operator: 'In', values: ['1', '2'] }, { a: '2' }, true],
  [{ key: 'a', operator: 'In', values: ['1', '2'] }, { a: '3' }, false],
  [{ key: 'a', operator: 'In', values: ['1'] }, {}, false],
  [{ key: 'a', operator: 'NotIn', values: ['1'] }, { a: '1' }, false],
  [{ key: 'a', operator: 'NotIn', values: ['1'] }, { a: '2' }, true],
  [{ key: 'a', operator: 'NotIn', values: ['1'] }, {}, true],
  [{ key: 'a', operator: 'Exists' }, { a: '' }, true],
  [{ key: 'a', operator: 'Exists' }, { b: '' }, false],
  [{ key: 'a', operator: 'DoesNotExist' }, { b: '' }, true],
  [{ key: 'a', operator: 'DoesNotExist' }, { a: '' }, false],
  [{ key: 'toString', operator: 'Exists' }, {}, false],
]

for (const [expression, labels, selected] of EXPRESSIONS) {
  const { key, operator, values = [] } = expression
  test(`${key} ${operator} ${values.join(',')} ${selected ? 'selects' : 'does not select'} ${JSON.stringify(labels)}`, () =>
    assert.equal(selects({ matchExpressions: [expression] }, labels), selected))
}

test('all of a selector must hold, and an empty one always does', () => {
  const selector: LabelSelector = {
    matchLabels: { a: '1' },
    matchExpressions: [{ key: 'b', operator: 'Exists' }],
  }
  assert.equal(selects(selector, { a: '1', b: '' }), true)
  assert.equal(selects(selector, { a: '1' }), false)
  assert.equal(selects(selector, { a: '2', b: '' }), false)
  assert.equal(selects({}, {}), true)
})

const nobody: Choice = { target: undefined, selector: undefined, namespaces: undefined }
const pod = (more: Partial<PodView> = {}): PodView => ({
  namespace: 'shop',
  name: 'checkout-1',
  labels: { app: 'checkout', tier: 'front' },
  owners: ofDeployment('checkout'),
  ...more,
})

/** Whether a session with this choice, in shop, takes the pod. */
function takes(choice: Partial<Choice>, view: PodView, namespace = 'shop'): boolean {
  const matcher = createMatcher()
  const chooser = { namespace, choice: { ...nobody, ...choice } }
  matcher.add(chooser)
  matcher.namespaces(
    new Map([
      ['shop', { team: 'a' }],
      ['bank', { team: 'b' }],
    ]),
  )
  const found = matcher.matching(view).includes(chooser)
  assert.equal(matcher.chooses(chooser, view), found, 'asked alone, it answers as among all')
  return found
}

interface Case {
  readonly name: string
  readonly choice: Partial<Choice>
  readonly pod?: Partial<PodView>
  readonly home?: string
  readonly then: boolean
}

const target = (apiVersion: string, kind: string, name: string): Partial<Choice> => ({
  target: { apiVersion, kind, name },
})

const CASES: readonly Case[] = [
  { name: 'all pods', choice: {}, then: true },
  { name: 'all pods of another namespace', choice: {}, pod: { namespace: 'bank' }, then: false },
  { name: 'its Deployment', choice: target('apps/v1', 'Deployment', 'checkout'), then: true },
  {
    name: 'its Deployment by an older version',
    choice: target('apps/v1beta2', 'Deployment', 'checkout'),
    then: true,
  },
  {
    name: 'a Deployment of another group',
    choice: target('acme.io/v1', 'Deployment', 'checkout'),
    then: false,
  },
  { name: 'another Deployment', choice: target('apps/v1', 'Deployment', 'cart'), then: false },
  { name: 'its ReplicaSet', choice: target('apps/v1', 'ReplicaSet', 'checkout-7d9f'), then: true },
  { name: 'the pod itself', choice: target('v1', 'Pod', 'checkout-1'), then: true },
  { name: 'another pod', choice: target('v1', 'Pod', 'checkout-2'), then: false },
  {
    name: 'a CronJob through its Job',
    choice: target('batch/v1', 'CronJob', 'nightly'),
    pod: { owners: ownedBy(['batch/v1', 'Job', 'nightly-1'], ['batch/v1', 'CronJob', 'nightly']) },
    then: true,
  },
  {
    name: 'a LeaderWorkerSet through its StatefulSet',
    choice: target('leaderworkerset.x-k8s.io/v1', 'LeaderWorkerSet', 'llm'),
    pod: {
      owners: ownedBy(
        ['apps/v1', 'StatefulSet', 'llm-0'],
        ['leaderworkerset.x-k8s.io/v1', 'LeaderWorkerSet', 'llm'],
      ),
    },
    then: true,
  },
  {
    name: 'a target whose owners were never seen',
    choice: target('apps/v1', 'Deployment', 'checkout'),
    pod: { owners: [] },
    then: false,
  },
  { name: 'labels', choice: { selector: { matchLabels: { app: 'checkout', tier: 'front' } } }, then: true },
  {
    name: 'labels of which one differs',
    choice: { selector: { matchLabels: { app: 'checkout', tier: 'back' } } },
    then: false,
  },
  { name: 'an empty selector', choice: { selector: {} }, then: true },
  {
    name: 'an expression alone',
    choice: { selector: { matchExpressions: [{ key: 'tier', operator: 'NotIn', values: ['back'] }] } },
    then: true,
  },
  { name: 'every namespace', choice: { namespaces: {} }, home: 'podspan', then: true },
  {
    name: 'every namespace, also unknown ones',
    choice: { namespaces: {} },
    home: 'podspan',
    pod: { namespace: 'new' },
    then: true,
  },
  {
    name: 'namespaces by label',
    choice: { namespaces: { matchLabels: { team: 'a' } } },
    home: 'podspan',
    then: true,
  },
  {
    name: 'namespaces by another label',
    choice: { namespaces: { matchLabels: { team: 'b' } } },
    home: 'podspan',
    then: false,
  },
  {
    name: 'namespaces by label, of one that is unknown',
    choice: { namespaces: { matchExpressions: [{ key: 'team', operator: 'DoesNotExist' }] } },
    home: 'podspan',
    pod: { namespace: 'new' },
    then: false,
  },
  {
    name: 'labels in namespaces by label',
    choice: { namespaces: { matchLabels: { team: 'a' } }, selector: { matchLabels: { app: 'cart' } } },
    home: 'podspan',
    then: false,
  },
]

describe('a session that chooses', () => {
  for (const { name, choice, pod: more, home, then } of CASES) {
    test(`${name} ${then ? 'takes' : 'leaves'} the pod`, () =>
      assert.equal(takes(choice, pod(more), home), then))
  }
})

test('a pod with many matching labels and owners finds each session once, and none that was removed', () => {
  const matcher = createMatcher()
  const selector = { matchLabels: { app: 'checkout', tier: 'front' } }
  const one = { namespace: 'shop', choice: { ...nobody, selector } }
  const two = { namespace: 'shop', choice: { ...nobody, ...target('apps/v1', 'Deployment', 'checkout') } }
  matcher.add(one)
  matcher.add(two)
  const twice = pod({ owners: [...ofDeployment('checkout'), ...ofDeployment('checkout')] })
  assert.deepEqual(matcher.matching(twice), [two, one])
  matcher.remove(two)
  assert.deepEqual(matcher.matching(twice), [one])
  matcher.remove(one)
  assert.deepEqual(matcher.matching(twice), [])
})
