// Owns the reflector against a simulated API server: lists, resumes, relists, and each fault of the checklist.
// Promises one behaviour a test, over real sockets, with a clock that only the test moves.
// Does not repeat the state machine's table: see watch.test.ts.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { milliseconds, seconds } from '../../src/base/time.ts'
import { openDirect } from '../../src/kube/config.ts'
import { type Obj, frame, encodeWatchEvent, unknown, wrapWatchEvent } from '../simulator/encode.ts'
import { loadPods } from '../simulator/bulk.ts'
import { eventObject, ownerObject, podObject, uidOf } from '../simulator/objects.ts'
import type { SimulatedApiServer } from '../simulator/server.ts'
import { type Harness, startReflector } from './harness.ts'

const pod = (number: number) => podObject({ number, resourceVersion: 0 })
const name = (number: number): string => `web-6f5d8c9b7c-0000${number}`
const twoPods = (server: SimulatedApiServer): void => server.store.load('pods', [pod(1), pod(2)])
const synced = (h: Harness) => (): boolean => h.frames.some((each) => each.kind === 'synced')
const live = async (h: Harness): Promise<void> => {
  await h.until('live', () => synced(h)() && h.server.openWatches('pods') > 0)
}
const queries = (h: Harness): string[] =>
  h.server.requests.map((each) => [...each.query].map(([k, v]) => `${k}=${v}`).join('&'))

/** Time for what should not happen to happen. */
async function turns(): Promise<void> {
  for (let n = 0; n < 200; n++) await new Promise((resolve) => setImmediate(resolve))
}

for (const encoding of ['protobuf', 'json'] as const)
  for (const watchList of [true, false])
    test(`${encoding}, WatchList ${watchList ? 'on' : 'off'}: first what is there, then what changes`, async () => {
      await using h = await startReflector({ encoding, stub: { watchList }, prepare: twoPods })
      await live(h)
      h.server.store.apply('pods', pod(1))
      h.server.store.apply('pods', pod(3))
      h.server.store.remove('pods', uidOf(1, 2))
      await h.until('three changes', () => h.frames.length === 6)
      assert.deepStrictEqual(h.said(), [
        `added ${name(1)}@2 initial`,
        `added ${name(2)}@3 initial`,
        'synced',
        `modified ${name(1)}@4 live`,
        `added ${name(3)}@5 live`,
        `deleted ${name(2)}@6 live`,
      ])
      const ends = h.frames.flatMap((frame) => (frame.kind === 'synced' ? [frame.version] : []))
      assert.deepStrictEqual(ends, ['3'])
      assert.equal(h.counters.watchListRefused, watchList ? 0 : 1)
    })

test('a page that takes long is handed over in portions, between which others get their turn', async () => {
  const portions: number[] = []
  let isSameTurn = false
  await using h = await startReflector({
    stub: { watchList: false },
    prepare: (server) => loadPods(server.store, 20),
    onFrame: (clock) => {
      clock.advance(milliseconds(1))
      portions.push(isSameTurn ? (portions.pop() ?? 0) + 1 : 1)
      isSameTurn = true
      setImmediate(() => (isSameTurn = false))
    },
  })
  await live(h)
  assert.equal(h.said().filter((one) => one.startsWith('added')).length, 20)
  assert.deepEqual(portions, [5, 5, 5, 6], 'the last one ends with the list')
})

test('chunks of one byte change nothing', async () => {
  await using h = await startReflector({
    stub: { chunkBytes: 1 },
    prepare: (s) => s.store.load('pods', [pod(1)]),
  })
  await live(h)
  h.server.store.apply('pods', pod(1))
  await h.until('the change', () => h.frames.length === 3)
  assert.deepStrictEqual(h.said(), [`added ${name(1)}@2 initial`, 'synced', `modified ${name(1)}@3 live`])
})

