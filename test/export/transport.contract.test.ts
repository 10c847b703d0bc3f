import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer as createHttpServer, type ServerResponse } from 'node:http'
import { connect, createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { type Clock, systemClock } from '../../src/base/clock.ts'
import { ConfigError, type Environment, type OtlpConfig, parseConfig } from '../../src/export/config.ts'
import { createExporter } from '../../src/export/exporter.ts'
import { encodeTrace } from '../../src/export/otlp-protobuf.ts'
import { BY_ACTOR } from '../../src/export/resource.ts'
import type { Batch, SendResult, Transport } from '../../src/export/transport.ts'
import { createGrpcTransport } from '../../src/export/transport-grpc.ts'
import { createHttpTransport } from '../../src/export/transport-http.ts'
import type { Trace } from '../../src/trace/trace.ts'
import {
  type Answer,
  type OtlpReceiver,
  type ReceiverOptions,
  startOtlpReceiver,
} from '../support/otlp-receiver.ts'
import { decodeTraceRequest, encodePartialSuccess } from '../support/otlp-receiver-decode.ts'
import { createTestCertificates } from '../support/otlp-receiver-tls.ts'
import { fullTrace, sampleTrace } from './sample-trace.ts'

/** The two carriers of OTLP; each must keep every promise of transport.ts against a real server. */
const carriers = [
  { protocol: 'grpc', variable: 'grpc', unavailable: 'UNAVAILABLE', refused: 'INVALID_ARGUMENT' },
  { protocol: 'http', variable: 'http/protobuf', unavailable: 'HTTP 503', refused: 'HTTP 400' },
] as const
type Carrier = (typeof carriers)[number]

const clock = systemClock()
const open = (config: OtlpConfig): Transport =>
  config.protocol === 'grpc' ? createGrpcTransport(config, clock) : createHttpTransport(config, clock)

const configOf = (carrier: Carrier, url: string, env: Environment = {}): OtlpConfig =>
  parseConfig({ OTEL_EXPORTER_OTLP_ENDPOINT: url, OTEL_EXPORTER_OTLP_PROTOCOL: carrier.variable, ...env })

const batchOf = (...traces: readonly Trace[]): Batch => ({
  requests: traces.map((trace) => encodeTrace(trace, BY_ACTOR)),
  spans: traces.reduce((sum, trace) => sum + trace.spans.length, 0),
})

interface Given {
  readonly env?: Environment
  readonly tls?: ReceiverOptions['tls']
}

/** Runs the test between a receiver and a transport, and closes both. */
async function between(
  carrier: Carrier,
  { env = {}, tls }: Given,
  then: (transport: Transport, receiver: OtlpReceiver) => Promise<void>,
): Promise<void> {
  const receiver = await startOtlpReceiver({ protocol: carrier.protocol, ...(tls && { tls }) })
  const transport = open(configOf(carrier, receiver.url, env))
  try {
    await then(transport, receiver)
  } finally {
    await receiver.close()
    await transport.close()
  }
}

/** Opens every connection that is used later: undici opens a second one while it tidies up after the first answer. */
async function warmUp(transport: Transport): Promise<void> {
  for (let count = 0; count < 3; count++) {
    await takesAgain(transport)
  }
}

/** On a busy machine the short timeout of a test may end an attempt that nothing else would; a connection that is dead fails all of them. */
async function takesAgain(transport: Transport): Promise<void> {
  const results: SendResult[] = []
  while (results.length < 10) {
    const result = await transport.send(batchOf(sampleTrace()))
    if (result.kind === 'ok') return
    results.push(result)
  }
  assert.fail(JSON.stringify(results))
}

/** Stands on the wire before a receiver: counts what the client sends, and can let connections go dead without closing them. */
async function tappedWire(port: number) {
  let bytes = 0
  const open = new Set<Socket>()
  const server = createServer((client) => {
    const upstream = connect(port, 'localhost')
    client.on('data', (chunk) => {
      bytes += chunk.length
    })
    client.pipe(upstream).pipe(client)
    for (const socket of [client, upstream]) {
      open.add(socket)
      socket.on('error', () => socket.destroy())
    }
  })
  await new Promise<void>((resolve) => server.listen(0, 'localhost', resolve))
  const address = server.address()
  return {
    url: `http://localhost:${typeof address === 'object' ? address?.port : ''}`,
    bytes: () => bytes,
    freeze: () => {
      for (const socket of open) socket.unpipe().pause()
    },
    close: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve())
        for (const socket of open) socket.destroy()
      }),
  }
}

