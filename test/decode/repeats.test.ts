// Owns the promises of what is shared between records: that sharing never changes a record, and never grows.
// Promises to hold whatever order messages come in, and whatever breaks among them.
// Does not measure what sharing saves: see bench/.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { PodRecord } from '../../src/base/record.ts'
import { hashOf, sameBytes, sampleOf } from '../../src/decode/compare.ts'
import { internBytes } from '../../src/decode/intern.ts'
import { decodeJsonObject } from '../../src/decode/json.ts'
import { decodeProtobuf } from '../../src/decode/protobuf.ts'
import { recall, remember, repeatsOf } from '../../src/decode/repeats.ts'
import { knownResource } from '../../src/decode/resources.ts'
import { cursor } from '../../src/decode/wire.ts'
import { encodeObject, lengthDelimited, message, type Obj, unknown } from '../simulator/encode.ts'
import { eventObject, podObject } from '../simulator/objects.ts'

const pods = knownResource('pods')
const events = knownResource('events')

function podOf(bytes: Buffer): PodRecord {
  const decoded = decodeProtobuf(pods, bytes)
  assert.ok(decoded.ok && decoded.record.resource === 'pods', JSON.stringify(decoded))
  return decoded.record
}

const pod = (number: number): PodRecord => podOf(encodeObject(podObject({ number, resourceVersion: number })))

test('texts of every length up to beyond what is shared are themselves, and shared up to there', () => {
  const withReason = (reason: string): Buffer =>
    unknown(
      'v1',
      'Pod',
      Buffer.concat([
        lengthDelimited(1, message('ObjectMeta', { name: 'n', uid: 'u' })),
        lengthDelimited(3, text(4, reason)),
      ]),
    )
  for (let length = 1; length < 80; length++)
    for (const last of ['a', 'b', 'é', 'a']) {
      const reason = `${'x'.repeat(length - 1)}${last}`
      assert.equal(podOf(withReason(reason)).reason, reason)
    }
})

/** A pod whose containers are these bytes. */
function podWith(...containers: readonly Buffer[]): Buffer {
  const metadata = message('ObjectMeta', { name: 'n', uid: 'u' })
  const spec = Buffer.concat(containers.map((bytes) => lengthDelimited(2, bytes)))
  return unknown('v1', 'Pod', Buffer.concat([lengthDelimited(1, metadata), lengthDelimited(2, spec)]))
}

const text = (number: number, value: string): Buffer => lengthDelimited(number, Buffer.from(value))
const mount = (name: string): Buffer =>
  lengthDelimited(9, Buffer.concat([text(1, name), text(3, '/var/run')]))
/** name = 1, image = 2, volumeMounts = 9, imagePullPolicy = 14. */
const container = (image: string, mounts: readonly string[], policy = 'Always'): Buffer =>
  Buffer.concat([text(1, 'app'), text(2, image), ...mounts.map(mount), text(14, policy)])

test('what is the same in two pods is one object in both records', () => {
  const [one, other] = [pod(1), pod(61)]
  assert.notEqual(one.uid, other.uid)
  assert.equal(one.labels, other.labels)
  assert.equal(one.owners, other.owners)
  assert.equal(one.containers[0], other.containers[0])
  assert.equal(one.volumes?.[0], other.volumes?.[0])
  assert.equal(one.conditions?.[0], other.conditions?.[0])
  for (const shared of [one.labels, one.owners, one.containers[0], one.volumes?.[0], one.conditions?.[0]])
    assert.ok(Object.isFrozen(shared))
})

test('a name and a uid are one string in all versions of a pod and in its events', () => {
  const decoded = decodeProtobuf(events, encodeObject(eventObject({ number: 1, resourceVersion: 9, pod: 7 })))
  assert.ok(decoded.ok && decoded.record.resource === 'events')
  assert.equal(decoded.record.involved.uid, pod(7).uid)
})

test('containers that differ only in the names of their mounts are one object', () => {
  const first = podOf(podWith(container('a:1', ['config', 'kube-api-access-aaaaa'])))
  const same = podOf(podWith(container('a:1', ['config', 'kube-api-access-bbbbb'])))
  const fewer = podOf(podWith(container('a:1', [])))
  assert.equal(first.containers[0], same.containers[0])
  assert.deepStrictEqual(fewer.containers, first.containers)
  const other = podOf(podWith(container('a:1', ['config', 'kube-api-access-aaaaa'], 'Never!')))
  assert.equal(other.containers[0]?.imagePullPolicy, 'Never!')
})

test('a field between two mounts is read, whatever came before', () => {
  const between = (policy: string): Buffer =>
    Buffer.concat([text(1, 'app'), text(2, 'a:2'), mount('m'), text(14, policy), mount('m')])
  for (const policy of ['Always', 'Never!', 'Always'])
    assert.equal(podOf(podWith(between(policy))).containers[0]?.imagePullPolicy, policy)
})

