// Owns the installations that the chart is tested with: each a set of values that some kind of user writes.
// Promises that together they set every value of the chart. Does not say what should come out.

import type { Values } from './render.ts'

const exporter = { endpoint: 'http://otel-collector.monitoring:4317' }
const labels = { team: 'platform' }

/** Everything of it, as an installation that uses all features would. */
export const fullExporter = {
  endpoint: 'https://otlp.example:4317',
  protocol: 'grpc',
  headers: { 'x-dataset': 'pods' },
  headersFromSecrets: {
    authorization: { secret: 'otlp-token', key: 'token' },
    'x-api-key': { secret: 'otlp-token' },
  },
  tls: {
    ca: { configMap: 'otlp-ca', key: 'bundle.pem' },
    cert: { secret: 'otlp-client' },
    key: { secret: 'otlp-client' },
    insecure: false,
  },
  compression: 'none',
  timeout: '5s',
  maxSpanAge: '1h',
  queueMaxBytes: 8_388_608,
  spansPerMinute: 60_000,
}

const monitor = {
  enabled: true,
  interval: '15s',
  labels: { release: 'prometheus' },
  relabelings: [{ action: 'replace', targetLabel: 'cluster', replacement: 'prod-1' }],
  metricRelabelings: [{ action: 'drop', sourceLabels: ['__name__'], regex: 'nodejs_.*' }],
}

const pods = {
  podLabels: { 'example.com/cost-centre': '42' },
  podAnnotations: { 'example.com/inject': 'false' },
  nodeSelector: { 'kubernetes.io/os': 'linux' },
  tolerations: [{ key: 'dedicated', operator: 'Exists', effect: 'NoSchedule' }],
  affinity: { nodeAffinity: { preferredDuringSchedulingIgnoredDuringExecution: [] } },
  topologySpreadConstraints: [
    { maxSkew: 1, topologyKey: 'rack', whenUnsatisfiable: 'DoNotSchedule', labelSelector: {} },
  ],
  priorityClassName: 'system-cluster-critical',
  runtimeClassName: 'gvisor',
  terminationGracePeriodSeconds: 60,
  strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } },
  resources: { requests: { cpu: '1', memory: '1Gi' }, limits: { memory: '2Gi' } },
  podSecurityContext: { fsGroup: 65532 },
  securityContext: { runAsUser: 65532 },
  extraEnv: [{ name: 'NODE_OPTIONS', value: '--max-old-space-size=512' }],
  extraVolumes: [{ name: 'scratch', emptyDir: {} }],
  extraVolumeMounts: [{ name: 'scratch', mountPath: '/tmp' }],
}

const settings = {
  cluster: { name: 'prod-1' },
  startTimeout: '20m',
  settle: '10s',
  serviceName: { fixed: 'pods' },
  ring: { maxBytes: 134_217_728 },
  log: { level: 'debug' },
  links: { traceURLTemplate: 'https://jaeger.example/trace/{traceID}' },
  watch: { events: true, nodes: true, leases: true, owners: true },
  customOwners: [{ apiGroup: 'argoproj.io', resources: ['rollouts'] }],
  leaderElection: { enabled: true, leaseDuration: '30s', renewDeadline: '20s', retryPeriod: '2s' },
}

