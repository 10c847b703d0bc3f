// Owns what the end-to-end test of the operator installs: Podspan's image and chart, and a Collector in the cluster.
// Promises that a process is ended with the test that started it, and that what is said of the cluster comes from the API server.
// Does not assert anything.

import { globSync, statSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { podspanImage } from '../../scripts/image.ts'
import { parseExports, type TruthSpan } from '../accuracy/collector.ts'
import { chartDirectory, type Values } from '../chart/render.ts'
import { buildTool } from '../cluster/build.ts'
import { kubectl, pushImage, readCluster } from '../cluster/cluster.ts'
import { attempt, ClusterError, type CommandResult, run } from '../cluster/commands.ts'
import type { KubeObject } from '../scenarios/api.ts'

const root = join(import.meta.dirname, '..', '..')

/** Pushes the image of the bundle as it is; an old bundle would test what nobody reads any more. */
export async function pushPodspan(tag: string): Promise<string> {
  const bundle = statSync(join(root, 'dist', 'podspan.mjs'), { throwIfNoEntry: false })
  const newest = Math.max(
    ...globSync('src/**/*.ts', { cwd: root }).map((file) => statSync(join(root, file)).mtimeMs),
  )
  if ((bundle?.mtimeMs ?? 0) < newest)
    throw new ClusterError('dist/podspan.mjs is older than the sources; `make build` makes it')
  return pushImage('podspan', tag, await podspanImage())
}

/** What a node has to download of an image of the test registry. */
export async function compressedBytes(name: string, tag: string): Promise<number> {
  const { binaries, registry } = readCluster()
  const manifest = await run(binaries['crane'] ?? 'crane', ['manifest', `${registry}/${name}:${tag}`])
  const { layers } = JSON.parse(manifest) as { layers: readonly { size: number }[] }
  return layers.reduce((sum, { size }) => sum + size, 0)
}

export interface Helm {
  /** The values are those of the image in the test registry, and these. */
  (args: readonly string[], values?: Values): Promise<CommandResult>
}

/** Helm against the cluster, with its own files away from those of whoever runs the test. */
export async function createHelm(tag: string): Promise<Helm & AsyncDisposable> {
  const { helm = '' } = await buildTool('helm')
  const home = await mkdtemp(join(tmpdir(), 'podspan-helm-'))
  const env = {
    KUBECONFIG: readCluster().kubeconfig,
    HELM_CACHE_HOME: home,
    HELM_CONFIG_HOME: home,
    HELM_DATA_HOME: home,
  }
  const image = { registry: readCluster().registry, repository: 'podspan', tag }
  const call: Helm = (args, values) => {
    const given = values === undefined ? [] : ['--values', '-']
    const input = values === undefined ? {} : { input: JSON.stringify({ image, ...values }) }
    return attempt(helm, [...args, ...given], { env, ...input })
  }
  return Object.assign(call, {
    [Symbol.asyncDispose]: () => rm(home, { recursive: true, force: true }),
  })
}

export const chart = chartDirectory

/** Applies objects as the administrator. */
export const apply = (objects: readonly object[], ...more: string[]): Promise<string> =>
  kubectl(['apply', '--server-side', '--force-conflicts', ...more, '-f', '-'], { input: listOf(objects) })

export const listOf = (objects: readonly object[]): string =>
  JSON.stringify({ apiVersion: 'v1', kind: 'List', items: objects })

export async function get<T = KubeObject>(...args: string[]): Promise<T> {
  return JSON.parse(await kubectl(['get', '--output', 'json', ...args])) as T
}

export async function list(...args: string[]): Promise<readonly KubeObject[]> {
  return (await get<{ items: readonly KubeObject[] }>(...args)).items
}

/** A namespace in which every pod has to keep to the restricted standard. */
export const restrictedNamespace = (name: string): object => ({
  apiVersion: 'v1',
  kind: 'Namespace',
  metadata: {
    name,
    labels: {
      'pod-security.kubernetes.io/enforce': 'restricted',
      'pod-security.kubernetes.io/warn': 'restricted',
    },
  },
})

export interface Collector {
  /** As pods reach it: by address, since the cluster has no DNS. */
  readonly endpoint: string
  /** Everything it has received so far. */
  read(): Promise<TruthSpan[]>
}

/** A real Collector in a pod behind a Service; what it receives goes to a file in the pod. */
export async function installCollector(namespace: string): Promise<Collector> {
  const image = await pushImage('otelcol', 'test', {
    base: `${readCluster().registry}/busybox:latest`,
    layers: [{ files: { otelcol: readCluster().binaries['otelcol'] ?? '' } }],
    entrypoint: ['/otelcol', '--config', '/etc/otelcol/config.json'],
    user: '65532:65532',
  })
  await apply(collectorObjects(namespace, image))
  await kubectl(['rollout', 'status', 'deployment/collector', '-n', namespace, '--timeout', '60s'])
  const service = await get<{ spec: { clusterIP: string } }>('service', 'collector', '-n', namespace)
  const cat = ['exec', 'deployment/collector', '-n', namespace, '--', 'cat', '/data/traces.jsonl']
  return {
    endpoint: `http://${service.spec.clusterIP}:4317`,
    read: async () => parseExports(await kubectl(cat)),
  }
}

function collectorObjects(namespace: string, image: string): object[] {
  const config = {
    receivers: { otlp: { protocols: { grpc: { endpoint: '0.0.0.0:4317', max_recv_msg_size_mib: 64 } } } },
    exporters: { file: { path: '/data/traces.jsonl', format: 'json', flush_interval: '200ms' } },
    service: {
      pipelines: { traces: { receivers: ['otlp'], exporters: ['file'] } },
      telemetry: { metrics: { level: 'none' } },
    },
  }
  const metadata = { name: 'collector', namespace, labels: { app: 'collector' } }
  const container = {
    ...{ name: 'otelcol', image, ports: [{ containerPort: 4317 }], securityContext: restrictedContainer },
    readinessProbe: { tcpSocket: { port: 4317 }, periodSeconds: 1 },
    volumeMounts: [
      { name: 'config', mountPath: '/etc/otelcol' },
      { name: 'data', mountPath: '/data' },
    ],
  }
  const volumes = [
    { name: 'config', configMap: { name: 'collector' } },
    { name: 'data', emptyDir: {} },
  ]
  const spec = {
    securityContext: restrictedPod,
    terminationGracePeriodSeconds: 1,
    containers: [container],
    volumes,
  }
  const template = { metadata: { labels: { app: 'collector' } }, spec }
  const selector = { matchLabels: { app: 'collector' } }
  return [
    { apiVersion: 'v1', kind: 'ConfigMap', metadata, data: { 'config.json': JSON.stringify(config) } },
    { apiVersion: 'apps/v1', kind: 'Deployment', metadata, spec: { replicas: 1, selector, template } },
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata,
      spec: { selector: { app: 'collector' }, ports: [{ port: 4317 }] },
    },
  ]
}

