// Owns what the watches of sessions in several namespaces are told as: one stream.
// Promises it against the simulated API server. Does not repeat what one watch does (parts.test.ts).

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { systemClock } from '../../src/base/clock.ts'
import { watchSessions } from '../../src/controller/session-watch.ts'
import { openDirect } from '../../src/kube/config.ts'
import { type StreamCounters, streamCounters, sumOfStreams } from '../../src/kube/counters.ts'
import { SimulatedApiServer } from '../simulator/server.ts'
import { sessionObject } from './operator-harness.ts'

test('the counters of sessions are those of all namespaces together, and do not fall when a watch breaks', async () => {
  const server = await SimulatedApiServer.start()
  const connection = openDirect(server.url)
  const stop = new AbortController()
  const spec = { allPods: true }
  server.store.load('tracesessions', [
    sessionObject('a', spec, 'shop'),
    sessionObject('b', spec, 'shop'),
    sessionObject('c', spec, 'podspan'),
  ])
  const quiet = (): void => {}
  const sessions = watchSessions({
    connection,
    namespaces: ['shop'],
    ownNamespace: 'podspan',
    book: { apply: quiet, remove: quiet, namespaces: quiet },
    clock: systemClock(),
    random: () => 0,
    log: { debug: quiet, info: quiet, warn: quiet, error: quiet },
    signal: stop.signal,
  })
  const counters = (): StreamCounters => sessions.counters()['tracesessions'] ?? streamCounters()
  let frames = 0
  const until = async (holds: () => boolean): Promise<void> => {
    while (!holds()) {
      assert.ok(counters().frames >= frames, `${counters().frames} after ${frames}`)
      frames = counters().frames
      await new Promise((resolve) => setImmediate(resolve))
    }
  }
  await sessions.ready
  await until(() => server.openWatches('tracesessions') === 2 && counters().state === 'live')
  assert.equal(counters().objects, 3)
  const { restarts } = counters()
  server.resetWatches('tracesessions')
  await until(() => counters().restarts === restarts + 2 && counters().state === 'live')
  assert.equal(counters().objects, 3)
  stop.abort()
  await sessions.ended
  await connection.close()
  await server.close()
})

test('a sum of streams has the state of the one that is furthest from well', () => {
  const stream = (state: StreamCounters['state'], relists: Record<string, number>): StreamCounters => ({
    ...{ ...streamCounters(), state, relists },
  })
  const [live, refused] = [stream('live', { start: 1 }), stream('forbidden', { start: 1, gone: 2 })]
  for (const both of [
    [live, refused],
    [refused, live],
  ]) {
    const { relists, state } = sumOfStreams(both)
    assert.deepEqual([state, relists], ['forbidden', { start: 2, gone: 2 }])
  }
  assert.equal(sumOfStreams([stream('starting', {}), live]).state, 'starting')
  assert.deepEqual(live.relists, { start: 1 })
  assert.deepEqual(sumOfStreams([]), streamCounters())
})
