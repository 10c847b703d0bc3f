// Owns what the server of metrics and probes owes to those who ask it, whatever else is connected.
// Promises each behaviour over real sockets. Does not repeat what is served: see operator.test.ts.

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { get, type IncomingMessage } from 'node:http'
import { connect, type Socket } from 'node:net'
import { text } from 'node:stream/consumers'
import { type TestContext, test } from 'node:test'
import { startServer } from '../../src/controller/server.ts'

/** As many as are open at the most. */
const MOST = 64

const SCRAPE = 'GET /metrics HTTP/1.1\r\nhost: podspan\r\nconnection: close\r\n\r\n'

interface Opened {
  readonly port: number
  readonly said: readonly string[]
  letGo(): number
  /** Connected, with this sent. */
  open(sent?: string): Promise<Socket>
}

/** The answer for a scraper is there when `metrics` is. */
async function opened(context: TestContext, metrics = Promise.resolve('')): Promise<Opened> {
  const said: string[] = []
  const sockets: Socket[] = []
  const server = await startServer({
    address: '127.0.0.1',
    port: 0,
    metrics: async () => ({ contentType: 'text/plain', body: await metrics }),
    readiness: () => ({ ready: true, lines: [] }),
    log: { error: (message) => void said.push(message), warn: (message) => void said.push(message) },
  })
  context.after(async () => {
    for (const socket of sockets) socket.destroy()
    await server.close()
  })
  return {
    ...server,
    said,
    open: async (sent) => {
      const socket = connect(server.port, '127.0.0.1')
      sockets.push(socket)
      socket.on('error', () => undefined)
      await once(socket, 'connect')
      if (sent !== undefined) socket.write(sent)
      return socket
    },
  }
}

/** As the kubelet asks: each time by a connection of its own. */
async function probe({ port }: Opened): Promise<string> {
  const [response] = (await once(
    get({ port, host: '127.0.0.1', path: '/livez', agent: false }),
    'response',
  )) as [IncomingMessage]
  return text(response)
}

async function fill(server: Opened, sent?: string): Promise<Socket[]> {
  const sockets: Socket[] = []
  for (let count = 0; count < MOST; count++) sockets.push(await server.open(sent))
  return sockets
}

test('a probe is answered while others hold all connections and ask nothing, and the oldest of them goes', async (context) => {
  const server = await opened(context)
  const [oldest] = await fill(server)
  assert.equal(await probe(server), 'ok\n')
  if (oldest?.closed === false) await once(oldest, 'close')
  assert.equal(server.letGo(), 1)
  assert.deepEqual(server.said, [
    'the port of metrics and probes has too many connections; idle ones are let go, and counted',
  ])
})

test('a probe is answered while others hold all connections with questions whose answers do not end', async (context) => {
  const server = await opened(context, new Promise(() => undefined))
  await fill(server, SCRAPE)
  for (let count = 0; count < 3; count++) assert.equal(await probe(server), 'ok\n')
  assert.ok(server.letGo() >= 1)
  assert.equal(server.said.length, 1)
})

test('who is being answered stays while somebody is idle', async (context) => {
  const metrics = Promise.withResolvers<string>()
  const server = await opened(context, metrics.promise)
  const scraper = await server.open(SCRAPE)
  // It was read before what comes by a later connection.
  assert.equal(await probe(server), 'ok\n')
  for (let count = 0; count < MOST + 5; count++) await server.open()
  assert.equal(await probe(server), 'ok\n')
  assert.ok(server.letGo() >= 5)
  metrics.resolve('podspan_up 1\n')
  assert.match(await text(scraper), /podspan_up 1\n$/)
})

test('who asks nothing is let go without others in need of the place', async (context) => {
  const server = await opened(context)
  const silent = [await server.open(), await server.open('GET /livez HTTP/1.1\r\nhost: ')]
  await Promise.all(silent.map((socket) => once(socket.resume(), 'close')))
  assert.equal(server.letGo(), 0)
})
