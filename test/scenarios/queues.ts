// Owns the scenarios in which a pod waits its turn: for quota, behind others in a queue of Kueue, in the place of pods that have to go first.
// Promises that queues, classes and Kueue's objects of the whole cluster are removed again; Kueue itself stays until the cluster ends.
// Does not install Kueue: test/cluster/kueue.ts does.

import { installKueue } from '../cluster/kueue.ts'
import type { KubeObject } from './api.ts'
import { container, deployment, pod, podSpec, server, template } from './manifests.ts'
import { type Scenario, type Stage, statusOf } from './stage.ts'

const requests = (cpu: string) => ({ resources: { requests: { cpu } } })

function job(name: string, script: string, more: Readonly<Record<string, unknown>> = {}): KubeObject {
  const { labels, cpu = '100m', ...spec } = more
  const containers = [container('main', script, requests(String(cpu)))]
  return {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: { name, ...(labels ? { labels } : {}) },
    spec: { backoffLimit: 0, ...spec, template: { spec: podSpec(containers, { restartPolicy: 'Never' }) } },
  }
}

async function makePriorities(stage: Stage, prefix: string): Promise<void> {
  for (const [level, value] of [
    ['low', 10],
    ['high', 1000],
  ] as const)
    await stage.createGlobal({
      apiVersion: 'scheduling.k8s.io/v1',
      kind: 'PriorityClass',
      metadata: { name: `${prefix}-${level}` },
      ...{ value, globalDefault: false },
    })
}

const preemptionOfTwo: Scenario = {
  name: 'preemption-two',
  description:
    'a pod of high priority takes the place of two pods of a Deployment, one of which takes 3 s to end; theirs come back later',
  alone: true,
  run: async (stage) => {
    await makePriorities(stage, 'podspan-two')
    const slow = { preStop: { exec: { command: ['sleep', '3'] } } }
    const graceful = { priorityClassName: 'podspan-two-low', terminationGracePeriodSeconds: 8 }
    const victims = template('cheap', [server({ ...requests('600m'), lifecycle: slow })], graceful)
    await stage.create(deployment('cheap', 2, victims))
    await stage.readyCount(2)
    const dear = { priorityClassName: 'podspan-two-high' }
    await stage.create(pod('dear', [server(requests('1900m'))], dear))
    await stage.ready(['dear'])
    await stage.deletePod('dear')
    await stage.until('the pods of the Deployment are back', () => readyOf(stage, 'cheap') === 2, 90)
  },
}

const readyOf = (stage: Stage, app: string): number =>
  stage
    .pods()
    .filter(({ metadata }) => (metadata.labels as Record<string, string> | undefined)?.['app'] === app)
    .filter((each) =>
      statusOf(each).conditions?.some(({ type, status }) => type === 'Ready' && status === 'True'),
    ).length

const quotaFreed: Scenario = {
  name: 'quota-freed',
  description:
    'a quota of two pods; a Deployment, a StatefulSet and a Job want six, and get the rest when the quota is raised after 9 s',
  run: async (stage) => {
    const quota = { apiVersion: 'v1', kind: 'ResourceQuota', name: 'few' }
    await stage.create({ ...quota, metadata: { name: 'few' }, spec: { hard: { pods: '2' } } })

    await stage.sleep(1)
    await stage.create(deployment('web', 3, template('web', [server()])))
    await stage.readyCount(2)
    const ordered = { serviceName: 'none', selector: { matchLabels: { app: 'ordered' } } }
    await stage.create({
      apiVersion: 'apps/v1',
      kind: 'StatefulSet',
      metadata: { name: 'ordered' },
      spec: { ...ordered, replicas: 1, template: template('ordered', [server()]) },
    })
    await stage.create(job('once', 'sleep 600'))
    await stage.sleep(9)
    await stage.patch(quota, { spec: { hard: { pods: '10' } } })
    await stage.readyCount(5, 120)
  },
}

