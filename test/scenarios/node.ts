// Owns the scenarios that need a hand on the node itself: static pods, a network that is not there, and sandboxes that are lost.
// Promises that the node's configuration is as it was before, whatever happened. Does not restart a component.

import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { killSandboxes, readCluster, setNetwork } from '../cluster/cluster.ts'
import { container, pod, server } from './manifests.ts'
import type { Scenario } from './stage.ts'

const staticPod: Scenario = {
  name: 'static-pod',
  description:
    "a manifest in the node's directory of static pods, which shows at the API server as a mirror pod",
  run: async (stage) => {
    const { staticPodPath, nodeName } = readCluster()
    const file = join(staticPodPath, `${stage.namespace}.json`)
    const object = pod('fixed', [server()], { enableServiceLinks: false })
    const metadata = { ...object.metadata, namespace: stage.namespace }
    stage.cleanup(() => rm(file, { force: true }))
    await writeFile(file, JSON.stringify({ ...object, metadata }))
    await stage.ready([`fixed-${nodeName}`])
  },
}

const networkNotReady: Scenario = {
  name: 'network-not-ready',
  description:
    "the network's configuration is missing for 12 s: one sandbox fails at once, one pod is held by the kubelet",
  alone: true,
  run: async (stage) => {
    stage.cleanup(() => setNetwork(true))
    await setNetwork(false)
    const tolerations = [{ operator: 'Exists' }]
    await stage.sleep(0.5)
    await stage.create(pod('at-once', [server()], { tolerations }))
    await stage.sleep(6)
    await stage.create(pod('held', [server()], { tolerations }))
    await stage.event('NetworkNotReady', 30)
    await stage.sleep(4)
    await setNetwork(true)
    await stage.ready(['at-once', 'held'], 90)
  },
}

const sandboxLost: Scenario = {
  name: 'sandbox-lost',
  description:
    'what holds the sandboxes of two pods is killed: of one while its init container runs, of the other while its container is not ready',
  alone: true,
  run: async (stage) => {
    const readinessProbe = { exec: { command: ['true'] }, initialDelaySeconds: 10, periodSeconds: 1 }
    const init = container('init', 'sleep 3')
    await stage.create(pod('prepares', [server()], { initContainers: [init] }))
    await stage.create(pod('probes', [server({ readinessProbe })]))
    await stage.event('Started')
    await stage.sleep(1.5)
    killSandboxes(() => true)
    await stage.ready(['prepares', 'probes'], 90)
  },
}

export const nodeScenarios: readonly Scenario[] = [staticPod, networkNotReady, sandboxLost]
