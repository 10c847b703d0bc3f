import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Frame, OtlpFrame } from '../../src/base/frame.ts'
import { rootSpanIdOf, traceIdOf } from '../../src/trace/identity.ts'
import { createPipeline, NATIVE_SETTLE, type Pipeline, wantsSpan } from '../../src/trace/pipeline.ts'
import type { JoinedSpan, LateSpans, Trace } from '../../src/trace/trace.ts'
import {
  idOf,
  ofContainer,
  ofSandbox,
  runtimeCall,
  spansAt,
  syncPod,
  type Told,
  writeOf,
} from '../support/native.ts'
import { at, type Story, story, UID } from '../support/pods.ts'
import { spanOf } from '../support/pods-spans.ts'

const OTHER = '11111111-2222-3333-4444-555555555555'

const whole = (): Story =>
  story()
    .create(3)
    .bind(22)
    .admit(43)
    .condition(300, 'PodReadyToStartContainers')
    .start(320.3, 'app', 20)
    .ready(400)

const calls: readonly Told[] = [
  syncPod(41, 380),
  ...runtimeCall('RunPodSandbox', { id: 'a', fromMs: 100, toMs: 290, served: ofSandbox() }),
  ...runtimeCall('StartContainer', { id: 'c', fromMs: 341, toMs: 360, served: ofContainer('app') }),
]
const created = writeOf('create', { trace: 'a1', fromMs: 0, toMs: 5, storedMs: [2, 3] })

interface Outcome {
  readonly trace: Trace
  readonly late: readonly LateSpans[]
  readonly counts: Readonly<Record<string, number>>
  readonly pipeline: Pipeline
}

/** Pushes what the receiver would let through, and keeps what comes of it. */
function told(frames: readonly Frame[]): Outcome {
  const pipeline = createPipeline()
  const late: LateSpans[] = []
  const traces: Trace[] = []
  for (const frame of frames) {
    traces.push(...pipeline.push(frame))
    late.push(...pipeline.late())
  }
  const [trace] = traces
  assert.ok(trace && traces.length === 1, `${traces.length} traces`)
  return { trace, late, counts: pipeline.counters(), pipeline }
}

const endOf = (...more: readonly OtlpFrame[]) => {
  const one = whole()
  for (const frame of more) one.frame(frame)
  return told(one.frames(60_000))
}

const find = (joined: readonly JoinedSpan[] | undefined, id: string): JoinedSpan => {
  const found = joined?.find(({ span }) => span.spanId === idOf(id))
  assert.ok(found, `no ${id} among ${joined?.map(({ span }) => span.spanId).join()}`)
  return found
}
const native = ({ trace }: Outcome): readonly JoinedSpan[] => trace.native ?? []

test('spans of the pod keep ids, times and parents, and the top of them hangs below the smallest operation around it', () => {
  const all = endOf(spansAt(2000, ...calls, ...created))
  assert.equal(native(all).length, calls.length + created.length)
  const sync = find(native(all), '5')
  assert.equal(sync.parentSpanId, rootSpanIdOf(UID))
  assert.deepEqual(sync.attributes, { 'podspan.native.trace_id': '0'.repeat(30) + 'b1' })
  assert.equal(find(native(all), 'a').parentSpanId, idOf('5'))
  assert.deepEqual([sync.span.start, sync.span.end], [at(41), at(380)])
})

test('a call of the kubelet whose pass was sampled out hangs below the operation that it is', () => {
  const [, ...rest] = calls
  const all = endOf(spansAt(2000, ...rest))
  const call = find(native(all), 'c')
  assert.equal(call.parentSpanId, spanOf(all.trace, 'start container', 'app').spanId)
  assert.equal(call.attributes['podspan.native.parent_span_id'], idOf('5'))
})

test('a request that began before the pod was stored hangs below the root, and is marked', () => {
  const request = find(native(endOf(spansAt(2000, ...created))), '1')
  assert.equal(request.parentSpanId, rootSpanIdOf(UID))
  assert.equal(request.attributes['podspan.native.straddles'], true)
})

