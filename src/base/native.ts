// Owns the form of a span that another component sent: a kubelet, a runtime, an API server, the application itself.
// Promises that what is needed to find its pod stands in fields, and that the rest is kept as it came, to be passed on whole.
// Does not know how it is encoded (decode/) or what it means (observe/native.ts).

import type { UnixNano } from './time.ts'

/** OTLP's numbers: 0 unspecified, 1 internal, 2 server, 3 client, 4 producer, 5 consumer. */
export type SpanKind = 0 | 1 | 2 | 3 | 4 | 5

export const SERVER: SpanKind = 2
export const CLIENT: SpanKind = 3

/** Attributes that are read for joining; every other one stays in `body`. */
export const JOIN_ATTRIBUTES: ReadonlySet<string> = new Set([
  'k8s.pod.uid',
  'k8s.pod.update_type',
  'sandbox.id',
  'sandbox.name',
  'container.id',
  'container.name',
  'image.ref',
  'key',
  'subresource',
  'url.path',
  'url.full',
  'http.target',
  'http.url',
  'http.request.method',
  'http.method',
  'http.response.status_code',
  'http.status_code',
])

export interface NativeSpan {
  /** 32 and 16 lower-case hex digits, as the component chose them. */
  readonly traceId: string
  readonly spanId: string
  readonly parentSpanId: string | undefined
  readonly name: string
  readonly kind: SpanKind
  readonly start: UnixNano
  readonly end: UnixNano
  readonly failed: boolean
  /** Those of `JOIN_ATTRIBUTES`, as text. */
  readonly attributes: Readonly<Record<string, string>>
  readonly origin: NativeOrigin
  readonly body: NativeBody
}

/** Whose span it is; shared by all spans of one resource and scope. */
export interface NativeOrigin {
  /** `service.name`. */
  readonly service: string
  /** `k8s.pod.uid` of the resource. */
  readonly podUid: string | undefined
  /** The fields of OTLP's `ResourceSpans` and `ScopeSpans` beside the spans, in protobuf. */
  readonly resourceBytes: Uint8Array
  readonly scopeBytes: Uint8Array
  /** What each of its spans holds of it: none where all requests share it. */
  readonly ownBytes: number
  describe(): OriginDetail
}

/** A span without its ids: in OTLP's protobuf, and read when somebody asks. */
export interface NativeBody {
  readonly bytes: Uint8Array
  describe(): SpanDetail
}

/** OTLP/JSON's form of a value; exactly one field is set. */
export interface OtlpValue {
  readonly stringValue?: string
  readonly boolValue?: boolean
  readonly intValue?: string
  readonly doubleValue?: number | string
  readonly arrayValue?: { readonly values?: readonly OtlpValue[] }
  readonly kvlistValue?: { readonly values?: readonly OtlpAttribute[] }
  readonly bytesValue?: string
}

export interface OtlpAttribute {
  readonly key?: string
  readonly value?: OtlpValue
}

/** OTLP/JSON's `ResourceSpans` and `ScopeSpans` but for the spans. */
export interface OriginDetail {
  readonly ofResource: { readonly resource?: { readonly attributes?: readonly OtlpAttribute[] } }
  readonly ofScope: { readonly scope?: { readonly name?: string; readonly version?: string } }
}

/** OTLP/JSON's form of a span, as far as anybody looks into it; what else was sent is there too. */
export interface SpanDetail {
  readonly attributes?: readonly OtlpAttribute[]
  readonly events?: readonly {
    readonly timeUnixNano?: string
    readonly name?: string
    readonly attributes?: readonly OtlpAttribute[]
  }[]
  readonly links?: readonly {
    readonly traceId?: string
    readonly spanId?: string
    readonly attributes?: readonly OtlpAttribute[]
  }[]
  readonly status?: { readonly code?: number; readonly message?: string }
}

/** What a span takes beside its body: ids, name, times, the attributes in fields. */
const SPAN_BYTES = 600

export const bytesOfNative = ({ body, origin }: NativeSpan): number =>
  SPAN_BYTES + body.bytes.length + origin.ownBytes
