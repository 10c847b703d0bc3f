// Owns the scenarios of rollouts: what holds each kind of workload from one revision to the next.
// Promises that each ends when the workload itself says so. Does not own pods of workloads as such: workloads.ts does.

import { rm } from 'node:fs/promises'
import type { KubeObject } from './api.ts'
import { container, deployment, forever, server, template } from './manifests.ts'
import { isReady, type Scenario, type Stage } from './stage.ts'

type Fields = Readonly<Record<string, unknown>>

const named = (kind: string, name: string) => ({ apiVersion: 'apps/v1', kind, name })
const shop = named('Deployment', 'shop')

/** Every second, from the first second on. */
const probe = (command: string): Fields => ({
  readinessProbe: { exec: { command: ['sh', '-c', command] }, periodSeconds: 1, failureThreshold: 100 },
})
const quick = probe('true')

/** Ready a second after it runs; pods whose name ends in one of these letters take longer. */
const uneven = (slow: string, seconds: number): Fields =>
  container(
    'app',
    `case $HOSTNAME in *[${slow}]) sleep ${seconds};; *) sleep 1;; esac; touch /ready; ${forever}`,
    probe('test -e /ready'),
  )

const rolling = (maxSurge: number | string, maxUnavailable: number | string): Fields => ({
  strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge, maxUnavailable } },
})

const labelled = (labels: Fields): object => ({ spec: { template: { metadata: { labels } } } })

/** Whether the workload's own status says that all is done, of the spec that it has now. */
function isRolledOut(object: KubeObject | undefined): boolean {
  const spec = (object?.spec ?? {}) as Record<string, number>
  const status = (object?.status ?? {}) as Record<string, unknown>
  const wanted = spec['replicas'] ?? status['desiredNumberScheduled']
  const updated = status['updatedReplicas'] ?? status['updatedNumberScheduled']
  const available = status['availableReplicas'] ?? status['numberAvailable']
  const all = status['replicas'] ?? status['desiredNumberScheduled']
  const revisions = status['currentRevision'] === status['updateRevision']
  const seen = status['observedGeneration'] === object?.metadata.generation
  return seen && updated === wanted && available === wanted && all === wanted && revisions
}

/** Waits for the rollout of what was stored: the watch may still show the version before it. */
async function rolledOut(stage: Stage, stored: KubeObject): Promise<void> {
  const { kind, metadata } = stored
  const generation = Number(metadata['generation'])
  const holds = (): boolean => {
    const seen = stage.workload(kind, metadata.name)
    return Number(seen?.metadata['generation']) >= generation && isRolledOut(seen)
  }
  await stage.until(`${kind} ${metadata.name} rolled out`, holds, 120)
}

const budget: Scenario = {
  name: 'rollout-budget',
  description: 'four pods are replaced one by one (maxSurge 0, maxUnavailable 1); some take 6 s to be ready',
  run: async (stage) => {
    await rolledOut(
      stage,
      await stage.create(deployment('shop', 4, template('shop', [server(quick)]), rolling(0, 1))),
    )
    const slow = { spec: { template: { spec: { containers: [uneven('bcdfghjkl', 6)] } } } }
    await rolledOut(stage, await stage.patch(shop, slow))
  },
}

const minReady: Scenario = {
  name: 'rollout-min-ready',
  description: 'three pods are replaced with a surge of one, each available only after minReadySeconds of 3',
  run: async (stage) => {
    const more = { ...rolling(1, 0), minReadySeconds: 3 }
    await rolledOut(stage, await stage.create(deployment('shop', 3, template('shop', [server(quick)]), more)))
    await rolledOut(stage, await stage.patch(shop, labelled({ revision: 'two' })))
  },
}

const quota: Scenario = {
  name: 'rollout-quota',
  description: 'a quota of two pods refuses the surge of a rollout of two, until it is raised 6 s later',
  run: async (stage) => {
    const limit = { apiVersion: 'v1', kind: 'ResourceQuota', metadata: { name: 'pods' } }
    await rolledOut(
      stage,
      await stage.create(deployment('shop', 2, template('shop', [server(quick)]), rolling(1, 0))),
    )
    await stage.create({ ...limit, spec: { hard: { pods: '2' } } })
    await stage.sleep(2)
    await stage.patch(shop, labelled({ revision: 'two' }))
    await stage.event('FailedCreate')
    await stage.sleep(6)
    await stage.patch(
      { apiVersion: 'v1', kind: 'ResourceQuota', name: 'pods' },
      { spec: { hard: { pods: '9' } } },
    )
    await rolledOut(stage, await stage.get(shop))
  },
}

const paused: Scenario = {
  name: 'rollout-paused',
  description: 'a rollout is paused after its first pod for 4 s, overtaken by another change, and taken back',
  run: async (stage) => {
    await rolledOut(
      stage,
      await stage.create(deployment('shop', 3, template('shop', [server(quick)]), rolling(1, 0))),
    )
    const ready = (revision: string): number =>
      stage.pods().filter((pod) => labelsOf(pod)['revision'] === revision && isReady(pod)).length
    await stage.patch(shop, labelled({ revision: 'two' }))
    await stage.until('one pod of two', () => ready('two') >= 1)
    await stage.patch(shop, { spec: { paused: true } })
    await stage.sleep(4)
    await stage.patch(shop, { spec: { paused: false } })
    await stage.until('two pods of two', () => ready('two') >= 2)
    await stage.patch(shop, labelled({ revision: 'three' }))
    await stage.until('a pod of three', () => ready('three') >= 1)
    await rolledOut(stage, await stage.patch(shop, labelled({ revision: null })))
  },
}

