// Owns the test side's protobuf: API objects as JSON into the bytes a Go API server would send.
// Promises Go's habits: unset strings and numbers that are no pointers are written as empty, absent pointers are not.
// Does not share a line with src/decode, so that the two cannot be wrong together. Numbers: kubernetes/api generated.proto.

import { BackwardWriter } from './backward-writer.ts'

type Field = readonly [number: number, type: string]
type Schema = Readonly<Record<string, Field>>
export type Obj = { readonly [key: string]: unknown }

// Types: `s` string, `i` integer, `b` boolean, `time`, `micro`, `bytes`: always written. With `?`: a pointer, written when set.
// `[]T` repeated, `map` of strings, `quantities`; a capitalised name is a message.
const SCHEMAS: Readonly<Record<string, Schema>> = {
  ObjectMeta: {
    name: [1, 's'],
    generateName: [2, 's'],
    namespace: [3, 's'],
    selfLink: [4, 's'],
    uid: [5, 's'],
    resourceVersion: [6, 's'],
    generation: [7, 'i'],
    creationTimestamp: [8, 'time'],
    deletionTimestamp: [9, 'time?'],
    deletionGracePeriodSeconds: [10, 'i?'],
    labels: [11, 'map'],
    annotations: [12, 'map'],
    ownerReferences: [13, '[]OwnerReference'],
    finalizers: [14, '[]s'],
    managedFields: [17, '[]ManagedFieldsEntry'],
  },
  OwnerReference: {
    kind: [1, 's'],
    name: [3, 's'],
    uid: [4, 's'],
    apiVersion: [5, 's'],
    controller: [6, 'b?'],
    blockOwnerDeletion: [7, 'b?'],
  },
  ManagedFieldsEntry: {
    manager: [1, 's'],
    operation: [2, 's'],
    apiVersion: [3, 's'],
    time: [4, 'time?'],
    fieldsType: [6, 's'],
    fieldsV1: [7, 'fields?'],
    subresource: [8, 's'],
  },
  Pod: { metadata: [1, 'ObjectMeta'], spec: [2, 'PodSpec'], status: [3, 'PodStatus'] },
  PodSpec: {
    volumes: [1, '[]Volume'],
    containers: [2, '[]Container'],
    restartPolicy: [3, 's'],
    terminationGracePeriodSeconds: [4, 'i?'],
    activeDeadlineSeconds: [5, 'i?'],
    dnsPolicy: [6, 's'],
    nodeSelector: [7, 'map'],
    serviceAccountName: [8, 's'],
    nodeName: [10, 's'],
    hostNetwork: [11, 'b'],
    schedulerName: [19, 's'],
    initContainers: [20, '[]Container'],
    tolerations: [22, '[]Toleration'],
    priority: [25, 'i?'],
    readinessGates: [28, '[]ReadinessGate'],
    enableServiceLinks: [30, 'b?'],
    preemptionPolicy: [31, 's?'],
    overhead: [32, 'quantities'],
    schedulingGates: [38, '[]Named'],
    resourceClaims: [39, '[]PodResourceClaim'],
  },
  Toleration: {
    key: [1, 's'],
    operator: [2, 's'],
    value: [3, 's'],
    effect: [4, 's'],
    tolerationSeconds: [5, 'i?'],
  },
  ReadinessGate: { conditionType: [1, 's'] },
  Named: { name: [1, 's'] },
  PodResourceClaim: {
    name: [1, 's'],
    resourceClaimName: [3, 's?'],
    resourceClaimTemplateName: [4, 's?'],
  },
  PodResourceClaimStatus: { name: [1, 's'], resourceClaimName: [2, 's?'] },
  Container: {
    name: [1, 's'],
    image: [2, 's'],
    command: [3, '[]s'],
    args: [4, '[]s'],
    workingDir: [5, 's'],
    env: [7, '[]EnvVar'],
    resources: [8, 'Resources'],
    livenessProbe: [10, 'Probe?'],
    readinessProbe: [11, 'Probe?'],
    lifecycle: [12, 'Lifecycle?'],
    terminationMessagePath: [13, 's'],
    imagePullPolicy: [14, 's'],
    stdin: [16, 'b'],
    startupProbe: [22, 'Probe?'],
    restartPolicy: [24, 's?'],
  },
  EnvVar: { name: [1, 's'], value: [2, 's'] },
  Resources: { limits: [1, 'quantities'], requests: [2, 'quantities'] },
  Probe: {
    handler: [1, 'Handler'],
    initialDelaySeconds: [2, 'i'],
    timeoutSeconds: [3, 'i'],
    periodSeconds: [4, 'i'],
    successThreshold: [5, 'i'],
    failureThreshold: [6, 'i'],
    terminationGracePeriodSeconds: [7, 'i?'],
  },
  Lifecycle: { postStart: [1, 'Handler?'], preStop: [2, 'Handler?'] },
  Handler: { exec: [1, 'Exec?'] },
  Exec: { command: [1, '[]s'] },
  Volume: { name: [1, 's'], '': [2, 'VolumeSource'] },
  VolumeSource: {
    hostPath: [1, 'Path?'],
    emptyDir: [2, 'Empty?'],
    secret: [6, 'SecretName?'],
    persistentVolumeClaim: [10, 'Claim?'],
    configMap: [19, 'Empty?'],
    projected: [26, 'Empty?'],
    csi: [28, 'Driver?'],
    ephemeral: [29, 'Empty?'],
    image: [30, 'ImageSource?'],
  },
  Empty: {},
  Path: { path: [1, 's'], type: [2, 's?'] },
  SecretName: { secretName: [1, 's'] },
  Claim: { claimName: [1, 's'], readOnly: [2, 'b'] },
  Driver: { driver: [1, 's'] },
  ImageSource: { reference: [1, 's'], pullPolicy: [2, 's'] },
  PodStatus: {
    phase: [1, 's'],
    conditions: [2, '[]Condition'],
    message: [3, 's'],
    reason: [4, 's'],
    hostIP: [5, 's'],
    podIP: [6, 's'],
    startTime: [7, 'time?'],
    containerStatuses: [8, '[]ContainerStatus'],
    qosClass: [9, 's'],
    initContainerStatuses: [10, '[]ContainerStatus'],
    nominatedNodeName: [11, 's'],
    resourceClaimStatuses: [15, '[]PodResourceClaimStatus'],
    resize: [14, 's'],
    observedGeneration: [17, 'i'],
  },
  Condition: {
    type: [1, 's'],
    status: [2, 's'],
    lastProbeTime: [3, 'time'],
    lastTransitionTime: [4, 'time'],
    reason: [5, 's'],
    message: [6, 's'],
    observedGeneration: [7, 'i'],
  },
  ContainerStatus: {
    name: [1, 's'],
    state: [2, 'State'],
    lastState: [3, 'State'],
    ready: [4, 'b'],
    restartCount: [5, 'i'],
    image: [6, 's'],
    imageID: [7, 's'],
    containerID: [8, 's'],
    started: [9, 'b?'],
    allocatedResources: [10, 'quantities'],
  },
  State: { waiting: [1, 'Waiting?'], running: [2, 'Running?'], terminated: [3, 'Terminated?'] },
  Waiting: { reason: [1, 's'], message: [2, 's'] },
  Running: { startedAt: [1, 'time'] },
  Terminated: {
    exitCode: [1, 'i'],
    signal: [2, 'i'],
    reason: [3, 's'],
    message: [4, 's'],
    startedAt: [5, 'time'],
    finishedAt: [6, 'time'],
    containerID: [7, 's'],
  },
  Event: {
    metadata: [1, 'ObjectMeta'],
    involvedObject: [2, 'Reference'],
    reason: [3, 's'],
    message: [4, 's'],
    source: [5, 'EventSource'],
    firstTimestamp: [6, 'time'],
    lastTimestamp: [7, 'time'],
    count: [8, 'i'],
    type: [9, 's'],
    eventTime: [10, 'micro'],
    series: [11, 'Series?'],
    action: [12, 's'],
    related: [13, 'Reference?'],
    reportingComponent: [14, 's'],
    reportingInstance: [15, 's'],
  },
  Reference: {
    kind: [1, 's'],
    namespace: [2, 's'],
    name: [3, 's'],
    uid: [4, 's'],
    apiVersion: [5, 's'],
    resourceVersion: [6, 's'],
    fieldPath: [7, 's'],
  },
  EventSource: { component: [1, 's'], host: [2, 's'] },
  Series: { count: [1, 'i'], lastObservedTime: [2, 'micro'] },
  Node: { metadata: [1, 'ObjectMeta'], spec: [2, 'NodeSpec'], status: [3, 'NodeStatus'] },
  NodeSpec: {
    podCIDR: [1, 's'],
    providerID: [3, 's'],
    unschedulable: [4, 'b'],
    taints: [5, '[]Taint'],
    podCIDRs: [7, '[]s'],
  },
  Taint: { key: [1, 's'], value: [2, 's'], effect: [3, 's'], timeAdded: [4, 'time?'] },
  NodeStatus: {
    capacity: [1, 'quantities'],
    allocatable: [2, 'quantities'],
    phase: [3, 's'],
    conditions: [4, '[]NodeCondition'],
    nodeInfo: [7, 'NodeInfo'],
  },
  NodeCondition: {
    type: [1, 's'],
    status: [2, 's'],
    lastHeartbeatTime: [3, 'time'],
    lastTransitionTime: [4, 'time'],
    reason: [5, 's'],
    message: [6, 's'],
  },
  NodeInfo: {
    machineID: [1, 's'],
    bootID: [3, 's'],
    kernelVersion: [4, 's'],
    containerRuntimeVersion: [6, 's'],
    kubeletVersion: [7, 's'],
  },
  Lease: { metadata: [1, 'ObjectMeta'], spec: [2, 'LeaseSpec'] },
  LeaseSpec: {
    holderIdentity: [1, 's?'],
    leaseDurationSeconds: [2, 'i?'],
    acquireTime: [3, 'micro?'],
    renewTime: [4, 'micro?'],
    leaseTransitions: [5, 'i?'],
  },
  PartialObjectMetadata: { metadata: [1, 'ObjectMeta'] },
  ListMeta: {
    selfLink: [1, 's'],
    resourceVersion: [2, 's'],
    continue: [3, 's'],
    remainingItemCount: [4, 'i?'],
  },
  Status: {
    metadata: [1, 'ListMeta'],
    status: [2, 's'],
    message: [3, 's'],
    reason: [4, 's'],
    details: [5, 'StatusDetails?'],
    code: [6, 'i'],
  },
  StatusDetails: {
    name: [1, 's'],
    group: [2, 's'],
    kind: [3, 's'],
    causes: [4, '[]Cause'],
    retryAfterSeconds: [5, 'i'],
  },
  Cause: { reason: [1, 's'], message: [2, 's'], field: [3, 's'] },
}

