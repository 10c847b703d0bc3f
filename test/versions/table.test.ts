import assert from 'node:assert/strict'
import { test } from 'node:test'
import { formatRuns } from './table.ts'

test('each version has its row, also one that could not be built', () => {
  const sum = {
    ...{ starts: 12, boundaries: 345, errorP50: 0.123, errorP99: 45.678, inside: 0.9987, explained: 0.99876 },
    missed: [],
  }
  const tested = { passed: 90, failed: 0, skipped: 7, ok: true }
  const rows = formatRuns([
    { version: '1.30.14', tested, sum, whatFailed: [], seconds: 1234 },
    { version: '1.99.0', tested: undefined, sum: undefined, whatFailed: ['build'], seconds: 6 },
  ]).split('\n')
  assert.deepEqual(rows.slice(2), [
    '| 1.30.14 | 90 | 0 | 7 | 12 | 345 | 0.12 | 45.68 | 99.9 % | 0.999 | passed | 20.6 |',
    '| 1.99.0 | – | – | – | – | – | – | – | – | – | failed: build | 0.1 |',
  ])
  const columns = rows.map((row) => row.split('|').length)
  assert.equal(new Set(columns).size, 1)
})
