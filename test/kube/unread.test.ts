import assert from 'node:assert/strict'
import { test } from 'node:test'
import { manualClock } from '../../src/base/clock.ts'
import { milliseconds, seconds, unixNano } from '../../src/base/time.ts'
import type { StreamCounters } from '../../src/kube/counters.ts'
import { mostUnread, watchUnread } from '../../src/kube/unread.ts'

const inTurn = { heldUp: () => undefined }

function start(state: StreamCounters['state']) {
  const clock = manualClock(unixNano(1_764_000_000_000_000_000n))
  const pods = { state }
  return { clock, pods, unread: watchUnread(clock, inTurn, pods) }
}

test('a watch that is away is so since it was last seen to be there, and no longer once it is back', () => {
  const { clock, pods, unread } = start('live')
  clock.advance(seconds(1))
  assert.deepEqual(unread(), {})
  pods.state = 'waiting'
  clock.advance(seconds(1))
  assert.deepEqual(unread(), { unwatched: seconds(1) })
  pods.state = 'listing'
  clock.advance(seconds(9))
  assert.deepEqual(unread(), { unwatched: seconds(10) })
  pods.state = 'live'
  clock.advance(seconds(1))
  assert.deepEqual(unread(), {})
})

for (const state of ['forbidden', 'absent', 'closed'] as const)
  test(`a watch that is ${state} is not waited for`, () => {
    const { clock, unread } = start(state)
    clock.advance(seconds(10))
    assert.deepEqual(unread(), {})
  })

test('without a stream of pods there is none to be away', () => {
  const clock = manualClock(unixNano(1_764_000_000_000_000_000n))
  const unread = watchUnread(clock, { heldUp: () => milliseconds(300) }, undefined)
  clock.advance(seconds(10))
  assert.deepEqual(unread(), { heldUp: milliseconds(300) })
})

test('of several, what one has not read is not read', () => {
  assert.deepEqual(mostUnread([]), {})
  assert.deepEqual(
    mostUnread([{}, { heldUp: seconds(2) }, { heldUp: seconds(1), unwatched: seconds(5) }, {}]),
    {
      heldUp: seconds(2),
      unwatched: seconds(5),
    },
  )
})
