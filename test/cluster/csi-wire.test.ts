import assert from 'node:assert/strict'
import { test } from 'node:test'
import { encode, texts } from './csi-wire.ts'

test('what is encoded is plain protobuf', () => {
  // Field 1, a text; field 2, a number of two bytes; field 3, a message.
  const bytes = encode([
    [1, 'ab'],
    [2, 300],
    [3, encode([[1, 1]])],
  ])
  assert.deepEqual([...bytes], [0x0a, 2, 0x61, 0x62, 0x10, 0xac, 0x02, 0x1a, 2, 0x08, 1])
})

test('of a message the first text of each field is read, and other kinds are passed over', () => {
  const long = 'x'.repeat(300)
  const message = encode([
    [1, 'first'],
    [2, 7],
    [1, 'second'],
    [200, long],
  ])
  assert.deepEqual(
    [...texts(message)],
    [
      [1, 'first'],
      [200, long],
    ],
  )
})

test('an empty message has no texts', () => assert.equal(texts(Buffer.alloc(0)).size, 0))
