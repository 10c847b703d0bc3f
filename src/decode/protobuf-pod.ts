// Owns the decoding of a Pod.
// Promises that literal environment values, arguments and commands are skipped unread.
// Each case is a tag: field number × 8 + wire type. Numbers: kubernetes/api core/v1/generated.proto.

import type { ContainerSpec, PodRecord, ProbeSpec, VolumeSpec } from '../base/record.ts'
import {
  readCondition,
  readMeta,
  readQuantityEntry,
  readWrappedText,
  requireIdentity,
  setCount,
  setSeconds,
  setText,
} from './protobuf-meta.ts'
import { readContainerStatus } from './protobuf-status.ts'
import type { Mutable } from './result.ts'
import {
  type Cursor,
  enter,
  leave,
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
    if (tag === 10) readMeta(c, pod)
    else if (tag === 18) readSpec(c, pod)
    else if (tag === 26) readStatus(c, pod)
    else skip(c, tag)
  }
  requireIdentity(pod, c)
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
        setText(pod, 'restartPolicy', readShared(c))
        break
      case 40: // activeDeadlineSeconds = 5
        pod.activeDeadlineSeconds = readInt(c)
        break
      case 82: // nodeName = 10
        setText(pod, 'nodeName', readShared(c))
        break
      case 88: // hostNetwork = 11
        if (readBool(c)) pod.hostNetwork = true
        break
      case 154: // schedulerName = 19
        setText(pod, 'schedulerName', readShared(c))
        break
      case 162: // initContainers = 20
        pod.initContainers = append(pod.initContainers, readContainer(c))
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
      default:
        skip(c, tag)
    }
  }
  leave(c, outer)
}

function readStatus(c: Cursor, pod: MutablePod): void {
  const outer = enter(c)
  while (c.at < c.end) {
    const tag = readTag(c)
    switch (tag) {
      case 10: // phase = 1
        setText(pod, 'phase', readShared(c))
        break
      case 18: // conditions = 2
        pod.conditions = append(pod.conditions, readCondition(c))
        break
      case 26: // message = 3
        setText(pod, 'message', readText(c))
        break
      case 34: // reason = 4
        setText(pod, 'reason', readShared(c))
        break
      case 58: // startTime = 7
        setSeconds(pod, 'startSeconds', readSeconds(c))
        break
      case 66: // containerStatuses = 8
        pod.containerStatuses = append(pod.containerStatuses, readContainerStatus(c))
        break
      case 74: // qosClass = 9
        setText(pod, 'qosClass', readShared(c))
        break
      case 82: // initContainerStatuses = 10
        pod.initContainerStatuses = append(pod.initContainerStatuses, readContainerStatus(c))
        break
      case 90: // nominatedNodeName = 11
        setText(pod, 'nominatedNodeName', readShared(c))
        break
      default:
        skip(c, tag)
    }
  }
  leave(c, outer)
}

/** The arrays of a record under construction are this decoder's own until it returns. */
function append<T>(list: readonly T[] | undefined, item: T): readonly T[] {
  if (!list) return [item]
  ;(list as T[]).push(item)
  return list
}

/** command = 3, args = 4 and env = 7 are among the skipped. */
function readContainer(c: Cursor): ContainerSpec {
  const outer = enter(c)
  const container: Mutable<ContainerSpec> = { name: '', image: '' }
  while (c.at < c.end) {
    const tag = readTag(c)
    switch (tag) {
      case 10: // name = 1
        container.name = readShared(c)
        break
      case 18: // image = 2
        container.image = readShared(c)
        break
      case 66: // resources = 8
        readRequests(c, container)
        break
      case 82: // livenessProbe = 10
        container.livenessProbe = readProbe(c)
        break
      case 90: // readinessProbe = 11
        container.readinessProbe = readProbe(c)
        break
      case 98: // lifecycle = 12
        readLifecycle(c, container)
        break
      case 114: // imagePullPolicy = 14
        setText(container, 'imagePullPolicy', readShared(c))
        break
      case 178: // startupProbe = 22
        container.startupProbe = readProbe(c)
        break
      case 194: // restartPolicy = 24
        setText(container, 'restartPolicy', readShared(c))
        break
      default:
        skip(c, tag)
    }
  }
  leave(c, outer)
  return container
}

/** ResourceRequirements: requests = 2. */
function readRequests(c: Cursor, container: Mutable<ContainerSpec>): void {
  const outer = enter(c)
  let requests: Record<string, string> | undefined
  while (c.at < c.end) {
    const tag = readTag(c)
    if (tag === 18) {
      requests = requests ?? {}
      readQuantityEntry(c, requests)
    } else skip(c, tag)
  }
  leave(c, outer)
  if (requests) container.requests = requests
}

/** Lifecycle: postStart = 1. */
function readLifecycle(c: Cursor, container: Mutable<ContainerSpec>): void {
  const outer = enter(c)
  while (c.at < c.end) {
    const tag = readTag(c)
    if (tag === 10) container.postStart = true
    skip(c, tag)
  }
  leave(c, outer)
}

function readProbe(c: Cursor): ProbeSpec {
  const outer = enter(c)
  const probe: Mutable<ProbeSpec> = {}
  while (c.at < c.end) {
    const tag = readTag(c)
    if (tag === 16) setCount(probe, 'initialDelaySeconds', readInt(c))
    else if (tag === 24) setCount(probe, 'timeoutSeconds', readInt(c))
    else if (tag === 32) setCount(probe, 'periodSeconds', readInt(c))
    else if (tag === 48) setCount(probe, 'failureThreshold', readInt(c))
    else skip(c, tag)
  }
  leave(c, outer)
  return probe
}

/** Volume: name = 1, volumeSource = 2. */
function readVolume(c: Cursor): VolumeSpec {
  const outer = enter(c)
  const volume: Mutable<VolumeSpec> = { name: '', kind: 'unknown' }
  while (c.at < c.end) {
    const tag = readTag(c)
    if (tag === 10) volume.name = readShared(c)
    else if (tag === 18) readVolumeSource(c, volume)
    else skip(c, tag)
  }
  leave(c, outer)
  return volume
}

/** Which field of VolumeSource is set says the kind; persistentVolumeClaim = 10 also names its claim. */
function readVolumeSource(c: Cursor, volume: Mutable<VolumeSpec>): void {
  const outer = enter(c)
  while (c.at < c.end) {
    const tag = readTag(c)
    volume.kind = VOLUME_KINDS[tag >>> 3] ?? 'unknown'
    if (tag === 82) setText(volume, 'claim', readWrappedText(c))
    else skip(c, tag)
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
