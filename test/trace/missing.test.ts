// Owns which missing evidence is a lack of events; what is missing in which case, test/properties/lost-events.test.ts holds.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { lacksEvents, rootOf, type Trace } from '../../src/trace/trace.ts'
import { at, type Story, story } from '../support/pods.ts'
import { traceOf } from '../support/pods-spans.ts'

const traced = (told: Story): Trace => traceOf(told.frames())
const missingOf = (trace: Trace): unknown => rootOf(trace).attributes['podspan.evidence.missing']
const begun = (): Story => story().create(0).bind(20).admit(40).condition(200, 'PodReadyToStartContainers')

test('a start without the events of its container lacks events', () => {
  const trace = traced(
    begun()
      .statuses(1000, { app: { running: 900 } })
      .ready(1100),
  )
  assert.deepEqual(missingOf(trace), ['no Started, Created, Pulled event of app'])
  assert.equal(lacksEvents(trace), true)
})

test('one with all of them lacks none', () => {
  const trace = traced(
    begun()
      .start(800, 'app')
      .statuses(1000, { app: { running: 900 } })
      .ready(1100),
  )
  assert.equal(lacksEvents(trace), false)
})

test('what the watch did not see is no event', () => {
  const frames = begun()
    .start(800, 'app')
    .statuses(1000, { app: { running: 900 } })
    .ready(1100)
    .frames()
  const gap = { kind: 'gap', t: at(100), source: 'pods', reason: 'expired', from: at(50) } as const
  const born = frames.findIndex(({ kind }) => kind === 'added') + 1
  const trace = traceOf([...frames.slice(0, born), gap, ...frames.slice(born)])
  assert.notEqual(missingOf(trace), undefined)
  assert.equal(lacksEvents(trace), false)
})

test('events of failures that only the status shows are events that are lacking', () => {
  for (const [reason, words] of [
    ['ErrImagePull', 'no event of a failed pull for app'],
    ['CreateContainerConfigError', 'no event of a failure to create app'],
    ['RunContainerError', 'no event of a failure to start app'],
  ]) {
    const trace = traced(begun().statuses(1000, { app: { waiting: reason ?? '', message: 'no' } }))
    assert.ok((missingOf(trace) as readonly string[]).includes(words ?? ''), String(missingOf(trace)))
    assert.equal(lacksEvents(trace), true, words)
  }
})
