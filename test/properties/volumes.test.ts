import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Frame, ObjectFrame } from '../../src/base/frame.ts'
import type { Trace } from '../../src/trace/trace.ts'
import { framesOf, isObjectFrame, randomFrom, recordings, runs, tracesOf } from '../support/frames.ts'
import { violations } from '../support/frames-invariants.ts'
import { compareRuns } from '../support/restart-compare.ts'

const RUNS = runs(10)
const BESIDE = ['persistentvolumeclaims', 'volumeattachments']

for (const [place, name] of recordings().entries()) {
  if (!name.includes('volume')) continue

  test(`${name}: what a run without some rights, or with some events lost, tells of volumes holds what the whole one tells`, async () => {
    const frames = await framesOf(name)
    const full = tracesOf(frames)
    for (let run = 0; run < RUNS; run++) {
      const random = randomFrom(place * 100 + run)
      const told = tracesOf(thinned(frames, random))
      const { outside } = compareRuns(volumesOf(full), volumesOf(told))
      assert.deepEqual(violations(told), [], `seed ${place * 100 + run}`)
      assert.deepEqual(outside, [], `seed ${place * 100 + run}`)
    }
  })

  test(`${name}: without the objects beside the pods its other spans are the same, only coarser`, async () => {
    const frames = await framesOf(name)
    const told = tracesOf(frames.filter((frame) => !isObjectFrame(frame) || !BESIDE.includes(frame.source)))
    const { outside, lost } = compareRuns(tracesOf(frames), told)
    assert.deepEqual(violations(told), [])
    assert.deepEqual(outside, [])
    assert.deepEqual(
      lost.filter((span) => !/: (provision|attach|mount) volumes?/.test(span)),
      [],
    )
  })
}

/** Each stream beside the pods whole, absent, or begun late with a list; and a share of the events lost. */
function thinned(frames: readonly Frame[], random: () => number): Frame[] {
  const fates = new Map(
    BESIDE.map((source) => [source, ['whole', 'absent', 'late'][Math.floor(random() * 3)]]),
  )
  const share = [0, 0.5, 1][Math.floor(random() * 3)] ?? 0
  const from = Math.floor(random() * frames.length)
  const lost = new Map<string, boolean>()
  const isKept = (frame: ObjectFrame, index: number): boolean => {
    if (frame.source === 'events') {
      const { uid } = frame.record
      if (!lost.has(uid)) lost.set(uid, random() < share)
      return !lost.get(uid)
    }
    const fate = fates.get(frame.source) ?? 'whole'
    return fate === 'whole' || (fate === 'late' && index >= from)
  }
  const late = (source: string): boolean => fates.get(source) === 'late'
  return frames.flatMap((frame, index): Frame[] => [
    ...(index === from ? listed(frames.slice(0, from), frame.t, late) : []),
    ...(!isObjectFrame(frame) || isKept(frame, index) ? [frame] : []),
  ])
}

/** What a list at this moment shows of the streams that begin with it. */
function listed(before: readonly Frame[], t: Frame['t'], isLate: (source: string) => boolean): Frame[] {
  const state = new Map<string, ObjectFrame>()
  for (const frame of before) {
    if (!isObjectFrame(frame) || !isLate(frame.source)) continue
    const key = `${frame.source}/${frame.record.uid}`
    if (frame.kind === 'deleted') state.delete(key)
    else state.set(key, frame)
  }
  return [...state.values()].map((frame) => ({ ...frame, kind: 'added', phase: 'initial', t }))
}

/** Only what is of volumes; which claim it was may not be known. */
const volumesOf = (traces: readonly Trace[]): Trace[] =>
  traces.map((trace) => ({
    ...trace,
    spans: trace.spans.filter(({ name }) => /^(provision|attach) volume$|^mount volumes$/.test(name)),
  }))
