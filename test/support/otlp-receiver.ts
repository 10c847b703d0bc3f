// Owns a Collector for tests and benches: a real OTLP receiver on a real port, over gRPC or HTTP, that answers by script.
// Promises to count what it took, to decode it with a decoder of its own, and to say when it took how much.
// Does not forward anything, and does not limit what it keeps: use `keep: 'counts'` for large numbers.

import { createServer as createHttp, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { createServer as createHttps } from 'node:https'
import { gunzipSync } from 'node:zlib'
import * as grpc from '@grpc/grpc-js'
import {
  type DecodedSpan,
  decodeTraceRequest,
  encodePartialSuccess,
  encodeRetryInfo,
  encodeStatus,
} from './otlp-receiver-decode.ts'

/** What the receiver says to one request; each protocol says it in its own words. */
export type Answer =
  | { readonly kind: 'ok' }
  | { readonly kind: 'partial'; readonly rejected: number; readonly message: string }
  /** UNAVAILABLE or 503; with a delay RetryInfo or Retry-After. */
  | { readonly kind: 'unavailable'; readonly retryAfterMs?: number }
  /** RESOURCE_EXHAUSTED or 429. Over gRPC it may be retried only with a delay. */
  | { readonly kind: 'throttled'; readonly retryAfterMs?: number }
  /** RESOURCE_EXHAUSTED or 413; `asCollector`: 400, as OpenTelemetry's Collector says it over HTTP. */
  | { readonly kind: 'too-large'; readonly asCollector?: boolean }
  /** INVALID_ARGUMENT or 400. */
  | { readonly kind: 'refused' }
  | { readonly kind: 'status'; readonly code: number; readonly headers?: Readonly<Record<string, string>> }
  /** No answer at all. */
  | { readonly kind: 'hang' }

export interface ReceiverOptions {
  readonly protocol: 'grpc' | 'http'
  /** `spans` keeps every decoded span, `counts` only decodes and counts, `bytes` does not even decode. Default `spans`. */
  readonly keep?: 'spans' | 'counts' | 'bytes'
  readonly tls?: {
    readonly ca: string
    readonly cert: string
    readonly key: string
    readonly clientCert?: boolean
  }
  /** Called with the spans of each request that was answered with ok or partial; not where `keep` is `bytes`. */
  readonly onSpans?: (spans: readonly DecodedSpan[]) => void
  /** To come back on the port of one that was closed. */
  readonly port?: number
}

export interface Received {
  /** Of the request, inflated. */
  readonly bytes: number
  readonly headers: Readonly<Record<string, string>>
  readonly answer: Answer['kind']
}

export interface OtlpReceiver {
  readonly port: number
  /** For OTEL_EXPORTER_OTLP_ENDPOINT. */
  readonly url: string
  readonly requests: readonly Received[]
  /** Spans of requests that were answered with ok or partial. */
  readonly spans: readonly DecodedSpan[]
  readonly spanCount: number
  readonly traceIds: ReadonlySet<string>
  readonly requestBytes: number
  /** The answers to the next requests, in order; then `ok` again. */
  script(...answers: readonly Answer[]): void
  /** How to answer from now on where no script is left. */
  always(answer: Answer): void
  /** Resolves when this many requests have come in all. */
  requested(count: number): Promise<void>
  close(): Promise<void>
}

export async function startOtlpReceiver(options: ReceiverOptions): Promise<OtlpReceiver> {
  const book = createBook(options)
  const server = options.protocol === 'grpc' ? await serveGrpc(options, book) : await serveHttp(options, book)
  const scheme = options.tls ? 'https' : 'http'
  return Object.assign(book.receiver, {
    port: server.port,
    url: `${scheme}://localhost:${server.port}`,
    close: server.close,
  })
}

interface Listening {
  readonly port: number
  close(): Promise<void>
}

function createBook(options: ReceiverOptions) {
  const keep = options.keep ?? 'spans'
  const requests: Received[] = []
  const spans: DecodedSpan[] = []
  const traceIds = new Set<string>()
  const scripted: Answer[] = []
  const waiting: { count: number; resolve: () => void }[] = []
  const counts = { spanCount: 0, requestBytes: 0 }
  let usual: Answer = { kind: 'ok' }

  const count = (body: Uint8Array): void => {
    if (keep === 'bytes') return
    const decoded = decodeTraceRequest(body)
    options.onSpans?.(decoded)
    for (const span of decoded) {
      counts.spanCount++
      traceIds.add(span.traceId)
      if (keep === 'spans') spans.push(span)
    }
  }
  const receiver = {
    requests,
    spans,
    traceIds,
    get spanCount() {
      return counts.spanCount
    },
    get requestBytes() {
      return counts.requestBytes
    },
    script: (...answers: readonly Answer[]) => void scripted.push(...answers),
    always: (answer: Answer) => {
      usual = answer
    },
    requested: (wanted: number) =>
      new Promise<void>((resolve) => {
        if (requests.length >= wanted) resolve()
        else waiting.push({ count: wanted, resolve })
      }),
  }
  const take = (body: Uint8Array, headers: Readonly<Record<string, string>>): Answer => {
    const answer = scripted.shift() ?? usual
    requests.push({ bytes: body.length, headers, answer: answer.kind })
    counts.requestBytes += body.length
    if (answer.kind === 'ok' || answer.kind === 'partial') count(body)
    for (const waiter of waiting) if (requests.length >= waiter.count) waiter.resolve()
    return answer
  }
  return { receiver, take }
}

type Book = ReturnType<typeof createBook>

const EXPORT_PATH = '/opentelemetry.proto.collector.trace.v1.TraceService/Export'
const asIs = (bytes: Buffer): Buffer => bytes

async function serveGrpc(options: ReceiverOptions, book: Book): Promise<Listening> {
  const server = new grpc.Server({ 'grpc.max_receive_message_length': 64 * 1024 * 1024 })
  const method = {
    path: EXPORT_PATH,
    requestStream: false,
    responseStream: false,
    requestSerialize: asIs,
    requestDeserialize: asIs,
    responseSerialize: asIs,
    responseDeserialize: asIs,
  }
  server.addService(
    { export: method },
    {
      export: (call: grpc.ServerUnaryCall<Buffer, Buffer>, reply: grpc.sendUnaryData<Buffer>) => {
        const headers = call.metadata.getMap() as Record<string, string>
        answerGrpc(book.take(call.request, headers), reply)
      },
    },
  )
  const credentials = options.tls ? grpcTls(options.tls) : grpc.ServerCredentials.createInsecure()
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync(`localhost:${options.port ?? 0}`, credentials, (error, bound) =>
      error ? reject(error) : resolve(bound),
    )
  })
  return {
    port,
    close: async () => server.forceShutdown(),
  }
}

