import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { request as httpRequest } from 'node:http'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { gzipSync } from 'node:zlib'
import { type Clock, manualClock, systemClock } from '../../src/base/clock.ts'
import type { NativeSpan } from '../../src/base/native.ts'
import { seconds, unixNano } from '../../src/base/time.ts'
import { fromJson } from '../../src/decode/otlp-from-json.ts'
import { EXPORT_REQUEST } from '../../src/decode/otlp-messages.ts'
import { type Environment, parseConfig } from '../../src/export/config.ts'
import type { SendResult, Transport } from '../../src/export/transport.ts'
import { createGrpcTransport } from '../../src/export/transport-grpc.ts'
import { createHttpTransport } from '../../src/export/transport-http.ts'
import { DEFAULT_LIMITS, type IntakeLimits } from '../../src/receive/intake.ts'
import { type Receiver, type ReceiverOptions, startReceiver } from '../../src/receive/receiver.ts'
import { createTestCertificates } from '../support/otlp-receiver-tls.ts'

/** The two carriers of OTLP; each must keep every promise against the real client of an exporter. */
const carriers = [
  { protocol: 'grpc', variable: 'grpc' },
  { protocol: 'http', variable: 'http/protobuf' },
] as const
type Carrier = (typeof carriers)[number]

const T = unixNano(1_800_000_000_000_000_000n)

interface Given extends Partial<Omit<ReceiverOptions, 'limits'>> {
  readonly limits?: Partial<IntakeLimits>
  readonly env?: Environment
}

interface There {
  readonly receiver: Receiver
  readonly transport: Transport
  readonly spans: NativeSpan[]
  readonly said: string[]
  readonly port: number
}

const directory = mkdtempSync(join(tmpdir(), 'podspan-receiver-'))
after(() => rmSync(directory, { recursive: true }))
const certificates = createTestCertificates()
const caFile = join(directory, 'ca.crt')
writeFileSync(caFile, certificates.ca)

async function between(
  { protocol, variable }: Carrier,
  { limits, env = {}, ...options }: Given,
  then: (there: There) => Promise<void>,
): Promise<void> {
  const spans: NativeSpan[] = []
  const said: string[] = []
  const receiver = await startReceiver({
    endpoints: [{ protocol, host: '127.0.0.1', port: 0 }],
    limits: { ...DEFAULT_LIMITS, ...limits },
    clock: systemClock(),
    random: () => 0.5,
    wants: (name) => name !== 'noise',
    choose: (read) => read.filter(({ name }) => name !== 'dull'),
    onSpans: (taken) => void spans.push(...taken),
    log: (message, fields) => void said.push(`${message} ${JSON.stringify(fields)}`),
    ...options,
  })
  const [port = 0] = receiver.ports
  const scheme = options.tls ? 'https' : 'http'
  const config = parseConfig({
    OTEL_EXPORTER_OTLP_ENDPOINT: `${scheme}://127.0.0.1:${port}`,
    OTEL_EXPORTER_OTLP_PROTOCOL: variable,
    OTEL_EXPORTER_OTLP_CERTIFICATE: options.tls ? caFile : '',
    ...env,
  })
  const transport =
    protocol === 'grpc'
      ? createGrpcTransport(config, systemClock())
      : createHttpTransport(config, systemClock())
  try {
    await then({ receiver, transport, spans, said, port })
  } finally {
    await transport.close()
    await receiver.close()
  }
}

const span = (name: string, more: object = {}): object => ({
  traceId: 'ab'.repeat(16),
  spanId: 'cd'.repeat(8),
  name,
  startTimeUnixNano: '1795992400000000000',
  endTimeUnixNano: '1795992400000000001',
  ...more,
})
const requestOf = (spans: readonly object[]): object => ({ resourceSpans: [{ scopeSpans: [{ spans }] }] })
const bytesOf = (...spans: readonly object[]): Buffer => fromJson(EXPORT_REQUEST, requestOf(spans))

const send = (transport: Transport, body: Uint8Array): Promise<SendResult> =>
  transport.send({ requests: [body], spans: 1 })

