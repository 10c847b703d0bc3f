// Owns one request whose body and answer are JSON objects, within a time of its own.
// Promises a value for every end: what was answered, or the failure; a write that got no answer may have been made all the same.
// Does not retry and does not know which objects it carries.

import type { Clock } from '../base/clock.ts'
import { parseJson } from '../decode/json.ts'
import { asObject, type Json } from '../decode/json-fields.ts'
import { errorOf } from '../decode/result.ts'
import type { Result } from './api.ts'
import type { Connection } from './config.ts'
import { fetchWhole, type Request } from './request.ts'

export interface JsonCall extends Pick<Request, 'method' | 'path' | 'contentType'> {
  readonly body?: unknown
  readonly timeoutMs?: number
}

export interface Caller {
  readonly connection: Connection
  readonly clock: Clock
  readonly signal: AbortSignal
}

/** Long enough for a server under load, short enough that a lane is not lost to a socket that died. */
const TIMEOUT_MS = 15_000

export async function callJson(caller: Caller, call: JsonCall): Promise<Result<Json>> {
  const { connection, clock, signal } = caller
  const { body, timeoutMs = TIMEOUT_MS, ...rest } = call
  const done = new AbortController()
  const late = new AbortController()
  void clock.sleep(timeoutMs, done.signal).then(() => late.abort())
  const answer = await fetchWhole(connection, {
    ...rest,
    accept: 'application/json',
    signal: AbortSignal.any([signal, late.signal]),
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  })
  done.abort()
  if (answer.kind === 'ok') return readObject(answer.body)
  const silent = answer.failure.kind === 'aborted' && !signal.aborted
  const failure = silent
    ? { kind: 'network' as const, message: `no answer within ${timeoutMs} ms` }
    : answer.failure
  return { ok: false, failure }
}

function readObject(body: Buffer): Result<Json> {
  try {
    return { ok: true, value: asObject(parseJson(body.toString('utf8')), 'body') }
  } catch (thrown) {
    const error = errorOf(thrown)
    return { ok: false, failure: { kind: 'undecodable', message: `${error.what} at ${error.where}` } }
  }
}
