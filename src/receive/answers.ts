// Owns what a receiver answers, in each protocol's words: taken whole or in part, come back later, never again.
// Promises the statuses that OTLP names: what may be sent again says when, what may not says why.
// Does not decide what to answer: intake.ts does.

import type { Field, Message } from '../decode/otlp-messages.ts'
import { fromJson } from '../decode/otlp-from-json.ts'

/** What becomes of one request. */
export type Verdict =
  | { readonly kind: 'taken'; readonly rejected: number; readonly message?: string }
  /** No such request: sending it again does not help. */
  | { readonly kind: 'garbage'; readonly message: string }
  /** Too much for now. */
  | { readonly kind: 'throttled'; readonly message: string; readonly retryAfterMs: number }
  /** Not here, or not now. */
  | { readonly kind: 'unavailable'; readonly message: string; readonly retryAfterMs: number }
  | { readonly kind: 'too large'; readonly message: string }
  | { readonly kind: 'unauthorized'; readonly message: string }

type Refusal = Exclude<Verdict, { readonly kind: 'taken' }>

interface Statuses {
  readonly grpc: number
  readonly http: number
}

/** gRPC's codes by number, so that its library is loaded only where it serves. */
const STATUSES: Readonly<Record<Refusal['kind'], Statuses>> = {
  garbage: { grpc: 3, http: 400 },
  throttled: { grpc: 8, http: 429 },
  'too large': { grpc: 8, http: 413 },
  unavailable: { grpc: 14, http: 503 },
  unauthorized: { grpc: 16, http: 401 },
}

export const grpcCode = ({ kind }: Refusal): number => STATUSES[kind].grpc
export const httpStatus = ({ kind }: Refusal): number => STATUSES[kind].http

export const retryAfterMs = (refusal: Refusal): number | undefined =>
  'retryAfterMs' in refusal ? refusal.retryAfterMs : undefined

const one = (number: number, name: string, kind: Field['kind']): Field => ({ number, name, kind })

const PARTIAL: Message = [one(1, 'rejectedSpans', 'int64'), one(2, 'errorMessage', 'text')]
const RESPONSE: Message = [one(1, 'partialSuccess', () => PARTIAL)]
const DURATION: Message = [one(1, 'seconds', 'number'), one(2, 'nanos', 'number')]
const RETRY_INFO: Message = [one(1, 'retryDelay', () => DURATION)]
const ANY: Message = [one(1, 'typeUrl', 'text'), one(2, 'value', 'bytes')]
const STATUS: Message = [
  one(1, 'code', 'number'),
  one(2, 'message', 'text'),
  { ...one(3, 'details', () => ANY), repeated: true },
]

/** An `ExportTraceServiceResponse`; in whole it is empty. */
export function responseJson({ rejected, message }: Extract<Verdict, { readonly kind: 'taken' }>): object {
  if (rejected === 0 && message === undefined) return {}
  return { partialSuccess: { rejectedSpans: String(rejected), errorMessage: message ?? '' } }
}

export const responseBytes = (taken: Extract<Verdict, { readonly kind: 'taken' }>): Buffer =>
  fromJson(RESPONSE, responseJson(taken))

/** A `google.rpc.Status`, with RetryInfo where the request may come again. */
export function statusBytes(refusal: Refusal): Buffer {
  const after = retryAfterMs(refusal)
  const { message } = refusal
  return fromJson(STATUS, {
    code: grpcCode(refusal),
    message,
    ...(after === undefined ? {} : { details: [retryInfo(after)] }),
  })
}

export const statusJson = (refusal: Refusal): object => ({
  code: grpcCode(refusal),
  message: refusal.message,
})

function retryInfo(afterMs: number): object {
  const retryDelay = { seconds: Math.floor(afterMs / 1000), nanos: Math.round((afterMs % 1000) * 1e6) }
  return {
    typeUrl: 'type.googleapis.com/google.rpc.RetryInfo',
    value: fromJson(RETRY_INFO, { retryDelay }).toString('base64'),
  }
}
