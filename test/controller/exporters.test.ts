// Owns the named exporters: what a reload changes, what goes on, and that the account of a name holds throughout.
// Promises scripted backends under a clock that stands still.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { manualClock } from '../../src/base/clock.ts'
import { milliseconds, unixNano } from '../../src/base/time.ts'
import { type ControllerConfig, loadConfig } from '../../src/controller/config.ts'
import { createExporters, DRAIN_MS, type Exporters } from '../../src/controller/exporters.ts'
import { createReload } from '../../src/controller/reload.ts'
import type { Log } from '../../src/controller/log.ts'
import type { OtlpConfig } from '../../src/export/config.ts'
import { createExporter } from '../../src/export/exporter.ts'
import type { Fate } from '../../src/export/queue.ts'
import { sampleTrace } from '../export/sample-trace.ts'
import type { SendResult } from '../../src/export/transport.ts'
import { AWAY, OK, type ScriptedTransport, scriptedTransport } from '../export/scripted-transport.ts'

function configOf(text: string): ControllerConfig {
  const loaded = loadConfig({ file: { path: 'config.yaml', text } })
  if (!loaded.ok) throw new Error(loaded.problems.join('\n'))
  return loaded.config
}

const ONE = 'exporters: {a: {endpoint: "http://a:4318"}}'
const TWO = 'exporters: {a: {endpoint: "http://a:4318"}, b: {endpoint: "http://b:4318"}}'

interface Made {
  readonly exporters: Exporters
  readonly clock: ReturnType<typeof manualClock>
  /** Every transport that was made, with what it was made of. */
  readonly made: { readonly otlp: OtlpConfig; readonly transport: ScriptedTransport }[]
  readonly files: Map<string, string>
  readonly lines: string[]
  readonly log: Log
  answer: (otlp: OtlpConfig) => SendResult | Promise<SendResult>
  pass(ms: number): Promise<void>
}

function make(): Made {
  const clock = manualClock(unixNano(1_795_000_000_000_000_000n))
  const lines: string[] = []
  const say = (message: string): void => void lines.push(message)
  const log: Log = { debug: say, info: say, warn: say, error: say }
  const files = new Map<string, string>()
  const made: { otlp: OtlpConfig; transport: ScriptedTransport }[] = []
  const result: Made = {
    clock,
    made,
    files,
    lines,
    log,
    answer: () => OK,
    pass: async (ms) => {
      clock.advance(milliseconds(ms))
      for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve))
    },
    exporters: createExporters({
      env: {},
      clock,
      random: () => 1,
      log,
      readFile: (path) => {
        const text = files.get(path)
        if (text === undefined) throw new Error('ENOENT')
        return text
      },
      create: (options, dependencies) => {
        const connect = (otlp: OtlpConfig): ScriptedTransport => {
          const transport = scriptedTransport(() => result.answer(otlp))
          made.push({ otlp, transport })
          return transport
        }
        return createExporter(options, { ...dependencies, connect })
      },
    }),
  }
  return result
}

function send(exporters: Exporters, name: string): Fate[] {
  const fates: Fate[] = []
  exporters.export(name, sampleTrace(), (fate) => fates.push(fate))
  return fates
}

function holds(exporters: Exporters, name: string): void {
  const account = exporters.accounting().get(name)
  assert.ok(account)
  assert.equal(
    account.in,
    account.sent + account.dropped + account.waiting,
    `${name}: in = sent + dropped + waiting`,
  )
}

test('a configuration that says the same again changes nothing', () => {
  const { exporters, made } = make()
  assert.deepEqual(exporters.configure(configOf(ONE)), { added: ['a'], changed: [], removed: [] })
  assert.deepEqual(exporters.configure(configOf(ONE)), { added: [], changed: [], removed: [] })
  assert.equal(made.length, 1)
})

test('an unchanged exporter goes on while others come and go', async () => {
  const { exporters, made, pass } = make()
  exporters.configure(configOf(ONE))
  const fates = send(exporters, 'a')
  assert.deepEqual(exporters.configure(configOf(TWO)), { added: ['b'], changed: [], removed: [] })
  assert.deepEqual(exporters.configure(configOf(ONE)), { added: [], changed: [], removed: ['b'] })
  await pass(200)
  assert.deepEqual(fates, ['sent'])
  assert.equal(made.length, 2)
})

