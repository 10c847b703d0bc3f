import assert from 'node:assert/strict'
import { test } from 'node:test'
import { manualClock } from '../../src/base/clock.ts'
import { milliseconds, SECOND, toMilliseconds, unixNano, ZERO } from '../../src/base/time.ts'
import { BATCHER, Batcher, type BatcherOptions } from '../../src/export/batcher.ts'
import { describeAccounting } from '../../src/export/ledger.ts'
import type { Entry } from '../../src/export/queue.ts'
import type { SendResult } from '../../src/export/transport.ts'
import { AWAY, OK, type Script, scriptedTransport } from './scripted-transport.ts'

const START = 1_796_083_200_000_000_000n

interface Line {
  level: string
  message: string
  fields: Readonly<Record<string, string | number>>
}

/** A batcher on a clock that stands still; the ledger is checked after every step. */
function harness(script: Script, options: Partial<BatcherOptions> = {}, random: () => number = () => 1) {
  const clock = manualClock(unixNano(START))
  const transport = scriptedTransport(script)
  const lines: Line[] = []
  const log = (level: string, message: string, fields: Line['fields']) =>
    void lines.push({ level, message, fields })
  const batcher = new Batcher(transport, { ...BATCHER, ...options }, { clock, random, log })
  const check = (): void => {
    const { dropped, droppedBy, sent, waiting, in: given } = batcher.accounting()
    assert.equal(given, sent + dropped + waiting, 'in = sent + dropped + waiting')
    assert.equal(
      dropped,
      Object.values(droppedBy).reduce((sum, count) => sum + count, 0),
    )
    assert.ok(sent <= transport.taken.length, 'nothing counts as sent that was not taken')
  }
  const settle = async (): Promise<void> => {
    check()
    await new Promise((resolve) => setImmediate(resolve))
    check()
  }
  const pass = async (ms: number): Promise<void> => {
    clock.advance(milliseconds(ms))
    await settle()
  }
  const add = (entry: Partial<Entry> = {}): Entry => {
    const full = {
      request: new Uint8Array(100),
      spans: 10,
      failed: false,
      startupMs: 1000,
      endedMs: 0,
      ...entry,
    }
    const queued = { ...full, queuedMs: clock.monotonicMs() }
    batcher.add(queued)
    check()
    return queued
  }
  return { batcher, clock, transport, lines, add, pass, settle }
}

test('traces linger for others before they go', async () => {
  const { add, pass, transport } = harness(() => OK)
  add()
  await pass(150)
  add()
  await pass(49)
  assert.equal(transport.batches.length, 0)
  await pass(1)
  assert.deepEqual(
    transport.batches.map((batch) => [batch.requests.length, batch.spans]),
    [[2, 20]],
  )
})

test('a full batch goes at once, by spans and by bytes', async () => {
  const bySpans = harness(() => OK, { batchSpans: 20 })
  bySpans.add()
  bySpans.add()
  await bySpans.settle()
  assert.equal(bySpans.transport.taken.length, 2)
  const byBytes = harness(() => OK, { batchBytes: 200 })
  byBytes.add()
  byBytes.add()
  await byBytes.settle()
  assert.equal(byBytes.transport.taken.length, 2)
})

test('a trace is never cut, however large', async () => {
  const { add, settle, transport } = harness(() => OK, { batchSpans: 20, batchBytes: 200 })
  const large = add({ request: new Uint8Array(1000), spans: 100 })
  await settle()
  assert.deepEqual(
    transport.batches.map((batch) => batch.requests),
    [[large.request]],
  )
})

test('no more batches fly at once than allowed, and a landing lets the next one go', async () => {
  const landings: ((result: SendResult) => void)[] = []
  const flying = () => new Promise<SendResult>((resolve) => landings.push(resolve))
  const { add, batcher, settle, transport } = harness(flying, { batchSpans: 10, inFlight: 2 })
  for (let count = 0; count < 5; count++) add()
  await settle()
  assert.equal(transport.batches.length, 2)
  assert.equal(batcher.accounting().waiting, 5)
  landings[1]?.(OK)
  await settle()
  assert.equal(transport.batches.length, 3)
  assert.equal(batcher.accounting().waiting, 4)
})

