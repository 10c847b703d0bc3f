import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { add, durationNano, unixNano } from '../../src/base/time.ts'
import { toOtlpJson } from '../../src/export/otlp-json.ts'
import { encodeTrace } from '../../src/export/otlp-protobuf.ts'
import { BY_ACTOR } from '../../src/export/resource.ts'
import type { Attributes, Trace } from '../../src/trace/trace.ts'
import {
  type DecodedAttributes,
  type DecodedSpan,
  type DecodedValue,
  decodeTraceRequest,
} from '../support/otlp-receiver-decode.ts'
import { fullTrace, instant, sampleSpan, sampleTrace } from './sample-trace.ts'

const overProtobuf = (trace: Trace): DecodedSpan[] => decodeTraceRequest(encodeTrace(trace, BY_ACTOR))

interface JsonValue {
  stringValue?: string
  boolValue?: boolean
  intValue?: string
  doubleValue?: number | string
  arrayValue?: { values: JsonValue[] }
}
type JsonAttributes = { key: string; value: JsonValue }[]
interface JsonSpan {
  traceId: string
  spanId: string
  parentSpanId?: string
  name: string
  kind: number
  flags: number
  startTimeUnixNano: string
  endTimeUnixNano: string
  attributes: JsonAttributes
  events: { timeUnixNano: string; name: string; attributes: JsonAttributes }[]
  links: { traceId: string; spanId: string; flags: number; attributes: JsonAttributes }[]
  status: { code?: number; message?: string }
}
interface JsonRequest {
  resourceSpans: {
    resource: { attributes: JsonAttributes }
    scopeSpans: { scope: { name: string; version: string }; spans: JsonSpan[] }[]
  }[]
}

/** Reads OTLP/JSON by the specification into the same shape as the protobuf decoder's. */
function overJson(trace: Trace): DecodedSpan[] {
  const request = JSON.parse(toOtlpJson(trace)) as JsonRequest
  return request.resourceSpans.flatMap(({ resource, scopeSpans }) =>
    scopeSpans.flatMap(({ scope, spans }) =>
      spans.map((span) => ({ ...spanOf(span), resource: attributesOf(resource.attributes), scope })),
    ),
  )
}

const spanOf = (span: JsonSpan): Omit<DecodedSpan, 'resource' | 'scope'> => ({
  traceId: span.traceId,
  spanId: span.spanId,
  parentSpanId: span.parentSpanId ?? '',
  name: span.name,
  kind: span.kind,
  flags: span.flags,
  start: BigInt(span.startTimeUnixNano),
  end: BigInt(span.endTimeUnixNano),
  attributes: attributesOf(span.attributes),
  events: span.events.map(({ timeUnixNano, name, attributes }) => ({
    at: BigInt(timeUnixNano),
    name,
    attributes: attributesOf(attributes),
  })),
  links: span.links.map((link) => ({ ...link, attributes: attributesOf(link.attributes) })),
  status: { code: span.status.code ?? 0, message: span.status.message ?? '' },
})

const attributesOf = (pairs: JsonAttributes): DecodedAttributes =>
  Object.fromEntries(pairs.map(({ key, value }) => [key, valueOf(value)]))

function valueOf(value: JsonValue): DecodedValue {
  if (value.intValue !== undefined) return BigInt(value.intValue)
  if (value.doubleValue !== undefined) return Number(value.doubleValue)
  if (value.arrayValue !== undefined) return value.arrayValue.values.map(valueOf)
  return value.stringValue ?? value.boolValue ?? ''
}

