import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { manualClock } from '../../src/base/clock.ts'
import { milliseconds } from '../../src/base/time.ts'
import { EXIT } from '../../src/cli/exit.ts'
import { run } from '../../src/cli/program.ts'
import { PATIENCE_MS } from '../../src/cli/send.ts'
import { startOtlpReceiver } from '../support/otlp-receiver.ts'
import { START } from './hand-made.ts'
import { surroundings } from './surroundings.ts'

const recording = (name: string): string => join(import.meta.dirname, '..', 'recordings', `${name}.jsonl.gz`)

test('replay sends the starts of its files, and says that they have arrived', async (t) => {
  const receiver = await startOtlpReceiver({ protocol: 'http' })
  t.after(() => receiver.close())
  const { context, out, err } = surroundings()
  const files = ['burst', 'plain'].map(recording)
  const code = await run(['replay', ...files, '-o', 'otlp-json', '--otlp-endpoint', receiver.url], context)
  assert.equal(code, EXIT.ok, err())
  const printed = new Set([...out().matchAll(/"traceId":"([0-9a-f]{32})"/g)].map(([, traceId]) => traceId))
  assert.ok(printed.size > 40)
  assert.deepEqual(receiver.traceIds, printed)
  assert.match(err(), new RegExp(`traces: in ${printed.size} = sent ${printed.size} \\+ dropped 0`))
})

test('replay sends what is asked for, and nothing else', async (t) => {
  const receiver = await startOtlpReceiver({ protocol: 'http' })
  t.after(() => receiver.close())
  const { context, out } = surroundings()
  await run(
    ['replay', recording('burst'), '-o', 'json', '--slower-than', '8s', '--otlp-endpoint', receiver.url],
    context,
  )
  const printed = out()
    .trim()
    .split('\n')
    .map((line) => (JSON.parse(line) as { traceId: string }).traceId)
  assert.ok(printed.length > 0 && printed.length < 40)
  assert.deepEqual([...receiver.traceIds].toSorted(), printed.toSorted())
})

test('replay to a server that is away ends after a while, prints all the same, and says what was lost', async (t) => {
  const receiver = await startOtlpReceiver({ protocol: 'http' })
  t.after(() => receiver.close())
  receiver.always({ kind: 'unavailable' })
  const manual = manualClock(START)
  let waits = 0
  const clock: typeof manual = {
    ...manual,
    sleep: (ms, signal) => {
      if (ms === PATIENCE_MS) waits++
      return manual.sleep(ms, signal)
    },
  }
  const { context, out, err } = surroundings({ clock })
  // Far more than may wait, so that whoever waited for each again would not end.
  const files = Array.from({ length: 6 }, () => recording('burst'))
  const running = run(['replay', ...files, '--otlp-endpoint', receiver.url], context)
  const over = { code: undefined as number | undefined }
  void running.then((code) => (over.code = code))
  while (over.code === undefined) {
    await new Promise((resolve) => setImmediate(resolve))
    if (receiver.requests.length > 0) clock.advance(milliseconds(PATIENCE_MS / 10))
  }
  assert.equal(over.code, EXIT.inconclusive)
  assert.match(out(), /ready after/)
  assert.match(err(), /in 240 = sent 0 \+ dropped 240/)
  assert.equal(waits, 2, 'once for room, and once at the end')
})

test('an endpoint that cannot be is refused before anything is read', async () => {
  const { context, out, err } = surroundings()
  assert.equal(await run(['replay', 'none.jsonl', '--otlp-endpoint', 'nowhere'], context), EXIT.usage)
  assert.deepEqual([out(), /--otlp-endpoint "nowhere" is not valid/.test(err())], ['', true])
})
