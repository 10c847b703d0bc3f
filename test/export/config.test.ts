import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  ConfigError,
  type Environment,
  isExportConfigured,
  type OtlpConfig,
  type OtlpOptions,
  parseConfig,
} from '../../src/export/config.ts'

const E = 'OTEL_EXPORTER_OTLP_ENDPOINT'
const P = 'OTEL_EXPORTER_OTLP_PROTOCOL'

const accepted: { name: string; env?: Environment; options?: OtlpOptions; then: Partial<OtlpConfig> }[] = [
  {
    name: 'without anything, HTTP to localhost',
    then: {
      protocol: 'http/protobuf',
      target: 'http://localhost:4318/v1/traces',
      secure: false,
      timeoutMs: 10_000,
      compression: 'none',
      headers: {},
    },
  },
  {
    name: 'gRPC without an endpoint goes to localhost',
    env: { [P]: 'grpc' },
    then: { target: 'localhost:4317', secure: false },
  },
  {
    name: 'the HTTP endpoint gets the path of traces',
    env: { [E]: 'http://otel:4318' },
    then: { target: 'http://otel:4318/v1/traces' },
  },
  {
    name: 'below the path it has',
    env: { [E]: 'https://otel/base/' },
    then: { target: 'https://otel/base/v1/traces', secure: true },
  },
  {
    name: 'an endpoint for traces is taken as it is, and wins',
    env: { [E]: 'http://a:1', OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'http://b:2/custom' },
    then: { target: 'http://b:2/custom' },
  },
  {
    name: 'a query stays',
    env: { [E]: 'http://otel:4318?tenant=1' },
    then: { target: 'http://otel:4318/v1/traces?tenant=1' },
  },
  {
    name: 'port 4317 without a protocol is gRPC',
    env: { [E]: 'http://otel:4317' },
    then: { protocol: 'grpc', target: 'otel:4317', secure: false },
  },
  {
    name: 'https is TLS over gRPC',
    env: { [E]: 'https://otel:4317', [P]: 'grpc' },
    then: { target: 'otel:4317', secure: true },
  },
  {
    name: 'gRPC over https has a port of its own',
    env: { [E]: 'https://otel', [P]: 'grpc' },
    then: { target: 'otel:443', secure: true },
  },
  {
    name: 'a port that the scheme implies stays',
    env: { [E]: 'http://otel:80', [P]: 'grpc' },
    then: { target: 'otel:80', secure: false },
  },
  {
    name: 'a gRPC endpoint without a scheme is TLS',
    env: { [E]: 'otel:4317', [P]: 'grpc' },
    then: { target: 'otel:4317', secure: true },
  },
  {
    name: 'unless it is insecure',
    env: { [E]: 'otel:4317', [P]: 'grpc', OTEL_EXPORTER_OTLP_INSECURE: 'True' },
    then: { target: 'otel:4317', secure: false },
  },
  {
    name: 'insecure does not weaken https',
    env: { [E]: 'https://otel:4317', [P]: 'grpc', OTEL_EXPORTER_OTLP_INSECURE: 'true' },
    then: { secure: true },
  },
  { name: 'IPv6', env: { [E]: 'http://[::1]:4317' }, then: { protocol: 'grpc', target: '[::1]:4317' } },
  {
    name: 'a Unix socket',
    env: { [E]: 'unix:///run/otel.sock', [P]: 'grpc' },
    then: { target: 'unix:///run/otel.sock', secure: false },
  },
  {
    name: 'headers are pairs with percent-encoded values',
    env: { OTEL_EXPORTER_OTLP_HEADERS: ' Authorization=Basic%20abc== , x-tenant = 7,' },
    then: { headers: { authorization: 'Basic abc==', 'x-tenant': '7' } },
  },
  {
    name: 'headers for traces win as a whole',
    env: { OTEL_EXPORTER_OTLP_HEADERS: 'a=1,b=2', OTEL_EXPORTER_OTLP_TRACES_HEADERS: 'a=3' },
    then: { headers: { a: '3' } },
  },
  { name: 'gzip', env: { OTEL_EXPORTER_OTLP_COMPRESSION: 'gzip' }, then: { compression: 'gzip' } },
  {
    name: 'none for traces wins over gzip for all',
    env: { OTEL_EXPORTER_OTLP_COMPRESSION: 'gzip', OTEL_EXPORTER_OTLP_TRACES_COMPRESSION: 'none' },
    then: { compression: 'none' },
  },
  {
    name: 'the timeout is in milliseconds',
    env: { OTEL_EXPORTER_OTLP_TIMEOUT: '2500' },
    then: { timeoutMs: 2500 },
  },
  {
    name: 'certificates are paths',
    env: {
      OTEL_EXPORTER_OTLP_CERTIFICATE: '/ca.pem',
      OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE: '/c.pem',
      OTEL_EXPORTER_OTLP_TRACES_CLIENT_KEY: '/k.pem',
    },
    then: { certificate: '/ca.pem', clientCertificate: '/c.pem', clientKey: '/k.pem' },
  },
  {
    name: 'an empty variable is unset',
    env: { [E]: '', [P]: ' ' },
    then: { protocol: 'http/protobuf', target: 'http://localhost:4318/v1/traces' },
  },
  {
    name: 'options are stronger than variables',
    env: {
      [E]: 'http://a:1',
      [P]: 'http/protobuf',
      OTEL_EXPORTER_OTLP_TIMEOUT: '1',
      OTEL_EXPORTER_OTLP_HEADERS: 'a=1',
    },
    options: {
      endpoint: 'http://b:2',
      protocol: 'grpc',
      timeoutMs: 2,
      headers: { B: '2' },
      compression: 'gzip',
    },
    then: { protocol: 'grpc', target: 'b:2', timeoutMs: 2, headers: { b: '2' }, compression: 'gzip' },
  },
  {
    name: 'an endpoint by option is stronger than one for traces',
    env: { OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'http://a:1/x' },
    options: { endpoint: 'http://b:2' },
    then: { target: 'http://b:2/v1/traces' },
  },
]

