// Owns the spans of other components in a waterfall: below each operation one lane of those that hang there, with their own below them.
// Promises each once, in their own times, which are exact, and as lanes that are folded until somebody opens them. Does not draw.

import { barOf, type Line } from './line.ts'
import type { Boundary, NativeJson, SpanJson } from './start.ts'

/** By the operation or the span of theirs below which they hang. */
export type NativeTree = ReadonlyMap<string, readonly SpanJson[]>

const LANE = 'native/'

/** One whose parent never came hangs below the root. */
export function nativeTree(native: readonly NativeJson[], spans: readonly SpanJson[]): NativeTree {
  const ids = new Set([...spans, ...native].map(({ spanId }) => spanId))
  const root = spans[0]?.spanId ?? ''
  return Map.groupBy(native.map(spanOf), ({ parentSpanId = '' }) =>
    ids.has(parentSpanId) ? parentSpanId : root,
  )
}

export function spanOf({ service, start, end, ...native }: NativeJson): SpanJson {
  const none = { critical: [], events: [], links: [] }
  return { ...native, ...none, actor: service, start: exactly(start), end: exactly(end), isNative: true }
}

const exactly = (time: string): Boundary => ({
  ...{ time, earlyMs: 0, lateMs: 0, source: 'native-span', evidence: [] },
})

/** At most one line, the last below its operation. */
export function nativeLane(parentId: string, level: number, tree: NativeTree, origin: bigint): Line[] {
  const children = linesBelow(parentId, level + 1, tree, origin)
  if (children.length === 0) return []
  const all = children.flatMap(withBelow).flatMap(({ bars }) => bars)
  return [
    {
      ...{ key: `${LANE}${parentId}`, kind: 'lane', level, children },
      lane: `${all.length} ${all.length === 1 ? 'span' : 'spans'} of`,
      image: [...new Set(all.map(({ span }) => span.actor))].sort().join(', '),
      bars: children.flatMap(({ bars }) => bars),
    },
  ]
}

function linesBelow(parentId: string, level: number, tree: NativeTree, origin: bigint): Line[] {
  return (tree.get(parentId) ?? []).map((span) => ({
    ...{ key: span.spanId, kind: 'span', level, bars: [barOf(span, origin)] },
    children: linesBelow(span.spanId, level + 1, tree, origin),
  }))
}

const withBelow = (line: Line): Line[] => [line, ...line.children.flatMap(withBelow)]

export const isNativeLane = ({ key }: Line): boolean => key.startsWith(LANE)

/** The keys of all such lanes. */
export const nativeLanes = (lines: readonly Line[]): string[] =>
  lines.flatMap((line) => [...(isNativeLane(line) ? [line.key] : []), ...nativeLanes(line.children)])
