import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { durationNano, unixNano } from '../../src/base/time.ts'
import { encodeTrace } from '../../src/export/otlp-protobuf.ts'
import { BY_ACTOR, type ServiceNaming } from '../../src/export/resource.ts'
import type { Instant } from '../../src/timeline/instant.ts'
import type { Attributes, AttributeValue, Span, SpanEvent, SpanLink, Trace } from '../../src/trace/trace.ts'
import { decodeTraceRequest } from '../support/otlp-receiver-decode.ts'
import { encodeBySdk } from '../support/sdk-encoding.ts'
import { fullTrace, instant, START, sampleSpan, sampleTrace } from './sample-trace.ts'

function assertAsTheSdk(trace: Trace, naming: ServiceNaming = BY_ACTOR): void {
  const ours = encodeTrace(trace, naming)
  const theirs = encodeBySdk(trace, naming)
  assert.deepEqual(decodeTraceRequest(ours), decodeTraceRequest(theirs))
  assert.ok(ours.length <= theirs.length, `${ours.length} bytes, and the SDK needs ${theirs.length}`)
}

const withAttributes = (attributes: Attributes): Trace => ({
  ...sampleTrace(),
  resource: attributes,
  spans: [
    sampleSpan({
      attributes,
      events: [{ at: START, name: 'event', attributes }],
      links: [{ traceId: 'b'.repeat(32), spanId: 'c'.repeat(16), attributes }],
    }),
  ],
})

const valueCases: Record<string, readonly AttributeValue[]> = {
  'short and long text, with and without ASCII': ['', 'a', 'ä', '€', '😀', '😀'.repeat(30), 'x'.repeat(40)],
  'text whose length takes one byte more': [39, 40, 41, 127, 128, 16_383, 16_384].flatMap((length) => [
    'x'.repeat(length),
    `${'x'.repeat(length - 1)}ü`,
  ]),
  'text that is no Unicode': ['\ud83d', 'a\udc00b', '\ud83d'.repeat(50), '\0'],
  'whole numbers': [0, -0, 1, -1, 127, 128, 16_384, 2 ** 31 - 1, 2 ** 31, 2 ** 32 - 1, 2 ** 32, 2 ** 32 + 1],
  'whole numbers that a double holds with gaps': [2 ** 53 - 1, 2 ** 53, 2 ** 62 + 2 ** 11, 2 ** 63 - 2 ** 10],
  'negative whole numbers': [-2, -128, -(2 ** 31), -(2 ** 31) - 1, -(2 ** 32), 1 - 2 ** 53, -(2 ** 63)],
  'numbers beyond int64': [2 ** 63, -(2 ** 63) - 2 ** 11, 1e300, Number.MAX_VALUE],
  'numbers that are not whole': [0.1, -0.5, Number.MIN_VALUE, Number.NaN, Number.POSITIVE_INFINITY, -1e-7],
  'truth values': [true, false],
  'lists of text': [[], [''], ['a', 'ü', '😀'], Array.from({ length: 300 }, (_, index) => `item ${index}`)],
}

for (const [name, values] of Object.entries(valueCases)) {
  test(`encodes as the SDK does: ${name}`, () => {
    for (const value of values) assertAsTheSdk(withAttributes({ value }))
    assertAsTheSdk(withAttributes(Object.fromEntries(values.map((value, index) => [`key.${index}`, value]))))
  })
}

const times = [0n, 1n, 2n ** 32n, 2n ** 53n + 1n, START, 2n ** 63n - 1n, 2n ** 63n, 2n ** 64n - 1n]

const traceCases: Record<string, Trace> = {
  'every optional field': fullTrace(),
  'no resource': { ...sampleTrace(), resource: {} },
  'one group whose length takes three bytes': sampleTrace({ children: 500 }),
  'more than the buffer holds': withAttributes({
    long: 'ü'.repeat(300_000),
    'long.too': 'x'.repeat(300_000),
  }),
  'an error without words': { ...sampleTrace(), spans: [sampleSpan({ error: '' })] },
  'an error with many words': { ...sampleTrace(), spans: [sampleSpan({ error: 'zu groß '.repeat(40) })] },
  'any time that a fixed64 holds': {
    ...sampleTrace(),
    spans: times.map((time) => sampleSpan({ start: instant(unixNano(time)), end: instant(unixNano(time)) })),
  },
}

