import assert from 'node:assert/strict'
import { before, describe, test } from 'node:test'
import { randomFrom } from '../support/frames.ts'
import { type Judgement, judgeRecording, RECORDINGS, recordingsIn } from './offline.ts'
import {
  EXPLAINED_MEDIAN_MIN,
  INSIDE_MIN,
  missedBy,
  NATIVE_LIMITS,
  quantile,
  rowOf,
  rowsOf,
  worstOf,
} from './table.ts'

/** Recordings hold the receipts of the run that made them: what was late then is late for good. */
const MARGIN = 2

describe('replayed recordings against the components own spans', () => {
  const judgements: Judgement[] = []
  before(async () => {
    for (const name of recordingsIn(RECORDINGS)) judgements.push(await judgeRecording(RECORDINGS, name))
  })
  const comparisons = () => judgements.flatMap((one) => one.comparisons)

  test('every scenario has its recording and at least one trace', () => {
    assert.ok(judgements.length >= 20)
    for (const { scenario, traces } of judgements) assert.ok(traces.length > 0, scenario)
  })

  test('every boundary is as near to the truth as its limit says', () => {
    const missed = rowsOf(comparisons()).flatMap((row) => missedBy(row, MARGIN))
    assert.deepEqual(missed, [])
  })

  test('the truth lies inside the stated intervals', () => {
    const all = rowOf('all boundaries', comparisons())
    assert.ok(all.count > 500, `${all.count} boundaries are compared`)
    assert.ok(all.inside >= INSIDE_MIN, `${all.inside}\n${worstOf(comparisons(), 5)}`)
  })

  test('no span ends before it starts, leaves its parent, or has an estimate outside its interval', () => {
    assert.deepEqual(
      judgements.flatMap((one) => one.violations.map(({ text }) => text)),
      [],
    )
  })

  test('starts are explained', () => {
    const ready = judgements.flatMap((one) => one.traces).filter(({ outcome }) => outcome === 'ready')
    const median = quantile(
      ready.map(({ explainedRatio }) => explainedRatio),
      0.5,
    )
    assert.ok(median >= EXPLAINED_MEDIAN_MIN, `${median}`)
  })
})

describe('replayed recordings that are shown the native spans too', () => {
  const judgements: Judgement[] = []
  before(async () => {
    for (const name of recordingsIn(RECORDINGS))
      judgements.push(await judgeRecording(RECORDINGS, name, { shown: () => true }))
  })
  const comparisons = () => judgements.flatMap((one) => one.comparisons)

  test('every boundary that they cover is exact to a millisecond', () => {
    assert.ok(comparisons().length > 500)
    assert.deepEqual(
      rowsOf(comparisons()).flatMap((row) => missedBy(row, 1, NATIVE_LIMITS)),
      [],
    )
  })

  test('nothing that they tell is missed, and the truth lies inside the stated intervals', () => {
    assert.deepEqual(
      judgements.flatMap(({ missed }) => missed),
      [],
    )
    const { inside } = rowOf('all boundaries', comparisons())
    assert.ok(inside >= INSIDE_MIN, `${inside}\n${worstOf(comparisons(), 5)}`)
  })

  test('no span is of a wrong shape by them', () => {
    assert.deepEqual(
      judgements.flatMap((one) => one.violations.map(({ text }) => text)),
      [],
    )
  })
})

test('with half of the native spans lost the truth lies inside the stated intervals all the same', async () => {
  const random = randomFrom(1)
  const comparisons = []
  for (const name of recordingsIn(RECORDINGS)) {
    const judged = await judgeRecording(RECORDINGS, name, { shown: () => random() < 0.5 })
    comparisons.push(...judged.comparisons)
    assert.deepEqual(judged.violations, [])
  }
  const { inside } = rowOf('all boundaries', comparisons)
  assert.ok(inside >= INSIDE_MIN, `${inside}\n${worstOf(comparisons, 5)}`)
})
