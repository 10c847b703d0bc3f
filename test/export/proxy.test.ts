import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, request } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { systemClock } from '../../src/base/clock.ts'
import { ConfigError, type Environment, parseConfig } from '../../src/export/config.ts'
import { encodeTrace } from '../../src/export/otlp-protobuf.ts'
import { BY_ACTOR } from '../../src/export/resource.ts'
import type { Transport } from '../../src/export/transport.ts'
import { createGrpcTransport } from '../../src/export/transport-grpc.ts'
import { createHttpTransport } from '../../src/export/transport-http.ts'
import { startOtlpReceiver } from '../support/otlp-receiver.ts'
import { createTestCertificates, type TestCertificates } from '../support/otlp-receiver-tls.ts'
import { sampleTrace } from './sample-trace.ts'

/** A forward proxy: absolute URLs for http, CONNECT for the rest. It notes what it was asked for. */
async function startProxy() {
  const seen: string[] = []
  const credentials: (string | undefined)[] = []
  const server = createServer((incoming, response) => {
    seen.push(`${incoming.method} ${incoming.url}`)
    const { method, headers, url = '' } = incoming
    const onward = request(url, { method: method ?? 'POST', headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers)
      answer.pipe(response)
    })
    incoming.pipe(onward)
  })
  server.on('connect', (incoming, socket) => {
    seen.push(`CONNECT ${incoming.url}`)
    credentials.push(incoming.headers['proxy-authorization'])
    const [host, port] = (incoming.url ?? '').split(':')
    const onward = connect(Number(port), host, () => {
      socket.write('HTTP/1.1 200 OK\r\n\r\n')
      onward.pipe(socket).pipe(onward)
    })
    onward.on('error', () => socket.destroy())
    socket.on('error', () => onward.destroy())
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    seen,
    credentials,
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () => {
      server.closeAllConnections()
      server.close()
    },
  }
}

/** No proxy is there. */
const NOWHERE = 'http://127.0.0.1:9'

const batch = () => {
  const trace = sampleTrace()
  return { requests: [encodeTrace(trace, BY_ACTOR)], spans: trace.spans.length }
}

/** The file of the certificate by which a receiver over TLS is known. */
function certificateFile(context: TestContext, { ca }: TestCertificates): string {
  const directory = mkdtempSync(join(tmpdir(), 'podspan-proxy-'))
  context.after(() => rmSync(directory, { recursive: true }))
  const file = join(directory, 'ca.crt')
  writeFileSync(file, ca)
  return file
}

/** A receiver behind a proxy, and what was opened in the test. */
async function behindProxy(context: TestContext, protocol: 'grpc' | 'http', tls?: TestCertificates) {
  const receiver = await startOtlpReceiver({
    protocol,
    ...(tls && { tls: { ca: tls.ca, ...tls.server } }),
  })
  const proxy = await startProxy()
  const transports: Transport[] = []
  context.after(async () => {
    for (const transport of transports) await transport.close()
    await receiver.close()
    proxy.close()
  })
  return {
    receiver,
    proxy,
    open: (env: Environment): Transport => {
      const config = parseConfig(
        { OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url, ...env },
        { protocol: protocol === 'grpc' ? 'grpc' : 'http/protobuf' },
      )
      const create = protocol === 'grpc' ? createGrpcTransport : createHttpTransport
      const transport = create(config, systemClock())
      transports.push(transport)
      return transport
    },
  }
}

test('a Collector over http is asked through HTTP_PROXY by its whole URL', async (context) => {
  const { receiver, proxy, open } = await behindProxy(context, 'http')
  assert.equal((await open({ HTTP_PROXY: proxy.url }).send(batch())).kind, 'ok')
  assert.deepEqual(proxy.seen, [`POST ${receiver.url}/v1/traces`])
  assert.ok(receiver.spanCount > 0)
})

