// Owns real Karpenter on the cluster, and the nodes that it gets: KWOK's cloud makes Node objects, KWOK plays their kubelets; or, for who
// brings a machine of its own (machine.ts), neither.
// Promises that a NodePool may be created when `startKarpenter` returns, and that neither runs any more after `stopKarpenter`.
// Does not create NodePools; what a pretended node and its pods do, and how long it takes, is in `stages`.

import { mkdir, readdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { buildTool } from './build.ts'
import { readCluster } from './cluster.ts'
import { run } from './commands.ts'
import { askApiServer } from './control-plane.ts'
import { clusterLayout, type Layout } from './layout.ts'
import { removeProcess, startProcess, waitUntil } from './processes.ts'

const KARPENTER = 'karpenter'
const KWOK = 'kwok'
const ports = { metrics: 28080, health: 28081 }

/** `kubelets`: pretended by KWOK, or real ones, which somebody else starts. */
export async function startKarpenter(kubelets: 'pretended' | 'real' = 'pretended'): Promise<void> {
  const layout = clusterLayout()
  const { karpenter = '' } = await buildTool('karpenter')
  await applyDefinitions(dirname(karpenter))
  // Of a scenario that ended early; a second one would find the port taken.
  await removeProcesses()
  if (kubelets === 'pretended') await startKwok(layout)
  await startProcess(layout, {
    name: KARPENTER,
    command: karpenter,
    args: [],
    env: {
      KUBECONFIG: layout.kubeconfig,
      DISABLE_LEADER_ELECTION: 'true',
      METRICS_PORT: String(ports.metrics),
      HEALTH_PROBE_PORT: String(ports.health),
    },
  })
  const processes = kubelets === 'pretended' ? [KARPENTER, KWOK] : [KARPENTER]
  await waitUntil(layout, { what: 'Karpenter is ready', probe: isReady, processes })
}

/** Plays the kubelet of every Node that is annotated `kwok.x-k8s.io/node: fake`. */
export async function startKwok(layout: Layout): Promise<void> {
  const { kwok = '' } = await buildTool('kwok')
  await mkdir(layout.config, { recursive: true })
  const config = join(layout.config, 'kwok.yaml')
  await writeFile(config, stages.map((stage) => JSON.stringify(stage)).join('\n---\n'))
  await startProcess(layout, {
    name: KWOK,
    command: kwok,
    args: [
      `--kubeconfig=${layout.kubeconfig}`,
      `--config=${config}`,
      '--manage-nodes-with-annotation-selector=kwok.x-k8s.io/node=fake',
      '--node-lease-duration-seconds=40',
    ],
  })
}

/** Karpenter has to see its nodes off first. */
export async function stopKarpenter(): Promise<void> {
  await waitUntil(clusterLayout(), {
    what: "Karpenter's nodes are gone",
    probe: async () => (await countClaims()) === 0,
    processes: [KARPENTER],
  })
  await removeProcesses()
}

export const stopKwok = (): Promise<void> => removeProcess(clusterLayout(), KWOK)

async function removeProcesses(): Promise<void> {
  for (const name of [KARPENTER, KWOK]) await removeProcess(clusterLayout(), name)
}

async function countClaims(): Promise<number> {
  const answer = await askApiServer(clusterLayout(), '/apis/karpenter.sh/v1/nodeclaims')
  if (answer?.status !== 200) return Number.NaN
  return (JSON.parse(answer.body) as { items: unknown[] }).items.length
}

async function isReady(): Promise<boolean> {
  try {
    return (await fetch(`http://127.0.0.1:${ports.health}/readyz`)).ok
  } catch {
    return false
  }
}

async function applyDefinitions(directory: string): Promise<void> {
  const { binaries, kubeconfig } = readCluster()
  const kubectl = (...args: string[]): Promise<string> =>
    run(binaries['kubectl'] ?? 'kubectl', args, { env: { KUBECONFIG: kubeconfig } })
  const files: string[] = []
  for (const part of ['pkg/apis/crds', 'kwok/apis/crds'])
    for (const file of await readdir(join(directory, part)))
      if (file.endsWith('.yaml')) files.push('-f', join(directory, part, file))
  await kubectl('apply', '--server-side', '--force-conflicts', ...files)
  await kubectl('wait', '--for=condition=Established', '--timeout=60s', ...files)
  await waitUntil(clusterLayout(), {
    what: 'NodePools are served',
    probe: async () =>
      (await askApiServer(clusterLayout(), '/apis/karpenter.sh/v1/nodepools'))?.status === 200,
    processes: ['kube-apiserver'],
  })
}

interface Step {
  readonly name: string
  readonly kind: 'Node' | 'Pod'
  /** jq expressions that must have, or must not have, a value. */
  readonly when: readonly { readonly key: string; readonly operator: string; readonly values?: string[] }[]
  readonly delayMs: number
  readonly jitterMs?: number
  readonly next: object
}

const stage = ({ name, kind, when, delayMs, jitterMs, next }: Step): object => ({
  apiVersion: 'kwok.x-k8s.io/v1alpha1',
  kind: 'Stage',
  metadata: { name },
  spec: {
    resourceRef: { apiGroup: 'v1', kind },
    selector: { matchExpressions: when },
    delay: {
      durationMilliseconds: delayMs,
      ...(jitterMs === undefined ? {} : { jitterDurationMilliseconds: jitterMs }),
    },
    next,
  },
})

const condition = (type: string, status: string): string =>
  `- {type: ${type}, status: "${status}", lastTransitionTime: {{ $now | Quote }}, lastHeartbeatTime: {{ $now | Quote }}, reason: KubeletReady, message: pretended}`

const podCondition = (type: string, status: string): string =>
  `- {type: ${type}, status: "${status}", lastTransitionTime: {{ $now | Quote }}}`

const isRunning = '.status.conditions.[] | select( .type == "Ready" ) | .status'
const present = [{ key: '.metadata.deletionTimestamp', operator: 'DoesNotExist' }]

/** A node takes a second and a half to be Ready, a pod 0.3 s to be taken and 0.7 s more to be Ready. */
const stages: readonly object[] = [
  stage({
    name: 'node-ready',
    kind: 'Node',
    when: [{ key: isRunning, operator: 'NotIn', values: ['True'] }],
    delayMs: 1500,
    next: {
      statusTemplate: `{{ $now := Now }}
conditions:
${condition('Ready', 'True')}
addresses: [{type: InternalIP, address: {{ NodeIP | Quote }}}, {type: Hostname, address: {{ .metadata.name | Quote }}}]
allocatable:
{{ YAML .status.allocatable 1 }}
capacity:
{{ YAML .status.capacity 1 }}
nodeInfo: {architecture: amd64, bootID: "", containerRuntimeVersion: kwok, kernelVersion: kwok, kubeProxyVersion: kwok, kubeletVersion: kwok, machineID: "", operatingSystem: linux, osImage: "", systemUUID: ""}
phase: Running`,
    },
  }),
  stage({
    name: 'pod-admitted',
    kind: 'Pod',
    when: [...present, { key: '.status.startTime', operator: 'DoesNotExist' }],
    delayMs: 300,
    next: {
      statusTemplate: `{{ $now := Now }}
startTime: {{ $now | Quote }}
phase: Pending
conditions:
${['Initialized', 'PodReadyToStartContainers'].map((type) => podCondition(type, 'True')).join('\n')}
${['Ready', 'ContainersReady'].map((type) => podCondition(type, 'False')).join('\n')}
containerStatuses:
{{ range .spec.containers }}
- {name: {{ .name | Quote }}, image: {{ .image | Quote }}, ready: false, started: false, restartCount: 0, state: {waiting: {reason: ContainerCreating}}}
{{ end }}`,
    },
  }),
  stage({
    name: 'pod-ready',
    kind: 'Pod',
    when: [
      ...present,
      { key: '.status.startTime', operator: 'Exists' },
      { key: '.status.containerStatuses.[].state.running.startedAt', operator: 'DoesNotExist' },
    ],
    delayMs: 700,
    next: {
      statusTemplate: `{{ $now := Now }}
phase: Running
conditions:
${['Ready', 'ContainersReady'].map((type) => podCondition(type, 'True')).join('\n')}
containerStatuses:
{{ range .spec.containers }}
- {name: {{ .name | Quote }}, image: {{ .image | Quote }}, ready: true, started: true, restartCount: 0, state: {running: {startedAt: {{ $now | Quote }}}}}
{{ end }}`,
    },
  }),
  stage({
    name: 'pod-gone',
    kind: 'Pod',
    when: [{ key: '.metadata.deletionTimestamp', operator: 'Exists' }],
    delayMs: 100,
    next: { delete: true },
  }),
]