test('a changed exporter sends what it held, and the account of the name goes on', async () => {
  const { exporters, pass } = make()
  exporters.configure(configOf(ONE))
  const before = send(exporters, 'a')
  const changes = exporters.configure(configOf('exporters: {a: {endpoint: "http://other:4318"}}'))
  assert.deepEqual(changes, { added: [], changed: ['a'], removed: [] })
  const after = send(exporters, 'a')
  holds(exporters, 'a')
  await pass(200)
  assert.deepEqual([before, after], [['sent'], ['sent']])
  assert.equal(exporters.accounting().get('a')?.in, 2)
  assert.equal(exporters.accounting().get('a')?.sent, 2)
  holds(exporters, 'a')
})

test('a removed exporter whose backend is away drops what it held at the deadline, and says so', async () => {
  const test = make()
  const { exporters, pass } = test
  test.answer = () => AWAY
  exporters.configure(configOf(ONE))
  const fates = send(exporters, 'a')
  exporters.configure(configOf('exporters: {}'))
  assert.equal(
    exporters.export('a', sampleTrace(), () => assert.fail('there is none')),
    false,
  )
  await pass(DRAIN_MS - 1)
  assert.deepEqual(fates, [])
  holds(exporters, 'a')
  await pass(2)
  assert.deepEqual(fates, ['dropped'])
  assert.equal(exporters.accounting().get('a')?.droppedBy.shutdown, 1)
  holds(exporters, 'a')
})

const WITH_FILE = 'exporters: {a: {endpoint: "http://a:4318", headersFromFiles: {authorization: /token}}}'

/** A name with a token that has changed once. */
function rotating() {
  const test = make()
  const { exporters, files } = test
  const rotate = (token: string): void => {
    files.set('/token', `${token}\n`)
    exporters.configure(configOf(WITH_FILE))
  }
  rotate('Bearer one')
  return { ...test, test, rotate }
}

test('a header file that changes makes a new connection, with its contents trimmed', () => {
  const { exporters, files, made } = rotating()
  files.set('/token', 'Bearer two\n')
  assert.deepEqual(exporters.configure(configOf(WITH_FILE)).changed, ['a'])
  assert.deepEqual(
    made.map(({ otlp }) => otlp.headers['authorization']),
    ['Bearer one', 'Bearer two'],
  )
})

test('what waits while the backend is away goes on waiting when a token is rotated, and is sent with the new one', async () => {
  const { exporters, made, pass, rotate, test } = rotating()
  test.answer = () => AWAY
  const fates = Array.from({ length: 5 }, () => send(exporters, 'a'))
  for (let count = 0; count < 6; count++) await pass(10_000)
  rotate('Bearer two')
  for (let count = 0; count < 6; count++) await pass(10_000)
  assert.deepEqual(fates.flat(), [])
  assert.equal(exporters.accounting().get('a')?.waiting, 5)
  holds(exporters, 'a')
  test.answer = () => OK
  await pass(60_000)
  assert.deepEqual(fates.flat(), ['sent', 'sent', 'sent', 'sent', 'sent'])
  assert.deepEqual(
    made.map(({ transport }) => [transport.taken.length, transport.isClosed]),
    [
      [0, true],
      [5, false],
    ],
  )
  holds(exporters, 'a')
})

test('the new settings are tried at once, though a long wait had been set', async () => {
  const { exporters, pass, rotate, test } = rotating()
  test.answer = () => ({ kind: 'retryable', reason: 'busy', retryAfterMs: 500_000 })
  const fates = send(exporters, 'a')
  await pass(200)
  test.answer = () => OK
  rotate('Bearer two')
  await pass(0)
  assert.deepEqual(fates, ['sent'])
})

/** What `Bearer one` has in flight when it is rotated, and how that lands. */
const LANDINGS = [
  ['taken', { kind: 'ok' }, [1, 0]],
  ['refused', { kind: 'failed', reason: 'HTTP 401 Unauthorized' }, [0, 1]],
  ['not answered', AWAY, [0, 1]],
] as const satisfies readonly (readonly [string, SendResult, readonly number[]])[]

for (const [how, result, takenBy] of LANDINGS)
  test(`what is in flight when a token is rotated is sent once where it is ${how}`, async () => {
    const { exporters, made, pass, rotate, test } = rotating()
    const landing = Promise.withResolvers<SendResult>()
    test.answer = ({ headers }) => (headers['authorization'] === 'Bearer one' ? landing.promise : OK)
    const before = send(exporters, 'a')
    await pass(200)
    rotate('Bearer two')
    const after = send(exporters, 'a')
    await pass(200)
    // One that hangs holds up nothing.
    assert.deepEqual([before, after], [[], ['sent']])
    assert.equal(made[0]?.transport.isClosed, false)
    landing.resolve(result)
    await pass(200)
    assert.deepEqual(before, ['sent'])
    assert.deepEqual(
      made.map(({ transport }) => transport.taken.length),
      [takenBy[0], takenBy[1] + 1],
    )
    assert.equal(made[0]?.transport.isClosed, true)
    holds(exporters, 'a')
  })

