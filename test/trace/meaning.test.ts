import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Frame } from '../../src/base/frame.ts'
import type { PodRecord } from '../../src/base/record.ts'
import type { InFlight } from '../../src/trace/in-flight.ts'
import { createPipeline } from '../../src/trace/pipeline.ts'
import { rootOf, type Trace } from '../../src/trace/trace.ts'
import { at, frameOf, secondsAt, story } from '../support/pods.ts'
import { isObjectFrame } from '../support/frames.ts'
import { traceOf } from '../support/pods-spans.ts'
import { withGap } from '../support/restart.ts'
import {
  DEPLOYMENT,
  DEPLOYMENT_UID,
  OWNED,
  owners,
  REPLICA_SET,
  RS_UID,
  started,
  startedFrames,
} from './owned.ts'

test('the workload is the topmost owner, with its revision', () => {
  const trace = started(OWNED, owners())
  assert.equal(trace.workload, 'Deployment/web')
  assert.equal(rootOf(trace).attributes['podspan.workload.revision'], '5fdd6f5f6f')
  assert.equal(trace.resource['k8s.deployment.name'], 'web')
  assert.equal(trace.resource['k8s.deployment.uid'], DEPLOYMENT_UID)
  assert.equal(trace.resource['k8s.replicaset.name'], 'web-5fdd6f5f6f')
})

test("without the ReplicaSet's metadata its name still tells the Deployment", () => {
  assert.equal(started(OWNED).workload, 'Deployment/web')
})

test("the node's zone, type, pool and capacity are on the root", () => {
  const node = {
    resource: 'nodes',
    uid: 'n-1',
    name: 'node-1',
    namespace: '',
    resourceVersion: '1',
    labels: {
      'topology.kubernetes.io/zone': 'z-a',
      'node.kubernetes.io/instance-type': 'm5.large',
      'karpenter.sh/nodepool': 'spot',
      'karpenter.sh/capacity-type': 'spot',
    },
  } as const
  const { attributes } = rootOf(started({}, [frameOf(-9000, node)]))
  assert.equal(attributes['cloud.availability_zone'], 'z-a')
  assert.equal(attributes['host.type'], 'm5.large')
  assert.equal(attributes['podspan.node.pool'], 'spot')
  assert.equal(attributes['podspan.node.capacity_type'], 'spot')
})

const TRACEPARENT = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01'
const annotated = (value: string) => ({ annotations: { 'tracing.k8s.io/traceparent': value } })

/** The same start, with what the pipeline counted. */
function toldWith(pod: Partial<PodRecord>, before: readonly Frame[] = []) {
  const pipeline = createPipeline()
  const [trace] = startedFrames(pod, before).flatMap((frame) => pipeline.push(frame))
  return { trace: trace ?? assert.fail('no trace'), counters: pipeline.counters() }
}

test('a context on the pod is a link of the root, never its parent', () => {
  const root = rootOf(started(annotated(TRACEPARENT)))
  assert.deepEqual(
    root.links.map(({ traceId, spanId }) => [traceId, spanId]),
    [['4bf92f3577b34da6a3ce929d0e0e4736', '00f067aa0ba902b7']],
  )
  assert.equal(root.parentSpanId, undefined)
})

test("else the nearest owner's is", () => {
  const frames = owners({ ...REPLICA_SET, ...annotated(TRACEPARENT) })
  assert.equal(rootOf(started(OWNED, frames)).links[0]?.traceId, '4bf92f3577b34da6a3ce929d0e0e4736')
})

for (const value of [
  '',
  'yes',
  TRACEPARENT.slice(0, -3),
  TRACEPARENT.toUpperCase(),
  TRACEPARENT.replace('4bf92f3577b34da6a3ce929d0e0e4736', '0'.repeat(32)),
  TRACEPARENT.replace('00f067aa0ba902b7', '0'.repeat(16)),
  TRACEPARENT.replace(/^00/, 'ff'),
]) {
  test(`${JSON.stringify(value)} is no context, and is counted`, () => {
    const { trace, counters } = toldWith(annotated(value))
    assert.deepEqual(rootOf(trace).links, [])
    assert.equal(counters['garbage.trace context'], 1)
  })
}

test("a pod's malformed context is counted, and its owner's is the link", () => {
  const frames = owners({ ...REPLICA_SET, ...annotated(TRACEPARENT) })
  const { trace, counters } = toldWith({ ...OWNED, ...annotated('00-nothing') }, frames)
  assert.equal(rootOf(trace).links[0]?.traceId, '4bf92f3577b34da6a3ce929d0e0e4736')
  assert.equal(counters['garbage.trace context'], 1)
})

