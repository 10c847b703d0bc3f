import assert from 'node:assert/strict'
import { test } from 'node:test'
import { at, story } from '../support/pods.ts'
import { assertSpans, spanOf, traceOf, treeOf } from '../support/pods-spans.ts'

const PROBE = { periodSeconds: 1, initialDelaySeconds: 2 }
const begun = (more: Parameters<typeof story>[0] = {}) =>
  story(more).create(0).bind(20).admit(40).condition(200, 'PodReadyToStartContainers')

test('a startup probe ends where the status says started, and readiness begins there', () => {
  const containers = [{ name: 'app', image: 'a', startupProbe: PROBE, readinessProbe: PROBE }]
  const trace = traceOf(
    begun({ containers })
      .start(210, 'app')
      .statuses(250, { app: { running: 230 } })
      .statuses(3000, { app: { running: 230, started: true } })
      .ready(4500)
      .frames(),
  )
  assertSpans(trace, [
    ['pod startup', 0, 4500],
    ['  schedule', 0, 20],
    ['  prepare pod and create sandbox', 20, 200],
    ['  create container app', 210, 220],
    ['  start container app', 220, 230],
    ['  startup probe app', 230, 3000],
    ['  readiness app', 3000, 4490],
    ['  report status', 4490, 4500],
  ])
  const { attributes } = spanOf(trace, 'startup probe', 'app')
  assert.equal(attributes['podspan.probe.period_seconds'], 1)
  assert.equal(attributes['podspan.probe.initial_delay_seconds'], 2)
})

test('what a probe said while it failed is told with it, and with no other', () => {
  const containers = [{ name: 'app', image: 'a', startupProbe: PROBE, readinessProbe: PROBE }]
  const trace = traceOf(
    begun({ containers })
      .start(210, 'app')
      .statuses(250, { app: { running: 230 } })
      .event(1300, 'Unhealthy', 'app', 'Startup probe failed: not yet')
      .event(2300, 'Unhealthy', 'app', 'Startup probe failed: not yet')
      .statuses(3000, { app: { running: 230, started: true } })
      .event(3300, 'Unhealthy', 'app', 'Readiness probe failed: HTTP 503')
      .ready(4500)
      .frames(),
  )
  const said = (name: string) =>
    spanOf(trace, name, 'app').events.map(({ attributes }) => [
      attributes['podspan.reason'],
      attributes['podspan.count'],
    ])
  assert.deepEqual(said('startup probe'), [
    ['Startup probe failed: not yet', 1],
    ['Startup probe failed: not yet', 2],
  ])
  assert.deepEqual(said('readiness'), [['Readiness probe failed: HTTP 503', 1]])
})

test('of several probed containers each is ready in its own time', () => {
  const containers = [
    { name: 'quick', image: 'a', readinessProbe: PROBE },
    { name: 'slow', image: 'b', readinessProbe: PROBE },
  ]
  const trace = traceOf(
    begun({ containers })
      .start(210, 'quick')
      .start(300, 'slow')
      .statuses(350, { quick: { running: 230, started: true }, slow: { running: 320, started: true } })
      .statuses(2000, { quick: { running: 230, ready: true } })
      .ready(6000)
      .frames(),
  )
  const end = (container: string): number =>
    Number(spanOf(trace, 'readiness', container).end.best - trace.spans[0]!.start.best)
  assert.ok(Math.abs(end('quick') / 1e6 - 2000) < 25)
  assert.ok(Math.abs(end('slow') / 1e6 - 6000) < 25)
})

test('a readiness gate lasts from the containers being ready until its controller says so', () => {
  const trace = traceOf(
    begun({ readinessGates: ['lb.example.com/registered'] })
      .start(210, 'app')
      .statuses(250, { app: { running: 230, ready: true } })
      .condition(260, 'ContainersReady')
      .condition(5000, 'lb.example.com/registered')
      .ready(5050)
      .frames(),
  )
  const gate = spanOf(trace, 'readiness gate')
  assert.equal(gate.actor, 'lb.example.com')
  assert.equal(gate.subject, 'lb.example.com/registered')
  assertSpans(trace, [
    ['pod startup', 0, 5050],
    ['  schedule', 0, 20],
    ['  prepare pod and create sandbox', 20, 200],
    ['  create container app', 210, 220],
    ['  start container app', 220, 230],
    ['  readiness gate', 230, 5000],
    ['  report status', 5000, 5050],
  ])
})