export const VALUE_SETS: Readonly<Record<string, Values>> = {
  defaults: {},
  'one exporter': { exporters: { default: exporter } },
  'an exporter without a standing session': {
    exporters: { default: exporter },
    standingSession: { enabled: false },
  },
  'exporters with secrets and certificates': { exporters: { default: fullExporter, second: exporter } },
  'listed namespaces': { namespaces: ['shop', 'billing'], exporters: { default: exporter } },
  'the fewest rights': {
    watch: {
      events: false,
      nodes: false,
      leases: false,
      owners: false,
      volumes: false,
      nodeClaims: false,
      workloads: false,
      deviceClaims: false,
      rollouts: false,
    },
    leaderElection: { enabled: false },
    strategy: { type: 'Recreate', rollingUpdate: null },
  },
  'two replicas': { replicas: 2, podDisruptionBudget: { enabled: true, maxUnavailable: '50%' } },
  monitored: {
    metrics: {
      port: 9090,
      workloadsMax: 500,
      nodesMax: 1000,
      service: { enabled: true, annotations: labels },
      podMonitor: monitor,
      serviceMonitor: monitor,
      prometheusRule: {
        ...{ enabled: true, labels, alertLabels: labels, disabled: ['PodspanRelists'] },
        runbookURL: 'https://wiki.example/{alert}',
        slo: {
          ...{ enabled: true, minStarts: 100 },
          ready: { threshold: 30, objective: 99.5 },
          platform: { threshold: 0.5, objective: 90 },
        },
        thresholds: {
          ...{ workloadTooSlowPercent: 25, workloadMinStarts: 10, stuckPods: 2, stuckFor: '8m' },
          ...{ timedOutPods: 2, watchLagSeconds: 1.5, gapsPerHour: 0, relistsPerHour: 5 },
          ...{ droppedTraces: 10, incompletePercent: 5, eventLoopDelaySeconds: 0.2 },
          ...{ memoryPercent: 80, failedStatusWrites: 0 },
        },
      },
    },
    dashboards: {
      enabled: true,
      namespace: 'grafana',
      labels: { dashboards: 'platform' },
      annotations: { 'k8s-sidecar-target-directory': '/dashboards/pods' },
      folder: 'Pods',
      folderAnnotation: 'folder',
      grafanaOperator: {
        enabled: true,
        instanceSelector: { matchLabels: { team: 'platform' } },
        allowCrossNamespaceImport: false,
      },
    },
    networkPolicy: {
      enabled: true,
      from: [{ namespaceSelector: {} }],
      egress: [{ ports: [{ port: 443, protocol: 'TCP' }] }],
    },
  },
  'a platform with rules': {
    global: { imageRegistry: 'mirror.example' },
    image: {
      registry: 'ignored.example',
      repository: 'tools/podspan',
      tag: 'ignored',
      digest: `sha256:${'a'.repeat(64)}`,
      pullPolicy: 'Always',
    },
    imagePullSecrets: [{ name: 'mirror' }],
    commonLabels: labels,
    commonAnnotations: { 'example.com/owner': 'platform' },
    serviceAccount: { create: true, name: 'watcher', annotations: labels },
    page: {
      enabled: true,
      port: 9000,
      viewers: [
        { kind: 'Group', name: 'sre', apiGroup: 'rbac.authorization.k8s.io' },
        { kind: 'ServiceAccount', name: 'robot' },
      ],
    },
    proxy: { http: 'http://proxy.example:3128', https: 'http://proxy.example:3128', none: '.example' },
    extraCA: { configMap: 'company-ca', key: 'ca.pem' },
    test: { labels: { 'sidecar.istio.io/inject': 'false' } },
    ...pods,
    ...settings,
    exporters: { default: exporter },
    standingSession: {
      enabled: true,
      exporter: 'default',
      spec: { objectives: [{ name: 'ready', percentile: 99, threshold: '30s' }], sampling: { percent: 10 } },
    },
  },
  'spans of other components': {
    receiver: {
      enabled: true,
      grpcPort: 14_317,
      httpPort: 14_318,
      spansPerSecond: 1000,
      messageMaxBytes: 1_048_576,
      connectionsMax: 6000,
      tls: { secret: 'otlp-server', clientCA: { configMap: 'otlp-clients', key: 'bundle.pem' } },
      token: { secret: 'otlp-token' },
      service: { type: 'ClusterIP', clusterIP: '10.96.0.99', annotations: labels },
    },
    networkPolicy: { enabled: true, receiverFrom: [{ ipBlock: { cidr: '10.0.0.0/8' } }] },
  },
  'contexts for pods': {
    injection: {
      enabled: true,
      namespaceSelector: { matchLabels: { team: 'shop' } },
      podSelector: { matchExpressions: [{ key: 'example.com/traced', operator: 'Exists' }] },
    },
  },
  'contexts by a webhook': {
    injection: {
      ...{ enabled: true, by: 'webhook', podSelector: { matchLabels: labels } },
      webhook: { port: 9444, timeoutSeconds: 2 },
    },
    networkPolicy: { enabled: true },
  },
  'contexts by a webhook with cert-manager': {
    injection: {
      ...{ enabled: true, by: 'webhook', namespaceSelector: { matchLabels: labels } },
      webhook: { certManager: { enabled: true, issuerRef: { name: 'own', kind: 'ClusterIssuer' } } },
    },
  },
  'everything else is somebody else’s': {
    nameOverride: 'starts',
    fullnameOverride: 'pod-starts',
    crds: { install: false, keep: false },
    rbac: { create: false },
    serviceAccount: { create: false, name: 'given' },
    admissionPolicy: { enabled: false },
    metrics: { service: { enabled: false } },
    page: { enabled: false, port: 7676, viewers: [] },
  },
}
