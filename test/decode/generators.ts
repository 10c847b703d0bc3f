// Owns generated API objects: any combination of set, unset, empty and odd values that an API server could store.
// Promises canonical JSON as Go writes it, so that both encodings can carry it.
// Does not generate garbage: the tests do that themselves.

import fc from 'fast-check'
import type { Obj } from '../simulator/encode.ts'

const word = fc
  .string({ unit: 'grapheme', maxLength: 70 })
  .filter((text) => text !== '__proto__' && text.isWellFormed())
const name = fc.string({
  unit: fc.constantFrom(...'abcdefghijklmnop-.0123456789'),
  minLength: 1,
  maxLength: 60,
})
const seconds = fc.integer({ min: -1_000_000, max: 4_000_000_000 })
const time = seconds.map((at) => new Date(at * 1000).toISOString().replace('.000Z', 'Z'))
const micro = fc
  .tuple(fc.integer({ min: 0, max: 4_000_000_000 }), fc.nat(999_999))
  .map(([at, us]) => new Date(at * 1000).toISOString().replace('.000Z', `.${String(us).padStart(6, '0')}Z`))
const int32 = fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 })
const count = fc.oneof(fc.constant(0), int32)
const map = fc.dictionary(name, word, { maxKeys: 4 })
const quantities = fc.dictionary(
  fc.constantFrom('cpu', 'memory', 'nvidia.com/gpu'),
  fc.constantFrom('100m', '1Gi', '0'),
)

/** Each field there or not. */
const some = (fields: Record<string, fc.Arbitrary<unknown>>): fc.Arbitrary<Obj> =>
  fc.record(fields, { requiredKeys: [] }) as fc.Arbitrary<Obj>

const owner = fc.record({ apiVersion: name, kind: name, name, uid: name }).chain((base) =>
  some({ controller: fc.boolean(), blockOwnerDeletion: fc.boolean() }).map((rest) => ({
    ...base,
    ...rest,
  })),
)

const manager = some({
  manager: fc.oneof(name, fc.constant('kubelet')),
  operation: fc.constantFrom('Apply', 'Update'),
  apiVersion: name,
  time,
  fieldsType: fc.constant('FieldsV1'),
  fieldsV1: fc.constant({ 'f:metadata': {} }),
  subresource: fc.constantFrom('status', ''),
})

const annotations = fc.dictionary(
  fc.oneof(
    name,
    fc.constantFrom('kubernetes.io/config.mirror', 'kubernetes.io/config.seen', 'podspan.dev/traceparent'),
  ),
  word,
  { maxKeys: 4 },
)

const metadata = fc.record({ uid: name, name, resourceVersion: fc.nat().map(String) }).chain((base) =>
  some({
    namespace: name,
    generateName: name,
    generation: count,
    creationTimestamp: time,
    deletionTimestamp: time,
    deletionGracePeriodSeconds: fc.nat(3600),
    labels: map,
    annotations,
    ownerReferences: fc.array(owner, { maxLength: 2 }),
    finalizers: fc.array(name, { maxLength: 2 }),
    managedFields: fc.array(manager, { maxLength: 3 }),
  }).map((rest) => ({ ...rest, ...base })),
)

const probe = some({
  initialDelaySeconds: count,
  timeoutSeconds: count,
  periodSeconds: count,
  successThreshold: count,
  failureThreshold: count,
  terminationGracePeriodSeconds: fc.nat(),
})

const container = some({
  name: word,
  image: word,
  command: fc.array(word, { maxLength: 2 }),
  args: fc.array(word, { maxLength: 2 }),
  env: fc.array(fc.record({ name, value: word }), { maxLength: 2 }),
  resources: some({ limits: quantities, requests: quantities }),
  livenessProbe: probe,
  readinessProbe: probe,
  startupProbe: probe,
  lifecycle: some({ postStart: fc.constant({}), preStop: fc.constant({}) }),
  imagePullPolicy: fc.constantFrom('Always', 'IfNotPresent', ''),
  stdin: fc.boolean(),
  restartPolicy: fc.constant('Always'),
})

const volume = fc.tuple(
  word,
  fc.constantFrom<Obj>(
    {},
    { hostPath: { path: '/var' } },
    { emptyDir: {} },
    { secret: { secretName: 's' } },
    { persistentVolumeClaim: { claimName: 'claim' } },
    { persistentVolumeClaim: {} },
    { configMap: {} },
    { projected: {} },
    { csi: { driver: 'd' } },
    { ephemeral: {} },
    { image: { reference: 'r' } },
    { image: { reference: 'r', pullPolicy: 'Always' } },
    { image: {} },
  ),
)

