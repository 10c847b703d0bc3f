import assert from 'node:assert/strict'
import { test } from 'node:test'
import { METRICS_DOC, metricsDocument, seriesMax } from '../../scripts/generate-metrics-doc.ts'
import { assertGolden } from '../support/golden-file.ts'

test('docs/metrics.md says what the code does', () => assertGolden(METRICS_DOC, metricsDocument()))

test('the limit grows with the workloads that have series of their own', () => {
  const each = seriesMax(201) - seriesMax(200)
  assert.equal(seriesMax(2000) - seriesMax(200), 1800 * each)
})