export const restrictedPod = {
  runAsNonRoot: true,
  runAsUser: 65532,
  seccompProfile: { type: 'RuntimeDefault' },
}
export const restrictedContainer = { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } }

/** What `promtool` has to say of these metrics; nothing is best. */
export async function lintMetrics(metrics: string): Promise<string> {
  const { promtool = '' } = await buildTool('prometheus')
  const { stdout, stderr, code } = await attempt(promtool, ['check', 'metrics'], { input: metrics })
  return code === 0 ? `${stdout}${stderr}`.trim() : `exit code ${code}: ${stdout}${stderr}`
}

/** Asks the pod itself, from the node. */
export async function fetchMetrics(
  namespace: string,
): Promise<{ readonly type: string; readonly text: string }> {
  const [pod] = await list('pods', '-n', namespace, '-l', 'app.kubernetes.io/name=podspan')
  const { podIP } = (pod?.status ?? {}) as { podIP: string }
  const response = await fetch(`http://${podIP}:8080/metrics`, { signal: AbortSignal.timeout(5000) })
  return { type: response.headers.get('content-type') ?? '', text: await response.text() }
}

/** Whether a service account may do this; an answer that is neither yes nor no is an error. */
export async function may(account: string, what: readonly string[]): Promise<boolean> {
  const { binaries, kubeconfig } = readCluster()
  const args = ['auth', 'can-i', ...what, '--as', `system:serviceaccount:${account}`]
  const answer = await attempt(binaries['kubectl'] ?? 'kubectl', args, { env: { KUBECONFIG: kubeconfig } })
  const said = answer.stdout.trim()
  if (said === 'yes' || said === 'no') return said === 'yes'
  throw new ClusterError(`kubectl ${args.join(' ')}: ${said}${answer.stderr}`)
}

/** No such account is made: what it may do, every account may. */
const ANYBODY = 'default:anybody'

/**
 * The rights that a service account has over others in a namespace, as the API server lists them: `pods: get`, `leases/podspan: get`. From
 * 1.37 every account may read ClusterTrustBundles.
 */
export async function rightsIn(namespace: string, account: string): Promise<string[]> {
  const everybodys = new Set(await listRights(namespace, ANYBODY))
  return (await listRights(namespace, account)).filter((right) => !everybodys.has(right))
}

async function listRights(namespace: string, account: string): Promise<string[]> {
  const { binaries, kubeconfig } = readCluster()
  const question = ['auth', 'can-i', '--list', '--no-headers', '--namespace', namespace]
  const text = await run(
    binaries['kubectl'] ?? 'kubectl',
    [...question, '--as', `system:serviceaccount:${account}`],
    { env: { KUBECONFIG: kubeconfig } },
  )
  return text.split('\n').flatMap((line) => rightOf(line))
}

/** `pods   []   []   [get list watch]`; those of paths, and what every account may ask about itself, are left out. */
function rightOf(line: string): string[] {
  const match = /^(\S*)\s+\[(.*?)\]\s+\[(.*?)\]\s+\[(.*?)\]$/.exec(line.trimEnd())
  const [, resource = '', urls = '', names = '', verbs = ''] = match ?? []
  if (urls !== '' || resource === '' || /^selfsubject/.test(resource)) return []
  const named = names === '' ? [''] : names.split(' ').map((name) => `/${name}`)
  return named.flatMap((name) => verbs.split(' ').map((verb) => `${resource}${name}: ${verb}`))
}
