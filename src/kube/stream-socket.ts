// Owns the sockets of watches: one TLS or TCP connection each, for one GET whose answer goes on for minutes.
// Promises what request.ts promises of every request, at a fifth of its cost per read: bytes are handed on from one buffer that all
// sockets read into, without streams between. Does not keep connections for another request, and knows no proxy: see request.ts.

import { connect as connectTcp, isIP, type Socket, type TcpNetConnectOpts } from 'node:net'
import {
  connect as connectTls,
  createSecureContext,
  type ConnectionOptions,
  type SecureContext,
} from 'node:tls'
import { ResponseReader } from './http-response.ts'

export interface Tls {
  readonly ca?: Buffer | string
  readonly cert?: Buffer | string
  readonly key?: Buffer | string
  readonly servername?: string
  readonly rejectUnauthorized?: boolean
}

export interface StreamRequest {
  readonly origin: string
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
}

export interface StreamEvents {
  head(status: number, headers: ReadonlyMap<string, string>): void
  /** Valid only during the call. */
  data(bytes: Buffer, start: number, end: number): void
  ended(): void
  error(error: Error): void
}

export interface StreamControl {
  pause(): void
  resume(): void
  /** Nothing is delivered after it. */
  destroy(): void
}

export interface StreamSockets {
  open(request: StreamRequest, events: StreamEvents): StreamControl
  /** Destroys what is open; each hears of it as an error. */
  close(): void
}

/** Silence before the answer begins, as undici is told for other requests (config.ts). */
const CONNECT_MS = 10_000
const HEAD_MS = 30_000

/** What one read takes from the kernel. Every socket delivers what it read before another one reads. */
const READ_BYTES = 64 * 1024
let readBuffer: Buffer | undefined

export function createStreamSockets(tls: Tls, keepAliveDelayMs: number): StreamSockets {
  const open = new Set<StreamSocket>()
  let context: SecureContext | undefined
  // One for all: a dozen watches that begin at once would each read the same certificates, for milliseconds.
  const secureContext = (): SecureContext => (context ??= createSecureContext(tls))
  return {
    open: (request, events) => {
      const closed = (): void => void open.delete(socket)
      const socket = new StreamSocket({ request, events, tls, secureContext, keepAliveDelayMs, closed })
      open.add(socket)
      return socket
    },
    close: () => {
      for (const socket of open) socket.fail(new Error('the connection was closed'))
    },
  }
}

interface Options {
  readonly request: StreamRequest
  readonly events: StreamEvents
  readonly tls: Tls
  readonly secureContext: () => SecureContext
  readonly keepAliveDelayMs: number
  readonly closed: () => void
}

class StreamSocket implements StreamControl {
  readonly #options: Options
  readonly #socket: Socket
  readonly #reader: ResponseReader
  #isOver = false

  constructor(options: Options) {
    this.#options = options
    const { events } = options
    this.#reader = new ResponseReader({
      head: (status, headers) => {
        this.#socket.setTimeout(0)
        events.head(status, headers)
      },
      data: (bytes, start, end) => events.data(bytes, start, end),
      ended: () => this.#finish(() => events.ended()),
      broken: (what) => this.fail(new Error(`the answer cannot be read: ${what}`)),
    })
    this.#socket = this.#connect()
    this.#socket.on('error', (error) => this.fail(error))
    this.#socket.on('timeout', () => this.fail(new Error('the server does not answer')))
    this.#socket.on('close', () => this.#reader.close())
  }

  #connect(): Socket {
    const { request, tls, secureContext, keepAliveDelayMs } = this.#options
    const { hostname, port, protocol } = new URL(request.origin)
    const isSecure = protocol === 'https:'
    const host = hostname.replace(/^\[|\]$/g, '')
    const options = { host, port: Number(port || (isSecure ? 443 : 80)), onread: this.#onRead() }
    const name = isIP(host) === 0 ? { servername: host } : {}
    const socket = isSecure
      ? connectTls({ ...name, ...secured(tls, secureContext()), ...options, ALPNProtocols: ['http/1.1'] })
      : connectTcp(options)
    socket.setNoDelay(true)
    socket.setKeepAlive(true, keepAliveDelayMs)
    socket.setTimeout(CONNECT_MS)
    socket.once(isSecure ? 'secureConnect' : 'connect', () => {
      socket.setTimeout(HEAD_MS)
      socket.write(headOf(request))
    })
    // Nothing is read as a stream, but only one that is read notices the end.
    socket.on('end', () => this.#reader.close())
    return socket
  }

  #onRead(): NonNullable<TcpNetConnectOpts['onread']> {
    readBuffer ??= Buffer.allocUnsafeSlow(READ_BYTES)
    return {
      buffer: readBuffer,
      callback: (length, bytes) => {
        if (!this.#isOver) this.#reader.push(bytes as Buffer, 0, length)
        return true
      },
    }
  }

  pause(): void {
    this.#socket.pause()
  }

  resume(): void {
    if (!this.#isOver) this.#socket.resume()
  }

  destroy(): void {
    this.#finish(() => undefined)
  }

  fail(error: Error): void {
    this.#finish(() => this.#options.events.error(error))
  }

  #finish(say: () => void): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#options.closed()
    this.#socket.destroy()
    say()
  }
}

const secured = (
  { servername, rejectUnauthorized }: Tls,
  secureContext: SecureContext,
): ConnectionOptions => ({
  secureContext,
  ...(servername !== undefined && { servername }),
  ...(rejectUnauthorized !== undefined && { rejectUnauthorized }),
})

function headOf({ origin, path, headers }: StreamRequest): string {
  const lines = Object.entries({ host: new URL(origin).host, ...headers, connection: 'close' })
  return `GET ${path} HTTP/1.1\r\n${lines.map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n`
}

/** What would end a header's line, or the request: in a token, it came from a broken file. */
export const isHeaderValue = (value: string): boolean => /^[\t\x20-\x7e\x80-\xff]*$/.test(value)
