// Owns the pod that the benches start: about 12.5 KB of JSON, 3.5 KB of it managedFields, two containers with probes.
// Promises that everything in it is known to the tests' protobuf encoder, so that both encodings carry the same content.
// Does not know the order of a start: see start.ts.

import type { Obj } from '../test/simulator/encode.ts'

export interface PodIdentity {
  readonly uid: string
  readonly name: string
  readonly node: string
}

const env = (container: string, count: number): Obj[] =>
  Array.from({ length: count }, (_, index) => ({
    name: `${container.toUpperCase()}_SETTING_${index}`,
    value: index % 4 === 0 ? `http://service-${index}.shop.svc:8080` : `value-${index}`,
  }))

const probe = (path: string, periodSeconds: number): Obj => ({
  exec: { command: ['/bin/grpc_health_probe', `-addr=:8080`, `-service=${path}`] },
  timeoutSeconds: 1,
  periodSeconds,
  successThreshold: 1,
  failureThreshold: 3,
})

export const IMAGES = {
  app: 'registry.example.com/shop/checkout:v1.42.0',
  proxy: 'registry.example.com/mesh/proxy:1.29.3',
} as const

const CONTAINERS: readonly Obj[] = [
  {
    name: 'app',
    image: IMAGES.app,
    command: ['/app/checkout'],
    args: ['--listen=:8080', '--log-format=json', '--feature-gates=Fast=true,Slow=false', '--shard=3'],
    env: env('app', 52),
    resources: { limits: { cpu: '2', memory: '1Gi' }, requests: { cpu: '500m', memory: '512Mi' } },
    livenessProbe: probe('live', 10),
    readinessProbe: probe('ready', 5),
    startupProbe: probe('started', 2),
    terminationMessagePath: '/dev/termination-log',
    imagePullPolicy: 'IfNotPresent',
  },
  {
    name: 'proxy',
    image: IMAGES.proxy,
    args: ['proxy', 'sidecar', '--domain', 'shop.svc.cluster.local', '--concurrency', '2'],
    env: env('proxy', 26),
    resources: { limits: { cpu: '1', memory: '256Mi' }, requests: { cpu: '100m', memory: '128Mi' } },
    terminationMessagePath: '/dev/termination-log',
    imagePullPolicy: 'IfNotPresent',
  },
]

/** What the API server writes of a writer's fields: names of paths, nothing else. */
function managedFields(prefix: string, count: number): Obj {
  const fields: Record<string, Obj> = {}
  for (let index = 0; index < count; index++) {
    fields[`k:{"name":"${prefix.toUpperCase()}_SETTING_${index}"}`] = { '.': {}, 'f:name': {}, 'f:value': {} }
  }
  return { 'f:metadata': { 'f:labels': { '.': {}, 'f:app': {} } }, 'f:spec': { 'f:env': fields } }
}

export interface PodMoments {
  readonly created: string
  readonly lastWrite: string
}

const manager = (name: string, time: string, fieldsV1: Obj, subresource?: string): Obj => ({
  manager: name,
  operation: 'Update',
  apiVersion: 'v1',
  time,
  fieldsType: 'FieldsV1',
  fieldsV1,
  ...(subresource === undefined ? {} : { subresource }),
})

const BY_CREATOR = managedFields('app', 32)
const BY_KUBELET = managedFields('status', 15)

/** The object without its status. `bound` pods carry their node. */
export function podObject(
  identity: PodIdentity,
  resourceVersion: string,
  moments: PodMoments,
  place: 'unbound' | 'bound',
): Obj {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name: identity.name,
      generateName: 'checkout-6f5d8c9b7c-',
      namespace: 'shop',
      uid: identity.uid,
      resourceVersion,
      generation: 1,
      creationTimestamp: moments.created,
      labels: {
        app: 'checkout',
        'app.kubernetes.io/name': 'checkout',
        'app.kubernetes.io/version': 'v1.42.0',
        'pod-template-hash': '6f5d8c9b7c',
        team: 'payments',
        tier: 'backend',
      },
      annotations: {
        'prometheus.io/scrape': 'true',
        'prometheus.io/port': '9090',
        'sidecar.example.com/status': `{"injected":true,"revision":"1-29-3","template":"${'x'.repeat(300)}"}`,
      },
      ownerReferences: [
        {
          apiVersion: 'apps/v1',
          kind: 'ReplicaSet',
          name: 'checkout-6f5d8c9b7c',
          uid: '0a1b2c3d-0000-4000-8000-0000000000aa',
          controller: true,
          blockOwnerDeletion: true,
        },
      ],
      managedFields: [
        manager('kube-controller-manager', moments.created, BY_CREATOR),
        manager('kubelet', moments.lastWrite, BY_KUBELET, 'status'),
      ],
    },
    spec: {
      volumes: [
        { name: 'config', configMap: { name: 'checkout' } },
        { name: 'tls', secret: { secretName: 'checkout-tls' } },
        { name: 'scratch', emptyDir: {} },
        { name: 'kube-api-access-fpwlb', projected: { defaultMode: 420 } },
      ],
      containers: CONTAINERS,
      restartPolicy: 'Always',
      terminationGracePeriodSeconds: 30,
      dnsPolicy: 'ClusterFirst',
      nodeSelector: { 'kubernetes.io/os': 'linux', 'example.com/pool': 'general' },
      serviceAccountName: 'checkout',
      ...(place === 'bound' ? { nodeName: identity.node } : {}),
      schedulerName: 'default-scheduler',
      priority: 0,
      enableServiceLinks: true,
      preemptionPolicy: 'PreemptLowerPriority',
    },
  }
}
