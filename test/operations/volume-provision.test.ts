import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { EventRecord } from '../../src/base/record.ts'
import type { Trace } from '../../src/trace/trace.ts'
import { clusterFrames } from '../support/pods-cluster.ts'
import { at, eventRecord, frameOf, type Story, story } from '../support/pods.ts'
import { assertSpans, spanOf, traceOf, treeOf } from '../support/pods-spans.ts'
import { type ClaimStory, claimStory, PROVISIONER, withClaim } from '../support/volumes.ts'

const told = (pod: Story, ...claims: readonly ClaimStory[]): Trace =>
  traceOf(clusterFrames([...pod.writes(), ...claims.flatMap((claim) => claim.writes())]))

/** As the events.k8s.io recorder writes it. */
function refusal(ms: number, message: string): EventRecord {
  const { firstSeconds: _, lastSeconds: __, count: ___, ...bare } = eventRecord(ms, 'FailedScheduling')
  return { ...bare, eventTime: at(ms), message, component: 'default-scheduler', host: 'scheduler-1' }
}

const UNBOUND = '0/1 nodes are available: pod has unbound immediate PersistentVolumeClaims.'
const started = (pod: Story, ms: number): Story =>
  pod
    .bind(ms)
    .admit(ms + 20)
    .start(ms + 200, 'app')
    .ready(ms + 300)

test('a claim that waited for its first consumer is provisioned from the choice of the node on', () => {
  const claim = claimStory().created(-500).selected(300).bound(4000)
  const trace = told(started(story(withClaim).create(0), 4600), claim)
  assertSpans(trace, [
    ['pod startup', 0, 4900],
    ['  schedule', 0, 4600],
    ['    provision volume', 300, 4000],
    ['  prepare pod and create sandbox', 4600, 4800],
    ['  create container app', 4800, 4810],
    ['  start container app', 4810, 4820],
    ['  report status', 4820, 4900],
  ])
  const { actor, subject, attributes } = spanOf(trace, 'provision volume')
  assert.equal(actor, PROVISIONER)
  assert.equal(subject, 'data')
  assert.equal(attributes['podspan.volume.claim'], 'files')
  assert.equal(attributes['podspan.volume.storage_class'], 'fast')
  assert.equal(attributes['podspan.volume.persistent_volume'], 'pv-1')
  assert.match(
    trace.verdict,
    /3\.\d+ s \(7\d %\) waiting for volume data \(provisioner rancher\.io\/local-path\)/,
  )
})

test('a volume that was asked for before the pod is waited for from the pod on', () => {
  const claim = claimStory().created(-3000).asked(-2900).bound(2000)
  const pod = story(withClaim).create(0).other(30, refusal(30, UNBOUND))
  const { start, end } = spanOf(told(started(pod, 2100), claim), 'provision volume')
  assert.ok(Math.abs(Number(start.best - at(0))) < 10e6)
  assert.ok(Math.abs(Number(end.best - at(2000))) < 10e6)
})

test('a claim that is made after the pod is waited for from then on', () => {
  const pod = story({ volumes: [{ name: 'scratch', kind: 'ephemeral' }] }).create(0)
  const trace = told(started(pod, 3000), claimStory('web-scratch').created(700).asked(720).bound(2500))
  const { start, subject } = spanOf(trace, 'provision volume')
  assert.equal(subject, 'scratch')
  assert.ok(Math.abs(Number(start.best - at(700))) < 10e6)
})

test('a claim that was bound before the pod has no such span', () => {
  const trace = told(started(story(withClaim).create(0), 40), claimStory().created(-9000).bound(-5000))
  assert.ok(!treeOf(trace).some((line) => line.includes('volume')))
})

test('each failure of the provisioner is a failed part with its own words', () => {
  const broken = 'failed to provision volume with StorageClass "fast": no space left'
  const claim = claimStory().created(-500).selected(300)
  claim
    .event(1000, 'ProvisioningFailed', broken)
    .event(3000, 'ProvisioningFailed', `${broken} again`)
    .bound(6000)
  const trace = told(started(story(withClaim).create(0), 6100), claim)
  assert.deepEqual(treeOf(trace).slice(1, 5), [
    '  schedule',
    '    provision volume',
    '      provision volume #1 ✗',
    '      provision volume #2 ✗',
  ])
  const second = spanOf(trace, 'provision volume', undefined, 2)
  assert.equal(second.error, `${broken} again`)
  assert.ok(Math.abs(Number(second.end.best - at(3000))) < 10e6)
  // The second try began at some time after the first had failed.
  assert.ok(second.start.earliest <= at(1000) && second.start.latest >= at(2999))
})