test('pages of a list are followed, without resourceVersion, and are initial', async () => {
  const prepare = (s: SimulatedApiServer): void =>
    s.store.load(
      'pods',
      Array.from({ length: 7 }, (_, n) => pod(n)),
    )
  await using h = await startReflector({ stub: { watchList: false }, limits: { pageItems: 3 }, prepare })
  await live(h)
  const asked = queries(h).map((query) => query.replace(/continue=[\w-]+/, 'continue=TOKEN'))
  assert.deepStrictEqual(asked.slice(1), [
    'limit=3',
    'limit=3&continue=TOKEN',
    'limit=3&continue=TOKEN',
    'watch=1&allowWatchBookmarks=true&timeoutSeconds=450&resourceVersion=8',
  ])
  assert.equal(h.said().filter((each) => each.endsWith('initial')).length, 7)
})

test('the WatchList request asks for a consistent list that ends with a bookmark', async () => {
  await using h = await startReflector({ prepare: twoPods })
  await live(h)
  assert.deepStrictEqual(queries(h), [
    'watch=1&allowWatchBookmarks=true&timeoutSeconds=450&sendInitialEvents=true&resourceVersionMatch=NotOlderThan',
  ])
})

test('an orderly end resumes at the last version, bookmarks included, without loss or repeat', async () => {
  await using h = await startReflector({ prepare: twoPods })
  await live(h)
  h.server.store.apply('nodes', { metadata: { uid: 'other', name: 'other' } })
  h.server.bookmark('pods')
  await h.until('the bookmark', () => h.counters.bookmarks === 2)
  h.clock.advance(seconds(100))
  h.server.endWatches('pods')
  await h.until('the second watch', () => h.counters.restarts === 1)
  h.server.store.apply('pods', pod(3))
  await h.until('the change', () => h.frames.length === 4)
  assert.equal(h.server.requests.at(-1)?.query.get('resourceVersion'), '4')
  assert.deepStrictEqual(h.said().slice(2), ['synced', `added ${name(3)}@5 live`])
  assert.equal(h.counters.gaps, 0)
})

test('a reset connection resumes at the last version after a wait', async () => {
  await using h = await startReflector({ prepare: twoPods })
  await live(h)
  h.server.store.apply('pods', pod(3))
  await h.until('the change', () => h.frames.length === 4)
  h.server.resetWatches('pods')
  await h.until('the reset is seen', () => h.counters.state === 'waiting')
  h.server.store.apply('pods', pod(4))
  await h.until('the change made meanwhile', () => h.frames.length === 5, 'moves')
  assert.deepStrictEqual(h.said().slice(3), [`added ${name(3)}@4 live`, `added ${name(4)}@5 relist`])
})

test('what a watch that broke delivers late dates nothing from near, for a second', async () => {
  await using h = await startReflector({ prepare: twoPods })
  await live(h)
  h.server.resetWatches('pods')
  await h.until('the reset is seen', () => h.counters.state === 'waiting')
  h.server.store.apply('pods', pod(3))
  await h.until('the change made meanwhile', () => h.frames.length === 4, 'moves')
  h.clock.advance(seconds(1))
  h.server.store.apply('pods', pod(4))
  await h.until('a change of now', () => h.frames.length === 5)
  assert.deepStrictEqual(h.said().slice(3), [`added ${name(3)}@4 relist`, `added ${name(4)}@5 live`])
})

test('what comes behind a list is late for as long as the list took', async () => {
  await using h = await startReflector({ prepare: twoPods })
  await h.until('the list', synced(h))
  h.server.store.apply('pods', pod(3))
  await h.until('a change at once', () => h.frames.length === 4)
  assert.equal(h.said().at(-1), `added ${name(3)}@4 live`, 'the clock stood still, so the list took no time')
})

test('a connection cut inside a frame loses nothing', async () => {
  await using h = await startReflector({ prepare: twoPods })
  await live(h)
  const bytes = frame(encodeWatchEvent('ADDED', podObject({ number: 3, resourceVersion: 4 })))
  h.server.writeRaw('pods', bytes.subarray(0, 100))
  await h.until('half a frame', () => h.counters.bytes > 100)
  h.server.resetWatches('pods')
  await h.until('the reset is seen', () => h.counters.state === 'waiting')
  h.server.store.apply('pods', pod(3))
  await h.until('the whole frame', () => h.frames.length === 4, 'moves')
  assert.equal(h.said().at(-1), `added ${name(3)}@4 relist`)
})

