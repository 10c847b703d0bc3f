// Owns what two observers of one start have to agree on, and what any trace has to be.
// Promises a message that names the span and both intervals. Does not know where traces come from.

import assert from 'node:assert/strict'
import { unixNano } from '../../src/base/time.ts'
import type { TruthSpan } from '../accuracy/collector.ts'
import { bounds, describeSpan } from './trace-support.ts'

export function assertNested(spans: readonly TruthSpan[]): void {
  const byId = new Map(spans.map((span) => [span.spanId, span]))
  for (const span of spans) {
    assert.ok(span.end >= span.start, `${span.name} ends after it starts`)
    if (span.parentSpanId === undefined) continue
    const parent = byId.get(span.parentSpanId)
    assert.ok(parent, `${span.name} has its parent`)
    assert.ok(span.start >= parent.start && span.end <= parent.end, `${span.name} lies within ${parent.name}`)
  }
}

const key = ({ spanId, name }: TruthSpan): string => `${spanId} ${name}`
const evident = (spans: readonly TruthSpan[]): readonly TruthSpan[] =>
  spans.filter(({ name }) => name !== 'unaccounted')

/** The same operations by id and name; what is unaccounted for depends on how narrow the intervals are. */
export function assertSameOperations(expected: readonly TruthSpan[], actual: readonly TruthSpan[]): void {
  assert.deepEqual(evident(actual).map(key).sort(), evident(expected).map(key).sort())
}

/** The same operations; and two intervals that hold the same truth overlap. */
export function assertSame(expected: readonly TruthSpan[], actual: readonly TruthSpan[]): void {
  assertSameOperations(expected, actual)
  assert.deepEqual(apart(expected, actual), [])
}

/** The boundaries of which two observers say what cannot both be true, in words. */
export function apart(expected: readonly TruthSpan[], actual: readonly TruthSpan[]): readonly string[] {
  const origin = expected[0]?.start ?? unixNano(0n)
  return evident(expected).flatMap((one) => {
    const other = actual.find(({ spanId }) => spanId === one.spanId) ?? one
    return (['start', 'end'] as const).flatMap((side) => {
      const [a, b] = [bounds(one, side), bounds(other, side)]
      if (a.from <= b.to && b.from <= a.to) return []
      return [`${side} of ${describeSpan(one, origin)} against ${describeSpan(other, origin)}`]
    })
  })
}
