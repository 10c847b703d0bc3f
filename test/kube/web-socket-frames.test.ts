// Owns the frames of a WebSocket: whole messages out of whatever pieces, and every break of the protocol refused.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { createFrameReader, OPCODE, writeFrame } from '../../src/kube/web-socket-frames.ts'

/** As a server sends it: unmasked. */
function frame(opcode: number, payload: Uint8Array, fin = true): Buffer {
  const { length } = payload
  const head =
    length < 126
      ? Buffer.from([length])
      : length < 65_536
        ? Buffer.from([126, length >> 8, length & 255])
        : Buffer.from([
            127,
            0,
            0,
            0,
            0,
            length >>> 24,
            (length >> 16) & 255,
            (length >> 8) & 255,
            length & 255,
          ])
  return Buffer.concat([Buffer.from([(fin ? 0x80 : 0) | opcode]), head, payload])
}

const bytes = (...lengths: readonly number[]): Buffer[] =>
  lengths.map((length, index) => Buffer.alloc(length, index + 1))

test('messages of every length come out whole, wherever the network cut them', () => {
  const payloads = bytes(0, 1, 125, 126, 127, 65_535, 65_536)
  const stream = Buffer.concat(payloads.map((payload) => frame(OPCODE.binary, payload)))
  fc.assert(
    fc.property(fc.array(fc.nat(stream.length), { maxLength: 12 }), (cuts) => {
      const reader = createFrameReader()
      const ends = [...cuts.toSorted((a, b) => a - b), stream.length]
      const messages = ends.flatMap((end, index) => reader.push(stream.subarray(ends[index - 1] ?? 0, end)))
      assert.deepEqual(
        messages.map(({ payload }) => payload.length),
        payloads.map(({ length }) => length),
      )
      for (const [index, { payload }] of messages.entries())
        assert.ok(payload.equals(payloads[index] as Buffer))
    }),
    { numRuns: 50 },
  )
})

test('a message in parts is one, also with a ping between them', () => {
  const reader = createFrameReader()
  const messages = reader.push(
    Buffer.concat([
      frame(OPCODE.binary, Buffer.from('ab'), false),
      frame(OPCODE.ping, Buffer.from('?')),
      frame(OPCODE.continuation, Buffer.from('cd')),
    ]),
  )
  assert.deepEqual(
    messages.map(({ kind, payload }) => [kind, payload.toString()]),
    [
      ['ping', '?'],
      ['data', 'abcd'],
    ],
  )
})

const BROKEN: readonly (readonly [what: string, frame: Buffer, says: RegExp])[] = [
  ['reserved bits', Buffer.from([0xc2, 0]), /reserved bits/],
  ['a masked frame', Buffer.from([0x82, 0x80, 0, 0, 0, 0]), /masked/],
  ['a kind that is none', Buffer.from([0x83, 0]), /unknown kind 3/],
  ['a control frame of a kind that is none', Buffer.from([0x8b, 0]), /unknown kind 11/],
  ['a control frame in parts', Buffer.from([0x09, 0]), /control frame/],
  ['a long control frame', frame(OPCODE.ping, Buffer.alloc(126)), /control frame/],
  ['a continuation of nothing', frame(OPCODE.continuation, Buffer.from('x')), /continuation of nothing/],
  [
    'a new message inside of another',
    Buffer.concat([frame(2, Buffer.from('a'), false), frame(2, Buffer.from('b'))]),
    /continuation/,
  ],
  [
    'a message over the limit',
    Buffer.from([0x82, 127, 0, 0, 0, 1, 0, 0, 0, 0]),
    /a frame of 4294967296 bytes/,
  ],
]

for (const [what, broken, says] of BROKEN)
  test(`${what} is refused`, () => {
    assert.throws(() => createFrameReader().push(broken), says)
  })

test('what a client sends is masked anew each time, and says the same', () => {
  for (const payload of bytes(0, 5, 126, 70_000)) {
    const [first, second] = [writeFrame(OPCODE.binary, payload), writeFrame(OPCODE.binary, payload)]
    assert.deepEqual(unmask(first), payload)
    assert.deepEqual(unmask(second), payload)
    if (payload.length > 4) assert.notDeepEqual(first, second)
  }
})

function unmask(sent: Buffer): Buffer {
  assert.equal(sent[0], 0x82)
  assert.equal((sent[1] ?? 0) & 0x80, 0x80)
  const short = (sent[1] ?? 0) & 0x7f
  const head = short < 126 ? 2 : short === 126 ? 4 : 10
  const mask = sent.subarray(head, head + 4)
  return Buffer.from(sent.subarray(head + 4).map((byte, index) => byte ^ (mask[index & 3] ?? 0)))
}
