import assert from 'node:assert/strict'
import { test } from 'node:test'
import { spanIdOf } from '../../src/trace/identity.ts'
import type { Span, Trace } from '../../src/trace/trace.ts'
import { clusterFrames, type Write } from '../support/pods-cluster.ts'
import { at, frameOf, podRecord, type Story, story, UID } from '../support/pods.ts'
import { assertSpans, spanOf, traceOf, treeOf } from '../support/pods-spans.ts'
import {
  ATTACHED,
  type AttachmentStory,
  attachmentStory,
  claimStory,
  controllerEvent,
  DRIVER,
  withClaim,
} from '../support/volumes.ts'

const CLAIM = claimStory().created(-9000).bound(-8000).writes()

const begun = (): Story => story(withClaim).create(0).bind(20).admit(40)
const started = (pod: Story, ms: number): Story => pod.start(ms, 'app').ready(ms + 100)

const told = (pod: Story, attachments: readonly AttachmentStory[], more: readonly Write[] = CLAIM): Trace =>
  traceOf(clusterFrames([...pod.writes(), ...attachments.flatMap((one) => one.writes()), ...more]))

const near = (span: Span, side: 'start' | 'end', ms: number, withinMs = 15): void => {
  const off = Number(span[side].best - at(ms)) / 1e6
  assert.ok(Math.abs(off) < withinMs, `${span.name} ${side} is ${off} ms off`)
}

test('a volume is attached from its attachment being made until it says so, then mounted', () => {
  const pod = started(begun().other(4600, controllerEvent(4600, 'SuccessfulAttachVolume', ATTACHED)), 7000)
  const trace = told(pod, [attachmentStory().created(120).attached(4200)])
  assertSpans(trace, [
    ['pod startup', 0, 7100],
    ['  schedule', 0, 20],
    ['  prepare pod and create sandbox', 20, 7000],
    ['    attach volume', 120, 4200],
    ['    mount volumes', 4600, 6750],
    ['  create container app', 7000, 7010],
    ['  start container app', 7010, 7020],
    ['  report status', 7020, 7100],
  ])
  const { actor, subject, attributes, spanId } = spanOf(trace, 'attach volume')
  assert.equal(actor, DRIVER)
  assert.equal(subject, 'data')
  assert.equal(attributes['podspan.volume.claim'], 'files')
  assert.equal(attributes['podspan.volume.persistent_volume'], 'pv-1')
  assert.equal(spanId, spanIdOf(UID, 'attach volume/data'))
  assert.match(trace.verdict, /4\.08 s \(57 %\) attaching volume data \(mock\.csi\.example\.com\)/)
})

test('a mount of another volume that failed meanwhile stands beside the attachment', () => {
  const missing = 'MountVolume.SetUp failed for volume "settings" : configmap "settings" not found'
  const pod = started(
    begun()
      .event(300, 'FailedMount', undefined, missing)
      .event(2300, 'FailedMount', undefined, missing)
      .other(4600, controllerEvent(4600, 'SuccessfulAttachVolume', ATTACHED))
      .event(5300, 'FailedMount', undefined, missing),
    7000,
  )
  const trace = told(pod, [attachmentStory().created(120).attached(4200)])
  assert.deepEqual(treeOf(trace).slice(3, 8), [
    '    attach volume',
    '    mount volumes #1 ✗',
    '    mount volumes #2 ✗',
    '    mount volumes',
    '      mount volumes #3 ✗',
  ])
  for (const [attempt, ms] of [300, 2300, 5300].entries()) {
    const failed = spanOf(trace, 'mount volumes', undefined, attempt + 1)
    assert.ok(failed.end.earliest <= at(ms) && failed.end.latest >= at(ms))
    assert.equal(failed.end.clamped, undefined)
  }
  const whole = trace.spans.find(({ name, attempt }) => name === 'mount volumes' && attempt === undefined)
  assert.ok(whole)
  near(whole, 'start', 4600)
  assert.match(trace.verdict, /attaching volume data/)
})

