// Owns what a waterfall's lines are made of, on recorded and made starts.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { formatTrace } from '../../../src/trace/start-json.ts'
import { criticalMs, extentOf, foldedAtFirst, inSight, linesOf } from '../../../src/web/page/lines.ts'
import type { Line } from '../../../src/web/page/line.ts'
import type { SpanJson, StartJson } from '../../../src/web/page/start.ts'
import { story } from '../../support/pods.ts'
import { traceOf } from '../../support/pods-spans.ts'

const start = JSON.parse(
  formatTrace(traceOf(story().create(0).bind(20).admit(40).start(210, 'app').ready(300).frames(9000))),
) as StartJson

const all = (lines: readonly Line[]): Line[] => inSight(lines, new Set())

test('every span is one line, and a container is a lane with all that is its own', () => {
  const lines = all(linesOf(start.spans))
  const spans = lines.filter(({ kind }) => kind === 'span')
  assert.deepEqual(spans.map(({ key }) => key).toSorted(), start.spans.map(({ spanId }) => spanId).toSorted())
  const [lane] = lines.filter(({ kind }) => kind === 'lane')
  assert.equal(lane?.lane, 'app')
  const own = start.spans.filter(({ attributes }) => attributes['k8s.container.name'] === 'app')
  assert.ok(own.length > 0)
  for (const { spanId } of own)
    assert.ok(
      lane?.bars.some(({ span }) => span.spanId === spanId),
      spanId,
    )
})

test('the critical path of the lines sums to the start', () => {
  const sum = all(linesOf(start.spans))
    .filter(({ kind }) => kind === 'span')
    .reduce((total, line) => total + criticalMs(line), 0)
  assert.ok(Math.abs(sum - start.startupMs) < 0.001, `${sum} of ${start.startupMs}`)
})

test('a folded line hides what is below it and nothing else', () => {
  const lines = linesOf(start.spans)
  const folded = inSight(lines, new Set(['lane/app']))
  assert.ok(folded.some(({ key }) => key === 'lane/app'))
  assert.ok(!folded.some(({ lane, kind }) => lane === 'app' && kind === 'span'))
})

test('what lies before the root stands above it, at negative times', () => {
  const [root] = start.spans as [SpanJson]
  const earlier = {
    ...root,
    spanId: 'e'.repeat(16),
    name: 'wait in queue',
    start: { ...root.start, time: '2026-11-22T16:00:00.000000000Z' },
    end: root.start,
  }
  const lines = linesOf(start.spans, [earlier])
  assert.deepEqual(
    lines.map(({ bars }) => bars[0]?.span.name),
    ['wait in queue', 'pod startup'],
  )
  assert.ok((lines[0]?.bars[0]?.start ?? 0) < 0)
  assert.ok(extentOf(lines).from < 0)
})

test('of very many containers only those are open at first for which the end waited', () => {
  const [root] = start.spans as [SpanJson]
  const span = (container: number, step: number): SpanJson => ({
    ...root,
    parentSpanId: root.spanId,
    spanId: `${container}`.padStart(8, '0') + `${step}`.padStart(8, '0'),
    name: 'start container',
    attributes: { 'k8s.container.name': `c${container}` },
    critical: container === 7 ? [{ from: root.start.time, to: root.end.time }] : [],
  })
  const spans = [root, ...Array.from({ length: 20 }, (_, c) => [span(c, 1), span(c, 2), span(c, 3)]).flat()]
  const lines = linesOf(spans)
  const folded = foldedAtFirst(lines)
  assert.equal(folded.size, 19)
  assert.ok(!folded.has('lane/c7'))
  assert.equal(foldedAtFirst(linesOf(start.spans)).size, 0)
})
