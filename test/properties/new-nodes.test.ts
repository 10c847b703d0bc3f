import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { Frame, ObjectFrame } from '../../src/base/frame.ts'
import type { Instant } from '../../src/timeline/instant.ts'
import type { Span, Trace } from '../../src/trace/trace.ts'
import { isObjectFrame, randomFrom, runs, tracesOf } from '../support/frames.ts'
import { violations } from '../support/frames-invariants.ts'
import { boundaryText } from '../support/frames-normal.ts'
import { anyNewNode, anySkewedNode, type NodeTruth } from '../support/pods-node-lives.ts'
import { at, UID } from '../support/pods.ts'
import { podsOver, restartedAfter, withGap } from '../support/restart.ts'

const options = { seed: 20_261, numRuns: runs(40) }

test('every step of a new node is told, and its intervals hold the truth', () => {
  fc.assert(
    fc.property(anyNewNode, ({ frames, truths }) => {
      const traces = tracesOf(frames)
      assert.deepEqual(violations(traces), [])
      assert.deepEqual(wrong(traces, truths), [])
      assert.ok(spansOf(traces).some(({ name }) => name === 'provision node'))
    }),
    options,
  )
})

test('a clock of Karpenter that is off moves nothing that was seen as it happened', () => {
  fc.assert(
    fc.property(anySkewedNode, ({ frames, truths }) => {
      const traces = tracesOf(frames)
      assert.deepEqual(violations(traces), [])
      assert.deepEqual(wrong(traces, truths), [])
    }),
    options,
  )
})

test('with any share of the events lost, the intervals still hold the truth and what the whole says', () => {
  fc.assert(
    fc.property(anyNewNode, fc.nat(), fc.constantFrom(0.3, 0.7, 1), ({ frames, truths }, seed, share) => {
      const random = randomFrom(seed)
      const left = frames.filter((frame) => !isOf(frame, EVENTS) || random() >= share)
      check(frames, left, truths)
    }),
    options,
  )
})

const EVENTS = ['events']
const SOURCES = ['nodes', 'nodeclaims', 'events']

test('without the right to see nodes, NodeClaims or events what is told is coarser, and holds the truth', () => {
  fc.assert(
    fc.property(anyNewNode, fc.subarray(SOURCES, { minLength: 1 }), ({ frames, truths }, hidden) => {
      check(
        frames,
        frames.filter((frame) => !isOf(frame, hidden)),
        truths,
      )
    }),
    options,
  )
})

test('frames dropped at random, which the next list stands for, only widen what is told', () => {
  fc.assert(
    fc.property(anyNewNode, fc.nat(), fc.constantFrom(0.2, 0.5, 0.8), ({ frames, truths }, seed, share) => {
      check(frames, dropped(frames, randomFrom(seed), share), truths)
    }),
    options,
  )
})

test('a gap in any stream only widens what is told', () => {
  fc.assert(
    fc.property(
      anyNewNode,
      fc.nat(),
      fc.nat(),
      fc.subarray(SOURCES, { minLength: 1 }),
      ({ frames, truths }, from, length, sources) => {
        const begun = 1 + (from % (frames.length - 2))
        const over = begun + 1 + (length % (frames.length - 1 - begun))
        check(frames, withGap(frames, begun, over, new Set(sources)), truths)
      },
    ),
    options,
  )
})

test('after a restart anywhere what is still told holds the truth', () => {
  fc.assert(
    fc.property(anyNewNode, fc.nat(), ({ frames, truths }, seed) => {
      const count = 1 + (seed % (frames.length - 1))
      if (!podsOver(frames, count).has(UID)) check(frames, restartedAfter(frames, count), truths)
    }),
    options,
  )
})

function check(frames: readonly Frame[], less: readonly Frame[], truths: readonly NodeTruth[]): void {
  const [full, told] = [tracesOf(frames), tracesOf(less)]
  assert.deepEqual(violations(told), [])
  assert.deepEqual(wrong(told, truths), [])
  assert.deepEqual(narrower(full, told), [])
}

/** Boundaries of the whole run that the other's interval does not hold. */
function narrower(full: readonly Trace[], told: readonly Trace[]): string[] {
  const whole = new Map(spansOf(full).map((span) => [span.spanId, span]))
  return spansOf(told)
    .filter(({ name }) => name.endsWith(' node'))
    .flatMap((span) => {
      const same = whole.get(span.spanId)
      return (['start', 'end'] as const)
        .filter((side) => same && !holds(span[side], same[side].best))
        .map((side) => `${span.name} ${side}`)
    })
}

const holds = ({ earliest, latest }: Instant, moment: bigint): boolean =>
  earliest - SLACK <= moment && moment <= latest + SLACK

const isOf = (frame: Frame, sources: readonly string[]): frame is ObjectFrame =>
  isObjectFrame(frame) && sources.includes(frame.source)

/** No watch loses a frame in silence: what it missed of an object, the next list shows as it is then. */
function dropped(frames: readonly Frame[], random: () => number, share: number): Frame[] {
  const missed = new Set<string>()
  const left: Frame[] = []
  const keyOf = ({ source, record }: ObjectFrame): string => `${source}/${record.name}`
  const last = new Map<string, Frame>()
  for (const frame of frames) if (isOf(frame, ['nodes', 'nodeclaims'])) last.set(keyOf(frame), frame)
  for (const frame of frames) {
    if (!isOf(frame, ['nodes', 'nodeclaims'])) {
      left.push(frame)
      continue
    }
    const key = keyOf(frame)
    if (random() < share && last.get(key) !== frame) missed.add(key)
    else left.push(missed.delete(key) ? { ...frame, phase: 'relist' } : frame)
  }
  return left
}

const spansOf = (traces: readonly Trace[]): readonly Span[] =>
  traces.filter(({ uid }) => uid === UID).flatMap(({ spans }) => spans)

function wrong(traces: readonly Trace[], truths: readonly NodeTruth[]): string[] {
  return traces.flatMap((trace) =>
    truths.flatMap((truth) => {
      const span = trace.spans.find(({ name }) => name === truth.span)
      if (!span) return []
      return [
        ...outside(`${truth.span} starts`, trace, span.start, truth.fromMs),
        ...outside(`${truth.span} ends`, trace, span.end, truth.toMs),
      ]
    }),
  )
}

/** A millisecond is granted: the moments of a life are written down in whole ones. */
const SLACK = 1_000_000n

function outside(what: string, trace: Trace, instant: Instant, truthMs: number): string[] {
  const truth = at(truthMs)
  if (holds(instant, truth)) return []
  const root = Number((trace.spans[0]?.start.best ?? 0n) - at(0)) / 1e6
  return [`${what} at ${truthMs}: ${boundaryText(trace, instant)} from ${root}`]
}