const gateLate: Scenario = {
  name: 'gate-late',
  description:
    'two pods of a Deployment at the gate of a controller that lets one through after 3 s, the other after 12 s',
  run: async (stage) => {
    const gate = { name: 'quota.example.com/approved' }
    await stage.create(deployment('asks', 2, template('asks', [server()], { schedulingGates: [gate] })))
    await stage.until('both pods are there', () => stage.pods().length === 2)
    const [first, second] = stage.pods().map(({ metadata }) => metadata.name)
    const open = (name = ''): Promise<unknown> =>
      stage.patchPod(name, { spec: { schedulingGates: [{ $patch: 'delete', ...gate }] } })
    await stage.sleep(3)
    await open(first)
    await stage.sleep(9)
    await open(second)
    await stage.readyCount(2)
  },
}

const KUEUE = 'kueue.x-k8s.io/v1beta2'
const inQueue = { 'kueue.x-k8s.io/queue-name': 'team' }

async function makeQueue(stage: Stage, preemption: object = {}): Promise<void> {
  const global = `podspan-${stage.namespace}`
  await stage.createGlobal({ apiVersion: KUEUE, kind: 'ResourceFlavor', metadata: { name: global } })
  const resources = [{ name: 'cpu', nominalQuota: '100m' }]
  const resourceGroups = [{ coveredResources: ['cpu'], flavors: [{ name: global, resources }] }]
  await stage.createGlobal({
    apiVersion: KUEUE,
    kind: 'ClusterQueue',
    metadata: { name: global },
    spec: { namespaceSelector: {}, resourceGroups, ...preemption },
  })
  await stage.create({
    apiVersion: KUEUE,
    kind: 'LocalQueue',
    metadata: { name: 'team' },
    spec: { clusterQueue: global },
  })
}

const kueue: Scenario = {
  name: 'kueue',
  description:
    'Kueue: quota for one at a time; a Job of two pods waits for the first Job, a single pod waits for both',
  alone: true,
  prepare: installKueue,
  run: async (stage) => {
    await makeQueue(stage)
    await stage.create(job('first', 'sleep 8', { labels: inQueue }))
    await stage.until('the first Job has its pod', () => stage.pods().length === 1)
    const both = { labels: inQueue, parallelism: 2, completions: 2, cpu: '50m' }
    await stage.create(job('second', 'sleep 4', both))
    await stage.sleep(1)
    const single = pod('single', [server(requests('100m'))])
    await stage.create({ ...single, metadata: { ...single.metadata, labels: inQueue } })
    await stage.ready(['single'], 120)
  },
}

const kueueEvicted: Scenario = {
  name: 'kueue-evicted',
  description:
    'Kueue: a Job of high priority evicts one of low priority, which is admitted again when the other has ended',
  alone: true,
  prepare: installKueue,
  run: async (stage) => {
    for (const [name, value] of [
      ['podspan-low', 10],
      ['podspan-high', 1000],
    ] as const)
      await stage.createGlobal({
        apiVersion: KUEUE,
        kind: 'WorkloadPriorityClass',
        metadata: { name },
        ...{ value },
      })
    await makeQueue(stage, { preemption: { withinClusterQueue: 'LowerPriority' } })
    const of = (level: string) => ({ ...inQueue, 'kueue.x-k8s.io/priority-class': `podspan-${level}` })
    await stage.create(job('patient', 'sleep 3', { labels: of('low') }))
    await stage.until('the Job runs', () => stage.pods().some((one) => statusOf(one).phase === 'Running'))
    await stage.create(job('urgent', 'sleep 5', { labels: of('high') }))
    const ended = (name: string): boolean =>
      stage.pods().some(({ metadata, status }) => {
        const labels = metadata.labels as Record<string, string> | undefined
        return labels?.['job-name'] === name && (status as { phase?: string }).phase === 'Succeeded'
      })
    await stage.until('both Jobs are done', () => ended('urgent') && ended('patient'), 120)
  },
}

export const queueScenarios: readonly Scenario[] = [
  preemptionOfTwo,
  quotaFreed,
  gateLate,
  kueue,
  kueueEvicted,
]
