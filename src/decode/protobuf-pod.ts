// Owns the decoding of a Pod.
// Promises a record for the Pod that fills the cursor's range, or a DecodeFailure. Does not read containers: see protobuf-container.ts.
// Each case is a tag: field number × 8 + wire type. Numbers: kubernetes/api core/v1/generated.proto.

import type { ContainerSpec, PodClaim, PodRecord, Toleration, VolumeSpec } from '../base/record.ts'
import { readContainer } from './protobuf-container.ts'
import { readCondition, readMeta, readWrappedText, requireIdentity } from './protobuf-meta.ts'
import { readContainerStatus } from './protobuf-status.ts'
import { recall, remember, repeatsOf } from './repeats.ts'
import type { Mutable } from './result.ts'
import {
  type Cursor,
  enter,
  leave,
  nextSet,
  present,
  readBool,
  readInt,
  readSeconds,
  readShared,
  readTag,
  readText,
  skip,
} from './wire.ts'

type MutablePod = Mutable<PodRecord> & { containers: ContainerSpec[] }

/** Reads the Pod that fills the cursor's range. */
export function readPod(c: Cursor): PodRecord {
  const pod: MutablePod = {
    resource: 'pods',
    uid: '',
    name: '',
    namespace: '',
    resourceVersion: '',
    containers: [],
  }
  while (c.at < c.end) {
    const tag = readTag(c)
    if (tag === 10) readMeta(c, pod, readShared)
    else if (tag === 18) readSpec(c, pod)
    else if (tag === 26) readStatus(c, pod)
    else skip(c, tag)
  }
  requireIdentity(pod, c)
  fitLists(pod)
  return pod
}

function readSpec(c: Cursor, pod: MutablePod): void {
  const outer = enter(c)
  while (c.at < c.end) {
    const tag = readTag(c)
    switch (tag) {
      case 10: // volumes = 1
        pod.volumes = append(pod.volumes, readVolume(c))
        break
      case 18: // containers = 2
        pod.containers.push(readContainer(c))
        break
      case 26: // restartPolicy = 3
        if (present(c)) pod.restartPolicy = readShared(c)
        break
      case 40: // activeDeadlineSeconds = 5
        pod.activeDeadlineSeconds = readInt(c)
        break
      case 82: // nodeName = 10
        if (present(c)) pod.nodeName = readShared(c)
        break
      case 88: // hostNetwork = 11
        if (readBool(c)) pod.hostNetwork = true
        break
      case 154: // schedulerName = 19
        if (present(c)) pod.schedulerName = readShared(c)
        break
      case 162: // initContainers = 20
        pod.initContainers = append(pod.initContainers, readContainer(c))
        break
      case 178: // tolerations = 22; the node's name comes before them
        if (pod.nodeName === undefined) pod.tolerations = append(pod.tolerations, readToleration(c))
        else skip(c, tag)
        break
      case 200: // priority = 25
        pod.priority = readInt(c)
        break
      case 226: // readinessGates = 28
        pod.readinessGates = append(pod.readinessGates, readWrappedText(c))
        break
      case 306: // schedulingGates = 38
        pod.schedulingGates = append(pod.schedulingGates, readWrappedText(c))
        break
      case 314: // resourceClaims = 39: name = 1, resourceClaimName = 3
        pod.deviceClaims = append(pod.deviceClaims, readClaim(c, 26))
        break
      default:
        skip(c, tag)
    }
  }
  leave(c, outer)
}

/** Toleration: key = 1, operator = 2, value = 3, effect = 4. */
function readToleration(c: Cursor): Toleration {
  const outer = enter(c)
  const toleration: Mutable<Toleration> = {}
  for (let tag = nextSet(c); tag !== 0; tag = nextSet(c)) {
    if (tag === 10) toleration.key = readShared(c)
    else if (tag === 18) toleration.operator = readShared(c)
    else if (tag === 26) toleration.value = readShared(c)
    else if (tag === 34) toleration.effect = readShared(c)
    else skip(c, tag)
  }
  leave(c, outer)
  return toleration
}

