// Owns the small parts of the operator: ring, log, HTTP server, the watch of custom objects.
// Promises one group of tests per part. Does not put them together: operator.test.ts does.

import assert from 'node:assert/strict'
import { request } from 'node:http'
import { test } from 'node:test'
import { manualClock } from '../../src/base/clock.ts'
import { seconds } from '../../src/base/time.ts'
import { createLog } from '../../src/controller/log.ts'
import { createRing } from '../../src/controller/ring.ts'
import { startServer } from '../../src/controller/server.ts'
import { openDirect } from '../../src/kube/config.ts'
import { type CustomChange, TRACE_SESSIONS, watchCustom } from '../../src/kube/custom.ts'
import type { Trace } from '../../src/trace/trace.ts'
import { bytesOf } from '../../src/trace/trace-bytes.ts'
import { sampleTrace } from '../export/sample-trace.ts'
import { START, until } from '../kube/harness.ts'
import type { Obj } from '../simulator/encode.ts'
import { SimulatedApiServer } from '../simulator/server.ts'
import { metaOf } from '../simulator/store.ts'
import { sessionObject } from './operator-harness.ts'

const traceNumber = (n: number): Trace => ({ ...sampleTrace(), traceId: n.toString(16).padStart(32, '0') })

test('the ring keeps the latest traces within its bytes, and tells of each that goes', () => {
  const each = bytesOf(traceNumber(0))
  const gone: string[] = []
  const ring = createRing(each * 3, ({ traceId }) => void gone.push(traceId))
  for (let n = 1; n <= 5; n++) ring.put(traceNumber(n))
  assert.deepEqual(
    [...ring.all()].map(({ traceId }) => Number.parseInt(traceId, 16)),
    [3, 4, 5],
  )
  assert.deepEqual(
    gone.map((id) => Number.parseInt(id, 16)),
    [1, 2],
  )
  assert.deepEqual(ring.counters(), { traces: 3, bytes: each * 3, evicted: 2 })
})

test('a trace of the same id takes the place of the one before', () => {
  const ring = createRing(1e9, () => assert.fail('nothing goes'))
  ring.put(traceNumber(1))
  ring.put(traceNumber(1))
  assert.equal(ring.counters().traces, 1)
  assert.equal(ring.counters().bytes, bytesOf(traceNumber(1)))
})

test('a trace with more spans counts for more', () => {
  const trace = sampleTrace()
  assert.ok(bytesOf({ ...trace, spans: [...trace.spans, ...trace.spans] }) > bytesOf(trace) * 1.5)
})

function logging(level: 'debug' | 'info' = 'info') {
  const clock = manualClock(START)
  const lines: Record<string, unknown>[] = []
  const out = { write: (line: string) => lines.push(JSON.parse(line) as Record<string, unknown>) > 0 }
  return { clock, lines, log: createLog({ level, clock, out, base: { pod: 'podspan-0' } }) }
}

test('a line is JSON with its level in words, its time and its fields', () => {
  const { lines, log } = logging()
  log.info('podspan is ready', { streams: 3 })
  log.debug('not wanted')
  assert.deepEqual(lines, [
    {
      level: 'info',
      time: '2026-11-18T11:06:40.000Z',
      pod: 'podspan-0',
      streams: 3,
      message: 'podspan is ready',
    },
  ])
})

test('a trouble that repeats is said once a minute, with how often it was not said', () => {
  const { clock, lines, log } = logging()
  for (let n = 0; n < 5; n++) log.warn('the Lease cannot be read', { n })
  log.error('something else')
  assert.equal(lines.length, 2)
  clock.advance(seconds(61))
  log.warn('the Lease cannot be read', { n: 9 })
  assert.equal(lines.at(-1)?.['unsaid'], 4)
})

async function serving(metrics: () => Promise<{ contentType: string; body: string }>) {
  const errors: string[] = []
  const server = await startServer({
    address: '127.0.0.1',
    port: 0,
    metrics,
    readiness: () => ({ ready: false, lines: ['the streams are being read'] }),
    log: {
      error: (_message, fields) => void errors.push(String(fields?.['reason'])),
      warn: (message) => void errors.push(message),
    },
  })
  const url = `http://127.0.0.1:${server.port}`
  return { errors, url, [Symbol.asyncDispose]: () => server.close() }
}

