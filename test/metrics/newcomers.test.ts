import assert from 'node:assert/strict'
import { test } from 'node:test'
import { add, seconds } from '../../src/base/time.ts'
import { createMetrics, type Metrics } from '../../src/metrics/metrics.ts'
import { START, trace } from '../cli/hand-made.ts'
import { type Parsed, parseExposition } from './parse-exposition.ts'

const OPENMETRICS = 'application/openmetrics-text'

const start = (operation: string) =>
  trace({
    spans: [
      { name: 'pod startup', start: 0, end: 4000 },
      { name: operation, start: 0, end: 2000, critical: [[0, 2000]] },
    ],
  })

async function scrape(metrics: Metrics, atSeconds: number): Promise<Parsed> {
  metrics.startsInFlight([], add(START, seconds(atSeconds)))
  return parseExposition((await metrics.expose(OPENMETRICS)).body, 'openmetrics')
}

const ready = (parsed: Parsed) => parsed.value('podspan_pod_starts_total', { outcome: 'ready' })

test('a series is zero for a minute after it was first shown, and then has all that was counted meanwhile', async () => {
  const metrics = createMetrics({ newcomerSeconds: 60 })
  metrics.take(start('schedule'))
  assert.equal(ready(await scrape(metrics, 10)), 0)
  metrics.take(start('schedule'))
  const young = await scrape(metrics, 69)
  assert.deepEqual([ready(young), young.sum('podspan_pod_start_duration_seconds_bucket')], [0, 0])
  assert.ok(young.samples.every(({ exemplar }) => exemplar === undefined))
  const grown = await scrape(metrics, 70)
  assert.deepEqual([ready(grown), grown.value('podspan_pod_start_duration_seconds_count')], [2, 2])
  assert.ok(grown.samples.some(({ exemplar }) => exemplar !== undefined))
})

test('a series that comes later has a minute of its own', async () => {
  const metrics = createMetrics({ newcomerSeconds: 60 })
  metrics.take(start('schedule'))
  await scrape(metrics, 10)
  metrics.take(start('pull image'))
  const count = (parsed: Parsed, operation: string) =>
    parsed.value('podspan_workload_operations_total', { operation })
  const later = await scrape(metrics, 70)
  assert.deepEqual([count(later, 'schedule'), count(later, 'pull image')], [1, 0])
  const last = await scrape(metrics, 130)
  assert.equal(count(last, 'pull image'), 1)
  assert.equal(last.value('podspan_operation_duration_seconds_count', { operation: 'pull image' }), 1)
})

test('what was not scraped in time is new again when it comes back', async () => {
  const metrics = createMetrics({ newcomerSeconds: 60 })
  const relists = (count: number) => ({ pods: { ...stream, relists: count === 0 ? {} : { expired: count } } })
  let streams = relists(3)
  metrics.health(() => ({ ...healthy, streams }))
  const count = (parsed: Parsed) => parsed.value('podspan_watch_relists_total', { source: 'pods' })
  await scrape(metrics, 0)
  assert.equal(count(await scrape(metrics, 60)), 3)
  streams = relists(0)
  await scrape(metrics, 61)
  streams = relists(4)
  assert.equal(count(await scrape(metrics, 62)), 0)
})

test('gauges, what the process uses, and the text format show what is so', async () => {
  const cpu = {
    ...{ cpuSeconds: 7, residentBytes: 8, heapUsedBytes: 9, limitBytes: undefined },
    ...{ startedAt: 1, collections: new Map() },
  }
  const metrics = createMetrics({ newcomerSeconds: 60, readProcess: () => cpu })
  metrics.health(() => ({ ...healthy, leader: true }))
  metrics.take(start('schedule'))
  const parsed = await scrape(metrics, 10)
  assert.equal(parsed.value('podspan_leader'), 1)
  assert.equal(parsed.value('process_cpu_seconds_total'), 7)
  assert.equal(ready(parseExposition((await metrics.expose('text/plain')).body, 'text')), 1)
})

const stream = {
  ...{ frames: 0, bytes: 0, restarts: 0, failures: {}, decodeErrors: {}, gaps: 0, objects: 0 },
  state: 'live',
}
const healthy = {
  ...{ pipeline: {}, streams: {}, exporters: {}, leader: false, leaderAcquired: 0 },
  ...{ sessions: {}, statusWrites: {} },
}
