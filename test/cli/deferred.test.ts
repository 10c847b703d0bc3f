import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createDeferred } from '../../src/cli/deferred.ts'

test('tasks run in the order in which they came, and not before the event loop has turned', async () => {
  const ran: number[] = []
  const deferred = createDeferred()
  for (let task = 0; task < 120; task++) deferred.later(() => ran.push(task))
  assert.deepEqual(ran, [])
  await new Promise((resolve) => setImmediate(resolve))
  assert.equal(ran.length, 50)
  deferred.drain()
  assert.deepEqual(
    ran,
    Array.from({ length: 120 }, (_, task) => task),
  )
})

test('a task that adds another keeps its place before it', () => {
  const ran: string[] = []
  const deferred = createDeferred()
  deferred.later(() => {
    ran.push('first')
    deferred.later(() => ran.push('third'))
  })
  deferred.later(() => ran.push('second'))
  deferred.drain()
  assert.deepEqual(ran, ['first', 'second', 'third'])
})
