// Owns the scenarios in which a pod waits for devices: claims of a DRA driver, and those of a device plugin.
// Promises that the drivers are stopped again. Does not start them: test/cluster/devices.ts does.

import {
  draDriverName,
  pluginResource,
  startDevicePlugin,
  startDraDriver,
  stopDevicePlugin,
  stopDraDriver,
} from '../cluster/devices.ts'
import type { KubeObject } from './api.ts'
import { container, forever, pod, server } from './manifests.ts'
import { type Scenario, type Stage, statusOf } from './stage.ts'

const DRA = 'resource.k8s.io/v1'
/** From which it is there. */
const on = { from: 34 }
const CLASS = 'podspan-devices'

const exactly = (count: number) => ({
  devices: {
    requests: [{ name: 'cards', exactly: { deviceClassName: CLASS, allocationMode: 'ExactCount', count } }],
    // The driver gives these to the containers; a device without any would be none to the runtime.
    config: [{ opaque: { driver: draDriverName, parameters: { speed: 'high' } } }],
  },
})

async function makeClass(stage: Stage): Promise<void> {
  await stage.createGlobal({
    apiVersion: DRA,
    kind: 'DeviceClass',
    metadata: { name: CLASS },
    spec: { selectors: [{ cel: { expression: `device.driver == "${draDriverName}"` } }] },
  })
}

const claimTemplate = (name: string, count: number): KubeObject => ({
  apiVersion: DRA,
  kind: 'ResourceClaimTemplate',
  metadata: { name },
  spec: { spec: exactly(count) },
})

function claiming(name: string, claim: object): KubeObject {
  const resources = { claims: [{ name: 'cards' }] }
  return pod(name, [container('app', forever, { resources })], {
    resourceClaims: [{ name: 'cards', ...claim }],
  })
}

const claims: Scenario = {
  name: 'dra-claims',
  description:
    'devices by claim: one pod gets three of four, the next waits for them until the first is gone, a third for a claim that somebody makes 4 s late',
  alone: true,
  on,
  prepare: startDraDriver,
  restore: stopDraDriver,
  run: async (stage) => {
    await makeClass(stage)
    await stage.create(claimTemplate('three', 3))
    await stage.create(claiming('first', { resourceClaimTemplateName: 'three' }))
    await stage.ready(['first'])
    await stage.create(claiming('second', { resourceClaimTemplateName: 'three' }))
    await stage.create(claiming('third', { resourceClaimName: 'shared' }))
    await stage.sleep(4)
    await stage.create({
      apiVersion: DRA,
      kind: 'ResourceClaim',
      metadata: { name: 'shared' },
      spec: exactly(1),
    })
    await stage.ready(['third'])
    await stage.sleep(2)
    await stage.deletePod('first')
    await stage.ready(['second'], 120)
  },
}

const prepareFails: Scenario = {
  name: 'dra-prepare-fails',
  description:
    "the node's driver is away when the kubelet wants the devices prepared, and comes back 5 s later",
  alone: true,
  on,
  prepare: startDraDriver,
  restore: stopDraDriver,
  run: async (stage) => {
    await makeClass(stage)
    await stage.create(claimTemplate('one', 1))
    await stage.sleep(1)
    await stopDraDriver()
    await stage.create(claiming('unlucky', { resourceClaimTemplateName: 'one' }))
    await stage.event('FailedPrepareDynamicResources')
    await stage.sleep(5)
    await startDraDriver()
    await stage.ready(['unlucky'], 120)
  },
}

const asking = (count: number) => ({ resources: { limits: { [pluginResource]: String(count) } } })

const plugin: Scenario = {
  name: 'device-plugin',
  description:
    'two devices of a plugin: the third pod waits until one is freed; one that was given the node by its creator is refused by the kubelet',
  alone: true,
  prepare: startDevicePlugin,
  restore: stopDevicePlugin,
  run: async (stage) => {
    const names = ['one', 'two'] as const
    for (const name of names) await stage.create(pod(name, [server(asking(1))]))
    await stage.ready(names)
    await stage.create(pod('three', [server(asking(1))]))
    await stage.create(pod('placed', [server(asking(1))], { nodeName: stage.nodeName }))
    await stage.until('the kubelet refuses', () => statusOf(stage.pod('placed')).phase === 'Failed')
    await stage.sleep(4)
    await stage.deletePod('one')
    await stage.ready(['three'], 120)
  },
}

export const deviceScenarios: readonly Scenario[] = [claims, prepareFails, plugin]
