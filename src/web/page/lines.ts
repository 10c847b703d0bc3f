// Owns what stands where in a waterfall: a start's spans as lines, its containers as lanes, and which of them are folded away.
// Promises ms since the root began, every span once, parents before children, and what the end waited for never folded at first.
// Does not draw.

import { isNativeLane, nativeLane, nativeLanes, type NativeTree, nativeTree } from './native-lines.ts'
import { type Bar, barOf, type Line } from './line.ts'
import { nanosOf, type NativeJson, type SpanJson } from './start.ts'

export const isCritical = (line: Line): boolean => criticalMs(line) > 0

export const criticalMs = ({ bars }: Line): number =>
  bars.reduce((sum, { critical }) => sum + critical.reduce((part, [from, to]) => part + to - from, 0), 0)

export const containerOf = ({ attributes }: SpanJson): string | undefined => {
  const name = attributes['k8s.container.name']
  return typeof name === 'string' ? name : undefined
}

/** The root with its lines below it; what came before it stands first, as lines of their own. */
export function linesOf(
  spans: readonly SpanJson[],
  before: readonly SpanJson[] = [],
  joined: readonly NativeJson[] = [],
): Line[] {
  const [root] = spans
  if (!root) return []
  const origin = nanosOf(root.start.time)
  const children = Map.groupBy(spans, ({ parentSpanId = '' }) => parentSpanId)
  const earlier = Map.groupBy(before, ({ parentSpanId = '' }) => parentSpanId)
  const native = nativeTree(joined, spans)
  const tops = before.filter(({ parentSpanId }) => !before.some(({ spanId }) => spanId === parentSpanId))
  return [
    ...tops.map((span) => lineOf(span, 0, { children: earlier, native, origin })),
    {
      ...lineOf(root, 0, { children: new Map(), native: new Map(), origin }),
      children: [
        ...laned(children.get(root.spanId) ?? [], { children, native, origin }),
        ...nativeLane(root.spanId, 1, native, origin),
      ],
    },
  ]
}

/** Where a span's children are, and when the root began. */
interface Tree {
  readonly children: ReadonlyMap<string, readonly SpanJson[]>
  readonly native: NativeTree
  readonly origin: bigint
}

function lineOf(span: SpanJson, level: number, tree: Tree, lane?: string): Line {
  const below = tree.children.get(span.spanId) ?? []
  return {
    key: span.spanId,
    kind: 'span',
    level,
    ...(lane === undefined ? {} : { lane }),
    bars: [barOf(span, tree.origin)],
    children: [
      ...below.map((child) => lineOf(child, level + 1, tree, lane)),
      ...nativeLane(span.spanId, level + 1, tree.native, tree.origin),
    ],
  }
}

/** What belongs to one container comes together where the first of it stands. */
function laned(spans: readonly SpanJson[], tree: Tree): Line[] {
  const lanes = Map.groupBy(spans, (span) => containerOf(span) ?? '')
  return spans.flatMap((span) => {
    const lane = containerOf(span)
    if (lane === undefined) return [lineOf(span, 1, tree)]
    const same = lanes.get(lane) ?? []
    return same[0] === span ? [laneOf(lane, same, tree)] : []
  })
}

function laneOf(lane: string, spans: readonly SpanJson[], tree: Tree): Line {
  const lines = spans.map((span) => lineOf(span, 2, tree, lane))
  const image = spans
    .map(({ attributes }) => attributes['container.image.name'])
    .find((name) => typeof name === 'string')
  return {
    key: `lane/${lane}`,
    kind: 'lane',
    level: 1,
    lane,
    ...(image === undefined ? {} : { image }),
    bars: lines.flatMap(barsBelow),
    children: lines,
  }
}

const barsBelow = (line: Line): Bar[] =>
  isNativeLane(line) ? [] : [...line.bars, ...line.children.flatMap(barsBelow)]

/** Those in sight, where the children of `folded` are not. */
export function inSight(lines: readonly Line[], folded: ReadonlySet<string>): Line[] {
  return lines.flatMap((line) => [line, ...(folded.has(line.key) ? [] : inSight(line.children, folded))])
}

/** More lines than this are too many to begin with. */
const LINES_MAX = 40

/** At first: all open but what others tell, or where that is too much, only what the end waited for. */
export function foldedAtFirst(lines: readonly Line[]): Set<string> {
  const native = new Set(nativeLanes(lines))
  if (inSight(lines, native).length <= LINES_MAX) return native
  const [root] = lines.filter(({ key }) => !key.startsWith('lane/')).slice(-1)
  const whole = root === undefined ? 0 : (root.bars[0]?.end ?? 0)
  const minor = (root?.children ?? []).filter(
    (line) => line.children.length > 0 && criticalBelow(line) < whole * 0.02,
  )
  return new Set([...native, ...minor.map(({ key }) => key)])
}

const criticalBelow = (line: Line): number =>
  line.kind === 'lane'
    ? criticalMs(line)
    : [line, ...line.children].reduce((sum, one) => sum + criticalMs(one), 0)

/** From where to where a picture goes: the root, and at first not what lies far before it. */
export function extentOf(lines: readonly Line[]): { readonly from: number; readonly to: number } {
  const bars = inSight(lines, new Set(nativeLanes(lines))).flatMap((line) =>
    isNativeLane(line) ? [] : line.bars,
  )
  return {
    from: Math.min(0, ...bars.map(({ start }) => start)),
    to: Math.max(0.01, ...bars.map(({ end, latestEnd }) => Math.min(latestEnd, end * 1.2 + 1))),
  }
}