for (const expiredAs of ['frame', 'status'] as const)
  test(`410 as a ${expiredAs}: gap, what changed, synthetic deletions, live`, async () => {
    await using h = await startReflector({ stub: { expiredAs }, prepare: twoPods })
    await live(h)
    h.clock.advance(seconds(300))
    h.server.resetWatches('pods')
    await h.until('the reset is seen', () => h.counters.state === 'waiting')
    h.server.store.apply('pods', pod(1))
    h.server.store.remove('pods', uidOf(1, 2))
    h.server.store.apply('pods', pod(3))
    h.server.compact()
    await h.until('live again', () => h.frames.filter((each) => each.kind === 'synced').length === 2, 'moves')
    h.server.store.apply('pods', pod(3))
    await h.until('live', () => h.frames.length === 9, 'moves')
    assert.deepStrictEqual(h.said().slice(3), [
      'gap: expired',
      `modified ${name(1)}@4 relist`,
      `added ${name(3)}@6 relist`,
      `deleted ${name(2)}@3 relist synthetic`,
      'synced',
      `modified ${name(3)}@7 live`,
    ])
    assert.deepStrictEqual(h.counters.relists, { expired: 1 })
  })

test('410 while paging begins the list again and is no gap', async () => {
  const prepare = (s: SimulatedApiServer): void => {
    s.store.load(
      'pods',
      Array.from({ length: 4 }, (_, n) => pod(n)),
    )
    s.options = { ...s.options, watchList: false }
  }
  await using h = await startReflector({ limits: { pageItems: 2 }, prepare })
  h.server.fail('pods', 'list', { kind: 'status', code: 200 }, 0)
  await h.until('the first page', () => h.frames.length >= 2)
  h.server.compact()
  await h.until('live', synced(h), 'moves')
  assert.equal(h.said().filter((each) => each.startsWith('added')).length, 4)
  assert.equal(h.counters.gaps, 0)
})

test('429 waits for Retry-After and keeps the version', async () => {
  await using h = await startReflector({ prepare: twoPods })
  await live(h)
  h.server.fail('pods', 'watch', { kind: 'status', code: 429, reason: 'TooManyRequests', retryAfter: 10 })
  h.clock.advance(seconds(300))
  h.server.endWatches('pods')
  await h.until('429', () => h.counters.tooManyRequests === 1)
  h.clock.advance(seconds(9))
  await turns()
  const watches = (): number => h.server.requests.filter(({ watch }) => watch).length
  assert.equal(watches(), 2)
  await h.until('a third watch', () => watches() === 3, 'moves')
  assert.equal(h.server.requests.at(-1)?.query.get('resourceVersion'), '3')
})

test('an ERROR frame of 500 resumes without a list', async () => {
  await using h = await startReflector({ prepare: twoPods })
  await live(h)
  h.server.errorFrame('pods', { code: 500, reason: 'InternalError', message: 'etcd is unwell' })
  await h.until(
    'the second watch',
    () => h.server.openWatches('pods') === 1 && h.counters.restarts === 1,
    'moves',
  )
  assert.deepStrictEqual(h.counters.relists, {})
  assert.deepStrictEqual(h.counters.failures, { unavailable: 1 })
})

test('watches that close at once are not reopened in a tight loop', async () => {
  await using h = await startReflector({ prepare: twoPods })
  await live(h)
  h.server.fail('pods', 'watch', { kind: 'close' }, 1000)
  h.server.endWatches('pods')
  const before = h.clock.now()
  const watches = (): number => h.server.requests.filter(({ watch }) => watch).length
  await h.until('ten more watches', () => watches() >= 11, 'moves')
  // Half of 0.8, 1.6, 3.2 … with the limit of 30 s: more than a minute for ten.
  assert.ok(h.clock.now() - before > seconds(60), String(h.clock.now() - before))
})

