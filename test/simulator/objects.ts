// Owns sample API objects for tests and benches: pods, events, nodes, leases and owners as the API server writes them.
// Promises objects of realistic size and shape, by number, the same for the same number.
// Does not vary them at random: property tests have their own generators.

import type { Obj } from './encode.ts'

export const uidOf = (kind: number, number: number): string =>
  `${kind.toString(16).padStart(8, '0')}-0000-4000-8000-${number.toString(16).padStart(12, '0')}`

export const second = (offset: number): string =>
  new Date(Date.UTC(2026, 10, 22, 12, 0, 0) + offset * 1000).toISOString().replace('.000Z', 'Z')

export interface PodShape {
  readonly number: number
  readonly resourceVersion: number
  readonly namespace?: string
  readonly stage?: 'created' | 'bound' | 'running' | 'ready'
  /** As pods in production are: about 12.5 KB as JSON, most of it environment and managedFields. */
  readonly size?: 'small' | 'production'
}

const FIELDS = {
  'f:metadata': { 'f:generateName': {}, 'f:labels': { '.': {}, 'f:app': {}, 'f:pod-template-hash': {} } },
  'f:spec': { 'f:containers': { 'k:{"name":"app"}': { '.': {}, 'f:image': {}, 'f:env': { '.': {} } } } },
}

/** About the size of a small Deployment's pod: 4 KB as JSON. */
export function podObject(shape: PodShape): Obj {
  const { number, resourceVersion, namespace = 'default', stage = 'ready', size = 'small' } = shape
  const fields = size === 'small' ? FIELDS : productionFields()
  const name = `web-6f5d8c9b7c-${number.toString(36).padStart(5, '0')}`
  const bound = stage !== 'created'
  const running = stage === 'running' || stage === 'ready'
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name,
      generateName: 'web-6f5d8c9b7c-',
      namespace,
      uid: uidOf(1, number),
      resourceVersion: String(resourceVersion),
      generation: 1,
      creationTimestamp: second(number % 60),
      labels: { app: 'web', 'pod-template-hash': '6f5d8c9b7c', team: 'payments' },
      annotations: { 'prometheus.io/scrape': 'true', 'example.com/note': 'not kept' },
      ownerReferences: [
        {
          apiVersion: 'apps/v1',
          kind: 'ReplicaSet',
          name: 'web-6f5d8c9b7c',
          uid: uidOf(5, 1),
          controller: true,
          blockOwnerDeletion: true,
        },
      ],
      managedFields: [
        {
          manager: 'kube-controller-manager',
          operation: 'Update',
          apiVersion: 'v1',
          time: second(number % 60),
          fieldsType: 'FieldsV1',
          fieldsV1: fields,
        },
        {
          manager: 'kubelet',
          operation: 'Update',
          apiVersion: 'v1',
          time: second((number % 60) + 2),
          fieldsType: 'FieldsV1',
          fieldsV1: fields,
          subresource: 'status',
        },
      ],
    },
    spec: {
      volumes: [
        { name: 'config', configMap: {} },
        { name: 'kube-api-access-abcde', projected: {} },
        { name: 'data', persistentVolumeClaim: { claimName: 'data' } },
      ],
      containers: [containerObject('app', size), containerObject('sidecar', size)],
      restartPolicy: 'Always',
      terminationGracePeriodSeconds: 30,
      dnsPolicy: 'ClusterFirst',
      serviceAccountName: 'default',
      ...(bound ? { nodeName: `node-${number % 50}` } : {}),
      schedulerName: 'default-scheduler',
      priority: 0,
      enableServiceLinks: true,
      preemptionPolicy: 'PreemptLowerPriority',
    },
    status: {
      phase: running ? 'Running' : 'Pending',
      conditions: [
        conditionObject('PodReadyToStartContainers', running, number),
        conditionObject('Initialized', running, number),
        conditionObject('Ready', stage === 'ready', number),
        conditionObject('ContainersReady', stage === 'ready', number),
        conditionObject('PodScheduled', bound, number),
      ],
      ...(running
        ? {
            hostIP: '10.0.0.1',
            podIP: `10.1.${number % 250}.7`,
            startTime: second((number % 60) + 1),
            containerStatuses: ['app', 'sidecar'].map((each) =>
              statusObject(each, stage === 'ready', number),
            ),
          }
        : {}),
      qosClass: 'Burstable',
    },
  }
}

/** Some 1.7 KB for each writer, as server-side apply keeps them. */
function productionFields(): Obj {
  const names = Array.from({ length: 36 }, (_, n) => `k:{"name":"SETTING_${n}"}`)
  return { 'f:spec': Object.fromEntries(names.map((key) => [key, { '.': {}, 'f:value': {} }])) }
}

function containerObject(name: string, size: 'small' | 'production'): Obj {
  return {
    name,
    image: `registry.example.com/team/${name}:1.2.3`,
    command: ['/bin/app'],
    args: ['--listen', ':8080', '--secret-argument'],
    env: Array.from({ length: size === 'small' ? 10 : 36 }, (_, n) => ({
      name: `SETTING_${n}`,
      value: `literal value number ${n}`,
    })),
    resources: { limits: { memory: '512Mi' }, requests: { cpu: '100m', memory: '256Mi' } },
    readinessProbe: { timeoutSeconds: 1, periodSeconds: 10, successThreshold: 1, failureThreshold: 3 },
    terminationMessagePath: '/dev/termination-log',
    imagePullPolicy: 'IfNotPresent',
  }
}