function readStatus(c: Cursor, pod: MutablePod): void {
  const outer = enter(c)
  while (c.at < c.end) {
    const tag = readTag(c)
    switch (tag) {
      case 10: // phase = 1
        if (present(c)) pod.phase = readShared(c)
        break
      case 18: // conditions = 2
        pod.conditions = append(pod.conditions, readCondition(c))
        break
      case 26: // message = 3
        if (present(c)) pod.message = readText(c)
        break
      case 34: // reason = 4
        if (present(c)) pod.reason = readShared(c)
        break
      case 58: // startTime = 7
        if (present(c)) pod.startSeconds = readSeconds(c)
        break
      case 66: // containerStatuses = 8
        pod.containerStatuses = append(pod.containerStatuses, readContainerStatus(c))
        break
      case 74: // qosClass = 9
        if (present(c)) pod.qosClass = readShared(c)
        break
      case 82: // initContainerStatuses = 10
        pod.initContainerStatuses = append(pod.initContainerStatuses, readContainerStatus(c))
        break
      case 90: // nominatedNodeName = 11
        if (present(c)) pod.nominatedNodeName = readShared(c)
        break
      case 122: // resourceClaimStatuses = 15: name = 1, resourceClaimName = 2
        pod.madeClaims = append(pod.madeClaims, readClaim(c, 18))
        break
      default:
        skip(c, tag)
    }
  }
  leave(c, outer)
}

function readClaim(c: Cursor, named: number): PodClaim {
  const outer = enter(c)
  const claim: Mutable<PodClaim> = { name: '' }
  while (c.at < c.end) {
    const tag = readTag(c)
    if (tag === 10) claim.name = readShared(c)
    else if (tag !== named) skip(c, tag)
    else if (present(c)) claim.claim = readText(c)
  }
  leave(c, outer)
  return claim
}

/** An array that grew by pushing has room for 17 items; what is kept of thousands of pods should not. */
function fitLists(pod: MutablePod): void {
  pod.containers = pod.containers.slice()
  if (pod.initContainers) pod.initContainers = pod.initContainers.slice()
  if (pod.volumes) pod.volumes = pod.volumes.slice()
  if (pod.conditions) pod.conditions = pod.conditions.slice()
  if (pod.containerStatuses) pod.containerStatuses = pod.containerStatuses.slice()
  if (pod.initContainerStatuses) pod.initContainerStatuses = pod.initContainerStatuses.slice()
}

/** The arrays of a record under construction are this decoder's own until it returns. */
function append<T>(list: readonly T[] | undefined, item: T): readonly T[] {
  if (!list) return [item]
  ;(list as T[]).push(item)
  return list
}

const VOLUMES = repeatsOf<VolumeSpec>(10, 320)

/** Volume: name = 1, volumeSource = 2. */
function readVolume(c: Cursor): VolumeSpec {
  const outer = enter(c)
  const start = c.at
  const known = recall(VOLUMES, c, start, c.end)
  if (known) {
    leave(c, outer)
    return known
  }
  const volume: Mutable<VolumeSpec> = { name: '', kind: 'unknown' }
  while (c.at < c.end) {
    const tag = readTag(c)
    if (tag === 10) volume.name = readShared(c)
    else if (tag === 18) readVolumeSource(c, volume)
    else skip(c, tag)
  }
  leave(c, outer)
  return remember(VOLUMES, c, start, c.at, volume)
}

/** Which field of VolumeSource is set says the kind; persistentVolumeClaim = 10 also names its claim, image = 30 what is mounted. */
function readVolumeSource(c: Cursor, volume: Mutable<VolumeSpec>): void {
  const outer = enter(c)
  while (c.at < c.end) {
    const tag = readTag(c)
    volume.kind = VOLUME_KINDS[tag >>> 3] ?? 'unknown'
    if (tag === 82) {
      const claim = readWrappedText(c)
      if (claim !== '') volume.claim = claim
    } else if (tag === 242) readImageSource(c, volume)
    else skip(c, tag)
  }
  leave(c, outer)
}

/** ImageVolumeSource: reference = 1, pullPolicy = 2. */
function readImageSource(c: Cursor, volume: Mutable<VolumeSpec>): void {
  const outer = enter(c)
  while (c.at < c.end) {
    const tag = readTag(c)
    if (tag !== 10 && tag !== 18) skip(c, tag)
    else if (present(c)) volume[tag === 10 ? 'image' : 'imagePullPolicy'] = readShared(c)
  }
  leave(c, outer)
}

/** By field number of VolumeSource. */
export const VOLUME_KINDS: readonly string[] = [
  'unknown',
  'hostPath',
  'emptyDir',
  'gcePersistentDisk',
  'awsElasticBlockStore',
  'gitRepo',
  'secret',
  'nfs',
  'iscsi',
  'glusterfs',
  'persistentVolumeClaim',
  'rbd',
  'flexVolume',
  'cinder',
  'cephfs',
  'flocker',
  'downwardAPI',
  'fc',
  'azureFile',
  'configMap',
  'vsphereVolume',
  'quobyte',
  'azureDisk',
  'photonPersistentDisk',
  'portworxVolume',
  'scaleIO',
  'projected',
  'storageos',
  'csi',
  'ephemeral',
  'image',
]
