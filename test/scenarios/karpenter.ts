// Owns the scenarios in which a pod waits for a node that real Karpenter gets it, from a cloud that is KWOK's.
// Promises that no node of theirs is left. They run where they are named: Karpenter takes minutes to build the first time.

import { startKarpenter, stopKarpenter } from '../cluster/karpenter.ts'
import type { KubeObject } from './api.ts'
import { deployment, pod, server, template } from './manifests.ts'
import { eventually } from './namespaces.ts'
import { isReady, type Scenario, type Stage } from './stage.ts'

const POOL_LABEL = 'karpenter.sh/nodepool'
/**
 * What an agent of the platform takes off once it runs on the node. Every pool has it: the controller manager takes `not-ready` off a
 * node that says nothing of Ready yet, as KWOK's do at first and a kubelet's never does.
 */
export const AGENT_TAINT = { key: 'example.com/agent-not-ready', effect: 'NoSchedule' }

interface PoolOptions {
  readonly cpuLimit?: string
  /** How long a machine takes from being launched to registering. */
  readonly registersAfter?: string
}

const nodePool = (name: string) => ({ apiVersion: 'karpenter.sh/v1', kind: 'NodePool', name })

export async function makePool(stage: Stage, options: PoolOptions = {}): Promise<void> {
  const { namespace: name } = stage
  const { cpuLimit = '4', registersAfter = '4s' } = options
  const group = 'karpenter.kwok.sh'
  await stage.createGlobal({
    apiVersion: `${group}/v1alpha1`,
    kind: 'KWOKNodeClass',
    metadata: { name },
    spec: { nodeRegistrationDelay: registersAfter },
  })
  const requirements = [
    { key: 'karpenter.sh/capacity-type', operator: 'In', values: ['on-demand'] },
    { key: 'karpenter.kwok.sh/instance-cpu', operator: 'In', values: ['2'] },
  ]
  const nodeClassRef = { group, kind: 'KWOKNodeClass', name }
  await stage.createGlobal({
    apiVersion: 'karpenter.sh/v1',
    kind: 'NodePool',
    metadata: { name },
    spec: {
      limits: { cpu: cpuLimit },
      disruption: { consolidationPolicy: 'WhenEmpty', consolidateAfter: 'Never' },
      template: { spec: { nodeClassRef, requirements, startupTaints: [AGENT_TAINT] } },
    },
  })
  await stage.sleep(2)
}

export const onPool = (stage: Stage) => ({ nodeSelector: { [POOL_LABEL]: stage.namespace } })
export const half = server({ resources: { requests: { cpu: '500m' } } })

/** Runs on the new node first, and tolerates whatever it is tainted with. */
const agent = (stage: Stage) =>
  template('agent', [server()], { ...onPool(stage), tolerations: [{ operator: 'Exists' }] })

const isAgent = (name: string): boolean => name.startsWith('agent-')

interface NodeObject extends KubeObject {
  readonly spec: { readonly taints?: readonly { readonly key: string }[] }
}

const nodesOf = async (stage: Stage): Promise<readonly NodeObject[]> => {
  const { items } = await stage.get({ apiVersion: 'v1', kind: 'Node' })
  return (items as NodeObject[]).filter(({ metadata }) => labelsOf(metadata)[POOL_LABEL] === stage.namespace)
}

const labelsOf = ({ labels }: KubeObject['metadata']): Readonly<Record<string, string>> =>
  (labels ?? {}) as Readonly<Record<string, string>>

/** As the agent would do it, on a node that is Ready. */
export async function takeTaintOff(stage: Stage): Promise<void> {
  await eventually('the new node is Ready', async () => (await nodesOf(stage)).some(isReady), 120)
  for (const { metadata, spec } of await nodesOf(stage)) {
    const taints = (spec.taints ?? []).filter(({ key }) => key !== AGENT_TAINT.key)
    await stage.patch({ apiVersion: 'v1', kind: 'Node', name: metadata.name }, { spec: { taints } })
  }
}

const common = {
  alone: true,
  everywhere: true,
  prepare: () => startKarpenter(),
  restore: stopKarpenter,
} as const

const fromZero: Scenario = {
  ...common,
  name: 'node-from-zero',
  description:
    'a NodePool without nodes; the new node is Ready at once, but tainted until a DaemonSet runs there',
  run: async (stage) => {
    await makePool(stage)
    await stage.create({
      apiVersion: 'apps/v1',
      kind: 'DaemonSet',
      metadata: { name: 'agent' },
      spec: { selector: { matchLabels: { app: 'agent' } }, template: agent(stage) },
    })
    await stage.create(pod('first', [half], onPool(stage)))
    const running = (): boolean => stage.pods().some((one) => isAgent(one.metadata.name) && isReady(one))
    await stage.until('the agent is Ready', running, 120)
    await takeTaintOff(stage)
    await stage.ready(['first'], 120)
  },
}

const shared: Scenario = {
  ...common,
  name: 'node-shared',
  description: 'two pods of a Deployment that wait for one new node; a third finds it there',
  run: async (stage) => {
    await makePool(stage)
    await stage.create(deployment('web', 2, template('web', [half], onPool(stage))))
    await takeTaintOff(stage)
    await stage.readyCount(2, 120)
    await stage.patch({ apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' }, { spec: { replicas: 3 } })
    await stage.readyCount(3, 120)
  },
}

const limit: Scenario = {
  ...common,
  name: 'node-limit',
  description: 'a NodePool whose limit allows no node, until it is raised 10 s later',
  run: async (stage) => {
    await makePool(stage, { cpuLimit: '1' })
    await stage.create(pod('big', [half], onPool(stage)))
    await stage.sleep(10)
    await stage.merge(nodePool(stage.namespace), { spec: { limits: { cpu: '4' } } })
    await takeTaintOff(stage)
    await stage.ready(['big'], 120)
  },
}

const neverRegisters: Scenario = {
  ...common,
  name: 'node-never-registers',
  description: 'a machine that is launched and does not register as a node while anybody looks',
  run: async (stage) => {
    await makePool(stage, { registersAfter: '60m' })
    await stage.create(pod('waits', [half], onPool(stage)))
    await stage.event('Nominated', 60)
    await stage.sleep(20)
  },
}

export const karpenterScenarios: readonly Scenario[] = [fromZero, shared, limit, neverRegisters]
