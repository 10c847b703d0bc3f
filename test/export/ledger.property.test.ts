import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { manualClock } from '../../src/base/clock.ts'
import { milliseconds, unixNano } from '../../src/base/time.ts'
import { Batcher } from '../../src/export/batcher.ts'
import type { Batch, SendResult } from '../../src/export/transport.ts'
import { type ScriptedTransport, scriptedTransport } from './scripted-transport.ts'

const OPTIONS = { maxWaitingBytes: 2_000, batchSpans: 40, batchBytes: 600, lingerMs: 200, inFlight: 3 }

const anyResult: fc.Arbitrary<SendResult> = fc.oneof(
  { weight: 4, arbitrary: fc.constant<SendResult>({ kind: 'ok' }) },
  fc.record({
    kind: fc.constant('ok' as const),
    rejected: fc.nat({ max: 50 }),
    message: fc.constant('some'),
  }),
  fc.constant<SendResult>({ kind: 'retryable', reason: 'away' }),
  fc.record({
    kind: fc.constant('retryable' as const),
    reason: fc.constant('busy'),
    retryAfterMs: fc.nat({ max: 90_000 }),
  }),
  fc.constant<SendResult>({ kind: 'too-large', reason: 'big' }),
  fc.constant<SendResult>({ kind: 'failed', reason: 'no' }),
)

type Step =
  | {
      readonly do: 'export'
      readonly bytes: number
      readonly spans: number
      readonly failed: boolean
      readonly startupMs: number
    }
  | { readonly do: 'pass'; readonly ms: number }
  /** Lands one of the batches that fly. */
  | { readonly do: 'land'; readonly which: number; readonly result: SendResult }
  | { readonly do: 'flush' }
  /** Another transport, perhaps with less room. */
  | { readonly do: 'renew'; readonly maxWaitingBytes: number }

const anyStep: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constant('export' as const),
      bytes: fc.integer({ min: 1, max: 900 }),
      spans: fc.integer({ min: 1, max: 60 }),
      failed: fc.boolean(),
      startupMs: fc.nat({ max: 10 }),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('pass' as const),
      ms: fc.constantFrom(1, 100, 200, 1_000, 40_000),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({ do: fc.constant('land' as const), which: fc.nat({ max: 5 }), result: anyResult }),
  },
  { weight: 1, arbitrary: fc.constant({ do: 'flush' as const }) },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('renew' as const),
      maxWaitingBytes: fc.constantFrom(1_000, OPTIONS.maxWaitingBytes),
    }),
  },
)

interface Flight {
  readonly batch: Batch
  /** Of its transport. */
  readonly number: number
  readonly land: (result: SendResult) => void
}

const tick = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

test('property: in = sent + dropped + waiting after every step of any script, and no trace is lost, doubled or cut', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(anyStep, { maxLength: 60 }), fc.double({ min: 0, max: 1, noNaN: true }), run),
    { numRuns: 200 },
  )
})

async function run(steps: readonly Step[], luck: number): Promise<void> {
  const clock = manualClock(unixNano(1_796_083_200_000_000_000n))
  const flying: Flight[] = []
  const transports: ScriptedTransport[] = []
  const connect = (): ScriptedTransport => {
    const number = transports.length
    const transport = scriptedTransport(
      (batch) => new Promise((land) => flying.push({ batch, land, number })),
    )
    transports.push(transport)
    return transport
  }
  const taken = (): readonly Uint8Array[] => transports.flatMap((transport) => transport.taken)
  const batcher = new Batcher(connect(), OPTIONS, { clock, random: () => luck, log: () => {} })
  const given = new Set<Uint8Array>()
  const check = (): void => {
    const { dropped, sent, waiting, waitingBytes, in: all } = batcher.accounting()
    assert.equal(all, given.size)
    assert.equal(all, sent + dropped + waiting)
    assert.ok(waitingBytes <= OPTIONS.maxWaitingBytes)
    assert.equal(waiting === 0, waitingBytes === 0)
    for (const [number, { batches, isClosed }] of transports.entries()) {
      const flights = flying.filter((flight) => flight.number === number).length
      assert.ok(flights <= OPTIONS.inFlight)
      assert.ok(batches.every((batch) => batch.requests.every((request) => given.has(request))))
      assert.ok(!isClosed || flights === 0, 'closed with batches in flight')
    }
    assert.equal(new Set(taken()).size, taken().length, 'a trace was sent twice')
  }
  const take = (step: Step): void => {
    if (step.do === 'pass') clock.advance(milliseconds(step.ms))
    if (step.do === 'flush') void batcher.flush()
    if (step.do === 'renew') batcher.renew(connect(), { ...OPTIONS, maxWaitingBytes: step.maxWaitingBytes })
    if (step.do === 'land') flying.splice(step.which % Math.max(1, flying.length), 1)[0]?.land(step.result)
    if (step.do !== 'export') return
    const request = new Uint8Array(step.bytes)
    given.add(request)
    batcher.add({ ...step, request, endedMs: 0, queuedMs: clock.monotonicMs() })
  }
  for (const step of steps) {
    take(step)
    check()
    await tick()
    check()
  }
  const done = batcher.shutdown(10_000)
  while (flying.length > 0) {
    flying.shift()?.land({ kind: 'ok' })
    await tick()
    check()
  }
  clock.advance(milliseconds(10_000))
  const { dropped, sent, waiting } = await done
  assert.deepEqual([sent + dropped, waiting, sent], [given.size, 0, taken().length])
}
