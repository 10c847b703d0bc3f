// Owns a second machine of the cluster, in network and mount namespaces of its own: its containerd has no image, its kubelet knows nobody.
// Promises that the machine is there when `bootMachine` returns and registers as the node it is told to be when `joinMachine` does, with the
// same registry and Collector; that `removeMachine` leaves nothing of it; and that `down` finds whatever is left.
// Does not make a network for its pods: until somebody writes a CNI configuration into `networkConfig`, the node is not Ready.

import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { writeClientKubeconfig } from './certificates.ts'
import { cgroupProcesses, createCgroups } from './cgroups.ts'
import { readCluster } from './cluster.ts'
import { attempt, run } from './commands.ts'
import {
  bridgeName,
  cgroupName,
  clusterLayout,
  type Layout,
  nodeAddress,
  ports,
  serviceNetwork,
} from './layout.ts'
import { mountsBelow } from './mounts.ts'
import { containerd, kubelet } from './node.ts'
import {
  kill,
  listens,
  type ProcessSpec,
  pidOf,
  removeProcess,
  startProcess,
  waitUntil,
} from './processes.ts'

/** Above what host-local gives to pods for hours. */
const ADDRESS = '10.244.255.2'
const POD_NETWORK = { subnet: '10.245.0.0/16', gateway: '10.245.0.1' }
const CABLE = 'podspan2'
const HOLDER = 'machine'
const FORWARDERS = { outside: 'machine-forward-out', inside: 'machine-forward-in' }
const CONTAINERD = 'machine-containerd'
const KUBELET = 'machine-kubelet'
const CGROUP = 'n2'

/** Written to whatever is configured; this machine has its own. */
const FIXED_PATHS = [
  '/run/containerd',
  '/var/lib/cni',
  '/var/lib/kubelet',
  '/var/log/containers',
  '/var/log/pods',
]

export interface Join {
  readonly name: string
  /** As a cloud names the machine. */
  readonly providerID?: string
  readonly labels?: Readonly<Record<string, string>>
  readonly taints?: readonly { readonly key: string; readonly value?: string; readonly effect: string }[]
}

/** Where everything of the machine lies: below the cluster's own directory, which `down` removes. */
function machineLayout(layout: Layout): Layout {
  const root = join(layout.root, 'n2')
  const at = (path: string): string => join(root, path)
  return {
    ...layout,
    config: at('config'),
    kubeconfigs: at('kubeconfigs'),
    containerd: at('containerd'),
    containerdSocket: at('containerd/containerd.sock'),
    kubelet: at('kubelet'),
    podLogs: at('pod-logs'),
    staticPods: at('static-pods'),
    cni: at('cni'),
  }
}

/** The directory in which the node's network is configured; a pod of the host's network may mount it. */
export const networkConfig = (): string => join(machineLayout(clusterLayout()).cni, 'net.d')

/** What a network plugin would write there. */
export const networkPlugins = (): object => {
  const bridge = {
    type: 'bridge',
    bridge: bridgeName,
    isGateway: true,
    ipMasq: true,
    ipam: {
      type: 'host-local',
      dataDir: join(machineLayout(clusterLayout()).cni, 'addresses'),
      ranges: [[POD_NETWORK]],
      routes: [{ dst: '0.0.0.0/0' }],
    },
  }
  return { cniVersion: '1.0.0', name: 'podspan', plugins: [bridge] }
}

/** The machine is switched on: its network and its runtime are there, and nothing has been pulled. */
export async function bootMachine(): Promise<void> {
  await removeMachine()
  const layout = clusterLayout()
  const own = machineLayout(layout)
  const { binaries } = readCluster()
  await mkdir(join(own.cni, 'net.d'), { recursive: true })
  await startProcess(layout, {
    name: HOLDER,
    command: 'unshare',
    args: ['--net', '--mount', 'bash', '-c', prepareScript(), HOLDER],
  })
  await connectCable(holder())
  await forwardPorts(layout)
  await startProcess(layout, inside({ ...(await containerd(own, binaries)), name: CONTAINERD }))
  await waitUntil(layout, {
    what: "the new machine's containerd listens",
    probe: () => listens({ path: own.containerdSocket }),
    processes: [CONTAINERD],
  })
}