for (const carrier of carriers) {
  const title = (behaviour: string): string => `${carrier.protocol}: ${behaviour}`

  test(title('what is wished for is handed on, the rest is counted'), () =>
    between(carrier, {}, async ({ transport, receiver, spans }) => {
      const body = bytesOf(span('work'), span('noise'), span('dull'))
      assert.deepEqual(await send(transport, body), { kind: 'ok' })
      assert.deepEqual(
        spans.map(({ name }) => name),
        ['work'],
      )
      const { spans: count, skipped, requests, bytes } = receiver.counters()
      assert.deepEqual([count, skipped, requests.taken, bytes], [3, 2, 1, body.length])
    }),
  )

  test(title('an empty request is taken'), () =>
    between(carrier, {}, async ({ transport }) => {
      assert.deepEqual(await send(transport, Buffer.alloc(0)), { kind: 'ok' })
    }),
  )

  test(title('spans that are none are told as a partial success, and the others are taken'), () =>
    between(carrier, {}, async ({ transport, receiver, spans, said }) => {
      const body = bytesOf(span('work'), span('no id', { spanId: '' }))
      const result = await send(transport, body)
      assert.equal(result.kind === 'ok' && result.rejected, 1)
      assert.deepEqual([spans.length, receiver.counters().invalid], [1, 1])
      await send(transport, body)
      assert.equal(said.length, 1, said.join('\n'))
    }),
  )

  test(title('garbage is refused for good, counted, said once, and what comes after it is taken'), () =>
    between(carrier, {}, async ({ transport, receiver, spans, said }) => {
      for (let count = 0; count < 3; count++) {
        const result = await send(transport, Buffer.from('this is no protobuf at all'))
        assert.equal(result.kind, 'failed')
      }
      assert.deepEqual(await send(transport, bytesOf(span('work'))), { kind: 'ok' })
      assert.deepEqual([receiver.counters().requests.garbage, said.length, spans.length], [3, 1, 1])
      assert.match(said.join(), /no export request for traces/)
    }),
  )

  test(title('what is larger than the bound is refused, and the sender may halve it'), () =>
    between(carrier, { limits: { messageBytes: 1000 } }, async ({ transport, receiver, spans }) => {
      const result = await send(transport, bytesOf(...Array.from({ length: 40 }, () => span('work'))))
      assert.equal(result.kind, 'too-large')
      assert.deepEqual([spans.length, receiver.counters().requests['too large']], [0, 1])
    }),
  )

  test(title('a flood is held back with a time to come back at, and taken then'), () => {
    const clock = manualClock(T)
    const limits = { spansPerSecond: 10 }
    return between(carrier, { clock, limits }, async ({ transport, receiver, spans }) => {
      const many = bytesOf(...Array.from({ length: 50 }, () => span('work')))
      assert.deepEqual(await send(transport, many), { kind: 'ok' })
      const held = await send(transport, bytesOf(span('late')))
      // 20 may come at once, so that 30 are owed: 3 s, and one so that not all come back together.
      assert.deepEqual([held.kind, held.kind === 'retryable' && held.retryAfterMs], ['retryable', 4000])
      assert.equal(receiver.counters().requests.throttled, 1)
      clock.advance(seconds(4))
      assert.deepEqual(await send(transport, bytesOf(span('late'))), { kind: 'ok' })
      assert.equal(spans.length, 51)
    })
  })

  test(title('a replica that does not lead sends everybody elsewhere without a word in the log'), () => {
    const role = { leads: false }
    return between(carrier, { isOpen: () => role.leads }, async ({ transport, receiver, said }) => {
      const away = await send(transport, bytesOf(span('work')))
      assert.deepEqual([away.kind, away.kind === 'retryable' && away.retryAfterMs], ['retryable', 1000])
      assert.deepEqual([receiver.counters().requests.unavailable, said], [1, []])
      role.leads = true
      assert.deepEqual(await send(transport, bytesOf(span('work'))), { kind: 'ok' })
    })
  })

  test(title('without the token nobody is let in, and what it says is not in the log'), () =>
    between(carrier, { token: 'hunter2' }, async ({ transport, spans, receiver, said }) => {
      assert.equal((await send(transport, bytesOf(span('work')))).kind, 'failed')
      assert.deepEqual([spans.length, receiver.counters().requests.unauthorized], [0, 1])
      assert.ok(!said.join().includes('hunter2'))
    }),
  )

  test(title('with the token one is let in'), () =>
    between(
      carrier,
      { token: 'hunter2', env: { OTEL_EXPORTER_OTLP_HEADERS: 'authorization=Bearer%20hunter2' } },
      async ({ transport }) => {
        assert.deepEqual(await send(transport, bytesOf(span('work'))), { kind: 'ok' })
      },
    ),
  )

  test(
    title('with a certificate it serves TLS, and only those whom the authority knows, where one is named'),
    async () => {
      const { server: tls, client, stranger, ca } = certificates
      const files = (name: string, { cert, key }: typeof client): Environment => {
        const [certFile, keyFile] = [join(directory, `${name}.crt`), join(directory, `${name}.key`)]
        writeFileSync(certFile, cert)
        writeFileSync(keyFile, key)
        return {
          OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE: certFile,
          OTEL_EXPORTER_OTLP_CLIENT_KEY: keyFile,
        }
      }
      const host = { OTEL_EXPORTER_OTLP_ENDPOINT: '' }
      const sendAs = (given: Given): Promise<SendResult> =>
        new Promise((resolve, reject) => {
          between(carrier, given, async ({ port }) => {
            const config = parseConfig({
              ...host,
              OTEL_EXPORTER_OTLP_PROTOCOL: carrier.variable,
              OTEL_EXPORTER_OTLP_TIMEOUT: '2000',
              OTEL_EXPORTER_OTLP_CERTIFICATE: caFile,
              ...given.env,
              OTEL_EXPORTER_OTLP_ENDPOINT: `https://localhost:${port}`,
            })
            const transport =
              carrier.protocol === 'grpc'
                ? createGrpcTransport(config, systemClock())
                : createHttpTransport(config, systemClock())
            const result = await send(transport, bytesOf(span('work')))
            await transport.close()
            resolve(result)
          }).catch(reject)
        })
      assert.deepEqual(await sendAs({ tls }), { kind: 'ok' })
      assert.deepEqual(await sendAs({ tls: { ...tls, ca }, env: files('client', client) }), { kind: 'ok' })
      assert.notEqual((await sendAs({ tls: { ...tls, ca }, env: files('stranger', stranger) })).kind, 'ok')
    },
  )

  test(title('after everybody was disconnected they come back'), () =>
    between(carrier, {}, async ({ transport, receiver }) => {
      assert.deepEqual(await send(transport, bytesOf(span('work'))), { kind: 'ok' })
      receiver.disconnect()
      const results = [await send(transport, bytesOf(span('work')))]
      // The client may learn of its dead connection by the first try.
      for (let tries = 0; tries < 5 && results.at(-1)?.kind !== 'ok'; tries++)
        results.push(await send(transport, bytesOf(span('work'))))
      assert.equal(results.at(-1)?.kind, 'ok')
    }),
  )

  test(title('more connections than the bound are not served, are counted, and are said once'), () =>
    between(carrier, { limits: { connections: 2 } }, async ({ port, receiver, said }) => {
      const sockets = Array.from({ length: 4 }, () => connect(port, '127.0.0.1'))
      const closed = await Promise.all(
        sockets.slice(2).map(
          (socket) =>
            new Promise<boolean>((resolve) => {
              socket.on('error', () => {})
              socket.on('close', () => resolve(true))
            }),
        ),
      )
      assert.deepEqual(closed, [true, true])
      assert.equal(receiver.counters().connectionsRefused, 2)
      assert.deepEqual(said, [
        'the receiver refuses spans: too many connections; it is counted from here on {"most":2}',
      ])
      for (const socket of sockets) socket.destroy()
    }),
  )

  test(title('a bug in what takes the spans refuses the request and ends nothing'), () => {
    let broken = true
    const onSpans = (): void => {
      if (broken) throw new Error('a bug')
    }
    return between(carrier, { onSpans }, async ({ transport, said }) => {
      assert.equal((await send(transport, bytesOf(span('work')))).kind, 'failed')
      assert.match(said.join(), /failed on a request.*a bug/)
      broken = false
      assert.deepEqual(await send(transport, bytesOf(span('work'))), { kind: 'ok' })
    })
  })

  test(title('a request that is read slowly takes one of few places, and no more'), async () => {
    const clock: Clock = systemClock()
    await between(carrier, { clock, limits: { requests: 1 } }, async ({ transport, port, receiver }) => {
      const slow = carrier.protocol === 'http' ? slowHttp(port) : slowGrpc(port)
      await slow.waiting
      // One that is turned away while the slow one is there proves that it has its place.
      let away: SendResult = { kind: 'ok' }
      for (let tries = 0; tries < 50 && away.kind === 'ok'; tries++) {
        await clock.sleep(20)
        away = await send(transport, bytesOf(span('work')))
      }
      assert.equal(away.kind, 'retryable')
      slow.end()
      for (let tries = 0; tries < 50 && away.kind !== 'ok'; tries++) {
        await clock.sleep(20)
        away = await send(transport, bytesOf(span('work')))
      }
      assert.deepEqual(away, { kind: 'ok' })
      assert.ok(receiver.counters().requests.unavailable > 0)
    })
  })
}

