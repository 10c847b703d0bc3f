import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createGiveBack } from '../../src/controller/give-back.ts'

const MB = 1024 * 1024

function start(heapBytes = 20 * MB) {
  let collections = 0
  let frames = 0
  const giveBack = createGiveBack({ collect: () => void (collections += 1), heapUsedBytes: () => heapBytes })
  return {
    collections: () => collections,
    /** So many seconds with so many frames each. */
    pass: (seconds: number, framesEach: number): void => {
      for (let second = 0; second < seconds; second++) {
        frames += framesEach
        giveBack.beat(frames)
      }
    },
  }
}

test('what the start left is given back once, after ten quiet seconds', () => {
  const { collections, pass } = start()
  pass(3, 2000)
  pass(9, 1)
  assert.equal(collections(), 0)
  pass(1, 1)
  assert.equal(collections(), 1)
  pass(3600, 1)
  assert.equal(collections(), 1, 'an hour of heartbeats left nothing')
})

test('nothing is given back while starts are under way', () => {
  const { collections, pass } = start()
  pass(600, 50)
  assert.equal(collections(), 0)
})

test('after a burst there is something to give back again', () => {
  const { collections, pass } = start()
  pass(20, 1)
  pass(5, 1000)
  pass(20, 1)
  assert.equal(collections(), 2)
})

test('a large heap is left alone: its collection would pause for long', () => {
  const { collections, pass } = start(100 * MB)
  pass(100, 0)
  assert.equal(collections(), 0)
})
