// Owns the causes of starts: each told from what is seen before the pod, and no other.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Frame } from '../../src/base/frame.ts'
import type { NodeRecord, OwnerRecord, PodRecord } from '../../src/base/record.ts'
import { rootOf, type Trace } from '../../src/trace/trace.ts'
import { at, frameOf, podRecord, secondsAt } from '../support/pods.ts'
import { DEPLOYMENT, OWNED, owner, owners, REPLICA_SET, reference, RS_UID, started } from './owned.ts'

const causeOf = (trace: Trace): unknown => rootOf(trace).attributes['podspan.start.cause']
const OLD = secondsAt(-3_600_000)
const SET = owner('StatefulSet', 'db', RS_UID, { createdSeconds: OLD })
const AGENT = owner('DaemonSet', 'agent', RS_UID)

const gone = (more: Partial<PodRecord>, ms = -3000): Frame[] => [
  frameOf(-15_000, { ...podRecord(OWNED), ...GONE, ...more }),
  frameOf(ms, { ...podRecord(OWNED), ...GONE, ...more }, 'live', 'deleted'),
]
const GONE = { uid: '44444444-0000-4000-8000-000000000001', name: 'web-old', resourceVersion: '80' }
const disrupted = (reason: string) => ({
  conditions: [{ type: 'DisruptionTarget', status: 'True', reason, transitionSeconds: secondsAt(-4000) }],
})

const failed = (more: Partial<PodRecord>) => [
  frameOf(-15_000, { ...podRecord(OWNED), ...GONE }),
  frameOf(-3000, { ...podRecord(OWNED), ...GONE, resourceVersion: '81', phase: 'Failed', ...more }),
]
const leaving = () => {
  const asked = { deletionSeconds: secondsAt(27_000), deletionGraceSeconds: 30 }
  return frameOf(-3000, { ...podRecord(OWNED), ...GONE, nodeName: 'node-1', ...asked })
}
const onNode = (more: Partial<NodeRecord>) =>
  frameOf(-16_000, {
    resource: 'nodes',
    uid: 'n-1',
    name: 'node-1',
    namespace: '',
    resourceVersion: '1',
    createdSeconds: secondsAt(-10_000),
    ...more,
  })
const numbered = (revision: string, createdSeconds: number): OwnerRecord => ({
  ...REPLICA_SET,
  createdSeconds,
  annotations: { 'deployment.kubernetes.io/revision': revision },
})
/** The Deployment as a watch shows it when somebody has scaled it; the API server writes no time there. */
const scaledBy = (manager: string, ms: number, more: Partial<OwnerRecord> = {}): Frame =>
  frameOf(ms, {
    ...DEPLOYMENT,
    resourceVersion: '95',
    generation: 2,
    managers: [{ manager, operation: 'Update', subresource: 'scale' }],
    ...more,
  })

interface Cause {
  readonly name: string
  readonly pod?: Partial<PodRecord>
  readonly before?: readonly Frame[]
  readonly then: string
}

