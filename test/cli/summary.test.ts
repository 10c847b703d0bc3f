import assert from 'node:assert/strict'
import { test } from 'node:test'
import { plain } from '../../src/cli/glyphs.ts'
import { Summary } from '../../src/cli/summary.ts'
import { FAILED_PULLS, type Made, SLOW_PULL, STATUS_ONLY, trace } from './hand-made.ts'

test('the table says how starts ended, how long they took and where the time went', () => {
  const summary = new Summary()
  for (const trace of [SLOW_PULL, STATUS_ONLY, FAILED_PULLS]) summary.add(trace)
  assert.deepEqual(summary.lines(plain, 100), [
    '3 starts: 2 ready, 1 timed out',
    'ready after  p50 3.4 s   p90 12.4 s   max 12.4 s',
    '',
    'where the time went             share  spans  failed     p50     p90     max',
    'back-off                         58 %      2          15.0 s  31.6 s  31.6 s',
    'schedule                         19 %      3          400 ms  15.0 s  15.0 s',
    'transfer and unpack               9 %      1           7.3 s   7.3 s   7.3 s',
    'readiness                         5 %      2           1.9 s   1.9 s   1.9 s',
    'prepare pod and create sandbox    3 %      2           1.1 s   1.2 s   1.2 s',
    'wait for pull slot                2 %      1           1.8 s   1.8 s   1.8 s',
    'pull image                        2 %      3       2   1.0 s   9.1 s   9.1 s',
    'unaccounted                       1 %      1           1.0 s   1.0 s   1.0 s',
    'create container                 <1 %      1           90 ms   90 ms   90 ms',
    'start container                  <1 %      1           60 ms   60 ms   60 ms',
    'report status                    <1 %      1           20 ms   20 ms   20 ms',
  ])
})

test('what lies between two operations is a row only where it says something', () => {
  const root = (end: number, critical: number): Made => ({
    name: 'pod startup',
    start: 0,
    end,
    critical: [[0, critical]],
  })
  const waits: Made = { name: 'schedule', start: 1, end: 1000, critical: [[1, 1000]] }
  const rows = (made: Made): string => {
    const summary = new Summary()
    summary.add(trace({ spans: [made, waits] }))
    return summary.lines(plain, 100).join('\n')
  }
  assert.doesNotMatch(rows(root(1000, 1)), /unaccounted/)
  assert.match(rows(root(1000, 100)), /unaccounted +9 %/)
})

test('without starts there is no table', () => {
  assert.deepEqual(new Summary().lines(plain, 100), ['0 starts: '])
})