const condition = some({
  type: name,
  status: fc.constantFrom('True', 'False', 'Unknown'),
  lastTransitionTime: fc.oneof(time, fc.constant(null)),
  reason: word,
  message: word,
  observedGeneration: count,
})

const state = fc.oneof(
  fc.constant({}),
  some({ reason: word, message: word }).map((waiting) => ({ waiting })),
  some({ startedAt: fc.oneof(time, fc.constant(null)) }).map((running) => ({ running })),
  some({
    exitCode: int32,
    signal: count,
    reason: word,
    message: word,
    startedAt: time,
    finishedAt: time,
    containerID: word,
  }).map((terminated) => ({ terminated })),
)

const containerStatus = some({
  name,
  state,
  lastState: state,
  ready: fc.boolean(),
  restartCount: fc.nat(),
  image: word,
  imageID: word,
  containerID: word,
  started: fc.boolean(),
  allocatedResources: quantities,
})

const spec = some({
  volumes: fc.array(
    volume.map(([each, source]) => ({ name: each, ...source })),
    { maxLength: 3 },
  ),
  containers: fc.array(container, { maxLength: 3 }),
  initContainers: fc.array(container, { maxLength: 2 }),
  restartPolicy: name,
  terminationGracePeriodSeconds: fc.nat(),
  activeDeadlineSeconds: fc.nat(),
  nodeName: fc.oneof(name, fc.constant('')),
  hostNetwork: fc.boolean(),
  schedulerName: name,
  priority: int32,
  tolerations: fc.array(
    some({ key: name, operator: name, value: word, effect: name, tolerationSeconds: fc.nat() }),
    { maxLength: 2 },
  ),
  readinessGates: fc.array(fc.record({ conditionType: name }), { maxLength: 2 }),
  schedulingGates: fc.array(fc.record({ name }), { maxLength: 2 }),
  resourceClaims: fc.array(some({ name, resourceClaimName: word, resourceClaimTemplateName: name }), {
    maxLength: 2,
  }),
  overhead: quantities,
})

const podStatus = some({
  phase: fc.constantFrom('Pending', 'Running', 'Succeeded', 'Failed', ''),
  conditions: fc.array(condition, { maxLength: 3 }),
  message: word,
  reason: word,
  podIP: name,
  startTime: time,
  containerStatuses: fc.array(containerStatus, { maxLength: 2 }),
  initContainerStatuses: fc.array(containerStatus, { maxLength: 2 }),
  qosClass: name,
  nominatedNodeName: name,
  resourceClaimStatuses: fc.array(some({ name, resourceClaimName: word }), { maxLength: 2 }),
  observedGeneration: count,
})

const object = (
  apiVersion: string,
  kind: string,
  fields: Record<string, fc.Arbitrary<unknown>>,
): fc.Arbitrary<Obj> =>
  fc.tuple(metadata, some(fields)).map(([meta, rest]) => ({ apiVersion, kind, metadata: meta, ...rest }))

export const anyPod = object('v1', 'Pod', { spec, status: podStatus })

const reference = some({
  kind: name,
  namespace: name,
  name,
  uid: name,
  apiVersion: name,
  resourceVersion: name,
  fieldPath: word,
})

export const anyEvent = object('v1', 'Event', {
  involvedObject: reference,
  reason: word,
  message: word,
  source: some({ component: word, host: word }),
  firstTimestamp: fc.oneof(time, fc.constant(null)),
  lastTimestamp: time,
  count,
  type: fc.constantFrom('Normal', 'Warning'),
  eventTime: fc.oneof(micro, fc.constant(null)),
  series: some({ count, lastObservedTime: micro }),
  action: word,
  related: reference,
  reportingComponent: word,
  reportingInstance: word,
})

export const anyNode = object('v1', 'Node', {
  spec: some({
    podCIDR: name,
    unschedulable: fc.boolean(),
    taints: fc.array(some({ key: name, value: word, effect: name, timeAdded: time }), { maxLength: 2 }),
  }),
  status: some({
    capacity: quantities,
    conditions: fc.array(condition, { maxLength: 2 }),
    nodeInfo: some({ bootID: name, containerRuntimeVersion: word, kubeletVersion: word, machineID: name }),
  }),
})

export const anyLease = object('coordination.k8s.io/v1', 'Lease', {
  spec: some({
    holderIdentity: name,
    leaseDurationSeconds: fc.nat(1000),
    acquireTime: micro,
    renewTime: micro,
    leaseTransitions: fc.nat(),
  }),
})
