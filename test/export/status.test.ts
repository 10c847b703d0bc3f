import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Metadata, status } from '@grpc/grpc-js'
import { manualClock } from '../../src/base/clock.ts'
import { fromSeconds } from '../../src/base/time.ts'
import { backoffMs } from '../../src/export/backoff.ts'
import { retryDelayMs, statusMessage } from '../../src/export/rpc-status.ts'
import { classifyGrpcError } from '../../src/export/transport-grpc.ts'
import { classifyHttpStatus } from '../../src/export/transport-http.ts'
import { encodeRetryInfo, encodeStatus } from '../support/otlp-receiver-decode.ts'

/** What the OTLP specification says of each gRPC code, without RetryInfo. */
const grpcCodes: Record<keyof typeof status, 'retryable' | 'failed' | undefined> = {
  OK: undefined,
  CANCELLED: 'retryable',
  UNKNOWN: 'failed',
  INVALID_ARGUMENT: 'failed',
  DEADLINE_EXCEEDED: 'retryable',
  NOT_FOUND: 'failed',
  ALREADY_EXISTS: 'failed',
  PERMISSION_DENIED: 'failed',
  RESOURCE_EXHAUSTED: 'failed',
  FAILED_PRECONDITION: 'failed',
  ABORTED: 'retryable',
  OUT_OF_RANGE: 'retryable',
  UNIMPLEMENTED: 'failed',
  INTERNAL: 'failed',
  UNAVAILABLE: 'retryable',
  DATA_LOSS: 'retryable',
  UNAUTHENTICATED: 'failed',
}

for (const [name, kind] of Object.entries(grpcCodes)) {
  if (kind === undefined) continue
  test(`gRPC ${name} is ${kind}`, () => {
    const result = classifyGrpcError({ code: status[name as keyof typeof status], details: 'why' })
    assert.deepEqual(result, { kind, reason: `${name}: why` })
  })
}

const withRetryInfo = (code: number, delayMs: number) => {
  const metadata = new Metadata()
  metadata.set('grpc-status-details-bin', Buffer.from(encodeRetryInfo(code, delayMs)))
  return { code, details: 'why', metadata }
}

test('RESOURCE_EXHAUSTED with RetryInfo is retryable after its delay', () => {
  const result = classifyGrpcError(withRetryInfo(status.RESOURCE_EXHAUSTED, 1_250))
  assert.deepEqual(result, { kind: 'retryable', reason: 'RESOURCE_EXHAUSTED: why', retryAfterMs: 1_250 })
})

test('RetryInfo does not make a final code retryable', () => {
  assert.equal(classifyGrpcError(withRetryInfo(status.INVALID_ARGUMENT, 1)).kind, 'failed')
})

for (const details of [
  'grpc: received message larger than max (5242880 vs. 4194304)',
  'grpc: received message after decompression larger than max 4194304',
  'Received message larger than max (5242880 vs. 4194304)',
  'gRPC message exceeds maximum size 4194304: 5242880',
]) {
  test(`"${details}" is too large`, () => {
    assert.equal(classifyGrpcError({ code: status.RESOURCE_EXHAUSTED, details }).kind, 'too-large')
  })
}

test('an error that is no answer is retryable and says what it is', () => {
  const result = classifyGrpcError(new Error('no such file'))
  assert.deepEqual(result, { kind: 'retryable', reason: 'gRPC error: no such file' })
})

