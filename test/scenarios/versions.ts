// Owns the scenario that is recorded on every Kubernetes version Podspan is tried with, so that what they tell can be set side by side.
// Promises the same pods on each, and a name that says the version. Does not say what differs: test/versions does.

import { pushFreshImage, readCluster } from '../cluster/cluster.ts'
import { triedMinors } from '../cluster/versions.ts'
import { configMap, container, forever, pod, server } from './manifests.ts'
import { containersOf, type Scenario, type Stage } from './stage.ts'

export const nameOnVersion = (minor: number): string => `with-v1-${minor}`

const succeeds = { exec: { command: ['true'] } }
const state = { volumes: [{ name: 'state', emptyDir: {} }] }
const volumeMounts = [{ name: 'state', mountPath: '/state' }]
/** Fails so often before it succeeds. */
const onTry = (count: number): string =>
  `echo x >> /state/tries; [ $(wc -l < /state/tries) -ge ${count} ] || exit 1`

/** Two new images at once, and a cached one that the registry is asked about. */
async function pulls(stage: Stage): Promise<void> {
  const images = await Promise.all([12, 6].map((size) => pushFreshImage('fresh', size)))
  const fresh = images.map((image, index) => pod(`pull-${index + 1}`, [server({ image })]))
  const always = pod('always', [server({ imagePullPolicy: 'Always' })])
  const pods = [...fresh, always]
  await Promise.all(pods.map((object) => stage.create(object)))
  await stage.ready(pods.map((object) => object.metadata.name))
}

/** One after the other: init container, sidecar, startup probe, readiness that fails at first. */
async function steps(stage: Stage): Promise<void> {
  const initContainers = [
    container('prepare', 'sleep 1'),
    container('proxy', forever, { restartPolicy: 'Always' }),
  ]
  const startupProbe = { exec: { command: ['sh', '-c', onTry(2)] }, periodSeconds: 1, failureThreshold: 30 }
  const readinessProbe = { exec: { command: ['sh', '-c', onTry(5)] }, periodSeconds: 1 }
  const app = server({ startupProbe, readinessProbe, volumeMounts })
  await stage.create(pod('steps', [app], { initContainers, ...state }))
  await stage.ready(['steps'])
}

async function crashes(stage: Stage): Promise<void> {
  const script = `${onTry(2)}; exec ${forever}`
  const readinessProbe = { ...succeeds, initialDelaySeconds: 2, periodSeconds: 1 }
  await stage.create(pod('crashes', [container('app', script, { volumeMounts, readinessProbe })], state))
  await stage.until('crashes runs again', () =>
    containersOf(stage.pod('crashes')).some(({ ready, restartCount }) => ready && restartCount > 0),
  )
}

/** Waits first for a node with a label, then for a ConfigMap. */
async function waits(stage: Stage): Promise<void> {
  const label = 'example.com/version'
  const node = { apiVersion: 'v1', kind: 'Node', name: readCluster().nodeName }
  const setLabel = (value: string | null): Promise<unknown> =>
    stage.patch(node, { metadata: { labels: { [label]: value } } })
  await setLabel(null)
  stage.cleanup(async () => void (await setLabel(null)))
  const env = [{ name: 'COLOUR', valueFrom: { configMapKeyRef: { name: 'settings', key: 'colour' } } }]
  await stage.create(pod('waits', [server({ env })], { nodeSelector: { [label]: 'here' } }))
  await stage.sleep(3)
  await setLabel('here')
  await stage.event('Failed')
  await stage.create(configMap('settings', { colour: 'green' }))
  await stage.ready(['waits'])
}

const onVersion = (minor: number): Scenario => ({
  name: nameOnVersion(minor),
  description: `on Kubernetes 1.${minor}: a cached and two new images, an init container and a sidecar, probes that fail at first, a crash, a missing label and a missing ConfigMap`,
  alone: true,
  on: { from: minor, to: minor },
  run: async (stage) => {
    await stage.create(pod('plain', [server()]))
    await stage.ready(['plain'])
    await pulls(stage)
    await Promise.all([steps(stage), crashes(stage), waits(stage)])
  },
})

export const versionScenarios: readonly Scenario[] = triedMinors.map(onVersion)
