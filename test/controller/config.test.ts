// Owns the configuration: precedence, refusals by name, unknown keys.
// Promises that each message names where the value came from and what was expected.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { loadConfig, otlpConfigOf, type LoadedConfig } from '../../src/controller/config.ts'
import { CONFIG_KEYS, nearest, SETTINGS } from '../../src/controller/config-settings.ts'
import { parseDuration } from '../../src/controller/config-values.ts'

const file = (text: string): { path: string; text: string } => ({ path: 'config.yaml', text })

function configOf(loaded: LoadedConfig) {
  assert.ok(loaded.ok, loaded.ok ? '' : loaded.problems.join('\n'))
  return loaded.config
}

function problemsOf(loaded: LoadedConfig): readonly string[] {
  assert.ok(!loaded.ok, 'it was accepted')
  return loaded.problems
}

test('nothing at all is a configuration: every setting has a default or may be absent', () => {
  const config = configOf(loadConfig({}))
  assert.equal(config.startTimeout, 600_000_000_000n)
  assert.deepEqual(config.exporters, {})
  assert.equal(config.leaderElection.enabled, true)
})

test('a flag is stronger than a variable, a variable than the file, the file than the default', () => {
  const text = 'log: {level: warn}\nsettle: 1s\nstartTimeout: 1m\n'
  const env = { PODSPAN_LOG_LEVEL: 'error', PODSPAN_SETTLE: '2s' }
  const config = configOf(loadConfig({ file: file(text), env, flags: { 'log-level': 'debug' } }))
  assert.equal(config.log.level, 'debug')
  assert.equal(config.settle, 2_000_000_000n)
  assert.equal(config.startTimeout, 60_000_000_000n)
  assert.equal(config.server.port, 8080)
})

test('every kind of setting can be given as a variable', () => {
  const env = {
    PODSPAN_NAMESPACES: 'shop, pay',
    PODSPAN_WATCH_NODES: 'false',
    PODSPAN_SERVER_PORT: '9090',
    PODSPAN_SERVICE_NAME: 'fixed:starts',
  }
  const config = configOf(loadConfig({ env }))
  assert.deepEqual(config.namespaces, ['shop', 'pay'])
  assert.equal(config.watch.nodes, false)
  assert.equal(config.server.port, 9090)
  assert.deepEqual(config.serviceName, { fixed: 'starts' })
})

test('every setting but a map has a flag and a variable, and no two share one', () => {
  assert.equal(new Set(SETTINGS.map(({ flag }) => flag)).size, SETTINGS.length)
  assert.equal(new Set(SETTINGS.map(({ variable }) => variable)).size, SETTINGS.length)
  const tops = new Set(SETTINGS.map(({ path }) => path[0]))
  const without = Object.keys(CONFIG_KEYS.properties ?? {}).filter((key) => !tops.has(key))
  assert.deepEqual(without, ['exporters', 'standingSession'])
})

test('the spec of the standing session stays as it is written, and what a session may not be is refused', () => {
  const spec = { allPods: true, namespaceSelector: {}, completion: { when: 'Never' } }
  const config = configOf(loadConfig({ file: file(JSON.stringify({ standingSession: spec })) }))
  assert.deepEqual(config.standingSession, spec)
  const wrong = 'standingSession:\n  allPods: true\n  completion: {when: Always}\n'
  assert.match(
    problemsOf(loadConfig({ file: file(wrong) })).join(),
    /^config\.yaml:3: standingSession\.completion\.when: "Always" is not valid; expected one of /,
  )
})