test('what lies between the pod and the owner with a context need not carry one', () => {
  const frames = owners(REPLICA_SET, { ...DEPLOYMENT, ...annotated(TRACEPARENT) })
  const { trace, counters } = toldWith(OWNED, frames)
  assert.equal(rootOf(trace).links[0]?.spanId, '00f067aa0ba902b7')
  assert.deepEqual(
    Object.keys(counters).filter((name) => name.startsWith('garbage.')),
    [],
  )
})

interface Eligible {
  readonly name: string
  readonly pod?: Partial<PodRecord>
  readonly told?: (pod: Partial<PodRecord>) => Trace
  readonly reason: string | undefined
}

const SLI: readonly Eligible[] = [
  { name: 'a stateless pod that was scheduled at once', reason: undefined },
  {
    name: 'a pod with configuration',
    pod: {
      volumes: [
        { name: 'c', kind: 'configMap' },
        { name: 's', kind: 'secret' },
        { name: 'e', kind: 'emptyDir' },
        { name: 'd', kind: 'downwardAPI' },
        { name: 'p', kind: 'projected' },
      ],
    },
    reason: undefined,
  },
  {
    name: 'a pod with a claim',
    pod: { volumes: [{ name: 'data', kind: 'persistentVolumeClaim', claim: 'data-0' }] },
    reason: 'stateful: volume data is a persistentVolumeClaim',
  },
  {
    name: 'a pod with its node preset',
    told: () =>
      traceOf(story({ nodeName: 'node-1' }).create(0).admit(40).start(210, 'app').ready(300).frames()),
    reason: 'not scheduled by a scheduler',
  },
  {
    name: 'a pod that is not ready',
    told: () => traceOf(story().create(0).bind(20).frames(4000)),
    reason: 'the pod never became ready',
  },
]

for (const { name, pod = {}, told = started, reason } of SLI) {
  test(`the startup SLI: ${name} ${reason === undefined ? 'counts' : `does not: ${reason}`}`, () => {
    const { attributes } = rootOf(told(pod))
    assert.equal(attributes['podspan.sli.eligible'], reason === undefined)
    assert.equal(attributes['podspan.sli.reason'], reason)
  })
}

test('the SLI is from creation until the watch shows all containers started, without pulls and init containers', () => {
  const trace = traceOf(
    story({ initContainers: [{ name: 'prepare', image: 'a' }] })
      .create(0)
      .bind(20)
      .admit(40)
      .start(210, 'prepare')
      .statuses(1300, { prepare: { exited: 0, from: 230, until: 1000 } })
      .event(1400, 'Pulling', 'app', 'Pulling image "registry/app:1"')
      .event(2400, 'Pulled', 'app', 'Successfully pulled image "registry/app:1" in 1s (1s including waiting)')
      .event(2410, 'Created', 'app')
      .event(2420, 'Started', 'app')
      .ready(2500)
      .frames(),
  )
  const value = rootOf(trace).attributes['podspan.sli.duration_ms']
  // 2505 seen, less 1000 of the pull and what the init container ran.
  assert.ok(typeof value === 'number' && value > 500 && value < 800, String(value))
})

test('the SLI of a start whose end only a later list shows does not wait for the list', () => {
  const frames = story()
    .create(0)
    .bind(20)
    .admit(40)
    .start(500, 'app')
    .ready(1000)
    .event(60_000, 'Unhealthy', 'app', 'Readiness probe failed: late')
    .event(90_000, 'Unhealthy', 'app', 'Readiness probe failed: later')
    .frames()
  const admitted = frames.findIndex((frame) => isObjectFrame(frame) && frame.t > at(100))
  const heard = frames.findLastIndex(isObjectFrame)
  const trace = traceOf(withGap(frames, admitted, heard, new Set(['pods'])))
  const value = rootOf(trace).attributes['podspan.sli.duration_ms']
  assert.ok(typeof value === 'number' && value > 500 && value < 3000, String(value))
})

const VERDICTS: readonly { readonly name: string; readonly trace: () => Trace; readonly then: RegExp }[] = [
  {
    name: 'a sandbox',
    trace: () => traceOf(story().create(0).bind(20).admit(40).start(10_020, 'app').ready(10_100).frames()),
    then: /^Ready after 10\.1 s; 10\.0 s \(99 %\) preparing the pod and its sandbox; image cached$/,
  },
  {
    name: 'an init container',
    trace: () =>
      traceOf(
        story({ initContainers: [{ name: 'migrate', image: 'a' }] })
          .create(0)
          .bind(20)
          .start(220, 'migrate')
          .statuses(9200, { migrate: { exited: 0, from: 240, until: 9000 } })
          .start(9100, 'app')
          .ready(9300)
          .frames(),
      ),
    then: /^Ready after 9\.30 s; 8\.76 s \(94 %\) running init container migrate; images cached$/,
  },
  {
    name: 'a scheduler that took long',
    trace: () => traceOf(story().create(0).bind(60_000).start(60_100, 'app').ready(60_200).frames()),
    then: /^Ready after 1 min; 1 min \(100 %\) waiting to be scheduled \(no failed attempt was reported\); image cached$/,
  },
]

