// Owns the HTTP server of the operator: /metrics, /livez and /readyz.
// Promises that /livez is answered as long as the event loop turns, whatever connections others hold; that /readyz says in words what it
// waits for, and 404 for all else. Does not know what is served: it is handed in.

import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { boundConnections } from './connections.ts'
import type { Log } from './log.ts'

export interface Readiness {
  readonly ready: boolean
  /** What is not there yet, or is known to be missing, one a line. */
  readonly lines: readonly string[]
}

export interface ServerOptions {
  readonly address: string
  readonly port: number
  readonly metrics: (
    accept: string | undefined,
  ) => Promise<{ readonly contentType: string; readonly body: string }>
  readonly readiness: () => Readiness
  readonly log: Pick<Log, 'error' | 'warn'>
}

export interface HttpServer {
  readonly port: number
  /** Connections that had to go for others. */
  letGo(): number
  close(): Promise<void>
}

/** A scraper needs one connection and a probe another; a flood of them must not take the sockets of the watches. */
const CONNECTIONS_MAX = 64

const TIMES = {
  // Who connects asks at once; Node looks in this interval who has not.
  ...{ headersTimeout: 2_000, connectionsCheckingInterval: 1_000 },
  ...{ requestTimeout: 10_000, keepAliveTimeout: 65_000 },
}

/** Rejects where the address is taken or not ours. */
export async function startServer(options: ServerOptions): Promise<HttpServer> {
  const { log } = options
  const server = createServer(TIMES, (request, response) => {
    answer(options, request, response).catch((error: Error) => {
      log.error('a request could not be answered', { reason: error.message })
      if (!response.headersSent) send(response, 500, 'internal error\n')
      else response.destroy()
    })
  })
  let letGo = 0
  boundConnections(server, CONNECTIONS_MAX, () => {
    if (letGo++ === 0)
      log.warn('the port of metrics and probes has too many connections; idle ones are let go, and counted', {
        most: CONNECTIONS_MAX,
      })
  })
  await listen(server, options)
  return {
    port: (server.address() as AddressInfo).port,
    letGo: () => letGo,
    close: () => closeServer(server),
  }
}

function listen(server: Server, { address, port }: ServerOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, address, () => {
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

async function answer(
  { metrics, readiness }: ServerOptions,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  if (request.method !== 'GET' && request.method !== 'HEAD')
    return send(response, 405, 'only GET\n', { allow: 'GET, HEAD' })
  switch (request.url?.split('?')[0]) {
    case '/livez':
      return send(response, 200, 'ok\n')
    case '/readyz': {
      const { ready, lines } = readiness()
      return send(response, ready ? 200 : 503, `${[ready ? 'ok' : 'not ready', ...lines].join('\n')}\n`)
    }
    case '/metrics': {
      const { contentType, body } = await metrics(request.headers.accept)
      return send(response, 200, body, { 'content-type': contentType })
    }
    default:
      return send(response, 404, 'not found; there are /metrics, /livez and /readyz\n')
  }
}

function send(
  response: ServerResponse,
  status: number,
  body: string,
  headers: Readonly<Record<string, string>> = {},
): void {
  response.writeHead(status, {
    'content-type': 'text/plain; charset=utf-8',
    'x-content-type-options': 'nosniff',
    'content-length': Buffer.byteLength(body),
    ...headers,
  })
  response.end(response.req.method === 'HEAD' ? undefined : body)
}
