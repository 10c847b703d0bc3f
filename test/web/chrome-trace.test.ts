// Owns the form that Perfetto opens: no event may cut another on its track, or a viewer drops one of them.

import assert from 'node:assert/strict'
import { globSync } from 'node:fs'
import { test } from 'node:test'
import { createPipeline } from '../../src/trace/pipeline.ts'
import { readRecording } from '../../src/recording/read.ts'
import { formatChromeTrace } from '../../src/web/chrome-trace.ts'

interface Event {
  readonly ph: string
  readonly tid: number
  readonly ts: number
  readonly dur: number
  readonly name: string
}

/** A double has a quarter of a microsecond left at this time of the epoch. */
const FINE = 0.5

test('on every recording, events of one track lie within each other or apart', async () => {
  let spans = 0
  for (const file of globSync(
    'test/recordings/{many-events,burst,init-sidecar-readiness,crash-loop,pulls*}.jsonl.gz',
  )) {
    const { frames } = await readRecording(file, { stdin: (async function* () {})(), onProblem: () => {} })
    const pipeline = createPipeline()
    for await (const frame of frames)
      for (const trace of pipeline.push(frame)) {
        const { traceEvents } = JSON.parse(formatChromeTrace(trace)) as { traceEvents: Event[] }
        const found = traceEvents.filter(({ ph }) => ph === 'X')
        assert.equal(found.length, trace.spans.length)
        spans += found.length
        for (const [index, a] of found.entries())
          for (const b of found.slice(index + 1))
            if (a.tid === b.tid) assert.ok(fit(a, b), `${a.name} cuts ${b.name}`)
      }
  }
  assert.ok(spans > 100)
})

function fit(a: Event, b: Event): boolean {
  const [first, second] = a.ts < b.ts || (a.ts === b.ts && a.dur >= b.dur) ? [a, b] : [b, a]
  const end = first.ts + first.dur
  return second.ts >= end - FINE || second.ts + second.dur <= end + FINE
}