const isObject = (value: unknown): value is Obj => typeof value === 'object' && value !== null

interface Planned {
  readonly key: string
  readonly number: number
  readonly type: string
  readonly form: 'one' | 'pointer' | 'many' | 'map' | 'quantities'
}

function plan([key, [number, type]]: readonly [string, Field]): Planned {
  if (type === 'map' || type === 'quantities') return { key, number, type, form: type }
  if (type.startsWith('[]')) return { key, number, type: type.slice(2), form: 'many' }
  if (type.endsWith('?')) return { key, number, type: type.slice(0, -1), form: 'pointer' }
  return { key, number, type, form: 'one' }
}

/** By falling number, since writing begins at the end. */
const PLANS = new Map(
  Object.entries(SCHEMAS).map(([name, schema]) => [
    name,
    Object.entries(schema)
      .map(plan)
      .sort((a, b) => b.number - a.number),
  ]),
)

/** One for all: nothing is written by two at once. */
const writer = new BackwardWriter()

function written(write: () => void): Buffer {
  write()
  return writer.take()
}

export const varint = (value: number | bigint): Buffer => written(() => writer.varint(value))
export const lengthDelimited = (number: number, body: Buffer): Buffer =>
  written(() => writer.bytes(number, body))
export const message = (name: string, object: Obj): Buffer => written(() => writeMessage(name, object))