const answerCases: {
  name: string
  answer: Answer
  then: (carrier: Carrier) => Partial<SendResult> & { reason?: string }
}[] = [
  { name: 'ok', answer: { kind: 'ok' }, then: () => ({ kind: 'ok' }) },
  {
    name: 'a partial success with its count and message',
    answer: { kind: 'partial', rejected: 3, message: 'span too old' },
    then: () => ({ kind: 'ok', rejected: 3, message: 'span too old' }),
  },
  {
    name: 'a warning without rejected spans',
    answer: { kind: 'partial', rejected: 0, message: 'nearly full' },
    then: () => ({ kind: 'ok', message: 'nearly full' }),
  },
  {
    name: 'unavailable',
    answer: { kind: 'unavailable' },
    then: ({ unavailable }) => ({ kind: 'retryable', reason: unavailable }),
  },
  {
    name: 'unavailable with a delay',
    answer: { kind: 'unavailable', retryAfterMs: 7_000 },
    then: ({ unavailable }) => ({ kind: 'retryable', reason: unavailable, retryAfterMs: 7_000 }),
  },
  {
    name: 'throttled with a delay',
    answer: { kind: 'throttled', retryAfterMs: 90_000 },
    then: () => ({ kind: 'retryable', retryAfterMs: 90_000 }),
  },
  {
    name: 'throttled without a delay: over gRPC that is final',
    answer: { kind: 'throttled' },
    then: ({ protocol }) => ({ kind: protocol === 'grpc' ? 'failed' : 'retryable' }),
  },
  { name: 'too large', answer: { kind: 'too-large' }, then: () => ({ kind: 'too-large' }) },
  {
    name: "too large in the real Collector's words",
    answer: { kind: 'too-large', asCollector: true },
    then: () => ({ kind: 'too-large' }),
  },
  {
    name: 'refused',
    answer: { kind: 'refused' },
    then: ({ refused }) => ({ kind: 'failed', reason: refused }),
  },
]