test('the server dies and comes back: resumed, nothing missed', async () => {
  await using h = await startReflector({ prepare: twoPods })
  await live(h)
  await h.server.kill()
  await h.until('a refused connection', () => (h.counters.failures['network'] ?? 0) >= 2, 'moves')
  h.server.store.apply('pods', pod(3))
  await h.server.restart()
  await h.until('the change', () => h.frames.length === 4, 'moves')
  assert.equal(h.said().at(-1), `added ${name(3)}@4 relist`)
  assert.equal(h.counters.gaps, 0)
  assert.deepStrictEqual(h.counters.relists, {})
})

test('a server that was restored from a backup is listed anew: a gap, and nothing that is stored is missed', async () => {
  await using h = await startReflector({ prepare: twoPods })
  await live(h)
  for (const number of [3, 4, 5]) h.server.store.apply('pods', pod(number))
  await h.until('three changes', () => h.frames.length === 6)
  await h.server.kill()
  h.server.store.rewind(4)
  await h.server.restart()
  h.server.store.apply('pods', pod(6))
  await h.until('the list', () => h.said().filter((each) => each === 'synced').length === 2, 'moves')
  assert.deepStrictEqual(h.said().slice(6), [
    'gap: the resource version went back',
    `added ${name(6)}@5 relist`,
    `deleted ${name(4)}@5 relist synthetic`,
    `deleted ${name(5)}@6 relist synthetic`,
    'synced',
  ])
  h.server.store.apply('pods', pod(7))
  await h.until(
    'what comes then',
    () =>
      h
        .said()
        .at(-1)
        ?.startsWith(`added ${name(7)}@6`) === true,
  )
  assert.deepStrictEqual(h.counters.relists, { 'the resource version went back': 1 })
})

test('a hung server is left after the idle time, which begins with the first bookmark', async () => {
  await using h = await startReflector({ prepare: twoPods })
  await live(h)
  h.server.bookmark('pods')
  await h.until('the bookmark', () => h.counters.bookmarks === 2)
  h.clock.advance(seconds(199))
  await turns()
  assert.equal(h.counters.idleAborts, 0)
  h.clock.advance(seconds(2))
  await h.until('another watch', () => h.counters.restarts === 1, 'moves')
  assert.equal(h.counters.idleAborts, 1)
})

test('the idle time holds for a resumed watch too', async () => {
  await using h = await startReflector({ prepare: twoPods })
  await live(h)
  h.clock.advance(seconds(100))
  h.server.endWatches('pods')
  await h.until('resumed', () => h.counters.restarts === 1)
  h.server.bookmark('pods')
  await h.until('the bookmark', () => h.counters.bookmarks === 2)
  h.clock.advance(seconds(100))
  h.server.bookmark('pods')
  await h.until('another', () => h.counters.bookmarks === 3)
  h.clock.advance(seconds(101))
  await turns()
  assert.equal(h.counters.idleAborts, 0)
  h.clock.advance(seconds(100))
  await h.until('another watch', () => h.counters.restarts === 2, 'moves')
  assert.equal(h.counters.idleAborts, 1)
})

test('a stream without bookmarks is left only after its time-out', async () => {
  await using h = await startReflector({ resource: 'events', mode: 'tail' })
  await h.until('live', () => h.server.openWatches('events') === 1)
  h.server.store.apply('events', eventObject({ number: 1, resourceVersion: 0, pod: 1 }))
  await h.until('the event', () => h.frames.length === 2)
  h.clock.advance(seconds(449))
  await turns()
  assert.equal(h.counters.idleAborts, 0)
  h.clock.advance(seconds(32))
  await h.until('another watch', () => h.counters.restarts === 1, 'moves')
})

