// Owns what a server or a writer of objects may send that is none: frames of any bytes, objects of any shape, through everything behind them.
// Promises that nothing throws, hangs or leaves a malformed trace, and that what is kept of it is bounded.
// Does not look at what comes out: that it comes out is the property. `make fuzz` runs it for long.

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { gunzipSync } from 'node:zlib'
import fc from 'fast-check'
import type { Frame } from '../../src/base/frame.ts'
import { unixNano } from '../../src/base/time.ts'
import { decodeJsonEvent, parseJson } from '../../src/decode/json.ts'
import { decodeWatchFrame } from '../../src/decode/protobuf.ts'
import { knownResource } from '../../src/decode/resources.ts'
import { encodeTrace } from '../../src/export/otlp-protobuf.ts'
import { BY_ACTOR } from '../../src/export/resource.ts'
import { createMetrics } from '../../src/metrics/metrics.ts'
import { createPipeline } from '../../src/trace/pipeline.ts'
import { anyEvent, anyLease, anyNode, anyPod } from '../decode/generators.ts'
import { encodeWatchEvent, frame, lengthDelimited, type Obj, varint } from '../simulator/encode.ts'
import { anyDamage, damagedBy } from '../support/damage.ts'
import { runs, seedOf } from '../support/frames.ts'
import { violations } from '../support/frames-invariants.ts'
import { decodeTraceRequest } from '../support/otlp-receiver-decode.ts'

const NOW = unixNano(1_795_367_200_000_000_000n)
const SOURCES = ['pods', 'events', 'nodes', 'leases', 'replicasets'] as const
const captured = (name: string): Buffer =>
  gunzipSync(readFileSync(join(import.meta.dirname, '..', 'decode', 'captured', `${name}-1.36.pb.gz`)))
const REAL = SOURCES.map(captured)

/** Through everything that stands behind a watch: traces, their encoding, metrics. */
function swallow(frames: readonly Frame[]): void {
  const pipeline = createPipeline()
  const metrics = createMetrics({ version: '1', workloadsMax: 10 })
  for (const one of [...frames, { kind: 'tick', t: unixNano(NOW + 900_000_000_000n), final: true } as const])
    for (const trace of pipeline.push(one)) {
      assert.deepEqual(violations([trace]), [])
      decodeTraceRequest(encodeTrace(trace, BY_ACTOR))
      metrics.take(trace, 'exported')
    }
}

function framesOf(source: string, bytes: Buffer, n: number): Frame[] {
  const item = decodeWatchFrame(knownResource(source), bytes, 0, bytes.length)
  if (item.kind !== 'object') return []
  const t = unixNano(NOW + BigInt(n) * 1_000_000n)
  return [{ kind: 'added', t, source, phase: 'live', record: item.record }]
}

test('objects of any fields, damaged anywhere in their bytes, go through everything without a throw', () => {
  const object = fc.oneof(anyPod, anyEvent, anyNode, anyLease)
  const sent = fc.tuple(object, fc.array(anyDamage, { maxLength: 4 }), fc.constantFrom(...SOURCES))
  fc.assert(
    fc.property(fc.array(sent, { minLength: 1, maxLength: 8 }), (all) => {
      const frames = all.flatMap(([one, damages, source], n) =>
        framesOf(source, damages.reduce(damagedBy, encodeWatchEvent('ADDED', one)), n),
      )
      swallow(frames)
    }),
    { numRuns: runs(150), seed: seedOf(1) },
  )
})

test('captured bytes of a real server, damaged anywhere, are records or error values', () => {
  fc.assert(
    fc.property(
      fc.nat(SOURCES.length - 1),
      fc.array(anyDamage, { minLength: 1, maxLength: 5 }),
      (which, damages) => {
        const bytes = damages.reduce(damagedBy, REAL[which] ?? Buffer.alloc(0))
        for (const source of SOURCES) decodeWatchFrame(knownResource(source), bytes, 0, bytes.length)
      },
    ),
    { numRuns: runs(100), seed: seedOf(2) },
  )
})

