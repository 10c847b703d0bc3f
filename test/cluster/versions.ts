// Owns which components the cluster is made of, at which versions, with which build flags.
// Promises that the Kubernetes version is one variable, PODSPAN_KUBERNETES_VERSION; the others are pinned in modules/*/go.mod.
// Does not build anything: see build.ts.

import { ClusterError } from './commands.ts'

export const defaultKubernetesVersion = '1.36.3'
/** One of each minor version that Podspan is tried with: the oldest and the newest that it supports, and where evidence changes between. */
export const triedKubernetesVersions = [
  '1.30.14',
  '1.33.13',
  '1.34.4',
  defaultKubernetesVersion,
  '1.37.2',
] as const
export const collectorVersion = '0.161.0'

export type FamilyName = 'kubernetes' | 'containerd' | 'runc' | 'registry' | 'otelcol' | ToolName
/** What a test may ask for beside the cluster; `up` builds none of it. */
export type ToolName =
  | 'helm'
  | 'jaeger'
  | 'prometheus'
  | 'prometheus-operator'
  | 'grafana-operator'
  | 'cert-manager'
  | 'karpenter'
  | 'kwok'
  | 'kubemark'
  | 'devices'
  | 'kueue'
  | 'local-path-provisioner'
  | 'external-attacher'

/** One Go module with `tool` directives. One each, or the requirements of their dependencies collide. */
export interface Family {
  readonly name: FamilyName
  readonly version: string
  readonly buildFlags: readonly string[]
  readonly cgo: boolean
  readonly binaries: readonly string[]
  /** What `go build` calls by another name than `binaries` does. */
  readonly renamed?: Readonly<Record<string, string>>
  /** Directories of a module's source that are kept beside the binaries: CRDs, configuration. */
  readonly files?: { readonly module: string; readonly directories: readonly string[] }
  /** What a build with a cold cache takes on two cores. */
  readonly firstBuild: string
}

export const kubernetesTools = [
  'k8s.io/kubernetes/cmd/kube-apiserver',
  'k8s.io/kubernetes/cmd/kube-controller-manager',
  'k8s.io/kubernetes/cmd/kube-scheduler',
  'k8s.io/kubernetes/cmd/kubelet',
  'k8s.io/kubernetes/cmd/kube-proxy',
  'k8s.io/kubernetes/cmd/kubectl',
  'k8s.io/kubernetes/test/images/agnhost',
] as const

/** The version asked for, without the leading v. */
export function kubernetesVersion(
  version = process.env.PODSPAN_KUBERNETES_VERSION || defaultKubernetesVersion,
): string {
  if (!/^1\.\d+\.\d+$/.test(version))
    throw new ClusterError(`a Kubernetes version looks like ${defaultKubernetesVersion}, not '${version}'`)
  return version
}

export const triedMinors: readonly number[] = triedKubernetesVersions.map(minorOf)

export function minorOf(version: string): number {
  return Number(version.split('.')[1])
}

export function families(version: string): Family[] {
  return [
    { ...plain, name: 'registry', version: '0.22.1', binaries: ['crane'], firstBuild: '5 s' },
    {
      ...plain,
      name: 'runc',
      version: '1.5.2',
      cgo: true,
      buildFlags: ['-tags=seccomp'],
      binaries: ['runc'],
      firstBuild: '10 s',
    },
    {
      ...plain,
      name: 'containerd',
      version: '2.2.9',
      buildFlags: ['-tags=no_btrfs,no_devmapper,no_zfs'],
      binaries: ['containerd', 'containerd-shim-runc-v2', 'ctr'],
      firstBuild: '50 s',
    },
    { ...plain, name: 'otelcol', version: collectorVersion, binaries: ['otelcol'], firstBuild: '1 min' },
    {
      ...plain,
      name: 'kubernetes',
      version,
      buildFlags: [`-ldflags=${stamp(version)}`],
      renamed: { server: 'etcd' },
      binaries: ['etcd', ...kubernetesTools.map((tool) => tool.slice(tool.lastIndexOf('/') + 1))],
      firstBuild: '5 min',
    },
  ]
}

export function toolFamily(name: ToolName): Family {
  return tools[name]
}

export function toolNamed(name: string): ToolName {
  if (Object.hasOwn(tools, name)) return name as ToolName
  throw new ClusterError(`no such tool: ${name}; there are ${Object.keys(tools).join(', ')}`)
}

const plain = { buildFlags: [], cgo: false }