test('an end closes also what a change had left behind, and leaves what it has in flight', async () => {
  const { exporters, made, pass, rotate, test } = rotating()
  test.answer = () => new Promise(() => {})
  const fates = send(exporters, 'a')
  await pass(200)
  rotate('Bearer two')
  await exporters.close(0)
  assert.deepEqual(fates, ['left'])
  assert.deepEqual(
    made.map(({ transport }) => transport.isClosed),
    [true, true],
  )
  holds(exporters, 'a')
})

test('one exporter that cannot work changes none of them', () => {
  const { exporters, made } = make()
  exporters.configure(configOf(ONE))
  const wrong = `${TWO.slice(0, -1)}, c: {endpoint: "http://c:4318", headersFromFiles: {x: /nowhere}}}`
  assert.throws(
    () => exporters.configure(configOf(wrong)),
    /exporters\.c\.headersFromFiles\.x: \/nowhere cannot be read/,
  )
  assert.deepEqual(exporters.names(), ['a'])
  assert.equal(made[0]?.otlp.target, 'http://a:4318/v1/traces')
})

test('what waits is left when another leads, and the next trace finds a new exporter', async () => {
  const test = make()
  const { exporters, pass } = test
  test.answer = () => AWAY
  exporters.configure(configOf(ONE))
  const fates = send(exporters, 'a')
  exporters.leaveWaiting()
  assert.deepEqual(fates, ['left'])
  test.answer = () => OK
  const next = send(exporters, 'a')
  await pass(200)
  assert.deepEqual(next, ['sent'])
  assert.equal(exporters.accounting().get('a')?.droppedBy.left, 1)
  holds(exporters, 'a')
})

function reloading(first: string) {
  const made = make()
  const state = { text: first as string | undefined }
  const changed: ControllerConfig[] = []
  const config = configOf(first)
  made.exporters.configure(config)
  const reload = createReload({
    sources: { file: { path: 'config.yaml', text: first } },
    config,
    exporters: made.exporters,
    readFile: () => {
      if (state.text === undefined) throw new Error('ENOENT')
      return state.text
    },
    log: made.log,
    onExporters: (now) => changed.push(now),
  })
  return { ...made, state, changed, reload }
}

test('a changed file takes effect, once', () => {
  const { changed, exporters, reload, state } = reloading(ONE)
  reload.look()
  assert.equal(changed.length, 0)
  state.text = TWO
  reload.look()
  reload.look()
  assert.deepEqual(exporters.names(), ['a', 'b'])
  assert.equal(changed.length, 1)
})

test('a wrong file changes nothing and is said once; the next right one takes effect', () => {
  const { exporters, lines, reload, state } = reloading(ONE)
  state.text = 'exporters: {b: {}}'
  reload.look()
  reload.look()
  assert.deepEqual(exporters.names(), ['a'])
  assert.equal(lines.filter((line) => /is wrong/.test(line)).length, 1)
  assert.equal(reload.counters().refused, 1)
  state.text = TWO
  reload.look()
  assert.deepEqual(exporters.names(), ['a', 'b'])
})

test('a file that is away for a moment, as while a ConfigMap is swapped, changes nothing', () => {
  const { exporters, lines, reload, state } = reloading(ONE)
  state.text = undefined
  reload.look()
  assert.deepEqual(exporters.names(), ['a'])
  assert.deepEqual(lines, [])
})

test('a setting that needs a restart is named', () => {
  const { lines, reload, state } = reloading(ONE)
  state.text = `${ONE}\nsettle: 7s\n`
  reload.look()
  assert.deepEqual(lines, ['changed settings take effect after a restart'])
})

test('the memory for what waits is that of the configuration, 64 MiB where it does not say', () => {
  const test = make()
  const { exporters } = test
  test.answer = () => AWAY
  exporters.configure(configOf(ONE))
  const waitingBytes = (): number => exporters.accounting().get('a')?.waitingBytes ?? 0
  while (waitingBytes() <= 1_048_576) send(exporters, 'a')
  assert.equal(exporters.accounting().get('a')?.dropped, 0)
  // A smaller one holds for what waits already.
  exporters.configure(configOf('exporters: {a: {endpoint: "http://a:4318", queueMaxBytes: 1048576}}'))
  assert.ok(waitingBytes() <= 1_048_576)
  assert.equal(exporters.accounting().get('a')?.droppedBy['queue-full'], 1)
  holds(exporters, 'a')
})
