import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Frame } from '../../src/base/frame.ts'
import { add, seconds, type UnixNano } from '../../src/base/time.ts'
import type { FollowedRollouts } from '../../src/rollout/follow.ts'
import type { Rollout } from '../../src/rollout/rollout.ts'
import { formatRollout } from '../../src/rollout/rollout-json.ts'
import { recordings } from '../support/frames.ts'
import { followed } from './followed.ts'
import { framesOf, rolloutsOf } from './replay.ts'

const NAMES = recordings()

/** As somebody sees it who looks when everything is over: what is still under way then differs by when that is. */
function comparable(rollout: Rollout): unknown {
  const { pods, ...facts } = JSON.parse(formatRollout(rollout)) as { pods: { outcome: string }[] }
  const settled = pods.map((pod) =>
    pod.outcome === 'starting' ? { ...pod, startupMs: undefined, verdict: undefined } : pod,
  )
  return { ...facts, pods: settled }
}

const names = (rollouts: readonly Rollout[]): string[] =>
  rollouts.map(({ kind, name, revision, outcome }) => `${kind}/${name} ${revision ?? ''} ${outcome}`)

for (const name of NAMES)
  test(`who follows ${name} is told of each rollout once, as it looks from its end`, async () => {
    const frames = await framesOf(name)
    const whole = new Map(rolloutsOf(frames).map((rollout) => [rollout.traceId, rollout]))
    const { told } = followed(frames)
    assert.equal(new Set(told.map(({ traceId }) => traceId)).size, told.length)
    for (const rollout of told) {
      const expected = whole.get(rollout.traceId)
      // One without a pod is told too: its controller had nothing to do.
      if (!expected) assert.equal(rollout.pods.length, 0)
      else assert.deepEqual(comparable(rollout), comparable(expected))
    }
    const isOver = (one: Rollout): boolean => one.outcome !== 'rolling' && one.holds.length > 1
    const ids = new Set(told.map(({ traceId }) => traceId))
    const missed = [...whole.values()].filter(
      (one) => isOver(one) && one.wanted !== undefined && !ids.has(one.traceId),
    )
    assert.deepEqual(names(missed), [])
  })

test('a rollout is told once its evidence has settled, and within half a minute', async () => {
  for (const name of NAMES.filter((one) => one.startsWith('rollout-'))) {
    const { told, toldAt } = followed(await framesOf(name))
    for (const { traceId, end } of told) {
      const after = Number((toldAt.get(traceId) ?? 0n) - end.best) / 1e9
      assert.ok(after >= 4 && after <= 37, `${name}: ${after} s`)
    }
  }
})

test('frames that come twice change nothing', async () => {
  for (const name of ['rollout-paused', 'rollout-job', 'rollout-ordered']) {
    const frames = await framesOf(name)
    const twice = frames.flatMap((frame): Frame[] => ('record' in frame ? [frame, frame] : [frame]))
    assert.deepEqual(followed(twice).told.map(comparable), followed(frames).told.map(comparable))
  }
})

test('of a cluster at rest little is kept: no pod, no start, one revision for each workload', async () => {
  for (const name of ['rollout-paused', 'rollout-budget', 'rollout-daemonset', 'updated']) {
    const { follow } = followed(await framesOf(name), { until: 120n })
    const { pods, underWay, workloads } = follow.counters()
    assert.deepEqual([pods, underWay], [0, 0], name)
    assert.ok(workloads <= 2, name)
  }
  const { follow } = followed(await framesOf('rollout-job'), { until: 120n })
  assert.equal(follow.counters().workloads, 0, 'nothing is kept of a Job that is over')
})

test('a rollout is shown while it is under way, and no longer', async () => {
  const seen = new Map<string, number>()
  const each = (follow: FollowedRollouts): void => {
    for (const { revision = '', outcome } of follow.underWay())
      if (outcome === 'rolling') seen.set(revision, (seen.get(revision) ?? 0) + 1)
  }
  const { follow, told } = followed(await framesOf('rollout-budget'), { each })
  assert.deepEqual([...seen.keys()], ['1', '2'])
  assert.deepEqual(follow.underWay(), [])
  const second = told.find(({ revision }) => revision === '2')
  assert.ok(Math.abs((seen.get('2') ?? 0) - Number(second?.length) / 1e9) < 2)
})

/** As one sees it who comes at that time: lists of what there is by then, and what is live from then on. */
function joinedAt(frames: readonly Frame[], at: UnixNano): Frame[] {
  const before = new Map<string, Frame>()
  for (const frame of frames) {
    if (!('record' in frame) || frame.t > at) continue
    // Past events are not listed.
    if (frame.kind === 'deleted') before.delete(frame.record.uid)
    else if (frame.source !== 'events')
      before.set(frame.record.uid, { ...frame, kind: 'added', phase: 'initial', t: at })
  }
  return [...before.values(), ...frames.filter(({ t }) => t > at)]
}

