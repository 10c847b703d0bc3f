import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { Frame } from '../../src/base/frame.ts'
import { durationNano, unixNano } from '../../src/base/time.ts'
import type { Instant } from '../../src/timeline/instant.ts'
import type { Trace } from '../../src/trace/trace.ts'
import { randomFrom, runs, tracesOf } from '../support/frames.ts'
import { violations } from '../support/frames-invariants.ts'
import { boundaryText, normalForm, spanName } from '../support/frames-normal.ts'
import { anyCluster, type Truth } from '../support/pods-lives.ts'
import { at } from '../support/pods.ts'
import { skewFrames } from '../support/skew-records.ts'
import { podsOver, restartedAfter, unchangedRelist } from '../support/restart.ts'

const options = { seed: 20_260, numRuns: runs(120) }

test('every span of a generated life is told, and its intervals hold the truth', () => {
  fc.assert(
    fc.property(anyCluster, ({ frames, truths }) => {
      const traces = tracesOf(frames)
      assert.deepEqual(violations(traces), [])
      assert.deepEqual(wrong(traces, truths), [])
    }),
    options,
  )
})

test('with any share of its events lost, what is still told holds the truth', () => {
  fc.assert(
    fc.property(anyCluster, fc.nat(), fc.constantFrom(0.3, 0.7, 1), ({ frames, truths }, seed, share) => {
      const random = randomFrom(seed)
      const lost = new Map<string, boolean>()
      const left = frames.filter((frame) => {
        if (!('record' in frame) || frame.record.resource !== 'events') return true
        const { uid } = frame.record
        if (!lost.has(uid)) lost.set(uid, random() < share)
        return !lost.get(uid)
      })
      const traces = tracesOf(left)
      assert.deepEqual(violations(traces), [])
      assert.deepEqual(wrong(traces, truths.filter(isOnce(truths)), 'if told'), [])
    }),
    options,
  )
})

test('after a restart anywhere, what is still told holds the truth', () => {
  fc.assert(
    fc.property(anyCluster, fc.nat(), ({ frames, truths }, seed) => {
      const count = 1 + (seed % (frames.length - 1))
      const over = podsOver(frames, count)
      const traces = tracesOf(restartedAfter(frames, count))
      assert.deepEqual(violations(traces), [])
      assert.deepEqual(
        traces.filter(({ uid }) => over.has(uid)).map(({ name }) => name),
        [],
      )
      const once = truths.filter(({ uid }) => !over.has(uid)).filter(isOnce(truths))
      assert.deepEqual(wrong(traces, once.filter(isListed), 'if told'), [])
    }),
    options,
  )
})

for (const by of [300, -300, 7, -7]) {
  test(`with the node's clock ${by} s off every interval still holds the truth`, () => {
    fc.assert(
      fc.property(anyCluster, ({ frames, truths }) => {
        const traces = tracesOf(skewFrames(frames, by))
        assert.deepEqual(violations(traces), [])
        assert.deepEqual(wrong(traces, truths), [])
      }),
      { ...options, numRuns: runs(40) },
    )
  })
}

/** A process that stands still now and then: a tick comes first, then what came meanwhile is read; as long again nothing is known to be read. */
function heldUp(frames: readonly Frame[], seed: number, longestMs: number): readonly Frame[] {
  const random = randomFrom(seed)
  let [from, until, last] = [0n, 0n, 0n]
  return frames.flatMap((frame): readonly Frame[] => {
    const { t } = frame
    const ticks: Frame[] = []
    if (t > until && random() < 0.1) {
      from = t - 1_000_000n < last ? last : t - 1_000_000n
      until = from + BigInt(Math.round((60 + random() * longestMs) * 1e6))
      ticks.push({ kind: 'tick', t: unixNano(until), heldUp: durationNano(until - from) })
    }
    last = t
    if (frame.kind === 'tick' && !frame.final && t <= until) return []
    if (t > until + (until - from)) return [...ticks, frame]
    const read = t > until ? t : until
    const late = { t: unixNano(read), ...(canWait(frame) && { heldUp: durationNano(read - from) }) }
    return [...ticks, { ...frame, ...late }]
  })
}

const canWait = (frame: Frame): boolean => 'record' in frame || frame.kind === 'tick'

for (const longestMs of [900, 30_000])
  test(`where our own process stood still for up to ${longestMs} ms, all is told, and every interval holds the truth`, () => {
    fc.assert(
      fc.property(anyCluster, fc.nat(), ({ frames, truths }, seed) => {
        const traces = tracesOf(heldUp(frames, seed, longestMs))
        assert.deepEqual(violations(traces), [])
        assert.deepEqual(wrong(traces, truths.filter(isOnce(truths))), [])
      }),
      options,
    )
  })

test('an unchanged relist anywhere changes nothing', () => {
  fc.assert(
    fc.property(anyCluster, fc.nat(), ({ frames }, seed) => {
      const count = 1 + (seed % (frames.length - 1))
      const disturbed = [...frames.slice(0, count), ...unchangedRelist(frames, count), ...frames.slice(count)]
      assert.deepEqual(normalForm(tracesOf(disturbed)), normalForm(tracesOf(frames)))
    }),
    options,
  )
})

/** Of what was tried more than once, lost evidence leaves open which try was which. */
const isOnce =
  (truths: readonly Truth[]) =>
  ({ uid, span, container }: Truth): boolean =>
    truths.filter((one) => one.uid === uid && one.span === span && one.container === container).length === 1

/** Once it is open a gate leaves no trace in the object: what follows it seems to begin with the pod. */
const isListed = ({ span }: Truth): boolean => span !== 'wait at scheduling gate' && span !== 'schedule'

/** What of the truth is not told, or lies outside of what is. */
function wrong(traces: readonly Trace[], truths: readonly Truth[], mode?: 'if told'): string[] {
  return truths.flatMap((truth) => {
    const trace = traces.find(({ uid }) => uid === truth.uid)
    const spans = trace?.spans.filter(
      ({ name, attributes }) => name === truth.span && attributes['k8s.container.name'] === truth.container,
    )
    const span = spans?.[truth.place]
    if (!trace || !span)
      return mode ? [] : [`${truth.span} ${truth.container ?? ''} #${truth.place} is not told`]
    return [
      ...outside(`${spanName(trace, span)} starts`, trace, span.start, truth.fromMs),
      ...outside(`${spanName(trace, span)} ends`, trace, span.end, truth.toMs),
    ]
  })
}

/** A millisecond is granted: the moments of a life are written down in whole ones. */
const SLACK = 1_000_000n

function outside(what: string, trace: Trace, instant: Instant, truthMs: number): string[] {
  const truth = at(truthMs)
  if (instant.earliest - SLACK <= truth && truth <= instant.latest + SLACK) return []
  return [
    `${what} at ${truthMs}: ${boundaryText(trace, instant)} from ${Number((trace.spans[0]?.start.best ?? 0n) - at(0)) / 1e6}`,
  ]
}
