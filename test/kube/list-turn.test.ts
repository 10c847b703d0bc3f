import assert from 'node:assert/strict'
import { test } from 'node:test'
import { manualClock } from '../../src/base/clock.ts'
import { milliseconds } from '../../src/base/time.ts'
import { createListTurn, type ListTurn } from '../../src/kube/list-turn.ts'
import { podObject } from '../simulator/objects.ts'
import { START, startReflector } from './harness.ts'

const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

test('a turn is over after ten milliseconds of lists, whichever began it, and the next one is not', async () => {
  const clock = manualClock(START)
  const turn = createListTurn(clock)
  assert.equal(turn.isOver(), false, 'nothing was taken in')
  turn.begin()
  clock.advance(milliseconds(9))
  turn.begin()
  assert.equal(turn.isOver(), false)
  clock.advance(milliseconds(1))
  assert.equal(turn.isOver(), true)
  await nextTurn()
  assert.equal(turn.isOver(), false)
  turn.begin()
  assert.equal(turn.isOver(), false)
})

/** Its turns are over at once; how many there were. */
function shortTurns(): ListTurn & { begun: number } {
  const turn = { begun: 0, begin: () => void (turn.begun += 1), isOver: () => true }
  return turn
}

test('a list that comes by a watch is read turn by turn, and what is live at once', async () => {
  const listTurn = shortTurns()
  const pods = Array.from({ length: 100 }, (_, number) => podObject({ number, resourceVersion: 0 }))
  await using h = await startReflector({ listTurn, prepare: ({ store }) => store.load('pods', pods) })
  await h.until('synced', () => h.frames.some(({ kind }) => kind === 'synced'))
  assert.equal(h.frames.filter(({ kind }) => kind === 'added').length, 100)
  const { begun } = listTurn
  assert.ok(begun > 1, `${begun} turns`)
  h.server.store.apply('pods', podObject({ number: 101, resourceVersion: 0 }))
  await h.until('a live pod', () => h.frames.at(-1)?.kind === 'added')
  assert.equal(listTurn.begun, begun)
})

test('a list whose turn is over while nobody takes frames goes on when somebody does', async () => {
  const pods = Array.from({ length: 100 }, (_, number) => podObject({ number, resourceVersion: 0 }))
  await using h = await startReflector({
    listTurn: shortTurns(),
    prepare: ({ store }) => store.load('pods', pods),
    onFrame: () => h.frames.length === 30 && h.valve.close(),
  })
  await h.until('the valve closes', () => !h.valve.isOpen)
  for (let n = 0; n < 200; n++) await nextTurn()
  assert.ok(h.frames.length < 100, 'what waits is not read')
  h.valve.open()
  await h.until('synced', () => h.frames.some(({ kind }) => kind === 'synced'))
})