function conditionObject(type: string, is: boolean, number: number): Obj {
  return {
    type,
    status: is ? 'True' : 'False',
    lastProbeTime: null,
    lastTransitionTime: second((number % 60) + 3),
    ...(is ? {} : { reason: 'ContainersNotReady', message: 'containers with unready status: [app sidecar]' }),
  }
}

function statusObject(name: string, ready: boolean, number: number): Obj {
  const digest = 'a'.repeat(63)
  return {
    name,
    state: { running: { startedAt: second((number % 60) + 2) } },
    lastState: {},
    ready,
    restartCount: 0,
    image: `registry.example.com/team/${name}:1.2.3`,
    imageID: `registry.example.com/team/${name}@sha256:${digest}1`,
    containerID: `containerd://${number.toString(16).padStart(64, '0')}`,
    started: ready,
  }
}

export interface EventShape {
  readonly number: number
  readonly resourceVersion: number
  readonly pod: number
  readonly reason?: string
  readonly namespace?: string
}

export function eventObject(shape: EventShape): Obj {
  const { number, resourceVersion, pod, reason = 'Pulled', namespace = 'default' } = shape
  const podName = `web-6f5d8c9b7c-${pod.toString(36).padStart(5, '0')}`
  return {
    apiVersion: 'v1',
    kind: 'Event',
    metadata: {
      name: `${podName}.18${number.toString(16).padStart(14, '0')}`,
      namespace,
      uid: uidOf(2, number),
      resourceVersion: String(resourceVersion),
      creationTimestamp: second(number % 60),
      managedFields: [
        {
          manager: 'kubelet',
          operation: 'Update',
          apiVersion: 'v1',
          time: second(number % 60),
          fieldsType: 'FieldsV1',
          fieldsV1: { 'f:count': {} },
        },
      ],
    },
    involvedObject: {
      kind: 'Pod',
      namespace,
      name: podName,
      uid: uidOf(1, pod),
      apiVersion: 'v1',
      resourceVersion: '7',
      fieldPath: 'spec.containers{app}',
    },
    reason,
    message:
      'Successfully pulled image "registry.example.com/team/app:1.2.3" in 1.234s (1.5s including waiting). Image size: 12345678 bytes.',
    source: { component: 'kubelet', host: `node-${pod % 50}` },
    firstTimestamp: second(number % 60),
    lastTimestamp: second(number % 60),
    count: 1,
    type: 'Normal',
    eventTime: null,
    reportingComponent: 'kubelet',
    reportingInstance: `node-${pod % 50}`,
  }
}

export function nodeObject(number: number, resourceVersion: number): Obj {
  return {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: {
      name: `node-${number}`,
      uid: uidOf(3, number),
      resourceVersion: String(resourceVersion),
      creationTimestamp: second(0),
      labels: { 'topology.kubernetes.io/zone': 'zone-a', 'kubernetes.io/hostname': `node-${number}` },
    },
    spec: { podCIDR: '10.1.0.0/24', taints: [{ key: 'dedicated', value: 'gpu', effect: 'NoSchedule' }] },
    status: {
      capacity: { cpu: '8', memory: '32Gi' },
      conditions: [
        {
          type: 'Ready',
          status: 'True',
          lastHeartbeatTime: second(9),
          lastTransitionTime: second(1),
          reason: 'KubeletReady',
        },
      ],
      nodeInfo: {
        machineID: 'm',
        bootID: 'b-1',
        kernelVersion: '6.1',
        containerRuntimeVersion: 'containerd://2.2.9',
        kubeletVersion: 'v1.36.3',
      },
    },
  }
}

export function leaseObject(number: number, resourceVersion: number): Obj {
  return {
    apiVersion: 'coordination.k8s.io/v1',
    kind: 'Lease',
    metadata: {
      name: `node-${number}`,
      namespace: 'kube-node-lease',
      uid: uidOf(4, number),
      resourceVersion: String(resourceVersion),
      creationTimestamp: second(0),
    },
    spec: {
      holderIdentity: `node-${number}`,
      leaseDurationSeconds: 40,
      renewTime: second(resourceVersion % 60).replace('Z', '.123456Z'),
    },
  }
}

/** A ReplicaSet's metadata, as PartialObjectMetadata shows it. */
export function ownerObject(number: number, resourceVersion: number): Obj {
  return {
    apiVersion: 'meta.k8s.io/v1',
    kind: 'PartialObjectMetadata',
    metadata: {
      name: `web-${number}`,
      namespace: 'default',
      uid: uidOf(5, number),
      resourceVersion: String(resourceVersion),
      creationTimestamp: second(0),
      annotations: {
        'deployment.kubernetes.io/revision': '3',
        'deployment.kubernetes.io/desired-replicas': '5',
      },
      ownerReferences: [
        { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web', uid: uidOf(6, 1), controller: true },
      ],
    },
  }
}