test('containers with equal beginnings of equal length are told apart, in any order', () => {
  const longImage = `registry.example.com/${'team/'.repeat(30)}app`
  const variants = ['1', '2', '3'].map((tag) => container(`${longImage}:${tag}`, ['token']))
  for (const at of [0, 1, 0, 2, 2, 1, 0])
    assert.equal(
      podOf(podWith(variants[at] ?? Buffer.alloc(0))).containers[0]?.image,
      `${longImage}:${at + 1}`,
    )
})

/** Each text in the object with each of its characters replaced, one at a time. */
function* variantsOf(value: unknown): Generator<unknown> {
  if (typeof value === 'string' && !/^\d{4}-\d\d-\d\dT/.test(value)) {
    for (let at = 0; at < value.length; at++)
      yield `${value.slice(0, at)}${value[at] === 'z' ? 'y' : 'z'}${value.slice(at + 1)}`
  } else if (Array.isArray(value)) {
    for (const [at, item] of value.entries())
      for (const other of variantsOf(item)) yield value.with(at, other)
  } else if (typeof value === 'object' && value !== null) {
    for (const [key, item] of Object.entries(value))
      for (const other of variantsOf(item)) yield { ...value, [key]: other }
  }
}

test('a record follows a change of any one character, after the unchanged pod was seen', () => {
  const { apiVersion, kind, ...original } = podObject({ number: 3, resourceVersion: 5 })
  const metadata = { ...(original['metadata'] as Obj), managedFields: [] }
  let variants = 0
  for (const changed of variantsOf({ ...original, metadata })) {
    const object = { apiVersion, kind, ...(changed as Obj) }
    const expected = decodeJsonObject(pods, object)
    assert.ok(expected.ok)
    assert.deepStrictEqual(podOf(encodeObject(object)), expected.record)
    variants += 1
  }
  assert.ok(variants > 1000, `${variants} variants`)
  pod(3)
})

test('a message that breaks off or is malformed is refused each time, and the whole one is still right', () => {
  const whole = Buffer.concat([container('b:1', ['token']), lengthDelimited(8, text(2, 'no quantity'))])
  const malformed = Buffer.concat([container('b:1', ['token']), Buffer.from([8 * 8 + 2, 4, 18, 99, 1, 1])])
  for (let round = 0; round < 3; round++) {
    assert.equal(decodeProtobuf(pods, podWith(malformed)).ok, false)
    for (const kept of [1, 4, 6, malformed.length - 1])
      assert.equal(decodeProtobuf(pods, podWith(whole).subarray(0, -4 - kept)).ok, false)
    assert.equal(podOf(podWith(container('b:1', ['token']))).containers[0]?.image, 'b:1')
  }
})

test('a mount that passes the end of its container is an error, even after the container was seen', () => {
  podOf(podWith(container('c:1', ['token'])))
  const broken = Buffer.concat([text(1, 'app'), text(2, 'c:1'), Buffer.from([74, 120])])
  assert.equal(decodeProtobuf(pods, podWith(broken)).ok, false)
})

test('labels and owners in pieces are put together', () => {
  const label = (key: string): Buffer => lengthDelimited(11, Buffer.concat([text(1, key), text(2, 'v')]))
  const owner = (name: string): Buffer =>
    lengthDelimited(13, message('OwnerReference', { name, kind: 'Job' }))
  const identity = message('ObjectMeta', { name: 'n', uid: 'u' })
  const pieces = [label('a'), label('b'), owner('x'), label('c'), owner('y'), owner('z')]
  const meta = Buffer.concat([identity, ...pieces])
  for (let round = 0; round < 2; round++) {
    const record = podOf(unknown('v1', 'Pod', lengthDelimited(1, meta)))
    assert.deepStrictEqual({ ...record.labels }, { a: 'v', b: 'v', c: 'v' })
    assert.deepStrictEqual(
      record.owners?.map(({ name }) => name),
      ['x', 'y', 'z'],
    )
  }
})

test('records keep nothing of the bytes they came from', () => {
  const object = podObject({ number: 11, resourceVersion: 5 })
  const bytes = encodeObject(object)
  const before = podOf(bytes)
  const expected = structuredClone(before)
  bytes.fill(0)
  assert.deepStrictEqual(before, expected)
  assert.deepStrictEqual(podOf(encodeObject(object)), expected)
})

test('what is remembered has a fixed number of slots of a fixed size', () => {
  const repeats = repeatsOf<{ readonly value: number }>(3, 16)
  for (let value = 0; value < 1000; value++) {
    const bytes = Buffer.from(String(value).repeat(3))
    const c = cursor(bytes)
    remember(repeats, c, 0, bytes.length, { value })
    assert.deepEqual(recall(repeats, c, 0, bytes.length), { value })
  }
  assert.equal(repeats.values.length, 8)
  assert.equal(repeats.copies.length, 8 * 16)
})

