// Owns the way from objects to frames: kinds, duplicates, relists by UID, gaps; and the queue behind it.
// Promises the per-object rules of the watch contract.
// Does not open a socket.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Frame } from '../../src/base/frame.ts'
import type { PodRecord } from '../../src/base/record.ts'
import { unixNano } from '../../src/base/time.ts'
import { knownResource } from '../../src/decode/resources.ts'
import { streamCounters } from '../../src/kube/counters.ts'
import { createDelivery } from '../../src/kube/delivery.ts'
import { createFrameQueue } from '../../src/kube/frame-queue.ts'
import { createValve } from '../../src/kube/valve.ts'

const at = (n: number) => unixNano(BigInt(n))
const pod = (uid: string, resourceVersion: string, name = `name-${uid}`): PodRecord => ({
  resource: 'pods',
  uid,
  name,
  namespace: 'default',
  resourceVersion,
  containers: [],
})

function delivering(mode: 'list' | 'tail' = 'list') {
  const frames: Frame[] = []
  const counters = streamCounters()
  const resource = knownResource('pods')
  const delivery = createDelivery({ resource, mode, counters, onFrame: (frame) => frames.push(frame) })
  return { frames, counters, delivery }
}

const said = (frame: Frame): string =>
  'record' in frame
    ? `${frame.kind} ${frame.record.uid}@${frame.record.resourceVersion} ${frame.phase}${frame.synthetic ? ' synthetic' : ''}`
    : frame.kind

test('an object is added once, modified when its version changes, and not repeated', () => {
  const { delivery, frames, counters } = delivering()
  delivery.listBegins()
  delivery.object('ADDED', pod('a', '1'), at(1), 'initial')
  delivery.listEnds(at(2), 'initial', '9')
  delivery.object('MODIFIED', pod('a', '2'), at(3), 'live')
  delivery.object('MODIFIED', pod('a', '2'), at(4), 'live')
  delivery.object('DELETED', pod('a', '3'), at(5), 'live')
  assert.deepStrictEqual(frames.map(said), [
    'added a@1 initial',
    'synced',
    'modified a@2 live',
    'deleted a@3 live',
  ])
  assert.equal(counters.unchanged, 1)
})

test('a relist delivers what changed and turns what is gone into synthetic deletions', () => {
  const { delivery, frames, counters } = delivering()
  delivery.listBegins()
  for (const uid of ['a', 'b', 'c']) delivery.object('ADDED', pod(uid, '1'), at(1), 'initial')
  delivery.listEnds(at(2), 'initial', '9')
  frames.length = 0
  delivery.gap('expired', at(10))
  delivery.listBegins()
  delivery.object('ADDED', pod('a', '1'), at(11), 'relist')
  delivery.object('ADDED', pod('b', '5'), at(11), 'relist')
  delivery.object('ADDED', pod('d', '6'), at(11), 'relist')
  delivery.listEnds(at(12), 'relist', '9')
  assert.deepStrictEqual(frames.map(said), [
    'gap',
    'modified b@5 relist',
    'added d@6 relist',
    'deleted c@1 relist synthetic',
    'synced',
  ])
  assert.deepStrictEqual(frames[0], {
    kind: 'gap',
    t: at(10),
    source: 'pods',
    reason: 'expired',
    from: at(2),
  })
  assert.equal(counters.syntheticDeletes, 1)
  assert.equal(counters.objects, 3)
})

test('a name that comes back under another UID is another object', () => {
  const { delivery, frames } = delivering()
  delivery.listBegins()
  delivery.object('ADDED', pod('old', '1', 'web-0'), at(1), 'initial')
  delivery.listEnds(at(2), 'initial', '9')
  delivery.listBegins()
  delivery.object('ADDED', pod('new', '9', 'web-0'), at(3), 'relist')
  delivery.listEnds(at(4), 'relist', '9')
  assert.deepStrictEqual(frames.map(said).slice(2), [
    'added new@9 relist',
    'deleted old@1 relist synthetic',
    'synced',
  ])
})

test('a list that broke off and began again removes nothing that the second one shows', () => {
  const { delivery, frames } = delivering()
  delivery.listBegins()
  delivery.object('ADDED', pod('a', '1'), at(1), 'initial')
  delivery.listBegins()
  delivery.object('ADDED', pod('b', '1'), at(2), 'initial')
  delivery.object('ADDED', pod('a', '1'), at(2), 'initial')
  delivery.listEnds(at(3), 'initial', '9')
  assert.deepStrictEqual(frames.map(said), ['added a@1 initial', 'added b@1 initial', 'synced'])
})

test('the end of a list says its version, where it is of one', () => {
  const { delivery, frames } = delivering()
  delivery.listBegins()
  delivery.listEnds(at(1), 'initial', '9')
  delivery.listBegins()
  delivery.listEnds(at(2), 'relist', undefined)
  assert.deepStrictEqual(frames, [
    { kind: 'synced', t: at(1), source: 'pods', version: '9' },
    { kind: 'synced', t: at(2), source: 'pods' },
  ])
})

test('a tail keeps nothing and delivers every version', () => {
  const { delivery, frames, counters } = delivering('tail')
  delivery.listBegins()
  delivery.listEnds(at(1), 'initial', '9')
  delivery.object('ADDED', pod('a', '1'), at(2), 'live')
  delivery.object('ADDED', pod('a', '1'), at(3), 'live')
  delivery.object('DELETED', pod('z', '4'), at(4), 'live')
  assert.deepStrictEqual(frames.map(said), ['synced', 'added a@1 live', 'added a@1 live', 'deleted z@4 live'])
  assert.equal(counters.objects, 0)
})

test('a gap begins at the last moment the stream was known to be complete', () => {
  const { delivery, frames } = delivering('tail')
  delivery.gap('expired', at(1))
  delivery.object('ADDED', pod('a', '1'), at(5), 'live')
  delivery.gap('expired', at(6))
  delivery.complete(at(8))
  delivery.gap('expired', at(9))
  const gaps = frames.filter((frame) => frame.kind === 'gap')
  assert.deepStrictEqual(
    gaps.map((frame) => frame.from),
    [undefined, at(5), at(8)],
  )
})

test('the queue closes the valve when it is full, opens it below a quarter, and loses nothing', async () => {
  const valve = createValve()
  const changes: boolean[] = []
  valve.onChange((isOpen) => changes.push(isOpen))
  const queue = createFrameQueue(valve, 8)
  for (let n = 0; n < 12; n++) queue.push({ kind: 'tick', t: at(n) })
  assert.equal(valve.isOpen, false)
  queue.end()
  const read: bigint[] = []
  for await (const frame of queue.frames()) read.push(frame.t)
  assert.deepStrictEqual(
    read,
    Array.from({ length: 12 }, (_, n) => BigInt(n)),
  )
  assert.deepStrictEqual(changes, [false, true])
})

test('a waiting reader gets a frame pushed later, and the end', async () => {
  const queue = createFrameQueue(createValve())
  const reader = queue.frames()[Symbol.asyncIterator]()
  const first = reader.next()
  queue.push({ kind: 'tick', t: at(1) })
  assert.deepStrictEqual(await first, { done: false, value: { kind: 'tick', t: at(1) } })
  const last = reader.next()
  queue.end()
  assert.deepStrictEqual(await last, { done: true, value: undefined })
})
