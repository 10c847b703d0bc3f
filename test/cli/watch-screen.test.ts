import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Context } from '../../src/cli/context.ts'
import { plain } from '../../src/cli/glyphs.ts'
import type { Terminal } from '../../src/cli/terminal.ts'
import { openScreen, type Sight, startLine, startLines } from '../../src/cli/watch-screen.ts'
import { troubleWords } from '../../src/cli/watch-trouble.ts'
import type { InFlight } from '../../src/trace/in-flight.ts'
import { at, FAILED_PULLS, SLOW_PULL } from './hand-made.ts'
import { surroundings } from './surroundings.ts'

const CHECKOUT: InFlight = {
  uid: 'a',
  namespace: 'shop',
  name: 'checkout',
  created: at(0),
  operation: 'pull image',
  since: at(1000),
  waitsFor: 'pulling big:2',
  labels: {},
  owners: [],
  cause: 'unknown',
}

/** What the footer held at each drawing, and a clock that stands still. */
async function watched(sight: Partial<Sight>, width = 100, show = [SLOW_PULL, FAILED_PULLS]) {
  const { context, out, err, abort } = surroundings()
  const drawn: (readonly string[])[] = []
  const terminal: Terminal = {
    ...context.terminal,
    interactive: true,
    rows: 24,
    look: () => ({ width, colour: false, ascii: false }),
    footer: (lines) => void drawn.push(lines),
  }
  const clock: Context['clock'] = {
    now: () => at(9000),
    monotonicMs: () => 0,
    sleep: async () => abort.abort(),
  }
  const screen = await openScreen({ ...context, terminal, clock }, 'lines', {
    inFlight: () => [CHECKOUT],
    isConnected: () => true,
    ...sight,
  })
  for (const trace of show) screen.show(trace)
  await screen.run()
  return { drawn, out: out(), err: err() }
}

test('on a terminal a rule and a title stand above what is in flight, and nothing stays of them', async () => {
  const { drawn, err } = await watched({})
  assert.deepEqual(drawn, [
    [
      '─'.repeat(100),
      '1 start in flight   1 ready, 1 timeout   slowest 1 m 04 s shop/typo-6644757686-q8d2x',
      '  age  pod            waits for      since',
      '9.0 s  shop/checkout  pulling big:2  8.0 s',
    ],
    [],
  ])
  assert.equal(err, 'podspan: 1 ready, 1 timeout; slowest 1 m 04 s shop/typo-6644757686-q8d2x.\n')
})

test('a title that does not fit says the first things', async () => {
  const { drawn } = await watched({ isConnected: () => false }, 50)
  assert.equal(drawn[0]?.[1], 'not connected, trying again   1 start in flight')
})

test('where nothing has ended, nothing is summed up', async () => {
  const { drawn, err } = await watched({ inFlight: () => [] }, 40, [])
  assert.deepEqual([drawn[0]?.slice(1), err], [['no start in flight'], ''])
})

test('a finished start has one line in a log, and in a window as many as it needs', () => {
  assert.match(startLine(SLOW_PULL, plain), /^\d{4}-\S+Z {2}ready +12\.4 s {2}shop\/\S+ {2}Pulling /)
  const wide = startLines(SLOW_PULL, 200, plain)
  const narrow = startLines(SLOW_PULL, 60, plain)
  assert.match(wide.join('\n'), /^\d\d:\d\d:\d\dZ {2}ready +12\.4 s {2}shop\/\S+ {2}[^R\n][^\n]+$/)
  assert.ok(narrow.length > 1 && narrow.every((line) => line.length <= 60))
  assert.ok(narrow.slice(1).every((line) => line.startsWith('  ')))
})

test('trouble with a watch is told in words, and what is told elsewhere is not repeated', () => {
  const failed = (kind: string, message: string) =>
    troubleWords('request failed', { stream: 'pods', kind, message })
  assert.equal(
    failed('network', 'ECONNRESET'),
    'the watch of pods is interrupted (ECONNRESET); it is tried again.',
  )
  assert.match(failed('unauthorized', 'Unauthorized') ?? '', /log in again/)
  assert.equal(failed('forbidden', 'no'), undefined)
  assert.match(
    troubleWords('relisting', { stream: 'events', reason: 'expired' }) ?? '',
    /^events are listed anew \(expired\)/,
  )
})