const numbered = (value: number): Buffer => Buffer.from(`message ${value} `.repeat(3))

test('a table begins small, grows with what there is to remember, and never beyond its bound', () => {
  const repeats = repeatsOf<{ readonly value: number }>(10, 64)
  assert.ok(repeats.values.length < 128)
  const sizes = new Set<number>()
  for (let value = 0; value < 20_000; value++) {
    const bytes = numbered(value)
    const c = cursor(bytes)
    remember(repeats, c, 0, bytes.length, { value })
    assert.deepEqual(recall(repeats, c, 0, bytes.length), { value })
    sizes.add(repeats.values.length)
  }
  assert.deepEqual([...sizes].at(-1), 1024)
  assert.equal(repeats.copies.length, 1024 * 64)
})

test('a table of few messages stays small however often they come', () => {
  const repeats = repeatsOf<{ readonly value: number }>(10, 64)
  const before = repeats.values.length
  for (let round = 0; round < 1000; round++)
    for (let value = 0; value < 4; value++) {
      const bytes = numbered(value)
      const c = cursor(bytes)
      if (!recall(repeats, c, 0, bytes.length)) remember(repeats, c, 0, bytes.length, { value })
    }
  assert.equal(repeats.values.length, before)
})

test('what was remembered before a table grew is given back after it', () => {
  const repeats = repeatsOf<{ readonly value: number }>(10, 64)
  const before = repeats.values.length
  const found = (value: number): unknown => {
    const bytes = numbered(value)
    return recall(repeats, cursor(bytes), 0, bytes.length)
  }
  let value = 0
  let known: number[] = []
  while (repeats.values.length === before) {
    known = Array.from({ length: value }, (_, index) => index).filter((index) => found(index) !== undefined)
    const bytes = numbered(value)
    remember(repeats, cursor(bytes), 0, bytes.length, { value })
    value += 1
  }
  // Its slot went to the one that made the table grow.
  const kept = known.filter((index) => found(index) !== undefined)
  assert.ok(known.length > before / 2 && kept.length >= known.length - 1, `${kept.length} of ${known.length}`)
  for (const index of kept) assert.deepEqual(found(index), { value: index })
})

test('more strings than there are slots are themselves, and one string each while they are near', () => {
  for (let number = 0; number < 40_000; number++) {
    const bytes = Buffer.from(`value-${number}`)
    const { view } = cursor(bytes)
    assert.equal(internBytes(bytes, view, 0, bytes.length), `value-${number}`)
    assert.equal(internBytes(bytes, view, 0, bytes.length), `value-${number}`)
  }
})

test('a message over the bound is not remembered, and not cut', () => {
  const repeats = repeatsOf<object>(3, 16)
  const bytes = Buffer.alloc(17, 'x')
  const value = remember(repeats, cursor(bytes), 0, 17, {})
  assert.ok(!Object.isFrozen(value))
  assert.equal(recall(repeats, cursor(bytes), 0, 17), undefined)
  assert.equal(recall(repeats, cursor(bytes), 0, 16), undefined)
})

test('messages that share a slot give each other up, never each other', () => {
  const repeats = repeatsOf<{ readonly text: string }>(4, 400)
  for (const length of [3, 40, 300]) {
    const one = Buffer.alloc(length, 'a')
    // Beside all words that are sampled.
    const other = Buffer.from(one)
    if (length > 4) other[5] = 98
    else other[1] = 98
    const [c, d] = [cursor(one), cursor(other)]
    if (length > 4) assert.equal(sampleOf(c.view, 0, length), sampleOf(d.view, 0, length))
    remember(repeats, c, 0, length, { text: 'one' })
    assert.equal(recall(repeats, d, 0, length), undefined)
    remember(repeats, d, 0, length, { text: 'other' })
    assert.deepEqual(recall(repeats, d, 0, length), { text: 'other' })
  }
})

test('two ranges are the same only if each byte is', () => {
  const bytes = Buffer.from(Array.from({ length: 80 }, (_, index) => index * 3))
  const view = cursor(bytes).view
  for (let length = 0; length <= 40; length++) {
    const copy = Buffer.from(bytes.subarray(7, 7 + length))
    const other = cursor(copy).view
    assert.ok(sameBytes(view, 7, other, 0, length))
    assert.equal(hashOf(view, 7, length), hashOf(other, 0, length))
    assert.equal(sampleOf(view, 7, length), sampleOf(other, 0, length))
    for (let at = 0; at < length; at++) {
      copy[at] = (copy[at] ?? 0) ^ 1
      assert.ok(!sameBytes(view, 7, other, 0, length), `byte ${at} of ${length}`)
      copy[at] = (copy[at] ?? 0) ^ 1
    }
  }
})
