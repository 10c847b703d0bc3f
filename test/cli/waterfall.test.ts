import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { stripVTControlCharacters } from 'node:util'
import fc from 'fast-check'
import { displayWidth } from '../../src/cli/display-width.ts'
import { drawWaterfall, type Look } from '../../src/cli/waterfall.ts'
import type { SpanEvent, Trace } from '../../src/trace/trace.ts'
import { assertGolden } from '../support/golden-file.ts'
import { nativeSpans, runtimeCall } from '../support/native.ts'
import { at, FAILED_PULLS, type Made, SLOW_PULL, STATUS_ONLY, trace } from './hand-made.ts'

const PICTURES: readonly { readonly name: string; readonly trace: Trace }[] = [
  { name: 'slow-pull', trace: SLOW_PULL },
  { name: 'failed-pulls', trace: FAILED_PULLS },
  { name: 'status-only', trace: STATUS_ONLY },
]

const look = (some: Partial<Look> = {}): Look => ({ width: 100, colour: false, ascii: false, ...some })

for (const { name, trace } of PICTURES) {
  for (const width of [60, 100, 160]) {
    test(`${name} in ${width} columns looks as it should, plain and in ASCII`, () => {
      const pictures = [false, true].map((ascii) => drawWaterfall(trace, look({ width, ascii })))
      const path = join(import.meta.dirname, 'waterfall', `${name}.${width}.txt`)
      assertGolden(path, `${pictures.join(`\n\n${'~'.repeat(width)}\n\n`)}\n`)
    })
  }

  test(`${name} says the same with colour and without`, () => {
    const coloured = drawWaterfall(trace, look({ colour: true }))
    assert.notEqual(coloured, drawWaterfall(trace, look()))
    assert.equal(stripVTControlCharacters(coloured), drawWaterfall(trace, look()))
  })

  test(`${name} in ASCII has no other character`, () => {
    assert.match(drawWaterfall(trace, look({ ascii: true })), /^[\x20-\x7e\n]*$/)
  })

  test(`${name} is never wider than asked for`, () => {
    for (let width = 40; width <= 240; width++) {
      const widest = Math.max(...drawWaterfall(trace, look({ width })).split('\n').map(displayWidth))
      assert.ok(widest <= width, `${widest} columns, asked for ${width}`)
    }
  })
}

const HOSTILE = [
  { name: 'escape sequences', text: '\u001b[2J\u001b]0;pwned\u0007x' },
  { name: 'carriage returns and line ends', text: 'a\r\nb\nc\u2028d\u0085e' },
  { name: 'right-to-left marks', text: 'abc\u202edef\u2066ghi\u200f' },
  { name: 'zero-width characters', text: 'a\u200bb\u2060c\ufeffd' },
  { name: 'ten thousand characters', text: 'n'.repeat(10_000) },
  { name: 'ten thousand marks on one letter', text: `e${'\u0301'.repeat(10_000)}` },
  { name: 'lone surrogates', text: '\ud800x\udfff' },
  { name: 'wide characters', text: '日本語'.repeat(100) },
]