interface Slow {
  readonly waiting: Promise<void>
  end(): void
}

/** A body of which only a part ever comes. */
function slowHttp(port: number): Slow {
  const headers = { 'content-type': 'application/x-protobuf', 'content-length': '100' }
  const request = httpRequest({ port, host: '127.0.0.1', method: 'POST', path: '/v1/traces', headers })
  request.on('error', () => {})
  const waiting = new Promise<void>((resolve) => request.write('half', () => resolve()))
  return { waiting, end: () => void request.destroy() }
}

/** The preface of HTTP/2, and the headers of a call whose message never comes. */
function slowGrpc(port: number): Slow {
  const socket = connect(port, '127.0.0.1')
  socket.on('error', () => {})
  const waiting = new Promise<void>((resolve) => {
    socket.on('connect', () => {
      socket.write('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n')
      socket.write(frame(4, 0, 0, Buffer.alloc(0)))
      socket.write(frame(1, 4, 1, headerBlock()), () => resolve())
    })
  })
  return { waiting, end: () => void socket.destroy() }
}

function frame(type: number, flags: number, stream: number, payload: Buffer): Buffer {
  const head = Buffer.alloc(9)
  head.writeUIntBE(payload.length, 0, 3)
  head.writeUInt8(type, 3)
  head.writeUInt8(flags, 4)
  head.writeUInt32BE(stream, 5)
  return Buffer.concat([head, payload])
}

