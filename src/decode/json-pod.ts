// Owns the decoding of a Pod from JSON.
// Promises that literal environment values, arguments and commands are never read.
// Does not differ from protobuf-pod.ts in any record; test/decode holds both to it.

import type {
  ContainerSpec,
  ContainerState,
  ContainerStatus,
  PodClaim,
  PodRecord,
  ProbeSpec,
  VolumeSpec,
  Toleration,
} from '../base/record.ts'
import {
  booleanAt,
  type Json,
  listAt,
  mapAt,
  numberAt,
  objectAt,
  put,
  putCount,
  secondsAt,
  sharedAt,
  textAt,
} from './json-fields.ts'
import { fillMeta, readCondition } from './json-meta.ts'
import { VOLUME_KINDS } from './protobuf-pod.ts'
import type { Mutable } from './result.ts'

export function podOf(object: Json): PodRecord {
  const pod: Mutable<PodRecord> = {
    resource: 'pods',
    uid: '',
    name: '',
    namespace: '',
    resourceVersion: '',
    containers: [],
  }
  fillMeta(object, pod)
  const spec = objectAt(object, 'spec', '')
  if (spec) fillSpec(spec, pod)
  const status = objectAt(object, 'status', '')
  if (status) fillStatus(status, pod)
  return pod
}

function fillSpec(spec: Json, pod: Mutable<PodRecord>): void {
  const where = 'spec'
  put(pod, 'volumes', listAt(spec, 'volumes', where, readVolume))
  pod.containers = listAt(spec, 'containers', where, readContainer) ?? []
  put(pod, 'initContainers', listAt(spec, 'initContainers', where, readContainer))
  put(pod, 'restartPolicy', sharedAt(spec, 'restartPolicy', where))
  put(pod, 'activeDeadlineSeconds', numberAt(spec, 'activeDeadlineSeconds', where))
  put(pod, 'nodeName', sharedAt(spec, 'nodeName', where))
  if (booleanAt(spec, 'hostNetwork', where)) pod.hostNetwork = true
  put(pod, 'schedulerName', sharedAt(spec, 'schedulerName', where))
  put(pod, 'priority', numberAt(spec, 'priority', where))
  put(pod, 'readinessGates', listAt(spec, 'readinessGates', where, readReadinessGate))
  if (pod.nodeName === undefined) put(pod, 'tolerations', listAt(spec, 'tolerations', where, readToleration))
  put(pod, 'schedulingGates', listAt(spec, 'schedulingGates', where, readSchedulingGate))
  put(pod, 'deviceClaims', listAt(spec, 'resourceClaims', where, readClaim))
}

const readReadinessGate = (from: Json, where: string): string => sharedAt(from, 'conditionType', where) ?? ''
const readSchedulingGate = (from: Json, where: string): string => sharedAt(from, 'name', where) ?? ''

function readToleration(from: Json, where: string): Toleration {
  const toleration: Mutable<Toleration> = {}
  put(toleration, 'key', sharedAt(from, 'key', where))
  put(toleration, 'operator', sharedAt(from, 'operator', where))
  put(toleration, 'value', sharedAt(from, 'value', where))
  put(toleration, 'effect', sharedAt(from, 'effect', where))
  return toleration
}

function fillStatus(status: Json, pod: Mutable<PodRecord>): void {
  const where = 'status'
  put(pod, 'phase', sharedAt(status, 'phase', where))
  put(pod, 'conditions', listAt(status, 'conditions', where, readCondition))
  put(pod, 'message', textAt(status, 'message', where))
  put(pod, 'reason', sharedAt(status, 'reason', where))
  put(pod, 'startSeconds', secondsAt(status, 'startTime', where))
  put(pod, 'containerStatuses', listAt(status, 'containerStatuses', where, readContainerStatus))
  put(pod, 'qosClass', sharedAt(status, 'qosClass', where))
  put(pod, 'initContainerStatuses', listAt(status, 'initContainerStatuses', where, readContainerStatus))
  put(pod, 'nominatedNodeName', sharedAt(status, 'nominatedNodeName', where))
  put(pod, 'madeClaims', listAt(status, 'resourceClaimStatuses', where, readClaim))
}

function readClaim(from: Json, where: string): PodClaim {
  const claim: Mutable<PodClaim> = { name: sharedAt(from, 'name', where) ?? '' }
  put(claim, 'claim', textAt(from, 'resourceClaimName', where))
  return claim
}

