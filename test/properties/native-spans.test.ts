import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Frame } from '../../src/base/frame.ts'
import { framesOf, randomFrom, runs, tracesOf } from '../support/frames.ts'
import { violations } from '../support/frames-invariants.ts'
import { compareRuns } from '../support/restart-compare.ts'

const NAME = 'with-native-spans'
const RUNS = runs(12)

/** Each span is lost or not, as where exporters drop some and samplers others. */
function withSome(frames: readonly Frame[], random: () => number, share: number): Frame[] {
  return frames.map((frame) =>
    frame.kind === 'otlp' ? { ...frame, spans: frame.spans.filter(() => random() < share) } : frame,
  )
}

/** Whole native traces are sampled out, as by ratio. */
function withSomeTraces(frames: readonly Frame[], random: () => number, share: number): Frame[] {
  const kept = new Map<string, boolean>()
  const isKept = (id: string): boolean => {
    if (!kept.has(id)) kept.set(id, random() < share)
    return kept.get(id) === true
  }
  return frames.map((frame) =>
    frame.kind === 'otlp' ? { ...frame, spans: frame.spans.filter(({ traceId }) => isKept(traceId)) } : frame,
  )
}

for (const [how, choose] of [
  ['single spans are lost', withSome],
  ['whole traces are sampled out', withSomeTraces],
] as const)
  test(`${NAME}: where ${how}, every interval still holds what all of them say`, async () => {
    const frames = await framesOf(NAME)
    const full = tracesOf(frames)
    for (let run = 0; run < RUNS; run++) {
      const share = [0.9, 0.5, 0.1][run % 3] ?? 0
      const told = tracesOf(choose(frames, randomFrom(run), share))
      const where = `seed ${run}, ${share} of them kept`
      assert.deepEqual(violations(told), [], where)
      assert.deepEqual(compareRuns(full, told).outside, [], where)
    }
  })

test(`${NAME}: without any of them the start is the same, coarser`, async () => {
  const frames = await framesOf(NAME)
  const told = tracesOf(frames.filter(({ kind }) => kind !== 'otlp'))
  const { added, outside } = compareRuns(tracesOf(frames), told)
  assert.deepEqual({ added, outside }, { added: [], outside: [] })
})

test(`${NAME}: spans that come twice, or backwards within a request, change nothing`, async () => {
  const frames = await framesOf(NAME)
  const other = frames.flatMap((frame): readonly Frame[] =>
    frame.kind === 'otlp' ? [{ ...frame, spans: frame.spans.toReversed() }, frame] : [frame],
  )
  const ids = (frames: readonly Frame[]) =>
    tracesOf(frames).map(({ native, spans }) => [
      spans,
      native?.map(({ span, parentSpanId }) => `${span.spanId} ${parentSpanId}`),
    ])
  assert.deepEqual(ids(other), ids(frames))
})
