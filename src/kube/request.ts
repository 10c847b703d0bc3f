// Owns one HTTP request to the API server: path, headers, one refresh of the credentials on 401, the answer as a value.
// Promises that every request ends in exactly one of `ended` and `failed`, and that nothing is delivered after it.
// Does not retry otherwise, and does not know what is in a body.

import type { Dispatcher } from 'undici'
import { parseJson, statusOf } from '../decode/json.ts'
import { decodeStatus } from '../decode/protobuf.ts'
import type { ApiStatus } from '../decode/result.ts'
import type { Connection } from './config.ts'
import { type Failure, failureOfAnswer, failureOfError } from './failure.ts'

export interface Request {
  readonly method?: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  /** With query; below the server's base path. */
  readonly path: string
  readonly accept: string
  readonly body?: string
  /** Of the body; default `application/json`. */
  readonly contentType?: string
  readonly signal: AbortSignal
  /** 0 for a watch, where silence is normal. */
  readonly bodyTimeoutMs?: number
}

/** Flow control of a body that is being received. */
export interface BodyControl {
  pause(): void
  resume(): void
  /** Ends the request; `ended` or `failed` still follows, with this failure. */
  abort(failure: Failure): void
}

export interface Receiver {
  /** The server accepted (2xx). */
  opened(contentType: string, control: BodyControl): void
  data(chunk: Buffer): void
  ended(): void
  failed(failure: Failure): void
}

/** The Status of a refusal is small; more than this of it is not read. */
const STATUS_LIMIT_BYTES = 256 * 1024

/** Sends the request; on 401 with refreshed credentials once more. */
export function send(connection: Connection, request: Request, receiver: Receiver): void {
  void attempt(connection, request, {
    ...receiverOf(receiver),
    failed: (failure) => {
      if (failure.kind !== 'unauthorized' || request.signal.aborted) receiver.failed(failure)
      else void attempt(connection, request, receiver, 'refreshed')
    },
  })
}

/** Spelt out, since a receiver may be a class whose methods a spread would lose. */
const receiverOf = (receiver: Receiver): Receiver => ({
  opened: (contentType, control) => receiver.opened(contentType, control),
  data: (chunk) => receiver.data(chunk),
  ended: () => receiver.ended(),
  failed: (failure) => receiver.failed(failure),
})

async function attempt(
  connection: Connection,
  request: Request,
  receiver: Receiver,
  credentials: 'current' | 'refreshed' = 'current',
): Promise<void> {
  try {
    if (credentials === 'refreshed') await connection.refresh()
    const { dispatcher, headers } = await connection.authenticate()
    if (request.signal.aborted) return receiver.failed(aborted())
    dispatcher.dispatch(dispatchOptions(connection, request, headers), handlerOf(request.signal, receiver))
  } catch (error) {
    // Reading a token file or running an exec plugin failed: as transient as a refused connection.
    receiver.failed(failureOfError(error))
  }
}

function dispatchOptions(
  connection: Connection,
  request: Request,
  headers: Readonly<Record<string, string>>,
): Dispatcher.DispatchOptions {
  return {
    origin: connection.origin,
    path: `${connection.basePath}${request.path}`,
    method: request.method ?? 'GET',
    headers: {
      ...headers,
      accept: request.accept,
      ...(request.body === undefined ? {} : { 'content-type': request.contentType ?? 'application/json' }),
    },
    body: request.body ?? null,
    headersTimeout: 30_000,
    bodyTimeout: request.bodyTimeoutMs ?? 60_000,
    // A watch must not hold up another request on its socket, nor be sent twice by undici itself.
    blocking: true,
  }
}

const aborted = (): Failure => ({ kind: 'aborted', message: 'aborted' })

/** undici's handler with our ends: one outcome, the abort reason kept as the failure it is. */
function handlerOf(signal: AbortSignal, receiver: Receiver): Dispatcher.DispatchHandler {
  let outcome: Failure | undefined
  let refused:
    | { code: number; retryAfter: string | undefined; contentType: string; body: Buffer[] }
    | undefined
  let refusedBytes = 0
  let active: Dispatcher.DispatchController | undefined
  let done = false
  const onAbort = (): void => abort(aborted())
  const abort = (failure: Failure): void => {
    outcome ??= failure
    active?.abort(new Error(failure.message))
  }
  const finish = (failure: Failure | undefined): void => {
    if (done) return
    done = true
    signal.removeEventListener('abort', onAbort)
    if (failure) receiver.failed(failure)
    else receiver.ended()
  }
  return {
    onRequestStart: (controller) => {
      active = controller
      if (signal.aborted) return onAbort()
      signal.addEventListener('abort', onAbort, { once: true })
    },
    onResponseStart: (controller, code, headers) => {
      const contentType = String(headers['content-type'] ?? '')
      if (code >= 200 && code < 300)
        return receiver.opened(contentType, {
          pause: () => controller.pause(),
          resume: () => controller.resume(),
          abort,
        })
      const retryAfter = headers['retry-after']
      refused = {
        code,
        contentType,
        body: [],
        retryAfter: retryAfter === undefined ? undefined : String(retryAfter),
      }
    },
    onResponseData: (_controller, chunk) => {
      if (done || outcome) return
      if (!refused) return receiver.data(chunk)
      refusedBytes += chunk.length
      if (refusedBytes <= STATUS_LIMIT_BYTES) refused.body.push(chunk)
    },
    onResponseEnd: () => finish(refused ? refusal(refused) : outcome),
    onResponseError: (_controller, error) => {
      // A refusal whose body broke off is still that refusal.
      finish(outcome ?? (refused ? refusal(refused) : failureOfError(error)))
    },
  }
}

function refusal(answer: {
  code: number
  retryAfter: string | undefined
  contentType: string
  body: Buffer[]
}): Failure {
  return failureOfAnswer(
    answer.code,
    statusIn(answer.contentType, Buffer.concat(answer.body)),
    answer.retryAfter,
  )
}

function statusIn(contentType: string, body: Buffer): ApiStatus | undefined {
  return isProtobuf(contentType) ? decodeStatus(body) : statusOf(parseJson(body.toString('utf8')))
}

export const isProtobuf = (contentType: string): boolean =>
  contentType.startsWith('application/vnd.kubernetes.protobuf')

export type Answer =
  | { readonly kind: 'ok'; readonly contentType: string; readonly body: Buffer }
  | { readonly kind: 'failed'; readonly failure: Failure }

/** A body larger than this is refused as a whole: a page of 500 large pods is a tenth of it. */
const BODY_LIMIT_BYTES = 256 * 1024 * 1024

/** A request whose body is wanted whole. Never rejects. */
export function fetchWhole(connection: Connection, request: Request): Promise<Answer> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = []
    let bytes = 0
    let contentType = ''
    let control: BodyControl | undefined
    send(connection, request, {
      opened: (type, body) => {
        contentType = type
        control = body
      },
      data: (chunk) => {
        chunks.push(chunk)
        bytes += chunk.length
        if (bytes > BODY_LIMIT_BYTES)
          control?.abort({ kind: 'undecodable', message: 'the body is over 256 MiB' })
      },
      ended: () =>
        resolve({
          kind: 'ok',
          contentType,
          body: chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks),
        }),
      failed: (failure) => resolve({ kind: 'failed', failure }),
    })
  })
}