const labelsOf = (pod: KubeObject): Readonly<Record<string, string>> =>
  (pod.metadata['labels'] ?? {}) as Record<string, string>

const deadline: Scenario = {
  name: 'rollout-deadline',
  description: 'a revision that is never ready runs past a progressDeadlineSeconds of 5',
  run: async (stage) => {
    const more = { ...rolling(1, 0), progressDeadlineSeconds: 5 }
    await rolledOut(stage, await stage.create(deployment('shop', 2, template('shop', [server(quick)]), more)))
    const broken = {
      spec: { template: { spec: { containers: [server(probe('echo no database; false'))] } } },
    }
    await stage.patch(shop, broken)
    await stage.until('the deadline passed', () => hasFailed(stage.workload('Deployment', 'shop')))
    await stage.sleep(2)
  },
}

function hasFailed(object: KubeObject | undefined): boolean {
  const { conditions = [] } = (object?.status ?? {}) as { conditions?: readonly { reason?: string }[] }
  return conditions.some(({ reason }) => reason === 'ProgressDeadlineExceeded')
}

const recreate: Scenario = {
  name: 'rollout-recreate',
  description: 'both pods of a Deployment with the strategy Recreate end, in 3 s, before the new ones come',
  run: async (stage) => {
    const pods = template('shop', [server(quick)], { terminationGracePeriodSeconds: 3 })
    await rolledOut(
      stage,
      await stage.create(deployment('shop', 2, pods, { strategy: { type: 'Recreate' } })),
    )
    await rolledOut(stage, await stage.patch(shop, labelled({ revision: 'two' })))
  },
}

const ordered: Scenario = {
  name: 'rollout-ordered',
  description:
    'three pods of a StatefulSet come one after the other, then are updated; db-1 takes 4 s to be ready',
  run: async (stage) => {
    const pods = template('db', [uneven('1', 4)])
    const spec = { serviceName: 'db', replicas: 3, selector: { matchLabels: { app: 'db' } }, template: pods }
    await rolledOut(
      stage,
      await stage.create({ ...named('StatefulSet', 'db'), metadata: { name: 'db' }, spec }),
    )
    await rolledOut(stage, await stage.patch(named('StatefulSet', 'db'), labelled({ revision: 'two' })))
  },
}

const daemons: Scenario = {
  name: 'rollout-daemonset',
  description: 'the pod of a DaemonSet, which takes 4 s to end, is replaced',
  run: async (stage) => {
    const pods = template('agent', [server(quick)], { terminationGracePeriodSeconds: 4 })
    const spec = { selector: { matchLabels: { app: 'agent' } }, template: pods }
    await rolledOut(
      stage,
      await stage.create({ ...named('DaemonSet', 'agent'), metadata: { name: 'agent' }, spec }),
    )
    await rolledOut(stage, await stage.patch(named('DaemonSet', 'agent'), labelled({ revision: 'two' })))
  },
}

const job: Scenario = {
  name: 'rollout-job',
  description:
    'a Job of five pods, two at a time, is resumed after 3 s; each works for 2 s, and one fails once',
  run: async (stage) => {
    const target = { apiVersion: 'batch/v1', kind: 'Job', name: 'work' }
    // The first pod of index 3 leaves a file, and fails; the second one finds it.
    const work = container(
      'app',
      'sleep 2; [ "$JOB_COMPLETION_INDEX" != 3 ] || [ -e /shared/failed ] || { touch /shared/failed; exit 1; }',
    )
    const path = `/tmp/podspan-${stage.namespace}`
    await rm(path, { recursive: true, force: true })
    stage.cleanup(() => rm(path, { recursive: true, force: true }))
    const volumes = [{ name: 'shared', hostPath: { path, type: 'DirectoryOrCreate' } }]
    const pods = template('work', [{ ...work, volumeMounts: [{ name: 'shared', mountPath: '/shared' }] }], {
      restartPolicy: 'Never',
      volumes,
    })
    const spec = { completions: 5, parallelism: 2, completionMode: 'Indexed', suspend: true, template: pods }
    await stage.create({ ...target, metadata: { name: 'work' }, spec })
    await stage.sleep(3)
    await stage.patch(target, { spec: { suspend: false } })
    await stage.event('Completed', 120)
  },
}

const slower: Scenario = {
  name: 'rollout-slower',
  description: 'twelve pods are replaced at once; the new ones have another image and are probed 2 s later',
  alone: true,
  run: async (stage) => {
    const more = rolling('100%', '100%')
    await rolledOut(
      stage,
      await stage.create(deployment('shop', 12, template('shop', [server(quick)]), more)),
    )
    const { readinessProbe } = quick as { readinessProbe: Fields }
    const late = { readinessProbe: { ...readinessProbe, initialDelaySeconds: 3 } }
    const image = 'localhost:5000/agnhost:latest'
    const next = { spec: { template: { spec: { containers: [{ ...server(late), image }] } } } }
    await rolledOut(stage, await stage.patch(shop, next))
  },
}

export const rolloutScenarios: readonly Scenario[] = [
  budget,
  minReady,
  quota,
  paused,
  deadline,
  recreate,
  ordered,
  daemons,
  job,
  slower,
]
