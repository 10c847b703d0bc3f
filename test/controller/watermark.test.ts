// Owns what the annotation on the Lease says and covers.
// Promises that text which cannot be read covers nothing.
// Does not decide what is written: see handover.test.ts.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  BEYOND_MAX,
  coveredUntil,
  covers,
  formatWatermarks,
  OWED_MAX,
  parseWatermarks,
  shortId,
  type Watermark,
  type Watermarks,
} from '../../src/controller/watermark.ts'
import { at, traceIdOfPod } from './handover-simulation.ts'

const mark = (version: string, ms: number): Watermark['position'][string] => ({ version, at: at(ms) })

const watermark: Watermark = {
  position: { '': mark('120', 2) },
  at: at(5),
  beyond: new Set([shortId(traceIdOfPod({ n: 7 }))]),
  owed: new Set([shortId(traceIdOfPod({ n: 8 }))]),
}

const watermarks: Watermarks = new Map<string, Watermark>([
  ['default', watermark],
  [
    'other',
    {
      position: { shop: mark('90', 0), pay: mark('80', -4.25) },
      at: at(0),
      beyond: new Set(),
      owed: new Set(),
    },
  ],
  ['new', { position: {}, at: at(-1), beyond: new Set(), owed: new Set() }],
])

test('watermarks are read as they were written', () => {
  assert.deepEqual(parseWatermarks(formatWatermarks(watermarks)), watermarks)
})

for (const text of ['', 'x', '[]', '7', 'null', '{"a":7}', '{"a":{"position":{"":"5"}}}', undefined])
  test(`an annotation that is none covers nothing: ${text}`, () => {
    assert.equal(parseWatermarks(text).size, 0)
  })

for (const position of [
  '7',
  '"5"',
  '{"":"5"}',
  '{"":{"version":5,"at":"2026-11-22T12:00:00Z"}}',
  '{"":{"version":"5"}}',
])
  test(`a position that is none covers nothing: ${position}`, () => {
    const read = parseWatermarks(`{"a":{"at":"2026-11-22T12:00:00Z","position":${position}}}`)
    assert.deepEqual(read.get('a')?.position, {})
  })

test('full lists of ids fit the annotations of an object', () => {
  const ids = Array.from({ length: BEYOND_MAX }, (_, n) => shortId(traceIdOfPod({ n })))
  const full: Watermark = { ...watermark, beyond: new Set(ids), owed: new Set(ids.slice(0, OWED_MAX)) }
  assert.ok(formatWatermarks(new Map([['default', full]])).length < 128 * 1024)
})

const told = { traceId: traceIdOfPod({ n: 1 }), stream: '', version: '120', timedOut: false, endedAt: at(0) }
const timedOut = { ...told, timedOut: true, endedAt: at(-6000) }

const cases = [
  { name: 'its end was stored at the mark', told, covered: true },
  { name: 'its end was stored after the mark', told: { ...told, version: '121' }, covered: false },
  { name: 'its end was stored before the mark', told: { ...told, version: '99' }, covered: true },
  { name: 'nobody knows the version of its end', told: { ...told, version: undefined }, covered: false },
  { name: 'its stream has no mark', told: { ...told, stream: 'shop' }, covered: false },
  {
    name: 'its id is listed',
    told: { ...told, version: '999', traceId: traceIdOfPod({ n: 7 }) },
    covered: true,
  },
  { name: 'it is owed', told: { ...told, traceId: traceIdOfPod({ n: 8 }) }, covered: false },
  { name: 'the clock ended it long before', told: timedOut, covered: true },
  { name: 'the clock ended it just before', told: { ...timedOut, endedAt: at(4) }, covered: false },
  {
    name: 'the clock ended it, and the stream had not shown it',
    told: { ...timedOut, version: '121' },
    covered: false,
  },
]

for (const { name, told: each, covered } of cases)
  test(`a start is ${covered ? '' : 'not '}covered where ${name}`, () => {
    assert.equal(covers(watermark, each), covered)
    assert.equal(covers(undefined, each), false)
  })

test('of a stream that was silent for long nothing is covered after it was last heard', () => {
  assert.equal(coveredUntil(watermark, ''), at(2))
  assert.equal(coveredUntil(watermark, 'elsewhere'), at(5))
  assert.equal(coveredUntil({ ...watermark, at: at(1) }, ''), at(1))
})
