import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { gunzipSync } from 'node:zlib'
import fc from 'fast-check'
import { JOIN_ATTRIBUTES, type NativeSpan } from '../../src/base/native.ts'
import { decodeJsonSpans, decodeSpans, EVERY_SPAN, type Wishes } from '../../src/decode/otlp.ts'
import { fromJson } from '../../src/decode/otlp-from-json.ts'
import { EXPORT_REQUEST } from '../../src/decode/otlp-messages.ts'
import { toJson } from '../../src/decode/otlp-to-json.ts'
import { DecodeFailure } from '../../src/decode/result.ts'
import { backwards } from '../support/otlp-backwards.ts'
import { type DecodedValue, decodeTraceRequest } from '../support/otlp-receiver-decode.ts'

type Json = Record<string, unknown>

/** What a Collector wrote of an API server, a containerd and a kubelet, one export request each. */
const captured = gunzipSync(readFileSync(join(import.meta.dirname, 'captured', 'otlp-1.36.jsonl.gz')))
  .toString()
  .trim()
  .split('\n')
  .map((line) => JSON.parse(line) as Json)

function decoded(bytes: Uint8Array, wishes: Partial<Wishes> = {}) {
  const result = decodeSpans(bytes, { ...EVERY_SPAN, ...wishes })
  assert.ok(result.ok)
  return result
}

for (const [index, request] of captured.entries())
  test(`a captured request in JSON survives the way through protobuf: ${index}`, () => {
    const { spans, total, skipped, invalid } = decoded(fromJson(EXPORT_REQUEST, request))
    const theirs = decodeTraceRequest(fromJson(EXPORT_REQUEST, request))
    assert.deepEqual([total, skipped, invalid], [theirs.length, 0, 0])
    for (const [place, span] of spans.entries()) assertSame(span, theirs[place])
    assert.deepEqual(toJson(EXPORT_REQUEST, fromJson(EXPORT_REQUEST, request)), withoutEmpty(request))
  })

for (const [index, request] of captured.entries())
  test(`what a Collector passes on, its fields backwards, is the same: ${index}`, () => {
    const bytes = fromJson(EXPORT_REQUEST, request)
    const turned = backwards(EXPORT_REQUEST, bytes)
    assert.notDeepEqual(turned, bytes)
    const essence = (from: Uint8Array) =>
      decoded(from).spans.map(({ body, origin, ...span }) => ({
        ...{ span, service: origin.service, podUid: origin.podUid },
        detail: body.describe(),
        around: origin.describe(),
      }))
    assert.deepEqual(essence(turned), essence(bytes))
  })

function assertSame(span: NativeSpan, theirs: ReturnType<typeof decodeTraceRequest>[number] | undefined) {
  assert.ok(theirs)
  const { traceId, spanId, parentSpanId = '', name, kind, start, end } = span
  assert.deepEqual(
    { traceId, spanId, parentSpanId, name, kind, start, end },
    {
      traceId: theirs.traceId,
      spanId: theirs.spanId,
      parentSpanId: theirs.parentSpanId,
      name: theirs.name,
      kind: theirs.kind,
      start: theirs.start,
      end: theirs.end,
    },
  )
  assert.equal(span.failed, theirs.status.code === 2)
  assert.equal(span.origin.service, theirs.resource['service.name'])
  const joining = Object.entries(theirs.attributes).filter(
    ([key, value]) => JOIN_ATTRIBUTES.has(key) && isTextOrWhole(value),
  )
  assert.deepEqual(span.attributes, Object.fromEntries(joining.map(([key, value]) => [key, String(value)])))
  const keys = span.body.describe().attributes?.map(({ key }) => key) ?? []
  assert.deepEqual(keys, Object.keys(theirs.attributes))
  assert.equal(span.body.describe().events?.length ?? 0, theirs.events.length)
}

const isTextOrWhole = (value: DecodedValue): boolean => typeof value === 'string' || typeof value === 'bigint'

/** Protobuf knows no empty list; an empty message stays. */
const withoutEmpty = (json: unknown): unknown =>
  JSON.parse(JSON.stringify(json), (_, value: unknown) =>
    Array.isArray(value) && value.length === 0 ? undefined : value,
  )

const ID = 'ab'.repeat(8)
const span = (more: object): Json => ({
  traceId: 'cd'.repeat(16),
  spanId: ID,
  name: 'work',
  startTimeUnixNano: '1700000000000000001',
  endTimeUnixNano: '1700000000000000002',
  ...more,
})
const requestOf = (...spans: Json[]): Json => ({ resourceSpans: [{ scopeSpans: [{ spans }] }] })

test('what nobody asks for is skipped and counted', () => {
  const bytes = fromJson(
    EXPORT_REQUEST,
    requestOf(span({ name: 'noise' }), span({}), span({ name: 'noise' })),
  )
  const { spans, skipped, total } = decoded(bytes, { wants: (name) => name !== 'noise' })
  assert.deepEqual([spans.map(({ name }) => name), skipped, total], [['work'], 2, 3])
})

