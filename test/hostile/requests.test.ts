// Owns what may come over a connection that is none: OTLP requests, admission reviews, answers of a server, frames of a WebSocket.
// Promises values instead of throws, one end for each answer, and that neither a request nor what is kept of many takes more than a
// small multiple of its own memory. `make fuzz` runs it for long.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { systemClock } from '../../src/base/clock.ts'
import { bytesOfNative } from '../../src/base/native.ts'
import { milliseconds, seconds, add, unixNano } from '../../src/base/time.ts'
import { decodeJsonSpans, type DecodedRequest, decodeSpans, EVERY_SPAN } from '../../src/decode/otlp.ts'
import { fromJson } from '../../src/decode/otlp-from-json.ts'
import { EXPORT_REQUEST } from '../../src/decode/otlp-messages.ts'
import { toRequestJson } from '../../src/decode/otlp-request.ts'
import { encodeTrace } from '../../src/export/otlp-protobuf.ts'
import { BY_ACTOR } from '../../src/export/resource.ts'
import { answerReview } from '../../src/inject/review.ts'
import { splitLengthDelimited, splitLines } from '../../src/kube/frame-split.ts'
import { ResponseReader } from '../../src/kube/http-response.ts'
import { createFrameReader, OPCODE } from '../../src/kube/web-socket-frames.ts'
import { createIntake, DEFAULT_LIMITS } from '../../src/receive/intake.ts'
import { HELD_BYTES_MAX } from '../../src/timeline/native-book.ts'
import { createPipeline, wantsSpan } from '../../src/trace/pipeline.ts'
import { lengthDelimited } from '../simulator/encode.ts'
import { anyDamage, damagedBy, replacedIn } from '../support/damage.ts'
import { deepFreeze, framesOf, runs, seedOf } from '../support/frames.ts'
import { violations } from '../support/frames-invariants.ts'
import { decodeTraceRequest } from '../support/otlp-receiver-decode.ts'
import { CAPTURED, type Json } from '../support/captured-requests.ts'
import { heldInBuffers } from '../support/memory.ts'

const REQUESTS = CAPTURED.map((request) => fromJson(EXPORT_REQUEST, request))
const RECORDED = await framesOf('plain')
const BEGIN = RECORDED[0]?.t ?? unixNano(0n)

/** What the receiver does with a request, and the exporters with what is kept of it. */
function swallow(decoded: DecodedRequest): void {
  if (!decoded.ok) return
  JSON.stringify(toRequestJson(decoded.spans))
  const pipeline = createPipeline()
  const t = add(BEGIN, seconds(2))
  const frames = [...RECORDED, { kind: 'otlp', t, source: 'spans', spans: decoded.spans } as const]
  for (const frame of frames.toSorted((a, b) => Number(a.t - b.t)))
    for (const trace of pipeline.push(frame)) {
      assert.deepEqual(violations([trace]), [])
      decodeTraceRequest(encodeTrace(trace, BY_ACTOR))
    }
}

test('OTLP requests of real components, damaged anywhere, are spans or error values, and what is kept can be told', () => {
  fc.assert(
    fc.property(
      fc.constantFrom(...REQUESTS),
      fc.array(anyDamage, { minLength: 1, maxLength: 5 }),
      (request, damages) => swallow(decodeSpans(damages.reduce(damagedBy, request), EVERY_SPAN)),
    ),
    { numRuns: runs(60), seed: seedOf(6) },
  )
})

const anything = fc.anything({ withBigInt: false, withNullPrototype: true, maxDepth: 3 })

test('OTLP requests in JSON of which any part is anything are spans or errors that say where', () => {
  const path = fc.array(fc.nat(), { minLength: 1, maxLength: 12 })
  fc.assert(
    fc.property(fc.constantFrom(...CAPTURED), path, anything, (request, at, value) => {
      const decoded = decodeJsonSpans(replacedIn(request, at, value), EVERY_SPAN)
      if (!decoded.ok) assert.ok(decoded.error.where.length > 0 && decoded.error.where.length < 1000)
      else JSON.stringify(toRequestJson(decoded.spans))
    }),
    { numRuns: runs(60), seed: seedOf(7) },
  )
})

const time = (tag: number, ns: number): Buffer => {
  const bytes = Buffer.alloc(9)
  bytes[0] = tag
  bytes.writeBigUInt64LE(BigInt(ns), 1)
  return bytes
}
const spanOf = (number: number): Buffer => {
  const id = Buffer.alloc(16, 1)
  id.writeUInt32BE(number)
  return Buffer.concat([
    lengthDelimited(1, id),
    lengthDelimited(2, id.subarray(0, 8)),
    lengthDelimited(5, Buffer.from('syncPod')),
    time(57, 1),
    time(65, 2),
  ])
}
const text = (bytes: number): Buffer =>
  lengthDelimited(
    1,
    Buffer.concat([
      lengthDelimited(1, Buffer.from('k')),
      lengthDelimited(2, lengthDelimited(1, Buffer.alloc(bytes, 97))),
    ]),
  )