for (const carrier of carriers) {
  const { protocol } = carrier

  for (const { name, answer, then } of answerCases) {
    test(`${protocol}: understands ${name}, in one attempt`, async () => {
      await between(carrier, {}, async (transport, receiver) => {
        receiver.script(answer)
        const { reason: wantedReason, ...wanted } = then(carrier)
        const { reason, ...result } = { reason: '', ...(await transport.send(batchOf(sampleTrace()))) }
        assert.deepEqual(result, wanted)
        assert.ok(reason.startsWith(wantedReason ?? ''), reason)
        assert.equal(receiver.requests.length, 1)
      })
    })
  }

  test(`${protocol}: carries every span as it was encoded`, async () => {
    await between(carrier, {}, async (transport, receiver) => {
      const traces = [fullTrace(), sampleTrace({ number: 2 }), sampleTrace({ number: 3, children: 40 })]
      await transport.send(batchOf(...traces))
      assert.deepEqual(
        receiver.spans,
        traces.flatMap((trace) => decodeTraceRequest(encodeTrace(trace, BY_ACTOR))),
      )
    })
  })

  test(`${protocol}: answers to batches that fly together are not mixed up`, async () => {
    await between(carrier, {}, async (transport, receiver) => {
      receiver.script(
        ...[1, 2, 3].map((rejected): Answer => ({ kind: 'partial', rejected, message: `${rejected}` })),
        { kind: 'refused' },
      )
      const sends = [1, 2, 3, 4].map((number) => transport.send(batchOf(sampleTrace({ number }))))
      const results = await Promise.all(sends)
      for (const result of results)
        if (result.kind === 'ok') assert.equal(`${result.rejected}`, result.message)
      assert.deepEqual(results.map((result) => result.kind).toSorted(), ['failed', 'ok', 'ok', 'ok'])
    })
  })

  test(`${protocol}: a partial success is not remembered for the next answer`, async () => {
    await between(carrier, {}, async (transport, receiver) => {
      receiver.script({ kind: 'partial', rejected: 1, message: 'x' }, { kind: 'ok' })
      await transport.send(batchOf(sampleTrace()))
      assert.deepEqual(await transport.send(batchOf(sampleTrace())), { kind: 'ok' })
    })
  })

  test(`${protocol}: a server that does not answer is retryable after the timeout`, async () => {
    await between(carrier, { env: { OTEL_EXPORTER_OTLP_TIMEOUT: '100' } }, async (transport, receiver) => {
      receiver.script({ kind: 'hang' })
      const result = await transport.send(batchOf(sampleTrace()))
      assert.equal(result.kind, 'retryable')
      assert.match(
        result.kind === 'retryable' ? result.reason : '',
        /DEADLINE_EXCEEDED|no answer within 100 ms/,
      )
      await takesAgain(transport)
    })
  })

  test(`${protocol}: a refused connection is retryable, and the next attempt finds the server that came back`, async (t) => {
    const gone = await startOtlpReceiver({ protocol })
    t.after(() => gone.close())
    await gone.close()
    const transport = open(configOf(carrier, gone.url))
    t.after(() => transport.close())
    for (let attempt = 0; attempt < 3; attempt++) {
      const away = await transport.send(batchOf(sampleTrace()))
      assert.equal(away.kind, 'retryable')
      assert.match(away.kind === 'retryable' ? away.reason : '', /ECONNREFUSED/)
    }
    const back = await startOtlpReceiver({ protocol, port: gone.port })
    t.after(() => back.close())
    assert.deepEqual(await transport.send(batchOf(sampleTrace())), { kind: 'ok' })
  })

  test(`${protocol}: a server that is replaced while connected is found again`, async (t) => {
    const first = await startOtlpReceiver({ protocol })
    t.after(() => first.close())
    const transport = open(configOf(carrier, first.url))
    t.after(() => transport.close())
    assert.equal((await transport.send(batchOf(sampleTrace()))).kind, 'ok')
    await first.close()
    assert.equal((await transport.send(batchOf(sampleTrace()))).kind, 'retryable')
    const second = await startOtlpReceiver({ protocol, port: first.port })
    t.after(() => second.close())
    assert.equal((await transport.send(batchOf(sampleTrace()))).kind, 'ok')
  })

  test(`${protocol}: a connection that went dead without a word is left for a new one`, async (t) => {
    const receiver = await startOtlpReceiver({ protocol })
    t.after(() => receiver.close())
    const wire = await tappedWire(receiver.port)
    t.after(() => wire.close())
    const transport = open(configOf(carrier, wire.url, { OTEL_EXPORTER_OTLP_TIMEOUT: '600' }))
    t.after(() => transport.close())
    await warmUp(transport)
    wire.freeze()
    assert.equal((await transport.send(batchOf(sampleTrace()))).kind, 'retryable')
    await takesAgain(transport)
  })

  test(`${protocol}: a dead connection is left, though another exporter's call still waits on one`, async (t) => {
    const receiver = await startOtlpReceiver({ protocol })
    t.after(() => receiver.close())
    const wire = await tappedWire(receiver.port)
    t.after(() => wire.close())
    const [patient, hasty] = ['4000', '400'].map((timeout) =>
      open(configOf(carrier, wire.url, { OTEL_EXPORTER_OTLP_TIMEOUT: timeout })),
    )
    assert.ok(patient && hasty)
    await warmUp(patient)
    await warmUp(hasty)
    wire.freeze()
    const waiting = patient.send(batchOf(sampleTrace()))
    assert.equal((await hasty.send(batchOf(sampleTrace()))).kind, 'retryable')
    await takesAgain(hasty)
    assert.equal((await waiting).kind, 'retryable')
    await Promise.all([patient.close(), hasty.close()])
  })

  test(`${protocol}: sends the headers`, async () => {
    await between(
      carrier,
      { env: { OTEL_EXPORTER_OTLP_HEADERS: 'x-tenant=7' } },
      async (transport, receiver) => {
        await transport.send(batchOf(sampleTrace()))
        assert.equal(receiver.requests[0]?.headers['x-tenant'], '7')
        assert.match(receiver.requests[0]?.headers['user-agent'] ?? '', /^podspan\/\d/)
      },
    )
  })

  test(`${protocol}: gzip is understood by the server and is smaller on the wire`, async (t) => {
    const receiver = await startOtlpReceiver({ protocol })
    t.after(() => receiver.close())
    const batch = batchOf(...Array.from({ length: 20 }, (_, number) => sampleTrace({ number })))
    const sizes: number[] = []
    for (const compression of ['none', 'gzip']) {
      const wire = await tappedWire(receiver.port)
      t.after(() => wire.close())
      const transport = open(configOf(carrier, wire.url, { OTEL_EXPORTER_OTLP_COMPRESSION: compression }))
      t.after(() => transport.close())
      assert.deepEqual(await transport.send(batch), { kind: 'ok' })
      sizes.push(wire.bytes())
    }
    const [plain = 0, zipped = 0] = sizes
    assert.ok(zipped < plain / 2, `${zipped} of ${plain} bytes`)
    assert.equal(receiver.spanCount, 2 * batch.spans)
  })

  test(`${protocol}: the exporter delivers whole traces end to end`, async (t) => {
    const receiver = await startOtlpReceiver({ protocol })
    t.after(() => receiver.close())
    receiver.script({ kind: 'unavailable' }, { kind: 'partial', rejected: 1, message: 'one' })
    const exporter = createExporter(
      { otlp: configOf(carrier, receiver.url), lingerMs: 1 },
      { clock, random: () => 0.001, log: () => {} },
    )
    for (let number = 0; number < 100; number++) exporter.export(sampleTrace({ number }))
    await exporter.flush()
    const account = await exporter.shutdown(5_000)
    assert.deepEqual(
      [account.in, account.sent, account.retries > 0, account.spansRejected],
      [100, 100, true, 1],
    )
    assert.equal(receiver.traceIds.size, 100)
    assert.equal(receiver.spanCount, 500)
    assert.match(exporter.describe(), /^traces: in 100 = sent 100 \+ dropped 0 \+ waiting 0;/)
  })
}

