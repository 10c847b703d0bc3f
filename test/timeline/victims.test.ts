import assert from 'node:assert/strict'
import { test } from 'node:test'
import { preemptorOf } from '../../src/observe/victim.ts'
import {
  emptyVictims,
  foldVictim,
  foldVictimEvent,
  sweepVictims,
  type Victim,
  victimsOf,
} from '../../src/timeline/victims.ts'
import { at, eventRecord, frameOf, UID } from '../support/pods.ts'
import { marked, schedulerEvent, victim } from '../support/waits.ts'

const OTHER = '11111111-2222-4333-8444-555555555555'
const event = (ms: number, message: string) => schedulerEvent(ms, 'Preempted', message, victim(1))
const names = (found: readonly Victim[]): string[] => found.map(({ name }) => name)

for (const { version, message, uid } of [
  { version: '1.28', message: 'Preempted by a pod on node node-1', uid: undefined },
  { version: '1.29 to 1.35', message: `Preempted by pod ${UID} on node node-1`, uid: UID },
  {
    version: '1.36',
    message: `Preempted by pod ${UID} on node node-1 (in kube-scheduler memory).`,
    uid: UID,
  },
])
  test(`who preempted is read from the words of ${version}`, () => {
    assert.deepEqual(preemptorOf(event(0, message)), { uid, node: 'node-1' })
  })

test('the event’s own reference comes before its words', () => {
  const related = { kind: 'Pod', name: 'web', uid: OTHER }
  const said = { ...event(0, `Preempted by pod ${UID} on node node-1`), related }
  assert.equal(preemptorOf(said)?.uid, OTHER)
})

test('another event names nobody', () => {
  assert.equal(preemptorOf(eventRecord(0, 'Killing')), undefined)
})

test('a pod that nobody marked is no victim', () => {
  const victims = emptyVictims()
  foldVictim(victims, frameOf(0, victim(1)), victim(1))
  assert.equal(victims.byUid.size, 0)
})

test('a victim is found by whom it had to go for, whichever came first', () => {
  const pod = victim(1, { conditions: marked(0) })
  const said = event(5, `Preempted by pod ${UID} on node node-1`)
  for (const order of [
    [pod, said],
    [said, pod],
  ]) {
    const victims = emptyVictims()
    for (const record of order) {
      const frame = frameOf(10, record)
      if (record.resource === 'pods') foldVictim(victims, frame, record)
      else foldVictimEvent(victims, frame, record)
    }
    assert.deepEqual(names(victimsOf(victims, UID, 'node-1')), ['cheap-1'])
    assert.deepEqual(names(victimsOf(victims, OTHER, 'node-1')), [])
    assert.deepEqual(names(victimsOf(victims, UID, 'node-2')), [])
  }
})

test('a frame that comes again changes nothing', () => {
  const victims = emptyVictims()
  const pod = victim(1, { conditions: marked(0) })
  foldVictim(victims, frameOf(10, pod), pod)
  const before = structuredClone([...(victims.byUid.get(pod.uid)?.facts.keys() ?? [])])
  foldVictim(victims, frameOf(10, pod), pod)
  assert.deepEqual([...(victims.byUid.get(pod.uid)?.facts.keys() ?? [])], before)
})

test('what had ended when it was deleted had ended at some time before', () => {
  const victims = emptyVictims()
  const pod = victim(1, { conditions: marked(0), phase: 'Failed' })
  foldVictim(victims, frameOf(10, pod, 'live', 'deleted'), pod)
  const facts = victims.byUid.get(pod.uid)?.facts
  assert.equal(facts?.has('phase'), false)
  assert.equal(facts?.get('deleted')?.stamps[0]?.source, 'list-receipt')
})

test('after half an hour a victim is forgotten', () => {
  const victims = emptyVictims()
  const pod = victim(1, { conditions: marked(0) })
  foldVictim(victims, frameOf(10, pod), pod)
  sweepVictims(victims, at(1_799_000))
  assert.equal(victims.byUid.size, 1)
  sweepVictims(victims, at(1_801_000))
  assert.equal(victims.byUid.size + victims.byNode.size, 0)
})

test('of more victims than there is room for the oldest go', () => {
  const victims = emptyVictims()
  for (let number = 0; number <= 20_000; number++) {
    const pod = victim(1, { uid: `victim-${number}`, conditions: marked(0) })
    foldVictim(victims, frameOf(10, pod), pod)
  }
  assert.equal(victims.byUid.size, 20_000)
  assert.ok(!victims.byUid.has('victim-0'))
  assert.equal(victims.byNode.get('node-1')?.size, 20_000)
})
