import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Frame } from '../../src/base/frame.ts'
import type { Condition, OwnerRecord } from '../../src/base/record.ts'
import { spanIdOf, traceIdOf } from '../../src/trace/identity.ts'
import { type Prelude, rootOf, type Span, type Trace } from '../../src/trace/trace.ts'
import { at, frameOf, secondsAt, story, UID } from '../support/pods.ts'
import { clusterFrames, type Write } from '../support/pods-cluster.ts'
import { spanOf, traceOf, treeOf } from '../support/pods-spans.ts'
import { OWNER, ownedBy, refusal, turned, WORKLOAD, workload, write } from '../support/waits.ts'

/** A pod of the Job that comes at 20 s. */
const pod = (kind = 'Job') =>
  story({ owners: ownedBy(kind), createdSeconds: secondsAt(20_000) })
    .create(20_000)
    .bind(20_020)
    .admit(20_040)
    .start(20_200, 'app')
    .ready(20_300)

const tell = (writes: readonly Write[]): Trace => traceOf(framesOf(writes))
const framesOf = (writes: readonly Write[]): readonly Frame[] => clusterFrames(writes, 30_000)

function onlyBefore({ before = [] }: Trace): Prelude {
  assert.equal(before.length, 1)
  return before[0] as Prelude
}

const near = (is: bigint, ms: number): void =>
  assert.ok(Math.abs(Number(is - at(ms))) < 20e6, `${Number(is - at(0)) / 1e6} ms, and not ${ms} ms`)

function assertSpan({ start, end }: Span, from: number, to: number): void {
  near(start.best, from)
  near(end.best, to)
}

const version = (ms: number, ...conditions: readonly Condition[]): Write =>
  write(ms, workload(500, { conditions, clusterQueue: 'gpus' }))

const reserved = (ms: number): Condition => turned('QuotaReserved', 'True', ms)
const admitted = (ms: number): Condition => turned('Admitted', 'True', ms)

test('a Job that was held waits in a trace of its own, which its pod is linked to', () => {
  const trace = tell([
    ...pod().writes(),
    write(500, workload(500), 'added'),
    version(19_500, reserved(19_500), admitted(19_500)),
  ])
  const { traceId, spans, resource } = onlyBefore(trace)
  assert.equal(traceId, traceIdOf(WORKLOAD))
  assert.equal(spans.length, 1, 'one write is one boundary')
  assertSpan(spans[0] as Span, 500, 19_500)
  assert.equal(spans[0]?.spanId, spanIdOf(WORKLOAD, `wait in queue/${secondsAt(19_500)}`))
  assert.equal(resource['k8s.pod.uid'], undefined, 'it is no pod’s own')
  const { links, attributes } = rootOf(trace)
  assert.deepEqual(links, [
    { traceId, spanId: spans[0]?.spanId, attributes: { 'podspan.link': 'wait in queue' } },
  ])
  assert.equal(attributes['podspan.queue.name'], 'team')
  assert.equal(attributes['podspan.queue.cluster_queue'], 'gpus')
  assert.ok(Math.abs(Number(attributes['podspan.queue.wait_ms']) - 19_000) < 20)
  assert.match(trace.verdict, /; its Workload waited 19\.0 s in queue team before$/)
})

test('what is before the pod is no part of its start', () => {
  const held = [write(500, workload(500), 'added'), version(19_500, reserved(19_500), admitted(19_500))]
  const [with_, without] = [tell([...pod().writes(), ...held]), tell(pod().writes())]
  assert.equal(with_.startup, without.startup)
  assert.deepEqual(treeOf(with_), treeOf(without))
})

test('quota first, then admission checks, where they take time', () => {
  const trace = tell([
    ...pod().writes(),
    write(500, workload(500), 'added'),
    version(9000, reserved(9000)),
    version(19_500, reserved(9000), admitted(19_500)),
  ])
  const [, quota, checks] = onlyBefore(trace).spans
  assert.deepEqual([quota?.name, checks?.name], ['wait for quota', 'admission checks'])
  assertSpan(quota as Span, 500, 9000)
  assertSpan(checks as Span, 9000, 19_500)
})

