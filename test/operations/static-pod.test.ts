import assert from 'node:assert/strict'
import { test } from 'node:test'
import { formatRfc3339 } from '../../src/base/time.ts'
import { rootOf } from '../../src/trace/trace.ts'
import { tracesOf } from '../support/frames.ts'
import { at, eventRecord, secondsAt, story } from '../support/pods.ts'
import { assertSpans, traceOf } from '../support/pods-spans.ts'

const HASH = 'eaec65d72455f3233e04a01f966a81bb'

const mirror = (seenMs: number) =>
  story({
    nodeName: 'node-1',
    annotations: {
      'kubernetes.io/config.mirror': HASH,
      'kubernetes.io/config.hash': HASH,
      'kubernetes.io/config.source': 'file',
      'kubernetes.io/config.seen': formatRfc3339(at(seenMs)),
    },
  })

/** A static pod's kubelet names the manifest's own UID, not that of the mirror. */
const ofManifest = (ms: number, reason: string, message: string) =>
  eventRecord(ms, reason, {
    message,
    involved: { kind: 'Pod', namespace: 'shop', name: 'web', uid: HASH, fieldPath: 'spec.containers{app}' },
  })

test('a static pod starts when its kubelet saw the manifest, and its events join through the mirror', () => {
  const trace = traceOf(
    mirror(0)
      .create(100)
      .other(300, ofManifest(300, 'Pulled', 'Container image "a" already present on machine'))
      .other(320, ofManifest(320, 'Created', 'Container created'))
      .other(350, ofManifest(350, 'Started', 'Container started'))
      .admit(200)
      .ready(400)
      .frames(),
  )
  assertSpans(trace, [
    ['pod startup', 0, 400],
    ['  prepare pod and create sandbox', 0, 300],
    ['  create container app', 300, 320],
    ['  start container app', 320, 350],
    ['  report status', 350, 400],
  ])
  assert.equal(rootOf(trace).start.source, 'config-seen')
  assert.equal(rootOf(trace).attributes['podspan.start.cause'], 'manual')
})

test('containers that were started before the mirror could be created count too', () => {
  const trace = traceOf(
    mirror(0)
      .other(300, ofManifest(300, 'Pulled', 'Container image "a" already present on machine'))
      .other(320, ofManifest(320, 'Created', 'Container created'))
      .other(350, ofManifest(350, 'Started', 'Container started'))
      .create(9000)
      .statuses(9100, { app: { running: 350, ready: true } })
      .ready(9100)
      .frames(),
  )
  assertSpans(trace, [
    ['pod startup', 0, 9100],
    ['  prepare pod and create sandbox', 0, 300],
    ['  create container app', 300, 320],
    ['  start container app', 320, 350],
    ['  report status', 350, 9100],
  ])
})

test('events of an earlier life of the same manifest are not of this one', () => {
  const earlier = (reason: string, ms: number, message: string) => {
    const { firstSeconds = 0 } = ofManifest(ms, reason, message)
    return { ...ofManifest(-700_000, reason, message), count: 2, lastSeconds: firstSeconds }
  }
  const trace = traceOf(
    mirror(0)
      .create(100)
      .other(300, earlier('Pulled', 300, 'Container image "a" already present on machine'))
      .other(320, earlier('Created', 320, 'Container created'))
      .other(350, earlier('Started', 350, 'Container started'))
      .statuses(380, { app: { running: 350 } })
      .ready(400)
      .frames(),
  )
  const starts = trace.spans.filter(({ name }) => name === 'start container')
  assert.equal(starts.length, 1)
  assert.equal(starts[0]?.attempt, undefined)
})

test('an annotation that is no time leaves the creation as the start', () => {
  const record = { 'kubernetes.io/config.mirror': HASH, 'kubernetes.io/config.seen': 'yesterday' }
  const trace = traceOf(story({ nodeName: 'node-1', annotations: record }).create(0).ready(400).frames())
  assert.notEqual(rootOf(trace).start.source, 'config-seen')
})

test('a mirror that is made anew, days after its containers started, is no start', () => {
  const hour = 3_600_000
  const anew = (createdMs: number) =>
    story({
      nodeName: 'node-1',
      createdSeconds: secondsAt(createdMs),
      annotations: {
        'kubernetes.io/config.mirror': HASH,
        'kubernetes.io/config.seen': formatRfc3339(at(0)),
      },
    })
      .create(createdMs)
      .statuses(createdMs + 100, { app: { running: 350, ready: true } })
      .ready(createdMs + 100)
      .frames(createdMs + 20_000)
  assert.deepEqual(tracesOf(anew(70 * hour)), [])
  // One that could not be made before, such as an API server's own, is one.
  assert.equal(tracesOf(anew(120_000)).length, 1)
})