test('without attachments the event of the pod bounds it', () => {
  const pod = started(begun().other(4600, controllerEvent(4600, 'SuccessfulAttachVolume', ATTACHED)), 7000)
  const { start, end, actor } = spanOf(told(pod, []), 'attach volume')
  assert.equal(actor, 'attachdetach-controller')
  assert.ok(start.earliest <= at(20) && start.latest >= at(4300))
  assert.ok(end.latest <= at(4600) && end.earliest <= at(30))
  assert.ok(end.best < at(4600) && end.best > at(4000))
})

test('without claims either it goes by the only claim that it can be of', () => {
  const pod = started(begun().other(4600, controllerEvent(4600, 'SuccessfulAttachVolume', ATTACHED)), 7000)
  assert.equal(spanOf(told(pod, [], []), 'attach volume').subject, 'data')
})

test('a volume that was on the node already is not attached again', () => {
  const trace = told(started(begun(), 500), [attachmentStory().created(-5000).attached(-4000)])
  assert.ok(!treeOf(trace).some((line) => line.includes('volume')))
})

test('an attachment that another pod of the node had asked for is waited for from the binding on', () => {
  const trace = told(started(begun(), 3000), [attachmentStory().created(-1000).attached(2000)])
  near(spanOf(trace, 'attach volume'), 'start', 20)
})

test('an attachment to another node that stays is no concern of this pod', () => {
  const elsewhere = attachmentStory({ node: 'node-2' }).created(-5000).attached(-4000)
  const trace = told(started(begun(), 3000), [elsewhere, attachmentStory().created(120).attached(2000)])
  near(spanOf(trace, 'attach volume'), 'start', 120)
})

test('each failure of the driver is a failed part with its own words', () => {
  const quota = 'rpc error: code = ResourceExhausted desc = too many volumes'
  const attachment = attachmentStory()
    .created(120)
    .failed(1000, quota)
    .failed(3000, `${quota} still`)
    .attached(6000)
  const pod = begun().other(
    1400,
    controllerEvent(1400, 'FailedAttachVolume', `AttachVolume.Attach failed for volume "pv-1" : ${quota}`),
  )
  const trace = told(started(pod, 7000), [attachment])
  assert.deepEqual(treeOf(trace).slice(3, 6), [
    '    attach volume',
    '      attach volume #1 ✗',
    '      attach volume #2 ✗',
  ])
  // The controller's words of the first one, the attachment's own of the second, which it had not noticed yet.
  const said = [1, 2].map((attempt) => spanOf(trace, 'attach volume', undefined, attempt).error)
  assert.deepEqual(said, [`AttachVolume.Attach failed for volume "pv-1" : ${quota}`, `${quota} still`])
  const { end } = spanOf(trace, 'attach volume', undefined, 1)
  assert.ok(end.earliest <= at(1000) && end.latest >= at(1000))
  near(spanOf(trace, 'attach volume', undefined, 2), 'end', 3000, 40)
  near(spanOf(trace, 'attach volume'), 'start', 120)
})

test('a failure that only the controller knows is told by its event', () => {
  const late = 'AttachVolume.Attach failed for volume "pv-1" : timed out waiting for external-attacher'
  const pod = begun().other(2000, controllerEvent(2000, 'FailedAttachVolume', late))
  const trace = told(started(pod, 7000), [attachmentStory().created(120).attached(6000)])
  assert.equal(spanOf(trace, 'attach volume', undefined, 1).error, late)
})

const MULTI = 'Multi-Attach error for volume "pv-1" Volume is already used by pod(s) holder, other'
const HOLDER = '11111111-2222-4333-8444-555555555555'

