import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import type { Pipeline } from '../../src/trace/pipeline.ts'
import type { Trace } from '../../src/trace/trace.ts'
import { roomFor, Telling } from '../../src/controller/telling.ts'
import { at } from '../support/pods.ts'

const TICK = { kind: 'tick', t: at(0) } as const

/** A pipeline that has so many batches of one to tell. */
function behind(batches: number): Pick<Pipeline, 'push' | 'more' | 'isBehind'> & { left: number } {
  const told = (): Trace[] => {
    if (pipeline.left === 0) return []
    pipeline.left -= 1
    return [{ uid: String(pipeline.left) } as Trace]
  }
  const pipeline = { left: batches, push: told, more: told, isBehind: () => pipeline.left > 0 }
  return pipeline
}

test('what is left is told in turns of the event loop, without any frame', async () => {
  const pipeline = behind(4)
  const taken: string[] = []
  new Telling(pipeline as unknown as Pipeline, ({ uid }) => void taken.push(uid)).push(TICK)
  assert.deepEqual(taken, ['3'])
  for (let index = 0; index < 6; index++) await turn()
  assert.deepEqual(taken, ['3', '2', '1', '0'])
})

test('after the end nothing is told any more', async () => {
  const pipeline = behind(4)
  const telling = new Telling(pipeline as unknown as Pipeline, () => undefined)
  telling.push(TICK)
  telling.stop()
  for (let index = 0; index < 6; index++) await turn()
  assert.equal(pipeline.left, 3)
})

test('without room nothing is asked again before the next frame', async () => {
  const pipeline = { ...behind(4), more: () => assert.fail('asked again') }
  pipeline.push = () => []
  new Telling(pipeline as unknown as Pipeline, () => undefined).push(TICK)
  for (let index = 0; index < 6; index++) await turn()
})

test('an exporter that has enough to send gets no more, unless too many wait', () => {
  const room = (isBehind: boolean, due: number): number => roomFor({ isBehind: () => isBehind })(due)
  assert.ok(room(false, 5000) > 0)
  assert.equal(room(true, 5000), 0)
  assert.ok(room(true, 50_000) > 0)
})
