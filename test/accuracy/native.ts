// Owns the showing of a recording's truth to Podspan: as frames of native spans, the way components export them.
// Promises the recording's own frames in between, unchanged. Spans of the truth are those that matter; a cluster sends more.

import type { Frame, OtlpFrame } from '../../src/base/frame.ts'
import type { NativeSpan } from '../../src/base/native.ts'
import { add, milliseconds, SECOND, unixNano, type UnixNano } from '../../src/base/time.ts'
import { decodeJsonSpans, EVERY_SPAN } from '../../src/decode/otlp.ts'
import { methodOf, type TruthSpan } from './collector.ts'

/** What exporters wait before they send, if nothing else is set. */
const BATCH = 5n * SECOND
const ON_THE_WAY = milliseconds(50)

export async function* withNative(
  frames: AsyncIterable<Frame>,
  truth: readonly TruthSpan[],
): AsyncGenerator<Frame> {
  const requests = requestsOf(truth)
  let next = 0
  for await (const frame of frames) {
    const isEnd = frame.kind === 'tick' && frame.final === true
    for (let one = requests[next]; one && (isEnd || one.t <= frame.t); one = requests[++next]) yield one
    yield frame
  }
}

/** Each component sends what it has every few seconds, whatever is finished by then. */
function requestsOf(truth: readonly TruthSpan[]): OtlpFrame[] {
  const batches = new Map<bigint, TruthSpan[]>()
  for (const span of truth) {
    const sentAt = (span.end / BATCH + 1n) * BATCH
    const batch = batches.get(sentAt)
    if (batch) batch.push(span)
    else batches.set(sentAt, [span])
  }
  return [...batches]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([sentAt, spans]) => frameOf(add(unixNano(sentAt), ON_THE_WAY), spans))
}

const frameOf = (t: UnixNano, spans: readonly TruthSpan[]): OtlpFrame => ({
  kind: 'otlp',
  t,
  source: 'spans',
  spans: decoded(spans),
})

function decoded(spans: readonly TruthSpan[]): readonly NativeSpan[] {
  const request = decodeJsonSpans({ resourceSpans: spans.map(resourceSpans) }, EVERY_SPAN)
  if (!request.ok || request.invalid > 0) throw new Error('the truth holds what is no span')
  return request.spans
}

const resourceSpans = (span: TruthSpan) => ({
  resource: { attributes: pairs({ 'service.name': span.service }) },
  scopeSpans: [{ spans: [spanJson(span)] }],
})

const spanJson = (span: TruthSpan) => ({
  traceId: span.traceId,
  spanId: span.spanId,
  ...(span.parentSpanId === undefined ? {} : { parentSpanId: span.parentSpanId }),
  name: span.name,
  kind: kindOf(span),
  startTimeUnixNano: span.start.toString(),
  endTimeUnixNano: span.end.toString(),
  attributes: pairs(span.attributes),
  status: span.failed ? { code: 2 } : {},
})

/** The truth does not keep it, and a name says it: internal, server, client. */
function kindOf(span: TruthSpan): number {
  if (span.name.startsWith('runtime.v1.')) return span.service === 'kubelet' ? 3 : 2
  if (span.name.startsWith('etcdserverpb.')) return 3
  return methodOf(span) === undefined ? 1 : 2
}

const pairs = (attributes: TruthSpan['attributes']) =>
  Object.entries(attributes).map(([key, value]) => ({ key, value: { stringValue: String(value) } }))