test('a gate that nobody opens is what the pod waits for', () => {
  const trace = traceOf(
    begun({ readinessGates: ['lb.example.com/registered'] })
      .start(210, 'app')
      .statuses(250, { app: { running: 230, ready: true } })
      .condition(260, 'ContainersReady')
      .frames(9000),
  )
  assert.equal(treeOf(trace).at(-1), '  readiness gate …')
  assert.match(trace.verdict, /now waiting for readiness gate lb\.example\.com\/registered/)
})

test('a probe that never succeeds is open', () => {
  const containers = [{ name: 'app', image: 'a', readinessProbe: PROBE }]
  const trace = traceOf(
    begun({ containers })
      .start(210, 'app')
      .statuses(250, { app: { running: 230, started: true } })
      .frames(9000),
  )
  assert.equal(treeOf(trace).at(-1), '  readiness app …')
  assert.match(trace.verdict, /now waiting for app to be ready/)
})

/** `web` is ready at 2 s, is not from 4 s on, and `cache` is ready at 6 s. */
const comesAndGoes = () =>
  begun({
    containers: [
      { name: 'web', image: 'a', readinessProbe: PROBE },
      { name: 'cache', image: 'b', readinessProbe: PROBE },
    ],
  })
    .start(210, 'web')
    .start(300, 'cache')
    .statuses(350, { web: { running: 230, started: true }, cache: { running: 320, started: true } })
    .statuses(2000, { web: { running: 230, ready: true } })
    .statuses(4000, { web: { running: 230, started: true } })
    .statuses(6000, { cache: { running: 320, ready: true } })

const millis = ({ end }: ReturnType<typeof spanOf>): number => Number(end.best - at(0)) / 1e6

test('a container that was ready and lost it is waited for until it is ready with its pod', () => {
  const trace = traceOf(comesAndGoes().ready(9000).frames())
  const web = spanOf(trace, 'readiness', 'web')
  assert.ok(Math.abs(millis(web) - 9000) < 25)
  assert.equal(web.attributes['podspan.probe.times_lost'], 1)
  assert.equal(spanOf(trace, 'readiness', 'cache').attributes['podspan.probe.times_lost'], undefined)
  assert.match(trace.verdict, /waiting for web to be ready/)
})

test('or until its last success, where another held the pod', () => {
  const trace = traceOf(
    comesAndGoes()
      .statuses(6500, { web: { running: 230, ready: true } })
      .statuses(7000, { cache: { running: 320, started: true } })
      .ready(9000)
      .frames(),
  )
  assert.ok(Math.abs(millis(spanOf(trace, 'readiness', 'web')) - 6500) < 25)
  assert.ok(Math.abs(millis(spanOf(trace, 'readiness', 'cache')) - 9000) < 25)
})

test('one that lost it for good is what the pod waits for', () => {
  const trace = traceOf(comesAndGoes().frames(9000))
  assert.match(trace.verdict, /now waiting for web to be ready/)
})

test('a readiness that comes twice in one frame is lost once', () => {
  const frames = comesAndGoes().ready(9000).frames()
  const twice = traceOf(frames.flatMap((frame) => [frame, frame]))
  assert.deepEqual(treeOf(twice), treeOf(traceOf(frames)))
})

test('a readiness gate counts from the last time that the containers were ready', () => {
  const trace = traceOf(
    begun({
      readinessGates: ['lb.example.com/registered'],
      containers: [{ name: 'app', image: 'a', readinessProbe: PROBE }],
    })
      .start(210, 'app')
      .statuses(250, { app: { running: 230, started: true } })
      .statuses(2000, { app: { running: 230, ready: true } })
      .condition(2010, 'ContainersReady')
      .statuses(4000, { app: { running: 230, started: true } })
      .condition(4010, 'ContainersReady', 'False')
      .statuses(20_000, { app: { running: 230, ready: true } })
      .condition(20_010, 'ContainersReady')
      .condition(25_000, 'lb.example.com/registered')
      .condition(25_050, 'Ready')
      .frames(),
  )
  assertSpans(trace, [
    ['pod startup', 0, 25_050],
    ['  schedule', 0, 20],
    ['  prepare pod and create sandbox', 20, 200],
    ['  create container app', 210, 220],
    ['  start container app', 220, 230],
    ['  readiness app', 230, 20_000],
    ['  readiness gate', 20_000, 25_000],
    ['  report status', 25_000, 25_050],
  ])
})