for (const [name, trace] of Object.entries(traceCases)) {
  test(`encodes as the SDK does: ${name}`, () => {
    assertAsTheSdk(trace)
    assertAsTheSdk(trace, { kind: 'workload' })
    assertAsTheSdk(trace, { kind: 'fixed', name: 'Starts – ü' })
  })
}

test('keys beyond those that are remembered are encoded as well', () => {
  const keys = Array.from({ length: 1_500 }, (_, index) => [`k8s.kind-${index}.name`, index] as const)
  assertAsTheSdk(withAttributes(Object.fromEntries(keys)))
})

test('the bytes of a trace stay as they are when others are encoded', () => {
  const first = encodeTrace(fullTrace(), BY_ACTOR)
  const before = Buffer.from(first)
  for (let number = 0; number < 10; number++) encodeTrace(sampleTrace({ number }), BY_ACTOR)
  assert.deepEqual(Buffer.from(first), before)
})

const hex = (digits: number): fc.Arbitrary<string> =>
  fc.stringMatching(new RegExp(`^[0-9a-f]{${digits}}$`)) as fc.Arbitrary<string>
const someTime = fc.bigInt({ min: 2n ** 40n, max: 2n ** 64n - 2n ** 52n })
const someText = fc.oneof(
  fc.string({ maxLength: 60 }),
  fc.string({ unit: 'binary', maxLength: 60 }),
  fc.string({ unit: 'grapheme', maxLength: 200, size: 'max' }),
)
const someAttributes = fc.dictionary(
  fc.stringMatching(/^[a-zäü][a-z._]{0,30}$/),
  fc.oneof(
    someText,
    fc.boolean(),
    fc.double(),
    fc.maxSafeInteger(),
    fc.integer({ min: -200, max: 200 }),
    fc.array(someText, { maxLength: 5 }),
  ),
) as fc.Arbitrary<Attributes>

const someInstant: fc.Arbitrary<Instant> = fc
  .tuple(
    someTime,
    fc.bigInt({ min: 0n, max: 2n ** 52n }),
    fc.option(fc.bigInt({ min: -(2n ** 40n), max: 2n ** 40n })),
  )
  .map(([best, width, shifted]) =>
    instant(unixNano(best), {
      earliest: unixNano(best - (width % 2n ** 40n)),
      latest: unixNano(best + width),
      ...(shifted !== null && {
        shifted: durationNano(shifted),
        clamped: shifted > 0n,
        conflict: shifted < 0n,
      }),
    }),
  )

const someEvent: fc.Arbitrary<SpanEvent> = fc.record({
  at: someTime.map(unixNano),
  name: someText,
  attributes: someAttributes,
})
const someLink: fc.Arbitrary<SpanLink> = fc.record({
  traceId: hex(32),
  spanId: hex(16),
  attributes: someAttributes,
})
const someSpan: fc.Arbitrary<Span> = fc
  .record(
    {
      spanId: hex(16),
      parentSpanId: hex(16),
      name: someText,
      actor: fc.oneof(fc.constantFrom('podspan', 'kubelet', 'Kubelet', 'container runtime'), someText),
      start: someInstant,
      end: someInstant,
      error: someText,
      attempt: fc.nat(),
      attributes: someAttributes,
      events: fc.array(someEvent, { maxLength: 3 }),
      links: fc.array(someLink, { maxLength: 3 }),
    },
    { requiredKeys: ['spanId', 'name', 'actor', 'start', 'end', 'attributes', 'events', 'links'] },
  )
  .map((span) => sampleSpan(span))

const someTrace: fc.Arbitrary<Trace> = fc
  .tuple(hex(32), someAttributes, fc.array(someSpan, { maxLength: 8 }))
  .map(([traceId, resource, spans]) => ({ ...sampleTrace(), traceId, resource, spans }))

test('encodes any trace as the SDK does', () => {
  fc.assert(
    fc.property(someTrace, (trace) => assertAsTheSdk(trace)),
    { numRuns: 300 },
  )
})
