import assert from 'node:assert/strict'
import { test } from 'node:test'
import { seconds, add, type UnixNano } from '../../src/base/time.ts'
import { createMetrics } from '../../src/metrics/metrics.ts'
import { followed } from '../rollout/followed.ts'
import { framesOf } from '../rollout/replay.ts'
import { parseExposition } from './parse-exposition.ts'

const START = 1_795_000_000_000_000_000n as UnixNano

async function exposed(metrics: ReturnType<typeof createMetrics>) {
  const { body } = await metrics.expose('application/openmetrics-text')
  return parseExposition(body, 'openmetrics')
}

test('rollouts have all their series from the start, so that the first failure shows in rate()', async () => {
  const parsed = await exposed(createMetrics())
  for (const rollout_kind of ['Deployment', 'StatefulSet', 'DaemonSet', 'Job']) {
    for (const rollout_outcome of ['complete', 'failed', 'superseded', 'deleted'])
      assert.equal(parsed.value('podspan_rollouts_total', { rollout_kind, rollout_outcome }), 0)
    assert.equal(parsed.value('podspan_rollouts_under_way', { rollout_kind }), 0)
    assert.equal(parsed.value('podspan_rollout_oldest_age_seconds', { rollout_kind }), 0)
  }
})

test('a histogram of rollouts leads to one whose trace was exported, and to no other', async () => {
  const { told } = followed(await framesOf('rollout-budget'))
  for (const fate of ['exported', 'kept'] as const) {
    const metrics = createMetrics()
    for (const rollout of told) metrics.takeRollout(rollout, fate)
    const { body } = await metrics.expose('application/openmetrics-text')
    const ids = [...body.matchAll(/podspan_rollout_duration_seconds_bucket.* # \{trace_id="(\w+)"\}/g)]
    const found = ids.map(([, id]) => id ?? '')
    assert.deepEqual(found.sort(), fate === 'exported' ? told.map(({ traceId }) => traceId).sort() : [])
  }
})

test('what goes on is shown by kind, with the age of the one that was seen first', async () => {
  const metrics = createMetrics()
  metrics.rolloutsUnderWay(new Map([['StatefulSet', { count: 3, since: START }]]), add(START, seconds(90)))
  const parsed = await exposed(metrics)
  assert.equal(parsed.value('podspan_rollouts_under_way', { rollout_kind: 'StatefulSet' }), 3)
  assert.equal(parsed.value('podspan_rollout_oldest_age_seconds', { rollout_kind: 'StatefulSet' }), 90)
  assert.equal(parsed.value('podspan_rollouts_under_way', { rollout_kind: 'Job' }), 0)
  metrics.rolloutsUnderWay(new Map(), add(START, seconds(91)))
  const later = await exposed(metrics)
  assert.equal(later.value('podspan_rollout_oldest_age_seconds', { rollout_kind: 'StatefulSet' }), 0)
})
