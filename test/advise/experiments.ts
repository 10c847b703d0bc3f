// Owns what is changed to see whether it saves what was advised: one experiment for each kind of advice.
// Promises that a container takes the same time in both runs, by its place in its StatefulSet.
// Does not measure: measured.ts does.

import { pushFreshImage, removeImage, setKubeletPulls } from '../cluster/cluster.ts'
import type { Api, KubeObject } from '../scenarios/api.ts'
import { container, podSpec, template } from '../scenarios/manifests.ts'
import type { Experiment, Variant } from './measured.ts'

type Fields = Readonly<Record<string, unknown>>

const AGNHOST = 'localhost:5000/agnhost:latest'

/** All at once; the last part of a pod's name is its place. */
export function statefulSet(
  name: string,
  replicas: number,
  containers: readonly Fields[],
  more: Fields = {},
): KubeObject {
  return {
    apiVersion: 'apps/v1',
    kind: 'StatefulSet',
    metadata: { name },
    spec: {
      replicas,
      serviceName: name,
      podManagementPolicy: 'Parallel',
      selector: { matchLabels: { app: name } },
      template: template(name, containers, more),
    },
  }
}

const variant = (...objects: readonly KubeObject[]): Variant => ({ objects: async () => objects })

/** Answers on a port after a time that depends on the pod's place: from `least` on, spread over `spread` seconds. */
export const server = (least: number, spread: number, probes: Fields): Fields =>
  container(
    'app',
    `n=\${HOSTNAME##*-}; sleep $(( n * 7 % ${spread} + ${least} )).$(( n * 3 % 10 )); exec /agnhost netexec --http-port 8080`,
    { image: AGNHOST, ...probes },
  )

export const port = (settings: Fields): Fields => ({ tcpSocket: { port: 8080 }, ...settings })

const readinessPeriod = (pods: number): Experiment => ({
  name: 'readiness-period',
  kind: 'readiness period',
  pods,
  from: ['readiness'],
  before: variant(statefulSet('web', pods, [server(2, 16, { readinessProbe: port({ periodSeconds: 10 }) })])),
  after: variant(statefulSet('web', pods, [server(2, 16, { readinessProbe: port({ periodSeconds: 2 }) })])),
})

const startupOf = (settings: Fields): Fields => ({
  startupProbe: port({ failureThreshold: 60, ...settings }),
  readinessProbe: port({ periodSeconds: 10 }),
})

/** An init container of another length in each pod: the looks of a startup probe go on from before it. */
const staggered = (pods: number, settings: Fields): KubeObject =>
  statefulSet('web', pods, [server(1, 2, startupOf(settings))], {
    initContainers: [container('stagger', 'n=${HOSTNAME##*-}; sleep $(( n % 10 ))')],
  })

const startupPeriod = (pods: number): Experiment => ({
  name: 'startup-period',
  kind: 'startup probe period',
  pods,
  from: ['startup probe'],
  before: variant(staggered(pods, { periodSeconds: 10 })),
  after: variant(staggered(pods, { periodSeconds: 1 })),
})

const initialDelay = (pods: number): Experiment => ({
  name: 'initial-delay',
  kind: 'startup probe instead of initialDelaySeconds',
  pods,
  from: ['startup probe', 'readiness'],
  before: variant(
    statefulSet('web', pods, [
      server(2, 6, { readinessProbe: port({ periodSeconds: 5, initialDelaySeconds: 20 }) }),
    ]),
  ),
  after: variant(
    statefulSet('web', pods, [
      server(2, 6, {
        startupProbe: port({ periodSeconds: 1, failureThreshold: 60 }),
        readinessProbe: port({ periodSeconds: 5 }),
      }),
    ]),
  ),
})

const shell = (name: string, script: string, more: Fields = {}): Fields => container(name, script, more)

const initContainers: Experiment = {
  name: 'init-containers',
  kind: 'init containers at once',
  pods: 6,
  from: ['pull image', 'create container'],
  before: variant(
    statefulSet('web', 6, [shell('app', 'sleep 3600')], {
      initContainers: [shell('migrate', 'sleep 4'), shell('warm', 'sleep 2')],
    }),
  ),
  after: variant(
    statefulSet('web', 6, [shell('app', 'sleep 3600')], {
      initContainers: [shell('both', 'sleep 4 & sleep 2 & wait')],
    }),
  ),
}

const flaky = (first: string): KubeObject => {
  const state = [{ name: 'state', mountPath: '/state' }]
  const script = `if [ ! -e /state/again ]; then touch /state/again; ${first}; fi; touch /state/ok; sleep 3600`
  const readinessProbe = { exec: { command: ['sh', '-c', 'test -e /state/ok'] }, periodSeconds: 1 }
  return statefulSet('web', 6, [shell('app', script, { volumeMounts: state, readinessProbe })], {
    volumes: [{ name: 'state', emptyDir: {} }],
  })
}

const failedAttempts: Experiment = {
  name: 'failed-attempts',
  kind: 'no failed attempts',
  pods: 6,
  from: ['create container'],
  before: variant(flaky('sleep 1; exit 1')),
  after: variant(flaky('true')),
}

/** One that takes long, and others that wait behind it. */
const MEGABYTES = [200, 8, 8, 8, 8, 8, 8, 8]
const IMAGES = MEGABYTES.length

/** Pods of one owner, each of an image that no other has; the owner is a ConfigMap, since every workload gives its pods one image. */
function pulling(images: readonly string[]): Variant['objects'] {
  return async (namespace: string, api: Api) => {
    const made = await api.create({
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'pulls', namespace },
    })
    const owner = {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      name: 'pulls',
      uid: made.metadata['uid'],
      controller: true,
    }
    return images.map((image, index) => ({
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: `pull-${index}`, ownerReferences: [owner] },
      spec: podSpec([container('app', 'sleep 3600', { image })]),
    }))
  }
}

/** The same eight images on an empty node: in turn, then as the advice says. */
async function imagePulls(): Promise<Experiment[]> {
  const images: string[] = []
  for (const megabytes of MEGABYTES) images.push(await pushFreshImage('advise', megabytes))
  const empty = async (): Promise<void> => {
    for (const image of images) await removeImage(image)
  }
  const objects = pulling(images)
  const before: Variant = { prepare: empty, objects }
  return [
    {
      name: 'parallel-pulls',
      kind: 'parallel pulls',
      pods: IMAGES,
      from: ['pull image'],
      before,
      after: {
        prepare: async () => {
          await empty()
          await setKubeletPulls({ atOnce: true })
        },
        restore: () => setKubeletPulls({ atOnce: false }),
        objects,
      },
    },
    {
      name: 'image-present',
      kind: 'image present',
      change: /^all 8 images/,
      pods: IMAGES,
      from: ['pull image', 'create container'],
      before,
      after: { objects },
    },
  ]
}

/** So many pods where a change is one of probes: each is on its own there, but for the machine. */
const probing = (pods: number): Experiment[] => [
  readinessPeriod(pods),
  startupPeriod(pods),
  initialDelay(pods),
]

/** Those that are named, or all; images are made only for those that need them. */
export async function experiments(names: readonly string[], pods: number): Promise<Experiment[]> {
  const isWanted = ({ name }: Pick<Experiment, 'name'>): boolean => names.length === 0 || names.includes(name)
  const pulls = ['parallel-pulls', 'image-present'].some((name) => isWanted({ name }))
    ? await imagePulls()
    : []
  return [...probing(pods), initContainers, failedAttempts, ...pulls].filter(isWanted)
}