test('events are tailed from a list of one, and begin again after 410 with a gap since the last orderly end', async () => {
  const prepare = (s: SimulatedApiServer): void =>
    s.store.load(
      'events',
      Array.from({ length: 5 }, (_, n) => eventObject({ number: n, resourceVersion: 0, pod: 1 })),
    )
  await using h = await startReflector({ resource: 'events', mode: 'tail', prepare })
  await h.until('live', () => h.server.openWatches('events') === 1)
  assert.deepStrictEqual(queries(h)[0], 'limit=1')
  assert.deepStrictEqual(h.said(), ['synced'])
  h.server.store.apply('events', eventObject({ number: 9, resourceVersion: 0, pod: 1 }))
  await h.until('the event', () => h.frames.length === 2)
  h.clock.advance(seconds(400))
  const endedAt = h.clock.now()
  h.server.store.version += 10
  h.server.compact()
  h.server.endWatches('events')
  await h.until('tailing again', () => h.frames.some((each) => each.kind === 'gap'), 'moves')
  const gap = h.frames.find((each) => each.kind === 'gap')
  assert.ok(gap?.from !== undefined && gap.from >= endedAt)
})

test('what protobuf cannot read is read as JSON from the version before it, and nothing is lost', async () => {
  await using h = await startReflector({ prepare: twoPods })
  await live(h)
  h.server.store.apply('pods', pod(3))
  await h.until('the change', () => h.frames.length === 4)
  // Field 1 of the Pod is cut short inside its envelope.
  h.server.writeRaw('pods', frame(wrapWatchEvent('ADDED', unknown('v1', 'Pod', Buffer.from([10, 50, 1])))))
  h.server.store.apply('pods', pod(4))
  await h.until('the pod behind it', () => h.frames.length === 5, 'moves')
  assert.equal(h.said().at(-1), `added ${name(4)}@5 relist`)
  assert.equal(h.server.requests.at(-1)?.headers.accept, 'application/json')
  assert.deepStrictEqual(h.counters.decodeErrors, { truncated: 1 })
  assert.equal(h.counters.gaps, 0)
  h.clock.advance(seconds(300))
  h.server.endWatches('pods')
  await h.until('protobuf again', () => h.counters.restarts === 2, 'moves')
  assert.match(String(h.server.requests.at(-1)?.headers.accept), /^application\/vnd.kubernetes.protobuf/)
})

test('a stream that protobuf fails again and again stays with JSON', async () => {
  await using h = await startReflector({ prepare: twoPods, limits: { protobufErrors: 2 } })
  await live(h)
  for (let n = 1; n <= 2; n++) {
    h.server.writeRaw('pods', frame(Buffer.from([255])))
    await h.until('JSON', () => h.counters.jsonFallbacks === n && h.counters.state === 'live', 'moves')
    const restarts = h.counters.restarts
    h.clock.advance(seconds(300))
    h.server.endWatches('pods')
    await h.until('the next watch', () => h.counters.restarts > restarts, 'moves')
  }
  assert.equal(h.server.requests.at(-1)?.headers.accept, 'application/json')
  assert.equal(h.logged.filter((each) => each === 'undecodable').length, 1)
})

test('a line that is no JSON is counted and said as a gap; the stream goes on', async () => {
  await using h = await startReflector({ encoding: 'json', prepare: twoPods })
  await live(h)
  h.server.writeRaw('pods', Buffer.from('<html>\n'))
  h.server.store.apply('pods', pod(3))
  await h.until('the change', () => h.frames.length === 5)
  assert.deepStrictEqual(h.said().slice(3), [
    'gap: undecodable: expected an object',
    `added ${name(3)}@4 live`,
  ])
})

test('a frame over the limit is skipped, counted and said as a gap', async () => {
  await using h = await startReflector({ prepare: twoPods, limits: { maxFrameBytes: 8000 } })
  await live(h)
  h.server.writeRaw('pods', frame(Buffer.alloc(100_000)))
  h.server.store.apply('pods', pod(3))
  await h.until('the change', () => h.frames.length === 5)
  assert.equal(h.counters.oversizeFrames, 1)
  assert.equal(h.said()[4], `added ${name(3)}@4 live`)
})

