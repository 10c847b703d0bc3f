// Owns the receiver in the whole operator: spans of other components from a socket to the backend, and who takes them.
// Promises each behaviour from outside. Does not repeat what the receiver (test/receive) and the joining (test/trace) promise.

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect } from 'node:net'
import { test } from 'node:test'
import { manualClock } from '../../src/base/clock.ts'
import { seconds, unixNano } from '../../src/base/time.ts'
import { loadConfig } from '../../src/controller/config.ts'
import { createLog } from '../../src/controller/log.ts'
import { readSecrets, receiveSpans } from '../../src/controller/receiving.ts'
import { ConfigError } from '../../src/export/config.ts'
import { traceIdOf } from '../../src/trace/identity.ts'
import { createTestCertificates } from '../support/otlp-receiver-tls.ts'
import { openWorld, podUid, type Replica, sessionObject, startPod, type World } from './operator-harness.ts'

const RECEIVER = 'receiver: {enabled: true, address: 127.0.0.1, grpcPort: 0, httpPort: 0}\n'
const NATIVE_TRACE = 'ab'.repeat(16)

const attribute = (key: string, stringValue: string) => ({ key, value: { stringValue } })

/** The kubelet's pass over the pod, or what it did in it. */
const kubeletSpan = (world: World, spanId: string, parentSpanId = '') => ({
  ...{ traceId: NATIVE_TRACE, spanId, parentSpanId, name: parentSpanId === '' ? 'syncPod' : 'mountVolumes' },
  startTimeUnixNano: String(world.clock.now() + 150_000_000n),
  endTimeUnixNano: String(world.clock.now() + 160_000_000n),
  attributes: parentSpanId === '' ? [attribute('k8s.pod.uid', podUid(1))] : [],
})

async function send(port: number | undefined, spans: readonly object[]): Promise<number> {
  const resource = { attributes: [attribute('service.name', 'kubelet')] }
  const answer = await fetch(`http://127.0.0.1:${port}/v1/traces`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ resourceSpans: [{ resource, scopeSpans: [{ spans }] }] }),
  })
  return answer.status
}

async function leader(world: World, config = RECEIVER): Promise<Replica> {
  world.server.store.load('tracesessions', [
    sessionObject('all', { allPods: true, completion: { when: 'Never' }, exporter: 'default' }),
  ])
  const replica = world.replica('a', config)
  await world.until('it receives', () => replica.receiverPorts().length === 2)
  return replica
}

const requestsWith = (world: World, id: string): readonly boolean[] =>
  world.requests.filter(({ holds }) => holds(id)).map(({ holds }) => holds(traceIdOf(podUid(1))))

test('what a kubelet sends of a start goes out in its trace, and what comes later after it', async () => {
  await using world = await openWorld()
  const replica = await leader(world)
  const [, http] = replica.receiverPorts()
  const [inTime, late] = ['c1'.repeat(8), 'c2'.repeat(8)]
  const spans = [kubeletSpan(world, inTime), kubeletSpan(world, late, inTime)]
  await startPod(world, 1)
  assert.equal(await send(http, spans.slice(0, 1)), 200)
  await world.until('the trace arrives', () => world.sent.length === 1)
  assert.deepEqual(requestsWith(world, inTime), [true])
  assert.equal(await send(http, spans.slice(1)), 200)
  await world.until('the rest arrives', () => requestsWith(world, late).length === 1)
  // Appended to the trace that was sent, below the span that went out with it.
  assert.deepEqual(requestsWith(world, late), [true])
  const { body } = await world.get(replica, '/metrics')
  assert.match(body, /^podspan_receiver_requests_total\{answer="taken"\} 2$/m)
  assert.match(body, /^podspan_native_spans_total\{fate="joined"\} 1$/m)
  assert.match(body, /^podspan_native_spans_total\{fate="late"\} 1$/m)
})

test('garbage neither delays nor breaks a start', async () => {
  await using world = await openWorld()
  const replica = await leader(world)
  const [, http] = replica.receiverPorts()
  await startPod(world, 1)
  for (const body of ['', '{', '{"resourceSpans":7}', 'x'.repeat(5_000_000)]) {
    const headers = { 'content-type': 'application/json' }
    await fetch(`http://127.0.0.1:${http}/v1/traces`, { method: 'POST', headers, body }).catch(() => {})
  }
  await world.until('the trace arrives', () => world.sent.length === 1)
})

