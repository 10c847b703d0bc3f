import assert from 'node:assert/strict'
import { test } from 'node:test'
import { BodyRoom } from '../../src/kube/body-room.ts'

const text = (room: BodyRoom): string => room.content().toString('latin1')

test('bodies come one after the other, and a smaller one takes no memory of its own', () => {
  const room = new BodyRoom()
  const chunk = Buffer.from('0123456789')
  for (let put = 0; put < 10_000; put++) assert.ok(room.put(chunk, 0, 10))
  assert.equal(text(room), '0123456789'.repeat(10_000))
  const { buffer } = room.content()
  room.empty()
  assert.equal(text(room), '')
  room.put(chunk, 2, 5)
  assert.equal(text(room), '234')
  assert.equal(room.content().buffer, buffer)
})

test('what is over the limit is refused before there is memory for it', () => {
  const room = new BodyRoom()
  const mebibyte = Buffer.alloc(1024 * 1024)
  for (let put = 0; put < 256; put++) assert.ok(room.put(mebibyte, 0, mebibyte.length))
  assert.equal(room.put(mebibyte, 0, 1), false)
  assert.equal(room.content().length, 256 * 1024 * 1024)
})
