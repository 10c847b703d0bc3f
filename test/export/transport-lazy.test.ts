// Owns the promises of a transport whose client is loaded with the first batch.
// Promises nothing of the clients themselves: see transport.contract.test.ts.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Batch, Transport } from '../../src/export/transport.ts'
import { loadedAtFirstSend } from '../../src/export/transport-lazy.ts'

const batch: Batch = { requests: [], spans: 1 }

function countedTransport() {
  const counts = { loads: 0, sent: 0, closed: 0 }
  const transport: Transport = {
    send: async () => {
      counts.sent += 1
      return { kind: 'ok' }
    },
    close: async () => {
      counts.closed += 1
    },
  }
  return { counts, transport }
}

test('a client is loaded once, by the first batch', async () => {
  const { counts, transport } = countedTransport()
  const lazy = loadedAtFirstSend(async () => {
    counts.loads += 1
    return transport
  })
  assert.equal(counts.loads, 0)
  const results = await Promise.all([lazy.send(batch), lazy.send(batch)])
  assert.deepEqual(results, [{ kind: 'ok' }, { kind: 'ok' }])
  await lazy.close()
  assert.deepEqual(counts, { loads: 1, sent: 2, closed: 1 })
})

test('a client that was never needed is not loaded to be closed', async () => {
  const lazy = loadedAtFirstSend(() => assert.fail('loaded'))
  await lazy.close()
})

test('a client that is still loading is closed once it is there', async () => {
  const { counts, transport } = countedTransport()
  const loaded = Promise.withResolvers<Transport>()
  const lazy = loadedAtFirstSend(() => loaded.promise)
  const sending = lazy.send(batch)
  const closing = lazy.close()
  loaded.resolve(transport)
  await Promise.all([sending, closing])
  assert.deepEqual(counts, { loads: 0, sent: 1, closed: 1 })
})