const INVALID: Record<string, object> = {
  'no trace id': { traceId: '' },
  'a trace id of zeros': { traceId: '0'.repeat(32) },
  'a trace id that is too short': { traceId: 'abcd' },
  'a span id of zeros': { spanId: '0'.repeat(16) },
  'no name': { name: '' },
  'no start': { startTimeUnixNano: '0' },
  'an end before its start': { endTimeUnixNano: '1' },
}
for (const [what, more] of Object.entries(INVALID))
  test(`a span with ${what} is left out and counted, and its neighbour stays`, () => {
    const { spans, invalid } = decoded(fromJson(EXPORT_REQUEST, requestOf(span(more), span({}))))
    assert.deepEqual([spans.length, invalid], [1, 1])
  })

test('a parent of zeros is none', () => {
  const { spans } = decoded(fromJson(EXPORT_REQUEST, requestOf(span({ parentSpanId: '0'.repeat(16) }))))
  assert.equal(spans[0]?.parentSpanId, undefined)
})

test('a resource that stands after its spans is theirs all the same', () => {
  const resource = { attributes: [{ key: 'service.name', value: { stringValue: 'late' } }] }
  const spansFirst = fromJson(EXPORT_REQUEST, requestOf(span({})))
  const inner = Buffer.concat([
    spansFirst.subarray(2),
    fromJson(EXPORT_REQUEST, { resourceSpans: [{ resource }] }).subarray(2),
  ])
  const { spans } = decoded(Buffer.concat([Buffer.from([10, inner.length]), inner]))
  assert.equal(spans[0]?.origin.service, 'late')
})

test('every kind of value survives, whatever its size', () => {
  const values = [
    { intValue: '9223372036854775807' },
    { intValue: '-1' },
    { doubleValue: 0.1 },
    { doubleValue: 'NaN' },
    { boolValue: false },
    { bytesValue: 'AAEC' },
    { arrayValue: { values: [{ stringValue: 'a' }, { arrayValue: { values: [{ intValue: '1' }] } }] } },
    { kvlistValue: { values: [{ key: 'k', value: { stringValue: 'v' } }] } },
  ]
  const attributes = values.map((value, index) => ({ key: `k${index}`, value }))
  const { spans } = decoded(fromJson(EXPORT_REQUEST, requestOf(span({ attributes }))))
  assert.deepEqual(spans[0]?.body.describe().attributes, attributes)
})

test('JSON of a wrong type is an error that names its place', () => {
  const result = decodeJsonSpans({ resourceSpans: [{ scopeSpans: [{ spans: [{ name: 7 }] }] }] }, EVERY_SPAN)
  assert.deepEqual(result, {
    ok: false,
    error: {
      kind: 'wrong-type',
      what: 'expected text',
      where: 'resourceSpans[0].scopeSpans[0].spans[0].name',
    },
  })
  for (const json of [null, 7, 'x', [], { resourceSpans: {} }, { resourceSpans: [null, 3] }])
    assert.equal(decodeJsonSpans(json, EVERY_SPAN).ok, false, JSON.stringify(json))
})

test('values that are nested without end are refused', () => {
  let value: Json = { stringValue: 'deep' }
  for (let depth = 0; depth < 100; depth++) value = { arrayValue: { values: [value] } }
  const request = requestOf(span({ attributes: [{ key: 'k', value }] }))
  assert.throws(() => fromJson(EXPORT_REQUEST, request), DecodeFailure)
})

test('garbage never throws', () => {
  const good = fromJson(EXPORT_REQUEST, captured[1])
  const damage = fc.record({
    cut: fc.nat(good.length),
    flips: fc.array(fc.record({ at: fc.nat(good.length - 1), to: fc.nat(255) }), { maxLength: 8 }),
  })
  fc.assert(
    fc.property(damage, ({ cut, flips }) => {
      const bytes = Buffer.from(good.subarray(0, cut))
      for (const { at, to } of flips) if (at < bytes.length) bytes[at] = to
      const result = decodeSpans(bytes, EVERY_SPAN)
      if (result.ok) for (const one of result.spans) one.body.describe()
    }),
    { numRuns: 300 },
  )
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      decodeSpans(bytes, EVERY_SPAN)
    }),
  )
})

test('what is kept of a request holds no more memory than its own', () => {
  const bytes = fromJson(EXPORT_REQUEST, requestOf(span({}), span({ name: 'kept' })))
  const { spans, skipped } = decoded(bytes, { pick: (read) => read.slice(1) })
  assert.deepEqual([spans.map(({ name }) => name), skipped], [['kept'], 1])
  const kept = spans[0]?.body.bytes
  assert.equal(kept?.buffer.byteLength, kept?.length)
})
