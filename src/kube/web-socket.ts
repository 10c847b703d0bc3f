// Owns a WebSocket to the API server: the handshake over the shared connection, with its credentials and proxies, and the link itself.
// Promises pings answered, one `closed` at the end, and that a server which breaks the protocol is left. Does not know what is sent.

import { createHash, randomBytes } from 'node:crypto'
import type { Duplex } from 'node:stream'
import type { Result } from './api.ts'
import type { Connection } from './config.ts'
import type { Failure } from './failure.ts'
import { send } from './request.ts'
import { createFrameReader, OPCODE, writeFrame } from './web-socket-frames.ts'

export interface WebSocketLink {
  /** Called once there is somebody to hear; nothing is read before. */
  listen(on: { message(payload: Buffer): void; closed(reason: string | undefined): void }): void
  /** `done` when the socket has taken it. */
  send(payload: Uint8Array, done: (error?: Error | null) => void): void
  pause(): void
  resume(): void
  close(): void
}

/** RFC 6455, 1.3. */
const MAGIC = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11'

export function openWebSocket(
  connection: Connection,
  { path, protocol }: { readonly path: string; readonly protocol: string },
  signal: AbortSignal,
): Promise<Result<WebSocketLink>> {
  const key = randomBytes(16).toString('base64')
  const upgrade = {
    'sec-websocket-key': key,
    'sec-websocket-version': '13',
    'sec-websocket-protocol': protocol,
  }
  const accept = createHash('sha1').update(`${key}${MAGIC}`).digest('base64')
  return new Promise((resolve) => {
    const fail = (failure: Failure): void => resolve({ ok: false, failure })
    const unexpected = (message: string): void => fail({ kind: 'undecodable', message })
    send(
      connection,
      { path, accept: '*/*', signal, upgrade },
      {
        opened: (_, control) =>
          control.abort({
            kind: 'undecodable',
            message: 'the server answered without changing to a WebSocket',
          }),
        data: () => undefined,
        ended: () => unexpected('the server answered without changing to a WebSocket'),
        failed: fail,
        upgraded: (socket, headers) => {
          if (headers['sec-websocket-accept'] === accept && headers['sec-websocket-protocol'] === protocol)
            return resolve({ ok: true, value: new Link(socket, signal) })
          socket.destroy()
          unexpected(`the server does not speak ${protocol}`)
        },
      },
    )
  })
}

class Link implements WebSocketLink {
  readonly #socket: Duplex
  readonly #reader = createFrameReader()
  readonly #signal: AbortSignal
  #on: Parameters<WebSocketLink['listen']>[0] | undefined
  #isOver = false

  constructor(socket: Duplex, signal: AbortSignal) {
    this.#socket = socket
    this.#signal = signal
    socket.on('error', (error: Error) => this.#end(error.message))
    socket.on('close', () => this.#end(undefined))
    signal.addEventListener('abort', this.#abort, { once: true })
  }

  readonly #abort = (): void => this.#end('aborted')

  listen(on: Parameters<WebSocketLink['listen']>[0]): void {
    this.#on = on
    if (this.#isOver) return on.closed(undefined)
    this.#socket.on('data', (chunk: Buffer) => this.#read(chunk))
  }

  #read(chunk: Buffer): void {
    try {
      for (const { kind, payload } of this.#reader.push(chunk)) {
        if (this.#isOver) return
        if (kind === 'data') this.#on?.message(payload)
        else if (kind === 'ping') this.#socket.write(writeFrame(OPCODE.pong, payload))
        else if (kind === 'close') this.#end(undefined)
      }
    } catch (error) {
      this.#end(`the server sent ${(error as Error).message}`)
    }
  }

  send(payload: Uint8Array, done: (error?: Error | null) => void): void {
    if (this.#isOver) return done(new Error('the connection is over'))
    this.#socket.write(writeFrame(OPCODE.binary, payload), done)
  }

  pause(): void {
    this.#socket.pause()
  }

  resume(): void {
    this.#socket.resume()
  }

  close(): void {
    this.#end(undefined)
  }

  #end(reason: string | undefined): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#signal.removeEventListener('abort', this.#abort)
    // 1000: it has done what it was for.
    const goodbye = writeFrame(OPCODE.close, Buffer.from([0x03, 0xe8]))
    if (!this.#socket.destroyed) this.#socket.end(goodbye, () => void this.#socket.destroy())
    this.#on?.closed(reason)
  }
}
