// Owns the faults that take the whole of a run: a backend that is away, two replicas, a restored store, a kind that goes, crowds, an end
// with a full queue. Promises what faults.process.test.ts promises, and each time what the operator says of it itself.
// Does not measure speed.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { Door } from '../support/api-server-real.ts'
import type { Operator } from './operator.ts'
import { assertWhole, GAP, openRun, QUICK } from './run.ts'

const timeout = 400_000
/** A replica that is cut off is replaced within seconds. */
const SHORT_TERM = { leaderElection: { leaseDuration: '6s', renewDeadline: '4s', retryPeriod: '1s' } }

interface Account {
  readonly taken: number
  readonly sent: number
  readonly dropped: number
  readonly waiting: number
}

/** What it says of itself at its end. */
function accountOf({ lines }: Operator): Account {
  const said = lines.findLast(({ message }) => message === 'account')
  const match = /in (\d+) = sent (\d+) \+ dropped (\d+).* \+ waiting (\d+);/.exec(String(said?.['account']))
  assert.ok(match, JSON.stringify(said))
  const [taken = 0, sent = 0, dropped = 0, waiting = 0] = match.slice(1).map(Number)
  assert.equal(taken, sent + dropped + waiting)
  return { taken, sent, dropped, waiting }
}

test('a backend that is away while the queue has room costs nothing', { timeout }, async () => {
  await using run = await openRun()
  const operator = await run.operator()
  const playing = run.play(300, QUICK)
  await delay(1000)
  await run.backendGone()
  await playing
  await delay(3000)
  await run.backendBack()
  await run.settled()
  await assertWhole(run)
  assert.ok((await operator.metric('podspan_export_retries_total')) > 0)
})

test('a backend that is away until the queue is full costs whole traces, the fast ones first, each counted', {
  timeout,
}, async () => {
  await using run = await openRun()
  // By default a queue is full after some ten thousand starts; the least that may be configured, after some hundred.
  const operator = await run.operator({
    exporter: { queueMaxBytes: 1_048_576 },
  })
  await run.backendGone()
  await run.play(600, { ...QUICK, startsPerSecond: 100, eventLoss: 0 })
  await run.until(
    'the queue has overflowed',
    async () => (await operator.metric('podspan_export_traces_dropped_total', 'queue-full')) > 100,
  )
  await run.until(
    'all are told',
    async () => (await operator.metric('podspan_export_traces_total')) >= 600,
    120_000,
  )
  await run.backendBack()
  await run.until(
    'the queue is empty',
    async () => (await operator.metric('podspan_export_queue_traces')) === 0,
    120_000,
  )
  const [taken, sent, dropped] = await Promise.all([
    operator.metric('podspan_export_traces_total'),
    operator.metric('podspan_export_traces_sent_total'),
    operator.metric('podspan_export_traces_dropped_total', 'queue-full'),
  ])
  assert.equal(taken, sent + dropped)
  await delay(500)
  const lines = [...run.judge.lines.values()]
  const arrived = lines.filter((line) => run.judge.has(line))
  assert.deepEqual([arrived.length, lines.length - arrived.length], [sent, dropped])
  const { invented, repeated, wrong } = run.judge.judge()
  assert.deepEqual({ invented, repeated, wrong }, { invented: [], repeated: [], wrong: [] })
  // The slowest of all are there: what is dropped is what is worth least.
  const slowest = lines
    .filter(({ outcome }) => outcome === 'ready')
    .toSorted((a, b) => b.startupMs - a.startupMs)
    .slice(0, 10)
  assert.deepEqual(
    slowest
      .filter((line) => !run.judge.has(line))
      .map(({ life, number, startupMs }) => `${life} #${number}: ${startupMs} ms`),
    [],
  )
})

test('of two replicas the one that is cut off from the API server is replaced, and what repeats is counted', {
  timeout,
}, async () => {
  await using run = await openRun()
  await using door = await Door.before(run.simulator.url)
  const first = await run.operator({ name: 'podspan-0', url: door.url, config: SHORT_TERM })
  await run.until('the first leads', async () => (await first.metric('podspan_leader')) === 1)
  const second = await run.operator({ name: 'podspan-1', config: SHORT_TERM })
  const playing = run.play(500, { ...QUICK, startsPerSecond: 30 })
  await delay(3000)
  door.shut()
  await run.until('the second leads', async () => (await second.metric('podspan_leader')) === 1)
  assert.equal(await first.metric('podspan_leader'), 0, 'and the first does not')
  door.open()
  await playing
  await run.settled()
  const repeats = await second.metric('podspan_export_repeats_total')
  await assertWhole(run, repeats)
})