test('http: a batch whose answer breaks off was taken, and no earlier answer is taken for its own', async (t) => {
  const answers = [
    (response: ServerResponse) => response.end(encodePartialSuccess(1, 'x')),
    (response: ServerResponse) => {
      response.writeHead(200, { 'content-length': 100 }).write('some')
      setImmediate(() => response.destroy())
    },
  ]
  const server = createHttpServer((request, response) => {
    request.resume().on('end', () => answers.shift()?.(response))
  })
  await new Promise<void>((resolve) => server.listen(0, 'localhost', resolve))
  t.after(() => void server.close())
  const address = server.address()
  const url = `http://localhost:${typeof address === 'object' ? address?.port : ''}`
  const transport = open(parseConfig({ OTEL_EXPORTER_OTLP_ENDPOINT: url }))
  t.after(() => transport.close())
  assert.deepEqual(await transport.send(batchOf(sampleTrace())), { kind: 'ok', rejected: 1, message: 'x' })
  assert.deepEqual(await transport.send(batchOf(sampleTrace())), { kind: 'ok' })
})

test('http: at a port of OTLP over gRPC the reason says that the protocol is another', async (t) => {
  const receiver = await startOtlpReceiver({ protocol: 'grpc' })
  t.after(() => receiver.close())
  const url = receiver.url.replace(/^(?!http)/, 'http://')
  const transport = open(parseConfig({ OTEL_EXPORTER_OTLP_ENDPOINT: url }))
  t.after(() => transport.close())
  const result = await transport.send(batchOf(sampleTrace()))
  assert.equal(result.kind, 'retryable')
  assert.match(result.kind === 'retryable' ? result.reason : '', /not HTTP\/1\.1.*grpc/)
})

test('http: the timer of an attempt ends with it', async (t) => {
  const signals: AbortSignal[] = []
  const watched: Clock = {
    ...clock,
    sleep: (delayMs, signal) => {
      if (signal) signals.push(signal)
      return clock.sleep(delayMs, signal)
    },
  }
  const receiver = await startOtlpReceiver({ protocol: 'http' })
  t.after(() => receiver.close())
  const transport = createHttpTransport(parseConfig({ OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url }), watched)
  t.after(() => transport.close())
  await transport.send(batchOf(sampleTrace()))
  assert.deepEqual(
    signals.map((signal) => signal.aborted),
    [true],
  )
})

