import assert from 'node:assert/strict'
import { test } from 'node:test'
import { condition, story } from '../support/pods.ts'
import { clusterFrames, type Write } from '../support/pods-cluster.ts'
import { oldNode } from '../support/pods-nodes.ts'
import { assertSpans, spanOf, traceOf, treeOf } from '../support/pods-spans.ts'

const begun = () => story().create(0).bind(20).admit(40)
const REFUSED = 'Failed to create pod sandbox: no address left'

test('preparing and the sandbox are one span while nothing draws a line between them', () => {
  const trace = traceOf(
    begun().condition(500, 'PodReadyToStartContainers').start(510, 'app').ready(600).frames(),
  )
  assert.deepEqual(treeOf(trace).slice(0, 3), [
    'pod startup',
    '  schedule',
    '  prepare pod and create sandbox',
  ])
})

test('a node that is not ready any more says why preparing takes long, where it turned so meanwhile or before', () => {
  const old = oldNode()
  const turned = (ms: number): Write => {
    const message = 'Kubelet stopped posting node status.'
    const unknown = { ...condition('Ready', 'Unknown', ms, 'NodeStatusUnknown'), message }
    return {
      ...old,
      ms,
      kind: 'modified',
      record: { ...old.record, resourceVersion: '2', conditions: [unknown] } as Write['record'],
    }
  }
  const told = (ms: number) => {
    const pod = story().create(0).bind(20).admit(70_000).condition(70_500, 'PodReadyToStartContainers')
    return traceOf(clusterFrames([...pod.start(70_510, 'app').ready(70_600).writes(), old, turned(ms)]))
  }
  const [event] = spanOf(told(50_000), 'prepare pod and create sandbox').events
  assert.equal(event?.name, 'NodeNotReady')
  for (const ms of [-10_000, 50_000])
    assert.match(
      told(ms).verdict,
      /preparing the pod and its sandbox \(node-1 was not ready: Kubelet stopped posting node status\.\); image cached$/,
    )
  assert.match(told(70_550).verdict, /preparing the pod and its sandbox; image cached$/)
})

test('failed sandboxes appear below it, numbered, with the back-off between them', () => {
  const trace = traceOf(
    begun()
      .event(500, 'FailedCreatePodSandBox', undefined, REFUSED)
      .event(11_600, 'FailedCreatePodSandBox', undefined, `${REFUSED} again`)
      .condition(23_000, 'PodReadyToStartContainers')
      .start(23_010, 'app')
      .ready(23_100)
      .frames(),
  )
  assert.deepEqual(treeOf(trace).slice(2, 9), [
    '  prepare pod and create sandbox',
    '    prepare pod',
    '    create sandbox #1 ✗',
    '    back-off',
    '    create sandbox #2 ✗',
    '    back-off',
    '    create sandbox #3',
  ])
  assert.equal(spanOf(trace, 'create sandbox', undefined, 1).error, REFUSED)
  assert.equal(spanOf(trace, 'create sandbox', undefined, 1).actor, 'container runtime')
  for (const [attempt, ms] of [
    [1, 500],
    [2, 11_600],
    [3, 23_000],
  ] as const) {
    const { end } = spanOf(trace, 'create sandbox', undefined, attempt)
    assert.ok(Math.abs(Number(end.best - trace.spans[0]!.start.best) / 1e6 - ms) < 25, `attempt ${attempt}`)
  }
})

test('a failure that is only counted keeps its number', () => {
  const trace = traceOf(
    begun()
      .event(500, 'NetworkNotReady', undefined, 'network is not ready')
      .event(1600, 'NetworkNotReady', undefined, 'network is not ready')
      .event(2700, 'NetworkNotReady', undefined, 'network is not ready')
      .start(3000, 'app')
      .ready(3100)
      .frames(),
  )
  const attempts = trace.spans.filter(({ name }) => name === 'create sandbox').map(({ attempt }) => attempt)
  assert.deepEqual(attempts, [1, 2, 3, 4])
})

test('a pod whose network never comes is backing off still', () => {
  const trace = traceOf(begun().event(500, 'FailedCreatePodSandBox', undefined, REFUSED).frames(9000))
  assert.deepEqual(treeOf(trace).at(-1), '    back-off …')
  assert.match(trace.verdict, /no address left/)
})

test('trouble with volumes is told as events of the span', () => {
  const message = 'MountVolume.SetUp failed for volume "config" : configmap "settings" not found'
  const trace = traceOf(
    begun()
      .event(500, 'FailedMount', undefined, message)
      .event(1000, 'FailedMount', undefined, message)
      .frames(5000),
  )
  const { events } = spanOf(trace, 'prepare pod and create sandbox')
  assert.deepEqual(
    events.map(({ name, attributes }) => [name, attributes['podspan.reason'], attributes['podspan.count']]),
    [
      ['FailedMount', message, 1],
      ['FailedMount', message, 2],
    ],
  )
  assert.match(trace.verdict, /configmap "settings" not found/)
})

test("the container's first event ends the sandbox where its condition came late", () => {
  const trace = traceOf(
    begun().start(510, 'app').condition(900, 'PodReadyToStartContainers').ready(910).frames(),
  )
  assertSpans(trace, [
    ['pod startup', 0, 910],
    ['  schedule', 0, 20],
    ['  prepare pod and create sandbox', 20, 510],
    ['  create container app', 510, 520],
    ['  start container app', 520, 530],
    ['  report status', 530, 910],
  ])
})