const CAUSES: readonly Cause[] = [
  { name: 'a pod that nobody owns', then: 'manual' },
  { name: 'a pod of a ReplicaSet that is new', pod: OWNED, before: owners(), then: 'rollout' },
  {
    name: 'a pod of a ReplicaSet that is old',
    pod: OWNED,
    before: owners({ ...REPLICA_SET, createdSeconds: secondsAt(-3_600_000) }),
    then: 'scale-up',
  },
  { name: 'a pod of an owner that was never seen', pod: OWNED, then: 'unknown' },
  {
    name: 'a pod after one that was deleted',
    pod: OWNED,
    before: [...owners(), ...gone({})],
    then: 'replacement',
  },
  {
    name: 'a pod after one that was evicted',
    pod: OWNED,
    before: [...owners(), ...gone(disrupted('EvictionByEvictionAPI'))],
    then: 'eviction',
  },
  {
    name: 'a pod after one that was preempted',
    pod: OWNED,
    before: [...owners(), ...gone(disrupted('PreemptionByScheduler'))],
    then: 'preemption',
  },
  {
    name: 'a pod long after one that was deleted',
    pod: OWNED,
    before: [...owners(), ...gone({}, -14_000).map((frame) => ({ ...frame, t: at(-500_000) }))],
    then: 'rollout',
  },
  {
    name: 'a pod after one that was evicted and replaced already',
    pod: OWNED,
    before: [
      ...owners({ ...REPLICA_SET, createdSeconds: OLD }),
      ...gone(disrupted('EvictionByEvictionAPI')),
      frameOf(-2000, {
        ...podRecord(OWNED),
        ...GONE,
        uid: 'other',
        name: 'web-other',
        resourceVersion: '90',
      }),
    ],
    then: 'scale-up',
  },
  { name: 'a pod of a Job', pod: { owners: [reference(owner('Job', 'once', RS_UID))] }, then: 'job' },
  {
    name: "a DaemonSet's pod on a new node",
    pod: { owners: [reference(owner('DaemonSet', 'agent', RS_UID))] },
    before: [
      frameOf(-9000, {
        resource: 'nodes',
        uid: 'n-1',
        name: 'node-1',
        namespace: '',
        resourceVersion: '1',
        createdSeconds: secondsAt(-10_000),
      }),
    ],
    then: 'node added',
  },
  {
    name: 'a pod after one that was evicted from a node that is emptied',
    pod: OWNED,
    before: [
      ...owners(),
      onNode({ unschedulable: true }),
      ...gone({ ...disrupted('EvictionByEvictionAPI'), nodeName: 'node-1' }),
    ],
    then: 'drain',
  },
  {
    name: 'a pod after one that an autoscaler evicts from a node that it takes away',
    pod: OWNED,
    before: [
      ...owners(),
      onNode({ taints: [{ key: 'karpenter.sh/disrupted', effect: 'NoSchedule' }] }),
      ...gone({ ...disrupted('EvictionByEvictionAPI'), nodeName: 'node-1' }),
    ],
    then: 'drain',
  },
  {
    name: 'a pod after one that a full node evicted, which stays as it failed',
    pod: OWNED,
    before: [...owners(), ...failed({ reason: 'Evicted' })],
    then: 'eviction',
  },
  {
    name: 'a pod after one that failed by itself',
    pod: OWNED,
    before: [...owners(), ...failed({})],
    then: 'replacement',
  },
  {
    name: 'a pod that comes while the one before it still has its grace period',
    pod: OWNED,
    before: [...owners(), leaving()],
    then: 'replacement',
  },
  {
    name: 'a pod that follows one of another revision of a StatefulSet',
    pod: { owners: [reference(SET)], labels: { 'controller-revision-hash': 'new' } },
    before: [
      frameOf(-20_000, SET, 'initial'),
      ...gone({ name: 'web', owners: [reference(SET)], labels: { 'controller-revision-hash': 'old' } }),
    ],
    then: 'rollout',
  },
  {
    name: 'a pod that follows one of the same revision of a StatefulSet',
    pod: { owners: [reference(SET)], labels: { 'controller-revision-hash': 'old' } },
    before: [
      frameOf(-20_000, SET, 'initial'),
      ...gone({ name: 'web', owners: [reference(SET)], labels: { 'controller-revision-hash': 'old' } }),
    ],
    then: 'replacement',
  },
  {
    name: 'a pod of a StatefulSet that comes after another of its pods was replaced',
    pod: { owners: [reference(SET)], labels: { 'controller-revision-hash': 'old' } },
    before: [
      frameOf(-20_000, { ...SET, createdSeconds: secondsAt(-30_000) }, 'initial'),
      ...gone({ name: 'db-9', owners: [reference(SET)], labels: { 'controller-revision-hash': 'old' } }),
    ],
    then: 'rollout',
  },
  {
    name: 'a pod of an old ReplicaSet that is rolled back to',
    pod: OWNED,
    before: [...owners(numbered('1', OLD)), frameOf(-1000, { ...numbered('3', OLD), resourceVersion: '90' })],
    then: 'rollout',
  },
  {
    name: 'a pod of an old ReplicaSet whose Deployment somebody scaled',
    pod: OWNED,
    before: [...owners({ ...REPLICA_SET, createdSeconds: OLD }), scaledBy('kubectl', -1000)],
    then: 'scale-up',
  },
  {
    name: 'a pod of a young ReplicaSet whose Deployment was scaled since',
    pod: OWNED,
    before: [
      ...owners({ ...REPLICA_SET, createdSeconds: secondsAt(-120_000) }),
      scaledBy('kube-controller-manager', -1000),
    ],
    then: 'scale-up',
  },
  {
    name: 'a pod of a young ReplicaSet whose Deployment the same one scales again',
    pod: OWNED,
    before: [
      ...owners({ ...REPLICA_SET, createdSeconds: secondsAt(-300_000) }),
      scaledBy('kubectl', -200_000),
      scaledBy('kubectl', -1000, { generation: 3, resourceVersion: '97' }),
    ],
    then: 'scale-up',
  },
  {
    name: 'a pod long after its young ReplicaSet was scaled',
    pod: OWNED,
    before: [
      ...owners({ ...REPLICA_SET, createdSeconds: secondsAt(-300_000) }).map((frame) => ({
        ...frame,
        t: at(-250_000),
      })),
      scaledBy('kubectl', -200_000),
      scaledBy('kubectl', -1000, { resourceVersion: '97' }),
    ],
    then: 'rollout',
  },
  {
    name: 'a pod of a ReplicaSet that came after its Deployment was scaled',
    pod: OWNED,
    before: [...owners(REPLICA_SET), scaledBy('kubectl', -6000)],
    then: 'rollout',
  },
  {
    name: 'a pod of a DaemonSet that is younger than the new node',
    pod: { owners: [reference(AGENT)] },
    before: [frameOf(-9000, { ...AGENT, createdSeconds: secondsAt(-5000) }), onNode({})],
    then: 'rollout',
  },
]

for (const { name, pod, before, then } of CAUSES) {
  test(`${name} was created by: ${then}`, () => assert.equal(causeOf(started(pod, before)), then))
}

test('who scaled it is said where the cause is a scale-up', () => {
  const by = (manager: string): unknown =>
    rootOf(started(OWNED, [...owners({ ...REPLICA_SET, createdSeconds: OLD }), scaledBy(manager, -1000)]))
      .attributes['podspan.start.cause.by']
  assert.equal(by('kube-controller-manager'), 'HorizontalPodAutoscaler')
  assert.equal(by('kubectl'), 'kubectl')
  assert.equal(rootOf(started(OWNED, owners())).attributes['podspan.start.cause.by'], undefined)
})
