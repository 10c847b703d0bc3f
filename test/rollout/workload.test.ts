import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { CustomRecord } from '../../src/base/record.ts'
import { type Limits, readWorkload, type WorkloadKind } from '../../src/rollout/workload.ts'

const record = (object: Readonly<Record<string, unknown>>): CustomRecord => ({
  resource: 'custom',
  uid: 'u-1',
  name: 'web',
  namespace: 'shop',
  resourceVersion: '7',
  object,
})

const read = (kind: WorkloadKind, spec: object, status: object = {}, metadata: object = {}) =>
  readWorkload(record({ metadata, spec, status }), kind)

const rolling = (maxSurge: unknown, maxUnavailable: unknown) => ({
  type: 'RollingUpdate',
  rollingUpdate: { maxSurge, maxUnavailable },
})

interface Case {
  readonly name: string
  readonly kind: WorkloadKind
  readonly spec: object
  readonly status?: object
  readonly then: Partial<Limits>
}

const CASES: readonly Case[] = [
  {
    name: 'the default of 25 % of 10 pods is a surge of 3 and 2 unavailable',
    kind: 'Deployment',
    spec: { replicas: 10, strategy: rolling('25%', '25%') },
    then: { strategy: 'RollingUpdate', maxSurge: 3, maxUnavailable: 2 },
  },
  {
    name: 'percentages that come to nothing let one be unavailable',
    kind: 'Deployment',
    spec: { replicas: 1, strategy: rolling('0%', '25%') },
    then: { strategy: 'RollingUpdate', maxSurge: 0, maxUnavailable: 1 },
  },
  {
    name: 'a DaemonSet rounds up, of what its controller counted',
    kind: 'DaemonSet',
    spec: { updateStrategy: rolling(0, '10%') },
    status: { desiredNumberScheduled: 11 },
    then: { strategy: 'RollingUpdate', maxSurge: 0, maxUnavailable: 2 },
  },
  {
    name: 'a StatefulSet rounds down, to one at least',
    kind: 'StatefulSet',
    spec: { replicas: 5, updateStrategy: rolling(undefined, '30%') },
    then: { strategy: 'RollingUpdate', maxUnavailable: 1, ordered: true },
  },
  {
    name: 'a StatefulSet that starts its pods in parallel is not ordered',
    kind: 'StatefulSet',
    spec: { replicas: 2, podManagementPolicy: 'Parallel', updateStrategy: { type: 'OnDelete' } },
    then: { ordered: false, strategy: 'OnDelete' },
  },
  {
    name: 'a deadline of the largest number is none',
    kind: 'Deployment',
    spec: { strategy: { type: 'Recreate' }, progressDeadlineSeconds: 2 ** 31 - 1 },
    then: { strategy: 'Recreate' },
  },
  {
    name: 'a Job without parallelism runs one pod at a time',
    kind: 'Job',
    spec: { completions: 3 },
    then: { parallelism: 1 },
  },
]

for (const { name, kind, spec, status, then } of CASES)
  test(name, () => {
    assert.deepEqual(read(kind, spec, status)?.limits, then)
  })

test('an object without a spec says nothing of its rollouts', () => {
  assert.equal(readWorkload(record({ metadata: {} }), 'Deployment'), undefined)
})

test('whatever stands in the fields, reading them throws nothing', () => {
  for (const garbage of [null, 7, 'x', [], {}, [null], { conditions: [null, 7] }])
    assert.ok(
      read(
        'Deployment',
        { replicas: garbage, strategy: garbage, template: garbage, paused: garbage },
        garbage as object,
      ),
    )
})

test('of several writers the last one of the spec counts, and not its controller', () => {
  const managedFields = [
    { manager: 'kubectl', time: '2026-11-22T10:00:00Z' },
    { manager: 'argocd', time: '2026-11-22T11:00:00Z' },
    { manager: 'kube-controller-manager', time: '2026-11-22T12:00:00Z' },
    { manager: 'someone', time: '2026-11-22T13:00:00Z', subresource: 'status' },
  ]
  assert.equal(read('Deployment', {}, {}, { managedFields })?.writer?.name, 'argocd')
})

test('a Job is complete when it says so, and not when its pods have started', () => {
  const status = { ready: 3, succeeded: 0 }
  assert.equal(read('Job', { completions: 3, parallelism: 3 }, status)?.complete, false)
  const conditions = [{ type: 'Complete', status: 'True', lastTransitionTime: '2026-11-22T10:00:00Z' }]
  assert.equal(read('Job', { completions: 3 }, { ...status, conditions })?.complete, true)
})

test('a change cause is shown where it is one, and not where a recording has hidden it', () => {
  const cause = (text: string) =>
    read('Deployment', {}, {}, { annotations: { 'kubernetes.io/change-cause': text } })?.changeCause
  assert.equal(cause('image 2.1'), 'image 2.1')
  assert.equal(cause('redacted'), undefined)
})