/** HPACK without its table or Huffman: each header as a literal. */
function headerBlock(): Buffer {
  const headers = {
    ':method': 'POST',
    ':scheme': 'http',
    ':path': '/opentelemetry.proto.collector.trace.v1.TraceService/Export',
    ':authority': 'localhost',
    'content-type': 'application/grpc',
    te: 'trailers',
  }
  const literal = (text: string): Buffer => Buffer.concat([Buffer.from([text.length]), Buffer.from(text)])
  return Buffer.concat(
    Object.entries(headers).flatMap(([name, value]) => [Buffer.from([0]), literal(name), literal(value)]),
  )
}

const post = async (
  port: number,
  headers: Readonly<Record<string, string>>,
  body: Uint8Array | string,
): Promise<Response> =>
  fetch(`http://127.0.0.1:${port}/v1/traces`, { method: 'POST', headers, body: body as string })

const HTTP: Carrier = carriers[1]

test('http: JSON is taken, and answered as JSON', () =>
  between(HTTP, {}, async ({ port, spans }) => {
    const headers = { 'content-type': 'application/json; charset=utf-8' }
    const good = await post(
      port,
      headers,
      JSON.stringify(requestOf([span('work'), span('no id', { spanId: '' })])),
    )
    assert.equal(good.status, 200)
    assert.equal(
      ((await good.json()) as { partialSuccess: { rejectedSpans: string } }).partialSuccess.rejectedSpans,
      '1',
    )
    assert.equal(spans.length, 1)
    const bad = await post(port, headers, '{"resourceSpans": 7}')
    assert.deepEqual(
      [bad.status, await bad.json()],
      [400, { code: 3, message: 'no export request for traces: expected a list (resourceSpans)' }],
    )
    assert.equal((await post(port, headers, 'no JSON')).status, 400)
  }))

test('http: what is packed is unpacked, but not beyond the bound', () =>
  between(HTTP, { limits: { messageBytes: 10_000 } }, async ({ port, spans }) => {
    const headers = { 'content-type': 'application/x-protobuf', 'content-encoding': 'gzip' }
    assert.equal((await post(port, headers, gzipSync(bytesOf(span('work'))))).status, 200)
    assert.equal(spans.length, 1)
    assert.equal((await post(port, headers, gzipSync(Buffer.alloc(10_000_000)))).status, 413)
    assert.equal((await post(port, headers, 'no gzip')).status, 400)
    assert.equal((await post(port, { ...headers, 'content-encoding': 'br' }, 'x')).status, 400)
  }))

test('http: other paths, methods and types are told what is expected', () =>
  between(HTTP, {}, async ({ port }) => {
    const base = `http://127.0.0.1:${port}`
    assert.equal((await fetch(`${base}/v1/metrics`, { method: 'POST' })).status, 404)
    assert.equal((await fetch(`${base}/v1/traces`)).status, 405)
    assert.equal((await post(port, { 'content-type': 'text/plain' }, 'x')).status, 415)
  }))

test('an address that is taken is an error, and nothing is left listening', async () => {
  await between(HTTP, {}, async ({ port }) => {
    const options = {
      endpoints: [
        { protocol: 'grpc', host: '127.0.0.1', port: 0 },
        { protocol: 'http', host: '127.0.0.1', port },
      ],
      limits: DEFAULT_LIMITS,
      clock: systemClock(),
      random: () => 0.5,
      wants: () => true,
      choose: (spans: readonly NativeSpan[]) => spans,
      onSpans: () => {},
      log: () => {},
    } as const
    await assert.rejects(startReceiver(options), { code: 'EADDRINUSE' })
  })
})
