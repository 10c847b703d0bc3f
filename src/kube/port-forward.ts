// Owns one connection to a port of a pod, through the API server and the pod's kubelet.
// Promises a stream that ends where the pod's end does, with back-pressure both ways, and that what the kubelet says of a port at which
// nobody listens becomes an error. Needs `get` and, since Kubernetes 1.35, `create` on pods/portforward. Does not listen.

import { Duplex } from 'node:stream'
import type { Result } from './api.ts'
import type { Connection } from './config.ts'
import { openWebSocket, type WebSocketLink } from './web-socket.ts'

export interface PodPort {
  readonly namespace: string
  readonly pod: string
  readonly port: number
}

/**
 * A message is a channel's number and its bytes: 0 is data, 1 is what went wrong, and the first message of each repeats the port
 * (k8s.io/cri-streaming, pkg/streaming/portforward/websocket.go). Every kubelet speaks it since 1.5, by a socket for each connection.
 */
const PROTOCOL = 'v4.channel.k8s.io'
const DATA = 0
const ERROR = 1

export async function openForward(
  connection: Connection,
  { namespace, pod, port }: PodPort,
  signal: AbortSignal,
): Promise<Result<Duplex>> {
  const path = `/api/v1/namespaces/${encodeURIComponent(namespace)}/pods/${encodeURIComponent(pod)}/portforward?ports=${port}`
  const opened = await openWebSocket(connection, { path, protocol: PROTOCOL }, signal)
  return opened.ok ? { ok: true, value: new ForwardStream(opened.value) } : opened
}

class ForwardStream extends Duplex {
  readonly #link: WebSocketLink
  /** Channels whose first message has come. */
  readonly #begun = new Set<number>()
  #said = ''

  constructor(link: WebSocketLink) {
    super({ allowHalfOpen: false })
    this.#link = link
    link.listen({ message: (payload) => this.#take(payload), closed: (reason) => this.#over(reason) })
  }

  #take(payload: Buffer): void {
    const channel = payload[0] ?? DATA
    if (!this.#begun.has(channel)) return void this.#begun.add(channel)
    const bytes = payload.subarray(1)
    if (channel === ERROR) this.#said += bytes.toString('utf8')
    else if (bytes.length > 0 && !this.push(bytes)) this.#link.pause()
  }

  #over(reason: string | undefined): void {
    const said = this.#said === '' ? reason : this.#said
    if (said === undefined) this.push(null)
    else this.destroy(new Error(said))
  }

  override _read(): void {
    this.#link.resume()
  }

  override _write(chunk: Buffer, _: BufferEncoding, done: (error?: Error | null) => void): void {
    const message = Buffer.allocUnsafe(chunk.length + 1)
    message[0] = DATA
    chunk.copy(message, 1)
    this.#link.send(message, done)
  }

  override _final(done: () => void): void {
    this.#link.close()
    done()
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#link.close()
    done(error)
  }
}
