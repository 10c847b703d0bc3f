// Owns the contract of both decoders: one object, two encodings, one record; no bytes make them throw.
// Promises to hold for generated pods, for cut bytes, for unknown fields and for garbage.
// Does not test a stream: see test/kube.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { AnyRecord } from '../../src/base/record.ts'
import { decodeJsonEvent, decodeJsonObject, openJsonList, statusOf } from '../../src/decode/json.ts'
import { decodeProtobuf, decodeStatus, decodeWatchFrame, openList } from '../../src/decode/protobuf.ts'
import { knownResource, type Resource } from '../../src/decode/resources.ts'
import type { DecodeError } from '../../src/decode/result.ts'
import {
  encodeList,
  encodeObject,
  encodeWatchEvent,
  lengthDelimited,
  message,
  type Obj,
  unknown,
  varint,
} from '../simulator/encode.ts'
import { eventObject, leaseObject, nodeObject, ownerObject, podObject } from '../simulator/objects.ts'
import { runs } from '../support/frames.ts'
import { anyEvent, anyLease, anyNode, anyPod } from './generators.ts'

const pods = knownResource('pods')
const events = knownResource('events')
const nodes = knownResource('nodes')
const leases = knownResource('leases')
const replicaSets = knownResource('replicasets')

const samples: readonly { name: string; resource: Resource; object: Obj }[] = [
  {
    name: 'pod created',
    resource: pods,
    object: podObject({ number: 1, resourceVersion: 5, stage: 'created' }),
  },
  { name: 'pod ready', resource: pods, object: podObject({ number: 2, resourceVersion: 6 }) },
  { name: 'event', resource: events, object: eventObject({ number: 1, resourceVersion: 9, pod: 1 }) },
  { name: 'node', resource: nodes, object: nodeObject(1, 4) },
  { name: 'lease', resource: leases, object: leaseObject(1, 8) },
  { name: 'owner', resource: replicaSets, object: ownerObject(1, 3) },
]

function recordOf(decoded: ReturnType<typeof decodeProtobuf>): AnyRecord {
  assert.ok(decoded.ok, decoded.ok ? '' : JSON.stringify(decoded.error))
  return decoded.record
}

function assertSame(resource: Resource, object: Obj): AnyRecord {
  const fromBytes = recordOf(decodeProtobuf(resource, encodeObject(object)))
  const fromJson = recordOf(decodeJsonObject(resource, JSON.parse(JSON.stringify(object))))
  assert.deepStrictEqual(fromBytes, fromJson)
  return fromBytes
}

for (const { name, resource, object } of samples)
  test(`a ${name} is the same record from protobuf and from JSON`, () => {
    assertSame(resource, object)
  })

test('generated pods are the same record from both encodings', () => {
  fc.assert(
    fc.property(anyPod, (object) => void assertSame(pods, object)),
    { numRuns: runs(300) },
  )
})

test('generated events, nodes and leases are the same record from both encodings', () => {
  fc.assert(
    fc.property(anyEvent, (object) => void assertSame(events, object)),
    { numRuns: runs(200) },
  )
  fc.assert(
    fc.property(anyNode, (object) => void assertSame(nodes, object)),
    { numRuns: runs(100) },
  )
  fc.assert(
    fc.property(anyLease, (object) => void assertSame(leases, object)),
    { numRuns: runs(100) },
  )
})

test('no literal environment value, argument, command or dropped annotation is in a record', () => {
  const text = JSON.stringify(assertSame(pods, podObject({ number: 3, resourceVersion: 7 })))
  for (const secret of ['literal value', 'secret-argument', '/bin/app', 'not kept', 'f:metadata'])
    assert.ok(!text.includes(secret), secret)
})

test('bytes cut anywhere give an error value or lose only the envelope after the object', () => {
  for (const { resource, object } of samples) {
    const bytes = encodeObject(object)
    const whole = recordOf(decodeProtobuf(resource, bytes))
    // contentEncoding and contentType, two bytes each and empty, follow the object.
    const objectEnd = bytes.length - 4
    for (let length = 0; length < bytes.length; length++) {
      const decoded = decodeProtobuf(resource, bytes.subarray(0, length))
      assert.equal(decoded.ok, decoded.ok && length >= objectEnd, `${object['kind']} cut at ${length}`)
      if (decoded.ok) assert.deepStrictEqual(decoded.record, whole)
    }
  }
})

