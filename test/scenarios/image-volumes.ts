// Owns the scenarios in which a pod waits for images that it mounts as volumes, and that the kubelet pulls before any container.
// Promises images that the node has not seen. Does not judge the outcome.

import { randomBytes } from 'node:crypto'
import { pushFreshImage, pushImage, readCluster } from '../cluster/cluster.ts'
import { busybox, container, forever, pod, server } from './manifests.ts'
import type { Scenario } from './stage.ts'

/** On by default since then, and stable since 1.36. */
const on = { from: 35 }

interface ImageVolume {
  readonly name: string
  readonly image: { readonly reference: string; readonly pullPolicy: 'IfNotPresent' | 'Always' }
}

const ofImage = (
  name: string,
  reference: string,
  pullPolicy: ImageVolume['image']['pullPolicy'],
): ImageVolume => ({
  name,
  image: { reference, pullPolicy },
})

const mountsOf = (...volumes: readonly ImageVolume[]) => ({
  volumeMounts: volumes.map(({ name }) => ({ name, mountPath: `/${name}` })),
})

const imageVolume: Scenario = {
  name: 'image-volume',
  description:
    'an image of 30 MB as a volume, another one that is asked for anew and one that is there; an init container, and two containers of which one pulls its own',
  on,
  alone: true,
  run: async (stage) => {
    const [model, image] = await Promise.all([pushFreshImage('model', 30), pushFreshImage('fresh', 4)])
    const volumes = [
      ofImage('model', model, 'IfNotPresent'),
      ofImage('asked', busybox, 'Always'),
      ofImage('there', busybox, 'IfNotPresent'),
    ]
    const app = server(mountsOf(...volumes))
    const second = container('second', forever, { image })
    const initContainers = [container('init', 'sleep 1', mountsOf(...volumes.slice(0, 1)))]
    await stage.create(pod('model', [app, second], { volumes, initContainers }))
    await stage.ready(['model'], 90)
  },
}

const imageVolumeMissing: Scenario = {
  name: 'image-volume-missing',
  description:
    'an image as a volume that the registry does not have until 8 s later; one container mounts it, one does not',
  on,
  alone: true,
  run: async (stage) => {
    const tag = randomBytes(6).toString('hex')
    const { registry } = readCluster()
    const volumes = [ofImage('model', `${registry}/late:${tag}`, 'IfNotPresent')]
    const idle = container('idle', forever)
    await stage.create(pod('late', [server(mountsOf(...volumes)), idle], { volumes }))
    await stage.sleep(8)
    const base = `${registry}/busybox:latest`
    await pushImage('late', tag, { base, layers: [{ randomMegabytes: 2 }] })
    await stage.ready(['late'], 90)
  },
}

export const imageVolumeScenarios: readonly Scenario[] = [imageVolume, imageVolumeMissing]
