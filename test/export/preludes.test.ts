import assert from 'node:assert/strict'
import { test } from 'node:test'
import { manualClock } from '../../src/base/clock.ts'
import { unixNano } from '../../src/base/time.ts'
import type { OtlpConfig } from '../../src/export/config.ts'
import { createExporter } from '../../src/export/exporter.ts'
import { toOtlpJson } from '../../src/export/otlp-json.ts'
import { createPreludes } from '../../src/export/preludes.ts'
import type { Trace } from '../../src/trace/trace.ts'
import { framesOf, tracesOf } from '../support/frames.ts'
import { OK, scriptedTransport } from './scripted-transport.ts'

/** Two pods of one Job, which Kueue held. */
async function twins(): Promise<readonly [Trace, Trace]> {
  const traces = tracesOf(await framesOf('kueue')).filter(({ name }) => name.startsWith('second-'))
  assert.equal(traces.length, 2)
  return [traces[0] as Trace, traces[1] as Trace]
}

test('what several pods waited for is sent with the first of them', async () => {
  const [first, second] = await twins()
  const preludes = createPreludes()
  assert.deepEqual(preludes.take(first), first.before)
  assert.deepEqual(preludes.take(second), [])
})

test('what did not arrive is sent with the next', async () => {
  const [first, second] = await twins()
  const preludes = createPreludes()
  preludes.giveBack(preludes.take(first))
  assert.equal(preludes.take(second).length, 1)
})

test('a start that waited for nothing has nothing before it', async () => {
  const [plain] = tracesOf(await framesOf('plain'))
  assert.deepEqual(createPreludes().take(plain as Trace), [])
})

test('of more than there is room for the oldest is sent again', async () => {
  const [first] = await twins()
  const others = tracesOf(await framesOf('quota-freed')).filter(({ before }) => before)
  const preludes = createPreludes(2)
  for (const trace of [first, ...others]) preludes.take(trace)
  assert.ok(others.length >= 2)
  assert.equal(preludes.take(first).length, 1)
})

test('a Workload that was admitted twice has two', async () => {
  const traces = tracesOf(await framesOf('kueue-evicted')).filter(({ name }) => name.startsWith('patient-'))
  const preludes = createPreludes()
  const taken = traces.flatMap((trace) => preludes.take(trace))
  assert.equal(taken.length, 2)
  assert.equal(taken[0]?.traceId, taken[1]?.traceId)
  assert.notEqual(taken[0]?.spans[0]?.spanId, taken[1]?.spans[0]?.spanId)
})

test('it travels in one request with the start, under its own trace', async () => {
  const [first] = await twins()
  const { resourceSpans } = JSON.parse(toOtlpJson(first)) as {
    resourceSpans: { scopeSpans: { spans: { name: string; traceId: string; parentSpanId?: string }[] }[] }[]
  }
  const spans = resourceSpans.flatMap(({ scopeSpans }) => scopeSpans.flatMap((one) => one.spans))
  const wait = spans.find(({ name }) => name === 'wait in queue')
  assert.equal(wait?.traceId, first.before?.[0]?.traceId)
  assert.equal(wait?.parentSpanId, undefined)
  assert.equal(spans.find(({ name }) => name === 'pod startup')?.traceId, first.traceId)
})

test('an exporter sends it with the first start, and again where that was dropped', async () => {
  const [first, second] = await twins()
  const clock = manualClock(unixNano(1_800_000_000_000_000_000n))
  const spansSent = async (...traces: readonly Trace[]): Promise<number[]> => {
    const sent: number[] = []
    const transport = scriptedTransport((batch, number) => {
      sent.push(batch.spans)
      return number === 1 ? { kind: 'failed', reason: 'not today' } : OK
    })
    const exporter = createExporter(
      { otlp: {} as OtlpConfig, batchSpans: 1 },
      { clock, random: () => 0, log: () => {}, connect: () => transport },
    )
    for (const trace of traces) {
      exporter.export(trace)
      await exporter.flush()
    }
    return sent
  }
  const [one, two] = [first.spans.length, second.spans.length]
  const wait = first.before?.[0]?.spans.length ?? 0
  assert.ok(wait > 0)
  // The first is refused, and with it what lay before it; the third has it no more.
  assert.deepEqual(await spansSent(first, second, first), [one + wait, two + wait, one])
})
