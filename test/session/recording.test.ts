import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Frame } from '../../src/base/frame.ts'
import { add, seconds, type UnixNano } from '../../src/base/time.ts'
import { createSessionBook } from '../../src/session/create-book.ts'
import type { TraceSession, TraceSessionStatus } from '../../src/session/schema.ts'
import { createPipeline } from '../../src/trace/pipeline.ts'
import type { Trace } from '../../src/trace/trace.ts'
import { framesOf } from '../support/frames.ts'
import { condition, OPTIONS, session } from './made.ts'

interface Told {
  readonly traces: readonly Trace[]
  readonly status: TraceSessionStatus
}

/** The frames of a recording go through the pipeline and the book as a controller lets them, until a minute after the last. */
function judge(frames: readonly Frame[], spec: Readonly<Record<string, unknown>>, namespace: string): Told {
  const first = frames[0]?.t as UnixNano
  const pipeline = createPipeline()
  const book = createSessionBook(OPTIONS, first)
  const object: TraceSession = session(spec, { namespace })
  const created = new Date(Number(first / 1_000_000n)).toISOString()
  book.apply({ ...object, metadata: { ...object.metadata, creationTimestamp: created } }, first)
  for (const { session: key } of book.backfills()) book.backfilled(key.uid, undefined, first)
  const traces: Trace[] = []
  let status: TraceSessionStatus | undefined
  let next = first
  const live = frames.filter(({ kind }) => kind !== 'tick')
  const later = [60, 80].map((by): Frame => ({ kind: 'tick', t: add(live.at(-1)?.t ?? first, seconds(by)) }))
  for (const frame of [...live, ...later]) {
    for (const trace of pipeline.push(frame)) {
      const { exporters } = book.take(trace, frame.t)
      for (const exporter of exporters) book.delivered(trace.traceId, exporter, 'sent')
      if (exporters.length > 0) traces.push(trace)
    }
    if (frame.t < next) continue
    next = add(frame.t, seconds(1))
    book.startsInFlight(pipeline.inFlight(), frame.t)
    status = book.due(frame.t).at(-1)?.status ?? status
  }
  assert.ok(status)
  return { traces, status }
}

test('a recorded rollout of a Deployment is judged whole, with both revisions', async () => {
  const frames = await framesOf('rollout')
  const targetRef = { apiVersion: 'apps/v1', kind: 'Deployment', name: 'shop' }
  const objectives = [{ name: 'ready', percentile: 70, threshold: '1m' }]
  const completion = { when: 'PodCount', minPods: 7 }
  const { traces, status } = judge(frames, { targetRef, objectives, completion }, 'rollout')
  assert.equal(status.phase, 'Passed')
  assert.deepEqual([status.pods?.matched, status.pods?.ready, status.pods?.unstable], [7, 7, 0])
  assert.deepEqual(status.objectives, [{ name: 'ready', value: '1.39s', met: true, pods: 7, over: 0 }])
  assert.equal(status.traces?.exported, 7)
  assert.deepEqual(
    status.revisions?.map(({ revision, pods }) => [revision, pods]),
    [
      ['7b99f8596d', 4],
      ['59fbcb6445', 3],
    ],
  )
  const longest = traces.reduce((a, b) => (a.startup > b.startup ? a : b))
  assert.equal(status.slowest?.[0]?.traceID, longest.traceId)
  assert.equal(status.slowest?.[0]?.why, longest.verdict)
  const shares = (status.operations ?? []).reduce((sum, { sharePercent }) => sum + sharePercent, 0)
  assert.ok(shares > 98 && shares < 101, `operations explain ${shares} %`)
})

test('a recorded pod that no node takes is stuck at scheduling, in the words of the scheduler', async () => {
  const frames = await framesOf('unschedulable')
  const isBound = (frame: Frame): boolean =>
    'record' in frame &&
    frame.record.resource === 'pods' &&
    frame.record.name === 'picky' &&
    frame.record.nodeName !== undefined
  const { status } = judge(
    frames.slice(0, frames.findIndex(isBound)),
    { targetRef: { apiVersion: 'v1', kind: 'Pod', name: 'picky' } },
    'unschedulable',
  )
  assert.equal(condition(status, 'Complete'), 'False WaitingForTarget')
  assert.deepEqual(status.pods?.starting, 1)
  assert.deepEqual(
    status.stuck?.map(({ in: at, reason, pods, example }) => [at, reason, pods, example]),
    [['schedule', "node(s) didn't match Pod's node affinity/selector", 1, 'picky']],
  )
})
