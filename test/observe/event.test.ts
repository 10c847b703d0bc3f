import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Phase } from '../../src/base/frame.ts'
import type { EventRecord } from '../../src/base/record.ts'
import { clockOf, observeEvent } from '../../src/observe/event.ts'
import type { What } from '../../src/observe/observation.ts'
import { at, eventRecord, frameOf, onContainer } from '../support/pods.ts'

const observe = (event: EventRecord, phase: Phase = 'live', ms = 50) =>
  observeEvent(frameOf(ms, event, phase), event)

interface Case {
  readonly reason: string
  readonly message?: string
  readonly container?: string
  readonly then: What | undefined
}

const app = 'app'
const CASES: readonly Case[] = [
  { reason: 'Scheduled', then: 'bound' },
  { reason: 'FailedScheduling', then: 'scheduling failed' },
  { reason: 'Pulling', message: 'Pulling image "a"', container: app, then: 'pulling' },
  {
    reason: 'Pulled',
    message: 'Successfully pulled image "a" in 1s (1s including waiting)',
    container: app,
    then: 'pulled',
  },
  {
    reason: 'Pulled',
    message: 'Container image "a" already present on machine',
    container: app,
    then: 'image present',
  },
  {
    reason: 'Pulled',
    message: 'Container image "a" already present on machine and can be accessed by the pod',
    container: app,
    then: 'image present',
  },
  { reason: 'Failed', message: 'Failed to pull image "a": not found', container: app, then: 'pull failed' },
  { reason: 'Failed', message: 'Error: ImagePullBackOff', container: app, then: undefined },
  { reason: 'Failed', message: 'Error: configmap "a" not found', container: app, then: 'container failed' },
  {
    reason: 'ErrImageNeverPull',
    message: 'Container image "a" is not present',
    container: app,
    then: 'pull failed',
  },
  { reason: 'InspectFailed', message: 'Failed to inspect image', container: app, then: 'container failed' },
  { reason: 'BackOff', message: 'Back-off pulling image "a"', container: app, then: 'backing off' },
  {
    reason: 'BackOff',
    message: 'Back-off restarting failed container app in pod',
    container: app,
    then: 'backing off',
  },
  { reason: 'Created', message: 'Created container app', container: app, then: 'created container' },
  { reason: 'Created', message: 'Created container: app', container: app, then: 'created container' },
  { reason: 'Created', message: 'Container created', container: app, then: 'created container' },
  { reason: 'Started', message: 'Started container app', container: app, then: 'started container' },
  { reason: 'Started', message: 'Container started', container: app, then: 'started container' },
  { reason: 'Created', message: 'Created container', then: undefined },
  { reason: 'Started', message: 'Job resumed', then: undefined },
  { reason: 'FailedPostStartHook', message: 'PostStartHook failed', container: app, then: 'hook failed' },
  { reason: 'Unhealthy', message: 'Readiness probe failed: 503', container: app, then: 'unhealthy' },
  { reason: 'FailedCreatePodSandBox', message: 'Failed to create pod sandbox: x', then: 'sandbox failed' },
  { reason: 'NetworkNotReady', message: 'network is not ready: x', then: 'sandbox failed' },
  { reason: 'SandboxChanged', message: 'Pod sandbox changed', then: 'sandbox changed' },
  { reason: 'FailedMount', message: 'MountVolume.SetUp failed for volume "v" : x', then: 'noted' },
  { reason: 'FailedAttachVolume', message: 'Multi-Attach error for volume "v"', then: 'noted' },
  { reason: 'TriggeredScaleUp', message: 'pod triggered scale-up', then: 'noted' },
  { reason: 'DNSConfigForming', message: 'noise', then: undefined },
  { reason: 'toString', message: 'the name of something every object has', then: undefined },
  { reason: 'constructor', then: undefined },
]

for (const { reason, message, container, then } of CASES) {
  test(`${reason}${message ? ` "${message}"` : ''}${container ? ` of ${container}` : ''}: ${then ?? 'nothing'}`, () => {
    const more = { ...(message ? { message } : {}), ...(container ? onContainer(container) : {}) }
    const [first, ...rest] = observe(eventRecord(10, reason, more))
    assert.equal(first?.what, then)
    assert.equal(first?.container, then && container)
    assert.deepEqual(rest, [])
  })
}

