// Owns the cutting of streams into frames: any chunks, the same frames.
// Promises no lost and no doubled byte at any cut, and bounded memory.
// Does not decode.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  type Splitter,
  type SplitterEvents,
  splitLengthDelimited,
  splitLines,
} from '../../src/kube/frame-split.ts'

const lengthPrefixed = (body: Buffer): Buffer => {
  const length = Buffer.alloc(4)
  length.writeUInt32BE(body.length)
  return Buffer.concat([length, body])
}
const line = (body: Buffer): Buffer => Buffer.concat([body, Buffer.from('\n')])

interface Form {
  readonly name: string
  readonly wrap: (body: Buffer) => Buffer
  readonly create: (maxBytes: number, events: SplitterEvents) => Splitter
}
const forms: readonly Form[] = [
  { name: 'length-delimited', wrap: lengthPrefixed, create: splitLengthDelimited },
  { name: 'lines', wrap: line, create: splitLines },
]

function split(
  form: Form,
  chunks: readonly Buffer[],
  maxBytes = 1000,
): { frames: string[]; oversize: number[]; pending: number } {
  const frames: string[] = []
  const oversize: number[] = []
  const splitter = form.create(maxBytes, {
    frame: (bytes, start, end) => frames.push(bytes.toString('latin1', start, end)),
    oversize: (length) => oversize.push(length),
  })
  // As a socket's: the next read overwrites the last one.
  const read = Buffer.alloc(Math.max(0, ...chunks.map(({ length }) => length)) + 8)
  for (const chunk of chunks) {
    chunk.copy(read, 4)
    splitter.push(read, 4, 4 + chunk.length)
    read.fill(10)
  }
  return { frames, oversize, pending: splitter.pending() }
}

function cut(bytes: Buffer, at: readonly number[]): Buffer[] {
  const places = [...new Set([0, ...at.map((each) => each % (bytes.length + 1)), bytes.length])].sort(
    (a, b) => a - b,
  )
  return places.slice(1).map((end, index) => bytes.subarray(places[index], end))
}

for (const form of forms) {
  test(`${form.name}: a stream cut at any one byte gives the same frames`, () => {
    const bodies = ['one', 'a longer second frame', 'x'].map((each) => Buffer.from(each))
    const stream = Buffer.concat(bodies.map(form.wrap))
    for (let at = 0; at <= stream.length; at++) {
      const got = split(form, cut(stream, [at]))
      assert.deepStrictEqual(got, { frames: bodies.map(String), oversize: [], pending: 0 })
    }
  })

  test(`${form.name}: a stream in single bytes gives the same frames`, () => {
    const stream = Buffer.concat(['ab', 'c', 'defg'].map((each) => form.wrap(Buffer.from(each))))
    const got = split(
      form,
      [...stream].map((byte) => Buffer.from([byte])),
    )
    assert.deepStrictEqual(got.frames, ['ab', 'c', 'defg'])
  })

  test(`${form.name}: any frames in any chunks`, () => {
    const body = fc
      .uint8Array({ minLength: 1, maxLength: 300 })
      .map((bytes) => Buffer.from(bytes.map((byte) => (byte === 10 ? 11 : byte))))
    fc.assert(
      fc.property(
        fc.array(body, { maxLength: 8 }),
        fc.array(fc.nat(3000), { maxLength: 12 }),
        (bodies, cuts) => {
          const got = split(form, cut(Buffer.concat(bodies.map(form.wrap)), cuts), 200)
          assert.deepStrictEqual(
            got.frames,
            bodies.filter((each) => each.length <= 200).map((each) => each.toString('latin1')),
          )
          assert.equal(got.oversize.length, bodies.filter((each) => each.length > 200).length)
          assert.equal(got.pending, 0)
        },
      ),
      { numRuns: 300 },
    )
  })

  test(`${form.name}: a stream that ends inside a frame says so`, () => {
    const stream = form.wrap(Buffer.from('whole'))
    assert.ok(split(form, [stream, Buffer.from('\0\0')]).pending > 0)
  })
}

test('lines: only the byte 0x0A ends a line, U+2028 inside a string does not', () => {
  const text = '{"message":"a\u2028b"}'
  const frames: string[] = []
  const splitter = splitLines(1000, {
    frame: (bytes, start, end) => frames.push(bytes.toString('utf8', start, end)),
    oversize: () => assert.fail('nothing is too large'),
  })
  const bytes = Buffer.from(`${text}\n`)
  splitter.push(bytes, 0, bytes.length)
  assert.deepStrictEqual(frames, [text])
})

test('lines: empty lines are no frames', () => {
  assert.deepStrictEqual(
    split({ name: '', wrap: line, create: splitLines }, [Buffer.from('\n\na\n\n')]).frames,
    ['a'],
  )
})
