// Owns the scenarios in which a pod waits for its volumes: made for it, made late, attached, held by another node, mounted slowly.
// Promises that what they bring to the cluster is gone afterwards. They run where they are named: their components take minutes to build.

import {
  allowPath,
  classes,
  latePath,
  PROVISIONER,
  startCsi,
  startProvisioner,
  stopCsi,
  stopProvisioner,
} from '../cluster/volumes.ts'
import { DRIVER } from '../cluster/csi-driver.ts'
import type { KubeObject } from './api.ts'
import { pod, server } from './manifests.ts'
import type { Scenario, Stage } from './stage.ts'

export const size = { requests: { storage: '1Mi' } }

export const claim = (name: string, storageClassName: string, more: object = {}): KubeObject => ({
  apiVersion: 'v1',
  kind: 'PersistentVolumeClaim',
  metadata: { name },
  spec: { accessModes: ['ReadWriteOnce'], storageClassName, resources: size, ...more },
})

/** A pod with one volume, `data`, of this claim. */
function storing(name: string, claimName: string, more: object = {}): KubeObject {
  const volumes = [{ name: 'data', persistentVolumeClaim: { claimName } }]
  return pod(name, [server({ volumeMounts: [{ name: 'data', mountPath: '/data' }] })], { volumes, ...more })
}

export function makeClass(stage: Stage, name: string, binding: string, more: object = {}): Promise<void> {
  return stage.createGlobal({
    apiVersion: 'storage.k8s.io/v1',
    kind: 'StorageClass',
    metadata: { name },
    ...{ provisioner: PROVISIONER, volumeBindingMode: binding, ...more },
  })
}

/** The same, of a device without a file system. */
const mapping = (name: string, claimName: string): KubeObject =>
  pod(name, [server({ volumeDevices: [{ name: 'data', devicePath: '/dev/data' }] })], {
    volumes: [{ name: 'data', persistentVolumeClaim: { claimName } }],
  })

/** A volume of our driver: its handle says how long each call takes. */
function makeVolume(stage: Stage, wishes: string, csi: object = {}, spec: object = {}): Promise<void> {
  const name = stage.namespace
  return makeVolumeOf(stage, { name, claimName: 'data', wishes, csi, spec })
}

export interface OwnVolume {
  readonly name: string
  readonly claimName: string
  readonly wishes: string
  readonly csi?: object
  readonly spec?: object
}

export async function makeVolumeOf(stage: Stage, volume: OwnVolume): Promise<void> {
  const { name, claimName, wishes, csi, spec } = volume
  await stage.createGlobal({
    apiVersion: 'v1',
    kind: 'PersistentVolume',
    metadata: { name },
    spec: {
      capacity: { storage: '10Mi' },
      accessModes: ['ReadWriteOnce'],
      storageClassName: '',
      persistentVolumeReclaimPolicy: 'Retain',
      claimRef: { namespace: stage.namespace, name: claimName },
      csi: { driver: DRIVER, volumeHandle: `${name}?${wishes}`, fsType: 'none', ...csi },
      ...spec,
    },
  })
}

/** The claim of such a volume, bound before the pod comes. */
async function makeBoundClaim(stage: Stage, more: object = {}): Promise<void> {
  await stage.create(claim('data', '', { volumeName: stage.namespace, ...more }))
  await stage.sleep(1)
}

const volumeWaits: Scenario = {
  name: 'volume-waits',
  description:
    'a claim that waits for its first consumer: local-path provisions it in a helper pod of some seconds',
  alone: true,
  prepare: () => startProvisioner(),
  restore: stopProvisioner,
  run: async (stage) => {
    await makeClass(stage, classes.waiting, 'WaitForFirstConsumer')
    await stage.create(claim('data', classes.waiting))
    await stage.create(storing('stores', 'data'))
    await stage.ready(['stores'], 90)
  },
}

const volumeImmediate: Scenario = {
  name: 'volume-immediate',
  description:
    'a claim that is provisioned at once, while its pod cannot be scheduled; and a generic ephemeral volume',
  alone: true,
  prepare: () => startProvisioner({ setupSeconds: 4 }),
  restore: stopProvisioner,
  run: async (stage) => {
    await makeClass(stage, classes.immediate, 'Immediate')
    const shared = { accessModes: ['ReadWriteMany'] }
    await stage.create(claim('data', classes.immediate, shared))
    await stage.create(storing('stores', 'data'))
    const spec = { ...shared, storageClassName: classes.immediate, resources: size }
    const volumes = [{ name: 'scratch', ephemeral: { volumeClaimTemplate: { spec } } }]
    await stage.create(
      pod('scratches', [server({ volumeMounts: [{ name: 'scratch', mountPath: '/scratch' }] })], { volumes }),
    )
    await stage.ready(['stores', 'scratches'], 120)
  },
}

const volumeLate: Scenario = {
  name: 'volume-late',
  description: 'a claim that binds at once, to a volume that an administrator makes 6 s after the pod',
  run: async (stage) => {
    await stage.create(claim('data', '', { volumeName: 'podspan-volume-late' }))
    await stage.create(storing('stores', 'data'))
    await stage.sleep(6)
    await stage.createGlobal({
      apiVersion: 'v1',
      kind: 'PersistentVolume',
      metadata: { name: 'podspan-volume-late' },
      spec: {
        capacity: { storage: '10Mi' },
        accessModes: ['ReadWriteOnce'],
        storageClassName: '',
        hostPath: { path: '/tmp' },
      },
    })
    await stage.ready(['stores'], 120)
  },
}

