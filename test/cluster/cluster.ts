// Owns what tests may ask of the running cluster: facts, kubectl, images, and faults.
// Promises that a function returns when what it names has happened (the API server is ready again, the image is gone).
// Does not start or end the cluster: see up.ts and down.ts.

import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { cgroupProcesses } from './cgroups.ts'
import { type Onward, writeConfig } from './collector.ts'
import { ClusterError, run } from './commands.ts'
import { askApiServer } from './control-plane.ts'
import { type ClusterFacts, readFacts, refreshPids } from './facts.ts'
import { type Image, makeImage, referenceOf } from './images.ts'
import { clusterLayout, nodeName, ports } from './layout.ts'
import { kill, listens, readText, signalProcess, startAgain, stopProcess, waitUntil } from './processes.ts'

export type { ClusterFacts } from './facts.ts'
export type { Image, Layer } from './images.ts'
export { leftovers } from './teardown.ts'

/** What is in cluster.json; throws when no cluster is up. */
export function readCluster(): ClusterFacts {
  const facts = readFacts(clusterLayout())
  if (facts === undefined) throw new ClusterError('no cluster is running; `make cluster-up` starts one')
  return facts
}

export interface KubectlOptions {
  /** For `apply -f -`. */
  readonly input?: string
  /** Instead of the administrator's. */
  readonly kubeconfig?: string
}

/** Runs kubectl and returns what it printed; throws with its message when it fails. */
export function kubectl(args: readonly string[], options: KubectlOptions = {}): Promise<string> {
  const { binaries, kubeconfig } = readCluster()
  return run(binaries.kubectl ?? 'kubectl', args, {
    env: { KUBECONFIG: options.kubeconfig ?? kubeconfig },
    ...(options.input === undefined ? {} : { input: options.input }),
  })
}

/** Makes an image and pushes it to the cluster's registry; returns its reference. */
export function pushImage(name: string, tag: string, content: Omit<Image, 'name' | 'tag'>): Promise<string> {
  return makeImage({ ...content, name, tag }, readCluster().binaries.crane ?? 'crane')
}

/** An image that no node has seen: agnhost with so much random data on top. Returns its reference. */
export function pushFreshImage(name: string, randomMegabytes: number): Promise<string> {
  return pushImage(name, randomBytes(6).toString('hex'), {
    base: referenceOf({ name: 'agnhost', tag: 'latest' }),
    layers: [{ randomMegabytes }],
  })
}

/** Removes an image from the node, content and all, so that the next pull is a cold one. */
export async function removeImage(reference: string): Promise<void> {
  const { binaries, containerdSocket } = readCluster()
  const images = (...args: string[]): Promise<string> =>
    run(binaries.ctr ?? 'ctr', ['--address', containerdSocket, '--namespace', 'k8s.io', 'images', ...args])
  const rows = (await images('ls')).split('\n').map((row) => row.trim().split(/\s+/))
  const digest = rows.find(([name]) => name === reference)?.[2]
  if (digest === undefined) return
  // The runtime keeps the same image under its tag, its digest and its id; the content goes with the last of them.
  const names = rows.filter((row) => row[2] === digest).map(([name]) => name ?? '')
  await images('rm', '--sync', ...names)
}

/** Watches end and requests are refused until `startApiServer`; a crash breaks connections without a word. */
export async function stopApiServer(how: 'gracefully' | 'crash' = 'gracefully'): Promise<void> {
  await stopProcess(clusterLayout(), 'kube-apiserver', how === 'crash' ? 0 : 60_000)
  refreshPids(clusterLayout())
}

export async function startApiServer(): Promise<void> {
  const layout = clusterLayout()
  await startAgain(layout, 'kube-apiserver')
  await waitUntil(layout, {
    what: 'the API server is ready again',
    probe: async () => (await askApiServer(layout, '/readyz'))?.status === 200,
    processes: ['kube-apiserver'],
  })
  refreshPids(layout)
}

export async function restartApiServer(): Promise<void> {
  await stopApiServer()
  await startApiServer()
}

/** Restarts the kubelet; the containers live on. */
export async function restartKubelet(): Promise<void> {
  const layout = clusterLayout()
  await stopProcess(layout, 'kubelet')
  await startAgain(layout, 'kubelet')
  // It answers before it has learnt of its pods, and then refuses `logs` and `exec`.
  const kubeletPods = `/api/v1/nodes/${nodeName}/proxy/pods`
  const boundPods = `/api/v1/pods?fieldSelector=spec.nodeName=${nodeName}`
  const probe = async (): Promise<boolean> =>
    (await countItems(kubeletPods)) > 0 || (await countItems(boundPods)) === 0
  await waitUntil(layout, { what: 'the kubelet knows its pods again', probe, processes: ['kubelet'] })
  refreshPids(layout)
}