test('a watch event cut anywhere is undecodable, not an exception', () => {
  const bytes = encodeWatchEvent('ADDED', podObject({ number: 1, resourceVersion: 5 }))
  for (let length = 0; length < bytes.length; length++)
    assert.equal(decodeWatchFrame(pods, bytes, 0, length).kind, 'undecodable')
})

test('random bytes never throw', () => {
  const resources = [pods, events, nodes, leases, replicaSets]
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), fc.nat(4), (noise, which) => {
      const resource = resources[which] ?? pods
      const bytes = Buffer.from(noise)
      decodeWatchFrame(resource, bytes, 0, bytes.length)
      decodeStatus(bytes)
      decodeProtobuf(resource, unknown('v1', resource.kind, bytes))
      const list = openList(resource, unknown('v1', 'PodList', bytes))
      if (list.ok) for (const item of list.items) assert.equal(typeof item.ok, 'boolean')
    }),
    { numRuns: runs(500) },
  )
})

test('a flipped byte anywhere gives a record or an error value', () => {
  const bytes = encodeObject(podObject({ number: 4, resourceVersion: 5 }))
  for (let at = 0; at < bytes.length; at += 3) {
    const broken = Buffer.from(bytes)
    broken[at] = (broken[at] ?? 0) ^ 0xff
    decodeProtobuf(pods, broken)
  }
})

test('unknown fields of every wire type are skipped at every level', () => {
  const extra = Buffer.concat([
    Buffer.concat([varint(500 * 8), varint(2n ** 63n)]),
    Buffer.concat([varint(501 * 8 + 1), Buffer.alloc(8, 1)]),
    lengthDelimited(502, Buffer.from('later')),
    Buffer.concat([varint(503 * 8 + 5), Buffer.alloc(4, 1)]),
  ])
  const object = podObject({ number: 5, resourceVersion: 5 })
  const nested = ['ObjectMeta', 'PodSpec', 'PodStatus'].map((name, index) => {
    const key = ['metadata', 'spec', 'status'][index] ?? ''
    return lengthDelimited(index + 1, Buffer.concat([extra, message(name, object[key] as Obj), extra]))
  })
  const bytes = unknown('v1', 'Pod', Buffer.concat([...nested, extra]))
  assert.deepStrictEqual(
    recordOf(decodeProtobuf(pods, bytes)),
    recordOf(decodeProtobuf(pods, encodeObject(object))),
  )
})

test('JSON garbage never throws and says where', () => {
  fc.assert(
    fc.property(fc.anything(), (value) => void decodeJsonObject(pods, value)),
    { numRuns: runs(300) },
  )
  const cases: readonly [unknown, Partial<DecodeError>][] = [
    [null, { kind: 'wrong-type', where: 'object' }],
    [[], { kind: 'wrong-type', where: 'object' }],
    [{}, { kind: 'missing', where: 'metadata' }],
    [{ metadata: { name: 'a' } }, { kind: 'missing', where: 'metadata.uid' }],
    [{ metadata: { uid: 'u', name: 7 } }, { kind: 'wrong-type', where: 'metadata.name' }],
    [pod({ spec: { containers: 'x' } }), { kind: 'wrong-type', where: 'spec.containers' }],
    [pod({ spec: { containers: [{ image: 3 }] } }), { kind: 'wrong-type', where: 'spec.containers.image' }],
    [pod({ status: { startTime: 'noon' } }), { kind: 'wrong-type', where: 'status.startTime' }],
  ]
  for (const [object, expected] of cases) {
    const decoded = decodeJsonObject(pods, object)
    assert.equal(decoded.ok, false)
    if (!decoded.ok) assert.deepStrictEqual({ ...decoded.error, ...expected }, decoded.error)
  }
})

const pod = (rest: Obj): Obj => ({ metadata: { uid: 'u', name: 'n' }, ...rest })

test('an object of another kind in a stream is an error', () => {
  const item = decodeWatchFrame(
    pods,
    encodeWatchEvent('ADDED', nodeObject(1, 2)),
    0,
    encodeWatchEvent('ADDED', nodeObject(1, 2)).length,
  )
  assert.equal(item.kind === 'undecodable' && item.error.kind, 'unexpected-kind')
})

