// Owns the reading of responses: any cuts, the same events. Promises no lost and no doubled byte, and an end for any bytes.
// Does not open sockets.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { ResponseReader } from '../../src/kube/http-response.ts'

interface Read {
  status: number
  headers: Record<string, string>
  body: string
  end: string
}

/** Each read comes in one buffer that is written over afterwards, as a socket's is. */
function read(parts: readonly Buffer[], closes = true): Read {
  const result: Read = { status: 0, headers: {}, body: '', end: '' }
  const said = (end: string): void => {
    assert.equal(result.end, '', 'one end only')
    result.end = end
  }
  const reader = new ResponseReader({
    head: (status, headers) => Object.assign(result, { status, headers: Object.fromEntries(headers) }),
    data: (bytes, start, end) => {
      assert.equal(result.end, '', 'nothing after the end')
      result.body += bytes.toString('latin1', start, end)
    },
    ended: () => said('ended'),
    broken: (what) => said(`broken: ${what}`),
  })
  const buffer = Buffer.alloc(6 + Math.max(0, ...parts.map(({ length }) => length)))
  for (const part of parts) {
    part.copy(buffer, 3)
    reader.push(buffer, 3, 3 + part.length)
    buffer.fill('\r\n')
  }
  if (closes) reader.close()
  return result
}

const OK = 'HTTP/1.1 200 OK\r\n'
const CHUNKED = `${OK}Transfer-Encoding: chunked\r\n\r\n`

interface Case {
  readonly name: string
  readonly wire: string
  readonly expected: Partial<Read>
}

const CASES: readonly Case[] = [
  {
    name: 'chunks become one body',
    wire: `${CHUNKED}5\r\nhello\r\n7\r\n, world\r\n0\r\n\r\n`,
    expected: { status: 200, body: 'hello, world', end: 'ended' },
  },
  {
    name: 'extensions and trailers of chunks are passed over',
    wire: `${CHUNKED}5;name="a"\r\nhello\r\n00\r\nexpires: never\r\nx: y\r\n\r\n`,
    expected: { body: 'hello', end: 'ended' },
  },
  {
    name: 'sizes in capitals and with zeros in front are sizes',
    wire: `${CHUNKED}000A\r\n0123456789\r\n0\r\n\r\n`,
    expected: { body: '0123456789', end: 'ended' },
  },
  {
    name: 'a length is kept, and what follows is nobody’s',
    wire: `${OK}Content-Length: 4\r\n\r\nbodyHTTP/1.1 200 OK\r\n\r\n`,
    expected: { body: 'body', end: 'ended' },
  },
  {
    name: 'without either the body goes on until the close',
    wire: `${OK}\r\nall of it`,
    expected: { body: 'all of it', end: 'ended' },
  },
  {
    name: 'no content is no body',
    wire: 'HTTP/1.1 204 No Content\r\n\r\n',
    expected: { status: 204, body: '', end: 'ended' },
  },
  {
    name: 'nor where its length says so, which is that of another answer',
    wire: 'HTTP/1.1 304 Not Modified\r\nContent-Length: 70\r\n\r\n',
    expected: { status: 304, body: '', end: 'ended' },
  },
  {
    name: 'an interim answer is followed by the final one',
    wire: 'HTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\nHTTP/1.1 429 Too Many Requests\r\nRetry-After: 3\r\nContent-Length: 0\r\n\r\n',
    expected: { status: 429, headers: { 'retry-after': '3', 'content-length': '0' }, end: 'ended' },
  },
  {
    name: 'headers are told by their names in lower case, repeated ones together',
    wire: `${OK}X-A: 1\r\nx-a:  2 \r\nContent-Length: 0\r\n\r\n`,
    expected: { headers: { 'x-a': '1, 2', 'content-length': '0' }, end: 'ended' },
  },
  {
    name: 'a chunked body that breaks off is broken',
    wire: `${CHUNKED}5\r\nhel`,
    expected: { body: 'hel', end: 'broken: it ended in its body' },
  },
  {
    name: 'so is one without its last chunk',
    wire: `${CHUNKED}5\r\nhello\r\n`,
    expected: { body: 'hello', end: 'broken: it ended in its body' },
  },
  { name: 'so is a head', wire: OK, expected: { end: 'broken: it ended in its head' } },
  {
    name: 'another protocol is none of ours',
    wire: 'SSH-2.0-OpenSSH_9.2\r\n\r\n',
    expected: { status: 0, end: 'broken: it does not begin as HTTP/1.1' },
  },
  {
    name: 'a chunk without a size is refused',
    wire: `${CHUNKED}x\r\nhello\r\n0\r\n\r\n`,
    expected: { body: '', end: 'broken: a chunk has no size' },
  },
  {
    name: 'a chunk that is longer than its size is refused',
    wire: `${CHUNKED}3\r\nhello\r\n0\r\n\r\n`,
    expected: { body: 'hel', end: 'broken: a chunk is longer than its size' },
  },
  {
    name: 'a length that is no number is refused',
    wire: `${OK}Content-Length: 4, 5\r\n\r\nbody`,
    expected: { body: '', end: 'broken: its Content-Length is no size' },
  },
]

