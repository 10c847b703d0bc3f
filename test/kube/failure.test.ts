// Owns the classification of answers: one row per kind of failure.
// Promises that what the API server really says is in the table.
// Does not test what follows from a kind: see watch.test.ts.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type FailureKind, failureOfAnswer, failureOfError } from '../../src/kube/failure.ts'

const rows: readonly (readonly [
  number,
  { reason?: string; message?: string; causes?: string[] },
  FailureKind,
])[] = [
  [410, { reason: 'Expired' }, 'expired'],
  [410, { reason: 'Gone' }, 'expired'],
  [401, { reason: 'Unauthorized' }, 'unauthorized'],
  [403, { reason: 'Forbidden' }, 'forbidden'],
  [404, { reason: 'NotFound' }, 'not-found'],
  [429, { reason: 'TooManyRequests' }, 'too-many-requests'],
  [400, { reason: 'BadRequest' }, 'invalid'],
  [422, { reason: 'Invalid' }, 'invalid'],
  [406, {}, 'not-acceptable'],
  [415, {}, 'not-acceptable'],
  [500, { reason: 'InternalError' }, 'unavailable'],
  [503, {}, 'unavailable'],
  [504, { reason: 'Timeout', causes: ['ResourceVersionTooLarge'] }, 'too-large-resource-version'],
  [
    504,
    { reason: 'Timeout', message: 'Too large resource version: 9, current: 3' },
    'too-large-resource-version',
  ],
  [504, { reason: 'Timeout' }, 'unavailable'],
]

for (const [code, status, kind] of rows)
  test(`${code} ${JSON.stringify(status)} is ${kind}`, () => {
    assert.equal(failureOfAnswer(code, { code, ...status }).kind, kind)
  })

test('an answer without a Status is classified by its code', () => {
  assert.deepStrictEqual(failureOfAnswer(503, undefined), {
    kind: 'unavailable',
    message: 'HTTP 503',
    code: 503,
  })
})

test('Retry-After comes from the header, else from the Status; a date is not one', () => {
  assert.equal(failureOfAnswer(429, undefined, '7').retryAfterMs, 7000)
  assert.equal(failureOfAnswer(429, { code: 429, retryAfterSeconds: 3 }).retryAfterMs, 3000)
  assert.equal(failureOfAnswer(503, undefined, 'Wed, 21 Oct 2026 07:28:00 GMT').retryAfterMs, undefined)
})

test('a socket error keeps its code and its cause', () => {
  const error = Object.assign(new Error('fetch failed', { cause: new Error('refused') }), {
    code: 'ECONNREFUSED',
  })
  assert.deepStrictEqual(failureOfError(error), {
    kind: 'network',
    message: 'fetch failed: refused',
    code: 'ECONNREFUSED',
  })
})
