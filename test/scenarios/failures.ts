// Owns the scenarios in which something is missing or broken at first: image, configuration, the container itself.
// Promises that the cause is removed after a known time, if at all. Does not judge the outcome.

import { randomBytes } from 'node:crypto'
import { pushImage, readCluster } from '../cluster/cluster.ts'
import { configMap, container, forever, pod, server } from './manifests.ts'
import { containersOf, type Scenario } from './stage.ts'

const crashLoop: Scenario = {
  name: 'crash-loop',
  description: 'a container that fails twice, is restarted at once and after 10 s, and then gets ready',
  run: async (stage) => {
    const script = `echo x >> /state/tries; [ $(wc -l < /state/tries) -ge 3 ] && exec ${forever}; sleep 0.3; exit 1`
    const volumeMounts = [{ name: 'state', mountPath: '/state' }]
    const readinessProbe = { exec: { command: ['true'] }, initialDelaySeconds: 2, periodSeconds: 1 }
    const more = { volumes: [{ name: 'state', emptyDir: {} }] }
    await stage.create(pod('crash', [container('app', script, { volumeMounts, readinessProbe })], more))
    await stage.ready(['crash'], 90)
  },
}

const crashLoopPulling: Scenario = {
  name: 'crash-loop-pulling',
  description:
    'an init container that fails once and a container that fails twice, whose images are asked for anew each time',
  run: async (stage) => {
    const failing = (tries: number, then: string): string =>
      `echo x >> /state/$0; [ $(wc -l < /state/$0) -ge ${tries} ] && exec ${then}; exit 1`
    const more = { imagePullPolicy: 'Always', volumeMounts: [{ name: 'state', mountPath: '/state' }] }
    const made = (name: string, script: string) => ({
      ...container(name, script, more),
      command: ['sh', '-c', script, name],
    })
    const initContainers = [made('prepare', failing(2, 'true'))]
    const containers = [made('app', failing(3, forever))]
    const volumes = [{ name: 'state', emptyDir: {} }]
    await stage.create(pod('crash', containers, { initContainers, volumes }))
    await stage.ready(['crash'], 90)
  },
}

const imageMissing: Scenario = {
  name: 'image-missing',
  description: 'an image that the registry does not have until 8 s later',
  alone: true,
  run: async (stage) => {
    const tag = randomBytes(6).toString('hex')
    const { registry } = readCluster()
    const image = `${registry}/late:${tag}`
    await stage.create(pod('late', [server({ image })]))
    await stage.sleep(8)
    const base = `${registry}/busybox:latest`
    await pushImage('late', tag, { base, layers: [{ randomMegabytes: 2 }] })
    await stage.ready(['late'], 90)
  },
}

const configMapVolume: Scenario = {
  name: 'configmap-volume',
  description: 'a volume of a ConfigMap that is created 6 s later',
  run: async (stage) => {
    const volumes = [{ name: 'settings', configMap: { name: 'settings' } }]
    const volumeMounts = [{ name: 'settings', mountPath: '/settings' }]
    await stage.create(pod('mounts', [server({ volumeMounts })], { volumes }))
    await stage.sleep(6)
    await stage.create(configMap('settings', { colour: 'green' }))
    await stage.ready(['mounts'], 90)
  },
}

const configMapEnv: Scenario = {
  name: 'configmap-env',
  description: 'an environment variable of a ConfigMap that is created 6 s later',
  run: async (stage) => {
    const env = [{ name: 'COLOUR', valueFrom: { configMapKeyRef: { name: 'settings', key: 'colour' } } }]
    await stage.create(pod('reads', [server({ env })]))
    await stage.sleep(6)
    await stage.create(configMap('settings', { colour: 'green' }))
    await stage.ready(['reads'], 90)
  },
}

const exitsAfterReady: Scenario = {
  name: 'exits-after-ready',
  description: 'a container without a probe that is ready at once and fails 1.5 s later',
  run: async (stage) => {
    await stage.create(pod('brief', [container('app', 'sleep 1.5; exit 7')]))
    await stage.until('brief restarted', () =>
      containersOf(stage.pod('brief')).some((entry) => entry.restartCount > 0),
    )
  },
}

const startError: Scenario = {
  name: 'start-error',
  description: 'a command that is not in the image: the container is created but never starts',
  run: async (stage) => {
    const app = { ...container('app', forever), command: ['/no-such-program'] }
    await stage.create(pod('broken', [app]))
    await stage.until(
      'two attempts',
      () => containersOf(stage.pod('broken')).some((entry) => entry.restartCount >= 2),
      90,
    )
  },
}

const completes: Scenario = {
  name: 'completes',
  description: 'two pods that are not restarted: one ends well, one fails',
  run: async (stage) => {
    const never = { restartPolicy: 'Never' }
    await stage.create(pod('well', [container('app', 'sleep 1')], never))
    await stage.create(pod('fails', [container('app', 'sleep 1; exit 3')], never))
    await stage.phase('well', 'Succeeded')
    await stage.phase('fails', 'Failed')
  },
}

const deletedWhileStarting: Scenario = {
  name: 'deleted-while-starting',
  description:
    'two pods deleted before they were ready: one in its init container, one that nothing could schedule',
  run: async (stage) => {
    const initContainers = [container('prepare', 'sleep 30')]
    await stage.create(pod('early', [server()], { initContainers }))
    await stage.create(pod('nowhere', [server()], { nodeSelector: { 'example.com/none': 'true' } }))
    await stage.until('the init container runs', () =>
      containersOf(stage.pod('early')).some((entry) => entry.state?.running !== undefined),
    )
    await stage.sleep(1)
    await Promise.all([stage.deletePod('early'), stage.deletePod('nowhere')])
    await stage.until('both are gone', () => stage.pods().length === 0)
  },
}

export const failureScenarios: readonly Scenario[] = [
  crashLoop,
  crashLoopPulling,
  imageMissing,
  configMapVolume,
  configMapEnv,
  exitsAfterReady,
  startError,
  completes,
  deletedWhileStarting,
]
