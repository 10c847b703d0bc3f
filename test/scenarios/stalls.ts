// Owns the scenarios in which a component of the cluster stands still or starts anew while pods start: store, API server, scheduler, kubelet, runtime.
// Promises that every component runs again afterwards, whatever happened. Does not disturb who records: a watch is resumed, or begins anew.

import {
  pauseProcess,
  pushFreshImage,
  restartApiServer,
  restartKubelet,
  restartRuntime,
  resumeProcess,
} from '../cluster/cluster.ts'
import { container, pod, server } from './manifests.ts'
import { containersOf, type Scenario, type Stage, statusOf } from './stage.ts'

const yes = { exec: { command: ['true'] } }

/** A pod with an image to pull, an init container of 2 s and a readiness probe: some seconds in which something may happen. */
async function slowPod(name: string, megabytes = 12) {
  const image = await pushFreshImage('fresh', megabytes)
  const readinessProbe = { ...yes, initialDelaySeconds: 1, periodSeconds: 1 }
  const initContainers = [container('prepare', 'sleep 2')]
  return pod(name, [server({ image, readinessProbe })], { initContainers })
}

const runs = (stage: Stage, name: string) => (): boolean =>
  containersOf(stage.pod(name)).some(({ state }) => state?.running !== undefined)

const isBound = (stage: Stage, name: string) => (): boolean =>
  (statusOf(stage.pod(name)).conditions ?? []).some(
    ({ type, status }) => type === 'PodScheduled' && status === 'True',
  )

/** Two pods: one whose init container runs when the component stops, and one that is created meanwhile. */
const stalls = (name: string, what: string, seconds: number, description: string): Scenario => ({
  name,
  description,
  alone: true,
  run: async (stage) => {
    const [before, during] = [await slowPod('before'), await slowPod('during')]
    await stage.create(before)
    await stage.until('before prepares', runs(stage, 'before'))
    stage.cleanup(() => Promise.resolve(resumeProcess(what)))
    pauseProcess(what)
    const created = stage.create(during)
    await stage.sleep(seconds)
    resumeProcess(what)
    await created
    await stage.ready(['before', 'during'], 120)
  },
})

/** Two pods: one whose init container runs when the component is started anew, and one that was only just bound. */
const restarts = (name: string, restart: () => Promise<void>, description: string): Scenario => ({
  name,
  description,
  alone: true,
  run: async (stage) => {
    const [before, bound] = [await slowPod('before'), await slowPod('bound', 24)]
    await stage.create(before)
    await stage.until('before prepares', runs(stage, 'before'))
    await stage.create(bound)
    await stage.until('bound is bound', isBound(stage, 'bound'))
    await restart()
    await stage.ready(['before', 'bound'], 120)
  },
})

export const stallScenarios: readonly Scenario[] = [
  stalls(
    'store-stalls',
    'etcd',
    15,
    'etcd stands still for 15 s, so that nothing is written, and nothing shown',
  ),
  stalls(
    'api-server-stalls',
    'kube-apiserver',
    15,
    'the API server stands still for 15 s, with all connections open',
  ),
  stalls('scheduler-stalls', 'kube-scheduler', 6, 'the scheduler stands still for 6 s'),
  stalls('kubelet-stalls', 'kubelet', 8, 'the kubelet stands still for 8 s, while containers go on'),
  stalls(
    'kubelet-away',
    'kubelet',
    65,
    'the kubelet stands still for so long that its node is not ready any more: the node lifecycle controller says so after 50 s',
  ),
  stalls('runtime-stalls', 'containerd', 6, 'containerd stands still for 6 s'),
  {
    ...restarts(
      'api-server-restarts',
      restartApiServer,
      'the API server is started anew: watches are resumed, or begin anew',
    ),
    gaps: true,
  },
  restarts(
    'kubelet-restarts',
    restartKubelet,
    'the kubelet is started anew: it finds its containers, and probes anew',
  ),
  restarts('runtime-restarts', restartRuntime, 'containerd is started anew, in the middle of a pull'),
]
