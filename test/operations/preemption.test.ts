import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Frame } from '../../src/base/frame.ts'
import type { EventRecord } from '../../src/base/record.ts'
import { traceIdOf } from '../../src/trace/identity.ts'
import { podRecord, story, UID } from '../support/pods.ts'
import { clusterFrames, type Write } from '../support/pods-cluster.ts'
import { assertSpans, spanOf, traceOf, treeOf } from '../support/pods-spans.ts'
import { marked, schedulerEvent, victim, write } from '../support/waits.ts'

const STILL_THERE =
  '0/1 nodes are available: 1 Insufficient cpu. preemption: not eligible due to a terminating pod on the nominated node.'
const self = podRecord()

const preempted = (number: number, ms: number, by = UID): EventRecord =>
  schedulerEvent(ms, 'Preempted', `Preempted by pod ${by} on node node-1`, victim(number))

/** Chosen, marked, and ended so much later. */
const goes = (number: number, chosen: number, ended: number): Write[] => [
  write(-5000, victim(number), 'added'),
  write(chosen, victim(number, { conditions: marked(chosen) })),
  write(chosen + 20, preempted(number, chosen + 20), 'added'),
  write(ended, victim(number, { conditions: marked(chosen), phase: 'Failed' })),
  write(ended + 900, victim(number, { conditions: marked(chosen), phase: 'Failed' }), 'deleted'),
]

const waits = (bound = 8000) =>
  story()
    .create(0)
    .other(30, schedulerEvent(30, 'FailedScheduling', '0/1 nodes are available: 1 Insufficient cpu.', self))
    .change(40, { nominatedNodeName: 'node-1' })
    .bind(bound)
    .admit(bound + 20)
    .start(bound + 200, 'app')
    .ready(bound + 300)

const framesOf = (writes: readonly Write[]): readonly Frame[] => clusterFrames(writes, 20_000)

test('a pod that takes others’ place waits from its nomination until the last of them has ended', () => {
  const trace = traceOf(framesOf([...waits().writes(), ...goes(1, 35, 3000), ...goes(2, 36, 7900)]))
  assertSpans(trace, [
    ['pod startup', 0, 8300],
    ['  schedule', 0, 8000],
    ['    preempt', 40, 7900],
    ['  prepare pod and create sandbox', 8000, 8200],
    ['  create container app', 8200, 8210],
    ['  start container app', 8210, 8220],
    ['  report status', 8220, 8300],
  ])
  const { links, attributes, events } = spanOf(trace, 'preempt')
  assert.deepEqual(
    links.map(({ traceId, attributes: said }) => [traceId, said['podspan.link']]),
    [1, 2].map((number) => [traceIdOf(victim(number).uid), 'preempted']),
  )
  assert.deepEqual(attributes['podspan.preempt.victim'], ['shop/cheap-1', 'shop/cheap-2'])
  assert.deepEqual(
    events.map(({ name }) => name),
    ['Preempted', 'victim gone', 'Preempted', 'victim gone'],
  )
  assert.match(trace.verdict, /waiting for 2 preempted pods to leave node-1 \(shop\/cheap-1, shop\/cheap-2\)/)
})

test('a pod that had to go for somebody else is not linked', () => {
  const other = '11111111-2222-4333-8444-555555555555'
  const theirs = [
    write(36, victim(2, { conditions: marked(36) })),
    write(37, preempted(2, 37, other), 'added'),
  ]
  const trace = traceOf(framesOf([...waits().writes(), ...goes(1, 35, 7900), ...theirs]))
  assert.deepEqual(spanOf(trace, 'preempt').attributes['podspan.preempt.victim'], ['shop/cheap-1'])
})

test('without the events what was marked on the node at that moment is what had to go', () => {
  const writes = goes(1, 35, 7900).filter(({ record }) => record.resource !== 'events')
  const trace = traceOf(framesOf([...waits().writes(), ...writes]))
  assert.deepEqual(spanOf(trace, 'preempt').attributes['podspan.preempt.victim'], ['shop/cheap-1'])
})

test('where the others may not be seen the scheduler says that they are still there', () => {
  const told = waits().other(5000, schedulerEvent(5000, 'FailedScheduling', STILL_THERE, self))
  const trace = traceOf(told.frames(20_000))
  const { end, links, attributes } = spanOf(trace, 'preempt')
  assert.deepEqual(links, [])
  assert.equal(attributes['podspan.preempt.victims'], undefined)
  assert.equal(end.source, 'order')
  assert.ok(end.latest - end.earliest > 2_900_000_000n, 'anywhere between the last refusal and the binding')
})

test('a node that is named just before the binding is no preemption', () => {
  const trace = traceOf(waits(60).frames(20_000))
  assert.ok(!treeOf(trace).some((line) => line.includes('preempt')))
})

test('a pod whose place is not free yet waits, and says for whom', () => {
  const told = story()
    .create(0)
    .other(30, schedulerEvent(30, 'FailedScheduling', STILL_THERE, self))
    .change(40, { nominatedNodeName: 'node-1' })
  const trace = traceOf(clusterFrames([...told.writes(), ...goes(1, 35, 90_000).slice(0, 3)], 5000))
  assert.deepEqual(treeOf(trace), ['pod startup', '  schedule …', '    preempt …'])
  assert.match(trace.verdict, /now waiting for a preempted pod to leave node-1 \(shop\/cheap-1\)/)
})

test('a pod that was bound before the others had gone waited no longer', () => {
  const trace = traceOf(framesOf([...waits(4000).writes(), ...goes(1, 35, 9000)]))
  const { end } = spanOf(trace, 'preempt')
  assert.equal(end.best, spanOf(trace, 'schedule').end.best)
})

test('a victim of which only the deletion is seen had ended at some time before', () => {
  const writes = goes(1, 35, 3000).filter(({ ms }) => ms !== 3000)
  const trace = traceOf(framesOf([...waits().writes(), ...writes]))
  const { end } = spanOf(trace, 'preempt')
  assert.ok(end.earliest <= spanOf(trace, 'preempt').start.latest + 3_000_000_000n)
})
