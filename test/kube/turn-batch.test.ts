// Owns the batches of live frames: their order, their bound and when they are handed on.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Frame, ObjectFrame, Phase } from '../../src/base/frame.ts'
import { unixNano } from '../../src/base/time.ts'
import { inTurnBatches } from '../../src/kube/turn-batch.ts'

const frame = (number: number, phase: Phase = 'live'): ObjectFrame => ({
  kind: 'added',
  t: unixNano(BigInt(number)),
  source: 'nodes',
  phase,
  record: {
    resource: 'nodes',
    uid: `u${number}`,
    name: `n${number}`,
    namespace: '',
    resourceVersion: `${number}`,
  },
})

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

function collect() {
  const seen: number[] = []
  return { seen, batch: inTurnBatches(({ t }: Frame) => seen.push(Number(t))) }
}

test('live frames are handed on together, in their order, before the turn is over', async () => {
  const { batch, seen } = collect()
  for (const number of [1, 2, 3]) batch.push(frame(number))
  assert.deepEqual(seen, [])
  await turn()
  assert.deepEqual(seen, [1, 2, 3])
})

test('what is not live does not wait, and comes after what came before it', () => {
  const { batch, seen } = collect()
  batch.push(frame(1))
  batch.push(frame(2, 'relist'))
  assert.deepEqual(seen, [1, 2])
  batch.push(frame(3))
  batch.push({ kind: 'gap', t: unixNano(4n), source: 'nodes', reason: 'expired' })
  assert.deepEqual(seen, [1, 2, 3, 4])
})

test('of many frames in one turn no more than a batch waits', () => {
  const { batch, seen } = collect()
  for (let number = 1; number <= 1000; number++) {
    batch.push(frame(number))
    assert.ok(number - seen.length < 100)
  }
})

test('a frame that is pushed while a batch is handed on comes after that batch', async () => {
  const seen: number[] = []
  const batch = inTurnBatches(({ t }: Frame) => {
    seen.push(Number(t))
    if (t === 1n) batch.push(frame(9))
  })
  batch.push(frame(1))
  batch.push(frame(2))
  batch.flush()
  assert.deepEqual(seen, [1, 2])
  await turn()
  assert.deepEqual(seen, [1, 2, 9])
})
