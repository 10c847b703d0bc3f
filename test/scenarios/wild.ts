// Owns scenarios that nobody has thought of: pods and workloads drawn at random from a seed, and what happens to them meanwhile.
// Promises that a seed is one scenario, that it ends within some two minutes, and that the node and its components are as before.
// Does not say how a pod has to end: what is told of it is judged by the components' own spans.

import {
  pauseProcess,
  pushFreshImage,
  restartApiServer,
  restartKubelet,
  restartRuntime,
  resumeProcess,
} from '../cluster/cluster.ts'
import type { KubeObject } from './api.ts'
import { deployment, podSpec } from './manifests.ts'
import { isReady, type Scenario, type Stage, statusOf } from './stage.ts'
import { type Later, NODE_LABEL, wildPod } from './wild-pods.ts'
import { type Random, randomOf } from './wild-random.ts'
import { drawSurroundings, furnish, prepare, restore, surround } from './wilder.ts'
import { type Wilder, type WilderPod, wilderPod } from './wilder-pods.ts'

const PODS_MAX = 9
const FRESH_IMAGES_MAX = 12
/** So that what is more is drawn beside what the seed draws anyway, and does not change it. */
const WILDER_SEEDS = 1e6
const NAME = /^wild(er)?-(\d+)$/

/** The scenario of a name such as `wild-17`, or of `wilder-17`: the same pods with more in them, on a node to which more happens. */
export function wildScenario(name: string): Scenario | undefined {
  const [matched, wilder, seed] = NAME.exec(name) ?? []
  if (matched === undefined) return undefined
  const description = 'pods, workloads and disturbances at random; the number is the seed'
  const shared = { name, description, alone: true, gaps: true } as const
  const random = (): Random => randomOf(Number(seed))
  if (wilder === undefined) return { ...shared, run: (stage) => play(stage, random()) }
  const drawn = randomOf(Number(seed) + WILDER_SEEDS)
  const surroundings = drawSurroundings(drawn)
  return {
    ...shared,
    prepare: () => prepare(surroundings),
    restore: () => restore(surroundings),
    run: async (stage) => {
      await furnish(stage, surroundings)
      await Promise.all([play(stage, random(), { random: drawn, surroundings }), surround(stage, drawn)])
    },
  }
}

type More = Pick<Wilder, 'random' | 'surroundings'>

async function play(stage: Stage, random: Random, more?: More): Promise<void> {
  const images = await Promise.all(
    Array.from({ length: FRESH_IMAGES_MAX }, (_, index) => pushFreshImage('fresh', 1 + index)),
  )
  // Some are pulled by several, since the next one is not always another.
  const freshBy = (by: Random) => (): string => by.pick(images)
  const fresh = freshBy(random)
  const pods = random.many(3, PODS_MAX).map((index) => wildPod(`wild-${index}`, random, fresh))
  const wilder = more && { ...more, fresh: freshBy(more.random) }
  const made: WilderPod[] = wilder ? pods.map((one) => wilderPod(one, wilder)) : pods
  const acts = [
    ...made.map((one) => playPod(stage, one, random.between(0, 10))),
    ...(random.chance(0.5) ? [playWorkload(stage, random, fresh)] : []),
    ...(random.chance(0.5) ? [disturb(stage, random)] : []),
    labelNode(stage, random.between(0, 12)),
  ]
  await Promise.all(acts)
  const isOver = (pod: KubeObject): boolean =>
    isReady(pod) || ['Succeeded', 'Failed'].includes(statusOf(pod).phase ?? '')
  await stage.until('all are over', () => stage.pods().every(isOver), 20).catch(() => {})
}

async function playPod(stage: Stage, pod: WilderPod, afterSeconds: number): Promise<void> {
  const { object, later, storage } = pod
  await stage.sleep(afterSeconds)
  const stored = storage?.(stage).catch(() => {})
  await persist(() => stage.create(object))
  const acts = later.map(async (one) => {
    await stage.sleep(one.afterSeconds)
    await persist(() => act(stage, object, one.act))
  })
  await Promise.all([stored, ...acts])
}