/** Restarts containerd; the containers live on in their shims, and pulls under way fail. */
export async function restartRuntime(): Promise<void> {
  const layout = clusterLayout()
  await stopProcess(layout, 'containerd')
  await startAgain(layout, 'containerd')
  refreshPids(layout)
}

interface KubeletPulls {
  /** Without it one after the other, as by default. */
  readonly atOnce: boolean
  /** So many at a time. */
  readonly most?: number
}

/** How the kubelet pulls images; restarts it. */
export async function setKubeletPulls({ atOnce, most }: KubeletPulls): Promise<void> {
  const path = join(clusterLayout().config, 'kubelet.json')
  const config = JSON.parse(await readFile(path, 'utf8')) as Record<string, unknown>
  const pulls = { serializeImagePulls: !atOnce, maxParallelImagePulls: most }
  await writeFile(path, JSON.stringify({ ...config, ...pulls }, undefined, 2))
  await restartKubelet()
}

/** NaN while the list cannot be had, which is neither none nor some. */
async function countItems(path: string): Promise<number> {
  const answer = await askApiServer(clusterLayout(), path)
  if (answer?.status !== 200) return Number.NaN
  return (JSON.parse(answer.body) as { items: unknown[] | null }).items?.length ?? 0
}

/** Components then export to nothing; what they hold comes when it is started again. */
export async function stopCollector(): Promise<void> {
  await stopProcess(clusterLayout(), 'otelcol')
  refreshPids(clusterLayout())
}

/** As it was brought up, but for where it sends what it receives besides. */
export async function startCollector(onward: Onward = {}): Promise<void> {
  const layout = clusterLayout()
  await writeConfig(layout, onward)
  await startAgain(layout, 'otelcol')
  const probe = async (): Promise<boolean> =>
    (await listens({ host: '127.0.0.1', port: ports.nativeGrpc })) &&
    (await listens({ host: '127.0.0.1', port: ports.podspanGrpc }))
  await waitUntil(layout, { what: 'the Collector listens', probe, processes: ['otelcol'] })
  refreshPids(layout)
}

/** Has the Collector send what it receives elsewhere too, until this is disposed of. */
export async function sendOnward(onward: Onward): Promise<AsyncDisposable> {
  const restart = async (to: Onward): Promise<void> => {
    await stopCollector()
    await startCollector(to)
  }
  await restart(onward)
  return { [Symbol.asyncDispose]: () => restart({}) }
}

/** Stops a process in its tracks, as an overloaded machine would: it keeps its connections and answers nothing. */
export function pauseProcess(name: string): void {
  signalProcess(clusterLayout(), name, 'SIGSTOP')
}

export function resumeProcess(name: string): void {
  signalProcess(clusterLayout(), name, 'SIGCONT')
}

/** Kills what holds a sandbox's namespaces, in one sandbox after the other that `chosen` picks by its place; returns how many. */
export function killSandboxes(chosen: (index: number) => boolean): number {
  const holders = cgroupProcesses().filter((pid) => readText(`/proc/${pid}/comm`)?.trim() === 'pause')
  const killed = holders.filter((_, index) => chosen(index))
  for (const pid of killed) kill(pid, 'SIGKILL')
  return killed.length
}

/** Takes the runtime's network configuration away, or gives it back: without it the node has no network, and says so. */
export async function setNetwork(configured: boolean): Promise<void> {
  const file = join(clusterLayout().cni, 'net.d', 'podspan.conflist')
  const [from, to] = configured ? [`${file}.away`, file] : [file, `${file}.away`]
  if (existsSync(from)) await rename(from, to)
}

/**
 * Forgets every revision before now; returns the current one. The API server still answers from its watch cache, which
 * begins anew when it restarts: a watch from an older resourceVersion gets 410 after compactEtcd and restartApiServer.
 */
export async function compactEtcd(): Promise<string> {
  const status = (await askEtcd('/v3/maintenance/status', {})) as { header: { revision: string } }
  const { revision } = status.header
  await askEtcd('/v3/kv/compaction', { revision, physical: true })
  return revision
}

async function askEtcd(path: string, body: object): Promise<unknown> {
  const response = await fetch(`${readCluster().etcd}${path}`, { method: 'POST', body: JSON.stringify(body) })
  if (!response.ok)
    throw new ClusterError(`etcd refused ${path} with ${response.status}: ${await response.text()}`)
  return response.json()
}
