import assert from 'node:assert/strict'
import { test } from 'node:test'
import { DEFINITIONS, type Definition, GROUPS } from '../../src/metrics/definitions.ts'
import { asksForOpenMetrics } from '../../src/metrics/exposition.ts'
import { OPERATIONS } from '../../src/metrics/labels.ts'
import { createMetrics } from '../../src/metrics/metrics.ts'
import { observeProcess } from '../../src/metrics/process.ts'
import { parseExposition } from './parse-exposition.ts'

const PROMETHEUS_3 =
  'application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2'

for (const [accept, wanted] of [
  [undefined, false],
  ['', false],
  ['*/*', false],
  ['text/plain', false],
  ['text/html,application/xhtml+xml,*/*;q=0.8', false],
  ['application/openmetrics-text', true],
  ['application/openmetrics-text; version=1.0.0; charset=utf-8', true],
  ['Application/OpenMetrics-Text; version="1.0.0"', true],
  ['application/openmetrics-text; version=2.0.0', false],
  ['application/openmetrics-text;q=0', false],
  ['application/openmetrics-text;q=0.2,text/plain;q=0.9', false],
  ['application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;q=0.8,text/plain;q=0.5', false],
  [PROMETHEUS_3, true],
] as const) {
  test(`Accept: ${accept?.slice(0, 60)} asks for ${wanted ? 'OpenMetrics' : 'text'}`, () =>
    assert.equal(asksForOpenMetrics(accept), wanted))
}

test('OpenMetrics has its content type and its end', async () => {
  const { contentType, body } = await createMetrics().expose(PROMETHEUS_3)
  assert.equal(contentType, 'application/openmetrics-text; version=1.0.0; charset=utf-8')
  assert.ok(body.endsWith('\n# EOF\n'))
})

test('both formats name every metric of the table and no other', async () => {
  const metrics = createMetrics()
  const text = parseExposition((await metrics.expose()).body, 'text')
  assert.deepEqual([...text.families.keys()], Object.keys(DEFINITIONS))
  const open = parseExposition((await metrics.expose(PROMETHEUS_3)).body, 'openmetrics')
  assert.deepEqual(
    [...open.families.keys()],
    Object.keys(DEFINITIONS).map((name) => name.replace(/_total$/, '')),
  )
})

const table: readonly (readonly [string, Definition])[] = Object.entries(DEFINITIONS)

test('names say the unit, and only counters are totals', () => {
  for (const [name, { type, unit, bounds, help }] of table) {
    assert.match(name, /^(podspan|process|nodejs)(_[a-z0-9]+)+$/)
    assert.equal(name.endsWith('_total'), type === 'counter', name)
    const stem = name.replace(/_total$/, '')
    assert.equal(
      stem.endsWith('_seconds') ? 'seconds' : stem.endsWith('_bytes') ? 'bytes' : undefined,
      unit,
      name,
    )
    assert.doesNotMatch(
      stem,
      /_(bucket|count|sum|counter|gauge|histogram|summary|ms|milliseconds|minutes)(_|$)/,
    )
    assert.equal(bounds !== undefined, type === 'histogram', name)
    assert.match(help, /\.$/, name)
  }
})

test('bounds rise', () => {
  for (const [name, { bounds = [] }] of table)
    assert.ok(
      bounds.every((bound, index) => bound > (bounds[index - 1] ?? 0)),
      name,
    )
})

test('no metric is in two groups', () => {
  const names = Object.values(GROUPS).flatMap((group) => Object.keys(group))
  assert.equal(new Set(names).size, names.length)
  assert.equal(names.length, table.length)
})

test('no operation comes twice', () => assert.equal(new Set(OPERATIONS).size, OPERATIONS.length))

test("the process' own metrics are read at the scrape, without a timer", async () => {
  const timers = () => process.getActiveResourcesInfo().filter((one) => /Timeout|Immediate/.test(one)).length
  const before = timers()
  const observer = observeProcess()
  try {
    const metrics = createMetrics({ readProcess: observer.read, version: '1.2.3' })
    const parsed = parseExposition((await metrics.expose()).body, 'text')
    assert.equal(timers(), before)
    assert.ok((parsed.value('process_cpu_seconds_total') ?? 0) > 0)
    assert.ok((parsed.value('process_resident_memory_bytes') ?? 0) > 1e6)
    assert.ok((parsed.value('process_start_time_seconds') ?? 0) > 1.6e9)
    assert.equal(parsed.value('podspan_build_info', { version: '1.2.3' }), 1)
    assert.equal(parsed.families.get('nodejs_gc_duration_seconds')?.samples.length, 4 * 7)
  } finally {
    observer.close()
  }
})
