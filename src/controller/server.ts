// Owns the HTTP server of the operator: /metrics, /livez and /readyz.
// Promises that /livez is answered as long as the event loop turns, that /readyz says in words what it waits for, and 404 for all else.
// Does not know what is served: it is handed in.

import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

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
  readonly onError: (error: Error) => void
}

export interface HttpServer {
  readonly port: number
  close(): Promise<void>
}

/** Rejects where the address is taken or not ours. */
export async function startServer(options: ServerOptions): Promise<HttpServer> {
  const server = createServer({ keepAliveTimeout: 65_000, requestTimeout: 10_000 }, (request, response) => {
    answer(options, request, response).catch((error: Error) => {
      options.onError(error)
      if (!response.headersSent) send(response, 500, 'internal error\n')
      else response.destroy()
    })
  })
  // A scraper needs one connection; a flood of them must not take the sockets of the watches.
  server.maxConnections = 64
  await listen(server, options)
  return { port: (server.address() as AddressInfo).port, close: () => closeServer(server) }
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