test('whoever comes in the middle of a rollout tells it under the same id, with the same end, and not those before it', async () => {
  for (const name of [
    'rollout-budget',
    'rollout-ordered',
    'rollout-daemonset',
    'rollout-min-ready',
    'rollout-job',
  ]) {
    const frames = await framesOf(name)
    const last = followed(frames).told.at(-1)
    assert.ok(last, name)
    const middle = (last.start.best + (last.end.best - last.start.best) / 2n) as UnixNano
    const { told } = followed(joinedAt(frames, middle))
    assert.deepEqual(
      told.map(({ traceId, outcome }) => [traceId, outcome]),
      [[last.traceId, last.outcome]],
      name,
    )
    const [again] = told
    assert.ok(again)
    assert.ok(again.end.earliest <= last.end.latest && again.end.latest >= last.end.earliest, name)
    assert.ok(again.start.earliest <= last.start.latest && again.start.latest >= last.start.earliest, name)
  }
})

test('what was over before anybody came is not told, unless it was missed', async () => {
  const frames = await framesOf('rollout-budget')
  const whole = followed(frames).told
  const last = whole.at(-1)
  const at = add(frames.at(-1)?.t ?? (0n as UnixNano), seconds(1))
  assert.deepEqual(followed(joinedAt(frames, at)).told, [])
  const asked: string[] = []
  const wasMissed = ({ traceId, endedAt }: { traceId: string; endedAt: UnixNano }): boolean => {
    asked.push(traceId)
    assert.ok(Math.abs(Number(endedAt - (last?.end.best ?? 0n))) < 1.2e9)
    return true
  }
  const { told } = followed(joinedAt(frames, at), { wasMissed })
  assert.deepEqual(
    told.map(({ traceId, outcome }) => [traceId, outcome]),
    [[last?.traceId, 'complete']],
  )
  assert.deepEqual(asked, [last?.traceId])
})

test('without events a rollout is told all the same, to the same end', async () => {
  for (const name of NAMES.filter((one) => one.startsWith('rollout-'))) {
    const frames = await framesOf(name)
    const quiet = frames.filter(
      ({ kind, ...frame }) => kind === 'tick' || !('source' in frame) || frame.source !== 'events',
    )
    const ends = (rollouts: readonly Rollout[]) =>
      rollouts.map(({ traceId, outcome, end }) => ({ traceId, outcome, end }))
    const [a, b] = [followed(frames).told, followed(quiet).told].map(ends)
    assert.equal(a?.length, b?.length, name)
    for (const [index, one] of (a ?? []).entries()) {
      const other = b?.[index]
      assert.equal(other?.traceId, one.traceId)
      assert.equal(other?.outcome, one.outcome)
      assert.ok(other.end.earliest <= one.end.latest && other.end.latest >= one.end.earliest, name)
    }
  }
})

test('a gap that hides the whole of a rollout does not hide that there was one, and what it was is said to be missing', async () => {
  const frames = await framesOf('rollout-budget')
  const second = followed(frames).told.at(-1)
  assert.ok(second)
  const [from, to] = [add(second.start.earliest, seconds(-1)), add(second.end.latest, seconds(1))]
  const hidden = frames.filter(({ t }) => t < from)
  const listed = joinedAt(frames, to).filter(({ t }) => t <= to)
  const relisted = listed.map(
    (frame): Frame => ('record' in frame ? { ...frame, kind: 'modified', phase: 'relist' } : frame),
  )
  const gap: Frame = { kind: 'gap', t: to, source: 'deployments', reason: 'expired' }
  const { told } = followed([...hidden, gap, ...relisted, ...frames.filter(({ t }) => t > to)])
  const again = told.at(-1)
  assert.equal(again?.traceId, second.traceId)
  assert.equal(again.outcome, 'complete')
  assert.ok(again.missing.includes('what happened while the watch was interrupted'))
  assert.ok(again.end.earliest <= second.end.latest && again.end.latest >= second.end.earliest)
})

test('starts have a bound in bytes: a rollout that needs more is told with fewer of them, and says so', async () => {
  const { follow, told } = followed(await framesOf('rollout-budget'), { startsMaxBytes: 30_000 })
  assert.ok((follow.counters().limits['starts'] ?? 0) > 0)
  const second = told.find(({ revision }) => revision === '2')
  assert.equal(second?.outcome, 'complete')
  assert.equal(second.pods.length, 4)
  assert.ok(second.missing.some((words) => /^the starts of \d of 4 pods$/.test(words)))
})

test('a workload that is not well when somebody comes has no rollout, however long it takes to recover', async () => {
  const frames = await framesOf('drain')

  const rolled = followed(frames).told.at(-1)
  assert.ok(rolled)
  // Its pods are being evicted then.
  for (const after of [3, 6, 10, 15]) {
    const { told } = followed(joinedAt(frames, add(rolled.end.latest, seconds(after))))
    assert.deepEqual(names(told), [], `${after} s`)
  }
})
