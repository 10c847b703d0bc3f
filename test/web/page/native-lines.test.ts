// Owns where the spans of other components stand in a waterfall, on a recorded start that has them.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { formatTrace } from '../../../src/trace/start-json.ts'
import type { Line } from '../../../src/web/page/line.ts'
import { extentOf, foldedAtFirst, inSight, linesOf } from '../../../src/web/page/lines.ts'
import { isNativeLane } from '../../../src/web/page/native-lines.ts'
import type { NativeJson, StartJson } from '../../../src/web/page/start.ts'
import { framesOf, tracesOf } from '../../support/frames.ts'

const starts = tracesOf(await framesOf('with-native-spans')).map(
  (trace) => JSON.parse(formatTrace(trace)) as StartJson,
)
const start = starts.find(({ native }) => native !== undefined) ?? assert.fail('it was recorded with them')
const { spans, native = [] } = start
const lines = linesOf(spans, [], native)
const all = (some: readonly Line[]): Line[] => inSight(some, new Set())

test('each is one line with its service, below the operation or the span that it hangs from', () => {
  const shown = all(lines).filter(({ bars, kind }) => kind === 'span' && bars[0]?.span.isNative)
  assert.ok(native.length > 50)
  assert.deepEqual(shown.map(({ key }) => key).sort(), native.map(({ spanId }) => spanId).sort())
  const services = new Set(shown.map(({ bars }) => bars[0]?.span.actor))
  for (const service of ['apiserver', 'containerd', 'kubelet']) assert.ok(services.has(service), service)
  const parents = new Map(
    all(lines).flatMap((line) => line.children.map((child) => [child.key, line.key] as const)),
  )
  for (const { parentSpanId, spanId } of native) {
    const above = parents.get(spanId) ?? ''
    assert.equal(above.replace(/^native\//, ''), parentSpanId)
  }
})

test('at first they are one folded line each, which says how many there are and of whom', () => {
  const folded = foldedAtFirst(lines)
  const shown = inSight(lines, folded)
  assert.ok(shown.every(({ kind, bars }) => kind === 'lane' || !bars[0]?.span.isNative))
  const lanes = shown.filter(isNativeLane)
  const counted = lanes.reduce((sum, { lane }) => sum + Number(/^\d+/.exec(lane ?? '')?.[0]), 0)
  assert.equal(counted, native.length)
  for (const { bars, image } of lanes) assert.ok(bars.length > 0 && image !== '')
  const others = shown.filter((line) => !isNativeLane(line)).map(({ key }) => key)
  assert.deepEqual(
    others,
    inSight(linesOf(spans), foldedAtFirst(linesOf(spans))).map(({ key }) => key),
  )
})

test('the picture is as wide as without them, however far one sticks out', () => {
  const [root] = spans
  const early: NativeJson = {
    ...{ service: 'apiserver', name: 'long before', spanId: 'e'.repeat(16), parentSpanId: root?.spanId },
    ...{
      start: '2020-01-01T00:00:00.000000000Z',
      end: root?.start.time ?? '',
      durationMs: 0,
      attributes: {},
    },
  } as NativeJson
  assert.deepEqual(extentOf(linesOf(spans, [], [...native, early])), extentOf(linesOf(spans)))
})

test('one whose parent never came stands below the root, and a circle below nothing', () => {
  const made = (spanId: string, parentSpanId: string): NativeJson => ({
    ...{ service: 'shop', name: 'made', spanId, parentSpanId, durationMs: 0, attributes: {} },
    ...{ start: start.created, end: start.created },
  })
  const [a, b, lost] = ['a', 'b', 'c'].map((digit) => digit.repeat(16)) as [string, string, string]
  const shown = all(linesOf(spans, [], [made(lost, 'd'.repeat(16)), made(a, b), made(b, a)]))
  assert.ok(shown.some(({ key }) => key === lost))
  assert.ok(!shown.some(({ key }) => key === a || key === b))
})