const bookmark: Obj = {
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { resourceVersion: '77', annotations: { 'k8s.io/initial-events-end': 'true' } },
}

test('a bookmark gives its version and whether the initial events end', () => {
  const bytes = encodeWatchEvent('BOOKMARK', bookmark)
  const expected = { kind: 'bookmark', resourceVersion: '77', initialEventsEnd: true } as const
  assert.deepStrictEqual(decodeWatchFrame(pods, bytes, 0, bytes.length), expected)
  assert.deepStrictEqual(decodeJsonEvent(pods, { type: 'BOOKMARK', object: bookmark }), expected)
  const plain = { ...bookmark, metadata: { resourceVersion: '78' } }
  const plainBytes = encodeWatchEvent('BOOKMARK', plain)
  const later = { kind: 'bookmark', resourceVersion: '78', initialEventsEnd: false } as const
  assert.deepStrictEqual(decodeWatchFrame(pods, plainBytes, 0, plainBytes.length), later)
  assert.deepStrictEqual(decodeJsonEvent(pods, { type: 'BOOKMARK', object: plain }), later)
})

const status: Obj = {
  apiVersion: 'v1',
  kind: 'Status',
  metadata: { continue: 'fresh' },
  status: 'Failure',
  message: 'too old resource version: 1 (2)',
  reason: 'Expired',
  details: { retryAfterSeconds: 3, causes: [{ reason: 'ResourceVersionTooLarge', message: 'x' }] },
  code: 410,
}

test('a Status is read alike from an ERROR frame and from a refused request', () => {
  const expected = {
    code: 410,
    reason: 'Expired',
    message: 'too old resource version: 1 (2)',
    retryAfterSeconds: 3,
    causes: ['ResourceVersionTooLarge'],
    continueToken: 'fresh',
  }
  const bytes = encodeWatchEvent('ERROR', status)
  assert.deepStrictEqual(decodeWatchFrame(pods, bytes, 0, bytes.length), { kind: 'status', status: expected })
  assert.deepStrictEqual(decodeJsonEvent(pods, { type: 'ERROR', object: status }), {
    kind: 'status',
    status: expected,
  })
  assert.deepStrictEqual(decodeStatus(encodeObject(status)), expected)
  assert.deepStrictEqual(statusOf(status), expected)
})

test('a list is decoded item by item, and a broken item costs only itself', () => {
  const items = [1, 2, 3].map((number) => message('Pod', podObject({ number, resourceVersion: number })))
  items.splice(1, 0, message('Pod', { metadata: { name: 'nobody' } }))
  const bytes = encodeList(
    'v1',
    'Pod',
    { resourceVersion: '9', continue: 'next', remainingItemCount: 5 },
    items,
  )
  const list = openList(pods, bytes)
  assert.ok(list.ok)
  assert.deepStrictEqual(list.meta, { resourceVersion: '9', continueToken: 'next', remaining: 5 })
  assert.deepStrictEqual(
    [...list.items].map((item) => (item.ok ? item.record.resourceVersion : item.error.kind)),
    ['1', 'missing', '2', '3'],
  )
})

test('a list in JSON gives the same list fields', () => {
  const list = openJsonList({
    metadata: { resourceVersion: '9', continue: 'next', remainingItemCount: 5 },
    items: [1],
  })
  assert.deepStrictEqual(list, {
    meta: { resourceVersion: '9', continueToken: 'next', remaining: 5 },
    items: [1],
  })
  assert.equal(openJsonList({ items: 'no' }), undefined)
})

test('an event of events.k8s.io, as other tools record it, is the same record', () => {
  const core = eventObject({ number: 1, resourceVersion: 9, pod: 1 })
  const {
    involvedObject,
    message: note,
    source,
    firstTimestamp,
    lastTimestamp,
    count,
    reportingComponent,
    ...rest
  } = core
  const other = {
    ...rest,
    regarding: involvedObject,
    note,
    deprecatedSource: source,
    deprecatedFirstTimestamp: firstTimestamp,
    deprecatedLastTimestamp: lastTimestamp,
    deprecatedCount: count,
    reportingController: reportingComponent,
  }
  assert.deepStrictEqual(decodeJsonObject(events, other), decodeJsonObject(events, core))
})
