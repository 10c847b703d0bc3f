import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Frame } from '../../src/base/frame.ts'
import { framesOf, isObjectFrame, randomFrom, recordings, runs, tracesOf } from '../support/frames.ts'
import { violations } from '../support/frames-invariants.ts'
import { compareRuns } from '../support/restart-compare.ts'

const RUNS = runs(4)

for (const [place, name] of recordings().entries()) {
  test(`${name}: with half of the events lost every interval still holds what the full evidence says`, async () => {
    const frames = await framesOf(name)
    const full = tracesOf(frames)
    for (let run = 0; run < RUNS; run++) {
      const told = tracesOf(withoutEvents(frames, randomFrom(place * 1000 + run), 0.5))
      const { outside, added } = compareRuns(full, told)
      const where = `seed ${place * 1000 + run}`
      assert.deepEqual(violations(told), [], where)
      assert.equal(told.length, full.length, where)
      const wrong = { outside: outside.filter(isKnown), added: added.filter(isInvented) }
      assert.deepEqual(wrong, { outside: [], added: [] }, where)
    }
  })

  test(`${name}: without any event the status alone gives the same tree where it can`, async () => {
    const frames = await framesOf(name)
    const full = tracesOf(frames)
    const told = tracesOf(withoutEvents(frames, randomFrom(0), 1))
    const { outside, added, lost } = compareRuns(full, told)
    assert.deepEqual(violations(told), [])
    assert.equal(told.length, full.length)
    assert.deepEqual(
      { outside, added: added.filter(isInvented), lost: lost.filter(isInStatus) },
      {
        outside: [],
        added: [],
        lost: [],
      },
    )
    for (const { evidenceComplete, outcome } of told)
      if (outcome === 'ready') assert.equal(evidenceComplete, false)
  })
}

/** The same events are lost in every version of theirs. */
function withoutEvents(frames: readonly Frame[], random: () => number, share: number): Frame[] {
  const lost = new Map<string, boolean>()
  return frames.filter((frame) => {
    if (!isObjectFrame(frame) || frame.source !== 'events') return true
    const { uid } = frame.record
    if (!lost.has(uid)) lost.set(uid, random() < share)
    return !lost.get(uid)
  })
}

/** With all events of a failed pull lost, the one after it is the first. */
const isKnown = (boundary: string): boolean => !/: (pull image|back-off) .*#\d+ (start|end)/.test(boundary)

/** Of a failed start, events say which attempts there were; the status only counts them. */
const isInvented = (span: string): boolean => !/#\d+$|: back-off|: transfer and unpack/.test(span)

/** What a pod's status shows without any event: not pulls, creations, failed attempts and what lies between them. */
const isInStatus = (span: string): boolean =>
  /: (pod startup|schedule|prepare pod and create sandbox|(start container|run init container|startup probe|readiness|post-start hook) [^#]*|readiness gate|report status)$/.test(
    span,
  )
