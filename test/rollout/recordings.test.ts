import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { gunzipSync, gzipSync } from 'node:zlib'
import type { Frame } from '../../src/base/frame.ts'
import { drawRollout } from '../../src/cli/rollout-view.ts'
import { displayWidth } from '../../src/cli/display-width.ts'
import { toOtlpJson } from '../../src/export/otlp-json.ts'
import { formatFrame, formatHeader, parseLine } from '../../src/recording/format.ts'
import { redact } from '../../src/recording/redact.ts'
import type { Hold, Rollout } from '../../src/rollout/rollout.ts'
import { formatRollout } from '../../src/rollout/rollout-json.ts'
import { traceOfRollout } from '../../src/rollout/trace-of.ts'
import { rootSpanIdOf, traceIdOf } from '../../src/trace/identity.ts'
import { rootOf } from '../../src/trace/trace.ts'
import { recordingBytes, recordings } from '../support/frames.ts'
import { assertGolden } from '../support/golden-file.ts'
import { framesOf, replayed, rolloutsOf, wholeFrames } from './replay.ts'

/** Of the others only metadata of workloads was recorded: what pods and events say has to do. */
const OLD = ['rollout', 'quota', 'statefulset', 'daemonset']
const NAMES = [...recordings().filter((name) => name.startsWith('rollout-')), ...OLD]

const look = (width: number, ascii = false) => ({ width, ascii, colour: false })
const json = (rollouts: readonly Rollout[]): string => rollouts.map(formatRollout).join('\n')

function redacted(bytes: Uint8Array): Buffer {
  const lines = gunzipSync(bytes).toString('utf8').trimEnd().split('\n')
  const again = lines.map((line) => {
    const parsed = parseLine(line)
    if (parsed.kind === 'header') return formatHeader(parsed.header)
    return parsed.kind === 'frame'
      ? formatFrame({ ...parsed.frame, object: redact(parsed.frame.object) })
      : ''
  })
  return gzipSync(`${again.join('\n')}\n`)
}

for (const name of NAMES) {
  test(`the rollouts of ${name} look as they should`, async () => {
    const pictures = (await replayed(name)).map((one) => drawRollout(one, look(100)))
    assertGolden(join(import.meta.dirname, 'recordings', `${name}.txt`), `${pictures.join('\n\n\n')}\n`)
  })

  test(`the rollouts of ${name} are the same when frames come twice, and when it is redacted again`, async () => {
    const frames = await framesOf(name)
    const expected = json(rolloutsOf(frames))
    const twice = frames.flatMap((frame): Frame[] => ('record' in frame ? [frame, frame] : [frame]))
    assert.equal(json(rolloutsOf(twice)), expected)
    assert.equal(json(rolloutsOf(await wholeFrames(redacted(recordingBytes(name))))), expected)
  })

  test(`what held the rollouts of ${name} is a partition of their time`, async () => {
    for (const { holds, start, end, shares, length } of await replayed(name)) {
      let cursor = start.best
      for (const { from, to } of holds) {
        assert.equal(from, cursor)
        assert.ok(to > from)
        cursor = to
      }
      assert.equal(cursor, end.best)
      assert.equal(
        shares.reduce((sum, share) => sum + share.length, 0n),
        length,
      )
    }
  })

  test(`the traces of the rollouts of ${name} are trees whose critical parts are the holds`, async () => {
    for (const rollout of await replayed(name)) assertTrace(rollout)
  })

  test(`the pictures of the rollouts of ${name} keep to their width, and to ASCII where asked`, async () => {
    for (const rollout of await replayed(name))
      for (const width of [60, 100, 160]) {
        const picture = drawRollout(rollout, look(width, true))
        assert.match(picture, /^[\x20-\x7e\n]*$/)
        for (const line of drawRollout(rollout, look(width)).split('\n'))
          assert.ok(displayWidth(line) <= width, line)
      }
  })
}

