import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { PodRecord } from '../../src/base/record.ts'
import { rootOf, type Span, type Trace } from '../../src/trace/trace.ts'
import { at, podRecord, secondsAt, story } from '../support/pods.ts'
import { clusterFrames, type Write } from '../support/pods-cluster.ts'
import { traceOf } from '../support/pods-spans.ts'
import { overQuota, ownedBy, refusal, write } from '../support/waits.ts'

const pod = (kind = 'ReplicaSet', name = 'web') =>
  story({ name, owners: ownedBy(kind), createdSeconds: secondsAt(40_000) })
    .create(40_000)
    .bind(40_020)
    .admit(40_040)
    .start(40_200, 'app')
    .ready(40_300)

const tell = (writes: readonly Write[]): Trace => traceOf(clusterFrames(writes, 50_000))
const refused = (ms: number, message: string, kind = 'ReplicaSet'): Write =>
  write(ms, refusal(ms, message, kind), 'added')

/** Another pod of the same owner. */
function sibling(number: number, ms: number): Write {
  const more: Partial<PodRecord> = { owners: ownedBy('ReplicaSet'), createdSeconds: secondsAt(ms) }
  return write(
    ms,
    podRecord({ ...more, uid: `0b9f6f1e-8a5c-4f0e-9d4b-00000000000${number}`, name: `web-${number}` }),
    'added',
  )
}

const waitOf = ({ before = [] }: Trace): Span | undefined => before[0]?.spans[0]
const near = (is: bigint | undefined, ms: number): void =>
  assert.ok(is !== undefined && Math.abs(Number(is - at(ms))) < 20e6, `${String(is)}, and not ${ms} ms`)

test('a pod whose owner was refused it by a quota waited from the first refusal on', () => {
  const trace = tell([
    ...pod().writes(),
    refused(1000, overQuota('web-a')),
    refused(1400, overQuota('web-b')),
    refused(9000, overQuota('web-c')),
  ])
  const wait = waitOf(trace)
  near(wait?.start.best, 1000)
  near(wait?.end.best, 40_000)
  assert.equal(wait?.actor, 'replicaset-controller')
  assert.equal(wait?.events.length, 3)
  const { attributes, links } = rootOf(trace)
  assert.deepEqual(attributes['podspan.refused.quota'], ['few'])
  assert.equal(attributes['podspan.refused.count'], 3)
  assert.equal(links[0]?.traceId, trace.before?.[0]?.traceId)
  assert.notEqual(links[0]?.traceId, trace.traceId)
  assert.match(trace.verdict, /; its creation was refused by quota few for 39\.0 s before$/)
})

test('what the owner was refused before it last got a pod is not this pod’s wait', () => {
  const trace = tell([
    ...pod().writes(),
    refused(1000, overQuota('web-a')),
    sibling(1, 20_000),
    refused(22_000, overQuota('web-c')),
  ])
  near(waitOf(trace)?.start.best, 22_000)
})

test('a pod that comes long after the owner got the one it was refused waited for nothing', () => {
  const trace = tell([...pod().writes(), refused(1000, overQuota('web-a')), sibling(1, 20_000)])
  assert.equal(trace.before, undefined)
  assert.equal(rootOf(trace).attributes['podspan.refused.wait_ms'], undefined)
})

test('pods that the owner gets together were refused together', () => {
  const trace = tell([...pod().writes(), refused(1000, overQuota('web-a')), sibling(1, 39_500)])
  near(waitOf(trace)?.start.best, 1000)
})

test('of a StatefulSet the refusals of this pod count, not those of another', () => {
  const message = (name: string): string =>
    `Create Pod ${name} in StatefulSet batch failed error: pods "${name}" is forbidden: exceeded quota: few, requested: pods=1`
  const trace = tell([
    ...pod('StatefulSet', 'web').writes(),
    refused(1000, message('web-9'), 'StatefulSet'),
    refused(5000, message('web'), 'StatefulSet'),
  ])
  near(waitOf(trace)?.start.best, 5000)
})

test('another rule than a quota is quoted, and named no quota', () => {
  const message = 'Error creating: pods "web-a" is forbidden: violates PodSecurity "restricted:latest"'
  const trace = tell([...pod().writes(), refused(1000, message)])
  assert.equal(waitOf(trace)?.attributes['podspan.reason'], message)
  assert.equal(rootOf(trace).attributes['podspan.refused.quota'], undefined)
  assert.match(
    trace.verdict,
    /; its creation was refused for 39\.0 s before \(violates PodSecurity "restricted:latest"\)$/,
  )
})

test('repeats of one event are counted as it counts them', () => {
  const first = refusal(1000, overQuota('web-a'))
  const trace = tell([
    ...pod().writes(),
    write(1000, first, 'added'),
    write(30_000, { ...first, count: 12, lastSeconds: secondsAt(30_000) }),
  ])
  assert.equal(rootOf(trace).attributes['podspan.refused.count'], 12)
  near(waitOf(trace)?.start.best, 1000)
})

test('a pod without an owner was refused to nobody', () => {
  const told = story({ createdSeconds: secondsAt(40_000) })
    .create(40_000)
    .bind(40_020)
  assert.equal(tell([...told.writes(), refused(1000, overQuota('web-a'))]).before, undefined)
})
