// Owns the way from native spans back to one OTLP/JSON export request, as a Collector writes it.
// Promises what was received, all fields of it, under its own ids; spans of one resource and scope stand together.
// Does not choose spans.

import type { NativeOrigin, NativeSpan } from '../base/native.ts'

export interface RequestJson {
  readonly resourceSpans: readonly Readonly<Record<string, unknown>>[]
}

export function toRequestJson(spans: readonly NativeSpan[]): RequestJson {
  const groups = new Map<NativeOrigin, NativeSpan[]>()
  for (const span of spans) {
    const group = groups.get(span.origin)
    if (group) group.push(span)
    else groups.set(span.origin, [span])
  }
  return { resourceSpans: [...groups].map(([origin, group]) => groupJson(origin, group)) }
}

function groupJson(origin: NativeOrigin, spans: readonly NativeSpan[]) {
  const { ofResource, ofScope } = origin.describe()
  return { ...ofResource, scopeSpans: [{ ...ofScope, spans: spans.map(spanJson) }] }
}

const spanJson = ({ traceId, spanId, parentSpanId, body }: NativeSpan) => ({
  traceId,
  spanId,
  ...(parentSpanId === undefined ? {} : { parentSpanId }),
  ...body.describe(),
})
