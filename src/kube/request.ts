// Owns one HTTP request to the API server: path, headers, one refresh of the credentials on 401, the answer as a value.
// Promises that every request ends in exactly one of `ended`, `failed` and `upgraded`, and that nothing is delivered after it.
// Does not retry otherwise, and does not know what is in a body.

import type { Duplex } from 'node:stream'
import type { Dispatcher } from 'undici'
import type { Clock } from '../base/clock.ts'
import { parseJson, statusOf } from '../decode/json.ts'
import { decodeStatus } from '../decode/protobuf.ts'
import type { ApiStatus } from '../decode/result.ts'
import { BodyRoom } from './body-room.ts'
import type { Connection } from './config.ts'
import { type Failure, failureOfAnswer, failureOfError } from './failure.ts'
import { isHeaderValue, type StreamSockets } from './stream-socket.ts'

export interface Request {
  readonly method?: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  /** With query; below the server's base path. */
  readonly path: string
  readonly accept: string
  readonly body?: string
  /** Of the body; default `application/json`. */
  readonly contentType?: string
  readonly signal: AbortSignal
  /** A GET whose answer goes on and on, where silence is normal: a watch. By this clock a refusal's body is not waited for in vain. */
  readonly stream?: Clock
  /** The headers of a WebSocket's handshake: the answer is a socket, or a refusal. */
  readonly upgrade?: Readonly<Record<string, string>>
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
  /** Of a stream, valid only during the call. */
  data(bytes: Buffer, start: number, end: number): void
  ended(): void
  failed(failure: Failure): void
  /** The server changed to the protocol that was asked for; the socket is the receiver's now. */
  upgraded?(socket: Duplex, headers: Readonly<Record<string, string | string[] | undefined>>): void
}

/** The Status of a refusal is small; more than this of it is not read. */
const STATUS_LIMIT_BYTES = 256 * 1024
/** Of a stream, on whose socket silence is normal: a refusal's body is not waited for any longer. */
const STATUS_LIMIT_MS = 10_000

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
  data: (bytes, start, end) => receiver.data(bytes, start, end),
  ended: () => receiver.ended(),
  failed: (failure) => receiver.failed(failure),
  upgraded: (socket, headers) => receiver.upgraded?.(socket, headers),
})

async function attempt(
  connection: Connection,
  request: Request,
  receiver: Receiver,
  credentials: 'current' | 'refreshed' = 'current',
): Promise<void> {
  try {
    if (credentials === 'refreshed') await connection.refresh()
    const { dispatcher, headers, streams } = await connection.authenticate()
    if (request.signal.aborted) return receiver.failed(aborted())
    const exchange = new Exchange(request, receiver)
    if (request.stream && streams) openStream(streams, connection, request, headers, exchange)
    else dispatcher.dispatch(dispatchOptions(connection, request, headers), handlerOf(exchange))
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
      ...request.upgrade,
      ...(request.body === undefined ? {} : { 'content-type': request.contentType ?? 'application/json' }),
    },
    body: request.body ?? null,
    headersTimeout: 30_000,
    bodyTimeout: request.stream ? 0 : 60_000,
    // A watch must not hold up another request on its socket, nor be sent twice by undici itself.
    blocking: true,
    ...(request.upgrade === undefined ? {} : { upgrade: 'websocket' }),
  }
}

const aborted = (): Failure => ({ kind: 'aborted', message: 'aborted' })

function handlerOf(exchange: Exchange): Dispatcher.DispatchHandler {
  return {
    onRequestStart: (controller) =>
      exchange.begin({
        pause: () => controller.pause(),
        resume: () => controller.resume(),
        abort: (error) => controller.abort(error),
      }),
    onRequestUpgrade: (_controller, _code, headers, socket) => exchange.upgrade(socket, headers),
    onResponseStart: (_controller, code, headers) =>
      exchange.head(code, textOf(headers['content-type']) ?? '', textOf(headers['retry-after'])),
    onResponseData: (_controller, chunk) => exchange.data(chunk, 0, chunk.length),
    onResponseEnd: () => exchange.end(),
    onResponseError: (_controller, error) => exchange.error(error),
  }
}

const textOf = (value: string | string[] | undefined): string | undefined =>
  value === undefined ? undefined : String(value)