test('a store that is restored from a backup costs what it has forgotten, and nothing else', {
  timeout,
}, async () => {
  await using run = await openRun()
  const operator = await run.operator()
  const playing = run.play(400, GAP)
  await delay(3000)
  const gone = await run.simulator.commands.rewind(600)
  await playing
  await run.settled()
  await assertWhole(run)
  assert.ok(gone > 0 && gone < 300, `${gone} starts were forgotten`)
  assert.ok((await operator.metric('podspan_watch_relists_total', 'went back')) > 0)
})

test('TraceSessions whose kind is deleted and made again export again, and nothing ends meanwhile', {
  timeout,
}, async () => {
  await using run = await openRun()
  const operator = await run.operator()
  await run.play(60, QUICK)
  await run.settled()
  await run.simulator.commands.removeKind()
  await run.until(
    'it is noticed',
    async () => operator.lines.length > 0 && !(await run.simulator.commands.exports()),
  )
  await delay(2000)
  await run.simulator.commands.addKind()
  await run.until('the standing session is back', () => run.simulator.commands.exports(), 120_000)
  await run.play(60, QUICK)
  await run.settled()
  const { invented, lost, repeated, wrong } = run.judge.judge()
  assert.deepEqual({ lost, invented, repeated, wrong }, { lost: [], invented: [], repeated: [], wrong: [] })
})

test('a thousand sessions are judged, with as few writes as are promised, and cost no start', {
  timeout,
}, async () => {
  await using run = await openRun()
  const operator = await run.operator()
  await run.simulator.commands.addSessions(1000)
  const before = (await run.simulator.commands.requests())['PATCH status'] ?? 0
  const begun = performance.now()
  await run.play(200, { ...QUICK, startsPerSecond: 20 })
  await run.until(
    'every session has a status',
    async () => (await run.simulator.commands.judged()) >= 1001,
    180_000,
  )
  await run.settled()
  const writes = ((await run.simulator.commands.requests())['PATCH status'] ?? 0) - before
  const tens = Math.ceil((performance.now() - begun) / 10_000) + 1
  assert.ok(writes <= 1001 * tens, `${writes} writes in ${tens} times ten seconds`)
  await assertWhole(run)
  assert.equal(operator.child.exitCode, null)
})

/** `make faults` has them all; the simulator takes half a minute to write so many out. */
const CROWD = process.env['PODSPAN_FAULTS'] === 'all' ? 50_000 : 10_000

test(`${CROWD.toLocaleString('en')} pods of one namespace deleted at once cost no start of another`, {
  timeout,
}, async () => {
  await using run = await openRun()
  await run.simulator.commands.addPods(CROWD)
  // The default: the simulator stands still for half a minute while it writes so many deletions out, and no start waits for this.
  const operator = await run.operator({ config: { startTimeout: '10m' } })
  const playing = run.play(300, { ...QUICK, startsPerSecond: 30 })
  await delay(2000)
  await run.simulator.commands.removePods()
  await playing
  await run.settled(120_000)
  await assertWhole(run)
  await run.until(
    'they are forgotten',
    async () => (await operator.metric('podspan_watch_objects', 'pods')) < 2000,
  )
})

test('an end with a full queue sends what it can within its deadline, and the next replica the rest', {
  timeout,
}, async () => {
  await using run = await openRun()
  const first = await run.operator({ name: 'podspan-0', config: SHORT_TERM })
  run.receiver.always({ kind: 'unavailable', retryAfterMs: 600_000 })
  await run.play(300, { ...QUICK, startsPerSecond: 100 })
  await run.until('all wait', async () => (await first.metric('podspan_export_queue_traces')) >= 290)
  const begun = performance.now()
  first.signal('SIGTERM')
  assert.equal(await first.exit, 0)
  assert.ok(performance.now() - begun < 28_000, 'before a kubelet would kill it')
  const { dropped, taken } = accountOf(first)
  assert.equal(taken, dropped, 'all are left to the next leader')
  run.receiver.always({ kind: 'ok' })
  // What has been deleted by now only the first has seen: it has counted it as dropped.
  run.judge.excuse(({ outcome }) => outcome === 'deleted')
  const second = await run.operator({ name: 'podspan-1', config: SHORT_TERM })
  await run.settled()
  await assertWhole(run, await second.metric('podspan_export_repeats_total'))
})
