import assert from 'node:assert/strict'
import { test } from 'node:test'
import { carriedBy, parseTraceparent, type TraceContext } from '../../src/base/trace-context.ts'

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736'
const SPAN = '00f067aa0ba902b7'
const CONTEXT: TraceContext = { traceId: TRACE, spanId: SPAN }
const W3C = `00-${TRACE}-${SPAN}-01`
/** As `propagation.Binary` of OpenCensus writes it. */
const BINARY = Buffer.from(`0000${TRACE}01${SPAN}0201`, 'hex').toString('base64')

const TEXTS: readonly (readonly [text: string, context: TraceContext | undefined])[] = [
  [W3C, CONTEXT],
  [`01-${TRACE}-${SPAN}-00`, CONTEXT],
  [`01-${TRACE}-${SPAN}-00-more`, CONTEXT],
  [`${W3C}-more`, undefined],
  [`01-${TRACE}-${SPAN}-00more`, undefined],
  [` ${W3C}`, undefined],
  [`ff-${TRACE}-${SPAN}-01`, undefined],
  [`00-${'0'.repeat(32)}-${SPAN}-01`, undefined],
  [`01-${TRACE}-${'0'.repeat(16)}-01`, undefined],
]

for (const [text, context] of TEXTS)
  test(`${JSON.stringify(text)} is ${context ? 'a context' : 'none'}`, () =>
    assert.deepEqual(parseTraceparent(text), context))

const CARRIED: readonly (readonly [
  name: string,
  annotations: Record<string, string>,
  ReturnType<typeof carriedBy>,
])[] = [
  ['nothing', {}, { malformed: 0 }],
  ['a traceparent', { 'tracing.k8s.io/traceparent': W3C }, { context: CONTEXT, malformed: 0 }],
  ['the older binary form', { 'trace.kubernetes.io/context': BINARY }, { context: CONTEXT, malformed: 0 }],
  [
    'a traceparent in base64',
    { 'trace.kubernetes.io/context': btoa(W3C) },
    { context: CONTEXT, malformed: 0 },
  ],
  ['what is no base64', { 'trace.kubernetes.io/context': W3C }, { malformed: 1 }],
  ['base64 that is cut off', { 'trace.kubernetes.io/context': BINARY.slice(0, 37) }, { malformed: 1 }],
  ['other bytes of that length', { 'trace.kubernetes.io/context': btoa('x'.repeat(29)) }, { malformed: 1 }],
  ['very much of it', { 'trace.kubernetes.io/context': btoa(W3C + '-'.repeat(600)) }, { malformed: 1 }],
  [
    'a broken one and an older one',
    { 'tracing.k8s.io/traceparent': 'x', 'trace.kubernetes.io/context': BINARY },
    { context: CONTEXT, malformed: 1 },
  ],
]

for (const [name, annotations, carried] of CARRIED)
  test(`an object that carries ${name}`, () => assert.deepEqual(carriedBy(annotations), carried))