const tools: Readonly<Record<ToolName, Family>> = {
  helm: {
    ...plain,
    name: 'helm',
    version: '4.3.1',
    buildFlags: ['-ldflags=-s -w -X helm.sh/helm/v4/internal/version.version=v4.3.1'],
    binaries: ['helm'],
    firstBuild: '3 min',
  },
  // The last of the second generation whose module resolves; its page is a stub, its query API is whole.
  jaeger: {
    ...plain,
    name: 'jaeger',
    version: '1.62.0',
    buildFlags: ['-ldflags=-s -w'],
    binaries: ['jaeger'],
    firstBuild: '3 min',
  },
  // 0.305 is Prometheus 3.5. Without the tag `builtinassets` it has no pages, only the API.
  prometheus: {
    ...plain,
    name: 'prometheus',
    version: '0.305.0',
    buildFlags: ['-ldflags=-s -w -X github.com/prometheus/common/version.Version=3.5.0'],
    binaries: ['prometheus', 'promtool'],
    firstBuild: '3 min',
  },
  // Only what its users apply: the schemas that an API server checks monitors and rules by.
  'prometheus-operator': {
    ...plain,
    name: 'prometheus-operator',
    version: '0.85.0',
    binaries: [],
    files: {
      module: 'github.com/prometheus-operator/prometheus-operator',
      directories: ['example/prometheus-operator-crd'],
    },
    firstBuild: '1 s',
  },
  'grafana-operator': {
    ...plain,
    name: 'grafana-operator',
    version: '5.18.0',
    binaries: [],
    files: { module: 'github.com/grafana/grafana-operator/v5', directories: ['config/crd/bases'] },
    firstBuild: '2 s',
  },
  'cert-manager': {
    ...plain,
    name: 'cert-manager',
    version: '1.19.0',
    binaries: [],
    files: { module: 'github.com/cert-manager/cert-manager', directories: ['deploy/crds'] },
    firstBuild: '2 s',
  },
  // Real Karpenter whose cloud are nodes that KWOK pretends. Its main package is named kwok too.
  karpenter: {
    ...plain,
    name: 'karpenter',
    version: '1.14.1',
    buildFlags: ['-ldflags=-s -w'],
    binaries: ['karpenter'],
    renamed: { kwok: 'karpenter' },
    files: { module: 'sigs.k8s.io/karpenter', directories: ['pkg/apis/crds', 'kwok/apis/crds'] },
    firstBuild: '3 min',
  },
  kwok: {
    ...plain,
    name: 'kwok',
    version: '0.8.0',
    buildFlags: ['-ldflags=-s -w'],
    binaries: ['kwok'],
    files: {
      module: 'sigs.k8s.io/kwok',
      directories: [
        'kustomize/stage/node/fast',
        'kustomize/stage/node/heartbeat-with-lease',
        'kustomize/stage/pod/fast',
        'kustomize/stage/pod/general',
      ],
    },
    firstBuild: '2 min',
  },
  // Hollow nodes. As of the drivers below, a module beside Kubernetes'.
  kubemark: {
    ...plain,
    name: 'kubemark',
    version: '1.36.3',
    buildFlags: ['-ldflags=-s -w'],
    binaries: ['kubemark'],
    firstBuild: '20 s after Kubernetes',
  },
  // Makes directories of a node into volumes, by a helper pod there.
  'local-path-provisioner': {
    ...plain,
    name: 'local-path-provisioner',
    version: '0.0.30',
    buildFlags: ['-ldflags=-s -w'],
    binaries: ['local-path-provisioner'],
    firstBuild: '2 min',
  },
  // Attaches what the attachdetach-controller asks for, through a CSI driver.
  'external-attacher': {
    ...plain,
    name: 'external-attacher',
    version: '4.13.0',
    buildFlags: ['-ldflags=-s -w'],
    binaries: ['csi-attacher'],
    firstBuild: '3 min',
  },
  // Upstream's own drivers for devices: one for claims (DRA), one a device plugin. A module beside Kubernetes', which every `up` builds whole.
  devices: {
    ...plain,
    name: 'devices',
    version: '1.36.3',
    buildFlags: ['-ldflags=-s -w'],
    binaries: ['dra-test-driver', 'sample-device-plugin'],
    renamed: { 'test-driver': 'dra-test-driver' },
    firstBuild: '20 s after Kubernetes',
  },
  // The newest whose module resolves is installed from its own kustomization.
  kueue: {
    ...plain,
    name: 'kueue',
    version: '0.15.2',
    buildFlags: ['-ldflags=-s -w'],
    binaries: ['kueue'],
    files: { module: 'sigs.k8s.io/kueue', directories: ['config'] },
    firstBuild: '6 min',
  },
}

/** Kubernetes learns its version from the linker; without it every component says v0.0.0-master. */
function stamp(version: string): string {
  const variable = 'k8s.io/component-base/version'
  return [
    '-s -w',
    `-X ${variable}.gitVersion=v${version}`,
    `-X ${variable}.gitMajor=1`,
    `-X ${variable}.gitMinor=${minorOf(version)}`,
  ].join(' ')
}
