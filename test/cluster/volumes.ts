// Owns what volumes need beside the cluster: a real dynamic provisioner (local-path), the real external-attacher, and a CSI driver for it.
// Promises that claims are provisioned, and volumes attached and mounted, when a function returns, and that nothing of it is left after its
// counterpart. Does not make claims: test/scenarios/volumes.ts does.

import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { buildTool } from './build.ts'
import { kubectl } from './cluster.ts'
import { askApiServer } from './control-plane.ts'
import { DRIVER } from './csi-driver.ts'
import { clusterLayout, type Layout, nodeName, registryAddress } from './layout.ts'
import { listens, removeProcess, startProcess, waitUntil } from './processes.ts'

export const PROVISIONER = 'rancher.io/local-path'
const NAMESPACE = 'local-path-storage'
const PROCESS = 'local-path-provisioner'

/** One class binds when its first consumer comes, the other at once, on what all nodes would share. */
export const classes = { waiting: 'podspan-waiting', immediate: 'podspan-immediate' }
/** A path that the first class may ask for, and that is not configured before `allowPath`. */
export const latePath = (): string => join(clusterLayout().root, 'local-path', 'late')

interface ProvisionerOptions {
  /** How long the helper pod takes. */
  readonly setupSeconds?: number
}

export async function startProvisioner({ setupSeconds = 2 }: ProvisionerOptions = {}): Promise<void> {
  const layout = clusterLayout()
  const { [PROCESS]: command = '' } = await buildTool(PROCESS)
  await writeConfig([])
  const helper = join(layout.config, 'local-path-helper.json')
  await writeFile(helper, JSON.stringify(helperPod))
  await kubectl(['apply', '-f', '-'], { input: JSON.stringify(objects(setupSeconds)) })
  await startProcess(layout, {
    name: PROCESS,
    command,
    args: [
      ...['--debug', 'start', '--config', configFile(layout), '--kubeconfig', layout.kubeconfig],
      ...['--namespace', NAMESPACE, '--service-account-name', 'default', '--helper-pod-file', helper],
      ...['--provisioner-name', PROVISIONER, '--helper-image', `${registryAddress}/busybox:latest`],
    ],
  })
}

export async function stopProvisioner(): Promise<void> {
  await removeProcess(clusterLayout(), PROCESS)
  await kubectl(['delete', 'namespace', NAMESPACE, '--ignore-not-found', '--wait=false'])
}

/** The provisioner reads it again every half minute. */
export const allowPath = (): Promise<void> => writeConfig([latePath()])

const configFile = ({ config }: Layout): string => join(config, 'local-path.json')

async function writeConfig(more: readonly string[]): Promise<void> {
  const layout = clusterLayout()
  const root = join(layout.root, 'local-path')
  const nodePathMap = [{ node: 'DEFAULT_PATH_FOR_NON_LISTED_NODES', paths: [join(root, 'own'), ...more] }]
  const storageClassConfigs = {
    [classes.waiting]: { nodePathMap },
    [classes.immediate]: { sharedFileSystemPath: join(root, 'shared') },
  }
  await mkdir(layout.config, { recursive: true })
  await writeFile(configFile(layout), JSON.stringify({ storageClassConfigs }))
}

const helperPod = {
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'helper-pod' },
  spec: {
    terminationGracePeriodSeconds: 1,
    containers: [
      { name: 'helper-pod', image: `${registryAddress}/busybox:latest`, imagePullPolicy: 'IfNotPresent' },
    ],
  },
}

const objects = (setupSeconds: number) => ({
  apiVersion: 'v1',
  kind: 'List',
  items: [
    { apiVersion: 'v1', kind: 'Namespace', metadata: { name: NAMESPACE } },
    {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'local-path-config', namespace: NAMESPACE },
      data: {
        setup: `sleep ${setupSeconds}; mkdir -m 0777 -p "$VOL_DIR"`,
        teardown: 'rm -rf "$VOL_DIR"',
      },
    },
  ],
})

const driver = 'csi-driver'
const attacher = 'csi-attacher'

/** The driver, registered with the kubelet, and the external-attacher beside it. */
export async function startCsi(): Promise<void> {
  const layout = clusterLayout()
  const { [attacher]: command = '' } = await buildTool('external-attacher')
  const data = join(layout.root, 'csi-data')
  await mkdir(data, { recursive: true })
  await kubectl(['apply', '-f', '-'], { input: JSON.stringify(csiDriver) })
  await startProcess(layout, {
    name: driver,
    command: process.execPath,
    args: [join(import.meta.dirname, 'csi-driver.ts'), nodeName, layout.kubelet, data],
  })
  const path = join(layout.kubelet, 'plugins', DRIVER, 'csi.sock')
  await waitUntil(layout, {
    what: 'the CSI driver listens',
    probe: () => listens({ path }),
    processes: [driver],
  })
  await startProcess(layout, {
    name: attacher,
    command,
    args: [`--kubeconfig=${layout.kubeconfig}`, `--csi-address=${path}`, '--v=4'],
  })
  await waitUntil(layout, {
    what: 'the kubelet knows the CSI driver',
    probe: isRegistered,
    processes: [driver],
  })
}

export async function stopCsi(): Promise<void> {
  const layout = clusterLayout()
  await waitUntil(layout, { what: 'no volume is attached', probe: isDetached, processes: [attacher, driver] })
  for (const name of [attacher, driver]) await removeProcess(layout, name)
  await kubectl(['delete', 'csidriver', DRIVER, '--ignore-not-found'])
  await rm(join(layout.root, 'csi-data'), { recursive: true, force: true })
}

/** Ownership is changed by the kubelet, file by file, as `fsGroup` asks for. */
const csiDriver = {
  apiVersion: 'storage.k8s.io/v1',
  kind: 'CSIDriver',
  metadata: { name: DRIVER },
  spec: { attachRequired: true, podInfoOnMount: false, fsGroupPolicy: 'File' },
}

async function isRegistered(): Promise<boolean> {
  const answer = await askApiServer(clusterLayout(), `/apis/storage.k8s.io/v1/csinodes/${nodeName}`)
  return answer?.status === 200 && answer.body.includes(DRIVER)
}

async function isDetached(): Promise<boolean> {
  const answer = await askApiServer(clusterLayout(), '/apis/storage.k8s.io/v1/volumeattachments')
  return answer?.status === 200 && (JSON.parse(answer.body) as { items: unknown[] }).items.length === 0
}
