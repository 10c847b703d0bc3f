// Owns the one node: containerd, kubelet and kube-proxy, and their configuration.
// Promises that all they write lies below the state directory, all containers below one cgroup, and every span is sampled.
// Does not know images (images.ts) or clean up (teardown.ts).

import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { spanBatches } from './control-plane.ts'
import {
  bridgeName,
  cgroupName,
  type Layout,
  nodeAddress,
  nodeName,
  podNetwork,
  ports,
  registryAddress,
  slowRegistryAddress,
} from './layout.ts'
import type { ProcessSpec } from './processes.ts'
import { minorOf } from './versions.ts'

export const pauseImage = `${registryAddress}/pause:latest`

export async function containerd(
  layout: Layout,
  binaries: Readonly<Record<string, string>>,
): Promise<ProcessSpec> {
  const command = binaries.containerd ?? ''
  const at = (path: string): string => join(layout.containerd, path)
  for (const address of [registryAddress, slowRegistryAddress]) {
    await mkdir(at(`registry/${address}`), { recursive: true })
    await writeFile(
      at(`registry/${address}/hosts.toml`),
      `server = "http://${address}"\n[host."http://${address}"]\ncapabilities = ["pull", "resolve"]\n`,
    )
  }
  await writeFile(at('config.toml'), containerdConfig(layout, binaries.runc ?? ''))
  return {
    name: 'containerd',
    command,
    args: ['--config', at('config.toml')],
    env: {
      // The shim is found beside containerd; the CNI plugins call iptables.
      PATH: `${dirname(command)}:/usr/sbin:/usr/bin:/sbin:/bin`,
      OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${ports.nativeGrpc}`,
      OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc',
      OTEL_SERVICE_NAME: 'containerd',
      OTEL_TRACES_SAMPLER: 'parentbased_always_on',
      ...spanBatches,
    },
  }
}

function containerdConfig(layout: Layout, runc: string): string {
  const at = (path: string): string => join(layout.containerd, path)
  return `version = 3
root = '${at('root')}'
state = '${at('state')}'
disabled_plugins = ['io.containerd.nri.v1.nri']

[grpc]
address = '${layout.containerdSocket}'

[ttrpc]
address = '${layout.containerdSocket}.ttrpc'

[plugins.'io.containerd.internal.v1.opt']
path = '${at('opt')}'

[plugins.'io.containerd.cri.v1.images'.pinned_images]
sandbox = '${pauseImage}'

[plugins.'io.containerd.cri.v1.images'.registry]
config_path = '${at('registry')}'

[plugins.'io.containerd.cri.v1.runtime']
# Without CAP_SYS_RESOURCE a lower oom_score_adj is refused, and every sandbox with it.
restrict_oom_score_adj = true
# Network namespaces are then mounts below our own directory, and not in /run/netns among others'.
netns_mounts_under_state_dir = true
cdi_spec_dirs = ['${at('cdi')}']

[plugins.'io.containerd.cri.v1.runtime'.cni]
bin_dirs = ['/usr/lib/cni', '/opt/cni/bin']
conf_dir = '${join(layout.cni, 'net.d')}'

[plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.runc]
runtime_type = 'io.containerd.runc.v2'

[plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.runc.options]
BinaryName = '${runc}'
Root = '${at('runc')}'
SystemdCgroup = false
`
}

export async function writeCniConfig(layout: Layout): Promise<void> {
  const bridge = {
    type: 'bridge',
    bridge: bridgeName,
    isGateway: true,
    ipMasq: true,
    hairpinMode: true,
    ipam: {
      type: 'host-local',
      dataDir: join(layout.cni, 'addresses'),
      ranges: [[{ subnet: podNetwork, gateway: nodeAddress }]],
      routes: [{ dst: '0.0.0.0/0' }],
    },
  }
  const config = {
    cniVersion: '1.0.0',
    name: 'podspan',
    plugins: [bridge, { type: 'portmap', capabilities: { portMappings: true } }],
  }
  await mkdir(join(layout.cni, 'net.d'), { recursive: true })
  await writeFile(join(layout.cni, 'net.d', 'podspan.conflist'), JSON.stringify(config, undefined, 2))
}

/** Who a kubelet says it is. */
export interface NodeIdentity {
  readonly name: string
  readonly address: string
  /** Below which all its containers are. */
  readonly cgroup: string
  readonly labels: Readonly<Record<string, string>>
  readonly providerID?: string
  readonly registerWithTaints?: readonly object[]
}

const theNode: NodeIdentity = {
  name: nodeName,
  address: nodeAddress,
  cgroup: cgroupName,
  labels: { 'topology.kubernetes.io/zone': 'zone-a', 'node.kubernetes.io/instance-type': 'test-machine' },
}

export async function kubelet(
  layout: Layout,
  binaries: Readonly<Record<string, string>>,
  version: string,
  node: NodeIdentity = theNode,
): Promise<ProcessSpec> {
  await mkdir(layout.staticPods, { recursive: true })
  await mkdir(layout.config, { recursive: true })
  const file = join(layout.config, 'kubelet.json')
  await writeFile(file, JSON.stringify(kubeletConfig(layout, version, node), undefined, 2))
  return {
    name: 'kubelet',
    command: binaries.kubelet ?? '',
    args: [
      `--config=${file}`,
      `--kubeconfig=${join(layout.kubeconfigs, 'kubelet')}`,
      `--root-dir=${layout.kubelet}`,
      `--cert-dir=${join(layout.kubelet, 'pki')}`,
      `--hostname-override=${node.name}`,
      `--node-ip=${node.address}`,
      `--node-labels=${Object.entries(node.labels)
        .map(([key, value]) => `${key}=${value}`)
        .join(',')}`,
    ],
    env: spanBatches,
  }
}

function kubeletConfig(layout: Layout, version: string, node: NodeIdentity): object {
  return {
    apiVersion: 'kubelet.config.k8s.io/v1beta1',
    kind: 'KubeletConfiguration',
    address: node.address,
    port: ports.kubelet,
    authentication: {
      anonymous: { enabled: false },
      webhook: { enabled: true },
      x509: { clientCAFile: join(layout.certificates, 'ca.crt') },
    },
    authorization: { mode: 'Webhook' },
    containerRuntimeEndpoint: `unix://${layout.containerdSocket}`,
    staticPodPath: layout.staticPods,
    podLogsDir: layout.podLogs,
    volumePluginDir: join(layout.kubelet, 'volume-plugins'),
    clusterDomain: 'cluster.local',
    // Nobody answers there; without an address every pod would get a MissingClusterDNS event.
    clusterDNS: ['10.96.0.10'],
    maxPods: 250,
    tracing: { endpoint: `127.0.0.1:${ports.nativeGrpc}`, samplingRatePerMillion: 1_000_000 },
    // All containers in one cgroup of ours: `down` kills what is in it and nothing else.
    cgroupDriver: 'cgroupfs',
    cgroupRoot: `/${node.cgroup}`,
    ...(node.providerID === undefined ? {} : { providerID: node.providerID }),
    ...(node.registerWithTaints === undefined ? {} : { registerWithTaints: node.registerWithTaints }),
    ...(minorOf(version) >= 31 ? { failCgroupV1: false } : {}),
    failSwapOn: false,
    enforceNodeAllocatable: [],
    oomScoreAdj: 0,
    // The machine's disk is not the subject of any test: no eviction, no image garbage collection.
    imageGCHighThresholdPercent: 100,
    evictionHard: { 'memory.available': '0%', 'nodefs.available': '0%', 'imagefs.available': '0%' },
  }
}

export function proxy(layout: Layout, binaries: Record<string, string>): ProcessSpec {
  return {
    name: 'kube-proxy',
    command: binaries['kube-proxy'] ?? '',
    args: [
      `--kubeconfig=${join(layout.kubeconfigs, 'proxy')}`,
      `--hostname-override=${nodeName}`,
      `--cluster-cidr=${podNetwork}`,
      '--proxy-mode=iptables',
      // Pods on one bridge would answer each other directly, past the translation, where br_netfilter is not loaded.
      '--masquerade-all',
      '--healthz-bind-address=127.0.0.1:10256',
      // Leave this machine's connection tracking as it is.
      '--conntrack-max-per-core=0',
      '--conntrack-tcp-timeout-established=0s',
      '--conntrack-tcp-timeout-close-wait=0s',
    ],
    env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin' },
  }
}
