import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { readRollout } from '../../src/rollout/state.ts'

interface Case {
  readonly name: string
  readonly apiVersion?: string
  readonly kind?: string
  readonly generation?: number
  readonly spec?: object
  readonly status?: object
  /** `complete`, or words of what is failed or still going on. */
  readonly then: string
}

const condition = (type: string, status: string, reason = '') => ({ conditions: [{ type, status, reason }] })
const counts = (replicas: number, updatedReplicas: number, availableReplicas: number) => ({
  observedGeneration: 2,
  replicas,
  updatedReplicas,
  availableReplicas,
})

const CASES: readonly Case[] = [
  {
    name: 'whose change was not observed',
    status: { ...counts(3, 3, 3), observedGeneration: 1 },
    spec: { replicas: 3 },
    then: 'has not seen the latest change',
  },
  { name: 'that is brand new', status: {}, spec: { replicas: 3 }, then: 'has not seen it yet' },
  {
    name: 'with few updated pods',
    status: counts(4, 1, 3),
    spec: { replicas: 3 },
    then: '1 of 3 pods are of the new revision',
  },
  {
    name: 'with old pods left',
    status: counts(4, 3, 4),
    spec: { replicas: 3 },
    then: '1 pods of the old revision',
  },
  {
    name: 'with updated pods that are not available',
    status: counts(3, 3, 2),
    spec: { replicas: 3 },
    then: '2 of 3 updated pods are available',
  },
  { name: 'all updated and available', status: counts(3, 3, 3), spec: { replicas: 3 }, then: 'complete' },
  { name: 'of one replica by default', status: counts(1, 1, 1), then: 'complete' },
  { name: 'scaled to none', status: { observedGeneration: 2 }, spec: { replicas: 0 }, then: 'complete' },
  {
    name: 'beyond its deadline',
    status: { ...counts(3, 1, 1), ...condition('Progressing', 'False', 'ProgressDeadlineExceeded') },
    spec: { replicas: 3 },
    then: 'ProgressDeadlineExceeded',
  },
  {
    name: 'some updated',
    kind: 'DaemonSet',
    status: { observedGeneration: 2, desiredNumberScheduled: 3, updatedNumberScheduled: 2 },
    then: '2 of 3 pods are of the new revision',
  },
  {
    name: 'some available',
    kind: 'DaemonSet',
    status: {
      observedGeneration: 2,
      desiredNumberScheduled: 3,
      updatedNumberScheduled: 3,
      numberAvailable: 2,
    },
    then: '2 of 3 updated pods',
  },
  {
    name: 'all available',
    kind: 'DaemonSet',
    status: {
      observedGeneration: 2,
      desiredNumberScheduled: 3,
      updatedNumberScheduled: 3,
      numberAvailable: 3,
    },
    then: 'complete',
  },
  {
    name: 'some ready',
    kind: 'StatefulSet',
    spec: { replicas: 3 },
    status: { observedGeneration: 2, readyReplicas: 2 },
    then: '2 of 3 pods are ready',
  },
  {
    name: 'of two revisions',
    kind: 'StatefulSet',
    spec: { replicas: 3 },
    status: {
      observedGeneration: 2,
      readyReplicas: 3,
      updatedReplicas: 1,
      updateRevision: 'b',
      currentRevision: 'a',
    },
    then: '1 of 3 pods are of the new revision',
  },
  {
    name: 'of one revision',
    kind: 'StatefulSet',
    spec: { replicas: 3 },
    status: {
      observedGeneration: 2,
      readyReplicas: 3,
      updatedReplicas: 3,
      updateRevision: 'b',
      currentRevision: 'b',
    },
    then: 'complete',
  },
  {
    name: 'updated up to its partition',
    kind: 'StatefulSet',
    spec: { replicas: 3, updateStrategy: { type: 'RollingUpdate', rollingUpdate: { partition: 2 } } },
    status: {
      observedGeneration: 2,
      readyReplicas: 3,
      updatedReplicas: 1,
      updateRevision: 'b',
      currentRevision: 'a',
    },
    then: 'complete',
  },
  {
    name: 'available',
    kind: 'ReplicaSet',
    spec: { replicas: 2 },
    status: { observedGeneration: 2, availableReplicas: 2 },
    then: 'complete',
  },
  {
    name: 'whose pods run',
    apiVersion: 'batch/v1',
    kind: 'Job',
    spec: { parallelism: 3, completions: 2 },
    status: { ready: 1, succeeded: 1 },
    then: 'complete',
  },
  {
    name: 'whose pods come',
    apiVersion: 'batch/v1',
    kind: 'Job',
    spec: { parallelism: 3 },
    status: { ready: 1 },
    then: '1 of 3 pods have started',
  },
  {
    name: 'complete',
    apiVersion: 'batch/v1',
    kind: 'Job',
    status: condition('Complete', 'True'),
    then: 'complete',
  },
  {
    name: 'failed',
    apiVersion: 'batch/v1',
    kind: 'Job',
    status: condition('Failed', 'True', 'BackoffLimitExceeded'),
    then: 'BackoffLimitExceeded',
  },
  { name: 'ready', apiVersion: 'v1', kind: 'Pod', status: condition('Ready', 'True'), then: 'complete' },
  {
    name: 'waiting',
    apiVersion: 'v1',
    kind: 'Pod',
    status: { phase: 'Pending' },
    then: 'the pod is not ready',
  },
  {
    name: 'evicted',
    apiVersion: 'v1',
    kind: 'Pod',
    status: { phase: 'Failed', reason: 'Evicted' },
    then: 'the pod failed: Evicted',
  },
  {
    name: 'healthy',
    apiVersion: 'argoproj.io/v1alpha1',
    kind: 'Rollout',
    spec: { replicas: 3 },
    status: { observedGeneration: '2', phase: 'Healthy', updatedReplicas: 3, availableReplicas: 3 },
    then: 'complete',
  },
  {
    name: 'unobserved',
    apiVersion: 'argoproj.io/v1alpha1',
    kind: 'Rollout',
    status: { observedGeneration: '1', phase: 'Healthy' },
    then: 'has not seen the latest change',
  },
  {
    name: 'paused',
    apiVersion: 'argoproj.io/v1alpha1',
    kind: 'Rollout',
    status: { phase: 'Paused' },
    then: 'its phase is Paused',
  },
  {
    name: 'degraded',
    apiVersion: 'argoproj.io/v1alpha1',
    kind: 'Rollout',
    status: { phase: 'Degraded', message: 'timed out' },
    then: 'Degraded: timed out',
  },
  {
    name: 'available by condition',
    apiVersion: 'leaderworkerset.x-k8s.io/v1',
    kind: 'LeaderWorkerSet',
    spec: { replicas: 2 },
    status: { ...condition('Available', 'True'), updatedReplicas: 2, readyReplicas: 2 },
    then: 'complete',
  },
  {
    name: 'not available by condition',
    apiVersion: 'acme.io/v1',
    kind: 'Fleet',
    status: condition('Available', 'False', 'Rolling'),
    then: 'Available is False: Rolling',
  },
  {
    name: 'that counts only',
    apiVersion: 'acme.io/v1',
    kind: 'Fleet',
    spec: { replicas: 3 },
    status: { updatedReplicas: 3, readyReplicas: 2 },
    then: '2 of 3 pods',
  },
  { name: 'that says nothing', apiVersion: 'acme.io/v1', kind: 'Fleet', then: 'does not say how far it is' },
]

describe('the rollout', () => {
  for (const {
    name,
    apiVersion = 'apps/v1',
    kind = 'Deployment',
    generation = 2,
    spec,
    status,
    then,
  } of CASES) {
    test(`of a ${kind} ${name}: ${then}`, () => {
      const read = readRollout({ apiVersion, kind, metadata: { generation }, spec, status })
      assert.equal(read.complete, then === 'complete', read.progress)
      if (then !== 'complete') assert.ok(read.progress.includes(then), read.progress)
    })
  }

  test('that has failed says so apart', () => {
    const status = condition('Progressing', 'False', 'ProgressDeadlineExceeded')
    const read = readRollout({ apiVersion: 'apps/v1', kind: 'Deployment', metadata: {}, status })
    assert.match(read.failed ?? '', /ProgressDeadlineExceeded/)
  })

  for (const garbage of [
    undefined,
    null,
    7,
    'text',
    [],
    {},
    { status: 7, spec: null },
    { status: { conditions: 'none' } },
  ]) {
    test(`of ${JSON.stringify(garbage) ?? 'nothing'} is not complete, and nothing breaks`, () =>
      assert.equal(readRollout(garbage).complete, false))
  }
})
