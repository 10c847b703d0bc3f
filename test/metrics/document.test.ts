import assert from 'node:assert/strict'
import { test } from 'node:test'
import { METRICS_DOC, metricsDocument, seriesMax } from '../../scripts/generate-metrics-doc.ts'
import { assertGolden } from '../support/golden-file.ts'

test('docs/metrics.md says what the code does', () => assertGolden(METRICS_DOC, metricsDocument()))

test('the limit grows with the workloads and the nodes that have series of their own', () => {
  const each = seriesMax(201, 0) - seriesMax(200, 0)
  assert.equal(seriesMax(2000, 0) - seriesMax(200, 0), 1800 * each)
  const eachNode = seriesMax(0, 101) - seriesMax(0, 100)
  assert.equal(seriesMax(0, 500) - seriesMax(0, 100), 400 * eachNode)
})