for (const { name, env = {}, options = {}, then } of accepted) {
  test(`config: ${name}`, () => {
    const config = parseConfig(env, options)
    for (const [key, value] of Object.entries(then)) {
      assert.deepEqual(Object.entries(config).find(([own]) => own === key)?.[1], value, key)
    }
  })
}

const refused: { name: string; env?: Environment; options?: OtlpOptions; says: RegExp }[] = [
  {
    name: 'http/json',
    env: { [P]: 'http/json' },
    says: /OTEL_EXPORTER_OTLP_PROTOCOL: "http\/json" is not valid; expected grpc or http\/protobuf/,
  },
  {
    name: 'another protocol',
    env: { OTEL_EXPORTER_OTLP_TRACES_PROTOCOL: 'udp' },
    says: /OTEL_EXPORTER_OTLP_TRACES_PROTOCOL: "udp"/,
  },
  {
    name: 'an HTTP endpoint without a scheme',
    env: { [E]: 'otel:4318' },
    says: /OTEL_EXPORTER_OTLP_ENDPOINT: "otel:4318" is not valid; expected http:/,
  },
  {
    name: 'a gRPC endpoint with a path',
    env: { [E]: 'http://otel:4317/v1/traces', [P]: 'grpc' },
    says: /without a path/,
  },
  { name: 'a gRPC endpoint without a port', env: { [E]: 'http://otel', [P]: 'grpc' }, says: /HOST:PORT/ },
  {
    name: 'a gRPC endpoint that is none',
    env: { [E]: 'ftp://otel:1', [P]: 'grpc' },
    says: /"ftp:\/\/otel:1"/,
  },
  { name: 'an endpoint by option', options: { endpoint: 'nonsense' }, says: /^endpoint: "nonsense"/ },
  {
    name: 'a timeout that is not a number',
    env: { OTEL_EXPORTER_OTLP_TIMEOUT: '10s' },
    says: /OTEL_EXPORTER_OTLP_TIMEOUT: "10s" .* from 1 to 600000/,
  },
  { name: 'a timeout of zero', options: { timeoutMs: 0 }, says: /^timeoutMs: "0"/ },
  {
    name: 'another compression',
    env: { OTEL_EXPORTER_OTLP_COMPRESSION: 'zstd' },
    says: /OTEL_EXPORTER_OTLP_COMPRESSION: "zstd" is not valid; expected gzip or none/,
  },
  {
    name: 'an insecure that is neither',
    env: { [E]: 'otel:4317', [P]: 'grpc', OTEL_EXPORTER_OTLP_INSECURE: 'yes' },
    says: /INSECURE: "yes" is not valid; expected true or false/,
  },
  {
    name: 'a header without a value',
    env: { OTEL_EXPORTER_OTLP_HEADERS: 'a=1,secret' },
    says: /HEADERS: "entry 2" is not valid/,
  },
  {
    name: 'a binary header over gRPC',
    env: { [P]: 'grpc', OTEL_EXPORTER_OTLP_HEADERS: 'a-bin=1' },
    says: /"a-bin"/,
  },
  {
    name: 'a header with a line break',
    options: { headers: { a: 'x\ny' } },
    says: /headers: "a" is not valid/,
  },
  {
    name: 'a client certificate without a key',
    env: { OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE: '/c.pem' },
    says: /CLIENT_CERTIFICATE: "\/c.pem" is not valid; expected a client key/,
  },
  {
    name: 'a client key without a certificate',
    options: { clientKey: '/k.pem' },
    says: /^clientKey: "\/k.pem"/,
  },
]

for (const { name, env = {}, options = {}, says } of refused) {
  test(`config refuses ${name}`, () => {
    assert.throws(
      () => parseConfig(env, options),
      (error) => error instanceof ConfigError && says.test(error.message),
    )
  })
}

test('config names every wrong setting at once', () => {
  assert.throws(() => parseConfig({ [P]: 'x', OTEL_EXPORTER_OTLP_TIMEOUT: 'y' }), /"x"[^]*\n[^]*"y"/)
})

test('config never repeats the value of a header', () => {
  const env = { OTEL_EXPORTER_OTLP_HEADERS: 'authorization=Bearer%0Ahush,hush' }
  assert.throws(
    () => parseConfig(env),
    (error) => error instanceof ConfigError && !error.message.includes('hush'),
  )
})

test('export is configured where an endpoint is named', () => {
  assert.equal(isExportConfigured({}), false)
  assert.equal(isExportConfigured({ [E]: '' }), false)
  assert.equal(isExportConfigured({ [E]: 'x' }), true)
  assert.equal(isExportConfigured({ OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'x' }), true)
  assert.equal(isExportConfigured({}, { endpoint: 'x' }), true)
})