test('a first occurrence is dated by its name, which carries its receipt where that is live', () => {
  const [live] = observe(eventRecord(10, 'Started', onContainer('app')))
  const [named] = live?.stamps ?? []
  assert.deepEqual(
    [named?.source, named?.at, named?.clock, named?.receivedAt],
    ['event-name', at(10), 'node/node-1', at(50)],
  )
  const [listed] = observe(eventRecord(10, 'Started', onContainer('app')), 'initial')
  assert.deepEqual(
    listed?.stamps.map(({ source, receivedAt }) => [source, receivedAt]),
    [
      ['event-name', undefined],
      ['list-receipt', at(50)],
    ],
  )
})

test('a repeat is a patch of the same object: the first keeps its name, the last has its second and its receipt', () => {
  const event = eventRecord(10, 'Started', { ...onContainer('app'), count: 3, lastSeconds: 1_800_000_009 })
  const [first, last] = observe(event, 'live', 9500)
  assert.equal(first?.index, 0)
  assert.deepEqual(
    first?.stamps.map(({ source, receivedAt }) => [source, receivedAt]),
    [['event-name', undefined]],
  )
  assert.equal(last?.index, 2)
  assert.equal(last?.group, first?.group)
  assert.deepEqual(
    last?.stamps.map(({ source, at: moment }) => [source, moment]),
    [
      ['event-second', at(9000)],
      ['event-receipt', at(9500)],
    ],
  )
})

test("a scheduler's series is dated in microseconds", () => {
  const { firstSeconds: _, lastSeconds: __, count: ___, ...bare } = eventRecord(10, 'FailedScheduling')
  const event = {
    ...bare,
    component: 'default-scheduler',
    eventTime: at(10),
    seriesCount: 4,
    seriesLast: at(7000.5),
  }
  const [, last] = observe(event, 'live', 7100)
  assert.equal(last?.index, 3)
  assert.deepEqual(
    last?.stamps.map(({ source, at: moment, clock }) => [source, moment, clock]),
    [
      ['event-time', at(7000.5), 'scheduler'],
      ['event-receipt', at(7100), 'observer'],
    ],
  )
})

test('an event without a moment in its name is dated by its second', () => {
  const [first] = observe(eventRecord(10, 'Started', { ...onContainer('app'), name: 'by-hand' }))
  assert.deepEqual(
    first?.stamps.map(({ source, at: moment }) => [source, moment]),
    [
      ['event-second', at(0)],
      ['event-receipt', at(50)],
    ],
  )
})

test('the end of an event, when it expires, says nothing', () => {
  const event = eventRecord(10, 'Started', onContainer('app'))
  assert.deepEqual(observeEvent(frameOf(3_600_000, event, 'live', 'deleted'), event), [])
})

test('the same fact has the same key in every phase', () => {
  const event = eventRecord(10, 'Started', onContainer('app'))
  const keys = (['initial', 'live', 'relist'] as const).map((phase) => observe(event, phase)[0]?.key)
  assert.equal(new Set(keys).size, 1)
})

test('a pull says its durations and size', () => {
  const message = 'Successfully pulled image "a" in 300ms (500ms including waiting). Image size: 7 bytes.'
  const [{ detail } = {}] = observe(eventRecord(10, 'Pulled', { ...onContainer('app'), message }))
  assert.equal(detail?.pull, 300_000_000n)
  assert.equal(detail?.withWaiting, 500_000_000n)
  assert.equal(detail?.bytes, 7)
  assert.equal(detail?.image, 'a')
})

test('whose clock wrote an event follows from its reporter', () => {
  assert.equal(clockOf(eventRecord(0, 'Started')), 'node/node-1')
  assert.equal(
    clockOf(eventRecord(0, 'Scheduled', { component: 'default-scheduler', eventTime: at(0) })),
    'scheduler',
  )
  assert.equal(
    clockOf(eventRecord(0, 'SuccessfulCreate', { component: 'replicaset-controller' })),
    'controller',
  )
  const involved = { kind: 'PersistentVolumeClaim', name: 'data' }
  const provisioner = { involved, component: 'rancher.io/local-path_node-7_0b2c' }
  for (const component of ['karpenter', 'eks-auto-mode/compute'])
    assert.equal(clockOf(eventRecord(0, 'Nominated', { component })), 'controller/karpenter')
  assert.equal(clockOf(eventRecord(0, 'Provisioning', provisioner)), 'controller/rancher.io/local-path')
  const binder = { involved, component: 'persistentvolume-controller' }
  assert.equal(clockOf(eventRecord(0, 'ExternalProvisioning', binder)), 'controller')
})