test('connections over the limit of the configuration are closed, counted and said once', async () => {
  await using world = await openWorld()
  const replica = await leader(world, RECEIVER.replace('}', ', connectionsMax: 1}'))
  const [grpc = 0] = replica.receiverPorts()
  const sockets = Array.from({ length: 3 }, () => connect(grpc, '127.0.0.1'))
  await Promise.all(
    sockets.slice(1).map((socket) =>
      once(
        socket.on('error', () => undefined),
        'close',
      ),
    ),
  )
  const { body } = await world.get(replica, '/metrics')
  assert.match(body, /^podspan_limits_reached_total\{limit="connections to the receiver"\} 2$/m)
  const said = replica.lines.filter(({ message }) => String(message).includes('too many connections'))
  assert.equal(said.length, 1)
  for (const socket of sockets) socket.destroy()
})

test('a standby refuses connections, and takes them when it leads', async () => {
  await using world = await openWorld()
  const first = await leader(world)
  const second = world.replica('b', RECEIVER)
  await world.until('it watches', () => second.lines.some((line) => line['message'] === 'podspan is ready'))
  await world.pass(3000)
  assert.deepEqual(second.receiverPorts(), [])
  const [, before] = first.receiverPorts()
  first.stop()
  await world.until('the second receives', () => second.receiverPorts().length === 2)
  assert.equal(await send(second.receiverPorts()[1], [kubeletSpan(world, 'c3'.repeat(8))]), 200)
  await assert.rejects(send(before, []))
})

test('off by default', async () => {
  await using world = await openWorld()
  const replica = world.replica('a')
  await world.until('it is ready', () => replica.lines.some((line) => line['message'] === 'podspan is ready'))
  await world.pass(15_000)
  assert.deepEqual(replica.receiverPorts(), [])
  const { body } = await world.get(replica, '/metrics')
  assert.doesNotMatch(body, /^podspan_receiver_requests_total\{/m)
})

function configOf(text: string) {
  const loaded = loadConfig({ file: { path: 'test.yaml', text } })
  assert.ok(loaded.ok)
  return loaded.config
}

test('a file that is missing, empty or no certificate is refused by the name of its setting', () => {
  const tls = configOf('receiver: {tls: {cert: /tls.crt, key: /tls.key}}').receiver
  const token = configOf('receiver: {tokenFile: /token}').receiver
  const gone = (): string => {
    throw new Error('no such file')
  }
  const cases = [
    [tls, gone, /receiver\.tls\.cert: \/tls\.crt cannot be read \(no such file\)/],
    [tls, () => 'no certificate', /receiver\.tls: cannot be used/],
    [token, gone, /receiver\.tokenFile: \/token cannot be read/],
    [token, () => ' \n', /receiver\.tokenFile: \/token is empty/],
  ] as const
  for (const [config, readFile, message] of cases)
    assert.throws(
      () => readSecrets(config, readFile),
      (error) => error instanceof ConfigError && message.test(error.message),
    )
})

test('a renewed certificate is taken without a restart, and one that is broken leaves the one before', async () => {
  const { server: first } = createTestCertificates()
  const { server: renewed } = createTestCertificates()
  const files: Record<string, string> = { '/tls.crt': first.cert, '/tls.key': first.key }
  const clock = manualClock(unixNano(1_800_000_000_000_000_000n))
  const lines: string[] = []
  const opened: (readonly number[])[] = []
  const config = configOf(`${RECEIVER.replace('}', ', tls: {cert: /tls.crt, key: /tls.key}}')}`)
  const receiving = receiveSpans({
    config,
    clock,
    random: () => 0.5,
    log: createLog({ level: 'info', clock, out: { write: (line: string) => lines.push(line) > 0 } }),
    readFile: (path) => files[path] ?? '',
    leads: () => true,
    pipeline: { chooseSpans: (spans) => spans },
    onFrame: () => {},
    onReceiving: (ports) => opened.push(ports),
  })
  assert.ok(receiving)
  const look = async (): Promise<void> => {
    clock.advance(seconds(10))
    receiving.beat()
    for (let turns = 0; turns < 200; turns++) await new Promise((resolve) => setImmediate(resolve))
  }
  await look()
  await look()
  assert.equal(opened.length, 1)
  files['/tls.crt'] = 'broken'
  await look()
  await look()
  assert.equal(opened.length, 1)
  assert.equal(lines.filter((line) => line.includes('cannot be received')).length, 1)
  files['/tls.crt'] = renewed.cert
  files['/tls.key'] = renewed.key
  await look()
  assert.equal(opened.length, 2)
  await receiving.close()
})
