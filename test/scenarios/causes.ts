// Owns the scenarios of why pods are created at all: a drain, an autoscaler, a person who scales, a new node, an update.
// Promises that the node takes pods again afterwards, and that a node made here is gone. Evictions of a full node are in workloads.ts.

import { readCluster } from '../cluster/cluster.ts'
import type { KubeObject } from './api.ts'
import { container, deployment, server, template } from './manifests.ts'
import { clock, isReady, type Scenario, type Stage } from './stage.ts'

const drain: Scenario = {
  name: 'drain',
  description: 'the node is cordoned and a pod of two is evicted from it; 3 s later it takes pods again',
  alone: true,
  run: async (stage) => {
    await stage.create(deployment('web', 2, template('web', [server()])))
    await stage.readyCount(2)
    const node = { apiVersion: 'v1', kind: 'Node', name: readCluster().nodeName }
    const cordon = (unschedulable: boolean): Promise<KubeObject> =>
      stage.patch(node, { spec: { unschedulable: unschedulable || null } })
    stage.cleanup(async () => void (await cordon(false)))
    await cordon(true)
    await stage.sleep(1)
    await stage.evict(stage.pods()[0]?.metadata.name ?? '')
    await stage.sleep(3)
    await cordon(false)
    await stage.readyCount(2)
  },
}

const scaled: Scenario = {
  name: 'scaled',
  description: 'an autoscaler raises one pod to two, which is its least, and then somebody scales to three',
  run: async (stage) => {
    const target = { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' }
    await stage.create(deployment('web', 1, template('web', [server()])))
    await stage.readyCount(1)
    // Both stamps are whole seconds: the scaling is to be later than the revision.
    await stage.sleep(1)
    await stage.create({
      apiVersion: 'autoscaling/v2',
      kind: 'HorizontalPodAutoscaler',
      metadata: { name: 'web' },
      spec: { scaleTargetRef: target, minReplicas: 2, maxReplicas: 5, metrics: [cpu] },
    })
    await stage.readyCount(2, 90)
    await stage.sleep(1)
    await stage.patch({ ...target, subresource: 'scale' }, { spec: { replicas: 3 } })
    await stage.readyCount(3)
  },
}

/** Nobody measures it here; the least number of pods is kept all the same. */
const cpu = {
  type: 'Resource',
  resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 50 } },
}

const updated: Scenario = {
  name: 'updated',
  description:
    'a StatefulSet of two and a DaemonSet get a new revision, then a pod is deleted with 4 s of grace',
  run: async (stage) => {
    const slow = server({ lifecycle: { preStop: { exec: { command: ['sleep', '3'] } } } })
    const pods = template('db', [slow], { terminationGracePeriodSeconds: 4 })
    await stage.create(setOf('StatefulSet', 'db', { replicas: 2, serviceName: 'db', template: pods }))
    await stage.create(
      setOf('DaemonSet', 'agent', { template: template('agent', [container('app', 'sleep 3600')]) }),
    )
    await stage.ready(['db-0', 'db-1'])
    const change = { spec: { template: { metadata: { labels: { revision: 'two' } } } } }
    for (const [kind, name] of [
      ['StatefulSet', 'db'],
      ['DaemonSet', 'agent'],
    ] as const)
      await stage.patch({ apiVersion: 'apps/v1', kind, name }, change)
    await stage.until('three pods of the new revision', () => ofRevision(stage, 'two') === 3, 120)
    const uid = stage.pod('db-1')?.metadata.uid
    await stage.deletePod('db-1')
    await stage.until('db-1 came back', () => (stage.pod('db-1')?.metadata.uid ?? uid) !== uid)
    await stage.ready(['db-1'])
  },
}

const setOf = (kind: string, name: string, spec: object): KubeObject => ({
  apiVersion: 'apps/v1',
  kind,
  metadata: { name },
  spec: { selector: { matchLabels: { app: name } }, ...spec },
})

function ofRevision(stage: Stage, revision: string): number {
  return stage.pods().filter((pod) => {
    const { revision: own } = (pod.metadata['labels'] ?? {}) as Readonly<Record<string, string>>
    return own === revision && isReady(pod)
  }).length
}

const nodeAdded: Scenario = {
  name: 'node-added',
  description: 'a node without a kubelet is added, and a DaemonSet sends it a pod that will never start',
  alone: true,
  run: async (stage) => {
    const tolerations = [{ operator: 'Exists' }]
    const pods = template('agent', [server()], { tolerations })
    await stage.create(setOf('DaemonSet', 'agent', { template: pods }))
    await stage.readyCount(1)
    await stage.sleep(1)
    await stage.createGlobal({
      apiVersion: 'v1',
      kind: 'Node',
      metadata: { name: 'podspan-late', labels: { 'kubernetes.io/hostname': 'podspan-late' } },
      status: { capacity: ROOM, allocatable: ROOM },
    })
    const onIt = (): KubeObject | undefined => stage.pods().find((pod) => nodeOf(pod) === 'podspan-late')
    await stage.until('a pod for the new node', () => onIt() !== undefined)
    await clock.sleep(1000)
    // No kubelet will say that it has ended.
    stage.cleanup(() => stage.removePod(onIt()?.metadata.name ?? ''))
  },
}

const ROOM = { pods: '10', cpu: '1', memory: '1Gi' }

const nodeOf = ({ spec }: KubeObject): string | undefined =>
  (spec as { readonly nodeName?: string } | undefined)?.nodeName

export const causeScenarios: readonly Scenario[] = [drain, scaled, updated, nodeAdded]
