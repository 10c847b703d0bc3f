import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { EventRecord } from '../../src/base/record.ts'
import { rootOf } from '../../src/trace/trace.ts'
import { at, condition, eventRecord, story } from '../support/pods.ts'
import { assertSpans, spanOf, traceOf, treeOf } from '../support/pods-spans.ts'

/** As the events.k8s.io recorder writes it: eventTime, no count and no seconds. */
function schedulerEvent(
  ms: number,
  reason: string,
  message: string,
  more: Partial<EventRecord> = {},
): EventRecord {
  const { firstSeconds: _, lastSeconds: __, count: ___, ...bare } = eventRecord(ms, reason)
  return { ...bare, eventTime: at(ms), message, component: 'default-scheduler', host: 'scheduler-1', ...more }
}

const NO_CPU = '0/3 nodes are available: 3 Insufficient cpu.'

test('a pod with scheduling gates waits for them, and is scheduled from then on', () => {
  const trace = traceOf(
    story({ schedulingGates: ['example.com/quota', 'example.com/topology'] })
      .create(0)
      .change(2000, { schedulingGates: ['example.com/topology'] })
      .change(4000, { schedulingGates: [] })
      .bind(4030)
      .admit(4050)
      .start(4200, 'app')
      .ready(4300)
      .frames(),
  )
  assertSpans(trace, [
    ['pod startup', 0, 4300],
    ['  wait at scheduling gate', 0, 4000],
    ['  schedule', 4000, 4030],
    ['  prepare pod and create sandbox', 4030, 4200],
    ['  create container app', 4200, 4210],
    ['  start container app', 4210, 4220],
    ['  report status', 4220, 4300],
  ])
  const { actor, subject, attributes, events } = spanOf(trace, 'wait at scheduling gate')
  assert.equal(actor, 'example.com')
  assert.equal(subject, 'example.com/topology', 'the one that was waited for to the end')
  assert.deepEqual(
    events.map((event) => [event.name, event.attributes['podspan.gate']]),
    [['SchedulingGateRemoved', 'example.com/quota']],
  )
  assert.deepEqual(attributes['podspan.gates'], ['example.com/quota', 'example.com/topology'])
})

test('what the API server said of gates says nothing of a pod that has none any more', () => {
  const message = 'Scheduling is blocked due to non-empty scheduling gates'
  const gated = { ...condition('PodScheduled', 'False', 0, 'SchedulingGated'), message }
  const trace = traceOf(
    story({ schedulingGates: ['a.com/x'], conditions: [gated] })
      .create(0)
      .change(5000, { schedulingGates: [] })
      .frames(60_000),
  )
  assert.match(trace.verdict, /now waiting to be scheduled \(kube-scheduler has not tried yet\)/)
  assert.equal(spanOf(trace, 'schedule').attributes['podspan.schedule.reason'], undefined)
})

test('gates of several owners are held by several controllers', () => {
  const frames = story({ schedulingGates: ['a.com/x', 'b.com/y'] })
    .create(0)
    .frames(1000)
  assert.equal(spanOf(traceOf(frames), 'wait at scheduling gate').actor, 'several controllers')
})

test('a pod that is still gated waits, and nobody schedules it', () => {
  const trace = traceOf(
    story({ schedulingGates: ['a.com/x'] })
      .create(0)
      .frames(1000),
  )
  assert.deepEqual(treeOf(trace), ['pod startup', '  wait at scheduling gate …'])
})

test('each failed attempt to schedule is an event of the span, with its reason and count', () => {
  const trace = traceOf(
    story()
      .create(0)
      .other(30, schedulerEvent(30, 'FailedScheduling', NO_CPU))
      .other(900, schedulerEvent(900, 'FailedScheduling', '0/4 nodes are available: 4 Insufficient cpu.'))
      .bind(2000)
      .admit(2020)
      .start(2200, 'app')
      .ready(2300)
      .frames(),
  )
  const { events, attributes } = spanOf(trace, 'schedule')
  assert.deepEqual(
    events.map(({ name, attributes: said }) => [name, said['podspan.reason']]),
    [
      ['FailedScheduling', NO_CPU],
      ['FailedScheduling', '0/4 nodes are available: 4 Insufficient cpu.'],
    ],
  )
  assert.equal(attributes['podspan.schedule.failed_attempts'], 2)
  for (const [index, ms] of [30, 900].entries())
    assert.ok(Math.abs(Number((events[index]?.at ?? 0n) - at(ms))) < 6e6, `attempt ${index + 1}`)
})

test('repeats that the scheduler only counts are counted', () => {
  const first = schedulerEvent(30, 'FailedScheduling', NO_CPU)
  const counted = { ...first, seriesCount: 7, seriesLast: at(1500) }
  const trace = traceOf(
    story()
      .create(0)
      .other(30, first)
      .other(1501, counted)
      .bind(2000)
      .admit(2020)
      .start(2200, 'app')
      .ready(2300)
      .frames(),
  )
  const { events, attributes } = spanOf(trace, 'schedule')
  assert.equal(attributes['podspan.schedule.failed_attempts'], 7)
  assert.equal(events.at(-1)?.attributes['podspan.count'], 7)
})

for (const component of ['karpenter', 'eks-auto-mode/compute'])
  test(`FailedScheduling by ${component} is an event of the span, but no attempt of the scheduler's`, () => {
    const refused = eventRecord(100, 'FailedScheduling', { component, message: 'no instance type' })
    const trace = traceOf(story().create(0).other(100, refused).frames(1000))
    const { events, attributes } = spanOf(trace, 'schedule')
    assert.deepEqual(
      events.map((event) => [event.name, event.attributes['podspan.component']]),
      [['FailedScheduling', component]],
    )
    assert.equal(attributes['podspan.schedule.failed_attempts'], undefined)
    assert.ok(
      trace.verdict.includes(`waiting to be scheduled (${component}: no instance type)`),
      trace.verdict,
    )
  })

test('a pod that no node takes says why in its verdict', () => {
  const frames = story()
    .create(0)
    .other(30, schedulerEvent(30, 'FailedScheduling', NO_CPU))
    .frames(5000)
  assert.match(
    traceOf(frames).verdict,
    /waiting to be scheduled \(0\/3 nodes are available: 3 Insufficient cpu\.\)/,
  )
})

test('where its events were lost the condition says why', () => {
  const frames = story().create(0).condition(30, 'PodScheduled', 'False', 'Unschedulable').frames(5000)
  const trace = traceOf(frames)
  assert.match(trace.verdict, /waiting to be scheduled \(Unschedulable, in words\)/)
  assert.equal(spanOf(trace, 'schedule').attributes['podspan.schedule.reason'], 'Unschedulable')
})

test('a pod created with its node is scheduled by nobody', () => {
  const trace = traceOf(
    story({ nodeName: 'node-1' }).create(0).admit(40).start(210, 'app').ready(300).frames(),
  )
  assertSpans(trace, [
    ['pod startup', 0, 300],
    ['  prepare pod and create sandbox', 0, 210],
    ['  create container app', 210, 220],
    ['  start container app', 220, 230],
    ['  report status', 230, 300],
  ])
  assert.equal(rootOf(trace).attributes['podspan.sli.eligible'], false)
})

test('another scheduler is the actor under its own name', () => {
  const trace = traceOf(story({ schedulerName: 'volcano' }).create(0).bind(20).frames(1000))
  assert.equal(spanOf(trace, 'schedule').actor, 'volcano')
})