test('a page that is not a list is asked for as JSON', async () => {
  await using h = await startReflector({
    stub: { watchList: false },
    prepare: (s) => {
      twoPods(s)
      s.fail('pods', 'list', {
        kind: 'body',
        contentType: 'application/vnd.kubernetes.protobuf',
        body: Buffer.from('??'),
      })
    },
  })
  await h.until('live', synced(h), 'moves')
  assert.equal(h.counters.jsonFallbacks, 1)
})

/** As no API server stores one. */
function withoutUid(number: number): Obj {
  const { uid: _, ...metadata } = pod(number)['metadata'] as Obj
  return { ...pod(number), metadata }
}

for (const limit of [1, 500])
  test(`an object that nothing can read costs itself, on the first of pages of ${limit} as on any other`, async () => {
    const prepare = (s: SimulatedApiServer): void =>
      s.store.load('pods', [pod(1), withoutUid(2), pod(3)].toReversed())
    await using h = await startReflector({
      stub: { watchList: false },
      limits: { pageItems: limit },
      prepare,
    })
    await h.until('live', synced(h), 'moves')
    const { counters } = h
    assert.deepStrictEqual([counters.gaps, counters.jsonFallbacks, counters.objects], [1, 1, 2])
    assert.deepStrictEqual(counters.decodeErrors, { missing: 2 })
  })

test('what is only served as JSON is not asked for again, whatever it is, and its loss is a gap', async () => {
  const of = (number: number): Obj => ({
    ...pod(number),
    kind: 'PersistentVolumeClaim',
    spec: {},
    status: {},
  })
  await using h = await startReflector({
    resource: 'persistentvolumeclaims',
    stub: { watchList: false },
    prepare: (s) => s.store.load('persistentvolumeclaims', [of(1), { ...of(2), metadata: { name: 'two' } }]),
  })
  await h.until('a watch', () => h.server.openWatches('persistentvolumeclaims') > 0)
  h.server.writeRaw('persistentvolumeclaims', Buffer.from('{"type":"ADDED","object":{"spec":1}}\n'))
  h.server.store.apply('persistentvolumeclaims', of(3))
  await h.until('the claim behind it', () => h.said().at(-1) === `added ${name(3)}@4 live`)
  assert.deepStrictEqual([h.counters.gaps, h.counters.jsonFallbacks, h.counters.restarts], [2, 0, 0])
})

test('a full consumer stops the socket and loses nothing', async () => {
  await using h = await startReflector({ prepare: twoPods })
  await live(h)
  h.valve.close()
  // What is stored in one turn comes in one chunk, and one chunk may still arrive.
  for (let number = 3; number < 9; number++) {
    h.server.store.apply('pods', pod(number))
    await turns()
  }
  const whileClosed = h.frames.length
  h.valve.open()
  await h.until('all of them', () => h.frames.length === 9)
  assert.ok(whileClosed < 9)
  assert.equal(h.counters.pauses, 1)
  assert.deepStrictEqual(
    h.said().slice(3),
    [3, 4, 5, 6, 7, 8].map((n) => `added ${name(n)}@${n + 1} live`),
  )
})

const REFUSAL = { kind: 'status', code: 403, reason: 'Forbidden', message: 'pods is forbidden' } as const

test('a missing right is reported, asked for again at first, and after some minutes rarely', async () => {
  await using h = await startReflector({ prepare: (s) => s.fail('pods', 'any', REFUSAL, 1000) })
  await h.until('the refusal', () => h.failures.length === 1)
  assert.equal(h.failures[0]?.kind, 'forbidden')
  assert.equal(h.counters.state, 'forbidden')
  h.clock.advance(seconds(1))
  await h.until('the second', () => h.failures.length === 2)
  h.clock.advance(seconds(300))
  await h.until('the last of those', () => h.failures.length === 3)
  h.clock.advance(seconds(120))
  await turns()
  assert.equal(h.failures.length, 3)
  h.server.faults.clear()
  h.clock.advance(seconds(180))
  await h.until('live', synced(h))
})