test('the server answers what it has, and says what there is for all else', async () => {
  await using served = await serving(() =>
    Promise.resolve({ contentType: 'text/plain; version=0.0.4', body: 'a 1\n' }),
  )
  const metrics = await fetch(`${served.url}/metrics`)
  assert.equal(metrics.headers.get('content-type'), 'text/plain; version=0.0.4')
  assert.equal(await metrics.text(), 'a 1\n')
  const readyz = await fetch(`${served.url}/readyz`)
  assert.deepEqual([readyz.status, await readyz.text()], [503, 'not ready\nthe streams are being read\n'])
  const livez = await fetch(`${served.url}/livez?verbose`)
  assert.deepEqual([livez.status, await livez.text()], [200, 'ok\n'])
  assert.equal((await fetch(`${served.url}/debug`)).status, 404)
  assert.equal((await fetch(`${served.url}/metrics`, { method: 'POST' })).status, 405)
})

test('HEAD has the headers and no body', async () => {
  await using served = await serving(() => Promise.resolve({ contentType: 'text/plain', body: 'a 1\n' }))
  const answer = await fetch(`${served.url}/metrics`, { method: 'HEAD' })
  assert.deepEqual([answer.status, answer.headers.get('content-length'), await answer.text()], [200, '4', ''])
})

test('a scrape that fails is 500, is told, and the next one is answered', async () => {
  let fails = true
  await using served = await serving(() =>
    fails
      ? Promise.reject(new Error('no numbers'))
      : Promise.resolve({ contentType: 'text/plain', body: '' }),
  )
  assert.equal((await fetch(`${served.url}/metrics`)).status, 500)
  fails = false
  assert.equal((await fetch(`${served.url}/metrics`)).status, 200)
  assert.deepEqual(served.errors, ['no numbers'])
})

test('a path that is no path is answered too', async () => {
  await using served = await serving(() => Promise.resolve({ contentType: 'text/plain', body: '' }))
  const { port } = new URL(served.url)
  const status = await new Promise<number | undefined>((resolve, reject) => {
    const asked = request({ host: '127.0.0.1', port, path: '//%zz?%' }, (answer) => {
      answer.resume()
      resolve(answer.statusCode)
    })
    asked.on('error', reject)
    asked.end()
  })
  assert.equal(status, 404)
})

/** A watch of TraceSessions, of which these are there. */
async function watchingSessions(present: readonly Obj[], say: (change: CustomChange) => string) {
  const server = await SimulatedApiServer.start()
  const clock = manualClock(START)
  const connection = openDirect(server.url)
  const stop = new AbortController()
  const changes: string[] = []
  server.store.load('tracesessions', present)
  const watch = watchCustom({
    connection,
    resource: TRACE_SESSIONS,
    clock,
    random: () => 0.5,
    onChange: (change) => void changes.push(say(change)),
    signal: stop.signal,
  })
  return {
    changes,
    clock,
    server,
    watch,
    [Symbol.asyncDispose]: async () => {
      stop.abort()
      await watch.ended
      await connection.close()
      await server.close()
    },
  }
}

test('a custom object that goes while its stream is refused is deleted when it is read again', async () => {
  const one = sessionObject('one', { allPods: true })
  await using around = await watchingSessions(
    [one, sessionObject('two', { allPods: true })],
    ({ kind, uid }) => `${kind} ${uid}`,
  )
  const { changes, clock, server, watch } = around
  await until(clock, 'a watch is open', () => server.openWatches('tracesessions') === 1, 'moves')
  const message = 'tracesessions is forbidden'
  server.fail('tracesessions', 'any', { kind: 'status', code: 403, reason: 'Forbidden', message }, 1000)
  server.endWatches('tracesessions')
  server.store.remove('tracesessions', metaOf(one).uid)
  await until(clock, 'it is refused', () => watch.missing()?.kind === 'forbidden', 'moves')
  server.faults.clear()
  await until(clock, 'it is read again', () => changes.length > 2, 'moves')
  assert.deepEqual(changes.slice(2), [`deleted ${metaOf(one).uid}`])
  assert.deepEqual([watch.missing(), watch.counters.objects], [undefined, 1])
})

test('custom objects are added, changed and deleted as they came, also over a broken watch', async () => {
  const one = sessionObject('one', { allPods: true })
  await using around = await watchingSessions([one], (change) =>
    change.kind === 'put' ? `put ${JSON.stringify(change.object['spec'])}` : `deleted ${change.uid}`,
  )
  const { changes, clock, server } = around
  await until(clock, 'it is there', () => changes.length === 1)
  server.store.apply('tracesessions', { ...one, spec: { allPods: true, suspend: true } })
  await until(clock, 'it changes', () => changes.length === 2)
  await until(clock, 'a watch is open', () => server.openWatches('tracesessions') === 1, 'moves')
  server.resetWatches('tracesessions')
  server.store.remove('tracesessions', metaOf(one).uid)
  await until(clock, 'it is deleted', () => changes.length === 3, 'moves')
  assert.deepEqual(changes, [
    'put {"allPods":true}',
    'put {"allPods":true,"suspend":true}',
    `deleted ${metaOf(one).uid}`,
  ])
})
