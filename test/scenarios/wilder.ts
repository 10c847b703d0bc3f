// Owns what surrounds drawn pods in the wilder scenarios: how the kubelet pulls, a slow registry, storage, quotas, taints, a node without network.
// Promises that the node and the cluster are as before when it is over. Does not draw pods (wild-pods.ts) nor what is wilder in them (wilder-pods.ts).

import {
  killSandboxes,
  pushFreshImage,
  restartKubelet,
  setKubeletPulls,
  setNetwork,
} from '../cluster/cluster.ts'
import { startSlowRegistry, stopSlowRegistry } from '../cluster/slow-registry.ts'
import { classes, startCsi, startProvisioner, stopCsi, stopProvisioner } from '../cluster/volumes.ts'
import { container, deployment, forever, template } from './manifests.ts'
import { eventually } from './namespaces.ts'
import type { Stage } from './stage.ts'
import { makeClass } from './volumes.ts'
import type { Random } from './wild-random.ts'
import { PRIORITIES, RUNTIME_CLASS, TAINT } from './wilder-pods.ts'

/** What a scenario brings with it; drawn once. */
export interface Surroundings {
  /** How many images the kubelet pulls at once; one after the other without it. */
  readonly pullsAtOnce: number | undefined
  /** Of a link over which some images come. */
  readonly megabytesPerSecond: number | undefined
  readonly storage: 'local-path' | 'csi' | undefined
}

export function drawSurroundings(random: Random): Surroundings {
  return {
    pullsAtOnce: random.chance(0.35) ? random.whole(2, 4) : undefined,
    megabytesPerSecond: random.chance(0.3) ? random.whole(1, 8) : undefined,
    storage: random.chance(0.6) ? random.pick(['local-path', 'csi'] as const) : undefined,
  }
}

export async function prepare({ pullsAtOnce, megabytesPerSecond, storage }: Surroundings): Promise<void> {
  if (pullsAtOnce !== undefined) await setKubeletPulls({ atOnce: true, most: pullsAtOnce })
  if (megabytesPerSecond !== undefined) await startSlowRegistry(megabytesPerSecond)
  if (storage === 'local-path') await startProvisioner({ setupSeconds: 1 })
  if (storage === 'csi') await startCsi()
}

export async function restore({ pullsAtOnce, megabytesPerSecond, storage }: Surroundings): Promise<void> {
  if (storage === 'local-path') await stopProvisioner()
  if (storage === 'csi') await stopCsi()
  if (megabytesPerSecond !== undefined) await stopSlowRegistry()
  if (pullsAtOnce !== undefined) await setKubeletPulls({ atOnce: false })
}

/** What is not in the scenario's namespace, and is there before its pods. */
export async function furnish(stage: Stage, { storage }: Surroundings): Promise<void> {
  for (const [name, value] of Object.entries(PRIORITIES))
    await stage.createGlobal({
      apiVersion: 'scheduling.k8s.io/v1',
      kind: 'PriorityClass',
      metadata: { name },
      ...{ value, globalDefault: false },
    })
  const metadata = { name: RUNTIME_CLASS }
  await stage.createGlobal({
    apiVersion: 'node.k8s.io/v1',
    kind: 'RuntimeClass',
    metadata,
    handler: 'nobody',
  })
  if (storage !== 'local-path') return
  await makeClass(stage, classes.waiting, 'WaitForFirstConsumer')
  await makeClass(stage, classes.immediate, 'Immediate')
}

/** What happens beside the pods; each at its own time. */
export async function surround(stage: Stage, random: Random): Promise<void> {
  const at = (): number => random.between(0, 12)
  const acts: Promise<void>[] = []
  if (random.chance(0.25)) acts.push(burst(stage, random, at()))
  if (random.chance(0.1)) acts.push(limitPods(stage, random, at()))
  if (random.chance(0.2)) acts.push(taintNode(stage, random, at()))
  if (random.chance(0.12)) acts.push(loseNetwork(stage, random, at()))
  if (random.chance(0.25)) acts.push(loseSandboxes(stage, random, at()))
  await Promise.all(acts)
}

/** More pods at once than the node starts in one breath. */
async function burst(stage: Stage, random: Random, afterSeconds: number): Promise<void> {
  const replicas = random.whole(6, 14)
  const image = random.chance(0.5) ? { image: await pushFreshImage('fresh', random.whole(1, 8)) } : {}
  await stage.sleep(afterSeconds)
  const pods = template('burst', [container('app', forever, image)])
  await stage.create(deployment('burst', replicas, pods)).catch(() => {})
}

async function limitPods(stage: Stage, random: Random, afterSeconds: number): Promise<void> {
  const quota = { apiVersion: 'v1', kind: 'ResourceQuota' }
  const hard = (pods: number): object => ({ spec: { hard: { pods: String(pods) } } })
  await stage.sleep(afterSeconds)
  await stage
    .create({ ...quota, metadata: { name: 'few' }, ...hard(random.whole(2, 6)) })
    .then(() => stage.sleep(random.between(2, 10)))
    .then(() => stage.patch({ ...quota, name: 'few' }, hard(100)))
    .catch(() => {})
}

async function taintNode(stage: Stage, random: Random, afterSeconds: number): Promise<void> {
  const node = { apiVersion: 'v1', kind: 'Node', name: stage.nodeName }
  const effect = random.chance(0.75) ? 'NoSchedule' : 'NoExecute'
  // A strategic patch that deletes from a list that is not there adds what it names.
  const set = async (own: readonly object[]): Promise<void> => {
    const { spec } = (await stage.get(node)) as unknown as { spec: { taints?: { key: string }[] } }
    const others = (spec.taints ?? []).filter(({ key }) => key !== TAINT)
    await stage.merge(node, { spec: { taints: [...others, ...own] } })
  }
  const free = (): Promise<void> => eventually('the taint is gone', () => set([]).then(done, notDone))
  stage.cleanup(free)
  await stage.sleep(afterSeconds)
  await set([{ key: TAINT, value: 'yes', effect }]).catch(() => {})
  await stage.sleep(random.between(1, 8))
  await free()
}

const done = (): boolean => true
const notDone = (): boolean => false

async function loseNetwork(stage: Stage, random: Random, afterSeconds: number): Promise<void> {
  stage.cleanup(() => setNetwork(true))
  await stage.sleep(afterSeconds)
  await setNetwork(false)
  if (random.chance(0.3)) await restartKubelet()
  await stage.sleep(random.between(2, 9))
  await setNetwork(true)
}

async function loseSandboxes(stage: Stage, random: Random, afterSeconds: number): Promise<void> {
  await stage.sleep(afterSeconds)
  for (let times = random.whole(1, 3); times > 0; times--) {
    const share = random.between(0.1, 0.6)
    killSandboxes(() => random.chance(share))
    await stage.sleep(random.between(0.5, 4))
  }
}
