import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Frame } from '../../src/base/frame.ts'
import type { Instant } from '../../src/timeline/instant.ts'
import type { Span, Trace } from '../../src/trace/trace.ts'
import { framesOf, isObjectFrame, randomFrom, runs, tracesOf } from '../support/frames.ts'
import { restartedAfter } from '../support/restart.ts'

/** Recordings in which something lies before a start. */
const NAMES = ['kueue', 'kueue-evicted', 'quota', 'quota-freed'] as const
const RUNS = runs(12)

const spansBefore = (traces: readonly Trace[]): Map<string, Span> =>
  new Map(
    traces.flatMap(({ uid, before = [] }) =>
      before.flatMap(({ traceId, spans }) =>
        spans.map((span) => [`${uid}/${traceId}/${span.spanId}`, span] as const),
      ),
    ),
  )

const holds = ({ earliest, latest }: Instant, { best }: Instant): boolean =>
  earliest <= best && best <= latest

/** With the first refusals lost, the one after them is the first. */
const isKnown = ({ name }: Span, side: 'start' | 'end'): boolean =>
  !(name === 'creation refused' && side === 'start')

function outside(full: readonly Trace[], told: readonly Trace[]): string[] {
  const whole = spansBefore(full)
  const wrong: string[] = []
  for (const [key, span] of spansBefore(told)) {
    const same = whole.get(key)
    if (!same) wrong.push(`${key}: ${span.name} was invented`)
    for (const side of ['start', 'end'] as const)
      if (same && isKnown(span, side) && !holds(span[side], same[side]))
        wrong.push(
          `${span.name} ${side}: ${span[side].earliest}..${span[side].latest}, not ${same[side].best}`,
        )
  }
  return wrong
}

/** The same events are lost in every version of theirs. */
function withoutSome(frames: readonly Frame[], source: string, random: () => number): Frame[] {
  const lost = new Map<string, boolean>()
  return frames.filter((frame) => {
    if (!isObjectFrame(frame) || frame.source !== source) return true
    const { uid } = frame.record
    if (!lost.has(uid)) lost.set(uid, random() < 0.5)
    return !lost.get(uid)
  })
}

for (const [place, name] of NAMES.entries()) {
  test(`${name}: with half of the events lost what lies before holds what the full evidence says`, async () => {
    const frames = await framesOf(name)
    const full = tracesOf(frames)
    assert.ok(spansBefore(full).size > 0)
    for (let run = 0; run < RUNS; run++) {
      const told = tracesOf(withoutSome(frames, 'events', randomFrom(place * 100 + run)))
      assert.deepEqual(outside(full, told), [], `seed ${place * 100 + run}`)
    }
  })

  test(`${name}: after a restart what lies before is coarser, and holds what the full evidence says`, async () => {
    const frames = await framesOf(name)
    const full = tracesOf(frames)
    for (let at = 1; at < frames.length; at += Math.ceil(frames.length / 40))
      assert.deepEqual(outside(full, tracesOf(restartedAfter(frames, at))), [], `restart after frame ${at}`)
  })

  test(`${name}: without Workloads, claims and events the starts are the same, but for what lies before`, async () => {
    const frames = await framesOf(name)
    const unseen = new Set(['workloads', 'resourceclaims'])
    const told = tracesOf(frames.filter((frame) => !isObjectFrame(frame) || !unseen.has(frame.source)))
    assert.deepEqual(outside(tracesOf(frames), told), [])
    assert.deepEqual(
      told.map(({ uid }) => uid),
      tracesOf(frames).map(({ uid }) => uid),
    )
  })
}
