// Owns what becomes of a request during which this process stood still, as a throttled container or a stopped one does.
// Promises that an answer which came meanwhile is taken, so that nothing is sent twice. Over HTTP: gRPC's deadlines are its library's.

import assert from 'node:assert/strict'
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { test } from 'node:test'
import { systemClock } from '../../src/base/clock.ts'
import { parseConfig } from '../../src/export/config.ts'
import { createHttpTransport } from '../../src/export/transport-http.ts'

/** In a process of its own, since it has to answer while this one stands still. */
const SERVER = `
  const server = require('node:http').createServer((request, response) => {
    request.resume()
    request.on('end', () => { process.send('asked'); setTimeout(() => response.end(), 20) })
  })
  server.listen(0, '127.0.0.1', () => process.send(server.address().port))
`
const TIMEOUT_MS = 300

test('an answer that came while the process stood still for longer than the time-out is an answer', async () => {
  const child = fork('-e', [SERVER], { execArgv: [] })
  try {
    const [port] = (await once(child, 'message')) as [number]
    const config = parseConfig(
      {},
      { endpoint: `http://127.0.0.1:${port}`, protocol: 'http/protobuf', timeoutMs: TIMEOUT_MS },
    )
    const transport = createHttpTransport(config, systemClock())
    const sent = transport.send({ requests: [Buffer.alloc(0)], spans: 0 })
    await once(child, 'message')
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 3 * TIMEOUT_MS)
    assert.deepEqual(await sent, { kind: 'ok' })
    await transport.close()
  } finally {
    child.kill()
  }
})
