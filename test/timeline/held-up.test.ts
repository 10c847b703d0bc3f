// Owns what a standstill of our own does to the clock models: nothing. Each kind of stamp that is read late was held up by us, and no clock is behind.
// Promises the difference to a clock that is: the same stamps as late, with nothing held up, put it behind.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { add, type DurationNano, seconds } from '../../src/base/time.ts'
import type { ObjectFrame } from '../../src/base/frame.ts'
import { createPipeline } from '../../src/trace/pipeline.ts'
import { story } from '../support/pods.ts'

/** Longer than a request may take. */
const HELD_UP = seconds(90)

/** What is shown of pods that come second by second, all of it read late, and held up by so much. */
function offsetsOf(
  source: 'pods' | 'events' | 'leases',
  heldUp: DurationNano | undefined,
): readonly bigint[] {
  const pipeline = createPipeline()
  const told = story().create(0).bind(5).admit(20)
  // The same try again and again is one event: of its first life nothing is shown, later its last second is all that is new.
  for (let n = 0; n < 12; n++)
    told.event(n * 1007, 'BackOff', 'app', 'Back-off pulling image "registry/app:1"')
  const frames = told.frames().filter((frame): frame is ObjectFrame => 'record' in frame)
  const pod = frames.find((frame) => frame.source === 'pods')
  if (source === 'events' && pod) pipeline.push({ ...pod, phase: 'initial' })
  for (const frame of frames)
    if (frame.source === source && !(source === 'events' && frame.kind === 'added'))
      pipeline.push({ ...frame, t: add(frame.t, HELD_UP), ...(heldUp && { heldUp }) })
  return pipeline.clocks().map(({ offsetFrom }) => offsetFrom ?? 0n)
}

for (const source of ['pods', 'events', 'leases'] as const) {
  test(`${source} that our own standstill kept waiting put no clock behind`, () => {
    const offsets = offsetsOf(source, HELD_UP)
    assert.ok(offsets.length > 0)
    assert.deepEqual(
      offsets.filter((from) => from > 0n),
      [],
    )
  })

  test(`${source} that are as late though we read at once put one behind`, () => {
    assert.ok(offsetsOf(source, undefined).some((from) => from > 0n))
  })
}
