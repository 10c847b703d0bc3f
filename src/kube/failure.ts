// Owns the kinds of failure that a request or a watch can meet, and how an answer of the API server becomes one.
// Promises that a status, an ERROR frame or a broken socket is classified here, once; inside there are only these kinds.
// Does not decide what happens next: that is watch.ts.

import type { ApiStatus } from '../decode/result.ts'

export type FailureKind =
  | 'expired' // 410: the resourceVersion or the continue token is compacted
  | 'too-large-resource-version' // the server is behind our resourceVersion (an etcd restore, a lagging replica)
  | 'forbidden' // 403
  | 'unauthorized' // 401, after one refresh of the credentials
  | 'not-found' // 404
  | 'too-many-requests' // 429
  | 'conflict' // 409: it exists already, or has changed since it was read
  | 'invalid' // 400, 422: the server does not take this form of request
  | 'not-acceptable' // 406, 415: not this encoding
  | 'unavailable' // 5xx and ERROR frames of no other kind
  | 'network' // no answer, or it broke off
  | 'undecodable' // an answer that is not what was asked for
  | 'aborted' // our own signal

export interface Failure {
  readonly kind: FailureKind
  readonly message: string
  /** The HTTP status, or the socket's error code. */
  readonly code?: number | string
  readonly retryAfterMs?: number
  readonly continueToken?: string
}

/** An HTTP status with the Status object of its body, where it had one. */
export function failureOfAnswer(code: number, status: ApiStatus | undefined, retryAfter?: string): Failure {
  const message = status?.message ?? `HTTP ${code}`
  return {
    kind: kindOf(code, status),
    message,
    code,
    ...retryAfterOf(status, retryAfter),
    ...(status?.continueToken === undefined ? {} : { continueToken: status.continueToken }),
  }
}

/** The Status of an ERROR frame; its code says what the HTTP status of a refused request would. */
export const failureOfStatus = (status: ApiStatus): Failure => failureOfAnswer(status.code, status)

function kindOf(code: number, status: ApiStatus | undefined): FailureKind {
  const reason = status?.reason
  if (isTooLarge(status)) return 'too-large-resource-version'
  if (code === 410 || reason === 'Expired' || reason === 'Gone') return 'expired'
  if (code === 401) return 'unauthorized'
  if (code === 403) return 'forbidden'
  if (code === 404) return 'not-found'
  if (code === 409) return 'conflict'
  if (code === 429) return 'too-many-requests'
  if (code === 400 || code === 422) return 'invalid'
  if (code === 406 || code === 415) return 'not-acceptable'
  return 'unavailable'
}

/** apimachinery's NewTooLargeResourceVersionError: a 504 Timeout with this cause; older servers say it only in the message. */
function isTooLarge(status: ApiStatus | undefined): boolean {
  if (!status) return false
  if (status.causes?.includes('ResourceVersionTooLarge')) return true
  return status.message?.includes('Too large resource version') ?? false
}

function retryAfterOf(
  status: ApiStatus | undefined,
  header: string | undefined,
): { readonly retryAfterMs?: number } {
  const seconds =
    header !== undefined && /^\d{1,6}$/.test(header) ? Number(header) : status?.retryAfterSeconds
  return seconds === undefined ? {} : { retryAfterMs: seconds * 1000 }
}

/** What undici or the socket raised. */
export function failureOfError(error: unknown): Failure {
  if (!(error instanceof Error)) return { kind: 'network', message: String(error) }
  const code = (error as Error & { code?: unknown }).code
  const cause = error.cause instanceof Error ? `: ${error.cause.message}` : ''
  return {
    kind: 'network',
    message: `${error.message}${cause}`,
    ...(typeof code === 'string' ? { code } : {}),
  }
}
