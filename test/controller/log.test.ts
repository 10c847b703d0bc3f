// Owns what a line of the operator's log is. Promises that nothing of it is lost to a parser.
// Does not test what is logged.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { manualClock } from '../../src/base/clock.ts'
import { unixNano } from '../../src/base/time.ts'
import { createLog } from '../../src/controller/log.ts'
import type { Failure } from '../../src/kube/failure.ts'

const clock = manualClock(unixNano(1_795_000_000_000_000_000n))

function logged(): { readonly lines: string[]; readonly log: ReturnType<typeof createLog> } {
  const lines: string[] = []
  return { lines, log: createLog({ level: 'debug', clock, out: { write: (line) => lines.push(line) > 0 } }) }
}

test('what a failure says is the reason, beside the message of the line', () => {
  const failure: Failure = { kind: 'forbidden', message: 'leases is forbidden', code: 403 }
  for (const level of ['debug', 'info', 'warn', 'error'] as const) {
    const { lines, log } = logged()
    log[level]('the Lease cannot be read', { ...failure })
    assert.equal(lines[0]?.match(/"message":/g)?.length, 1, lines[0])
    const { time: _, ...said } = JSON.parse(lines[0] ?? '') as Record<string, unknown>
    const words = { reason: 'leases is forbidden', message: 'the Lease cannot be read' }
    assert.deepEqual(said, { level, kind: 'forbidden', code: 403, ...words })
  }
})