test('a gate that was closed again is what the pod waits for', () => {
  const trace = traceOf(
    begun({ readinessGates: ['lb.example.com/registered'] })
      .start(210, 'app')
      .statuses(250, { app: { running: 230, ready: true } })
      .condition(260, 'ContainersReady')
      .condition(2000, 'lb.example.com/registered')
      .condition(3000, 'lb.example.com/registered', 'False')
      .frames(9000),
  )
  assert.match(trace.verdict, /now waiting for readiness gate lb\.example\.com\/registered/)
})

/** Runs from 230 ms on, is killed at 5 s, and runs again from 6 s on. */
const killedOnce = (containers: Parameters<typeof story>[0], killing?: string) => {
  const told = begun(containers)
    .start(210, 'app')
    .statuses(250, { app: { running: 230, started: true } })
    .event(4000, 'Unhealthy', 'app', 'Readiness probe failed: HTTP 503')
    .event(4500, 'Unhealthy', 'app', 'Liveness probe failed: HTTP 500')
  if (killing !== undefined) told.event(4600, 'Killing', 'app', killing)
  return told
    .statuses(5100, { app: { exited: 137, from: 230, until: 5000 } })
    .start(6000, 'app')
    .statuses(6100, { app: { running: 6020, run: 1, started: true } })
}
const LIVENESS = 'Container app failed liveness probe, will be restarted'
const probedTwice = { containers: [{ name: 'app', image: 'a', livenessProbe: PROBE, readinessProbe: PROBE }] }

test('a run that its liveness probe ended says so, with what the probe said', () => {
  const trace = traceOf(killedOnce(probedTwice, LIVENESS).ready(9000).frames())
  const first = spanOf(trace, 'readiness', 'app', 1)
  assert.equal(first.error, 'exit code 137 after its liveness probe failed')
  assert.deepEqual(
    first.events.map(({ name, attributes }) => [name, attributes['podspan.reason']]),
    [
      ['Unhealthy', 'Readiness probe failed: HTTP 503'],
      ['Unhealthy', 'Liveness probe failed: HTTP 500'],
      ['Killing', LIVENESS],
    ],
  )
  assert.deepEqual(spanOf(trace, 'readiness', 'app', 2).events, [])
  assert.equal(spanOf(trace, 'back-off', 'app').attributes['podspan.reason'], LIVENESS)
})

test('so does a run of a sidecar, of which the kubelet has other words', () => {
  const told = begun({
    initContainers: [{ name: 'proxy', image: 'a', restartPolicy: 'Always', startupProbe: PROBE }],
  })
    .start(210, 'proxy')
    .event(4600, 'Killing', 'proxy', 'Init container proxy failed startup probe')
    .statuses(5100, { proxy: { exited: 137, from: 230, until: 5000 } })
    .start(6000, 'proxy')
    .statuses(6100, { proxy: { running: 6020, run: 1, started: true } })
    .start(6200, 'app')
  const trace = traceOf(told.ready(7000).frames())
  assert.equal(
    spanOf(trace, 'startup probe', 'proxy', 1).error,
    'exit code 137 after its startup probe failed',
  )
})

test('one that the kubelet stopped for another reason, or that ended by itself, does not', () => {
  for (const killing of [undefined, 'Stopping container app']) {
    const trace = traceOf(killedOnce(probedTwice, killing).ready(9000).frames())
    assert.equal(spanOf(trace, 'readiness', 'app', 1).error, 'exit code 137')
    assert.equal(spanOf(trace, 'back-off', 'app').attributes['podspan.reason'], undefined)
  }
})

/** A pod without probes whose events were lost: the runtime's second is all that is known of its start. */
const withoutEvents = (ready: number) =>
  begun()
    .statuses(ready, { app: { running: 1230, started: true, ready: true } })
    .ready(ready)
    .frames()

test('an unprobed container whose second is all that is known started just before its pod was ready', () => {
  const trace = traceOf(withoutEvents(1900))
  assertSpans(trace, [
    ['pod startup', 0, 1900],
    ['  schedule', 0, 20],
    ['  prepare pod and create sandbox', 20, 200],
    ['  unaccounted', 200, 1865],
    ['  start container app', 1865, 1865],
    ['  report status', 1865, 1900],
  ])
  const { earliest, latest } = spanOf(trace, 'report status').start
  assert.ok(earliest <= at(1000) && latest >= at(1890))
})

test('but not later than its second says, where the status came late', () => {
  const { start } = spanOf(traceOf(withoutEvents(9000)), 'report status')
  assert.ok(start.best >= at(1000) && start.best <= at(2250))
})
