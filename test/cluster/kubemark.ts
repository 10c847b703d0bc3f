// Owns hollow nodes: upstream's kubemark, which is the kubelet's own code with a runtime, images, mounts and probes that are pretended.
// Promises Ready nodes of the given labels and taint, each a process of this cluster, and none of either once they are stopped.
// They send no events: upstream gives them a recorder that drops all.

import { buildTool } from './build.ts'
import { kubectl } from './cluster.ts'
import type { Layout } from './layout.ts'
import { clusterLayout } from './layout.ts'
import { removeProcess, startProcess } from './processes.ts'

export interface HollowNodes {
  readonly nodes: number
  readonly podsEach: number
  /** One label, which all of them have. */
  readonly pool: readonly [key: string, value: string]
  /** As a kubelet's `--register-with-taints` takes it. */
  readonly taint: string
}

/** Of the first node's kubelet; each has two ports of its own. */
const FIRST_PORT = 21_250

const nameOf = (number: number): string => `hollow-${number}`

export async function startHollowNodes(layout: Layout, wanted: HollowNodes): Promise<void> {
  const { kubemark = '' } = await buildTool('kubemark')
  const [key, value] = wanted.pool
  for (let number = 0; number < wanted.nodes; number++)
    await startProcess(layout, {
      name: nameOf(number),
      command: kubemark,
      args: [
        '--morph=kubelet',
        `--name=${nameOf(number)}`,
        `--kubeconfig=${layout.kubeconfig}`,
        `--kubelet-port=${FIRST_PORT + 2 * number}`,
        `--kubelet-read-only-port=${FIRST_PORT + 2 * number + 1}`,
        `--max-pods=${wanted.podsEach}`,
        `--node-labels=${key}=${value}`,
        `--register-with-taints=${wanted.taint}`,
        '--use-host-image-service=false',
        // As the kubelet's own defaults are.
        '--kube-api-qps=50',
        '--kube-api-burst=100',
      ],
    })
}

export async function stopHollowNodes({ nodes }: Pick<HollowNodes, 'nodes'>): Promise<void> {
  const names = Array.from({ length: nodes }, (_, number) => nameOf(number))
  for (const name of names) await removeProcess(clusterLayout(), name)
  await kubectl(['delete', 'node', '--ignore-not-found', ...names])
}
