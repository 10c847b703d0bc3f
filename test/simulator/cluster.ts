// Owns what stands around simulated starts: namespaces, nodes with their Leases, which are renewed by the nodes' own clocks.
// Promises what Podspan asks a cluster at its start. Does not play starts.

import type { Clock } from '../../src/base/clock.ts'
import { formatRfc3339, milliseconds, add, type UnixNano } from '../../src/base/time.ts'
import type { Obj } from './encode.ts'
import { leaseObject, nodeObject } from './objects.ts'
import { NAMESPACE } from './starts/objects.ts'
import type { Store } from './store.ts'

export interface ClusterOptions {
  readonly store: Store
  readonly clock: Clock
  readonly nodes: number
  readonly skewMs: (node: number, at: UnixNano) => number
}

const RENEWAL_MS = 10_000
const STEP_MS = 100

export const nodeName = (node: number): string => `node-${String(node).padStart(4, '0')}`

export function buildCluster({ nodes, store }: ClusterOptions): void {
  // Wide enough that every version has ten digits, as templates need.
  store.version = 1_000_000_000
  store.load('namespaces', ['default', 'kube-system', 'podspan-system', NAMESPACE].map(namespace))
  store.load(
    'nodes',
    Array.from({ length: nodes }, (_, node) => named(nodeObject(node, 0), nodeName(node))),
  )
}

function namespace(name: string, number: number): Obj {
  const uid = `00000000-0000-4000-7000-${number.toString(16).padStart(12, '0')}`
  return {
    apiVersion: 'v1',
    kind: 'Namespace',
    metadata: { name, uid, creationTimestamp: '2026-11-22T12:00:00Z', labels: { team: 'a' } },
  }
}

const named = (object: Obj, name: string): Obj => ({
  ...object,
  metadata: { ...(object['metadata'] as Obj), name },
})

/** Each node renews every 10 s, spread over these. */
export async function renewLeases(options: ClusterOptions): Promise<void> {
  const { clock, nodes, skewMs, store } = options
  for (let step = 0; ; step = (step + 1) % (RENEWAL_MS / STEP_MS)) {
    for (let node = step; node < nodes; node += RENEWAL_MS / STEP_MS) {
      const now = clock.now()
      const renewTime = formatRfc3339(add(now, milliseconds(skewMs(node, now))), 6)
      const lease = named(leaseObject(node, 0), nodeName(node))
      store.apply('leases', {
        ...lease,
        spec: { ...(lease['spec'] as Obj), holderIdentity: nodeName(node), renewTime },
      })
    }
    await clock.sleep(STEP_MS)
  }
}
