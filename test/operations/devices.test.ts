import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Frame } from '../../src/base/frame.ts'
import { shortOf } from '../../src/operations/devices.ts'
import { podRecord, story } from '../support/pods.ts'
import { clusterFrames, type Write } from '../support/pods-cluster.ts'
import { assertSpans, spanOf, traceOf, treeOf } from '../support/pods-spans.ts'
import { deviceClaim, given, ownedBy, schedulerEvent, write } from '../support/waits.ts'

const self = podRecord()
const CLAIMS = { deviceClaims: [{ name: 'gpu', claim: 'web-gpu' }] }
const NONE_FREE = '0/1 nodes are available: 1 cannot allocate all claims.'
const NO_CPU = '0/1 nodes are available: 1 Insufficient cpu.'

const refused = (message: string, ms = 30) => schedulerEvent(ms, 'FailedScheduling', message, self)

const starts = (bound = 6000) =>
  story(CLAIMS)
    .create(0)
    .bind(bound)
    .admit(bound + 20)
    .start(bound + 200, 'app')
    .ready(bound + 300)

const framesOf = (writes: readonly Write[]): readonly Frame[] => clusterFrames(writes, 20_000)

const REST = [
  ['  prepare pod and create sandbox', 6000, 6200],
  ['  create container app', 6200, 6210],
  ['  start container app', 6210, 6220],
  ['  report status', 6220, 6300],
] as const

test('a pod waits for its claim to be made, and then for its devices', () => {
  const told = starts().other(30, refused(NONE_FREE))
  const claim = [write(400, deviceClaim(400), 'added'), write(5980, deviceClaim(400, given))]
  const trace = traceOf(framesOf([...told.writes(), ...claim]))
  assertSpans(trace, [
    ['pod startup', 0, 6300],
    ['  schedule', 0, 6000],
    ['    wait for claim', 0, 400],
    ['    allocate devices', 400, 5980],
    ...REST,
  ])
  const { attributes, events } = spanOf(trace, 'allocate devices')
  assert.deepEqual(attributes['podspan.devices.drivers'], ['gpu.example.com'])
  assert.deepEqual(
    events.map(({ name }) => name),
    ['allocated'],
  )
  assert.match(trace.verdict, /waiting for the devices of ResourceClaim web-gpu \(0\/1 nodes/)
})

test('a claim from a template is made by its controller, another by whoever', () => {
  const claims = (owners?: ReturnType<typeof ownedBy>) => [
    write(400, deviceClaim(400, owners ? { owners } : {}), 'added'),
    write(5980, deviceClaim(400, { ...given, ...(owners ? { owners } : {}) })),
  ]
  const actorOf = (writes: readonly Write[]) =>
    spanOf(traceOf(framesOf([...starts().writes(), ...writes])), 'wait for claim').actor
  assert.equal(actorOf(claims(ownedBy('Pod', 'web'))), 'resource-claim-controller')
  assert.equal(actorOf(claims()), "the claim's creator")
})

test('a claim that was there before the pod is waited for from the beginning', () => {
  const claim = [write(-9000, deviceClaim(-9000), 'added'), write(5980, deviceClaim(-9000, given))]
  const trace = traceOf(framesOf([...starts().writes(), ...claim]))
  assert.ok(!treeOf(trace).some((line) => line.includes('wait for claim')))
  assert.equal(spanOf(trace, 'allocate devices').start.best, spanOf(trace, 'schedule').start.best)
})

test('where only other things were short the devices were not waited for', () => {
  const told = starts().other(30, refused(NO_CPU))
  const claim = [write(-9000, deviceClaim(-9000), 'added'), write(5980, deviceClaim(-9000, given))]
  const trace = traceOf(framesOf([...told.writes(), ...claim]))
  assert.ok(!treeOf(trace).some((line) => line.includes('devices')))
  assert.deepEqual(spanOf(trace, 'schedule').attributes['podspan.schedule.insufficient'], ['cpu'])
})

test('claims that may not be read are known by what the scheduler says', () => {
  const trace = traceOf(starts().other(3000, refused(NONE_FREE, 3000)).frames(20_000))
  const { subject, end, start } = spanOf(trace, 'allocate devices')
  assert.equal(subject, 'web-gpu')
  assert.equal(start.best, spanOf(trace, 'schedule').start.best)
  assert.ok(end.latest - end.earliest > 2_900_000_000n)
})

test('without a word of devices nothing is told of claims that may not be read', () => {
  assert.ok(!treeOf(traceOf(starts().frames(20_000))).some((line) => line.includes('devices')))
})

test('a pod whose claim nobody has made waits for it', () => {
  const trace = traceOf(story(CLAIMS).create(0).frames(3000))
  assert.deepEqual(treeOf(trace), ['pod startup', '  schedule …', '    allocate devices …'])
})

test('devices that could not be prepared are tries, and what followed is bounded only', () => {
  const message = 'Failed to prepare dynamic resources: DRA driver gpu.example.com is not registered'
  const told = story(CLAIMS)
    .create(0)
    .bind(20)
    .admit(40)
    .event(300, 'FailedPrepareDynamicResources', undefined, message)
    .event(9000, 'FailedPrepareDynamicResources', undefined, message)
    .start(12_000, 'app')
    .ready(12_100)
  const trace = traceOf(told.frames(20_000))
  assert.deepEqual(
    treeOf(trace).filter((line) => line.includes('prepare')),
    [
      '  prepare pod and create sandbox',
      '    prepare devices',
      '      prepare devices #1 ✗',
      '      prepare devices #2 ✗',
    ],
  )
  const { end } = spanOf(trace, 'prepare devices')
  assert.ok(end.latest - end.earliest > 2_500_000_000n)
  assert.match(trace.verdict, /waiting for devices to be prepared \(Failed to prepare/)
})

test('a binding that waits for the driver is the driver’s', () => {
  const pending = 'waiting for binding conditions for device on node node-1'
  const told = starts().other(2000, schedulerEvent(2000, 'BindingConditionsPending', pending, self))
  const claim = [write(-9000, deviceClaim(-9000), 'added'), write(1900, deviceClaim(-9000, given))]
  const trace = traceOf(framesOf([...told.writes(), ...claim]))
  const { actor, start, end } = spanOf(trace, 'prepare devices')
  assert.equal(actor, 'gpu.example.com')
  assert.ok(end.best - start.best > 3_900_000_000n)
})

test('a kubelet that refuses the pod names the resource', () => {
  const message =
    'Pod was rejected: Allocate failed due to requested number of devices unavailable for example.com/resource. Requested: 1, Available: 0, which is unexpected'
  const told = story({ nodeName: 'node-1' })
    .create(0)
    .change(30, { phase: 'Failed', reason: 'UnexpectedAdmissionError', message })
  const { error, attributes } = spanOf(traceOf(told.frames(9000)), 'prepare pod and create sandbox')
  assert.equal(error, message)
  assert.deepEqual(attributes['podspan.devices.insufficient'], ['example.com/resource'])
})

test('what is short is named as the scheduler and the kubelet write it', () => {
  const said = [
    '0/5 nodes are available: 2 Insufficient nvidia.com/gpu, 3 Insufficient memory. preemption: none.',
    'OutOfcpu',
    'node(s) had untolerated taint {a: b}',
  ]
  assert.deepEqual(shortOf(said), ['nvidia.com/gpu', 'memory', 'cpu'])
})
