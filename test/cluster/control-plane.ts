// Owns how etcd, the API server, the controller manager and the scheduler are run.
// Promises defaults wherever a test might measure, and says at each flag that is not a default why it is there.
// Does not start them: up.ts does, in order.

import { mkdir, writeFile } from 'node:fs/promises'
import { request } from 'node:https'
import { join } from 'node:path'
import { apiServerUrl } from './certificates.ts'
import { type Layout, nodeAddress, ports, serviceNetwork } from './layout.ts'
import { type ProcessSpec, readText } from './processes.ts'
import { minorOf } from './versions.ts'

/** Spans reach the truth file within a second, and none is dropped when 40 pods start at once. */
export const spanBatches = {
  OTEL_BSP_SCHEDULE_DELAY: '300',
  OTEL_BSP_MAX_QUEUE_SIZE: '65536',
  OTEL_BSP_MAX_EXPORT_BATCH_SIZE: '2048',
}

/** The controller manager makes 16 pods/s with the default rates; a burst of 40 should be the kubelet's queue, not its. */
const fastClient = ['--kube-api-qps=300', '--kube-api-burst=600']

export function etcd(layout: Layout, binaries: Record<string, string>): ProcessSpec {
  const client = `http://127.0.0.1:${ports.etcd}`
  const peer = `http://127.0.0.1:${ports.etcdPeer}`
  return {
    name: 'etcd',
    command: binaries.etcd ?? '',
    args: [
      '--name=default',
      `--data-dir=${layout.etcd}`,
      `--listen-client-urls=${client}`,
      `--advertise-client-urls=${client}`,
      `--listen-peer-urls=${peer}`,
      `--initial-advertise-peer-urls=${peer}`,
      `--initial-cluster=default=${peer}`,
      // The data dies with the cluster.
      '--unsafe-no-fsync',
    ],
  }
}

export async function apiServer(
  layout: Layout,
  binaries: Record<string, string>,
  version: string,
): Promise<ProcessSpec> {
  const certificate = (file: string): string => join(layout.certificates, file)
  return {
    name: 'kube-apiserver',
    command: binaries['kube-apiserver'] ?? '',
    args: [
      `--etcd-servers=http://127.0.0.1:${ports.etcd}`,
      // Pods reach it through the service address, so it cannot be on loopback; the bridge's address is as private.
      `--bind-address=${nodeAddress}`,
      `--advertise-address=${nodeAddress}`,
      `--secure-port=${ports.apiServer}`,
      `--service-cluster-ip-range=${serviceNetwork}`,
      `--cert-dir=${layout.certificates}`,
      `--tls-cert-file=${certificate('apiserver.crt')}`,
      `--tls-private-key-file=${certificate('apiserver.key')}`,
      `--client-ca-file=${certificate('ca.crt')}`,
      `--token-auth-file=${certificate('tokens.csv')}`,
      '--authorization-mode=Node,RBAC',
      '--enable-admission-plugins=NodeRestriction',
      '--service-account-issuer=https://kubernetes.default.svc',
      `--service-account-key-file=${certificate('service-account.pub')}`,
      `--service-account-signing-key-file=${certificate('service-account.key')}`,
      '--allow-privileged',
      '--kubelet-preferred-address-types=InternalIP,Hostname',
      `--kubelet-client-certificate=${certificate('kubelet-client.crt')}`,
      `--kubelet-client-key=${certificate('kubelet-client.key')}`,
      // Ends in seconds instead of a minute: open watches are not waited for.
      '--shutdown-send-retry-after',
      `--tracing-config-file=${await writeTracingConfig(layout, version)}`,
      ...(process.env['PODSPAN_CLUSTER_AUDIT'] === '1' ? await auditFlags(layout) : []),
    ],
    env: spanBatches,
  }
}

export const auditLog = (layout: Layout): string => join(layout.logs, 'audit.jsonl')