const volumeFails: Scenario = {
  name: 'volume-fails',
  description: 'a provisioner that refuses until its configuration has the path that the class asks for',
  alone: true,
  prepare: () => startProvisioner(),
  restore: stopProvisioner,
  run: async (stage) => {
    const parameters = { nodePath: latePath() }
    await makeClass(stage, classes.waiting, 'WaitForFirstConsumer', { parameters })
    await stage.create(claim('data', classes.waiting))
    await stage.create(storing('stores', 'data'))
    await stage.event('ProvisioningFailed', 60)
    await allowPath()
    await stage.ready(['stores'], 180)
  },
}

const csi = { alone: true, prepare: startCsi, restore: stopCsi } as const

const volumeAttach: Scenario = {
  ...csi,
  name: 'volume-attach',
  description: 'a CSI volume that takes 3 s to attach and 2 s to stage',
  run: async (stage) => {
    await makeVolume(stage, 'attach=3000&stage=2000')
    await makeBoundClaim(stage)
    await stage.create(storing('stores', 'data'))
    await stage.ready(['stores'], 120)
  },
}

const volumeRefused: Scenario = {
  ...csi,
  name: 'volume-refused',
  description: 'a CSI volume whose driver refuses to attach it twice',
  run: async (stage) => {
    await makeVolume(stage, 'attach=300&refuse=2')
    await makeBoundClaim(stage)
    await stage.create(storing('stores', 'data'))
    await stage.ready(['stores'], 180)
  },
}

/** A node without a kubelet: what is attached to it is attached by the controllers alone. */
const otherNode: KubeObject = {
  apiVersion: 'v1',
  kind: 'Node',
  metadata: {
    name: 'node-2',
    annotations: { 'volumes.kubernetes.io/controller-managed-attach-detach': 'true' },
  },
  spec: { unschedulable: true },
}

/** What its kubelet would say of the driver there: the attacher asks it for the node's name. */
const otherDriver: KubeObject = {
  apiVersion: 'storage.k8s.io/v1',
  kind: 'CSINode',
  metadata: { name: 'node-2' },
  spec: { drivers: [{ name: DRIVER, nodeID: 'node-2', topologyKeys: null }] },
}

const volumeHeld: Scenario = {
  ...csi,
  name: 'volume-held',
  description: 'a volume for one node that a pod on another node uses for 8 s more: Multi-Attach',
  run: async (stage) => {
    await stage.createGlobal(otherNode)
    await stage.createGlobal(otherDriver)
    stage.cleanup(() => stage.removePod('holder'))
    await makeVolume(stage, 'attach=500')
    await makeBoundClaim(stage)
    await stage.create(storing('holder', 'data', { nodeName: 'node-2' }))
    await stage.event('SuccessfulAttachVolume', 60)
    await stage.create(storing('wants', 'data'))
    await stage.event('FailedAttachVolume', 60)
    await stage.sleep(8)
    await stage.removePod('holder')
    await stage.ready(['wants'], 180)
  },
}

const volumeOwnership: Scenario = {
  ...csi,
  name: 'volume-ownership',
  description:
    'a volume of some million files whose owner the kubelet changes, for longer than half a minute',
  run: async (stage) => {
    await makeVolume(stage, 'files=50000&copies=90', { fsType: 'ext4' })
    await makeBoundClaim(stage)
    await stage.create(storing('stores', 'data', { securityContext: { fsGroup: 2000 } }))
    await stage.ready(['stores'], 400)
  },
}

const DEVICE = { volumeMode: 'Block' }

const volumeBlock: Scenario = {
  ...csi,
  name: 'volume-block',
  description:
    'a CSI volume as a block device, of which the kubelet says when it was mapped; then a second pod finds it attached',
  run: async (stage) => {
    await makeVolume(stage, 'attach=1500&stage=1000&publish=800', { fsType: '' }, DEVICE)
    await makeBoundClaim(stage, DEVICE)
    await stage.create(mapping('maps', 'data'))
    await stage.ready(['maps'], 120)
    await stage.create(mapping('joins', 'data'))
    await stage.ready(['joins'], 120)
  },
}

const volumeUnmapped: Scenario = {
  ...csi,
  name: 'volume-unmapped',
  description: 'a block device that cannot be mapped the first three times',
  run: async (stage) => {
    await makeVolume(stage, 'attach=300&unpublished=3', { fsType: '' }, DEVICE)
    await makeBoundClaim(stage, DEVICE)
    await stage.create(mapping('maps', 'data'))
    await stage.ready(['maps'], 180)
  },
}

export const volumeScenarios: readonly Scenario[] = [
  volumeWaits,
  volumeImmediate,
  volumeLate,
  volumeFails,
  volumeAttach,
  volumeRefused,
  volumeHeld,
  volumeOwnership,
  volumeBlock,
  volumeUnmapped,
]
