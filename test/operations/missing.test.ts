// Owns which missing evidence is a lack of events; what is missing in which case, test/properties/lost-events.test.ts holds.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { lacksEvents } from '../../src/operations/missing.ts'
import { rootOf } from '../../src/trace/trace.ts'
import { type Story, story } from '../support/pods.ts'
import { traceOf } from '../support/pods-spans.ts'

const missingOf = (told: Story): readonly string[] => {
  const missing = rootOf(traceOf(told.frames())).attributes['podspan.evidence.missing']
  return Array.isArray(missing) ? missing.map(String) : []
}
const begun = (): Story => story().create(0).bind(20).admit(40).condition(200, 'PodReadyToStartContainers')

test('a start without the events of its container lacks events', () => {
  const missing = missingOf(
    begun()
      .statuses(1000, { app: { running: 900 } })
      .ready(1100),
  )
  assert.deepEqual(missing, ['no Started, Created, Pulled event of app'])
  assert.equal(lacksEvents(missing), true)
})

test('one with all of them lacks none', () => {
  const missing = missingOf(
    begun()
      .start(800, 'app')
      .statuses(1000, { app: { running: 900 } })
      .ready(1100),
  )
  assert.equal(lacksEvents(missing), false)
})

test('what the watch did not see is no event', () => {
  assert.equal(lacksEvents(['the watch had a gap', 'versions of the pod']), false)
})