for (const length of ['-1', '0x4', '1e1', ' ', '4.0'])
  test(`a length of ${JSON.stringify(length)} is refused`, () => {
    const { body, end } = read([Buffer.from(`${OK}Content-Length: ${length}\r\n\r\nbody`)])
    assert.deepEqual([body, end], ['', 'broken: its Content-Length is no size'])
  })

for (const { name, wire, expected } of CASES)
  test(`${name}, wherever the network cuts`, () => {
    const bytes = Buffer.from(wire, 'latin1')
    const got = read([bytes])
    assert.deepEqual({ ...got, ...expected }, got)
    for (let at = 1; at < bytes.length; at++)
      assert.deepEqual(read([bytes.subarray(0, at), bytes.subarray(at)]), got, `cut at ${at}`)
    assert.deepEqual(read([...bytes].map((byte) => Buffer.of(byte))), got, 'byte by byte')
  })

test('any body in any chunks, cut anywhere, comes out as it was', () => {
  const chunk = fc.record({
    body: fc.string({ minLength: 1, maxLength: 600, unit: 'binary-ascii' }),
    extension: fc.constantFrom('', ';a', ' ; a="b;c"'),
  })
  const cuts = fc.array(fc.nat({ max: 3000 }), { maxLength: 12 })
  fc.assert(
    fc.property(fc.array(chunk, { maxLength: 8 }), cuts, (chunks, places) => {
      const framed = chunks.map(
        ({ body, extension }) => `${body.length.toString(16)}${extension}\r\n${body}\r\n`,
      )
      const bytes = Buffer.from(`${CHUNKED}${framed.join('')}0\r\n\r\n`, 'latin1')
      const ends = [...new Set([...places.map((place) => place % bytes.length), bytes.length])]
      const parts = ends
        .toSorted((a, b) => a - b)
        .map((end, index, all) => bytes.subarray(all[index - 1] ?? 0, end))
      const { body, end } = read(parts, false)
      assert.equal(end, 'ended')
      assert.equal(body, chunks.map((each) => each.body).join(''))
    }),
  )
})

test('any bytes have one end, and nothing after it', () => {
  const hostile = fc.oneof(
    fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)),
    fc
      .array(fc.constantFrom(OK, CHUNKED, '\r\n', '\n', '5\r\nhello\r\n', 'ffffffffffffffff\r\n', ':', 'a'), {
        maxLength: 12,
      })
      .map((parts) => Buffer.from(parts.join(''), 'latin1')),
  )
  fc.assert(
    fc.property(fc.array(hostile, { minLength: 1, maxLength: 5 }), (parts) => {
      assert.match(read(parts).end, /^(ended|broken: .+)$/)
    }),
    { numRuns: 500 },
  )
})

test('a head without an end is given up, not kept', () => {
  const line = Buffer.from(`x: ${'y'.repeat(1000)}\r\n`)
  const { end } = read([Buffer.from(OK), ...Array.from({ length: 100 }, () => line)], false)
  assert.equal(end, 'broken: its head is over 65536 bytes')
})

test('a line of the framing without an end is given up, not kept', () => {
  const { end } = read(
    [Buffer.from(`${CHUNKED}5;`), ...Array.from({ length: 10 }, () => Buffer.alloc(1000, 'x'))],
    false,
  )
  assert.equal(end, 'broken: a line of its framing is over 4096 bytes')
})