const REFUSED: readonly { readonly text: string; readonly says: RegExp }[] = [
  {
    text: 'receiver: {grpcPort: 4318}',
    says: /receiver\.httpPort: .* expected another port than grpcPort/,
  },
  {
    text: 'receiver: {enabled: true, httpPort: 8080}',
    says: /receiver\.httpPort: 8080 is not valid; expected another port than server\.port/,
  },
  {
    text: 'receiver: {tls: {cert: /tls.crt}}',
    says: /receiver\.tls\.key: is missing; expected a path, since the other one of the two is set/,
  },
  {
    text: 'startTimeout: 10s\nreceiver: {enabled: true}',
    says: /startTimeout: "10s" is not valid; expected more than 10s/,
  },
  { text: 'settle: 5', says: /^config\.yaml:1: settle: 5 is not valid; expected a duration from 0s to 5m/ },
  { text: 'settle: 6m', says: /settle: "6m" is not valid; expected a duration from 0s to 5m/ },
  { text: 'startTimeout: 1d', says: /startTimeout: "1d" is not valid; expected a duration from 1s to 24h/ },
  {
    text: 'settle: 2m\nstartTimeout: 1m',
    says: /^config\.yaml:1: settle: .* expected less than startTimeout/,
  },
  { text: 'namespaces: shop', says: /namespaces: "shop" is not valid; expected a list/ },
  { text: 'namespaces: [Shop]', says: /namespaces\.0: "Shop" is not valid; expected a name/ },
  { text: 'serviceName: pod', says: /serviceName: "pod" is not valid; expected actor, workload or/ },
  { text: 'watch: {nodes: maybe}', says: /watch\.nodes: "maybe" is not valid; expected true or false/ },
  { text: 'log:\n  level: loud', says: /^config\.yaml:2: log\.level: "loud" .* debug, info, warn or error/ },
  { text: 'server: {port: 70000}', says: /server\.port: 70000 .* a whole number from 0 to 65535/ },
  { text: 'ring: {maxBytes: 1.5}', says: /ring\.maxBytes: 1\.5 .* a whole number from 1048576/ },
  { text: 'leaderElection: {leaseDuration: 5s}', says: /leaseDuration: "5s" .* more than renewDeadline/ },
  {
    text: 'leaderElection: {renewDeadline: 2s}',
    says: /renewDeadline: "2s" .* more than 1\.2 times retryPeriod/,
  },
  { text: 'leaderElection: {retryPeriod: 3s}', says: /retryPeriod: "3s" .* a duration from 100ms to 2s/ },
  { text: 'links: {traceURLTemplate: "https://x/"}', says: /traceURLTemplate: .* with \{traceID\} in it/ },
  { text: 'exporters: {a: {}}', says: /exporters\.a\.endpoint: is missing; expected http:/ },
  { text: 'exporters: {A: {endpoint: "x:1"}}', says: /exporters\.A: "A" is not a valid name/ },
  { text: 'exporters: {a: {endpoint: "ftp://x"}}', says: /exporters\.a\.endpoint: "ftp:\/\/x" is not valid/ },
  {
    text: 'exporters: {a: {endpoint: "http://x:4317", tls: {cert: /c}}}',
    says: /exporters\.a\.tls\.cert: "\/c" is not valid; expected a client key beside it/,
  },
  {
    text: 'exporters: {a: {endpoint: "http://x:1", headers: {K: v}, headersFromFiles: {k: /f}}}',
    says: /exporters\.a\.headersFromFiles\.k: is also in headers/,
  },
  {
    text: 'exporters: {a: {endpoint: "http://x:1", headersFromFiles: {k: relative}}}',
    says: /headersFromFiles\.k: "relative" is not valid; expected an absolute path/,
  },
  {
    text: 'serviceNme: actor',
    says: /^config\.yaml:1: serviceNme: unknown setting; did you mean serviceName\?/,
  },
  {
    text: 'watch:\n  event: true',
    says: /^config\.yaml:2: watch\.event: unknown setting; did you mean events\?/,
  },
  { text: 'log: {colour: 1}', says: /log\.colour: unknown setting; known are level/ },
  { text: 'log: {level: info', says: /^config\.yaml:1: / },
  { text: 'settle: 1s\nsettle: 2s', says: /^config\.yaml:2: Map keys must be unique/ },
  { text: '- settle', says: /^config\.yaml: is not a map of settings/ },
]

for (const { text, says } of REFUSED)
  test(`refused by name: ${text.replaceAll('\n', ' / ')}`, () => {
    const problems = problemsOf(loadConfig({ file: file(text) }))
    assert.equal(problems.length, 1, problems.join('\n'))
    assert.match(problems[0] ?? '', says)
  })

