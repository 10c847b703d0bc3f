import assert from 'node:assert/strict'
import { request } from 'node:https'
import { test } from 'node:test'
import { manualClock } from '../../src/base/clock.ts'
import { seconds, unixNano } from '../../src/base/time.ts'
import { loadConfig } from '../../src/controller/config.ts'
import { injectContexts, readCertificate } from '../../src/controller/injecting.ts'
import { createLog } from '../../src/controller/log.ts'
import { ConfigError } from '../../src/export/config.ts'
import { createTestCertificates } from '../support/otlp-receiver-tls.ts'

const WEBHOOK =
  'webhook: {enabled: true, address: 127.0.0.1, port: 0, tls: {cert: /tls.crt, key: /tls.key}}\n'

function configOf(text: string) {
  const loaded = loadConfig({ file: { path: 'test.yaml', text } })
  return loaded.ok ? loaded.config : assert.fail(loaded.problems.join('; '))
}

const REVIEW = JSON.stringify({
  request: {
    ...{ uid: 'r-1', operation: 'CREATE', resource: { resource: 'pods' } },
    object: { metadata: {}, spec: { containers: [{ name: 'app' }] } },
  },
})

/** The status and the answer, over a connection of its own. */
function ask(port: number, ca: string, body: string): Promise<{ status: number; text: string }> {
  return new Promise((resolve, reject) => {
    const options = { host: '127.0.0.1', port, ca, servername: 'localhost', method: 'POST', agent: false }
    const asked = request(options, (response) => {
      let text = ''
      response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk))
      response.on('end', () => resolve({ status: response.statusCode ?? 0, text }))
    })
    asked.on('error', reject).end(body)
  })
}

/** Promises more than it sends. */
function breakOff(port: number, ca: string): Promise<void> {
  return new Promise((resolve) => {
    const headers = { 'content-length': 100 }
    const options = {
      host: '127.0.0.1',
      port,
      ca,
      servername: 'localhost',
      method: 'POST',
      agent: false,
      headers,
    }
    const asked = request(options).on('error', () => resolve())
    asked.write('{', () => asked.destroy())
    asked.on('close', () => resolve())
  })
}

const allowed = (text: string): unknown =>
  (JSON.parse(text) as { response: { allowed: unknown } }).response.allowed

test('a webhook without a certificate is refused by the name of the setting', () => {
  const loaded = loadConfig({ file: { path: 'test.yaml', text: 'webhook: {enabled: true}\n' } })
  assert.ok(!loaded.ok)
  assert.match(loaded.problems.join('\n'), /webhook\.tls\.cert.*\n?.*webhook\.tls\.key/)
  const { webhook } = configOf(WEBHOOK)
  const gone = (): string => {
    throw new Error('no such file')
  }
  for (const [readFile, message] of [
    [gone, /webhook\.tls\.cert: \/tls\.crt cannot be read \(no such file\)/],
    [() => 'no certificate', /webhook\.tls: cannot be used/],
  ] as const)
    assert.throws(
      () => readCertificate(webhook, readFile),
      (error) => error instanceof ConfigError && message.test(error.message),
    )
})

test('without its setting nothing listens', () =>
  assert.equal(injectContexts({ ...opened(), config: configOf('') }), undefined))

test('whatever is posted is let go on, and a pod with a patch', async () => {
  const { ca, server } = createTestCertificates()
  const around = opened({ '/tls.crt': server.cert, '/tls.key': server.key })
  const injecting = injectContexts(around)
  const port = await around.port
  const { status, text } = await ask(port, ca, REVIEW)
  assert.equal(status, 200)
  const { response } = JSON.parse(text) as { response: { uid: string; patch: string } }
  assert.equal(response.uid, 'r-1')
  assert.match(atob(response.patch), /"path":"\/spec\/containers\/0\/env"/)
  for (const body of ['', 'garbage', '{}', `"${'x'.repeat(100_000)}"`])
    assert.equal(allowed((await ask(port, ca, body)).text), true)
  await injecting?.close()
})

test('what came of each request is counted, also where it was too large or the asker went away', async () => {
  const { ca, server } = createTestCertificates()
  const around = opened({ '/tls.crt': server.cert, '/tls.key': server.key })
  const injecting = injectContexts(around)
  assert.ok(injecting)
  const port = await around.port
  await ask(port, ca, REVIEW)
  await ask(port, ca, REVIEW.replace('CREATE', 'UPDATE'))
  await ask(port, ca, 'garbage')
  await assert.rejects(ask(port, ca, 'x'.repeat(9 * 1024 * 1024)))
  await breakOff(port, ca)
  const told = (): number => injecting.counters().seconds.counts.reduce((sum, count) => sum + count, 0)
  while (told() < 5) await new Promise((resolve) => setImmediate(resolve))
  const once = { patched: 1, unchanged: 1, garbage: 1, 'too large': 1, 'broken off': 1 }
  assert.deepEqual(injecting.counters().requests, once)
  await injecting.close()
})

test('a renewed certificate is used without a new connection to any other port, a broken one is not', async () => {
  const [first, renewed] = [createTestCertificates(), createTestCertificates()]
  const around = opened({ '/tls.crt': first.server.cert, '/tls.key': first.server.key })
  const injecting = injectContexts(around)
  assert.ok(injecting)
  const port = await around.port
  const look = async (): Promise<void> => {
    around.clock.advance(seconds(10))
    injecting.beat()
    for (let turns = 0; turns < 50; turns++) await new Promise((resolve) => setImmediate(resolve))
  }
  around.files['/tls.crt'] = 'broken'
  await look()
  await look()
  assert.equal(around.lines.filter((line) => line.includes('cannot answer')).length, 1)
  assert.equal((await ask(port, first.ca, REVIEW)).status, 200)
  Object.assign(around.files, { '/tls.crt': renewed.server.cert, '/tls.key': renewed.server.key })
  await look()
  assert.equal((await ask(port, renewed.ca, REVIEW)).status, 200)
  await assert.rejects(ask(port, first.ca, REVIEW))
  await injecting.close()
})

/** What a webhook is opened with, and the port that it then has. */
function opened(files: Record<string, string> = {}) {
  const clock = manualClock(unixNano(1_800_000_000_000_000_000n))
  const lines: string[] = []
  let onInjecting = (_port: number): void => {}
  const port = new Promise<number>((resolve) => (onInjecting = resolve))
  return {
    config: configOf(WEBHOOK),
    log: createLog({ level: 'info', clock, out: { write: (line: string) => lines.push(line) > 0 } }),
    readFile: (path: string): string => files[path] ?? '',
    ...{ clock, lines, files, port, onInjecting: (given: number) => onInjecting(given) },
  }
}