test('a Collector over gRPC in the clear is reached through HTTP_PROXY by a tunnel', async (context) => {
  const { receiver, proxy, open } = await behindProxy(context, 'grpc')
  assert.equal((await open({ HTTP_PROXY: proxy.url, HTTPS_PROXY: NOWHERE }).send(batch())).kind, 'ok')
  assert.deepEqual(proxy.seen, [`CONNECT localhost:${receiver.port}`])
  assert.ok(receiver.spanCount > 0)
})

test('a proxy that wants a name and a password gets them from a gRPC exporter', async (context) => {
  const { proxy, open } = await behindProxy(context, 'grpc')
  const url = proxy.url.replace('://', '://me:p%40ss@')
  assert.equal((await open({ HTTP_PROXY: url }).send(batch())).kind, 'ok')
  assert.deepEqual(proxy.credentials, [`Basic ${Buffer.from('me:p@ss').toString('base64')}`])
})

for (const protocol of ['http', 'grpc'] as const)
  test(`a Collector of ${protocol} over TLS is reached through HTTPS_PROXY by a tunnel, its certificate checked at the end of it`, async (context) => {
    const certificates = createTestCertificates()
    const { receiver, proxy, open } = await behindProxy(context, protocol, certificates)
    const ca = certificateFile(context, certificates)
    const trusting = open({ HTTPS_PROXY: proxy.url, OTEL_EXPORTER_OTLP_CERTIFICATE: ca })
    assert.equal((await trusting.send(batch())).kind, 'ok')
    assert.deepEqual([...new Set(proxy.seen)], [`CONNECT localhost:${receiver.port}`])
    const doubting = open({ HTTPS_PROXY: proxy.url })
    const { kind, ...rest } = await doubting.send(batch())
    assert.equal(kind, 'retryable', JSON.stringify(rest))
  })

test('a gRPC exporter takes no proxy from variables that only its library knows', async (context) => {
  const { proxy, open } = await behindProxy(context, 'grpc')
  // Read by grpc-js itself, and by nothing else here.
  process.env['grpc_proxy'] = proxy.url
  context.after(() => delete process.env['grpc_proxy'])
  assert.equal((await open({}).send(batch())).kind, 'ok')
  assert.equal((await open({ HTTP_PROXY: proxy.url, NO_PROXY: 'localhost' }).send(batch())).kind, 'ok')
  assert.deepEqual(proxy.seen, [])
})

for (const port of [4317, 4318])
  test(`NO_PROXY leads past the proxy to port ${port}`, () => {
    const env = {
      OTEL_EXPORTER_OTLP_ENDPOINT: `http://collector.monitoring:${port}`,
      HTTP_PROXY: 'http://p:3128',
    }
    assert.equal(parseConfig(env).proxy, 'http://p:3128')
    assert.equal(parseConfig({ ...env, NO_PROXY: '.monitoring' }).proxy, undefined)
  })

test('a Unix socket has no proxy', () => {
  const options = { endpoint: 'unix:///run/otel.sock', protocol: 'grpc' }
  assert.equal(
    parseConfig({ HTTP_PROXY: 'http://p:3128', HTTPS_PROXY: 'http://p:3128' }, options).proxy,
    undefined,
  )
})

test('a proxy over TLS is refused for gRPC, which cannot speak to one', () => {
  const options = { endpoint: 'https://collector:4317', protocol: 'grpc' }
  assert.throws(() => parseConfig({ HTTPS_PROXY: 'https://p:3128' }, options), {
    message: 'HTTPS_PROXY: "https://p:3128" is not valid; expected http://HOST:PORT for gRPC',
  })
})

test('a proxy that cannot be used is refused by the name of its variable, without its password', () => {
  const env = {
    OTEL_EXPORTER_OTLP_ENDPOINT: 'http://collector:4318',
    HTTP_PROXY: 'socks5://me:secret@proxy:1080',
  }
  assert.throws(
    () => parseConfig(env),
    (error) =>
      error instanceof ConfigError &&
      error.message ===
        'HTTP_PROXY: "socks5://proxy:1080" is not valid; expected http://HOST:PORT or https://HOST:PORT',
  )
})