function assertTrace(rollout: Rollout): void {
  const trace = traceOfRollout(rollout, { name: 'test', uid: 'c-1' })
  const root = rootOf(trace)
  const seen = new Set<string>()
  for (const span of trace.spans) {
    assert.ok(span === root || seen.has(span.parentSpanId ?? ''), `${span.name} stands before its parent`)
    assert.ok(!seen.has(span.spanId), `${span.name} has an id of its own`)
    assert.ok(span.end.best >= span.start.best, span.name)
    assert.match(span.spanId, /^[0-9a-f]{16}$/)
    seen.add(span.spanId)
  }
  assert.match(trace.traceId, /^[0-9a-f]{32}$/)
  assert.deepEqual(
    root.links.map(({ traceId, spanId }) => ({ traceId, spanId })).sort(byId),
    rollout.pods.map(({ uid }) => ({ traceId: traceIdOf(uid), spanId: rootSpanIdOf(uid) })).sort(byId),
  )
  const parts = trace.spans.flatMap(({ critical }) => critical)
  const moments = (all: readonly Pick<Hold, 'from' | 'to'>[]) =>
    all.map(({ from, to }) => `${from} ${to}`).sort()
  assert.deepEqual(moments(parts), moments(rollout.holds))
  assert.ok(JSON.parse(toOtlpJson(trace)))
}

const byId = (a: { traceId: string }, b: { traceId: string }): number => (a.traceId < b.traceId ? -1 : 1)

/** Longest first: kind, whole seconds would hide little, so in tenths of the whole. */
const heldBy = ({ holds, length }: Rollout, kind: Hold['kind']): number =>
  Number(holds.filter((one) => one.kind === kind).reduce((sum, { from, to }) => sum + (to - from), 0n)) /
  Number(length)

const one = async (name: string, revision: string): Promise<Rollout> => {
  const found = (await replayed(name)).find((each) => each.revision === revision)
  assert.ok(found, `${name} has revision ${revision}`)
  return found
}

test('maxUnavailable of 1 makes one wave for each pod, and others wait for the slow ones', async () => {
  const { waves, atOnce, holds, pods } = await one('rollout-budget', '2')
  assert.deepEqual([waves, atOnce, pods.length], [4, 1, 4])
  const held = new Set(holds.filter(({ because }) => because === 'budget').map(({ pod }) => pod?.name))
  assert.equal(held.size, 3)
})

test('a quota that refuses the surge is what held the rollout, in the words of the API server', async () => {
  const rollout = await one('rollout-quota', '2')
  assert.ok(heldBy(rollout, 'creation refused') > 0.4)
  assert.match(rollout.verdict, /creating pods was refused .*exceeded quota: pods/)
})

test('minReadySeconds is told apart from the start before it', async () => {
  const rollout = await one('rollout-min-ready', '2')
  assert.ok(heldBy(rollout, 'wait for minReadySeconds') > 0.3)
})

test('a rollout that is paused, overtaken and taken back gives four rollouts with ids of their own', async () => {
  const rollouts = await replayed('rollout-paused')
  assert.deepEqual(
    rollouts.map(({ revision, outcome, cause }) => [revision, outcome, cause.kind]),
    [
      ['1', 'complete', 'created'],
      ['2', 'superseded', 'template'],
      ['3', 'superseded', 'template'],
      ['4', 'complete', 'rollback'],
    ],
  )
  assert.equal(rollouts[0]?.hash, rollouts[3]?.hash)
  assert.equal(new Set(rollouts.map(({ traceId }) => traceId)).size, 4)
  const [, second] = rollouts
  assert.ok(second && heldBy(second, 'paused') > 0.3)
})

test('a revision that is never ready fails at its deadline, and its probe says why', async () => {
  const rollout = await one('rollout-deadline', '2')
  assert.equal(rollout.outcome, 'failed')
  assert.match(
    rollout.verdict,
    /ProgressDeadlineExceeded.*waiting for app to be ready \(Readiness probe failed: no database\)/,
  )
})