const lost = (ms: number) => turned('QuotaReserved', 'False', ms, 'Preempted to accommodate a workload')

test('a Workload that was evicted waits from then on for the pods of its next admission', () => {
  const trace = tell([
    ...pod().writes(),
    write(500, workload(500), 'added'),
    version(1500, reserved(1500), admitted(1500)),
    version(7000, lost(7000), turned('Admitted', 'False', 7000), turned('Requeued', 'True', 7000)),
    version(19_500, reserved(19_500), admitted(19_500), turned('Requeued', 'True', 7000)),
  ])
  const [root] = onlyBefore(trace).spans
  assertSpan(root as Span, 7000, 19_500)
  assert.deepEqual(
    root?.events.map(({ name }) => name),
    ['Requeued'],
  )
})

test('a list that shows only the last admission still says since when it was queued again', () => {
  const seen = [reserved(19_500), admitted(19_500), turned('Requeued', 'True', 7000)]
  const list = frameOf(19_800, workload(500, { conditions: seen }), 'initial')
  const trace = traceOf(pod().frame(list).frames(30_000))
  const { start, end } = onlyBefore(trace).spans[0] as Span
  assert.ok(start.earliest <= at(7500) && at(7500) <= start.latest)
  assert.ok(end.earliest <= at(19_500) && at(19_500) <= end.latest)
})

test('an admission after the pod was made is not what it waited for', () => {
  const trace = tell([
    ...pod().writes(),
    write(500, workload(500), 'added'),
    version(25_000, reserved(25_000), admitted(25_000)),
  ])
  assert.equal(trace.before, undefined)
})

test('the Workload of an owner further up is found by the owners in between', () => {
  const jobSet = '99999999-8888-4777-8666-555555555555'
  const between: OwnerRecord = {
    ...{ resource: 'owners', apiVersion: 'batch/v1', kind: 'Job', uid: OWNER, name: 'batch' },
    ...{ namespace: 'shop', resourceVersion: '1', owners: ownedBy('JobSet', 'all', jobSet) },
  }
  const above = { owners: ownedBy('JobSet', 'all', jobSet) }
  const trace = tell([
    ...pod().writes(),
    write(400, between, 'added'),
    write(500, workload(500, above), 'added'),
    write(19_500, workload(500, { ...above, conditions: [reserved(19_500), admitted(19_500)] })),
  ])
  assertSpan(onlyBefore(trace).spans[0] as Span, 500, 19_500)
})

test('a pod at Kueue’s own gate has the wait in its start, with what Kueue says', () => {
  const gates = ['kueue.x-k8s.io/admission']
  const told = story({ schedulingGates: gates }).create(0).change(9000, { schedulingGates: [] })
  const mine = { owners: ownedBy('Pod', 'web', UID), createdSeconds: secondsAt(200) }
  const pending = {
    ...refusal(1000, 'insufficient unused quota for cpu'),
    ...{ reason: 'Pending', component: 'kueue-admission' },
    involved: { kind: 'Workload', name: 'job-batch-1', namespace: 'shop', uid: WORKLOAD },
  }
  const trace = tell([
    ...told.bind(9020).admit(9040).start(9200, 'app').ready(9300).writes(),
    write(200, workload(200, mine), 'added'),
    write(1000, pending, 'added'),
    write(8900, workload(200, { ...mine, conditions: [reserved(8900), admitted(8900)] })),
  ])
  assert.equal(trace.before, undefined)
  assertSpan(spanOf(trace, 'wait in queue'), 200, 8900)
  assert.match(trace.verdict, /waiting in queue team of Kueue \(insufficient unused quota for cpu\)/)
})

test('a pod that is still at the gate waits in the queue', () => {
  const told = story({ schedulingGates: ['kueue.x-k8s.io/admission'] }).create(0)
  const mine = { owners: ownedBy('Pod', 'web', UID) }
  const trace = traceOf(clusterFrames([...told.writes(), write(200, workload(200, mine), 'added')], 5000))
  assert.deepEqual(treeOf(trace), ['pod startup', '  wait at scheduling gate …', '    wait in queue …'])
})
