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
import { createHttpTransport } from '../../src/export/transport-http.ts'
import { startOtlpReceiver } from '../support/otlp-receiver.ts'
import { createTestCertificates, type TestCertificates } from '../support/otlp-receiver-tls.ts'
import { sampleTrace } from './sample-trace.ts'

/** A forward proxy: absolute URLs for http, CONNECT for the rest. It notes what it was asked for. */
async function startProxy() {
  const seen: string[] = []
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
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () => {
      server.closeAllConnections()
      server.close()
    },
  }
}

const batch = () => {
  const trace = sampleTrace()
  return { requests: [encodeTrace(trace, BY_ACTOR)], spans: trace.spans.length }
}

/** A receiver behind a proxy, and what was opened in the test. */
async function behindProxy(context: TestContext, tls?: TestCertificates) {
  const receiver = await startOtlpReceiver({
    protocol: 'http',
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
      const config = parseConfig({ OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url, ...env })
      const transport = createHttpTransport(config, systemClock())
      transports.push(transport)
      return transport
    },
  }
}

test('a Collector over http is asked through HTTP_PROXY by its whole URL', async (context) => {
  const { receiver, proxy, open } = await behindProxy(context)
  assert.equal((await open({ HTTP_PROXY: proxy.url }).send(batch())).kind, 'ok')
  assert.deepEqual(proxy.seen, [`POST ${receiver.url}/v1/traces`])
  assert.ok(receiver.spanCount > 0)
})

test('a Collector over https is reached through HTTPS_PROXY by a tunnel, its certificate checked at the end of it', async (context) => {
  const certificates = createTestCertificates()
  const { receiver, proxy, open } = await behindProxy(context, certificates)
  const directory = mkdtempSync(join(tmpdir(), 'podspan-proxy-'))
  context.after(() => rmSync(directory, { recursive: true }))
  const ca = join(directory, 'ca.crt')
  writeFileSync(ca, certificates.ca)
  const trusting = open({ HTTPS_PROXY: proxy.url, OTEL_EXPORTER_OTLP_CERTIFICATE: ca })
  assert.equal((await trusting.send(batch())).kind, 'ok')
  assert.deepEqual([...new Set(proxy.seen)], [`CONNECT localhost:${receiver.port}`])
  const doubting = open({ HTTPS_PROXY: proxy.url })
  const { kind, ...rest } = await doubting.send(batch())
  assert.equal(kind, 'retryable', JSON.stringify(rest))
})

test('NO_PROXY leads past the proxy', () => {
  const env = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://collector.monitoring:4318', HTTP_PROXY: 'http://p:3128' }
  assert.equal(parseConfig(env).proxy, 'http://p:3128')
  assert.equal(parseConfig({ ...env, NO_PROXY: '.monitoring' }).proxy, undefined)
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
