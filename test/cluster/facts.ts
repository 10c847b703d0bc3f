// Owns cluster.json: what other scripts may know of the running cluster.
// Promises that the file is there, whole, only while a cluster was brought up to the end.
// Does not say whether the cluster is healthy.

import { renameSync, writeFileSync } from 'node:fs'
import { type Layout, nodeAddress, nodeName, ports, registryAddress } from './layout.ts'
import { pidOf, processNames, readText } from './processes.ts'

export interface ClusterFacts {
  readonly kubeconfig: string
  readonly kubernetesVersion: string
  readonly nodeName: string
  /** Push and pull here, e.g. `localhost:5000/pause:latest`. */
  readonly registry: string
  /** What API server, kubelet and containerd say of themselves: OTLP/JSON, one export request per line. */
  readonly truthFile: string
  /** What was exported to `collector.podspan`, in the same form. */
  readonly podspanTracesFile: string
  readonly staticPodPath: string
  readonly stateDirectory: string
  readonly logs: string
  readonly containerdSocket: string
  readonly etcd: string
  readonly collector: {
    readonly native: { readonly grpc: string; readonly http: string }
    readonly podspan: { readonly grpc: string; readonly http: string }
    /** The same receiver as a pod reaches it. */
    readonly podspanInPod: { readonly grpc: string; readonly http: string }
  }
  readonly binaries: Readonly<Record<string, string>>
  readonly pids: Readonly<Record<string, number>>
}

export function writeFacts(
  layout: Layout,
  binaries: Readonly<Record<string, string>>,
  version: string,
): void {
  const url = (port: number, address = '127.0.0.1'): string => `http://${address}:${port}`
  const facts: ClusterFacts = {
    kubeconfig: layout.kubeconfig,
    kubernetesVersion: version,
    nodeName,
    registry: registryAddress,
    truthFile: layout.truthFile,
    podspanTracesFile: layout.podspanTracesFile,
    staticPodPath: layout.staticPods,
    stateDirectory: layout.root,
    logs: layout.logs,
    containerdSocket: layout.containerdSocket,
    etcd: url(ports.etcd),
    collector: {
      native: { grpc: url(ports.nativeGrpc), http: url(ports.nativeHttp) },
      podspan: { grpc: url(ports.podspanGrpc), http: url(ports.podspanHttp) },
      podspanInPod: { grpc: url(ports.podspanGrpc, nodeAddress), http: url(ports.podspanHttp, nodeAddress) },
    },
    binaries,
    pids: runningPids(layout),
  }
  replaceFacts(layout, facts)
}

/** After a component was stopped or started. */
export function refreshPids(layout: Layout): void {
  const facts = readFacts(layout)
  if (facts !== undefined) replaceFacts(layout, { ...facts, pids: runningPids(layout) })
}

export function readFacts(layout: Layout): ClusterFacts | undefined {
  const text = readText(layout.facts)
  return text === undefined ? undefined : (JSON.parse(text) as ClusterFacts)
}

function replaceFacts(layout: Layout, facts: ClusterFacts): void {
  writeFileSync(`${layout.facts}.new`, `${JSON.stringify(facts, undefined, 2)}\n`)
  renameSync(`${layout.facts}.new`, layout.facts)
}

function runningPids(layout: Layout): Record<string, number> {
  const entries = processNames(layout).map((name) => [name, pidOf(layout, name)] as const)
  return Object.fromEntries(entries.filter((entry): entry is [string, number] => entry[1] !== undefined))
}
