// Owns OTLP over HTTP: POST /v1/traces, as protobuf or JSON, gzip or not.
// Promises that no body is read beyond its bound, packed or unpacked, that a slow sender is cut off, and an answer in the request's own encoding.
// Does not judge spans (intake.ts).

import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { createServer as createSecureServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { promisify } from 'node:util'
import { gunzip } from 'node:zlib'
import {
  httpStatus,
  responseBytes,
  responseJson,
  retryAfterMs,
  statusBytes,
  statusJson,
  type Verdict,
} from './answers.ts'
import type { Intake } from './intake.ts'
import type { Listening, TlsFiles } from './endpoint.ts'

const PATH = '/v1/traces'
const TYPES = { 'application/x-protobuf': 'protobuf', 'application/json': 'json' } as const
type Encoding = (typeof TYPES)[keyof typeof TYPES]

/** For a request as a whole: what takes longer is no exporter. */
const REQUEST_MS = 20_000

export async function serveHttp(
  intake: Intake,
  { host, port }: { readonly host: string; readonly port: number },
  tls: TlsFiles | undefined,
): Promise<Listening> {
  const options = { requestTimeout: REQUEST_MS, headersTimeout: REQUEST_MS / 2, keepAliveTimeout: 65_000 }
  const handle = (request: IncomingMessage, response: ServerResponse): void => {
    answer(intake, request, response).catch(() => response.destroy())
  }
  const server = tls
    ? createSecureServer(
        { ...options, ...tls, requestCert: tls.ca !== undefined, rejectUnauthorized: tls.ca !== undefined },
        handle,
      )
    : createServer(options, handle)
  server.maxConnections = intake.limits.connections
  server.on('drop', () => intake.refuseConnection())
  await listen(server, host, port)
  return {
    port: (server.address() as AddressInfo).port,
    disconnect: () => server.closeAllConnections(),
    close: () => closeServer(server),
  }
}

function listen(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, host, () => {
      server.off('error', reject)
      resolve()
    })
  })
}

function closeServer(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve())
    server.closeAllConnections()
  })
}

async function answer(intake: Intake, request: IncomingMessage, response: ServerResponse): Promise<void> {
  if (request.url?.split('?')[0] !== PATH) return plain(response, 404, `only ${PATH} is served here\n`)
  if (request.method !== 'POST') return plain(response, 405, 'only POST\n', { allow: 'POST' })
  const encoding = encodingOf(request)
  if (encoding === undefined)
    return plain(response, 415, `expected content-type ${Object.keys(TYPES).join(' or ')}\n`)
  const refused = intake.begin(request.headers.authorization)
  if (refused) return send(response, encoding, refused)
  try {
    send(response, encoding, await verdictOf(intake, request, encoding))
  } finally {
    intake.finish()
  }
}

function encodingOf({ headers }: IncomingMessage): Encoding | undefined {
  const type = headers['content-type']?.split(';')[0]?.trim().toLowerCase() ?? ''
  return type in TYPES ? TYPES[type as keyof typeof TYPES] : undefined
}

async function verdictOf(intake: Intake, request: IncomingMessage, encoding: Encoding): Promise<Verdict> {
  const { messageBytes } = intake.limits
  const tooLarge: Verdict = { kind: 'too large', message: `more than ${messageBytes} bytes` }
  if (Number(request.headers['content-length'] ?? 0) > messageBytes) return intake.refuse(tooLarge)
  const body = await bodyOf(request, messageBytes)
  if (body === undefined) return intake.refuse(tooLarge)
  const unpacked = await unpack(body, request.headers['content-encoding'], messageBytes)
  return Buffer.isBuffer(unpacked) ? intake.take(unpacked, encoding) : intake.refuse(unpacked)
}

async function bodyOf(request: IncomingMessage, most: number): Promise<Buffer | undefined> {
  const chunks: Buffer[] = []
  let length = 0
  for await (const chunk of request as AsyncIterable<Buffer>) {
    length += chunk.length
    if (length > most) return undefined
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

const unzip = promisify(gunzip)

async function unpack(body: Buffer, packed: string | undefined, most: number): Promise<Buffer | Verdict> {
  if (packed === undefined || packed === 'identity') return body
  if (packed !== 'gzip')
    return { kind: 'garbage', message: `content-encoding ${packed.slice(0, 40)}; expected gzip` }
  try {
    return await unzip(body, { maxOutputLength: most })
  } catch (error) {
    const isBomb = (error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE'
    return isBomb
      ? { kind: 'too large', message: `more than ${most} bytes when inflated` }
      : { kind: 'garbage', message: 'the body is not gzip' }
  }
}

function send(response: ServerResponse, encoding: Encoding, verdict: Verdict): void {
  const type = encoding === 'json' ? 'application/json' : 'application/x-protobuf'
  const isTaken = verdict.kind === 'taken'
  const json = isTaken ? responseJson(verdict) : statusJson(verdict)
  const bytes = isTaken ? responseBytes(verdict) : statusBytes(verdict)
  const after = isTaken ? undefined : retryAfterMs(verdict)
  // What was not read of the body would be taken for the next request.
  const close = isTaken || verdict.kind === 'garbage' ? {} : { connection: 'close' }
  end(response, isTaken ? 200 : httpStatus(verdict), encoding === 'json' ? JSON.stringify(json) : bytes, {
    'content-type': type,
    ...(after === undefined ? {} : { 'retry-after': String(Math.max(1, Math.ceil(after / 1000))) }),
    ...close,
  })
}

const plain = (
  response: ServerResponse,
  status: number,
  text: string,
  headers: Readonly<Record<string, string>> = {},
): void =>
  end(response, status, text, {
    'content-type': 'text/plain; charset=utf-8',
    connection: 'close',
    ...headers,
  })

function end(
  response: ServerResponse,
  status: number,
  body: string | Buffer,
  headers: Readonly<Record<string, string>>,
): void {
  response.writeHead(status, { ...headers, 'content-length': Buffer.byteLength(body) })
  response.end(body)
}
