// Owns an API server of which only port-forwards and lists of pods are asked: what the real one does with them, in one process.
// Promises the channel protocol as k8s.io/cri-streaming speaks it, a refusal where it is told so, and sockets that are really carried.
// Does not check credentials beyond a header.

import { createHash } from 'node:crypto'
import { createServer, type IncomingMessage } from 'node:http'
import { type AddressInfo, connect, type Socket } from 'node:net'
import type { Duplex } from 'node:stream'

export interface ForwardServer {
  readonly url: string
  /** Paths of upgrades, in order. */
  readonly asked: string[]
  /** Pods by NAMESPACE/NAME: where their port really is; undefined: nobody listens there. */
  readonly ports: Map<string, number | undefined>
  /** Answers every list of pods. */
  pods: (namespace: string | undefined) => { readonly status: number; readonly body: object }
  /** Refuses upgrades with this status. */
  refuse: number | undefined
  /** Ends every connection that is carried, as a pod that goes does. */
  cut(): void
  close(): Promise<void>
}

const MAGIC = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11'

export async function startForwardServer(): Promise<ForwardServer> {
  const carried = new Set<Duplex>()
  const http = createServer((request, response) => {
    const [, namespace] = /^\/api\/v1(?:\/namespaces\/([^/]+))?\/pods\?/.exec(request.url ?? '') ?? []
    const { status, body } = server.pods(namespace)
    response.writeHead(status, { 'content-type': 'application/json' })
    response.end(JSON.stringify(body))
  })
  http.on('upgrade', (request: IncomingMessage, socket: Duplex) => {
    server.asked.push(request.url ?? '')
    carried.add(socket)
    socket.on('close', () => carried.delete(socket))
    socket.on('error', () => undefined)
    const [, namespace, pod] =
      /namespaces\/([^/]+)\/pods\/([^/]+)\/portforward\?ports=\d+$/.exec(request.url ?? '') ?? []
    const name = `${namespace}/${pod}`
    if (server.refuse !== undefined || !server.ports.has(name)) return refuse(socket, server.refuse ?? 404)
    accept(socket, request.headers)
    carry(socket, server.ports.get(name))
  })
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve))
  const server: ForwardServer = {
    url: `http://127.0.0.1:${(http.address() as AddressInfo).port}`,
    asked: [],
    ports: new Map(),
    pods: () => ({ status: 200, body: { items: [] } }),
    refuse: undefined,
    cut: () => {
      for (const socket of carried) socket.destroy()
    },
    close: () =>
      new Promise((resolve) => {
        for (const socket of carried) socket.destroy()
        http.close(() => resolve())
        http.closeAllConnections()
      }),
  }
  return server
}

function refuse(socket: Duplex, status: number): void {
  const body = JSON.stringify({
    kind: 'Status',
    status: 'Failure',
    code: status,
    message: `refused with ${status}`,
  })
  socket.end(
    `HTTP/1.1 ${status} Refused\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\nconnection: close\r\n\r\n${body}`,
  )
}

function accept(socket: Duplex, headers: IncomingMessage['headers']): void {
  const key = createHash('sha1').update(`${headers['sec-websocket-key']}${MAGIC}`).digest('base64')
  socket.write(
    `HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: Upgrade\r\nsec-websocket-accept: ${key}\r\nsec-websocket-protocol: ${headers['sec-websocket-protocol']}\r\n\r\n`,
  )
}

/** Two bytes of the port open each channel; after that channel 0 carries bytes, and channel 1 says what went wrong. */
function carry(socket: Duplex, port: number | undefined): void {
  for (const channel of [0, 1]) socket.write(frame(Buffer.from([channel, 1, 2])))
  const fail = (message: string): void => {
    socket.write(frame(Buffer.concat([Buffer.from([1]), Buffer.from(message)])))
    socket.end(Buffer.from([0x88, 0]))
  }
  if (port === undefined) return fail('error forwarding port 7676: connection refused')
  const inner: Socket = connect(port, '127.0.0.1')
  inner.on('data', (data) => {
    if (!socket.write(frame(Buffer.concat([Buffer.from([0]), data])))) inner.pause()
  })
  socket.on('drain', () => inner.resume())
  inner.on('error', ({ message }) => fail(message))
  inner.on('end', () => socket.end(Buffer.from([0x88, 0])))
  let rest = Buffer.alloc(0)
  socket.on('data', (chunk: Buffer) => {
    rest = Buffer.concat([rest, chunk])
    for (let read = unmask(rest); read; read = unmask(rest)) {
      rest = rest.subarray(read.size)
      if (read.opcode === 8) inner.end()
      else if (read.payload[0] === 0) inner.write(read.payload.subarray(1))
    }
  })
  socket.on('close', () => inner.destroy())
}

function frame(payload: Buffer): Buffer {
  const { length } = payload
  if (length < 126) return Buffer.concat([Buffer.from([0x82, length]), payload])
  if (length < 65_536) return Buffer.concat([Buffer.from([0x82, 126, length >> 8, length & 255]), payload])
  const head = Buffer.alloc(10)
  head[0] = 0x82
  head[1] = 127
  head.writeBigUInt64BE(BigInt(length), 2)
  return Buffer.concat([head, payload])
}

function unmask(
  from: Buffer,
): { readonly opcode: number; readonly payload: Buffer; readonly size: number } | undefined {
  if (from.length < 6) return undefined
  const short = (from[1] ?? 0) & 0x7f
  const head = short < 126 ? 2 : short === 126 ? 4 : 10
  if (from.length < head + 4) return undefined
  const length = short < 126 ? short : short === 126 ? from.readUInt16BE(2) : Number(from.readBigUInt64BE(2))
  if (from.length < head + 4 + length) return undefined
  const mask = from.subarray(head, head + 4)
  const payload = Buffer.from(
    from.subarray(head + 4, head + 4 + length).map((byte, index) => byte ^ (mask[index & 3] ?? 0)),
  )
  return { opcode: (from[0] ?? 0) & 0x0f, payload, size: head + 4 + length }
}