test('a Collector that is away for 5 minutes costs delay and nothing else', async () => {
  const clockMs = () => toMilliseconds(sinceStart())
  const random = lcg(7)
  const run = harness(() => (clockMs() < 300_000 ? AWAY : OK), {}, random)
  const sinceStart = () => milliseconds(Number(run.clock.now() - START) / 1e6)
  const given: Uint8Array[] = []
  for (let step = 0; step < 3_000; step++) {
    given.push(run.add().request)
    await run.pass(100)
  }
  const attempts = run.transport.batches.length
  assert.ok(attempts >= 10 && attempts < 80, `${attempts} attempts in 5 minutes`)
  assert.equal(run.batcher.accounting().waiting, 3_000)
  await run.pass(30_000)
  for (let step = 0; step < 100; step++) await run.pass(10)
  assert.deepEqual(run.transport.taken, given, 'every trace, once, in order')
  const { dropped, sent, retries } = run.batcher.accounting()
  assert.deepEqual([sent, dropped, retries], [3_000, 0, attempts])
  assert.deepEqual(
    run.lines.map((line) => line.message),
    ['the Collector does not take traces; they wait', 'the Collector answers again'],
  )
})

/** A small random generator with a seed, so that a failure can be repeated. */
function lcg(seed: number): () => number {
  let state = seed
  return () => {
    state = (state * 1_103_515_245 + 12_345) % 2 ** 31
    return state / 2 ** 31
  }
}

test('the wait doubles from 1 s to 30 s, below full jitter', async () => {
  const { add, batcher, clock, pass, transport } = harness(() => AWAY)
  add()
  const startMs = clock.monotonicMs()
  const sentAt: number[] = []
  while (sentAt.length < 8) {
    await pass(100)
    if (transport.batches.length > sentAt.length) sentAt.push(clock.monotonicMs() - startMs)
  }
  const waits = sentAt.slice(1).map((at, index) => Math.round((at - (sentAt[index] ?? 0)) / 100) / 10)
  assert.deepEqual(waits, [1, 2, 4, 8, 16, 30, 30])
  assert.equal(batcher.accounting().retries, 8)
})

test('with no luck at all the wait is no wait', async () => {
  const { add, pass, transport } = harness(
    (_, number) => (number < 4 ? AWAY : OK),
    {},
    () => 0,
  )
  add()
  await pass(200)
  for (let step = 0; step < 4; step++) await pass(0)
  assert.equal(transport.taken.length, 1)
})

test('a delay that the server asks for is kept, however short our own wait is', async () => {
  const asked: SendResult = { kind: 'retryable', reason: 'UNAVAILABLE: busy', retryAfterMs: 5_000 }
  const { add, pass, transport } = harness(
    (_, number) => (number === 1 ? asked : OK),
    {},
    () => 0,
  )
  add()
  await pass(200)
  await pass(4_999)
  assert.equal(transport.batches.length, 1)
  await pass(1)
  assert.equal(transport.taken.length, 1)
})

test('a short wait of our own does not cut a long one that the server asked for', async () => {
  const asked: SendResult = { kind: 'retryable', reason: 'busy', retryAfterMs: 5_000 }
  const script: Script = (_, number) => [asked, AWAY][number - 1] ?? OK
  const { add, pass, settle, transport } = harness(script, { batchSpans: 10, inFlight: 2 }, () => 0)
  add()
  add()
  await settle()
  await pass(4_999)
  assert.equal(transport.batches.length, 2)
  await pass(1)
  await settle()
  assert.equal(transport.taken.length, 2)
})

test('a server cannot reject more than it was sent', async () => {
  const { add, batcher, pass } = harness(() => ({ kind: 'ok', rejected: 1_000 }))
  add()
  await pass(200)
  assert.equal(batcher.accounting().spansRejected, 10)
})

test('a second outage is said again, however soon it comes', async () => {
  const { add, lines, pass } = harness((_, number) => (number % 2 === 1 ? AWAY : OK))
  for (let count = 0; count < 2; count++) {
    add()
    await pass(200)
    await pass(1_000)
  }
  assert.deepEqual(
    lines.map((line) => line.level),
    ['warn', 'info', 'warn', 'info'],
  )
  assert.deepEqual(lines[1]?.fields, { awayMs: 1000, waiting: 0 })
})

test('a server cannot ask for more than ten minutes', async () => {
  const asked: SendResult = { kind: 'retryable', reason: 'busy', retryAfterMs: 1e12 }
  const { add, pass, transport } = harness((_, number) => (number === 1 ? asked : OK))
  add()
  await pass(200)
  await pass(600_000)
  assert.equal(transport.taken.length, 1)
})

