// Owns the page's port: on loopback only, for the command or the operator that serves the page.
// Promises that nothing of the page is loaded or made before the first request, so that an operator at which nobody looks pays for a
// socket and no more. Does not answer: handler.ts does.

import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { HandlerOptions, PageHandler } from './handler.ts'

export interface PageServerOptions extends HandlerOptions {
  /** 0 takes any that is free. */
  readonly port: number
}

export interface PageServer {
  readonly url: string
  readonly port: number
  close(): Promise<void>
}

const CONNECTIONS_MAX = 64

/** Rejects where the port is taken. Whoever reaches this port sees every start: it is bound to this machine alone. */
export async function startPageServer(options: PageServerOptions): Promise<PageServer> {
  const door = new Door(options)
  const server = createServer({ requestTimeout: 10_000 }, (request, response) =>
    door.enter(request, response),
  )
  server.maxConnections = CONNECTIONS_MAX
  await listen(server, options.port)
  const { port } = server.address() as AddressInfo
  return {
    port,
    url: `http://127.0.0.1:${port}/`,
    close: async () => {
      const closed = closeServer(server)
      await Promise.all([door.close(), closed])
    },
  }
}

/** The handler, made by the first who comes in. */
class Door {
  readonly #options: PageServerOptions
  readonly #stop = new AbortController()
  #handler: Promise<PageHandler> | undefined
  #running: Promise<void> | undefined

  constructor(options: PageServerOptions) {
    this.#options = options
  }

  enter(request: IncomingMessage, response: ServerResponse): void {
    this.#handler ??= this.#make()
    this.#handler.then(
      (handler) => handler.handle(request, response),
      (error: Error) => {
        this.#options.onError(error)
        response.destroy()
      },
    )
  }

  async #make(): Promise<PageHandler> {
    const { createPageHandler } = await import('./handler.ts')
    const handler = createPageHandler(this.#options)
    this.#running = handler.run(this.#stop.signal)
    return handler
  }

  async close(): Promise<void> {
    this.#stop.abort()
    const handler = await this.#handler?.catch(() => undefined)
    handler?.close()
    await this.#running
  }
}

function listen(server: Server, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, '127.0.0.1', () => {
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
