import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Instant } from '../../src/timeline/instant.ts'
import type { Trace } from '../../src/trace/trace.ts'
import { framesOf, readLines, recordingLines, recordings, tracesOf } from '../support/frames.ts'
import { violations } from '../support/frames-invariants.ts'
import { boundaryText, spanName } from '../support/frames-normal.ts'
import { type Skew, skewLines } from '../support/skew.ts'

const MILLISECOND = 1_000_000n
const MINUTE = 60_000_000_000n

interface Case {
  readonly name: string
  readonly skew: (begun: bigint) => Skew
  /** How far a boundary may move, in ms; undefined: the spans must be well-formed, no more. */
  readonly within?: number
  /** Whether intervals must hold what a right clock would have given. */
  readonly holds?: boolean
}

const CASES: readonly Case[] = [
  { name: '5 min fast', skew: () => () => 5n * MINUTE, within: 400, holds: true },
  { name: '5 min slow', skew: () => () => -5n * MINUTE, within: 400, holds: true },
  { name: '50 ms fast', skew: () => () => 50n * MILLISECOND, within: 60 },
  { name: '50 ms slow', skew: () => () => -50n * MILLISECOND, within: 60 },
  { name: 'gaining 200 ms a minute', skew: (begun) => (at) => ((at - begun) * 200n * MILLISECOND) / MINUTE },
]

for (const name of recordings()) {
  test(`${name}: rewriting by a clock that is right changes nothing`, async () => {
    const lines = recordingLines(name)
    assert.deepEqual(await readLines(skewLines(lines, () => 0n)), await framesOf(name))
  })

  for (const { name: clock, skew, within, holds } of CASES) {
    test(`${name}: with a node's clock ${clock} spans nest${holds ? ' and lie where they were' : ''}`, async () => {
      const frames = await framesOf(name)
      const skewed = await readLines(skewLines(recordingLines(name), skew(frames[0]?.t ?? 0n)))
      const told = tracesOf(skewed)
      assert.deepEqual(violations(told), [])
      if (within !== undefined) assert.deepEqual(moved(tracesOf(frames), told, within, holds ?? false), [])
    })
  }
}

/** Boundaries that lie elsewhere than with a right clock. What only whole seconds date may jump by one of them. */
function moved(
  right: readonly Trace[],
  skewed: readonly Trace[],
  withinMs: number,
  holds: boolean,
): string[] {
  const found: string[] = []
  for (const trace of skewed) {
    const same = right.find(({ uid }) => uid === trace.uid)
    const spans = new Map(same?.spans.map((span) => [span.spanId, span]))
    const heardLateMs = holds ? heardLate(same) : 0
    if (!same) found.push(`${trace.name} has no trace with a right clock`)
    for (const span of trace.spans) {
      const before = spans.get(span.spanId)
      if (span.name === 'unaccounted' || !before || !same) continue
      for (const side of ['start', 'end'] as const) {
        const [was, is] = [before[side], span[side]]
        const coarse = isCoarse(was) || isCoarse(is) || isAtSecond(same, was) || isAtSecond(trace, is)
        const allowed = withinMs + heardLateMs + (coarse ? 1000 : 0)
        const by = Number(is.best - was.best) / 1e6
        if (Math.abs(by) <= allowed && (!holds || contains(is, was))) continue
        const where = `right ${boundaryText(same, was)}\n skewed ${boundaryText(same, is)}`
        found.push(`${spanName(same, span)} ${side} moved by ${by} ms\n ${where}`)
      }
    }
  }
  return found
}

/** Dated by whole seconds, or held where it is by one. */
const isCoarse = ({ best, earliest, latest, source, stamps }: Instant): boolean =>
  source.endsWith('-second') ||
  source === 'order' ||
  stamps.every(({ resolution }) => resolution >= 1_000_000_000n) ||
  ((best === earliest || best === latest) && stamps.some(({ resolution }) => resolution >= 1_000_000_000n))

/** Put where another boundary is that a whole second dates. */
const isAtSecond = ({ spans }: Trace, { best }: Instant): boolean =>
  spans.some((span) =>
    [span.start, span.end].some((one) => one.best === best && one.source.endsWith('-second')),
  )

/**
 * By how many ms all of a start was heard late at the least, as while the API server stands still: by as much a clock that is minutes off
 * may be taken for another, since nothing else ties it to ours. The intervals say so.
 */
function heardLate(trace: Trace | undefined): number {
  const stamps = trace?.spans.flatMap(({ start, end }) => [...start.stamps, ...end.stamps]) ?? []
  const late = stamps.flatMap(({ at, clock, receivedAt, source }) =>
    source === 'event-name' && clock.startsWith('node/') && receivedAt !== undefined ? [receivedAt - at] : [],
  )
  return late.length === 0 ? 0 : Number(late.reduce((a, b) => (b < a ? b : a))) / 1e6
}

const contains = (instant: Instant, { best }: Instant): boolean =>
  instant.earliest <= best && best <= instant.latest