const grpcTls = (tls: NonNullable<ReceiverOptions['tls']>): grpc.ServerCredentials =>
  grpc.ServerCredentials.createSsl(
    Buffer.from(tls.ca),
    [{ cert_chain: Buffer.from(tls.cert), private_key: Buffer.from(tls.key) }],
    tls.clientCert ?? false,
  )

function answerGrpc(answer: Answer, reply: grpc.sendUnaryData<Buffer>): void {
  const fail = (code: number, details: string, retryAfterMs?: number): void => {
    const metadata = new grpc.Metadata()
    if (retryAfterMs !== undefined)
      metadata.set('grpc-status-details-bin', Buffer.from(encodeRetryInfo(code, retryAfterMs)))
    reply({ code, details, metadata })
  }
  switch (answer.kind) {
    case 'ok':
      return reply(null, Buffer.alloc(0))
    case 'partial':
      return reply(null, Buffer.from(encodePartialSuccess(answer.rejected, answer.message)))
    case 'unavailable':
      return fail(grpc.status.UNAVAILABLE, 'no', answer.retryAfterMs)
    case 'throttled':
      return fail(grpc.status.RESOURCE_EXHAUSTED, 'slow down', answer.retryAfterMs)
    case 'too-large':
      return fail(grpc.status.RESOURCE_EXHAUSTED, 'grpc: received message larger than max (9 vs. 8)')
    case 'refused':
      return fail(grpc.status.INVALID_ARGUMENT, 'no')
    case 'status':
      return fail(answer.code, 'as the test says')
    case 'hang':
      return
  }
}

async function serveHttp(options: ReceiverOptions, book: Book): Promise<Listening> {
  const handle = (request: IncomingMessage, response: ServerResponse): void => {
    void bodyOf(request).then((body) => {
      if (request.method !== 'POST' || request.url !== '/v1/traces') return response.writeHead(404).end()
      const compressed = request.headers['content-encoding'] === 'gzip'
      const headers = request.headers as Record<string, string>
      answerHttp(book.take(compressed ? gunzipSync(body) : body, headers), response)
    })
  }
  const { tls } = options
  const server = tls
    ? createHttps(
        { ...tls, requestCert: tls.clientCert ?? false, rejectUnauthorized: tls.clientCert ?? false },
        handle,
      )
    : createHttp(handle)
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(options.port ?? 0, 'localhost', resolve)
  })
  const address = server.address()
  return {
    port: typeof address === 'object' && address ? address.port : 0,
    close: () => closeHttp(server),
  }
}

const closeHttp = (server: Server): Promise<void> =>
  new Promise((resolve) => {
    server.close(() => resolve())
    server.closeAllConnections()
  })

async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk)
  return Buffer.concat(chunks)
}

function answerHttp(answer: Answer, response: ServerResponse): void {
  const end = (code: number, retryAfterMs?: number): void => {
    const headers = retryAfterMs === undefined ? {} : { 'retry-after': `${Math.ceil(retryAfterMs / 1000)}` }
    response.writeHead(code, headers).end()
  }
  switch (answer.kind) {
    case 'ok':
      return end(200)
    case 'partial':
      return void response
        .writeHead(200, { 'content-type': 'application/x-protobuf' })
        .end(encodePartialSuccess(answer.rejected, answer.message))
    case 'unavailable':
      return end(503, answer.retryAfterMs)
    case 'throttled':
      return end(429, answer.retryAfterMs)
    case 'too-large':
      if (!answer.asCollector) return end(413)
      return void response
        .writeHead(400, { 'content-type': 'application/x-protobuf' })
        .end(encodeStatus(grpc.status.INVALID_ARGUMENT, 'http: request body too large'))
    case 'refused':
      return end(400)
    case 'status':
      return void response.writeHead(answer.code, answer.headers).end()
    case 'hang':
      return
  }
}