function writeMessage(name: string, object: Obj): void {
  const fields = PLANS.get(name)
  if (!fields) throw new Error(`no schema for ${name}`)
  // A message written inline in JSON (VolumeSource) has the empty name here.
  for (const field of fields) writeField(field, field.key === '' ? object : object[field.key])
}

function writeField({ form, number, type }: Planned, value: unknown): void {
  if (form === 'one') return writeScalar(number, type, value)
  if (value === undefined || value === null) return
  if (form === 'pointer') return writeScalar(number, type, value)
  if (form === 'many') for (const item of (value as unknown[]).toReversed()) writeScalar(number, type, item)
  else writeMap(number, form, value as Obj)
}

function writeMap(number: number, form: 'map' | 'quantities', map: Obj): void {
  const entries = Object.entries(map).sort(([a], [b]) => (a < b ? 1 : -1))
  for (const [key, text] of entries)
    writer.nested(number, () => {
      if (form === 'map') writeScalar(2, 's', text)
      else writer.nested(2, () => writeScalar(1, 's', text))
      writeScalar(1, 's', key)
    })
}

function writeScalar(number: number, type: string, value: unknown): void {
  switch (type) {
    case 's':
      return writer.text(number, String(value ?? ''))
    case 'i':
      return writer.number(number, Number(value ?? 0))
    case 'b':
      return writer.number(number, value === true ? 1 : 0)
    case 'time':
    case 'micro':
      return writer.nested(number, () => writeTime(value))
    case 'fields':
      return writer.nested(number, () => writer.text(1, JSON.stringify(value)))
    default:
      return writer.nested(number, () => writeMessage(type, isObject(value) ? value : {}))
  }
}