async function act(stage: Stage, object: KubeObject, what: Later['act']): Promise<unknown> {
  const { name } = object.metadata
  switch (what.kind) {
    case 'create':
      return stage.create(what.object)
    case 'patch':
      return stage.patchPod(name, what.body, what.subresource)
    case 'delete':
      return stage.deletePod(name)
    case 'remove':
      return stage.removePod(name)
    case 'evict':
      return stage.evict(name)
    case 'recreate': {
      await stage.removePod(name)
      return stage.create(object)
    }
  }
}

/** A pod that is gone, or that cannot be changed so, is how it is; a server that is away comes back. */
async function persist(attempt: () => Promise<unknown>): Promise<void> {
  for (let tries = 0; tries < 10; tries++) {
    try {
      await attempt()
      return
    } catch (error) {
      if (/was refused with 4/.test((error as Error).message)) return
      await new Promise((resolve) => setTimeout(resolve, 1000))
    }
  }
}

async function labelNode(stage: Stage, afterSeconds: number): Promise<void> {
  const node = { apiVersion: 'v1', kind: 'Node', name: stage.nodeName }
  const setLabel = (value: string | null): Promise<void> =>
    persist(() => stage.patch(node, { metadata: { labels: { [NODE_LABEL]: value } } }))
  stage.cleanup(() => setLabel(null))
  await stage.sleep(afterSeconds)
  await setLabel('yes')
}

async function playWorkload(stage: Stage, random: Random, fresh: () => string): Promise<void> {
  const { object } = wildPod('load', random, fresh)
  const labels = { app: 'load' }
  const spec = {
    ...podSpec([]),
    ...(object.spec as object),
    restartPolicy: 'Always',
    activeDeadlineSeconds: undefined,
  }
  const template = { metadata: { labels }, spec }
  const replicas = random.whole(1, 3)
  const kind = random.pick(['Deployment', 'StatefulSet', 'DaemonSet', 'Job'] as const)
  const selector = { matchLabels: labels }
  const made = (): KubeObject => {
    const head = { apiVersion: 'apps/v1', kind, metadata: { name: 'load' } }
    if (kind === 'Deployment') return deployment('load', replicas, template)
    if (kind === 'StatefulSet')
      return { ...head, spec: { replicas, selector, template, serviceName: 'load' } }
    if (kind === 'DaemonSet') return { ...head, spec: { selector, template } }
    const once = { ...template, spec: { ...spec, restartPolicy: random.pick(['Never', 'OnFailure']) } }
    return {
      ...head,
      apiVersion: 'batch/v1',
      spec: { completions: replicas, backoffLimit: 2, template: once },
    }
  }
  await persist(() => stage.create(made()))
  await stage.sleep(random.between(2, 20))
  if (kind === 'Job' || !random.chance(0.6)) return
  const body = { spec: { template: { metadata: { annotations: { round: 'two' } } } } }
  await persist(() => stage.patch({ apiVersion: 'apps/v1', kind, name: 'load' }, body))
}

const PAUSED = [
  'etcd',
  'kube-apiserver',
  'kube-scheduler',
  'kube-controller-manager',
  'kubelet',
  'containerd',
]
const RESTARTS = [restartApiServer, restartKubelet, restartRuntime]

async function disturb(stage: Stage, random: Random): Promise<void> {
  await stage.sleep(random.between(1, 12))
  if (random.chance(0.3)) return random.pick(RESTARTS)()
  const name = random.pick(PAUSED)
  stage.cleanup(() => Promise.resolve(resumeProcess(name)))
  for (let times = random.whole(1, 3); times > 0; times--) {
    pauseProcess(name)
    await stage.sleep(random.between(0.3, 8))
    resumeProcess(name)
    await stage.sleep(random.between(0.2, 4))
  }
}