const requestOf = (resourceBytes: number, scopes: readonly number[]): Buffer =>
  lengthDelimited(
    1,
    Buffer.concat([
      lengthDelimited(1, text(resourceBytes)),
      ...scopes.map((number) =>
        lengthDelimited(
          2,
          Buffer.concat([lengthDelimited(3, Buffer.from(`${number}`)), lengthDelimited(2, spanOf(number))]),
        ),
      ),
    ]),
  )
const upTo = (count: number): number[] => Array.from({ length: count }, (_, n) => n)

test('a resource of megabytes is no resource, however many scopes it has', () => {
  const decoded = decodeSpans(requestOf(2_000_000, upTo(20_000)), EVERY_SPAN)
  assert.ok(decoded.ok)
  assert.deepEqual([decoded.total, decoded.invalid, decoded.spans.length], [20_000, 20_000, 0])
})

test('a long resource counts against the memory of each span that holds it, one that all requests share does not', () => {
  const bytesWith = (resourceBytes: number): number => {
    const decoded = decodeSpans(requestOf(resourceBytes, [1]), EVERY_SPAN)
    const [span] = decoded.ok ? decoded.spans : []
    assert.ok(span)
    return bytesOfNative(span)
  }
  assert.equal(bytesWith(1000), bytesWith(10))
  assert.ok(bytesWith(50_000) > 50_000)
})

test('spans of thousands of long resources are held within the bound of all spans', () => {
  const pipeline = createPipeline()
  const before = heldInBuffers()
  for (let request = 0; request < 60; request++) {
    const t = unixNano(BEGIN + BigInt(request) * 1_000_000n)
    const spans = upTo(60).flatMap((number) => {
      const decoded = decodeSpans(requestOf(60_000 - number, [request * 60 + number]), EVERY_SPAN)
      return decoded.ok ? decoded.spans : []
    })
    pipeline.push({ kind: 'otlp', t, source: 'spans', spans })
    pipeline.push({ kind: 'tick', t })
  }
  const held = heldInBuffers() - before
  assert.ok(held > HELD_BYTES_MAX / 2, `only ${held} bytes are held: the bound was not reached`)
  assert.ok(held < HELD_BYTES_MAX * 1.1, `${held} bytes are held`)
})

test('a request in JSON that is made of objects alone is refused unparsed', () => {
  const intake = createIntake({
    limits: DEFAULT_LIMITS,
    clock: systemClock(),
    random: () => 0,
    wants: wantsSpan,
    choose: (spans) => spans,
    onSpans: () => assert.fail('it was taken'),
    log: () => undefined,
  })
  for (const part of ['{},', '[],', '{"a":[{}]},'])
    assert.equal(
      intake.take(Buffer.from(`{"resourceSpans":[${part.repeat(300_000)}{}]}`), 'json').kind,
      'garbage',
    )
  const real = createIntake({
    limits: DEFAULT_LIMITS,
    clock: systemClock(),
    random: () => 0,
    wants: () => true,
    choose: (spans) => spans,
    onSpans: () => undefined,
    log: () => undefined,
  })
  for (const request of CAPTURED)
    assert.equal(real.take(Buffer.from(JSON.stringify(request)), 'json').kind, 'taken')
})

test('an admission review of which any part is anything is answered, and lets everything go on', () => {
  const review: Json = {
    request: {
      uid: 'r-1',
      operation: 'CREATE',
      resource: { resource: 'pods' },
      object: {
        metadata: { uid: '0b0aa422-b0b8-4b47-a94d-f7cd32bbea36', annotations: { a: 'b' } },
        spec: { containers: [{ name: 'a', env: [{ name: 'A' }] }], initContainers: [{}] },
      },
    },
  }
  fc.assert(
    fc.property(
      fc.array(fc.nat(), { minLength: 1, maxLength: 8 }),
      fc.oneof(anything, fc.string()),
      (path, value) => {
        const sent = typeof value === 'string' ? value : JSON.stringify(replacedIn(review, path, value))
        const { response } = JSON.parse(answerReview(sent).body) as { response: { allowed: boolean } }
        assert.equal(response.allowed, true)
      },
    ),
    { numRuns: runs(200), seed: seedOf(8) },
  )
})

const ANSWERS = [
  'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;a=b\r\nhello\r\n0\r\nx: y\r\n\r\n',
  'HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello',
  'HTTP/1.1 429 Too Many Requests\r\nRetry-After: 1\r\n\r\nbody',
].map((answer) => Buffer.from(answer))

/** Each part comes in one buffer that is written over afterwards, as a socket's is. */
function pieces(bytes: Buffer, cuts: readonly number[]): Buffer[] {
  const ends = [...new Set([...cuts.map((cut) => cut % (bytes.length + 1)), bytes.length])]
  return ends.toSorted((a, b) => a - b).map((end, index, all) => bytes.subarray(all[index - 1] ?? 0, end))
}

const anyCuts = fc.array(fc.nat(), { maxLength: 6 })