for (const { name, text } of HOSTILE) {
  test(`${name} in every text of a trace leave the picture in order`, () => {
    const root: Made = { name: 'pod startup', actor: text, subject: text, start: 0, end: 10 }
    const child: Made = {
      name: text,
      actor: text,
      subject: text,
      start: 1,
      end: 9,
      error: text,
      critical: [[1, 9]],
    }
    const hostile = trace({ spans: [root, child], name: text, namespace: text, node: text, verdict: text })
    const picture = drawWaterfall(hostile, look())
    assert.doesNotMatch(picture, /[\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/u)
    assert.doesNotMatch(picture.replaceAll('\n', ''), /\p{Cc}/u)
    assert.ok(picture.split('\n').length < 30)
    for (const line of picture.split('\n')) assert.ok(displayWidth(line) <= 100, line)
  })
}

const SAID =
  'MountVolume.SetUp failed for volume "settings": configmap "settings" not found, and so the pod waits for it'
const FAILED_MOUNT: SpanEvent = { at: at(2), name: 'FailedMount', attributes: { 'podspan.message': SAID } }
const OTHER: SpanEvent = { at: at(3), name: 'FailedAttach', attributes: {} }

test('what an operation and a part of it both hold is shown once, at the part, in whole words', () => {
  const spans: readonly Made[] = [
    { name: 'pod startup', start: 0, end: 10 },
    { name: 'prepare pod', id: 'prepare', start: 0, end: 9, events: [FAILED_MOUNT, OTHER] },
    { name: 'mount volumes', below: 'prepare', start: 1, end: 8, events: [FAILED_MOUNT] },
    { name: 'create container', start: 9, end: 10, events: [FAILED_MOUNT] },
  ]
  const lines = drawWaterfall(trace({ spans }), look({ width: 80 })).split('\n')
  const [, , , ...rows] = lines
    .filter((line) => line !== '')
    .map((line) => line.replace(/ +[\u2580-\u259f].*/, ''))
  assert.deepEqual(rows.slice(2, 10), [
    '   prepare pod',
    '       FailedAttach',
    '     mount volumes',
    '         FailedMount: MountVolume.SetUp failed for volume "settings":',
    '           configmap "settings" not found, and so the pod waits for it',
    '   create container',
    '       FailedMount: MountVolume.SetUp failed for volume "settings": configmap',
    '         "settings" not found, and so the pod waits for it',
  ])
})

const boundary = fc.integer({ min: -50_000, max: 200_000 })
const anySpan = fc.record({
  start: boundary,
  length: fc.nat(100_000),
  early: fc.nat(3000),
  late: fc.nat(3000),
})

test('any spans at all give one line each, of the asked width at most', () => {
  fc.assert(
    fc.property(fc.array(anySpan, { maxLength: 40 }), fc.integer({ min: 40, max: 240 }), (spans, width) => {
      const made = spans.map(({ start, length, early, late }, index) => ({
        name: `span ${index}`,
        start: [start - early, start, start + late] as const,
        end: [start + length - early, start + length, start + length + late] as const,
      }))
      const picture = drawWaterfall(
        trace({ spans: [{ name: 'pod startup', start: 0, end: 60_000 }, ...made] }),
        look({ width }),
      )
      for (const line of picture.split('\n')) assert.ok(displayWidth(line) <= width, line)
      for (const { name } of made) assert.ok(picture.includes(name))
    }),
    { numRuns: 200 },
  )
})

test('a start that took no time at all can be drawn', () => {
  const picture = drawWaterfall(trace({ spans: [{ name: 'pod startup', start: 0, end: 0 }] }), look())
  assert.match(picture, /ready after 0 ms/)
})

test('of hundreds of spans those that matter are shown, the rest are counted', () => {
  const tiny = Array.from({ length: 500 }, (_, index) => ({
    name: `tiny ${index}`,
    start: index,
    end: index + 1,
  }))
  const big: Made = { name: 'pull image', start: 0, end: 900_000 }
  const failed: Made = { name: 'attach volume', start: 5, end: 6, error: 'no such volume' }
  const picture = drawWaterfall(
    trace({ spans: [{ name: 'pod startup', start: 0, end: 1_000_000 }, big, failed, ...tiny] }),
    look(),
  )
  assert.match(picture, /pull image/)
  assert.match(picture, /no such volume/)
  assert.match(picture, /500 shorter spans not shown/)
})

test('a span whose parent is not in the trace hangs below the root', () => {
  const spans: Made[] = [
    { name: 'pod startup', start: 0, end: 100 },
    { name: 'syncPod', start: 10, end: 20, below: 'elsewhere' },
  ]
  assert.match(drawWaterfall(trace({ spans }), look()), /syncPod/)
})

test('spans of other components are counted below the picture, by who sent them', () => {
  const call = runtimeCall('RunPodSandbox', { id: 'a', fromMs: 100, toMs: 290 })
  const [first, ...rest] = nativeSpans([...call, { ...call[0]!, id: '9', service: '\u001b[31mcsi' }])
  const native = [first!, ...rest].map((span) => ({ span, parentSpanId: undefined, attributes: {} }))
  const text = drawWaterfall({ ...SLOW_PULL, native }, look())
  assert.match(text, /3 spans of containerd, kubelet, .*csi in this trace/)
  assert.ok(!text.includes('\u001b'))
  assert.ok(!drawWaterfall(SLOW_PULL, look()).includes('in this trace'))
})