const folder = mkdtempSync(join(tmpdir(), 'podspan-tls-'))
after(() => rmSync(folder, { recursive: true }))
const certificates = createTestCertificates()
const file = (name: string, content: string): string => {
  const path = join(folder, name)
  writeFileSync(path, content)
  return path
}
const CA = { OTEL_EXPORTER_OTLP_CERTIFICATE: file('ca.pem', certificates.ca) }
const clientEnv = (name: 'client' | 'stranger'): Environment => ({
  ...CA,
  OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE: file(`${name}.pem`, certificates[name].cert),
  OTEL_EXPORTER_OTLP_CLIENT_KEY: file(`${name}.key`, certificates[name].key),
})
const serverTls = { ca: certificates.ca, ...certificates.server }

const tlsCases: { name: string; env: Environment; clientCert: boolean; then: SendResult['kind'] }[] = [
  { name: 'a known authority is trusted', env: CA, clientCert: false, then: 'ok' },
  { name: 'an unknown authority is not', env: {}, clientCert: false, then: 'retryable' },
  {
    name: 'a client certificate opens a server that wants one',
    env: clientEnv('client'),
    clientCert: true,
    then: 'ok',
  },
  { name: 'without one it stays shut', env: CA, clientCert: true, then: 'retryable' },
  {
    name: "a stranger's one does not open it",
    env: clientEnv('stranger'),
    clientCert: true,
    then: 'retryable',
  },
]

for (const carrier of carriers) {
  for (const { name, env, clientCert, then } of tlsCases) {
    test(`${carrier.protocol} over TLS: ${name}`, async () => {
      await between(carrier, { env, tls: { ...serverTls, clientCert } }, async (transport, receiver) => {
        const result = await transport.send(batchOf(sampleTrace()))
        assert.equal(result.kind, then, JSON.stringify(result))
        assert.equal(receiver.spanCount, then === 'ok' ? 5 : 0)
      })
    })
  }

  test(`${carrier.protocol} over TLS: a certificate that was rotated is used at the next attempt`, async () => {
    const env = {
      ...CA,
      OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE: file('rotating.pem', certificates.stranger.cert),
      OTEL_EXPORTER_OTLP_CLIENT_KEY: file('rotating.key', certificates.stranger.key),
    }
    await between(carrier, { env, tls: { ...serverTls, clientCert: true } }, async (transport) => {
      assert.equal((await transport.send(batchOf(sampleTrace()))).kind, 'retryable')
      file('rotating.pem', certificates.client.cert)
      file('rotating.key', certificates.client.key)
      assert.equal((await transport.send(batchOf(sampleTrace()))).kind, 'ok')
    })
  })

  test(`${carrier.protocol} over TLS: a certificate that is gone for a moment costs an attempt, not the batch`, async () => {
    const path = file('moving.pem', certificates.ca)
    await between(
      carrier,
      { env: { OTEL_EXPORTER_OTLP_CERTIFICATE: path }, tls: serverTls },
      async (transport) => {
        rmSync(path)
        assert.equal((await transport.send(batchOf(sampleTrace()))).kind, 'retryable')
        file('moving.pem', certificates.ca)
        assert.equal((await transport.send(batchOf(sampleTrace()))).kind, 'ok')
      },
    )
  })

  test(`${carrier.protocol} over TLS: unusable certificates are refused at start`, () => {
    const at = (env: Environment) => () =>
      createExporter(
        { otlp: configOf(carrier, 'https://localhost:1', env) },
        { clock, random: Math.random, log: () => {} },
      )
    assert.throws(
      at({ OTEL_EXPORTER_OTLP_CERTIFICATE: '/nowhere/ca.pem' }),
      (error) =>
        error instanceof ConfigError &&
        /^certificate: "\/nowhere\/ca.pem" cannot be read/.test(error.message),
    )
    const mixed = {
      ...clientEnv('client'),
      OTEL_EXPORTER_OTLP_CLIENT_KEY: file('x.key', certificates.stranger.key),
    }
    assert.throws(
      at(mixed),
      (error) => error instanceof ConfigError && /not usable for TLS/.test(error.message),
    )
  })
}