/** Every write of a pod with its answer: what the API server itself says that became of it. For tests that ask; it costs each write some. */
async function auditFlags(layout: Layout): Promise<string[]> {
  await mkdir(layout.config, { recursive: true })
  const file = join(layout.config, 'audit-policy.json')
  const writes = {
    level: 'RequestResponse',
    verbs: ['create', 'update', 'patch'],
    resources: [{ group: '', resources: ['pods', 'pods/status'] }],
    omitStages: ['RequestReceived'],
  }
  const policy = { apiVersion: 'audit.k8s.io/v1', kind: 'Policy', rules: [writes, { level: 'None' }] }
  await writeFile(file, JSON.stringify(policy))
  return [`--audit-policy-file=${file}`, `--audit-log-path=${auditLog(layout)}`]
}

export function controllerManager(layout: Layout, binaries: Record<string, string>): ProcessSpec {
  const kubeconfig = join(layout.kubeconfigs, 'controller-manager')
  return {
    name: 'kube-controller-manager',
    command: binaries['kube-controller-manager'] ?? '',
    args: [
      ...componentFlags(kubeconfig),
      // One service account per controller, as everywhere: the names appear in managedFields and events.
      '--use-service-account-credentials',
      `--service-account-private-key-file=${join(layout.certificates, 'service-account.key')}`,
      `--root-ca-file=${join(layout.certificates, 'ca.crt')}`,
      `--flex-volume-plugin-dir=${join(layout.kubelet, 'volume-plugins')}`,
    ],
  }
}

export function scheduler(layout: Layout, binaries: Record<string, string>): ProcessSpec {
  return {
    name: 'kube-scheduler',
    command: binaries['kube-scheduler'] ?? '',
    args: componentFlags(join(layout.kubeconfigs, 'scheduler')),
  }
}

function componentFlags(kubeconfig: string): string[] {
  return [
    `--kubeconfig=${kubeconfig}`,
    `--authentication-kubeconfig=${kubeconfig}`,
    `--authorization-kubeconfig=${kubeconfig}`,
    '--bind-address=127.0.0.1',
    // Nobody to contend with: waiting for a lease would cost seconds of every start.
    '--leader-elect=false',
    ...fastClient,
  ]
}

async function writeTracingConfig(layout: Layout, version: string): Promise<string> {
  await mkdir(layout.config, { recursive: true })
  const file = join(layout.config, 'apiserver-tracing.json')
  const config = {
    apiVersion: `apiserver.config.k8s.io/${minorOf(version) >= 34 ? 'v1' : 'v1beta1'}`,
    kind: 'TracingConfiguration',
    endpoint: `127.0.0.1:${ports.nativeGrpc}`,
    samplingRatePerMillion: 1_000_000,
  }
  await writeFile(file, JSON.stringify(config))
  return file
}

/** Asks the API server as the administrator; undefined while it does not answer. */
export function askApiServer(
  layout: Layout,
  path: string,
): Promise<{ status: number; body: string } | undefined> {
  const ca = readText(join(layout.certificates, 'ca.crt'))
  const token = readText(join(layout.certificates, 'tokens.csv'))?.split(',', 1)[0]
  if (ca === undefined || token === undefined) return Promise.resolve(undefined)
  return new Promise((resolve) => {
    const options = {
      ca,
      headers: { authorization: `Bearer ${token}` },
      timeout: 5000,
      agent: false as const,
    }
    const call = request(`${apiServerUrl}${path}`, options, (response) => {
      let body = ''
      response.setEncoding('utf8').on('data', (chunk: string) => {
        body += chunk
      })
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body }))
      response.on('error', () => resolve(undefined))
    })
    call.on('timeout', () => call.destroy())
    call.on('error', () => resolve(undefined))
    call.end()
  })
}

/** Whether an object can be read; with a condition, whether that condition is True. */
export async function objectReady(layout: Layout, path: string, condition?: string): Promise<boolean> {
  const answer = await askApiServer(layout, path)
  if (answer?.status !== 200 || condition === undefined) return answer?.status === 200
  const object = JSON.parse(answer.body) as { status?: { conditions?: { type: string; status: string }[] } }
  return (
    object.status?.conditions?.some(({ type, status }) => type === condition && status === 'True') ?? false
  )
}
