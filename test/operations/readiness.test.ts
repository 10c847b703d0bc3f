import assert from 'node:assert/strict'
import { test } from 'node:test'
import { story } from '../support/pods.ts'
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