const clock = manualClock(fromSeconds(1_796_083_200))
const httpCases: { code: number; message?: string; then: { kind: string; reason: string } }[] = [
  { code: 400, then: { kind: 'failed', reason: 'HTTP 400 Bad Request' } },
  {
    code: 400,
    message: 'http: request body too large',
    then: { kind: 'too-large', reason: 'HTTP 400 Bad Request: http: request body too large' },
  },
  { code: 503, message: 'busy', then: { kind: 'retryable', reason: 'HTTP 503 Service Unavailable: busy' } },
  { code: 301, then: { kind: 'failed', reason: 'HTTP 301 Moved Permanently' } },
  { code: 401, then: { kind: 'failed', reason: 'HTTP 401 Unauthorized' } },
  { code: 404, then: { kind: 'failed', reason: 'HTTP 404 Not Found' } },
  { code: 500, then: { kind: 'failed', reason: 'HTTP 500 Internal Server Error' } },
  { code: 413, then: { kind: 'too-large', reason: 'HTTP 413 Payload Too Large' } },
  { code: 429, then: { kind: 'retryable', reason: 'HTTP 429 Too Many Requests' } },
  { code: 502, then: { kind: 'retryable', reason: 'HTTP 502 Bad Gateway' } },
  { code: 503, then: { kind: 'retryable', reason: 'HTTP 503 Service Unavailable' } },
  { code: 504, then: { kind: 'retryable', reason: 'HTTP 504 Gateway Timeout' } },
]

for (const { code, message, then } of httpCases) {
  test(`HTTP ${code} ${message ?? ''} is ${then.kind}`, () =>
    assert.deepEqual(classifyHttpStatus({ statusCode: code, ...(message && { message }) }, clock), then))
}

const retryAfterCases = [
  { given: '7', then: 7_000 },
  { given: '0', then: 0 },
  { given: new Date(1_796_083_200_000 + 30_000).toUTCString(), then: 30_000 },
  { given: new Date(1_796_083_200_000 - 30_000).toUTCString(), then: undefined },
  { given: 'soon', then: undefined },
  { given: undefined, then: undefined },
]

for (const { given, then } of retryAfterCases) {
  test(`Retry-After ${given} is ${then} ms`, () => {
    const result = classifyHttpStatus(
      { statusCode: 503, ...(given !== undefined && { retryAfter: given }) },
      clock,
    )
    assert.equal(result.kind === 'retryable' ? result.retryAfterMs : 'not retryable', then)
  })
}

test('RetryInfo is read to the millisecond and beyond', () => {
  assert.equal(retryDelayMs(encodeRetryInfo(14, 0)), 0)
  assert.equal(retryDelayMs(encodeRetryInfo(14, 1_500)), 1_500)
  assert.equal(retryDelayMs(encodeRetryInfo(14, 3_600_000)), 3_600_000)
})

test('the words of a status are read, and nothing else is taken for them', () => {
  assert.equal(statusMessage(encodeStatus(3, 'zu groß')), 'zu groß')
  assert.equal(statusMessage(new Uint8Array()), undefined)
  assert.equal(statusMessage(Buffer.from('<html>no</html>')), undefined)
})

test('a status without RetryInfo, a cut one and no protobuf at all say nothing', () => {
  assert.equal(retryDelayMs(new Uint8Array()), undefined)
  assert.equal(retryDelayMs(Buffer.from('not protobuf')), undefined)
  const whole = encodeRetryInfo(14, 1_500)
  for (let length = 0; length < whole.length; length++) {
    const delay = retryDelayMs(whole.subarray(0, length))
    assert.ok(delay === undefined, `${length} bytes give ${delay}`)
  }
})

const backoffCases = [
  { name: 'the first failure waits below a second', failures: 1, asked: undefined, luck: 0.5, then: 500 },
  { name: 'each failure doubles the ceiling', failures: 4, asked: undefined, luck: 0.5, then: 4_000 },
  { name: 'up to 30 s', failures: 60, asked: undefined, luck: 1, then: 30_000 },
  { name: "the server's delay is the least", failures: 1, asked: 5_000, luck: 1, then: 5_000 },
  { name: 'our own wait may be longer', failures: 5, asked: 5_000, luck: 1, then: 16_000 },
  { name: 'a senseless delay is cut', failures: 1, asked: 1e15, luck: 0, then: 600_000 },
]

for (const { name, failures, asked, luck, then } of backoffCases) {
  test(`back-off: ${name}`, () =>
    assert.equal(
      backoffMs(failures, asked, () => luck),
      then,
    ))
}
