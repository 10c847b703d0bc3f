// Owns what a platform hides: each is said where the components' figures show it, and only there.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ContainerSpec } from '../../src/base/record.ts'
import { rootOf, type Trace } from '../../src/trace/trace.ts'
import { story } from '../support/pods.ts'
import { traceOf } from '../support/pods-spans.ts'

const attribute = (trace: Trace, name: string): unknown => rootOf(trace).attributes[`podspan.${name}`]

function pulledIn(duration: string, bytes: number): Trace {
  const message = `Successfully pulled image "app:1" in ${duration} (${duration} including waiting). Image size: ${bytes} bytes.`
  return traceOf(
    story()
      .create(0)
      .bind(20)
      .admit(40)
      .event(200, 'Pulling', 'app', 'Pulling image "app:1"')
      .event(5200, 'Pulled', 'app', message)
      .event(5250, 'Created', 'app')
      .event(5300, 'Started', 'app')
      .statuses(5310, { app: { running: 5300 } })
      .ready(5320)
      .frames(20_000),
  )
}

test('gigabytes in milliseconds were streamed, or were there', () => {
  const trace = pulledIn('412ms', 3_100_000_000)
  assert.deepEqual(attribute(trace, 'images.streamed'), ['app:1'])
  assert.match(trace.verdict, /; 3\.1 GB of app:1 in 412 ms: streamed, or layers were there$/)
})

test('a pull as fast as a disk is a pull, and so is a small image', () => {
  for (const trace of [pulledIn('4s', 3_100_000_000), pulledIn('1ms', 2_000_000)]) {
    assert.equal(attribute(trace, 'images.streamed'), undefined)
    assert.ok(!trace.verdict.includes('streamed'))
    assert.equal(attribute(trace, 'images.cached'), 0)
  }
})

test('images that were there are counted, and said where all were', () => {
  const plain = story().create(0).bind(20).admit(40).start(210, 'app').ready(300)
  const trace = traceOf(plain.frames())
  assert.equal(attribute(trace, 'images'), 1)
  assert.equal(attribute(trace, 'images.cached'), 1)
  assert.match(trace.verdict, /; image cached$/)
})

const MESH: ContainerSpec = { name: 'istio-proxy', image: 'istio/proxyv2:1', postStart: true }
const APP: ContainerSpec = { name: 'app', image: 'app:1' }

function meshed(proxyStartMs: number): Trace {
  return traceOf(
    story({ containers: [MESH, APP] })
      .create(0)
      .bind(20)
      .admit(40)
      .start(210, 'istio-proxy')
      .start(210 + proxyStartMs, 'app')
      .statuses(260 + proxyStartMs, {
        'istio-proxy': { running: 230 },
        app: { running: 230 + proxyStartMs },
      })
      .ready(300 + proxyStartMs)
      .frames(60_000),
  )
}

test('a mesh whose hook holds the app is said to, with how long', () => {
  const trace = meshed(4000)
  assert.equal(attribute(trace, 'mesh'), 'istio')
  const held = Number(attribute(trace, 'mesh.held_ms'))
  assert.ok(held > 3500 && held < 4300, String(held))
  assert.match(trace.verdict, /; [34]\.\d+ s held by the istio sidecar/)
})

test('a mesh that holds nothing is named in the attributes only', () => {
  const trace = meshed(60)
  assert.equal(attribute(trace, 'mesh'), 'istio')
  assert.ok(!trace.verdict.includes('sidecar'))
})
