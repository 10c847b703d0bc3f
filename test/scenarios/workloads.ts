// Owns the scenarios of whole workloads: jobs, rollouts, stateful sets, quotas, bursts, evictions.
// Promises that each pod of a workload is awaited, not only the first. Does not own single pods: plain.ts and failures.ts do.

import type { KubeObject } from './api.ts'
import { container, deployment, pod, server, template } from './manifests.ts'
import { containersOf, type Scenario, type Stage, statusOf } from './stage.ts'

const job: Scenario = {
  name: 'job',
  description: 'a Job of four pods, two at a time, each of which ends after 1 s',
  run: async (stage) => {
    const work = template('work', [container('app', 'sleep 1')], { restartPolicy: 'Never' })
    const spec = { completions: 4, parallelism: 2, template: work }
    await stage.create({ apiVersion: 'batch/v1', kind: 'Job', metadata: { name: 'work' }, spec })
    const succeeded = (): number =>
      stage.pods().filter((entry) => statusOf(entry).phase === 'Succeeded').length
    await stage.until('four pods Succeeded', () => succeeded() === 4, 90)
  },
}

const statefulSet: Scenario = {
  name: 'statefulset',
  description: 'two pods one after the other, then the first is deleted and comes back under its name',
  run: async (stage) => {
    const spec = { serviceName: 'db', replicas: 2, selector: { matchLabels: { app: 'db' } } }
    const readinessProbe = { exec: { command: ['true'] }, periodSeconds: 1 }
    const pods = template('db', [server({ readinessProbe })])
    const metadata = { name: 'db' }
    await stage.create({
      apiVersion: 'apps/v1',
      kind: 'StatefulSet',
      metadata,
      spec: { ...spec, template: pods },
    })
    await stage.ready(['db-0', 'db-1'])
    const first = stage.pod('db-0')?.metadata.uid
    await stage.deletePod('db-0')
    await stage.until('db-0 came back', () => (stage.pod('db-0')?.metadata.uid ?? first) !== first)
    await stage.ready(['db-0'])
  },
}

const quota: Scenario = {
  name: 'quota',
  description: 'a quota of one pod stands against a Deployment of two, until it is raised 5 s later',
  run: async (stage) => {
    const target = { apiVersion: 'v1', kind: 'ResourceQuota', name: 'pods' }
    const object = (pods: string): KubeObject => ({
      ...{ apiVersion: 'v1', kind: 'ResourceQuota', metadata: { name: 'pods' } },
      spec: { hard: { pods } },
    })
    await stage.create(object('1'))
    await stage.sleep(1)
    await stage.create(deployment('web', 2, template('web', [server()])))
    await stage.readyCount(1)
    await stage.event('FailedCreate')
    await stage.sleep(5)
    await stage.patch(target, { spec: { hard: { pods: '5' } } })
    await stage.readyCount(2, 120)
  },
}

const rollout: Scenario = {
  name: 'rollout',
  description:
    'a Deployment of three pods is created, then rolled to a new revision pod by pod, then scaled up by one',
  run: async (stage) => {
    const target = { apiVersion: 'apps/v1', kind: 'Deployment', name: 'shop' }
    const readinessProbe = { exec: { command: ['true'] }, periodSeconds: 1 }
    await stage.create(deployment('shop', 3, template('shop', [server({ readinessProbe })])))
    await stage.readyCount(3)
    await stage.patch(target, { spec: { template: { metadata: { labels: { revision: 'two' } } } } })
    const newReady = (): number => stage.pods().filter((entry) => isOfRevision(entry, 'two')).length
    await stage.until('three new pods Ready', () => newReady() === 3 && stage.pods().length === 3, 90)
    await stage.patch(target, { spec: { replicas: 4 } })
    await stage.readyCount(4)
  },
}

function isOfRevision(object: KubeObject, revision: string): boolean {
  const labels = object.metadata.labels as Record<string, string> | undefined
  return labels?.revision === revision && containersOf(object).every((entry) => entry.ready)
}

const burst: Scenario = {
  name: 'burst',
  description: 'forty pods at once on one node',
  alone: true,
  run: async (stage) => {
    await stage.create(deployment('many', 40, template('many', [server()])))
    await stage.readyCount(40, 180)
  },
}

const eviction: Scenario = {
  name: 'eviction',
  description: 'a pod of a Deployment is evicted, another one is deleted by hand; both are replaced',
  run: async (stage) => {
    await stage.create(deployment('web', 2, template('web', [server()])))
    await stage.readyCount(2)
    const [first, second] = names(stage)
    await stage.evict(first)
    await stage.until('the evicted pod is gone', () => stage.pod(first) === undefined)
    await stage.readyCount(2)
    await stage.deletePod(second)
    await stage.until('the deleted pod is gone', () => stage.pod(second) === undefined)
    await stage.readyCount(2)
  },
}

function names(stage: Stage): [string, string] {
  const [first, second] = stage.pods().map((entry) => entry.metadata.name)
  return [first ?? '', second ?? '']
}

const daemonSet: Scenario = {
  name: 'daemonset',
  description: 'one pod per node on the host network, beside a pod that was given its node by its creator',
  run: async (stage) => {
    const spec = { selector: { matchLabels: { app: 'agent' } } }
    const pods = template('agent', [server()], { hostNetwork: true })
    const metadata = { name: 'agent' }
    await stage.create({
      apiVersion: 'apps/v1',
      kind: 'DaemonSet',
      metadata,
      spec: { ...spec, template: pods },
    })
    await stage.create(pod('placed', [server()], { nodeName: stage.nodeName }))
    await stage.readyCount(2)
  },
}

export const workloadScenarios: readonly Scenario[] = [
  job,
  statefulSet,
  quota,
  rollout,
  eviction,
  daemonSet,
  burst,
]