test('without claims the scheduler tells that it waited, and its last refusal bounds the end', () => {
  const pod = story(withClaim)
    .create(0)
    .other(30, refusal(30, UNBOUND))
    .other(5000, refusal(5000, `${UNBOUND} still`))
  const trace = told(started(pod, 8000))
  const { start, end, actor } = spanOf(trace, 'provision volume')
  assert.ok(Math.abs(Number(start.best - at(0))) < 10e6)
  assert.ok(end.earliest >= at(3900) && end.earliest <= at(5000), 'its view of claims may be a second old')
  assert.ok(end.latest >= at(7990))
  assert.equal(actor, 'persistentvolume-controller')
  assert.match(trace.verdict, /waiting for volume data \(0\/1 nodes are available: pod has unbound immediate/)
})

test('without claims the events of one tell who provisioned, and bound the wait', () => {
  const claim = claimStory()
  claim.event(400, 'Provisioning', 'External provisioner is provisioning volume for claim "shop/files"')
  claim.event(3000, 'ProvisioningSucceeded', 'Successfully provisioned volume pv-1')
  const span = spanOf(told(started(story(withClaim).create(0), 4000), claim), 'provision volume')
  assert.equal(span.actor, PROVISIONER)
  assert.ok(span.start.best <= at(400))
  assert.ok(span.end.earliest >= at(2990) && span.end.latest >= at(3990))
})

test('of several claims of which none was seen it is said that it was one of them', () => {
  const volumes = ['a', 'b'].map((name) => ({ name, kind: 'persistentVolumeClaim', claim: name }))
  const pod = story({ volumes }).create(0).other(30, refusal(30, UNBOUND))
  const trace = told(started(pod, 2000))
  assert.equal(trace.spans.filter(({ name }) => name === 'provision volume').length, 1)
  assert.equal(spanOf(trace, 'provision volume').subject, 'a, b')
})

test('of several claims only the one that was not bound was waited for', () => {
  const volumes = ['a', 'b'].map((name) => ({ name, kind: 'persistentVolumeClaim', claim: name }))
  const pod = story({ volumes }).create(0).other(30, refusal(30, UNBOUND))
  const claims = [
    claimStory('a').created(-9000).bound(-8000, 'pv-a'),
    claimStory('b').created(-50).bound(1500, 'pv-b'),
  ]
  const trace = told(started(pod, 2000), ...claims)
  assert.deepEqual(
    trace.spans.filter(({ name }) => name === 'provision volume').map(({ subject }) => subject),
    ['b'],
  )
})

test('a scheduler that refuses for another reason waits for no volume', () => {
  const pod = story(withClaim)
    .create(0)
    .other(30, refusal(30, '0/1 nodes are available: 1 Insufficient cpu.'))
  assert.ok(!treeOf(told(started(pod, 2000))).some((line) => line.includes('volume')))
})

test('a pod that waits for its claim still says for what, and the controller why', () => {
  const why = 'no persistent volumes available for this claim and no storage class is set'
  const claim = claimStory().created(-100).event(50, 'FailedBinding', why, 'persistentvolume-controller')
  const pod = story(withClaim).create(0).other(30, refusal(30, UNBOUND))
  const trace = traceOf(clusterFrames([...pod.writes(), ...claim.writes()], 9000))
  assert.match(
    trace.verdict,
    /^Starting for 9.00 s, now waiting for volume data \(no persistent volumes available/,
  )
  assert.equal(treeOf(trace).at(-1), '    provision volume …')
})

test('a claim that only a list showed bound is waited for where its events or the scheduler say so', () => {
  const bound = {
    ...claimStory().created(100).selected(300).bound(4000).writes().at(-1)!.record,
    resourceVersion: '180',
  }
  const pod = started(story(withClaim).create(0).other(30, refusal(30, UNBOUND)), 9000)
  const trace = traceOf(
    [frameOf(5000, bound, 'initial'), ...pod.frames()].sort((a, b) => (a.t < b.t ? -1 : 1)),
  )
  const { start, end } = spanOf(trace, 'provision volume')
  assert.ok(start.earliest <= at(300) && start.latest >= at(300))
  assert.ok(end.earliest <= at(4000) && end.latest >= at(4000))
})
