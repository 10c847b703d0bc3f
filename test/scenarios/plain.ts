// Owns the scenarios in which nothing goes wrong: one pod, pulls, init and sidecar containers, probes and hooks.
// Promises images whose pulls are real ones where a pull is the subject. Does not wait for anything after the last Ready.

import { pushFreshImage, setKubeletPulls } from '../cluster/cluster.ts'
import { overSlowLink, startSlowRegistry, stopSlowRegistry } from '../cluster/slow-registry.ts'
import { container, forever, pod, server } from './manifests.ts'
import { containersOf, type Scenario, type Stage } from './stage.ts'

const yes = { exec: { command: ['true'] } }

const plain: Scenario = {
  name: 'plain',
  description: 'one pod of one container, whose image is on the node',
  run: async (stage) => {
    await stage.create(pod('plain', [server()]))
    await stage.ready(['plain'])
  },
}

const pulls: Scenario = {
  name: 'pulls',
  description:
    'seven pods at once, each with an image of its own that the node has to pull; the kubelet pulls one at a time',
  alone: true,
  run: async (stage) => {
    const sizes = [24, 16, 12, 8, 6, 4, 2]
    const images = await Promise.all(sizes.map((size) => pushFreshImage('fresh', size)))
    const pods = images.map((image, index) => pod(`pull-${index + 1}`, [server({ image })]))
    await Promise.all(pods.map((object) => stage.create(object)))
    await stage.ready(pods.map((object) => object.metadata.name))
  },
}

const pullsShared: Scenario = {
  name: 'pulls-shared',
  description: 'three pods at once that need the same two new images, one of them for an init container',
  alone: true,
  run: async (stage) => {
    const [first, second] = await Promise.all([pushFreshImage('fresh', 12), pushFreshImage('fresh', 6)])
    const initContainers = [container('prepare', 'true', { image: first })]
    const apps = [server({ image: second })]
    const pods = [1, 2, 3].map((index) => pod(`shared-${index}`, apps, { initContainers }))
    await Promise.all(pods.map((object) => stage.create(object)))
    await stage.ready(pods.map((object) => object.metadata.name))
  },
}

/** Pods at once, each with an image of its own that comes over a slow link. */
async function pullSlowly(stage: Stage, sizes: readonly number[]): Promise<void> {
  const images = await Promise.all(sizes.map((size) => pushFreshImage('fresh', size)))
  const pods = images.map((image, index) =>
    pod(`pull-${index + 1}`, [server({ image: overSlowLink(image) })]),
  )
  await Promise.all(pods.map((object) => stage.create(object)))
  await stage.ready(
    pods.map((object) => object.metadata.name),
    120,
  )
}

const slowRegistry: Scenario = {
  name: 'with-slow-registry',
  description:
    'three pods at once, each with an image of its own from a registry that sends 6 MB/s; the kubelet pulls one at a time',
  alone: true,
  prepare: () => startSlowRegistry(6),
  restore: stopSlowRegistry,
  run: (stage) => pullSlowly(stage, [16, 8, 4]),
}

const parallelPulls: Scenario = {
  name: 'with-parallel-pulls',
  description:
    'five pods at once, each with an image of its own; the kubelet pulls three at a time, which share a registry that sends 12 MB/s',
  alone: true,
  prepare: async () => {
    await setKubeletPulls({ atOnce: true, most: 3 })
    await startSlowRegistry(12)
  },
  restore: async () => {
    await stopSlowRegistry()
    await setKubeletPulls({ atOnce: false })
  },
  run: (stage) => pullSlowly(stage, [24, 16, 12, 8, 4]),
}

const nativeSpans: Scenario = {
  name: 'with-native-spans',
  description:
    'a pod with an init container and a new image, and one whose container fails once: with the spans of API server, kubelet and containerd',
  alone: true,
  spans: true,
  run: async (stage) => {
    const image = await pushFreshImage('fresh', 6)
    const initContainers = [container('prepare', 'true')]
    await stage.create(pod('pulls', [server({ image })], { initContainers }))
    await stage.ready(['pulls'])
    const failsOnce = `test -e /seen/once || { touch /seen/once; exit 1; }; ${forever}`
    const volumes = [{ name: 'seen', emptyDir: {} }]
    const readinessProbe = { ...yes, periodSeconds: 1 }
    const volumeMounts = [{ name: 'seen', mountPath: '/seen' }]
    await stage.create(
      pod('fails-once', [container('app', failsOnce, { volumeMounts, readinessProbe })], { volumes }),
    )
    await stage.until('fails-once runs again', () =>
      containersOf(stage.pod('fails-once')).some(({ ready, restartCount }) => ready && restartCount > 0),
    )
    // Exporters send what they have every 5 s.
    await stage.sleep(6)
  },
}

const pullAlways: Scenario = {
  name: 'pull-always',
  description: 'pull policy Always with all layers on the node, so that only the registry is asked',
  run: async (stage) => {
    await stage.create(pod('always', [server({ imagePullPolicy: 'Always' })]))
    await stage.ready(['always'])
  },
}

const initSidecarReadiness: Scenario = {
  name: 'init-sidecar-readiness',
  description: 'an init container of 2 s, a sidecar, and a main container that is ready after some 4 s',
  run: async (stage) => {
    const initContainers = [
      container('prepare', 'sleep 2'),
      container('proxy', forever, { restartPolicy: 'Always' }),
      container('migrate', 'sleep 1'),
    ]
    const readinessProbe = { ...yes, initialDelaySeconds: 3, periodSeconds: 1 }
    await stage.create(pod('web', [server({ readinessProbe })], { initContainers }))
    await stage.ready(['web'])
  },
}

const startupHook: Scenario = {
  name: 'startup-hook',
  description: 'a post-start hook of 2 s, then a startup probe that succeeds on its third try',
  run: async (stage) => {
    const lifecycle = { postStart: { exec: { command: ['sleep', '2'] } } }
    const exec = { command: ['sh', '-c', 'echo x >> /tries; [ $(wc -l < /tries) -ge 3 ]'] }
    const startupProbe = { exec, periodSeconds: 1, failureThreshold: 30 }
    await stage.create(pod('hook', [server({ lifecycle, startupProbe }), container('beside', forever)]))
    await stage.ready(['hook'])
  },
}

const readinessGate: Scenario = {
  name: 'readiness-gate',
  description: 'a readiness gate whose controller sets it 3 s after the containers are ready',
  run: async (stage) => {
    const conditionType = 'example.com/load-balancer'
    await stage.create(pod('gated', [server()], { readinessGates: [{ conditionType }] }))
    await stage.phase('gated', 'Running')
    await stage.sleep(3)
    const conditions = [{ type: conditionType, status: 'True', lastTransitionTime: new Date().toISOString() }]
    await stage.patchPod('gated', { status: { conditions } }, 'status')
    await stage.ready(['gated'])
  },
}

const manyEvents: Scenario = {
  name: 'many-events',
  description: 'twelve containers: more events than the kubelet may send for one pod',
  run: async (stage) => {
    const containers = Array.from({ length: 12 }, (_, index) => container(`c${index + 1}`, forever))
    await stage.create(pod('many', containers))
    await stage.ready(['many'], 90)
  },
}

export const plainScenarios: readonly Scenario[] = [
  plain,
  pulls,
  pullsShared,
  slowRegistry,
  parallelPulls,
  nativeSpans,
  pullAlways,
  initSidecarReadiness,
  startupHook,
  readinessGate,
  manyEvents,
]