test('protobuf carries every field of a span, exact to the nanosecond', () => {
  const trace = fullTrace()
  const [root, pull] = overProtobuf(trace)
  assert.equal(root?.parentSpanId, '')
  assert.equal(root?.status.code, 0)
  assert.equal(pull?.traceId, trace.traceId)
  assert.equal(pull?.parentSpanId, root?.spanId)
  assert.equal(pull?.start, 1_796_083_200_123_456_794n)
  assert.equal(pull?.end, 1_796_084_200_123_456_788n)
  assert.equal(pull?.kind, 1)
  assert.equal((pull?.flags ?? 0) & 1, 1, 'sampled')
  assert.deepEqual(pull?.status, { code: 2, message: 'ErrImagePull: „nicht gefunden“' })
  assert.deepEqual(pull?.events, [
    { at: 1_796_083_200_123_456_796n, name: 'FailedScheduling', attributes: { 'podspan.count': 3n } },
  ])
  assert.equal(pull?.links[0]?.spanId, 'c'.repeat(16))
  assert.equal(pull?.attributes['podspan.image.bytes'], 9_007_199_254_740_991n)
  assert.equal(pull?.attributes['podspan.negative'], -3n)
  assert.equal(pull?.resource['service.name'], 'container-runtime')
  assert.deepEqual(pull?.scope, { name: 'podspan', version: '0.1.0' })
})

test('OTLP/JSON says the same as protobuf', () => {
  assert.deepEqual(overJson(fullTrace()), overProtobuf(fullTrace()))
})

test('OTLP/JSON is one line with times and int64 as strings', () => {
  const json = toOtlpJson(fullTrace())
  assert.equal(json.includes('\n'), false)
  assert.match(json, /"startTimeUnixNano":"1796083200123456794"/)
  assert.match(json, /"intValue":"9007199254740991"/)
  assert.match(json, /"doubleValue":0.125/)
})

test('what JSON has no number for is spelled as proto3 says', () => {
  const span = sampleSpan({ attributes: { nan: Number.NaN, huge: Number.POSITIVE_INFINITY } })
  const json = toOtlpJson({ ...sampleTrace(), spans: [span] })
  assert.match(json, /"nan","value":{"doubleValue":"NaN"}/)
  assert.match(json, /"huge","value":{"doubleValue":"Infinity"}/)
})

test('requests of several traces, joined end to end, are one request with all their spans', () => {
  const traces = [1, 2, 3].map((number) => sampleTrace({ number }))
  const joined = Buffer.concat(traces.map((trace) => encodeTrace(trace, BY_ACTOR)))
  assert.deepEqual(decodeTraceRequest(joined), traces.flatMap(overProtobuf))
})

const anyTime = fc.bigInt({ min: 0n, max: 2n ** 63n - 1n }).map(unixNano)
const anyValue = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.boolean(),
  fc.double({ noNaN: true }),
  fc.maxSafeInteger(),
  fc.array(fc.string()),
)
const anyAttributes = fc.dictionary(
  fc.stringMatching(/^[a-z][a-z.]{0,20}$/),
  anyValue,
) as fc.Arbitrary<Attributes>

test('any time, text and number survives both encodings alike', () => {
  fc.assert(
    fc.property(
      anyTime,
      fc.bigInt({ min: 0n, max: 2n ** 62n }),
      anyAttributes,
      fc.string(),
      (start, long, attributes, error) => {
        const end = unixNano((start + long) % 2n ** 63n)
        const span = sampleSpan({ start: instant(start), end: instant(end), attributes, error })
        const trace = { ...sampleTrace(), spans: [span] }
        const [decoded] = overProtobuf(trace)
        assert.equal(decoded?.start, start)
        assert.equal(decoded?.end, end)
        assert.deepEqual(overJson(trace).map(plain), overProtobuf(trace).map(plain))
      },
    ),
    { numRuns: 300 },
  )
})

/** Zero has no sign as an int64, and JSON's text may lose the prototype. */
const plain = (span: DecodedSpan): unknown => ({ ...span, attributes: { ...span.attributes } })

test('a start just below and above a whole second is exact', () => {
  for (const offset of [-1n, 0n, 1n, 999_999_999n]) {
    const start = add(unixNano(1_796_083_200_000_000_000n), durationNano(offset))
    const [decoded] = overProtobuf({ ...sampleTrace(), spans: [sampleSpan({ start: instant(start) })] })
    assert.equal(decoded?.start, start)
  }
})