/** Its kubelet starts, and registers by itself. */
export async function joinMachine({ name, providerID, labels = {}, taints = [] }: Join): Promise<void> {
  const layout = clusterLayout()
  const own = machineLayout(layout)
  const { binaries, kubernetesVersion } = readCluster()
  await mkdir(own.kubeconfigs, { recursive: true, mode: 0o700 })
  await writeClientKubeconfig(layout, join(own.kubeconfigs, 'kubelet'), {
    file: 'machine-kubelet',
    subject: `/O=system:nodes/CN=system:node:${name}`,
  })
  createCgroups(CGROUP)
  const spec = await kubelet(own, binaries, kubernetesVersion, {
    name,
    address: ADDRESS,
    cgroup: `${cgroupName}/${CGROUP}`,
    labels,
    ...(providerID === undefined ? {} : { providerID }),
    registerWithTaints: taints,
  })
  await startProcess(layout, inside({ ...spec, name: KUBELET }))
}

/** Its containers go with its namespaces; the Node object stays for whoever owns it. */
export async function removeMachine(): Promise<void> {
  const layout = clusterLayout()
  await removeProcess(layout, KUBELET)
  for (const pid of cgroupProcesses(CGROUP)) kill(pid, 'SIGKILL')
  for (const name of [CONTAINERD, FORWARDERS.inside, FORWARDERS.outside, HOLDER])
    await removeProcess(layout, name)
  await attempt('ip', ['link', 'delete', CABLE])
  if (mountsBelow(join(layout.root, 'n2')).length === 0)
    await rm(join(layout.root, 'n2'), { recursive: true, force: true })
}

function holder(): number {
  const pid = pidOf(clusterLayout(), HOLDER)
  if (pid === undefined) throw new Error('the new machine is not there')
  return pid
}

/** Waits for orphans, as an init does. */
const prepareScript = (): string =>
  [
    'set -e',
    'mount --make-rprivate /',
    ...FIXED_PATHS.map((path) => `mkdir -p ${path}; mount -t tmpfs tmpfs ${path}`),
    'ip link set lo up',
    'while :; do sleep 3600 & wait $!; done',
  ].join('\n')

/** A process in the machine's namespaces; nsenter becomes it. */
const inside = (spec: ProcessSpec): ProcessSpec => ({
  ...spec,
  command: 'nsenter',
  args: [`--target=${holder()}`, '--net', '--mount', '--wd=/', '--', spec.command, ...spec.args],
})

async function connectCable(pid: number): Promise<void> {
  const within = (...args: string[]): Promise<string> =>
    run('nsenter', [`--target=${pid}`, '--net', '--', 'ip', ...args])
  const layout = clusterLayout()
  // The namespace is there a moment after the process.
  await waitUntil(layout, {
    what: 'the new machine has a network of its own',
    probe: async () =>
      (
        await attempt('ip', [
          'link',
          'add',
          CABLE,
          'type',
          'veth',
          'peer',
          'name',
          'eth0',
          'netns',
          String(pid),
        ])
      ).code === 0,
    processes: [HOLDER],
  })
  await run('ip', ['link', 'set', CABLE, 'master', bridgeName, 'up'])
  await within('address', 'add', `${ADDRESS}/16`, 'dev', 'eth0')
  await within('link', 'set', 'eth0', 'up')
  await within('route', 'add', 'default', 'via', nodeAddress)
  await within('route', 'replace', serviceNetwork, 'via', nodeAddress)
}

/** Registry and Collector listen on the first machine's loopback, and images bear that name. */
async function forwardPorts(layout: Layout): Promise<void> {
  const carried = [ports.registry, ports.nativeGrpc].map((port) => ({
    address: `127.0.0.1:${port}`,
    socket: join(layout.root, 'n2', `${port}.sock`),
  }))
  const forwarder = join(import.meta.dirname, 'forward.ts')
  const start = (name: string, pairs: readonly string[]): ProcessSpec => ({
    name,
    command: process.execPath,
    args: [forwarder, ...pairs],
  })
  await startProcess(
    layout,
    start(
      FORWARDERS.outside,
      carried.map(({ address, socket }) => `${socket}=${address}`),
    ),
  )
  await startProcess(
    layout,
    inside(
      start(
        FORWARDERS.inside,
        carried.map(({ address, socket }) => `${address}=${socket}`),
      ),
    ),
  )
  for (const { socket } of carried)
    await waitUntil(layout, {
      what: 'the new machine reaches the registry and the Collector',
      probe: () => listens({ path: socket }),
      processes: [FORWARDERS.outside, FORWARDERS.inside],
    })
}