test('batches that fail together count as one failure, and one batch asks whether the Collector is back', async () => {
  let isAway = true
  const { add, pass, settle, transport } = harness(() => (isAway ? AWAY : OK), {
    batchSpans: 10,
    inFlight: 3,
  })
  for (let count = 0; count < 6; count++) add()
  await settle()
  assert.equal(transport.batches.length, 3)
  await pass(1_000)
  assert.equal(transport.batches.length, 4)
  isAway = false
  await pass(2_000)
  await settle()
  assert.equal(transport.taken.length, 6)
})

test('partial success is sent, counted and said', async () => {
  const partial: SendResult = { kind: 'ok', rejected: 3, message: 'too old' }
  const { add, batcher, lines, pass } = harness(() => partial)
  add()
  await pass(200)
  const { sent, spansRejected, spansSent } = batcher.accounting()
  assert.deepEqual([sent, spansSent, spansRejected], [1, 10, 3])
  assert.deepEqual(lines[0]?.fields, { rejected: 3, message: 'too old' })
})

test('a warning without rejected spans is said too', async () => {
  const { add, batcher, lines, pass } = harness(() => ({ kind: 'ok', message: 'nearly full' }))
  add()
  await pass(200)
  assert.equal(batcher.accounting().spansRejected, 0)
  assert.equal(lines[0]?.fields['message'], 'nearly full')
})

test('a batch that is too large is split by traces, and later batches stay below', async () => {
  const limit = 300
  const script: Script = (batch) =>
    batch.requests.reduce((sum, request) => sum + request.length, 0) > limit
      ? { kind: 'too-large', reason: 'HTTP 413' }
      : OK
  const { add, batcher, settle, pass, transport } = harness(script)
  const given = Array.from({ length: 8 }, () => add().request)
  await pass(200)
  for (let step = 0; step < 5; step++) await settle()
  assert.deepEqual(new Set(transport.taken), new Set(given))
  assert.equal(batcher.accounting().dropped, 0)
  const attempts = transport.batches.length
  for (let count = 0; count < 4; count++) add()
  await pass(200)
  for (let step = 0; step < 5; step++) await settle()
  assert.equal(batcher.accounting().sent, 12)
  assert.ok(transport.batches.slice(attempts).every((batch) => batch.requests.length <= 3))
})

test('a single trace that is too large is dropped, counted and said; its neighbours arrive', async () => {
  const script: Script = (batch) =>
    batch.requests.some((request) => request.length > 500) ? { kind: 'too-large', reason: 'HTTP 413' } : OK
  const { add, batcher, lines, pass, settle } = harness(script)
  add()
  add({ request: new Uint8Array(1000) })
  add()
  await pass(200)
  for (let step = 0; step < 6; step++) await settle()
  const { droppedBy, sent } = batcher.accounting()
  assert.deepEqual([sent, droppedBy['too-large']], [2, 1])
  assert.equal(lines.at(-1)?.message, 'traces dropped: larger than the Collector takes')
})

test('what the Collector refuses is dropped, not tried again, and said once', async () => {
  const { add, batcher, lines, pass, transport } = harness(() => ({
    kind: 'failed',
    reason: 'HTTP 401 Unauthorized',
  }))
  for (let count = 0; count < 5; count++) {
    add()
    await pass(1_000)
  }
  assert.equal(transport.batches.length, 5)
  assert.equal(batcher.accounting().droppedBy.refused, 5)
  assert.deepEqual(
    lines.map((line) => [line.message, line.fields['reason']]),
    [['traces dropped: the Collector refuses them', 'HTTP 401 Unauthorized']],
  )
  await pass(60_000)
  add()
  await pass(200)
  assert.deepEqual(lines[1]?.fields, { traces: 1, reason: 'HTTP 401 Unauthorized', unsaid: 4 })
})

test('a full queue drops whole traces, fast ready ones first, failed and slow ones last', async () => {
  const { add, batcher, lines, pass } = harness(() => AWAY, { maxWaitingBytes: 300, batchSpans: 1_000 })
  add({ startupMs: 60_000 })
  add({ failed: true, startupMs: 10 })
  add({ startupMs: 5 })
  add({ startupMs: 1_000 })
  add({ failed: true, startupMs: 90_000 })
  add({ startupMs: 1 })
  assert.deepEqual(batcher.accounting().droppedBy['queue-full'], 3)
  assert.equal(batcher.accounting().waitingBytes, 300)
  await pass(0)
  assert.deepEqual(
    lines.map((line) => line.message),
    ['traces dropped: the export queue is full'],
  )
})

