// Owns OTLP over HTTP with protobuf bodies: the SDK's exporter base over our own one-attempt transport.
// Promises one attempt per send, bounded by the timeout, and that Retry-After reaches the batcher.
// Does not use the SDK's HTTP transport: that one retries by itself within the timeout and drops Retry-After.

import { STATUS_CODES } from 'node:http'
import { promisify } from 'node:util'
import { gzip } from 'node:zlib'
import {
  createOtlpNetworkExportDelegate,
  type ExportResponse,
  ExporterMetrics,
  type IExporterTransport,
} from '@opentelemetry/otlp-exporter-base'
import { Agent, type Dispatcher, ProxyAgent } from 'undici'
import type { Clock } from '../base/clock.ts'
import { MILLISECOND } from '../base/time.ts'
import type { OtlpConfig } from './config.ts'
import { createSdkExporter, METRICS_HELPER, SDK_CONCURRENCY_LIMIT, USER_AGENT } from './sdk-exporter.ts'
import { statusMessage } from './rpc-status.ts'
import { readTls } from './tls.ts'
import type { SendResult, Transport } from './transport.ts'

export function createHttpTransport(config: OtlpConfig, clock: Clock): Transport {
  const connection = createConnection(config)
  const post: IExporterTransport = {
    send: (body) => attempt(config, connection, clock, body),
    shutdown: () => connection.close(),
  }
  const metrics = new ExporterMetrics({
    componentType: 'otlp_http_span_exporter',
    metricsHelper: METRICS_HELPER,
    url: config.target,
    meterProvider: undefined,
    responseAttributesFromError: () => ({}),
  })
  const options = {
    timeoutMillis: config.timeoutMs,
    concurrencyLimit: SDK_CONCURRENCY_LIMIT,
    compression: config.compression,
  }
  const exporter = createSdkExporter(
    (serializer) => createOtlpNetworkExportDelegate(options, serializer, metrics, post),
    (error) => (error instanceof AttemptFailed ? error.result : { kind: 'failed', reason: String(error) }),
  )
  return {
    send: (batch) => exporter.send(batch),
    close: async () => connection.close(),
  }
}

/** More than batches ever fly; undici opens a second one while the first is being tidied up. */
const MAX_CONNECTIONS = 16

/** Carries the outcome of an attempt through the SDK, which hands on errors only. */
class AttemptFailed extends Error {
  readonly result: SendResult
  constructor(result: Unsuccessful) {
    super(result.reason)
    this.result = result
  }
}

interface Connection {
  dispatcher(): Dispatcher
  /** The next attempt connects anew, with the certificates as they are then. */
  renew(): void
  close(): void
}

function createConnection(config: OtlpConfig): Connection {
  let agent: Dispatcher | undefined
  const close = (): void => {
    void agent?.destroy()
    agent = undefined
  }
  return {
    dispatcher: () => {
      agent ??= createAgent(config)
      return agent
    },
    renew: () => {
      // Requests that are still running on the old connections may finish.
      void agent?.close()
      agent = undefined
    },
    close,
  }
}

function createAgent(config: OtlpConfig): Dispatcher {
  const options = { allowH2: false, connections: MAX_CONNECTIONS }
  const connect = readTls(config)
  return config.proxy === undefined
    ? new Agent({ ...options, connect })
    : new ProxyAgent({ ...options, uri: config.proxy, requestTls: connect })
}

const compress = promisify(gzip)

async function attempt(
  config: OtlpConfig,
  connection: Connection,
  clock: Clock,
  body: Uint8Array,
): Promise<ExportResponse> {
  const over = new AbortController()
  const timeout = new AbortController()
  const reason = new Error(`no answer within ${config.timeoutMs} ms`)
  void awake(clock, config.timeoutMs, over.signal).then(() => timeout.abort(reason))
  try {
    const response = await post(config, connection.dispatcher(), body, timeout.signal)
    return await answerOf(response, clock)
  } catch (error) {
    connection.renew()
    return failure({ kind: 'retryable', reason: reasonOf(error) })
  } finally {
    over.abort()
  }
}

const PIECES = 8

/**
 * Time in which this process ran: what it was stopped for is one piece at the most. An answer that came meanwhile is read before the next
 * is over; timers come first, and a batch that has arrived would be sent again.
 */
async function awake(clock: Clock, delayMs: number, signal: AbortSignal): Promise<void> {
  for (let piece = 0; piece < PIECES && !signal.aborted; piece++) await clock.sleep(delayMs / PIECES, signal)
}