function readContainer(from: Json, where: string): ContainerSpec {
  const container: Mutable<ContainerSpec> = {
    name: sharedAt(from, 'name', where) ?? '',
    image: sharedAt(from, 'image', where) ?? '',
  }
  put(container, 'imagePullPolicy', sharedAt(from, 'imagePullPolicy', where))
  put(container, 'restartPolicy', sharedAt(from, 'restartPolicy', where))
  put(container, 'startupProbe', readProbe(from, 'startupProbe', where))
  put(container, 'readinessProbe', readProbe(from, 'readinessProbe', where))
  put(container, 'livenessProbe', readProbe(from, 'livenessProbe', where))
  const lifecycle = objectAt(from, 'lifecycle', where)
  if (lifecycle && objectAt(lifecycle, 'postStart', where)) container.postStart = true
  const resources = objectAt(from, 'resources', where)
  if (resources) put(container, 'requests', mapAt(resources, 'requests', where))
  return container
}

function readProbe(container: Json, key: string, where: string): ProbeSpec | undefined {
  const from = objectAt(container, key, where)
  if (!from) return undefined
  const probe: Mutable<ProbeSpec> = {}
  putCount(probe, 'initialDelaySeconds', numberAt(from, 'initialDelaySeconds', where))
  putCount(probe, 'timeoutSeconds', numberAt(from, 'timeoutSeconds', where))
  putCount(probe, 'periodSeconds', numberAt(from, 'periodSeconds', where))
  putCount(probe, 'successThreshold', numberAt(from, 'successThreshold', where))
  putCount(probe, 'failureThreshold', numberAt(from, 'failureThreshold', where))
  return probe
}

const KNOWN_VOLUME_KINDS: ReadonlySet<string> = new Set(VOLUME_KINDS)

function readVolume(from: Json, where: string): VolumeSpec {
  const volume: Mutable<VolumeSpec> = { name: sharedAt(from, 'name', where) ?? '', kind: 'unknown' }
  for (const key of Object.keys(from)) if (KNOWN_VOLUME_KINDS.has(key)) volume.kind = key
  const claim = objectAt(from, 'persistentVolumeClaim', where)
  if (claim) put(volume, 'claim', sharedAt(claim, 'claimName', where))
  const image = objectAt(from, 'image', where)
  if (image) {
    put(volume, 'image', sharedAt(image, 'reference', where))
    put(volume, 'imagePullPolicy', sharedAt(image, 'pullPolicy', where))
  }
  return volume
}

function readContainerStatus(from: Json, where: string): ContainerStatus {
  const status: Mutable<ContainerStatus> = {
    name: sharedAt(from, 'name', where) ?? '',
    ready: booleanAt(from, 'ready', where) ?? false,
    restartCount: numberAt(from, 'restartCount', where) ?? 0,
  }
  put(status, 'started', booleanAt(from, 'started', where))
  put(status, 'image', sharedAt(from, 'image', where))
  put(status, 'state', readState(from, 'state', where))
  put(status, 'lastState', readState(from, 'lastState', where))
  if (status.state?.kind === 'waiting' && status.lastState?.kind === 'terminated') {
    const terminated = objectAt(objectAt(from, 'lastState', where) ?? {}, 'terminated', where) ?? {}
    const [own, last] = [textAt(from, 'containerID', where), textAt(terminated, 'containerID', where)]
    if (own && last && own !== last) status.lastIsEarlier = true
  }
  return status
}

function readState(status: Json, key: string, where: string): ContainerState | undefined {
  const from = objectAt(status, key, where)
  if (!from) return undefined
  const terminated = objectAt(from, 'terminated', where)
  if (terminated) return readTerminated(terminated, where)
  const running = objectAt(from, 'running', where)
  if (running) {
    const state: Mutable<Extract<ContainerState, { kind: 'running' }>> = { kind: 'running' }
    put(state, 'startedSeconds', secondsAt(running, 'startedAt', where))
    return state
  }
  const waiting = objectAt(from, 'waiting', where)
  if (!waiting) return undefined
  const state: Mutable<Extract<ContainerState, { kind: 'waiting' }>> = { kind: 'waiting' }
  put(state, 'reason', sharedAt(waiting, 'reason', where))
  put(state, 'message', textAt(waiting, 'message', where))
  return state
}

function readTerminated(from: Json, where: string): ContainerState {
  const state: Mutable<Extract<ContainerState, { kind: 'terminated' }>> = {
    kind: 'terminated',
    exitCode: numberAt(from, 'exitCode', where) ?? 0,
  }
  putCount(state, 'signal', numberAt(from, 'signal', where))
  put(state, 'reason', sharedAt(from, 'reason', where))
  put(state, 'message', textAt(from, 'message', where))
  put(state, 'startedSeconds', secondsAt(from, 'startedAt', where))
  put(state, 'finishedSeconds', secondsAt(from, 'finishedAt', where))
  return state
}