for (const { name, trace, then } of VERDICTS)
  test(`the verdict on ${name}`, () => assert.match(trace().verdict, then))

test('the verdict is one line, whatever the messages hold', () => {
  const message = `line one\nline two\t${'x'.repeat(5000)}`
  const trace = traceOf(
    story().create(0).bind(20).change(60, { phase: 'Failed', reason: 'Evicted', message }).frames(9000),
  )
  assert.ok(!/[\n\t]/.test(trace.verdict))
  assert.ok(trace.verdict.length < 400)
})

test('the explained ratio is the share that rests on observations', () => {
  const all = started()
  assert.ok(all.explainedRatio > 0.9 && all.explainedRatio <= 1)
  const little = traceOf(story().create(0).frames(9000))
  assert.ok(little.explainedRatio < 0.1)
})

test('a trace and a start in flight say whose pod it is: labels, owners from the pod up, revision, created, cause', () => {
  const trace = started({ ...OWNED, labels: { ...OWNED.labels, app: 'web' } }, owners())
  assert.deepEqual(trace.labels, { 'pod-template-hash': '5fdd6f5f6f', app: 'web' })
  assert.deepEqual(
    trace.owners.map(({ apiVersion, kind, name, uid }) => [apiVersion, kind, name, uid]),
    [
      ['apps/v1', 'ReplicaSet', 'web-5fdd6f5f6f', RS_UID],
      ['apps/v1', 'Deployment', 'web', DEPLOYMENT_UID],
    ],
  )
  assert.equal(trace.revision, '5fdd6f5f6f')
  assert.equal(trace.created, rootOf(trace).start.best)
  assert.equal(trace.cause, rootOf(trace).attributes['podspan.start.cause'])
  const told = story({ ...OWNED, labels: { app: 'web' } })
  for (const frame of owners()) told.frame(frame)
  const waiting = inFlightOf(told.create(0).bind(20).frames())
  assert.deepEqual(waiting?.labels, { app: 'web' })
  assert.deepEqual(
    waiting?.owners.map(({ kind }) => kind),
    ['ReplicaSet', 'Deployment'],
  )
})

test('a start in flight says what the component said of why it waits', () => {
  const message = '0/1 nodes are available: 1 Insufficient cpu.'
  const unscheduled = {
    conditions: [{ type: 'PodScheduled', status: 'False', reason: 'Unschedulable', message }],
  }
  const waiting = inFlightOf(story(unscheduled).create(0).frames())
  assert.equal(waiting?.operation, 'schedule')
  assert.equal(waiting?.reason, message)
})

const beforeItEnds = () =>
  story()
    .create(0)
    .bind(20)
    .admit(50)
    .start(200, 'app')
    .statuses(300, { app: { running: 230 } })
    .ready(320)
const killed = { app: { exited: 137, from: 230, until: 2000 } }

test('a container that ends non-zero while the evidence settles makes a start unstable', () => {
  const trace = traceOf(beforeItEnds().statuses(2000, killed).frames(20_000))
  assert.equal(trace.outcome, 'unstable')
  assert.match(trace.verdict, /app exited with code 137/)
})

test('one that ends because its pod is deleted does not: the pod was ready, and then was not wanted', () => {
  const asked = { deletionSeconds: secondsAt(31_000), deletionGraceSeconds: 30 }
  const told = beforeItEnds().change(1000, asked).statuses(2000, killed).remove(2100)
  assert.equal(traceOf(told.frames(20_000)).outcome, 'ready')
  const crashedFirst = beforeItEnds().statuses(900, killed).change(1000, asked).remove(2100)
  assert.equal(traceOf(crashedFirst.frames(20_000)).outcome, 'unstable')
})

/** What is in flight after these frames, before the end of the story ends everything. */
function inFlightOf(frames: readonly Frame[]): InFlight | undefined {
  const pipeline = createPipeline()
  for (const frame of frames) if (frame.kind !== 'tick') pipeline.push(frame)
  return pipeline.inFlight()[0]
}
