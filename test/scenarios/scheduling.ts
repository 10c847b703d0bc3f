// Owns the scenarios in which a pod waits for a place: gates, no fitting node, a full one, a late volume.
// Promises that labels, volumes and classes of the whole cluster are removed again. Does not touch the node's taints.

import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { readCluster } from '../cluster/cluster.ts'
import { pod, server } from './manifests.ts'
import type { Scenario } from './stage.ts'

const gates: Scenario = {
  name: 'gates',
  description: 'two scheduling gates, removed after 2 s and 4 s',
  run: async (stage) => {
    const [quota, topology] = [{ name: 'example.com/quota' }, { name: 'example.com/topology' }]
    await stage.create(pod('waits', [server()], { schedulingGates: [quota, topology] }))
    await stage.sleep(2)
    const without = (gate: object): object => ({ $patch: 'delete', ...gate })
    await stage.patchPod('waits', { spec: { schedulingGates: [without(quota)] } })
    await stage.sleep(2)
    await stage.patchPod('waits', { spec: { schedulingGates: [without(topology)] } })
    await stage.ready(['waits'])
  },
}

const unschedulable: Scenario = {
  name: 'unschedulable',
  description: 'no node has the label that the pod asks for, until 5 s later',
  run: async (stage) => {
    const label = 'example.com/disk'
    const node = { apiVersion: 'v1', kind: 'Node', name: readCluster().nodeName }
    const setLabel = (value: string | null): Promise<unknown> =>
      stage.patch(node, { metadata: { labels: { [label]: value } } })
    await setLabel(null)
    stage.cleanup(async () => void (await setLabel(null)))
    await stage.create(pod('picky', [server()], { nodeSelector: { [label]: 'fast' } }))
    await stage.sleep(5)
    await setLabel('fast')
    await stage.ready(['picky'])
  },
}

const preemption: Scenario = {
  name: 'preemption',
  description: 'a pod of high priority takes the place of one of low priority, which takes its 5 s of grace',
  alone: true,
  run: async (stage) => {
    for (const [name, value] of [
      ['podspan-low', 10],
      ['podspan-high', 1000],
    ] as const)
      await stage.createGlobal({
        apiVersion: 'scheduling.k8s.io/v1',
        kind: 'PriorityClass',
        metadata: { name },
        ...{ value, globalDefault: false },
      })
    const resources = { requests: { cpu: '1200m' } }
    const slow = { preStop: { exec: { command: ['sleep', '2'] } } }
    const low = server({ resources, lifecycle: slow })
    await stage.create(
      pod('low', [low], { priorityClassName: 'podspan-low', terminationGracePeriodSeconds: 5 }),
    )
    await stage.ready(['low'])
    await stage.create(pod('high', [server({ resources })], { priorityClassName: 'podspan-high' }))
    await stage.ready(['high'])
  },
}

const localVolume: Scenario = {
  name: 'local-volume',
  description: 'a claim whose local volume appears 5 s later',
  run: async (stage) => {
    const { nodeName, stateDirectory } = readCluster()
    const path = join(stateDirectory, 'local-volumes', 'late')
    await mkdir(path, { recursive: true })
    const storageClassName = 'podspan-local'
    await stage.createGlobal({
      apiVersion: 'storage.k8s.io/v1',
      kind: 'StorageClass',
      metadata: { name: storageClassName },
      ...{ provisioner: 'kubernetes.io/no-provisioner', volumeBindingMode: 'WaitForFirstConsumer' },
    })
    const size = { resources: { requests: { storage: '1Mi' } } }
    const claim = { accessModes: ['ReadWriteOnce'], storageClassName, ...size }
    await stage.create({
      apiVersion: 'v1',
      kind: 'PersistentVolumeClaim',
      metadata: { name: 'data' },
      spec: claim,
    })
    const volumes = [{ name: 'data', persistentVolumeClaim: { claimName: 'data' } }]
    await stage.create(
      pod('stores', [server({ volumeMounts: [{ name: 'data', mountPath: '/data' }] })], { volumes }),
    )
    await stage.sleep(5)
    const matchExpressions = [{ key: 'kubernetes.io/hostname', operator: 'In', values: [nodeName] }]
    await stage.createGlobal({
      apiVersion: 'v1',
      kind: 'PersistentVolume',
      metadata: { name: 'podspan-late' },
      spec: {
        ...{
          capacity: { storage: '10Mi' },
          accessModes: ['ReadWriteOnce'],
          storageClassName,
          local: { path },
        },
        nodeAffinity: { required: { nodeSelectorTerms: [{ matchExpressions }] } },
      },
    })
    await stage.ready(['stores'], 90)
  },
}

export const schedulingScenarios: readonly Scenario[] = [gates, unschedulable, preemption, localVolume]
