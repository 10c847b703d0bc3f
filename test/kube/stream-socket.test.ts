// Owns the sockets of watches against Node's own HTTP server, with and without TLS.
// Promises flow control that holds back bytes, and one end for whatever the server does. Does not read frames.

import assert from 'node:assert/strict'
import { createServer, type RequestListener, type Server, type ServerResponse } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { describe, test, type TestContext } from 'node:test'
import { createStreamSockets, type StreamControl, type Tls } from '../../src/kube/stream-socket.ts'
import { createTestCertificates } from '../support/otlp-receiver-tls.ts'

const certificates = createTestCertificates()
const TRUSTED: Tls = { ca: certificates.ca, servername: 'localhost' }

async function listen(context: TestContext, scheme: string, answer: RequestListener): Promise<string> {
  const server: Server =
    scheme === 'https' ? createTlsServer({ ...certificates.server }, answer) : createServer(answer)
  context.after(() => {
    server.closeAllConnections()
    server.close()
  })
  await new Promise<void>((resolve) => server.listen(0, 'localhost', resolve))
  return `${scheme}://localhost:${(server.address() as AddressInfo).port}`
}

interface Seen {
  readonly control: StreamControl
  status: number
  bytes: number
  /** `ended` or the error's message. */
  readonly end: Promise<string>
  until(holds: () => boolean): Promise<void>
}

function get(origin: string, sockets = createStreamSockets(TRUSTED, 15_000), path = '/'): Seen {
  const end = Promise.withResolvers<string>()
  const seen: Seen = {
    status: 0,
    bytes: 0,
    end: end.promise,
    until: async (holds) => {
      while (!holds()) await new Promise((resolve) => setImmediate(resolve))
    },
    control: sockets.open(
      { origin, path, headers: { accept: 'x/y' } },
      {
        head: (status) => void (seen.status = status),
        data: (_bytes, start, until) => void (seen.bytes += until - start),
        ended: () => end.resolve('ended'),
        error: (error) => end.resolve(error.message),
      },
    ),
  }
  return seen
}

for (const scheme of ['http', 'https'])
  describe(`over ${scheme}`, () => {
    test('an answer arrives whole, and the server sees what was asked', async (context) => {
      let asked = ''
      const origin = await listen(context, scheme, (request, response) => {
        asked = `${request.method} ${request.url} ${request.headers.host} ${request.headers.accept}`
        response.write('one')
        response.end('two')
      })
      const seen = get(origin, undefined, '/api/v1/pods?watch=1')
      assert.equal(await seen.end, 'ended')
      assert.equal(seen.status, 200)
      assert.equal(seen.bytes, 6)
      assert.equal(asked, `GET /api/v1/pods?watch=1 ${new URL(origin).host} x/y`)
    })

    test('what is paused reads no more, and goes on where it was', async (context) => {
      const whole = 20_000_000
      const chunk = Buffer.alloc(100_000, 'x')
      const sendAll = async (response: ServerResponse): Promise<void> => {
        for (let sent = 0; sent < whole; sent += chunk.length)
          if (!response.write(chunk)) await new Promise((resolve) => response.once('drain', resolve))
        response.end()
      }
      const origin = await listen(context, scheme, (_request, response) => void sendAll(response))
      const seen = get(origin)
      await seen.until(() => seen.bytes > 0)
      seen.control.pause()
      let [before, turns] = [-1, 0]
      // What the kernel holds may still come; then nothing does.
      await seen.until(() => {
        turns = before === seen.bytes ? turns + 1 : 0
        before = seen.bytes
        return turns > 1000
      })
      assert.ok(seen.bytes < whole / 2, `${seen.bytes} bytes`)
      seen.control.resume()
      assert.equal(await seen.end, 'ended')
      assert.equal(seen.bytes, whole)
    })

    test('a connection that breaks off in the body is an error, not an end', async (context) => {
      const origin = await listen(context, scheme, (_request, response) => {
        response.write('one', () => response.socket?.destroy())
      })
      assert.match(await get(origin).end, /it ended in its body|ECONNRESET/)
    })

    test('destroyed, nothing more is heard of it', async (context) => {
      const origin = await listen(context, scheme, (_request, response) => void response.write('one'))
      const seen = get(origin)
      await seen.until(() => seen.bytes === 3)
      seen.control.destroy()
      const over = new Promise((resolve) => setImmediate(() => resolve('nothing')))
      assert.equal(await Promise.race([seen.end, over]), 'nothing')
    })

    test('all that is open fails when the connection is closed', async (context) => {
      const origin = await listen(context, scheme, (_request, response) => void response.write('one'))
      const sockets = createStreamSockets(TRUSTED, 15_000)
      const both = [get(origin, sockets), get(origin, sockets)]
      await both[0]?.until(() => both.every(({ bytes }) => bytes === 3))
      sockets.close()
      assert.deepEqual(await Promise.all(both.map(({ end }) => end)), [
        'the connection was closed',
        'the connection was closed',
      ])
    })
  })

test('nobody listens: the error names it', async () => {
  assert.match(await get('http://127.0.0.1:9').end, /ECONNREFUSED/)
})

test('a certificate that is not trusted is refused', async (context) => {
  const origin = await listen(context, 'https', (_request, response) => void response.end())
  const doubting = createStreamSockets({ servername: 'localhost' }, 15_000)
  assert.match(await get(origin, doubting).end, /unable to verify|self-signed/)
  const elsewhere = createStreamSockets({ ca: certificates.ca, servername: 'other.example' }, 15_000)
  assert.match(await get(origin, elsewhere).end, /does not match|Hostname/i)
})
