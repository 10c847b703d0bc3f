import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { createHeap } from '../../src/export/heap.ts'
import { createQueue, type Entry, isWorthLess } from '../../src/export/queue.ts'

interface Given {
  bytes?: number
  spans?: number
  failed?: boolean
  startupMs?: number
}

const entry = ({ bytes = 10, spans = 1, failed = false, startupMs = 1000 }: Given = {}): Entry => ({
  request: new Uint8Array(bytes),
  spans,
  failed,
  startupMs,
  endedMs: 0,
  queuedMs: 0,
})

const LIMITS = { spans: 10, bytes: 100 }

test('entries leave in the order in which they came', () => {
  const queue = createQueue()
  const entries = [entry(), entry(), entry()]
  for (const each of entries) queue.push(each)
  assert.deepEqual(queue.take(LIMITS), entries)
  assert.equal(queue.traces, 0)
})

test('a batch ends before the trace that would pass a limit', () => {
  const queue = createQueue()
  for (const bytes of [60, 30, 20]) queue.push(entry({ bytes }))
  assert.deepEqual(
    queue.take(LIMITS).map((each) => each.request.length),
    [60, 30],
  )
  for (const spans of [6, 4, 1]) queue.push(entry({ spans, bytes: 1 }))
  assert.deepEqual(
    queue.take(LIMITS).map((each) => each.spans),
    [1, 6],
  )
})

test('a trace larger than a batch goes alone', () => {
  const queue = createQueue()
  for (const bytes of [500, 5]) queue.push(entry({ bytes }))
  assert.deepEqual(
    queue.take(LIMITS).map((each) => each.request.length),
    [500],
  )
})

test('what was put back goes first, in its order', () => {
  const queue = createQueue()
  const [a, b, c, d] = [entry(), entry(), entry(), entry()]
  queue.push(c)
  queue.putBack([b])
  queue.putBack([a])
  queue.push(d)
  assert.equal(queue.oldest(), a)
  assert.deepEqual(queue.take(LIMITS), [a, b, c, d])
})

test('dropping takes fast ready starts first, and slow failed ones last', () => {
  const queue = createQueue()
  const starts: Given[] = [
    { failed: true, startupMs: 600_000 },
    { startupMs: 2_000 },
    { failed: true, startupMs: 500 },
    { startupMs: 90_000 },
    { startupMs: 500 },
  ]
  for (const given of starts) queue.push(entry(given))
  const dropped = starts.map(() => queue.dropLeast())
  assert.deepEqual(
    dropped.map((each) => `${each?.failed ? 'failed' : 'ready'} ${each?.startupMs}`),
    ['ready 500', 'ready 2000', 'ready 90000', 'failed 500', 'failed 600000'],
  )
  assert.equal(queue.dropLeast(), undefined)
})

test('a trace that came after the queue began to overflow is compared too', () => {
  const queue = createQueue()
  queue.push(entry({ startupMs: 5 }))
  queue.push(entry({ startupMs: 6 }))
  queue.dropLeast()
  queue.push(entry({ startupMs: 1 }))
  assert.equal(queue.dropLeast()?.startupMs, 1)
})

test('clear returns everything once', () => {
  const queue = createQueue()
  queue.push(entry())
  queue.putBack([entry()])
  assert.equal(queue.clear().length, 2)
  assert.deepEqual([queue.traces, queue.spans, queue.bytes, queue.clear().length], [0, 0, 0, 0])
})

const anyEntry = fc
  .record({
    bytes: fc.integer({ min: 1, max: 60 }),
    spans: fc.integer({ min: 1, max: 6 }),
    failed: fc.boolean(),
    startupMs: fc.integer({ min: 0, max: 5 }),
  })
  .map(entry)
type Step = { readonly do: 'push'; readonly entry: Entry } | { readonly do: 'take' | 'drop' | 'putBack' }
const anyStep: fc.Arbitrary<Step> = fc.oneof(
  { weight: 3, arbitrary: anyEntry.map((each) => ({ do: 'push' as const, entry: each })) },
  { weight: 2, arbitrary: fc.constantFrom<Step>({ do: 'take' }, { do: 'drop' }, { do: 'putBack' }) },
)

test('property: the queue does what a plain sorted list does', () => {
  fc.assert(
    fc.property(fc.array(anyStep, { maxLength: 120 }), (steps) => {
      const queue = createQueue()
      let model: Entry[] = []
      let out: Entry[] = []
      for (const step of steps) {
        if (step.do === 'push') {
          const each = { ...step.entry }
          queue.push(each)
          model.push(each)
        } else if (step.do === 'take') {
          out = queue.take(LIMITS)
          assert.deepEqual(model.slice(0, out.length), out)
          model = model.slice(out.length)
        } else if (step.do === 'putBack') {
          queue.putBack(out)
          model = [...out, ...model]
          out = []
        } else {
          const least = queue.dropLeast()
          assert.equal(least === undefined, model.length === 0)
          if (least) assert.ok(!model.some((each) => isWorthLess(each, least)))
          model = model.filter((each) => each !== least)
        }
        assert.equal(queue.traces, model.length)
        assert.equal(
          queue.spans,
          model.reduce((sum, each) => sum + each.spans, 0),
        )
        assert.equal(
          queue.bytes,
          model.reduce((sum, each) => sum + each.request.length, 0),
        )
        assert.equal(queue.oldest(), model[0])
      }
    }),
    { numRuns: 500 },
  )
})

test('a queue that overflows for ever compares only what waits', () => {
  const queue = createQueue()
  for (let count = 0; count < 4; count++) queue.push(entry({ failed: true, startupMs: count }))
  queue.dropLeast()
  // What was sent long ago is worth nothing now: with it in the order, each drop would look at all that ever was.
  for (let count = 0; count < 10_000; count++) {
    queue.push(entry({ failed: true, startupMs: 10 + count }))
    queue.take({ spans: 1, bytes: 1 })
  }
  assert.ok(
    queue.rankedEntries <= 3 * queue.traces,
    `${queue.rankedEntries} ranked for ${queue.traces} waiting`,
  )
})

test('property: a heap gives its items in order', () => {
  fc.assert(
    fc.property(fc.array(fc.integer()), (numbers) => {
      const heap = createHeap((a: number, b: number) => a < b, numbers)
      const popped = numbers.map(() => heap.pop())
      assert.deepEqual(
        popped,
        numbers.toSorted((a, b) => a - b),
      )
      assert.equal(heap.pop(), undefined)
    }),
  )
})
