import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createGrouped } from '../../src/rollout/grouped.ts'

test('values stand in their group, in the order in which they came', () => {
  const grouped = createGrouped<number>()
  grouped.set('a', 'odd', 1)
  grouped.set('b', 'even', 2)
  grouped.set('c', 'odd', 3)
  assert.deepEqual([...grouped.of('odd')], [1, 3])
  assert.deepEqual([...grouped.of('none')], [])
  assert.deepEqual([...grouped.keys()], ['a', 'b', 'c'])
  assert.equal(grouped.get('b'), 2)
})

test('what is deleted or moved is in its old group no more, and a group that is empty is gone', () => {
  const grouped = createGrouped<number>()
  grouped.set('a', 'odd', 1)
  grouped.set('a', 'even', 2)
  assert.deepEqual([...grouped.of('odd')], [])
  assert.deepEqual([...grouped.of('even')], [2])
  grouped.delete('a')
  grouped.delete('a')
  assert.equal(grouped.size, 0)
  assert.equal(grouped.has('a'), false)
  assert.deepEqual([...grouped.of('even')], [])
})