test('it is behind while more than half of the bound waits, and the Collector takes what it is sent', async () => {
  let isAway = false
  const more = { maxWaitingBytes: 300, batchSpans: 1_000 }
  const { add, batcher, pass, settle } = harness(() => (isAway ? AWAY : OK), more)
  add()
  assert.equal(batcher.isBehind(), false)
  add()
  assert.equal(batcher.isBehind(), true)
  await pass(1_000)
  await settle()
  assert.equal(batcher.isBehind(), false)
  isAway = true
  add()
  add()
  await pass(1_000)
  await settle()
  assert.equal(batcher.isBehind(), false, 'nobody knows when it comes back')
})

test('what survives an overflow is sent: the failed and the slow', async () => {
  let isAway = true
  const { add, pass, settle, transport } = harness(() => (isAway ? AWAY : OK), { maxWaitingBytes: 300 })
  const kept = [add({ startupMs: 60_000 }), add({ failed: true, startupMs: 10 }), add({ failed: true })]
  await pass(200)
  for (let count = 0; count < 5; count++) add({ startupMs: count })
  isAway = false
  await pass(1_000)
  await settle()
  assert.deepEqual(new Set(transport.taken), new Set(kept.map((entry) => entry.request)))
})

test('what flies is never dropped by an overflow, and counts against the bound', async () => {
  const { add, batcher, settle } = harness(() => new Promise(() => {}), {
    maxWaitingBytes: 300,
    batchSpans: 10,
  })
  for (let count = 0; count < 3; count++) add()
  await settle()
  add({ failed: true })
  const { droppedBy, waiting, waitingBytes } = batcher.accounting()
  assert.deepEqual([droppedBy['queue-full'], waiting, waitingBytes], [1, 3, 300])
})

test('traces older than maxSpanAge are dropped before they are sent, where it is set', async () => {
  const { add, batcher, pass, transport } = harness(() => OK, { maxSpanAgeMs: 3_600_000 })
  const nowMs = Number(START / 1_000_000n)
  add({ endedMs: nowMs - 3_600_001 })
  const young = add({ endedMs: nowMs - 3_000_000 })
  await pass(200)
  assert.deepEqual(transport.taken, [young.request])
  assert.equal(batcher.accounting().droppedBy['too-old'], 1)
})

test('flush sends what waits without lingering', async () => {
  const { add, batcher, settle, transport } = harness(() => OK)
  add()
  const flushed = batcher.flush()
  await settle()
  await flushed
  assert.equal(transport.taken.length, 1)
  await batcher.flush()
})

test('shutdown drains, closes the transport, and keeps no timer', async () => {
  const { add, batcher, transport } = harness(() => OK)
  add()
  const account = await batcher.shutdown(5_000)
  assert.deepEqual([account.sent, account.dropped, account.waiting], [1, 0, 0])
  assert.ok(transport.isClosed)
})

test('shutdown leaves no timer behind', async () => {
  const signals: AbortSignal[] = []
  const clock = manualClock(unixNano(START))
  const watched = {
    ...clock,
    sleep: (delayMs: number, signal?: AbortSignal) => {
      if (signal) signals.push(signal)
      return clock.sleep(delayMs, signal)
    },
  }
  const batcher = new Batcher(
    scriptedTransport(() => OK),
    BATCHER,
    { clock: watched, random: () => 1, log: () => {} },
  )
  batcher.add({ request: new Uint8Array(1), spans: 1, failed: false, startupMs: 1, endedMs: 0, queuedMs: 0 })
  batcher.add({
    request: new Uint8Array(1),
    spans: 1,
    failed: false,
    startupMs: 1,
    endedMs: 0,
    queuedMs: clock.monotonicMs(),
  })
  await batcher.shutdown(5_000)
  assert.ok(signals.length > 0 && signals.every((signal) => signal.aborted))
})

test('shutdown tries once more at once, though a long wait had been set', async () => {
  let isAway = true
  const { add, batcher, pass, transport } = harness(() => (isAway ? AWAY : OK))
  add()
  await pass(200)
  isAway = false
  const account = await batcher.shutdown(5_000)
  assert.equal(account.sent, 1)
  assert.equal(transport.batches.length, 2)
})