test('nobody gets a span that names another pod, in whatever trace it came', () => {
  const others = [
    ...runtimeCall('RunPodSandbox', { id: 'f', fromMs: 120, toMs: 200, served: ofSandbox(OTHER) }),
    ...writeOf('create', { trace: 'a9', fromMs: 0, toMs: 5, storedMs: [2, 3], pod: 'web-2' }),
  ]
  const all = endOf(spansAt(2000, ...calls, ...others))
  assert.equal(native(all).length, calls.length)
})

test('a start that has native spans settles for longer, since they come in batches', () => {
  const early = spansAt(10, syncPod(41, 380))
  const last = runtimeCall('StartContainer', { id: 'c', fromMs: 341, toMs: 360, served: ofContainer('app') })
  const all = endOf(early, spansAt(405 + Number(NATIVE_SETTLE / 1_000_000n) - 1000, ...last))
  assert.equal(native(all).length, 3)
  assert.deepEqual(all.late, [])
})

test('what comes when the trace was told is appended once, below what was told, and changes nothing in it', () => {
  const [sync, ...rest] = calls
  const all = endOf(spansAt(2000, sync!), spansAt(13_000, ...rest), spansAt(14_000, ...rest))
  assert.deepEqual(
    native(all).map(({ span }) => span.spanId),
    [idOf('5')],
  )
  assert.deepEqual(
    all.late.map(({ uid, traceId, spans }) => [uid, traceId, spans.length]),
    [[UID, traceIdOf(UID), rest.length]],
  )
  const late = all.late[0]?.spans
  assert.equal(find(late, 'a').parentSpanId, idOf('5'))
  assert.equal(find(late, 'a0').parentSpanId, idOf('a'))
  assert.equal(all.counts['native.repeated'], rest.length)
  const before = endOf(spansAt(2000, sync!))
  assert.deepEqual(all.trace, before.trace)
})

test('the application continues the trace of its pod, and its spans stand where it put them', () => {
  const own: Told = {
    ...{ service: 'shop', name: 'load configuration', id: '77', parent: rootSpanIdOf(UID) },
    ...{ trace: traceIdOf(UID), fromMs: 365, toMs: 390, resource: { 'k8s.pod.uid': UID } },
  }
  const joined = find(native(endOf(spansAt(2000, own))), '77')
  assert.deepEqual([joined.parentSpanId, joined.attributes], [rootSpanIdOf(UID), {}])
})

test('what begins when the start is over is none of it, and is counted', () => {
  const later = runtimeCall('StartContainer', {
    id: 'e',
    fromMs: 5000,
    toMs: 5100,
    served: ofContainer('app', 1),
  })
  const all = endOf(spansAt(2000, ...calls), spansAt(6000, ...later))
  assert.equal(native(all).length, calls.length)
  assert.equal(all.counts['native.of no start'], later.length)
})

test('spans of no pod are let go after a while, and counted', () => {
  const stranger: Told = { service: 'kubelet', name: 'syncPod', trace: 'e1', id: '9', fromMs: 1, toMs: 2 }
  const all = endOf(spansAt(100, stranger))
  assert.equal(all.counts['native.of no start'], 1)
  assert.equal(all.trace.native, undefined)
})

test('parents that lead in a circle and spans that are their own parent end nothing', () => {
  const circle = (id: string, parent: string): Told => ({
    ...{ service: 'kubelet', name: 'syncPod', trace: 'c1', id, parent, fromMs: 50, toMs: 60 },
    attributes: { 'k8s.pod.uid': UID },
  })
  const all = endOf(spansAt(2000, circle('1', '2'), circle('2', '1'), circle('3', '3')))
  assert.ok(native(all).length <= 3)
  const ids = new Set(native(all).map(({ span }) => span.spanId))
  for (const { parentSpanId } of native(all))
    assert.ok(ids.has(parentSpanId ?? '') || all.trace.spans.some(({ spanId }) => spanId === parentSpanId))
})

test('what components say all the time is not wished for', () => {
  for (const name of ['ListPodSandbox', 'Status', 'ListContainers'])
    assert.equal(wantsSpan(`runtime.v1.RuntimeService/${name}`), false)
  for (const name of [
    'runtime.v1.RuntimeService/RunPodSandbox',
    'syncPod',
    'POST /api/v1/namespaces/{:namespace}/pods',
  ])
    assert.equal(wantsSpan(name), true)
})