/** Go writes the zero time as an empty message. */
function writeTime(value: unknown): void {
  if (typeof value !== 'string') return
  writer.number(2, BigInt((/\.(\d+)/.exec(value)?.[1] ?? '').padEnd(9, '0')))
  writer.number(1, Math.floor(Date.parse(value.replace(/\.\d+/, '')) / 1000))
}

const MAGIC = Buffer.from('k8s\0', 'latin1')

export const unknown = (apiVersion: string, kind: string, raw: Buffer): Buffer =>
  written(() => {
    writer.text(4, '')
    writer.text(3, '')
    writer.bytes(2, raw)
    writer.nested(1, () => {
      writer.text(2, kind)
      writer.text(1, apiVersion)
    })
    writer.raw(MAGIC)
  })

/** Whether this encoder knows the kind; of the others a client gets metadata only. */
export const hasSchema = (kind: string): boolean => kind in SCHEMAS

/** An API object with `apiVersion` and `kind`, in its envelope. */
export function encodeObject(object: Obj): Buffer {
  const kind = String(object['kind'])
  return unknown(String(object['apiVersion']), kind, message(kind, object))
}

export function encodeWatchEvent(type: string, object: Obj): Buffer {
  return wrapWatchEvent(type, encodeObject(object))
}

export const wrapWatchEvent = (type: string, envelope: Buffer): Buffer =>
  written(() => {
    writer.nested(2, () => writer.bytes(1, envelope))
    writer.text(1, type)
  })

/** A frame as it stands in a watch: four bytes of length before the event. */
export function frame(event: Buffer): Buffer {
  const length = Buffer.alloc(4)
  length.writeUInt32BE(event.length)
  return Buffer.concat([length, event])
}

/** A list of messages that are encoded already (`message(kind, object)`), for servers that send many. */
export function encodeList(
  apiVersion: string,
  itemKind: string,
  meta: Obj,
  items: readonly Buffer[],
): Buffer {
  const body = [
    lengthDelimited(1, message('ListMeta', meta)),
    ...items.map((item) => lengthDelimited(2, item)),
  ]
  return unknown(apiVersion, `${itemKind}List`, Buffer.concat(body))
}