test('while it drains, waits are short', async () => {
  const { add, batcher, clock, pass, transport } = harness(() => AWAY)
  add()
  for (let step = 0; step < 400; step++) await pass(100)
  const attempts = transport.batches.length
  const done = batcher.shutdown(5_000)
  const startMs = clock.monotonicMs()
  while (clock.monotonicMs() - startMs < 5_000) await pass(100)
  assert.equal((await done).droppedBy.shutdown, 1)
  assert.ok(transport.batches.length - attempts >= 5)
})

test('at the deadline the rest is dropped, what flies included; a late answer changes nothing', async () => {
  let land: (result: SendResult) => void = () => {}
  const script = () =>
    new Promise<SendResult>((resolve) => {
      land = resolve
    })
  const { add, batcher, lines, pass, settle, transport } = harness(script, { inFlight: 1, batchSpans: 10 })
  add()
  add()
  await settle()
  const done = batcher.shutdown(5_000)
  await pass(5_000)
  const account = await done
  assert.deepEqual([account.sent, account.droppedBy.shutdown, account.waiting], [0, 2, 0])
  land(OK)
  await settle()
  assert.equal(transport.taken.length, 1)
  assert.deepEqual(batcher.accounting(), account)
  assert.equal(lines.at(-1)?.message, 'traces dropped: not sent before the end')
})

test('a trace that comes after the end is counted as dropped', async () => {
  const { add, batcher } = harness(() => OK)
  await batcher.shutdown(0)
  add()
  assert.equal(batcher.accounting().droppedBy.shutdown, 1)
})

test('a second shutdown only gives the account', async () => {
  const { batcher } = harness(() => OK)
  await batcher.shutdown(0)
  assert.equal((await batcher.shutdown(0)).in, 0)
})

test('the line at exit is the whole account', async () => {
  const partial: SendResult = { kind: 'ok', rejected: 3, message: 'old' }
  const script: Script = (_, number) =>
    [partial, { kind: 'failed' as const, reason: 'no' }, AWAY][number - 1] ?? OK
  const { add, batcher, pass } = harness(script)
  for (let count = 0; count < 3; count++) {
    add()
    await pass(200)
  }
  assert.equal(
    describeAccounting(batcher.accounting()),
    'traces: in 3 = sent 1 + dropped 1 (refused 1) + waiting 1; spans: sent 10, rejected 3; retries 1',
  )
})

test('a clock that stands still starts nothing', async () => {
  const { add, clock, settle, transport } = harness(() => OK)
  add()
  clock.advance(ZERO)
  await settle()
  assert.equal(transport.batches.length, 0)
  clock.advance(SECOND)
  await settle()
  assert.equal(transport.batches.length, 1)
})

test('each entry is told once what became of it', async () => {
  const answers: SendResult[] = [{ kind: 'retryable', reason: 'away' }, OK, { kind: 'failed', reason: 'no' }]
  const { add, pass, batcher } = harness(() => answers.shift() ?? OK, { maxSpanAgeMs: 1e15 })
  const fates: string[] = []
  const told = (name: string) => ({ settled: (fate: string) => void fates.push(`${name} ${fate}`) })
  add(told('first'))
  await pass(200)
  assert.deepEqual(fates, [])
  await pass(5_000)
  add(told('second'))
  await pass(200)
  await batcher.shutdown(1_000)
  add(told('late'))
  assert.deepEqual(fates, ['first sent', 'second dropped', 'late dropped'])
})

test('what the queue has no room for is told so', () => {
  const { add } = harness(() => AWAY, { maxWaitingBytes: 250 })
  const fates: string[] = []
  for (const name of ['a', 'b', 'c']) add({ settled: (fate) => void fates.push(`${name} ${fate}`) })
  assert.deepEqual(fates.length, 1)
  assert.match(fates[0] ?? '', /dropped$/)
})

test('leaving counts what waits and what flies as left, at once, and nothing comes after', async () => {
  const { add, batcher, pass, transport } = harness(() => new Promise(() => {}))
  const fates: string[] = []
  const settled = (fate: string): void => void fates.push(fate)
  add({ settled })
  await pass(200)
  add({ settled })
  assert.equal(transport.batches.length, 1)
  const account = await batcher.leave(0)
  assert.deepEqual([account.droppedBy.left, account.waiting, account.sent], [2, 0, 0])
  add({ settled })
  assert.deepEqual(fates, ['left', 'left', 'left'])
})

test('leaving with a deadline sends what it can', async () => {
  const { add, batcher } = harness(() => OK)
  add()
  const account = await batcher.leave(5_000)
  assert.deepEqual([account.sent, account.dropped], [1, 0])
})