test('of a request only what may belong to a start is chosen', () => {
  const node = writeOf('update', { trace: 'd1', fromMs: 0, toMs: 5, storedMs: [2, 3] })
  const lease: Told = {
    ...{ service: 'apiserver', name: 'PUT /apis/coordination.k8s.io/v1', trace: 'd2', id: '4', kind: 2 },
    ...{ fromMs: 0, toMs: 5 },
    attributes: {
      'http.request.method': 'PUT',
      'url.path': '/apis/coordination.k8s.io/v1/namespaces/kube-node-lease',
    },
  }
  const below: Told = {
    service: 'apiserver',
    name: 'Update',
    trace: 'd2',
    id: '5',
    parent: '4',
    fromMs: 1,
    toMs: 2,
  }
  const stranger: Told = { service: 'shop', name: 'GET /', trace: 'd3', id: '6', fromMs: 1, toMs: 2 }
  const { spans } = spansAt(70_000, ...calls, ...node, lease, below, stranger)
  const chosenBy = (pipeline: Pipeline): string[] => {
    const chosen = pipeline.chooseSpans(spans, at(70_000)).map(({ traceId }) => traceId.slice(-2))
    return [...new Set(chosen)]
  }
  assert.deepEqual(chosenBy(createPipeline()), ['b1', 'd1'])
  // By then the pod of the calls has been told, and is of no start any more.
  assert.deepEqual(chosenBy(endOf().pipeline), ['d1'])
})

const cri = (method: string, trace: string, id: string, parent?: string): Told => ({
  ...{ service: 'kubelet', name: `runtime.v1.RuntimeService/${method}`, trace, id, kind: 3 },
  ...{ fromMs: 100, toMs: 101, ...(parent === undefined ? {} : { parent }) },
})

test('what a pass over a pod begins with is chosen though the pass itself has not come yet, and so is the rest of it', () => {
  const pipeline = createPipeline()
  const choose = (...told: readonly Told[]): readonly string[] =>
    pipeline.chooseSpans(spansAt(0, ...told).spans, at(5000)).map(({ name }) => name.split('/').at(-1) ?? '')
  assert.deepEqual(choose(cri('PodSandboxStatus', 'b1', '51', '5')), ['PodSandboxStatus'])
  const start = runtimeCall('StartContainer', { id: 'c', fromMs: 341, toMs: 360, served: ofContainer('app') })
  assert.deepEqual(choose(syncPod(41, 380), ...start), ['syncPod', 'StartContainer', 'StartContainer'])
})

test('probes, which go on below the pass that began them, are not chosen; a hook in a start is', () => {
  const pipeline = createPipeline()
  const choose = (...told: readonly Told[]): number =>
    pipeline.chooseSpans(spansAt(0, ...told).spans, at(5000)).length
  assert.equal(choose(cri('ExecSync', 'b2', '61', '6')), 0)
  const hook = cri('ExecSync', 'b1', '62', '5')
  assert.equal(choose(syncPod(41, 380), hook), 2)
})

test('what an API server does above or outside of a request, and a deletion, are not chosen', () => {
  const pipeline = createPipeline()
  const alone: Told = {
    service: 'apiserver',
    name: 'authentication',
    trace: 'd4',
    id: '7',
    fromMs: 1,
    toMs: 2,
  }
  const deletion: Told = {
    ...{ service: 'apiserver', name: 'DELETE pods', trace: 'd5', id: '8', kind: 2, fromMs: 1, toMs: 2 },
    attributes: { 'http.request.method': 'DELETE', 'url.path': '/api/v1/namespaces/shop/pods/web' },
  }
  const [request, ...inside] = writeOf('create', { trace: 'd4', fromMs: 0, toMs: 5, storedMs: [2, 3] })
  const below = { ...request!, parent: '7' }
  const chosen = pipeline.chooseSpans(spansAt(0, alone, deletion, below, ...inside).spans, at(5000))
  assert.deepEqual(
    chosen.map(({ spanId }) => spanId),
    ['1', '2', '3'].map(idOf),
  )
})