test('messages in messages, a hundred thousand deep, cost no stack', () => {
  let bytes: Buffer = Buffer.from([8, 1])
  const sizes: number[] = []
  for (let depth = 0; depth < 100_000 && bytes.length < 4_000_000; depth++) {
    sizes.push(bytes.length)
    if (depth % 1000 === 0) bytes = lengthDelimited(1, bytes)
    else
      bytes = Buffer.concat(
        [varint(10), varint(bytes.length), bytes]
          .slice(0, depth % 50 === 0 ? 3 : 0)
          .concat(depth % 50 === 0 ? [] : [bytes]),
      )
  }
  for (const source of SOURCES) {
    const item = decodeWatchFrame(knownResource(source), bytes, 0, bytes.length)
    assert.notEqual(item.kind, 'object')
  }
})

test('JSON that is nested a million deep is an error value', () => {
  for (const text of [
    '['.repeat(1_000_000),
    `{"a":`.repeat(500_000),
    `${'['.repeat(200_000)}${']'.repeat(200_000)}`,
  ]) {
    const raw = parseJson(text)
    for (const source of SOURCES) decodeJsonEvent(knownResource(source), raw)
    decodeJsonEvent(knownResource('pods'), {
      type: 'ADDED',
      object: { metadata: { labels: raw, annotations: raw }, spec: raw },
    })
  }
})

test('an object with thousands of labels, containers and conditions is taken in bounded time', () => {
  const many = 20_000
  const pod: Obj = {
    kind: 'Pod',
    apiVersion: 'v1',
    metadata: {
      name: 'large',
      namespace: 'a',
      uid: '5e471e1a-0000-4000-8000-00000000cafe',
      resourceVersion: '5',
      labels: Object.fromEntries(Array.from({ length: many }, (_, n) => [`l${n}`, `v${n}`])),
    },
    spec: { containers: Array.from({ length: 2000 }, (_, n) => ({ name: `c${n}`, image: `i${n}` })) },
    status: {
      phase: 'Running',
      conditions: Array.from({ length: many }, (_, n) => ({ type: `T${n}`, status: 'True' })),
      containerStatuses: Array.from({ length: 2000 }, (_, n) => ({
        name: `c${n}`,
        restartCount: n,
        state: { running: {} },
      })),
    },
  }
  const bytes = frame(encodeWatchEvent('ADDED', pod)).subarray(4)
  swallow(framesOf('pods', bytes, 0))
})

test('events by the thousand for one pod, and for pods that never come, keep to their limits', () => {
  const pipeline = createPipeline()
  const uid = '5e471e1a-0000-4000-8000-00000000cafe'
  for (let n = 0; n < 30_000; n++) {
    const involved = n % 2 ? uid : `${n.toString(16).padStart(8, '0')}-0000-4000-8000-000000000000`
    const event = {
      kind: 'Event',
      apiVersion: 'v1',
      metadata: { name: `x.${n}`, namespace: 'a', uid: `e-${n}`, resourceVersion: `${n + 1}` },
      involvedObject: { kind: 'Pod', name: 'x', namespace: 'a', uid: involved },
      reason: ['Started', 'Failed', 'Pulled'][n % 3],
      message: 'm'.repeat(n % 2000),
      source: { component: 'kubelet', host: `h-${n}` },
      firstTimestamp: '2026-11-22T17:04:06Z',
      count: 1,
    }
    const raw = { type: 'ADDED', object: event }
    const item = decodeJsonEvent(knownResource('events'), raw)
    assert.equal(item.kind, 'object')
    if (item.kind === 'object')
      pipeline.push({
        kind: 'added',
        t: unixNano(NOW + BigInt(n) * 1_000_000n),
        source: 'events',
        phase: 'live',
        record: item.record,
      })
  }
  const limits = Object.entries(pipeline.counters()).filter(([name]) => name.startsWith('limit.'))
  assert.ok(limits.length > 0, JSON.stringify(pipeline.counters()))
})