test('Recreate waits for the old pods to end, and so does the name of a StatefulSet and the node of a DaemonSet', async () => {
  for (const name of ['rollout-recreate', 'rollout-ordered', 'rollout-daemonset'])
    assert.ok(heldBy(await one(name, '2'), 'stop old pod') > 0.4, name)
})

test('a StatefulSet starts its pods in order, each after the other was ready', async () => {
  const { holds, waves } = await one('rollout-ordered', '1')
  assert.equal(waves, 3)
  assert.deepEqual([...new Set(holds.flatMap(({ pod }) => pod?.name ?? []))], ['db-0', 'db-1', 'db-2'])
})

test('a Job is held by its suspension, by its parallelism and by the back-off after a failure', async () => {
  const [rollout] = await replayed('rollout-job')
  assert.ok(rollout)
  for (const kind of ['suspended', 'run pod', 'back-off', 'start pod'] as const)
    assert.ok(heldBy(rollout, kind) > 0.08, kind)
  assert.equal(rollout.pods.filter(({ failed }) => failed !== undefined).length, 1)
})

test('scaling a Deployment is no rollout', async () => {
  const rollouts = await replayed('rollout')
  assert.deepEqual(
    rollouts.map(({ revision, pods }) => [revision, pods.length]),
    [
      ['1', 3],
      ['2', 3],
    ],
  )
})

test('without the workload itself a rollout is told from its pods, and what was not seen is said', async () => {
  const rollout = await one('rollout', '2')
  assert.ok(rollout.missing.includes('the workload as a whole: its limits, and when it was complete'))
  assert.equal(rollout.outcome, 'complete')
})

/** What somebody sees who looks when it is over: each object as it was last, in lists. */
function listedAfter(frames: readonly Frame[], keep: (source: string) => boolean = () => true): Frame[] {
  const last = new Map<string, Frame>()
  const end = frames.at(-1)?.t ?? (0n as Frame['t'])
  for (const frame of frames) {
    if (!('record' in frame) || !keep(frame.source)) continue
    if (frame.kind === 'deleted') last.delete(frame.record.uid)
    else last.set(frame.record.uid, { ...frame, kind: 'added', phase: 'initial', t: end })
  }
  return [...last.values(), { kind: 'tick', t: end, final: true }]
}

const seconds = ({ length }: Rollout): number => Number(length) / 1e9

for (const [name, kind, workload] of [
  ['rollout-job', 'Job', 'work'],
  ['rollout-min-ready', 'Deployment', 'shop'],
] as const)
  test(`seen only afterwards, the last rollout of ${name} is told to within the seconds of its stamps`, async () => {
    const frames = await framesOf(name)
    const watched = rolloutsOf(frames).at(-1)
    const [listed] = rolloutsOf(listedAfter(frames), { kind, name: workload }).slice(-1)
    assert.ok(watched && listed)
    assert.equal(listed.traceId, watched.traceId)
    assert.equal(listed.outcome, 'complete')
    assert.ok(
      Math.abs(seconds(listed) - seconds(watched)) < 2.5,
      `${seconds(listed)} s and ${seconds(watched)} s`,
    )
    for (const side of ['start', 'end'] as const)
      assert.ok(
        listed[side].earliest <= watched[side].latest && listed[side].latest >= watched[side].earliest,
        side,
      )
    assert.ok(heldBy(listed, 'unaccounted') < 0.1)
  })

test('a StatefulSet of which only pods and its own object may be read begins with its first pod, and not when it is listed', async () => {
  const frames = await framesOf('rollout-ordered')
  const few = (source: string): boolean => source === 'pods' || source === 'statefulsets'
  const created = frames.filter((frame) => frame.t < (frames[0]?.t ?? 0n) + 18_940_000_000n)
  const [rollout] = rolloutsOf(listedAfter(created, few), { kind: 'StatefulSet', name: 'db' })
  assert.ok(rollout)
  assert.equal(rollout.revision, 'db-c899c75b5')
  assert.equal(rollout.cause.kind, 'created')
  assert.ok(seconds(rollout) > 15, `${seconds(rollout)} s`)
})