function openStream(
  streams: StreamSockets,
  { origin, basePath }: Connection,
  request: Request,
  headers: Readonly<Record<string, string>>,
  exchange: Exchange,
): void {
  const all = { ...headers, accept: request.accept }
  for (const [name, value] of Object.entries(all))
    if (!isHeaderValue(value)) throw new Error(`the header ${name} holds what no header may`)
  const control = streams.open(
    { origin, path: `${basePath}${request.path}`, headers: all },
    {
      head: (code, answered) =>
        exchange.head(code, answered.get('content-type') ?? '', answered.get('retry-after')),
      data: (bytes, start, end) => exchange.data(bytes, start, end),
      ended: () => exchange.end(),
      error: (error) => exchange.error(error),
    },
  )
  exchange.begin({
    pause: () => control.pause(),
    resume: () => control.resume(),
    abort: (error) => {
      control.destroy()
      exchange.error(error)
    },
  })
}

interface Carrier {
  pause(): void
  resume(): void
  /** `error` of the exchange follows. */
  abort(error: Error): void
}

interface Refused {
  readonly code: number
  readonly retryAfter: string | undefined
  readonly contentType: string
  readonly body: Buffer[]
}

/** One request's end, whatever carries it: one outcome, the abort's reason kept as the failure it is. */
class Exchange {
  readonly #signal: AbortSignal
  readonly #clock: Clock | undefined
  readonly #receiver: Receiver
  #carrier: Carrier | undefined
  #outcome: Failure | undefined
  #refused: Refused | undefined
  #refusedBytes = 0
  readonly #ended = new AbortController()
  #done = false

  constructor({ signal, stream }: Request, receiver: Receiver) {
    this.#signal = signal
    this.#clock = stream
    this.#receiver = receiver
  }

  readonly #onAbort = (): void => this.#abort(aborted())

  #abort(failure: Failure): void {
    this.#outcome ??= failure
    this.#carrier?.abort(new Error(failure.message))
  }

  /** A refusal whose body broke off is still that refusal. */
  #enough(): void {
    if (!this.#done) this.#carrier?.abort(new Error('the refusal does not end'))
  }

  begin(carrier: Carrier): void {
    this.#carrier = carrier
    if (this.#signal.aborted) return this.#onAbort()
    this.#signal.addEventListener('abort', this.#onAbort, { once: true })
  }

  head(code: number, contentType: string, retryAfter: string | undefined): void {
    if (code < 200 || code >= 300) {
      this.#refused = { code, contentType, retryAfter, body: [] }
      return void this.#clock?.sleep(STATUS_LIMIT_MS, this.#ended.signal).then(() => this.#enough())
    }
    this.#receiver.opened(contentType, {
      pause: () => this.#carrier?.pause(),
      resume: () => this.#carrier?.resume(),
      abort: (failure) => this.#abort(failure),
    })
  }

  data(bytes: Buffer, start: number, end: number): void {
    if (this.#done || this.#outcome) return
    if (!this.#refused) return this.#receiver.data(bytes, start, end)
    this.#refusedBytes += end - start
    if (this.#refusedBytes <= STATUS_LIMIT_BYTES)
      this.#refused.body.push(Buffer.from(bytes.subarray(start, end)))
    else this.#enough()
  }

  end(): void {
    this.#finish(this.#refused ? refusal(this.#refused) : this.#outcome)
  }

  error(error: Error): void {
    this.#finish(this.#outcome ?? (this.#refused ? refusal(this.#refused) : failureOfError(error)))
  }

  upgrade(socket: Duplex, headers: Parameters<NonNullable<Receiver['upgraded']>>[1]): void {
    if (this.#done || this.#signal.aborted) return void socket.destroy()
    this.#over()
    this.#receiver.upgraded?.(socket, headers)
  }

  #over(): void {
    this.#done = true
    this.#ended.abort()
    this.#signal.removeEventListener('abort', this.#onAbort)
  }

  #finish(failure: Failure | undefined): void {
    if (this.#done) return
    this.#over()
    if (failure) this.#receiver.failed(failure)
    else this.#receiver.ended()
  }
}

function refusal(answer: Refused): Failure {
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
  /** `body` is valid until its room is used again. */
  | { readonly kind: 'ok'; readonly contentType: string; readonly body: Buffer }
  | { readonly kind: 'failed'; readonly failure: Failure }

/** A request whose body is wanted whole; into `room`, if one is given that serves several. Never rejects. */
export function fetchWhole(
  connection: Connection,
  request: Omit<Request, 'stream'>,
  room = new BodyRoom(),
): Promise<Answer> {
  room.empty()
  return new Promise((resolve) => {
    let contentType = ''
    let control: BodyControl | undefined
    send(connection, request, {
      opened: (type, body) => {
        contentType = type
        control = body
      },
      data: (chunk, start, end) => {
        if (!room.put(chunk, start, end))
          control?.abort({ kind: 'undecodable', message: 'the body is over 256 MiB' })
      },
      ended: () => resolve({ kind: 'ok', contentType, body: room.content() }),
      failed: (failure) => resolve({ kind: 'failed', failure }),
    })
  })
}
