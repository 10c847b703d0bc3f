// Owns when a start that does not end is over: after the time-out by our clock, whatever the API server's says.
// Promises both directions of a clock that is off. What a timeout looks like is the golden files' to say.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Frame } from '../../src/base/frame.ts'
import { seconds } from '../../src/base/time.ts'
import { createPipeline } from '../../src/trace/pipeline.ts'
import { at, podRecord, secondsAt } from '../support/pods-records.ts'

const HOUR_MS = 3_600_000
const uidOf = (pod: number): string => `0b9f6f1e-8a5c-4f0e-9d4b-${String(pod).padStart(12, '0')}`

/** Pods that are created a second apart and then wait, by an API server whose clock is off by so much. */
const pods = (skewMs: (ms: number) => number, count = 30): Frame[] =>
  Array.from({ length: count }, (_, pod) => {
    const ms = pod * 1000
    const record = podRecord({
      uid: uidOf(pod),
      name: `web-${pod}`,
      resourceVersion: String(100 + pod),
      createdSeconds: secondsAt(ms + skewMs(ms)),
    })
    return { kind: 'added', t: at(ms + 5), source: 'pods', phase: 'live', record }
  })

/** How many of them are told as timeouts, minute by minute. */
function timeouts(frames: readonly Frame[], untilMinutes: number): number[] {
  const pipeline = createPipeline({ startTimeout: seconds(600) })
  const told = frames.flatMap((frame) => pipeline.push(frame))
  const counts = [told.length]
  for (let minute = 1; minute <= untilMinutes; minute++)
    counts.push(pipeline.push({ kind: 'tick', t: at(minute * 60_000) }).length)
  return counts
}

const CLOCKS: readonly (readonly [name: string, skewMs: (ms: number) => number])[] = [
  ['is right', () => 0],
  ['is an hour behind', () => -HOUR_MS],
  ['is an hour ahead', () => HOUR_MS],
  ['jumps back by an hour', (ms) => (ms < 10_000 ? 0 : -HOUR_MS)],
  ['jumps ahead by an hour', (ms) => (ms < 10_000 ? 0 : HOUR_MS)],
]

for (const [name, skewMs] of CLOCKS)
  test(`starts that do not end are timeouts after ten minutes, where the API server's clock ${name}`, () => {
    const counts = timeouts(pods(skewMs), 11)
    assert.deepEqual(
      counts.slice(0, 10),
      Array.from({ length: 10 }, () => 0),
    )
    assert.equal((counts[10] ?? 0) + (counts[11] ?? 0), 30)
  })