test('answers that are damaged anywhere and cut anywhere have one end, and never more body than bytes', () => {
  fc.assert(
    fc.property(
      fc.constantFrom(...ANSWERS),
      fc.array(anyDamage, { maxLength: 4 }),
      anyCuts,
      (answer, damages, cuts) => {
        const bytes = damages.reduce(damagedBy, answer)
        let [body, ends] = [0, 0]
        const reader = new ResponseReader({
          head: () => assert.equal(ends, 0),
          data: (_, start, end) => {
            assert.ok(ends === 0 && end > start)
            body += end - start
          },
          ended: () => void (ends += 1),
          broken: () => void (ends += 1),
        })
        for (const piece of pieces(bytes, cuts)) reader.push(piece, 0, piece.length)
        reader.close()
        assert.equal(ends, 1)
        assert.ok(body <= bytes.length)
      },
    ),
    { numRuns: runs(500), seed: seedOf(9) },
  )
})

test('a head, a line of framing or a trailer without an end is broken off within its bound', () => {
  for (const begin of ['HTTP/1.1 200 OK\r\nx: ', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;']) {
    let broken = 0
    const reader = new ResponseReader({
      head: () => undefined,
      data: () => assert.fail('there is no body'),
      ended: () => assert.fail('it has no end'),
      broken: () => void (broken += 1),
    })
    const noise = Buffer.alloc(1000, 97)
    reader.push(Buffer.from(begin), 0, begin.length)
    for (let n = 0; n < 100 && broken === 0; n++) reader.push(noise, 0, noise.length)
    assert.equal(broken, 1)
  }
})

test('any bytes in any pieces are the same frames, each within the limit, and what waits is bounded', () => {
  const limit = 64
  for (const split of [splitLengthDelimited, splitLines])
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), anyCuts, (noise, cuts) => {
        // Most lengths would be beyond the limit: these are near it.
        const bytes = Buffer.from(noise).map((byte, at) => (at % 5 === 0 ? 0 : byte % 80)) as Buffer
        const framesIn = (parts: readonly Buffer[]): string[] => {
          const frames: string[] = []
          const splitter = split(limit, {
            frame: (from, start, end) => {
              assert.ok(end - start <= limit)
              frames.push(from.toString('latin1', start, end))
            },
            oversize: (length) => void frames.push(length > limit ? 'oversize' : 'not oversize'),
          })
          for (const part of parts) splitter.push(part, 0, part.length)
          return frames
        }
        const whole = framesIn([Buffer.from(bytes)])
        assert.deepEqual(framesIn(pieces(Buffer.from(bytes), cuts)), whole)
        assert.ok(!whole.includes('not oversize'))
      }),
      { numRuns: runs(300), seed: seedOf(10) },
    )
})

test('frames of a WebSocket of any bytes are messages or one error, the same in any pieces', () => {
  const opcodes = fc.constantFrom(...Object.values(OPCODE), 3, 11)
  const sent = fc.array(
    fc.tuple(fc.constantFrom(0x80, 0, 0xc0), opcodes, fc.uint8Array({ maxLength: 130 })),
    { maxLength: 6 },
  )
  const read = (parts: readonly Buffer[]): string[] => {
    const reader = createFrameReader()
    const told: string[] = []
    try {
      for (const part of parts)
        for (const { kind, payload } of reader.push(part)) told.push(`${kind} ${payload.toString('hex')}`)
    } catch (error) {
      assert.equal((error as Error).constructor, Error)
      told.push(`error ${(error as Error).message}`)
    }
    return told
  }
  fc.assert(
    fc.property(sent, anyCuts, fc.array(anyDamage, { maxLength: 2 }), (frames, cuts, damages) => {
      const wire = frames.map(([fin, opcode, payload]) =>
        Buffer.concat([
          payload.length < 126
            ? Buffer.from([fin | opcode, payload.length])
            : Buffer.from([fin | opcode, 126, 0, payload.length]),
          payload,
        ]),
      )
      const bytes = damages.reduce(damagedBy, Buffer.concat(wire))
      const told = read(pieces(bytes, cuts))
      const last = read([bytes])
      // What came before the error may have been told by an earlier piece.
      assert.equal(told.at(-1)?.startsWith('error'), last.at(-1)?.startsWith('error'))
      if (!told.at(-1)?.startsWith('error')) assert.deepEqual(told, last)
    }),
    { numRuns: runs(300), seed: seedOf(11) },
  )
})

test('a message in parts of nothing without an end is refused', () => {
  const reader = createFrameReader()
  reader.push(Buffer.from([OPCODE.binary, 0]))
  const empty = Buffer.alloc(2 * 10_000)
  assert.throws(() => {
    for (let n = 0; n < 1000; n++) reader.push(empty)
  }, /parts/)
})

test('the frames that a receiver pushes are not changed by the fold', () => {
  const decoded = decodeSpans(REQUESTS[1] ?? Buffer.alloc(0), EVERY_SPAN)
  assert.ok(decoded.ok)
  const pipeline = createPipeline()
  pipeline.push(deepFreeze({ kind: 'otlp', t: BEGIN, source: 'spans', spans: decoded.spans } as const))
  pipeline.push({ kind: 'tick', t: add(BEGIN, milliseconds(120_000)) })
})