test('a volume that another node holds is waited for from the binding on, with a link to the pod that uses it', () => {
  const holder = podRecord({
    ...withClaim,
    uid: HOLDER,
    name: 'holder',
    nodeName: 'node-2',
    phase: 'Succeeded',
  })
  const pod = begun().other(180, controllerEvent(180, 'FailedAttachVolume', MULTI))
  const attachments = [
    attachmentStory({ node: 'node-2' }).created(-5000).attached(-4000).deleted(5000),
    attachmentStory().created(5200).attached(6000),
  ]
  const frames = clusterFrames([
    ...started(pod, 8000).writes(),
    ...attachments.flatMap((one) => one.writes()),
    ...CLAIM,
  ])
  const trace = traceOf([frameOf(-9500, { ...holder, resourceVersion: '90' }, 'initial'), ...frames])
  const [whole, held] = trace.spans.filter(({ name }) => name === 'attach volume')
  assert.ok(whole && held)
  near(whole, 'start', 20)
  near(whole, 'end', 6000)
  near(held, 'start', 20)
  near(held, 'end', 5200)
  assert.equal(held.error, MULTI)
  assert.equal(held.actor, 'attachdetach-controller')
  assert.deepEqual(held.attributes['podspan.volume.used_by'], ['holder', 'other'])
  assert.deepEqual(whole.attributes['podspan.volume.attached_to'], ['node-2'])
  assert.deepEqual(
    held.links.map(({ attributes }) => [attributes['podspan.link'], attributes['k8s.pod.uid']]),
    [['used the volume', HOLDER]],
  )
  assert.match(
    trace.verdict,
    /attaching volume data \(Multi-Attach error for volume "pv-1" Volume is already used/,
  )
})

test('without its event the other attachment that goes away tells that the volume was held', () => {
  const attachments = [
    attachmentStory({ node: 'node-2' }).created(-5000).attached(-4000).deleted(5000),
    attachmentStory().created(5200).attached(6000),
  ]
  near(spanOf(told(started(begun(), 8000), attachments), 'attach volume'), 'start', 20)
})

test('a pod whose volume is still held waits for that', () => {
  const pod = begun().other(180, controllerEvent(180, 'FailedAttachVolume', MULTI))
  const trace = traceOf(clusterFrames([...pod.writes(), ...CLAIM], 9000))
  assert.deepEqual(treeOf(trace).slice(-2), ['    attach volume …', '      attach volume … ✗'])
  assert.match(trace.verdict, /now attaching volume data \(Multi-Attach error/)
})

test('a sandbox that failed after the volumes were there does not hide them', () => {
  const pod = begun()
    .other(4600, controllerEvent(4600, 'SuccessfulAttachVolume', ATTACHED))
    .event(6000, 'FailedCreatePodSandBox', undefined, 'Failed to create pod sandbox: no address left')
  const trace = told(started(pod, 20_000), [attachmentStory().created(120).attached(4200)])
  assert.deepEqual(treeOf(trace).slice(2, 6), [
    '  prepare pod and create sandbox',
    '    prepare pod',
    '      attach volume',
    '      mount volumes',
  ])
  const mount = spanOf(trace, 'mount volumes')
  assert.ok(mount.end.latest <= at(6000))
})

test('an attachment that only a list showed is of this start if it is no older than its binding', () => {
  const [, attached] = attachmentStory().created(1120).attached(2200).writes()
  const [, old] = attachmentStory().created(-9000).attached(-8000).writes()
  for (const [write, expected] of [
    [attached, true],
    [old, false],
  ] as const) {
    const listed = frameOf(3000, { ...write!.record, resourceVersion: '150' }, 'initial')
    const pod = started(story(withClaim).create(0).bind(1020).admit(1040), 7000)
    const frames = clusterFrames([...pod.writes(), ...CLAIM])
    const trace = traceOf([...frames, listed].sort((a, b) => (a.t < b.t ? -1 : 1)))
    const span = trace.spans.find(({ name }) => name === 'attach volume')
    assert.equal(span !== undefined, expected)
    if (span) {
      assert.ok(span.start.earliest <= at(1120) && span.start.latest >= at(1120))
      assert.ok(span.end.earliest <= at(2200) && span.end.latest >= at(2200))
    }
  }
})
