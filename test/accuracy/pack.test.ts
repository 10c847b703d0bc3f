import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createPipeline } from '../../src/trace/pipeline.ts'
import type { Trace } from '../../src/trace/trace.ts'
import { readRecording } from '../../src/recording/read.ts'
import { packTrace, unpackTrace } from './pack.ts'

test('a trace that leaves its process carries every stamp with its evidence', async () => {
  const pipeline = createPipeline()
  const traces: Trace[] = []
  const recording = await readRecording('test/recordings/plain.jsonl.gz')
  for await (const frame of recording.frames) traces.push(...pipeline.push(frame))
  const [trace] = traces
  assert.ok(trace)
  const evidence = ({ spans }: Trace): string[] =>
    spans.flatMap(({ start, end }) =>
      [...start.stamps, ...end.stamps].map(
        ({ at, evidence: { object, field, raw } }) => `${at} ${object} ${field} ${raw}`,
      ),
    )
  assert.ok(evidence(trace).length > 5)
  assert.deepEqual(evidence(unpackTrace(packTrace(trace))), evidence(trace))
})
