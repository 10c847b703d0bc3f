import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Frame } from '../../src/base/frame.ts'
import { framesOf, isObjectFrame, randomFrom, recordings, runs, tracesOf } from '../support/frames.ts'
import { violations } from '../support/frames-invariants.ts'
import { compareRuns } from '../support/restart-compare.ts'

const RUNS = runs(4)

/**
 * How late the watch was is known from samples, and fewer of them know less: of the boundaries that rest on a receipt alone a few in ten
 * thousand may lie outside (8 of 77,000 in 24 runs of each recording).
 */
const byReceipt = { count: 0, outside: [] as string[] }
const MAY_BE_OUTSIDE = 0.001
const restsOnReceipt = (boundary: string): boolean => / {2}other .* by watch-receipt/.test(boundary)

/** Where other components' spans tell the same, nothing is lost with an event. */
const ofEvents = recordings().filter((name) => name !== 'with-native-spans')

for (const [place, name] of ofEvents.entries()) {
  test(`${name}: with half of the events lost every interval still holds what the full evidence says`, async () => {
    const frames = await framesOf(name)
    const full = tracesOf(frames)
    for (let run = 0; run < RUNS; run++) {
      const told = tracesOf(withoutEvents(frames, randomFrom(place * 1000 + run), 0.5))
      const { count, outside, added } = compareRuns(full, told)
      byReceipt.count += count
      byReceipt.outside.push(
        ...outside
          .filter(isKnown)
          .filter(restsOnReceipt)
          .map((text) => `${name} ${run}: ${text}`),
      )
      const where = `seed ${place * 1000 + run}`
      assert.deepEqual(violations(told), [], where)
      assert.equal(told.length, full.length, where)
      const wrong = {
        outside: outside.filter((text) => isKnown(text) && !restsOnReceipt(text)),
        added: added.filter(isInvented),
      }
      assert.deepEqual(wrong, { outside: [], added: [] }, where)
    }
  })

  test(`${name}: without any event the status alone gives the same tree where it can`, async () => {
    const frames = await framesOf(name)
    const full = tracesOf(frames)
    const told = tracesOf(withoutEvents(frames, randomFrom(0), 1))
    const { outside, added, lost } = compareRuns(full, told)
    // A pod that was removed while it started had no time to say how far it had come.
    const removed = full.filter(({ outcome }) => outcome === 'deleted').map(({ name: pod }) => `/${pod}: `)
    const isOver = (text: string): boolean => !removed.some((pod) => text.includes(pod))
    assert.deepEqual(violations(told), [])
    assert.equal(told.length, full.length)
    assert.deepEqual(
      { outside, added: added.filter(isInvented), lost: lost.filter(isInStatus).filter(isOver) },
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

test('with half of the events lost hardly a boundary that rests on a receipt alone lies outside', () => {
  assert.ok(byReceipt.count > 0)
  const most = Math.floor(byReceipt.count * MAY_BE_OUTSIDE)
  assert.ok(byReceipt.outside.length <= most, byReceipt.outside.join('\n'))
})

/** Volumes, sandboxes and nodes fail without a word in the pod's status; what was lost of them nobody can miss. */
const IN_NO_STATUS =
  /: (mount volumes|attach volume|provision|launch node|register node|prepare pod$|create sandbox|back-off$|wait for)/

for (const kind of ['Pulling', 'Pulled', 'Created', 'Started', 'Failed', 'BackOff'])
  test(`without any ${kind} event nothing is told otherwise, and what is told less of says so`, async () => {
    for (const name of ofEvents) {
      const frames = await framesOf(name)
      const full = tracesOf(frames)
      const told = tracesOf(
        frames.filter(
          (frame) =>
            !isObjectFrame(frame) || frame.record.resource !== 'events' || frame.record.reason !== kind,
        ),
      )
      assert.deepEqual(violations(told), [], name)
      const { lost } = compareRuns(full, told)
      for (const { evidenceComplete, name: pod, namespace, outcome, uid } of told) {
        assert.equal(outcome, full.find((trace) => trace.uid === uid)?.outcome, `${name} ${pod}`)
        const own = lost.filter(
          (text) => text.startsWith(`${namespace}/${pod}: `) && !IN_NO_STATUS.test(text),
        )
        if (evidenceComplete) assert.deepEqual(own, [], `${name} ${pod}`)
      }
    }
  })

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

/** With all events of a pull lost, the one after it is the first, and so is what comes after that. */
const isKnown = (boundary: string): boolean =>
  !/: (pull image .*#\d+|back-off .* after pull image|(transfer and unpack|wait for pull slot)( .*)?) (start|end)/.test(
    boundary,
  )

/** Of a failed start, events say which attempts there were; the status only counts them. */
const isInvented = (span: string): boolean =>
  !/#\d+$|: back-off|: transfer and unpack|: wait for pull slot/.test(span)

/** What a pod's status shows without any event: not pulls, creations, failed attempts and what lies between them. */
const isInStatus = (span: string): boolean =>
  /: (pod startup|schedule|prepare pod and create sandbox|(start container|run init container|startup probe|readiness|post-start hook) [^#]*|readiness gate|report status)$/.test(
    span,
  )
