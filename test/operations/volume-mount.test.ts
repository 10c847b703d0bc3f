import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { PodRecord } from '../../src/base/record.ts'
import { at, type Story, story } from '../support/pods.ts'
import { spanOf, traceOf, treeOf } from '../support/pods-spans.ts'

const LIGHT: Partial<PodRecord> = {
  volumes: ['configMap', 'secret', 'projected', 'emptyDir'].map((kind) => ({ name: kind, kind })),
}
const MISSING = 'MountVolume.SetUp failed for volume "configMap" : configmap "settings" not found'

const begun = (more: Partial<PodRecord> = LIGHT): Story => story(more).create(0).bind(20).admit(40)
const started = (pod: Story, ms: number): Story => pod.start(ms, 'app').ready(ms + 100)

const hasMount = (pod: Story): boolean => treeOf(traceOf(pod.frames())).some((line) => line.includes('mount'))

test('volumes that nobody complained of are part of the preparation', () => {
  assert.equal(hasMount(started(begun(), 500)), false)
  const claim = { volumes: [{ name: 'data', kind: 'persistentVolumeClaim', claim: 'files' }] }
  assert.equal(hasMount(started(begun(claim), 500)), false)
})

test('each failed mount is a failed part, and what follows the last one is the mount', () => {
  const pod = begun()
    .event(300, 'FailedMount', undefined, MISSING)
    .event(800, 'FailedMount', undefined, MISSING)
    .event(1800, 'FailedMount', undefined, MISSING)
  const trace = traceOf(started(pod, 4250).frames())
  assert.deepEqual(treeOf(trace).slice(2, 7), [
    '  prepare pod and create sandbox',
    '    mount volumes',
    '      mount volumes #1 ✗',
    '      mount volumes #2 ✗',
    '      mount volumes #3 ✗',
  ])
  const whole = spanOf(trace, 'mount volumes')
  assert.equal(whole.error, undefined)
  assert.ok(whole.end.earliest >= at(1000) && whole.end.latest <= at(4250))
  assert.ok(
    Math.abs(Number(whole.end.best - at(4000))) < 20e6,
    'a sandbox usually takes a quarter of a second',
  )
  assert.equal(spanOf(trace, 'mount volumes', undefined, 2).error, MISSING)
  assert.match(
    trace.verdict,
    /mounting volumes \(MountVolume\.SetUp failed for volume "configMap" : configmap/,
  )
})

test('the end of a mount may lie anywhere between its last failure and the sandbox', () => {
  const pod = begun().event(300, 'FailedMount', undefined, MISSING)
  const { end } = spanOf(traceOf(started(pod, 9000).frames()), 'mount volumes')
  assert.equal(end.source, 'order')
  assert.ok(end.earliest <= at(301) && end.latest >= at(8990))
})

test('a volume that is mounted again while the pod runs was no part of its start', () => {
  const pod = started(begun(), 500).event(
    900,
    'FailedMount',
    undefined,
    'object "shop"/"settings" not registered',
  )
  assert.equal(hasMount(pod), false)
})

test('what an old kubelet says after two minutes is no try of its own', () => {
  const summary =
    'Unable to attach or mount volumes: unmounted volumes=[configMap]: timed out waiting for the condition'
  const pod = begun()
    .event(120_000, 'FailedMount', undefined, summary)
    .event(300, 'FailedMount', undefined, MISSING)
  const trace = traceOf(started(pod, 130_000).frames())
  assert.deepEqual(
    trace.spans.filter(({ name }) => name === 'mount volumes').map(({ attempt }) => attempt),
    [undefined, 1],
  )
})

test('a claim that the kubelet could not look up is a failed try of the whole', () => {
  const refused =
    'Unable to attach or mount volumes: unmounted volumes=[data], unattached volumes=[], failed to process volumes=[data]: error processing PVC shop/files: failed to fetch PVC from API server'
  const pod = begun().event(100, 'FailedMount', undefined, refused)
  const trace = traceOf(started(pod, 15_000).frames())
  assert.equal(spanOf(trace, 'mount volumes', undefined, 1).error, refused)
  assert.match(trace.verdict, /mounting volumes \(error processing PVC shop\/files: failed to fetch/)
})

test('a slow change of ownership is what the kubelet was at, until after it last said so', () => {
  const slow =
    'Setting volume ownership for x/volumes/data is taking longer than expected, consider using OnRootMismatch'
  const later = 'Setting volume ownership for x/volumes/data, processed 120000 files.'
  const pod = begun()
    .event(30_100, 'VolumePermissionChangeInProgress', undefined, slow)
    .event(90_100, 'VolumePermissionChangeInProgress', undefined, later)
  const trace = traceOf(started(pod, 100_000).frames())
  const { end, attributes, events } = spanOf(trace, 'mount volumes')
  assert.equal(attributes['podspan.volume.ownership_change'], true)
  assert.ok(end.earliest >= at(90_000) && end.latest >= at(99_000))
  assert.deepEqual(
    events.map(({ name }) => name),
    ['VolumePermissionChangeInProgress', 'VolumePermissionChangeInProgress'],
  )
  assert.match(trace.verdict, /mounting volumes \(Setting volume ownership for x\/volumes\/data/)
})

test('a pod that cannot mount its volumes is mounting them still', () => {
  const trace = traceOf(begun().event(300, 'FailedMount', undefined, MISSING).frames(9000))
  assert.match(trace.verdict, /^Starting for \S+ s, now mounting volumes \(MountVolume\.SetUp failed/)
  assert.deepEqual(treeOf(trace).slice(-2), ['    mount volumes …', '      mount volumes #1 ✗'])
})

test('a node without a network says so before it has looked at volumes', () => {
  const pod = begun()
    .event(60, 'NetworkNotReady', undefined, 'network is not ready')
    .event(300, 'FailedMount', undefined, MISSING)
  const tree = treeOf(traceOf(started(pod, 5000).frames()))
  assert.ok(tree.includes('    mount volumes'))
  assert.ok(tree.includes('    create sandbox #1 ✗'))
})

test('no more than twenty failures are told one by one', () => {
  const pod = begun()
  for (let index = 0; index < 30; index++)
    pod.event(300 + 1000 * index, 'FailedMount', undefined, `${MISSING} (${index})`)
  const trace = traceOf(started(pod, 40_000).frames())
  const attempts = trace.spans.filter(
    ({ name, attempt }) => name === 'mount volumes' && attempt !== undefined,
  )
  assert.equal(attempts.length, 20)
  assert.equal(attempts.at(-1)?.attempt, 30)
})

/** The kubelet says so twice of each device. */
const mapped = (pod: Story, ms: number, volume: string): Story =>
  ['globalMapPath', 'volumeMapPath'].reduce(
    (story, path, index) =>
      story.event(
        ms + index,
        'SuccessfulMountVolume',
        undefined,
        `MapVolume.MapPodDevice succeeded for volume "${volume}" ${path} "/var/lib/x"`,
      ),
    pod,
  )
const claims = (...names: string[]): Partial<PodRecord> => ({
  volumes: names.map((name) => ({ name, kind: 'persistentVolumeClaim', claim: name })),
})

test('a block device has a mount also where it was attached already, and its event is the end of it', () => {
  const trace = traceOf(started(mapped(begun(claims('disk')), 1500, 'pv-1'), 2600).frames())
  const { start, end } = spanOf(trace, 'mount volumes')
  assert.equal(end.source, 'event-name')
  assert.ok(Math.abs(Number(end.best - at(1501))) < 5e6)
  assert.ok(end.earliest <= at(1501) && end.latest > at(2000), 'a ConfigMap may have taken longer')
  assert.ok(start.earliest <= at(40) && start.latest >= at(1500), 'nothing says when it began')
})

test('of two devices the later one is the end, whichever is told first', () => {
  const pod = mapped(mapped(begun(claims('a', 'b')), 900, 'pv-2'), 700, 'pv-1')
  const { end } = spanOf(traceOf(started(pod, 2000).frames()), 'mount volumes')
  assert.ok(Math.abs(Number(end.best - at(901))) < 5e6)
})

test('with a file system beside it a device only says that the end was not before', () => {
  const pod = mapped(begun(claims('disk', 'files')), 700, 'pv-1')
  const { end } = spanOf(traceOf(started(pod, 3000).frames()), 'mount volumes')
  assert.equal(end.source, 'order')
  assert.ok(end.earliest > at(600) && end.latest > at(2900))
  assert.ok(Math.abs(Number(end.best - at(2750))) < 30e6, 'a sandbox usually takes a quarter of a second')
})