test('all that is wrong is told at once, each with where it came from', () => {
  const problems = problemsOf(
    loadConfig({
      file: file('settle: x\n'),
      env: { PODSPAN_SERVER_PORT: '99999' },
      flags: { 'log-level': 'loud' },
    }),
  )
  assert.deepEqual(
    problems.map((problem) => problem.slice(0, problem.indexOf(': '))),
    ['config.yaml:1', 'PODSPAN_SERVER_PORT', '--log-level'],
  )
})

test("a header's value is never in a message", () => {
  const text = 'exporters: {a: {endpoint: "http://x:1", headers: {authorization: "Bearer s3cr\\u0007t"}}}'
  const problems = problemsOf(loadConfig({ file: file(text) }))
  assert.match(problems.join(), /exporters\.a\.headers\.authorization: its value is not valid/)
  assert.doesNotMatch(problems.join(), /s3cr/)
})

test('an empty key is unset, as a template leaves it', () => {
  assert.deepEqual(
    configOf(loadConfig({ file: file('exporters:\nclusterName:\nlog:\n  level:\n') })).exporters,
    {},
  )
})

test('a variable that Kubernetes sets for a Service of the same name is not taken for ours', () => {
  const env = { PODSPAN_SERVER_PORT: 'tcp://10.0.0.7:80', PODSPAN_SERVICE_HOST: '10.0.0.7' }
  const loaded = loadConfig({ env })
  assert.equal(configOf(loaded).server.port, 8080)
  assert.deepEqual(loaded.ok && loaded.warnings, [])
})

test('a mistyped variable is told, with the one that was meant', () => {
  const loaded = loadConfig({ env: { PODSPAN_LOG_LEVL: 'debug' } })
  assert.deepEqual(loaded.ok && loaded.warnings, [
    'PODSPAN_LOG_LEVL: no such variable; did you mean PODSPAN_LOG_LEVEL?',
  ])
})

test('an exporter becomes what the OTLP exporter takes, with the headers of its files', () => {
  const text =
    'exporters: {a: {endpoint: "http://c:4317", headers: {x: "1"}, headersFromFiles: {authorization: /f}}}'
  const exporter = configOf(loadConfig({ file: file(text) })).exporters['a']
  assert.ok(exporter)
  const otlp = otlpConfigOf(exporter, { authorization: 'Bearer t' }, {})
  assert.equal(otlp.protocol, 'grpc')
  assert.equal(otlp.target, 'c:4317')
  assert.deepEqual(otlp.headers, { x: '1', authorization: 'Bearer t' })
  assert.equal(otlp.compression, 'gzip')
  assert.equal(otlp.timeoutMs, 10_000)
})

test('durations are those of Go', () => {
  assert.equal(parseDuration('1h30m'), 5_400_000_000_000n)
  assert.equal(parseDuration('1.5s'), 1_500_000_000n)
  for (const wrong of ['', '5', '1d', ' 5s', '5 s', '-1s', '1s2'])
    assert.equal(parseDuration(wrong), undefined, wrong)
})

test('a near word is found, a far one is not', () => {
  assert.equal(nearest('endpont', ['endpoint', 'protocol']), 'endpoint')
  assert.equal(nearest('colour', ['level']), undefined)
})

const ALIASES: readonly (readonly [name: string, text: string, expected: RegExp])[] = [
  ['nowhere', 'log: *nope\n', /^config\.yaml: Unresolved alias .*nope/],
  ['to itself', 'exporters: &all {a: *all}\n', /^config\.yaml: is nested too deeply/],
  [
    'to thousands of others',
    `a: &a [x]\nb: &b [${'*a,'.repeat(9)}]\nc: [${'*b,'.repeat(9)}]\n`,
    /^config\.yaml: Excessive alias count/,
  ],
]

for (const [name, text, expected] of ALIASES)
  test(`an alias that leads ${name} is a problem of the file`, () => {
    const problems = problemsOf(loadConfig({ file: file(text) }))
    assert.equal(problems.length, 1)
    assert.match(problems[0] ?? '', expected)
  })
