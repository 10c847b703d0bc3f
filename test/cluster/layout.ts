// Owns where everything lies: the cache of builds, and one state directory with all that a running cluster writes.
// Promises that nothing but the cache outlives `down`, and that paths and ports are written down once.
// Does not create or delete anything.

import { homedir, tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { ClusterError } from './commands.ts'

export const nodeName = 'node-1'
export const bridgeName = 'podspan0'
/** The bridge's own address: the node's, the API server's and the pods' gateway. It exists on this machine only. */
export const nodeAddress = '10.244.0.1'
export const podNetwork = '10.244.0.0/16'
export const serviceNetwork = '10.96.0.0/16'
export const cgroupName = 'podspan'
export const registryAddress = 'localhost:5000'

export const ports = {
  apiServer: 6443,
  etcd: 2379,
  etcdPeer: 2380,
  registry: 5000,
  slowRegistry: 5001,
  kubelet: 10250,
  nativeGrpc: 14317,
  nativeHttp: 14318,
  podspanGrpc: 24317,
  podspanHttp: 24318,
} as const

/** The same images over a slow link, while somebody has started it: slow-registry.ts. */
export const slowRegistryAddress = `localhost:${ports.slowRegistry}`

/** The builds, shared by all checkouts on this machine. */
export function cacheDirectory(): string {
  if (process.env.PODSPAN_CACHE) return resolve(process.env.PODSPAN_CACHE)
  return join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'podspan')
}

export interface Layout {
  readonly root: string
  /** Says that this directory is ours to delete. */
  readonly mark: string
  readonly facts: string
  readonly baseline: string
  readonly kubeconfig: string
  readonly kubeconfigs: string
  readonly certificates: string
  readonly config: string
  readonly logs: string
  readonly processes: string
  readonly etcd: string
  readonly registry: string
  readonly containerd: string
  readonly containerdSocket: string
  readonly kubelet: string
  readonly podLogs: string
  readonly staticPods: string
  readonly cni: string
  readonly truthFile: string
  readonly podspanTracesFile: string
}

/** A Unix socket's path holds 107 bytes; the longest below the state directory needs 60 of them. */
const longestRoot = 47

export function clusterLayout(): Layout {
  const root = resolve(process.env.PODSPAN_CLUSTER_DIR || join(tmpdir(), 'podspan-cluster'))
  if (Buffer.byteLength(root) > longestRoot)
    throw new ClusterError(
      `PODSPAN_CLUSTER_DIR must be at most ${longestRoot} bytes (socket paths lie below it): ${root}`,
    )
  return {
    root,
    mark: join(root, 'this-is-a-podspan-cluster'),
    facts: join(root, 'cluster.json'),
    baseline: join(root, 'baseline.json'),
    kubeconfig: join(root, 'kubeconfig'),
    kubeconfigs: join(root, 'kubeconfigs'),
    certificates: join(root, 'certificates'),
    config: join(root, 'config'),
    logs: join(root, 'logs'),
    processes: join(root, 'processes'),
    etcd: join(root, 'etcd'),
    registry: join(root, 'registry'),
    containerd: join(root, 'containerd'),
    containerdSocket: join(root, 'containerd', 'containerd.sock'),
    kubelet: join(root, 'kubelet'),
    podLogs: join(root, 'pod-logs'),
    staticPods: join(root, 'static-pods'),
    cni: join(root, 'cni'),
    truthFile: join(root, 'truth.jsonl'),
    podspanTracesFile: join(root, 'podspan-traces.jsonl'),
  }
}
