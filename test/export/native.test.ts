import assert from 'node:assert/strict'
import { test } from 'node:test'
import { encodeLate, encodeTrace } from '../../src/export/otlp-protobuf.ts'
import { toOtlpJson } from '../../src/export/otlp-json.ts'
import { BY_ACTOR } from '../../src/export/resource.ts'
import { formatTrace } from '../../src/trace/start-json.ts'
import type { JoinedSpan, Trace } from '../../src/trace/trace.ts'
import { decodeTraceRequest } from '../support/otlp-receiver-decode.ts'
import { START as START_SCHEMA } from '../support/output-schemas.ts'
import { idOf, nativeSpans, runtimeCall, syncPod } from '../support/native.ts'
import { at } from '../support/pods.ts'
import { sampleTrace } from './sample-trace.ts'

const [sync, call, served] = nativeSpans([
  syncPod(41, 380),
  ...runtimeCall('RunPodSandbox', { id: 'a', fromMs: 100, toMs: 290, failed: 'no address left' }),
])

const ROOT = 'aaaaaaaaaaaaaaaa'
const joined: readonly JoinedSpan[] = [
  { span: sync!, parentSpanId: ROOT, attributes: { 'podspan.native.trace_id': sync!.traceId } },
  { span: call!, parentSpanId: sync!.spanId, attributes: {} },
  { span: served!, parentSpanId: call!.spanId, attributes: {} },
]
const withNative = (): Trace => ({ ...sampleTrace(), native: joined })

test('what other components sent goes out in the trace of the pod, with the resource, scope and fields that it came with', () => {
  const trace = withNative()
  const own = decodeTraceRequest(encodeTrace(sampleTrace(), BY_ACTOR))
  const all = decodeTraceRequest(encodeTrace(trace, BY_ACTOR))
  assert.deepEqual(all.slice(0, own.length), own)
  const [first, second, third] = all.slice(own.length)
  assert.deepEqual(
    [first?.traceId, first?.spanId, first?.parentSpanId, first?.name, first?.start, first?.end],
    [trace.traceId, idOf('5'), ROOT, 'syncPod', at(41), at(380)],
  )
  assert.deepEqual(first?.resource, { 'service.name': 'kubelet' })
  assert.equal(first?.scope.name, 'by hand')
  assert.equal(first?.attributes['podspan.native.trace_id'], sync!.traceId)
  assert.equal(first?.attributes['k8s.pod.update_type'], 'create')
  assert.deepEqual(second?.status, { code: 2, message: 'no address left' })
  assert.deepEqual([second?.parentSpanId, third?.parentSpanId], [idOf('5'), idOf('a')])
  assert.equal(third?.resource['service.name'], 'containerd')
})

interface JsonSpan {
  readonly traceId: string
  readonly spanId: string
  readonly parentSpanId?: string
  readonly name: string
  readonly startTimeUnixNano: string
  readonly attributes: readonly { readonly key: string }[]
}

test('OTLP/JSON says the same of them as protobuf', () => {
  const trace = withNative()
  const { resourceSpans } = JSON.parse(toOtlpJson(trace)) as {
    readonly resourceSpans: readonly {
      readonly scopeSpans: readonly { readonly spans: readonly JsonSpan[] }[]
    }[]
  }
  const said = resourceSpans.flatMap(({ scopeSpans }) => scopeSpans.flatMap(({ spans }) => spans))
  const sent = decodeTraceRequest(encodeTrace(trace, BY_ACTOR))
  assert.deepEqual(
    said.map((span) => [
      span.traceId,
      span.spanId,
      span.parentSpanId ?? '',
      span.name,
      BigInt(span.startTimeUnixNano),
      span.attributes.map(({ key }) => key),
    ]),
    sent.map((span) => [
      span.traceId,
      span.spanId,
      span.parentSpanId,
      span.name,
      span.start,
      Object.keys(span.attributes),
    ]),
  )
})

test('what comes later is a request of its own in the same trace', () => {
  const { traceId, uid } = sampleTrace()
  const sent = decodeTraceRequest(encodeLate({ traceId, uid, spans: joined.slice(1) }))
  assert.deepEqual(
    sent.map((span) => [span.traceId, span.spanId, span.parentSpanId]),
    [
      [traceId, idOf('a'), idOf('5')],
      [traceId, idOf('a0'), idOf('a')],
    ],
  )
})

test('the JSON form names them beside the operations', () => {
  const document = START_SCHEMA.parse(JSON.parse(formatTrace(withNative())))
  assert.deepEqual(
    document.native?.map(({ service, name, error, durationMs }) => [service, name, error, durationMs]),
    [
      ['kubelet', 'syncPod', undefined, 339],
      ['kubelet', 'runtime.v1.RuntimeService/RunPodSandbox', 'no address left', 190],
      ['containerd', 'runtime.v1.RuntimeService/RunPodSandbox', 'no address left', 189.6],
    ],
  )
  assert.equal(document.native?.[0]?.attributes['k8s.pod.update_type'], 'create')
})
