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
import { Agent, type Dispatcher } from 'undici'
import type { Clock } from '../base/clock.ts'
import { MILLISECOND } from '../base/time.ts'
import type { OtlpConfig } from './config.ts'
import { createSdkExporter, METRICS_HELPER, SDK_CONCURRENCY_LIMIT, USER_AGENT } from './sdk-exporter.ts'
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
  let agent: Agent | undefined
  const close = (): void => {
    void agent?.destroy()
    agent = undefined
  }
  return {
    dispatcher: () => {
      agent ??= new Agent({ allowH2: false, connect: readTls(config), connections: MAX_CONNECTIONS })
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
  void clock.sleep(config.timeoutMs, over.signal).then(() => timeout.abort(reason))
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
  await response.body.dump()
  const retryAfter = headers['retry-after']
  return failure(
    classifyHttpStatus(statusCode, typeof retryAfter === 'string' ? retryAfter : undefined, clock),
  )
}

/** The batch was taken, whatever becomes of the body. */
async function bodyOf(response: Dispatcher.ResponseData): Promise<{ data?: Uint8Array }> {
  try {
    return { data: await response.body.bytes() }
  } catch {
    return {}
  }
}

const RETRYABLE: ReadonlySet<number> = new Set([429, 502, 503, 504])

type Unsuccessful = SendResult & { readonly reason: string }

export function classifyHttpStatus(
  statusCode: number,
  retryAfter: string | undefined,
  clock: Clock,
): Unsuccessful {
  const reason = `HTTP ${statusCode} ${STATUS_CODES[statusCode] ?? ''}`.trim()
  if (statusCode === 413) return { kind: 'too-large', reason }
  if (!RETRYABLE.has(statusCode)) return { kind: 'failed', reason }
  const retryAfterMs = delayOf(retryAfter, clock)
  return { kind: 'retryable', reason, ...(retryAfterMs !== undefined && { retryAfterMs }) }
}

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

/** undici's error says what failed, its cause says why; a refused connection to several addresses has only a code. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const code = 'code' in error ? String(error.code) : error.name
  const why = error.message === '' ? code : error.message
  return error.cause instanceof Error ? `${why}: ${reasonOf(error.cause)}` : why
}
