// Owns what gives the node devices: upstream's DRA test driver and its sample device plugin, each a process beside the kubelet.
// Promises that devices can be asked for when a start function returns, and that nothing of a driver is left when it is stopped.
// Does not make claims or pods.

import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { buildTool } from './build.ts'
import { kubectl } from './cluster.ts'
import { askApiServer } from './control-plane.ts'
import { clusterLayout, nodeName } from './layout.ts'
import { removeProcess, startProcess, waitUntil } from './processes.ts'

export const draDriverName = 'test-driver.cdi.k8s.io'
export const pluginResource = 'example.com/resource'

const DRA_DRIVER = 'dra-driver'
const DEVICE_PLUGIN = 'device-plugin'

/** Publishes four devices of the node as a ResourceSlice. */
export async function startDraDriver(): Promise<void> {
  const layout = clusterLayout()
  const { 'dra-test-driver': command = '' } = await buildTool('devices')
  const registry = join(layout.kubelet, 'plugins_registry')
  const plugins = join(layout.kubelet, 'plugins')
  await mkdir(registry, { recursive: true })
  await mkdir(join(plugins, draDriverName), { recursive: true })
  // The slices of a driver that has just been stopped are not those of the next one.
  await kubectl(['delete', 'resourceslices', `--field-selector=spec.driver=${draDriverName}`])
  await startProcess(layout, {
    name: DRA_DRIVER,
    command,
    args: [
      'kubelet-plugin',
      `--kubeconfig=${layout.kubeconfig}`,
      `--node-name=${nodeName}`,
      `--plugin-registration-path=${registry}`,
      `--datadir=${plugins}`,
      `--cdi-dir=${join(layout.containerd, 'cdi')}`,
    ],
  })
  await waitUntil(layout, {
    what: `${draDriverName} has published its devices`,
    probe: async () => (await countSlices()) > 0,
    processes: [DRA_DRIVER],
  })
}

async function countSlices(): Promise<number> {
  const selector = `fieldSelector=spec.driver=${draDriverName}`
  const answer = await askApiServer(clusterLayout(), `/apis/resource.k8s.io/v1/resourceslices?${selector}`)
  if (answer?.status !== 200) return 0
  return (JSON.parse(answer.body) as { items: unknown[] | null }).items?.length ?? 0
}

/** The kubelet forgets the driver at once, its ResourceSlices half a minute later. */
export const stopDraDriver = (): Promise<void> => removeProcess(clusterLayout(), DRA_DRIVER)

/** Two devices of `example.com/resource` on the node. */
export async function startDevicePlugin(): Promise<void> {
  const layout = clusterLayout()
  const { 'sample-device-plugin': command = '' } = await buildTool('devices')
  await startProcess(layout, { name: DEVICE_PLUGIN, command, args: [] })
  await waitUntil(layout, {
    what: `the node has ${pluginResource}`,
    probe: async () => (await allocatable()) === 2,
    processes: [DEVICE_PLUGIN],
  })
}

/** How many devices the node's status says can be had; undefined where it does not name them. */
export async function allocatable(): Promise<number | undefined> {
  const answer = await askApiServer(clusterLayout(), `/api/v1/nodes/${nodeName}`)
  if (answer?.status !== 200) return undefined
  const { status } = JSON.parse(answer.body) as { status?: { allocatable?: Record<string, string> } }
  const count = status?.allocatable?.[pluginResource]
  return count === undefined ? undefined : Number(count)
}

/** The plugin makes files for the devices that it hands out. */
export async function stopDevicePlugin(): Promise<void> {
  await removeProcess(clusterLayout(), DEVICE_PLUGIN)
  for (const device of ['Dev-1', 'Dev-2']) await rm(join('/tmp', device), { force: true })
}
