// Owns how a request ends that the API server refuses, whatever it sends after the refusal's head.
// Promises one end for each, over the sockets of watches and over those of other requests. Does not repeat what streams do with it.

import assert from 'node:assert/strict'
import { createServer, type Socket } from 'node:net'
import { test, type TestContext } from 'node:test'
import { type Clock, manualClock } from '../../src/base/clock.ts'
import { type Connection, openDirect } from '../../src/kube/config.ts'
import type { Failure } from '../../src/kube/failure.ts'
import { send } from '../../src/kube/request.ts'
import { START, until } from './harness.ts'

/** A server that answers every request with these bytes, and keeps the connection. */
async function answering(context: TestContext, answer: string): Promise<Connection> {
  const open = new Set<Socket>()
  const server = createServer((socket) => {
    open.add(socket.on('error', () => undefined))
    socket.once('data', () => socket.write(answer))
  })
  context.after(() => {
    for (const socket of open) socket.destroy()
    server.close()
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  const connection = openDirect(`http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`)
  context.after(() => connection.close())
  return connection
}

/** As where a proxy stands before the API server. */
const withoutStreams = (connection: Connection): Connection => ({
  ...connection,
  authenticate: async () => {
    const { streams: _, ...rest } = await connection.authenticate()
    return rest
  },
})

const refusal = (contentLength: number, body: string): string =>
  `HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/json\r\nRetry-After: 2\r\nContent-Length: ${contentLength}\r\n\r\n${body}`

const endOf = (connection: Connection, stream?: Clock): Promise<Failure | undefined> =>
  new Promise((resolve) => {
    const { signal } = new AbortController()
    send(
      connection,
      { path: '/api/v1/pods', accept: 'application/json', signal, ...(stream && { stream }) },
      {
        opened: () => assert.fail('a refusal is not accepted'),
        data: () => assert.fail('its body is not the caller’s'),
        ended: () => resolve(undefined),
        failed: resolve,
      },
    )
  })

const REFUSED_IN_PART = refusal(500, '{"kind":"Status",')

for (const [by, connectionOf] of [
  ['a socket of its own', (connection: Connection) => connection],
  ['a dispatcher, as through a proxy', withoutStreams],
] as const)
  test(`a watch over ${by} that is refused by an answer which never ends is refused all the same`, async (context) => {
    const connection = connectionOf(await answering(context, REFUSED_IN_PART))
    const clock = manualClock(START)
    let failure: Failure | undefined
    void endOf(connection, clock).then((found) => (failure = found))
    await until(clock, 'its end', () => failure !== undefined, 'moves')
    assert.deepStrictEqual([failure?.kind, failure?.retryAfterMs], ['unavailable', 2000])
  })

for (const stream of [undefined, manualClock(START)])
  test(`a refusal of ${stream ? 'a watch' : 'another request'} is not read beyond what a Status may have`, async (context) => {
    const connection = await answering(context, refusal(10_000_000, 'x'.repeat(300_000)))
    assert.equal((await endOf(connection, stream))?.kind, 'unavailable')
  })
