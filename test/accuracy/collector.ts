// Owns the reading of the collector's file: OTLP/JSON export requests, one a line, from a remembered place on.
// Promises whole spans only: a line that is still being written is left for the next read. Does not choose among spans.

import { closeSync, existsSync, openSync, readSync, statSync } from 'node:fs'
import { type UnixNano, unixNano } from '../../src/base/time.ts'

/** A native span with all its attributes. */
export interface TruthSpan {
  readonly traceId: string
  readonly spanId: string
  readonly parentSpanId?: string
  readonly name: string
  readonly service: string
  readonly start: UnixNano
  readonly end: UnixNano
  readonly failed?: boolean
  readonly attributes: Readonly<Record<string, string | number | boolean>>
}

/** Of an HTTP request, by the conventions of 1.36 or those before. */
export const pathOf = ({ attributes }: TruthSpan): string | undefined =>
  textOf(attributes['url.path'] ?? attributes['http.target'])?.replace(/\?.*$/, '')
export const methodOf = ({ attributes }: TruthSpan): string | undefined =>
  textOf(attributes['http.request.method'] ?? attributes['http.method'])

const textOf = (value: string | number | boolean | undefined): string | undefined =>
  typeof value === 'string' ? value : undefined

type OtlpValue = Readonly<Record<string, string | number | boolean>>
type OtlpAttributes = readonly { readonly key: string; readonly value: OtlpValue }[]

interface OtlpSpan {
  readonly traceId: string
  readonly spanId: string
  readonly parentSpanId?: string
  readonly name: string
  readonly startTimeUnixNano: string
  readonly endTimeUnixNano: string
  readonly attributes?: OtlpAttributes
  readonly status?: { readonly code?: number }
}

interface ExportRequest {
  readonly resourceSpans: readonly {
    readonly resource: { readonly attributes: OtlpAttributes }
    readonly scopeSpans: readonly { readonly spans: readonly OtlpSpan[] }[]
  }[]
}

export interface TruthCursor {
  /** What was added since the cursor was made; each read begins there anew. */
  read(): TruthSpan[]
}

export function truthCursor(path: string, from = existsSync(path) ? statSync(path).size : 0): TruthCursor {
  return { read: () => parseExports(textFrom(path, from)) }
}

export function textFrom(path: string, from: number): string {
  const size = statSync(path).size
  const buffer = Buffer.alloc(Math.max(0, size - from))
  const file = openSync(path, 'r')
  try {
    const read = readSync(file, buffer, 0, buffer.length, from)
    return buffer.toString('utf8', 0, read)
  } finally {
    closeSync(file)
  }
}

export function parseExports(text: string): TruthSpan[] {
  const whole = text.slice(0, text.lastIndexOf('\n') + 1)
  const lines = whole.split('\n').filter((line) => line.startsWith('{'))
  return lines.flatMap((line) => spansOf(JSON.parse(line) as ExportRequest))
}

function spansOf(request: ExportRequest): TruthSpan[] {
  return request.resourceSpans.flatMap(({ resource, scopeSpans }) => {
    const service = String(plain(resource.attributes)['service.name'] ?? '')
    return scopeSpans.flatMap(({ spans }) => spans.map((span) => toNative(service, span)))
  })
}

function toNative(service: string, span: OtlpSpan): TruthSpan {
  const { traceId, spanId, parentSpanId, name } = span
  return {
    ...{ traceId, spanId, name, service },
    ...(parentSpanId && { parentSpanId }),
    start: unixNano(BigInt(span.startTimeUnixNano)),
    end: unixNano(BigInt(span.endTimeUnixNano)),
    attributes: plain(span.attributes ?? []),
    ...(span.status?.code === 2 && { failed: true }),
  }
}

function plain(attributes: OtlpAttributes): Record<string, string | number | boolean> {
  return Object.fromEntries(attributes.map(({ key, value }) => [key, Object.values(value)[0] ?? '']))
}
