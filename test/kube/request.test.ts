// Owns how a request ends that the API server refuses, whatever it sends after the refusal's head.
// Promises one end for each, over the sockets of watches and over those of other requests. Does not repeat what streams do with it.

import assert from 'node:assert/strict'
import { createServer, type Socket } from 'node:net'
import { test, type TestContext } from 'node:test'
import { type Connection, openDirect } from '../../src/kube/config.ts'
import type { Failure } from '../../src/kube/failure.ts'
import { send } from '../../src/kube/request.ts'

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

const refusal = (contentLength: number, body: string): string =>
  `HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/json\r\nRetry-After: 2\r\nContent-Length: ${contentLength}\r\n\r\n${body}`

const endOf = (connection: Connection, stream: boolean): Promise<Failure | undefined> =>
  new Promise((resolve) => {
    send(
      connection,
      { path: '/api/v1/pods', accept: 'application/json', signal: new AbortController().signal, stream },
      {
        opened: () => assert.fail('a refusal is not accepted'),
        data: () => assert.fail('its body is not the caller’s'),
        ended: () => resolve(undefined),
        failed: resolve,
      },
    )
  })

for (const stream of [true, false]) {
  const what = stream ? 'a watch' : 'another request'

  test(`a refusal of ${what} whose body never ends is a refusal all the same`, async (context) => {
    const connection = await answering(context, refusal(500, '{"kind":"Status",'))
    context.mock.timers.enable({ apis: ['setTimeout'] })
    const end = endOf(connection, stream)
    let failure: Failure | undefined
    void end.then((found) => (failure = found))
    while (!failure) {
      await new Promise((resolve) => setImmediate(resolve))
      context.mock.timers.tick(100)
    }
    assert.deepStrictEqual([failure.kind, failure.retryAfterMs], ['unavailable', 2000])
  })

  test(`a refusal of ${what} is not read beyond what a Status may have`, async (context) => {
    const connection = await answering(context, refusal(10_000_000, 'x'.repeat(300_000)))
    assert.equal((await endOf(connection, stream))?.kind, 'unavailable')
  })
}
