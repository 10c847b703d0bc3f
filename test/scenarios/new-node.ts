// Owns the scenario of a whole new node: real Karpenter asks for it, a machine with a containerd and a kubelet of its own boots and joins.
// Promises that nothing on it is pretended but the cloud: images are cold, the network is a DaemonSet's, and the machine is gone afterwards.
// Runs where it is named: Karpenter takes minutes to build the first time.

import { pushFreshImage } from '../cluster/cluster.ts'
import { startKarpenter, stopKarpenter } from '../cluster/karpenter.ts'
import { bootMachine, joinMachine, networkConfig, networkPlugins, removeMachine } from '../cluster/machine.ts'
import type { KubeObject } from './api.ts'
import { AGENT_TAINT, half, makePool, onPool, takeTaintOff } from './karpenter.ts'
import { container, deployment, forever, server, template } from './manifests.ts'
import { eventually } from './namespaces.ts'
import { isReady, type Scenario, type Stage } from './stage.ts'

/** What Karpenter wants to find on a node that registers, until it has given it its labels. */
const UNREGISTERED = { key: 'karpenter.sh/unregistered', effect: 'NoExecute' }
/** KWOK's cloud would register a pretended node after this; ours registers itself long before. */
const NEVER = '60m'
/** From the launch until the machine's kernel is up. */
const BOOT_SECONDS = 3

interface NodeClaim extends KubeObject {
  readonly status?: { readonly providerID?: string }
}

/** As a cloud does: it has promised a machine, which boots and whose kubelet then registers under the name it was given. */
async function provideMachine(stage: Stage): Promise<void> {
  let providerID = ''
  const isLaunched = async (): Promise<boolean> => {
    const { items } = await stage.get({ apiVersion: 'karpenter.sh/v1', kind: 'NodeClaim' })
    providerID =
      (items as readonly NodeClaim[]).map(({ status }) => status?.providerID ?? '').find(Boolean) ?? ''
    return providerID !== ''
  }
  await eventually('Karpenter has launched a node', isLaunched, 60)
  await stage.sleep(BOOT_SECONDS)
  await bootMachine()
  await joinMachine({
    name: providerID.replace('kwok://', ''),
    providerID,
    taints: [UNREGISTERED, AGENT_TAINT],
  })
}

/** On every node of the pool, whatever it is tainted with. */
const daemonSet = (
  stage: Stage,
  name: string,
  containers: readonly object[],
  more: object = {},
): KubeObject => ({
  apiVersion: 'apps/v1',
  kind: 'DaemonSet',
  metadata: { name },
  spec: {
    selector: { matchLabels: { app: name } },
    template: template(name, containers as Parameters<typeof template>[1], {
      ...onPool(stage),
      tolerations: [{ operator: 'Exists' }],
      ...more,
    }),
  },
})

/** Until its pod has written the configuration, the node has no network and is not Ready. */
function network(stage: Stage, image: string): KubeObject {
  const script = `printf '%s' "$PLUGINS" > /etc/cni/net.d/podspan.conflist; ${forever}`
  const plugins = {
    image,
    env: [{ name: 'PLUGINS', value: JSON.stringify(networkPlugins()) }],
    volumeMounts: [{ name: 'config', mountPath: '/etc/cni/net.d' }],
  }
  return daemonSet(stage, 'network', [container('network', script, plugins)], {
    hostNetwork: true,
    volumes: [{ name: 'config', hostPath: { path: networkConfig() } }],
  })
}

const isOf =
  (app: string) =>
  (pod: KubeObject): boolean =>
    pod.metadata.name.startsWith(`${app}-`)

export const newNodeScenario: Scenario = {
  name: 'node-real',
  description:
    'a NodePool without nodes and a real machine: kubelet and containerd join, DaemonSets bring network and agent, and every image is cold',
  alone: true,
  everywhere: true,
  prepare: () => startKarpenter('real'),
  restore: async () => {
    await stopKarpenter()
    await removeMachine()
  },
  run: async (stage) => {
    const [plugin, agent, web] = await Promise.all([
      pushFreshImage('network', 20),
      pushFreshImage('agent', 40),
      pushFreshImage('web', 80),
    ])
    await makePool(stage, { registersAfter: NEVER })
    await stage.create(network(stage, plugin))
    await stage.create(daemonSet(stage, 'agent', [server({ image: agent })]))
    await stage.create(deployment('web', 2, template('web', [{ ...half, image: web }], onPool(stage))))
    await provideMachine(stage)
    const hasAgent = (): boolean => stage.pods().some((pod) => isOf('agent')(pod) && isReady(pod))
    await stage.until('the agent is Ready', hasAgent, 180)
    await takeTaintOff(stage)
    const ready = (count: number) => (): boolean =>
      stage.pods().filter(isOf('web')).filter(isReady).length === count
    await stage.until('both are Ready', ready(2), 180)
    await stage.patch({ apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' }, { spec: { replicas: 3 } })
    await stage.until('a third one finds all there', ready(3), 60)
  },
}