test('a stream that was there and is refused is away, and refused after some minutes', async () => {
  await using h = await startReflector({ prepare: twoPods })
  await live(h)
  h.server.fail('pods', 'any', REFUSAL, 1000)
  h.server.endWatches('pods')
  await h.until('the refusal', () => h.failures.length === 1, 'moves')
  assert.equal(h.counters.state, 'waiting')
  h.clock.advance(seconds(300))
  await h.until('one that does not pass', () => h.counters.state === 'forbidden', 'moves')
  h.server.faults.clear()
  h.clock.advance(seconds(300))
  await h.until('live', () => h.counters.state === 'live', 'moves')
  assert.equal(h.counters.gaps, 0)
})

test('a token that expires is refreshed once and the watch goes on', async () => {
  let token = 'first'
  let refreshed = 0
  await using h = await startReflector({
    stub: { token: 'first' },
    prepare: twoPods,
    connect: (server) => {
      const direct = openDirect(server.url)
      return {
        ...direct,
        authenticate: async () => {
          const { dispatcher } = await direct.authenticate()
          return { dispatcher, headers: { authorization: `Bearer ${token}` } }
        },
        refresh: async () => {
          refreshed += 1
          token = 'second'
        },
      }
    },
  })
  await live(h)
  h.server.options = { ...h.server.options, token: 'second' }
  h.clock.advance(seconds(300))
  h.server.endWatches('pods')
  await h.until('the second watch', () => h.counters.restarts === 1)
  assert.equal(refreshed, 1)
  assert.deepStrictEqual(h.failures, [])
})

test('credentials that stay refused are a failure, tried again with waits', async () => {
  await using h = await startReflector({ stub: { token: 'other' } })
  await h.until('refusals', () => (h.counters.failures['unauthorized'] ?? 0) >= 2, 'moves')
  assert.equal(h.logged.length, 1)
})

test('an owner is its metadata, under its own kind', async () => {
  await using h = await startReflector({
    resource: 'replicasets',
    prepare: (s) => s.store.load('replicasets', [ownerObject(1, 0)]),
  })
  await h.until('live', synced(h))
  const [first] = h.frames
  assert.ok(first && 'record' in first && first.record.resource === 'owners')
  assert.deepStrictEqual([first.record.apiVersion, first.record.kind], ['apps/v1', 'ReplicaSet'])
  assert.deepStrictEqual(first.record.annotations, { 'deployment.kubernetes.io/revision': '3' })
  assert.match(
    String(h.server.requests[0]?.headers.accept),
    /protobuf;as=PartialObjectMetadata;g=meta.k8s.io;v=v1/,
  )
})

test('a recorder gets the objects as they came, bookmarks included, with their phase', async () => {
  await using h = await startReflector({ encoding: 'json', stub: { watchList: false }, prepare: twoPods })
  await live(h)
  h.server.store.apply('pods', pod(3))
  h.server.bookmark('pods')
  await h.until('the bookmark', () => h.raw.length === 4)
  assert.deepStrictEqual(
    h.raw.map(({ type, phase, resource }) => `${resource} ${type} ${phase}`),
    ['pods ADDED initial', 'pods ADDED initial', 'pods ADDED live', 'pods BOOKMARK live'],
  )
  assert.deepStrictEqual(h.raw[0]?.object, {
    ...pod(1),
    metadata: { ...(pod(1)['metadata'] as object), resourceVersion: '2' },
  })
})

test('over TLS', async () => {
  await using h = await startReflector({
    stub: { tls: true },
    prepare: twoPods,
    connect: (server) => openDirect(server.url, {}, server.certificate ? { ca: server.certificate } : {}),
  })
  await live(h)
  assert.equal(h.frames.length, 3)
})

test('10,000 objects at the start arrive once each, by either way', async () => {
  const prepare = (s: SimulatedApiServer): void => loadPods(s.store, 10_000)
  for (const watchList of [true, false]) {
    await using h = await startReflector({ stub: { watchList }, prepare })
    await h.until('live', synced(h))
    const uids = new Set(h.frames.map((each) => ('record' in each ? each.record.uid : '')))
    assert.equal(uids.size, 10_001)
    assert.equal(h.frames.length, 10_001)
    assert.equal(h.counters.objects, 10_000)
  }
})