async function post(
  config: OtlpConfig,
  dispatcher: Dispatcher,
  body: Uint8Array,
  signal: AbortSignal,
): Promise<Dispatcher.ResponseData> {
  const isZipped = config.compression === 'gzip'
  const { origin, pathname, search } = new URL(config.target)
  return dispatcher.request({
    origin,
    path: pathname + search,
    method: 'POST',
    headers: {
      ...config.headers,
      'user-agent': USER_AGENT,
      'content-type': 'application/x-protobuf',
      ...(isZipped && { 'content-encoding': 'gzip' }),
    },
    body: isZipped ? await compress(body) : body,
    signal,
  })
}

async function answerOf(response: Dispatcher.ResponseData, clock: Clock): Promise<ExportResponse> {
  const { statusCode, headers } = response
  if (statusCode >= 200 && statusCode <= 299) return { status: 'success', ...(await bodyOf(response)) }
  const { data } = await bodyOf(response)
  const retryAfter = headers['retry-after']
  const refusal = {
    statusCode,
    ...(typeof retryAfter === 'string' && { retryAfter }),
    ...(data && { message: messageOf(headers['content-type'], data) }),
  }
  return failure(classifyHttpStatus(refusal, clock))
}

const MAX_MESSAGE = 200

/** A Collector says why in a google.rpc.Status, a proxy in text of any length. */
function messageOf(contentType: string | string[] | undefined, data: Uint8Array): string {
  const isStatus = contentType === 'application/x-protobuf'
  const text = isStatus ? statusMessage(data) : Buffer.from(data.subarray(0, MAX_MESSAGE)).toString()
  return (text ?? '').replace(/\s+/g, ' ').trim().slice(0, MAX_MESSAGE)
}

/** The status line has decided already, whatever becomes of the body; one that has no end is not read to it. */
async function bodyOf(response: Dispatcher.ResponseData): Promise<{ data?: Uint8Array }> {
  const chunks: Uint8Array[] = []
  let size = 0
  try {
    for await (const chunk of response.body) {
      chunks.push(chunk)
      size += chunk.length
      if (size > MAX_BODY) return {}
    }
    return { data: Buffer.concat(chunks) }
  } catch {
    return {}
  }
}

const MAX_BODY = 64 * 1024

const RETRYABLE: ReadonlySet<number> = new Set([429, 502, 503, 504])

type Unsuccessful = SendResult & { readonly reason: string }

export interface Refusal {
  readonly statusCode: number
  readonly retryAfter?: string
  readonly message?: string
}

export function classifyHttpStatus(refusal: Refusal, clock: Clock): Unsuccessful {
  const { statusCode, retryAfter, message } = refusal
  const status = `HTTP ${statusCode} ${STATUS_CODES[statusCode] ?? ''}`.trim()
  const reason = message ? `${status}: ${message}` : status
  if (isTooLarge(refusal)) return { kind: 'too-large', reason }
  if (!RETRYABLE.has(statusCode)) return { kind: 'failed', reason }
  const retryAfterMs = delayOf(retryAfter, clock)
  return { kind: 'retryable', reason, ...(retryAfterMs !== undefined && { retryAfterMs }) }
}

/** OpenTelemetry's own Collector (0.161) says 400 where 413 would be right: Go's reader stops within the body. */
const isTooLarge = ({ statusCode, message }: Refusal): boolean =>
  statusCode === 413 || (statusCode === 400 && /body too large/i.test(message ?? ''))

/** Retry-After is seconds or a date by the server's clock; a date that passed asks for nothing. */
function delayOf(retryAfter: string | undefined, clock: Clock): number | undefined {
  if (retryAfter === undefined) return undefined
  if (/^\d+$/.test(retryAfter)) return Number(retryAfter) * 1000
  const delayMs = Date.parse(retryAfter) - Number(clock.now() / MILLISECOND)
  return delayMs > 0 ? delayMs : undefined
}

const failure = (result: Unsuccessful): ExportResponse => ({
  status: 'failure',
  error: new AttemptFailed(result),
})

/** What cannot be parsed is, at the port of a Collector, nearly always HTTP/2. */
const NOT_HTTP = 'the answer is not HTTP/1.1; if the port is one of OTLP over gRPC, set the protocol to grpc'

/** undici's error says what failed, its cause says why; a refused connection to several addresses has only a code. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  if (error.name === 'HTTPParserError') return NOT_HTTP
  const code = 'code' in error ? String(error.code) : error.name
  const why = error.message === '' ? code : error.message
  return error.cause instanceof Error ? `${why}: ${reasonOf(error.cause)}` : why
}
