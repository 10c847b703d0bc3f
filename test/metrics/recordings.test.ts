import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { before, test } from 'node:test'
import { createMetrics } from '../../src/metrics/metrics.ts'
import { readRecording } from '../../src/recording/read.ts'
import { createPipeline } from '../../src/trace/pipeline.ts'
import { rootOf, type Trace } from '../../src/trace/trace.ts'
import type { Rollout } from '../../src/rollout/rollout.ts'
import { followed } from '../rollout/followed.ts'
import { framesOf } from '../rollout/replay.ts'
import { recordings } from '../support/frames.ts'
import { assertGolden } from '../support/golden-file.ts'
import { type Parsed, parseExposition } from './parse-exposition.ts'

const directory = join(import.meta.dirname, '..', 'recordings')

async function* whole(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes
}

async function tracesOf(file: string): Promise<Trace[]> {
  const { frames } = await readRecording('-', { stdin: whole(readFileSync(join(directory, file))) })
  const pipeline = createPipeline()
  const traces: Trace[] = []
  for await (const frame of frames) traces.push(...pipeline.push(frame))
  return traces
}

const traces: Trace[] = []
const rollouts: Rollout[] = []
const metrics = createMetrics()
let parsed: Parsed

before(async () => {
  for (const file of readdirSync(directory).sort())
    if (file.endsWith('.jsonl.gz')) traces.push(...(await tracesOf(file)))
  for (const trace of traces) metrics.take(trace)
  for (const name of recordings()) rollouts.push(...followed(await framesOf(name)).told)
  for (const rollout of rollouts) metrics.takeRollout(rollout)
  parsed = parseExposition((await metrics.expose('application/openmetrics-text')).body, 'openmetrics')
})

/** Whole milliseconds, so that a change which does not matter does not show. */
const rounded = (body: string): string =>
  body.replace(/\d+\.\d{4,}(?:e-\d+)?/g, (text) => `${Number(Number(text).toFixed(3))}`)

test('all recordings together give the metrics that they should', async () => {
  const { body } = await metrics.expose('application/openmetrics-text')
  const lines = body.split('\n').filter((line) => line.startsWith('podspan_'))
  assertGolden(join(import.meta.dirname, 'recordings.txt'), rounded(`${lines.join('\n')}\n`))
})

test('every start of a recording that is over is counted once', () => {
  const over = traces.filter(({ outcome }) => outcome !== 'starting')
  assert.ok(over.length > 50)
  assert.equal(parsed.sum('podspan_pod_starts_total'), over.length)
  assert.equal(parsed.sum('podspan_pod_start_causes_total'), over.length)
  const ready = over.filter(({ outcome }) => outcome === 'ready')
  assert.equal(parsed.sum('podspan_pod_start_duration_seconds_count'), ready.length)
})

test('the critical path over all operations is the time that the starts took', () => {
  const took = traces
    .filter(({ outcome }) => outcome !== 'starting')
    .reduce((sum, trace) => sum + Number(rootOf(trace).end.best - rootOf(trace).start.best) / 1e9, 0)
  const path = parsed.sum('podspan_workload_critical_path_seconds_total')
  assert.ok(Math.abs(path - took) < 1e-6 * took, `${path} s of ${took} s`)
})

test('every rollout that is over is counted once, and what held them sums to the time that they took', () => {
  assert.ok(rollouts.length > 25)
  assert.equal(parsed.sum('podspan_rollouts_total'), rollouts.length)
  const complete = rollouts.filter(({ outcome }) => outcome === 'complete')
  assert.equal(parsed.sum('podspan_rollout_duration_seconds_count'), complete.length)
  const took = rollouts.reduce((sum, { length }) => sum + Number(length) / 1e9, 0)
  assert.ok(Math.abs(parsed.sum('podspan_rollout_hold_seconds_total') - took) < 1e-6 * took)
})

test('no operation or cause of a recording is unknown', () => {
  const others = parsed.samples.filter(({ labels }) => Object.values(labels).includes('other'))
  assert.deepEqual(others, [])
})
