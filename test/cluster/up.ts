// Owns the start of a cluster: `make cluster-up` runs this file.
// Promises one line on stdout, `export KUBECONFIG=…`, when the node is ready and the test images can be pulled;
// a healthy cluster is kept, anything less is taken down first.
// Does not clean up after a failed start: its logs stay for reading until the next `up` or `down`.

import { mkdir, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { recordBaseline } from './baseline.ts'
import { buildAll } from './build.ts'
import { writeCredentials } from './certificates.ts'
import { createCgroups } from './cgroups.ts'
import { collector } from './collector.ts'
import { clock, runScript, say } from './commands.ts'
import { apiServer, askApiServer, controllerManager, etcd, objectReady, scheduler } from './control-plane.ts'
import { readFacts, writeFacts } from './facts.ts'
import { pushTestImages } from './images.ts'
import { clusterLayout, type Layout, nodeName, ports, registryAddress } from './layout.ts'
import { withLock } from './lock.ts'
import { createBridge } from './network.ts'
import { containerd, kubelet, proxy, writeCniConfig } from './node.ts'
import { listens, pidOf, processNames, startProcess, waitUntil } from './processes.ts'
import { requireMachine, requirePorts } from './requirements.ts'
import { leftovers, teardown } from './teardown.ts'
import { kubernetesVersion } from './versions.ts'

const nodePath = `/api/v1/nodes/${nodeName}`

/** Brings the cluster up if it is not; returns the path of its kubeconfig. */
export async function up(layout: Layout, version: string): Promise<string> {
  requireMachine()
  return withLock('cluster', async () => {
    if (await isHealthy(layout, version)) {
      say('cluster is running already')
      return layout.kubeconfig
    }
    const binaries = await buildAll(version)
    const started = clock.monotonicMs()
    if ((await leftovers(layout)).length > 0) {
      say('removing what is left of another cluster…')
      await teardown(layout)
    }
    await start(layout, binaries, version)
    say(`cluster ready in ${((clock.monotonicMs() - started) / 1000).toFixed(1)} s`)
    return layout.kubeconfig
  })
}

async function isHealthy(layout: Layout, version: string): Promise<boolean> {
  const facts = readFacts(layout)
  if (facts === undefined || facts.kubernetesVersion !== version) return false
  if (processNames(layout).some((name) => pidOf(layout, name) === undefined)) return false
  return objectReady(layout, nodePath, 'Ready')
}

async function start(layout: Layout, binaries: Record<string, string>, version: string): Promise<void> {
  await requirePorts([...Object.values(ports), 10248, 10249, 10256, 10257, 10259])
  await mkdir(layout.root, { recursive: true, mode: 0o755 })
  await writeFile(layout.mark, '')
  await recordBaseline(layout)
  await createBridge()
  await Promise.all([writeCredentials(layout), startFoundations(layout, binaries)])
  await Promise.all([
    pushTestImages(binaries),
    startControlPlane(layout, binaries, version).then(() => startNode(layout, binaries, version)),
  ])
  writeFacts(layout, binaries, version)
}

/** What needs nothing else: the Collector first, so that no span of the others is lost. */
async function startFoundations(layout: Layout, binaries: Record<string, string>): Promise<void> {
  await startProcess(layout, await collector(layout, binaries))
  await mkdir(layout.registry, { recursive: true })
  await startProcess(layout, {
    name: 'registry',
    command: binaries.crane ?? '',
    args: ['registry', 'serve', `--address=${registryAddress}`, `--disk=${layout.registry}`],
  })
  await startProcess(layout, etcd(layout, binaries))
  await waitForPort(layout, 'otelcol', ports.nativeGrpc)
  await mkdir(dirname(layout.containerdSocket), { recursive: true })
  await writeCniConfig(layout)
  await startProcess(layout, await containerd(layout, binaries))
  await waitForPort(layout, 'registry', ports.registry)
  await waitForPort(layout, 'etcd', ports.etcd)
}

async function startControlPlane(
  layout: Layout,
  binaries: Record<string, string>,
  version: string,
): Promise<void> {
  await startProcess(layout, await apiServer(layout, binaries, version))
  await waitUntil(layout, {
    what: 'the API server is ready',
    probe: async () => (await askApiServer(layout, '/readyz'))?.status === 200,
    processes: ['kube-apiserver', 'etcd'],
  })
  await startProcess(layout, controllerManager(layout, binaries))
  await startProcess(layout, scheduler(layout, binaries))
}

async function startNode(layout: Layout, binaries: Record<string, string>, version: string): Promise<void> {
  await waitUntil(layout, {
    what: 'containerd listens',
    probe: () => listens({ path: layout.containerdSocket }),
    processes: ['containerd'],
  })
  createCgroups()
  await startProcess(layout, await kubelet(layout, binaries, version))
  await startProcess(layout, proxy(layout, binaries))
  await waitUntil(layout, {
    what: `node ${nodeName} is Ready`,
    probe: () => objectReady(layout, nodePath, 'Ready'),
    processes: ['kubelet', 'containerd'],
  })
  await waitUntil(layout, {
    what: 'the default service account exists',
    probe: () => objectReady(layout, '/api/v1/namespaces/default/serviceaccounts/default'),
    processes: ['kube-controller-manager', 'kube-scheduler'],
  })
}

function waitForPort(layout: Layout, name: string, port: number): Promise<void> {
  const probe = (): Promise<boolean> => listens({ host: '127.0.0.1', port })
  return waitUntil(layout, { what: `${name} listens on port ${port}`, probe, processes: [name] })
}

if (import.meta.main) {
  runScript(async () => {
    const kubeconfig = await up(clusterLayout(), kubernetesVersion())
    process.stdout.write(`export KUBECONFIG=${kubeconfig}\n`)
  })
}
