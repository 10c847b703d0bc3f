// Owns the part of the contract about watches: from a version, from the state, with initial events, selectors, bookmarks, ends, 410.
// Promises the same tests for the simulator and for a real API server. Does not measure speed.

import assert from 'node:assert/strict'
import { PROTOBUF, watchFrames, type WatchEvent } from './contract-client.ts'
import {
  type Case,
  createPod,
  metadataOf,
  nameOf,
  type Room,
  sessionBody,
  versionOf,
} from './contract-room.ts'
import { sessionsServed } from './contract-service.ts'
import type { Obj } from './encode.ts'

const say = ({ type, object }: WatchEvent): string => `${type} ${nameOf(object)}`
const versionNow = async (room: Room): Promise<bigint> => versionOf((await room.get('pods')).body)
const label = (room: Room, name: string, labels: Obj) =>
  room.call('PATCH', `pods/${name}`, { metadata: { labels } })
const WATCH_LIST = 'watch=1&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true'
const endsInitial = ({ type, object }: WatchEvent): boolean =>
  type === 'BOOKMARK' &&
  (metadataOf(object)['annotations'] as Obj | undefined)?.['k8s.io/initial-events-end'] === 'true'

export const WATCHES: readonly Case[] = [
  {
    name: 'a watch from a version shows every change since, in order, and a deletion with its own version',
    run: async (room) => {
      await createPod(room, 'before')
      const from = await versionNow(room)
      await createPod(room, 'one')
      using watching = await room.watch(`pods?watch=1&resourceVersion=${from}`)
      await label(room, 'one', { a: 'b' })
      await room.call('DELETE', 'pods/one?gracePeriodSeconds=0')
      // Of a pod even a deletion at once is two writes: the mark, and the end.
      const events = await watching.take(4)
      assert.deepEqual(events.map(say), ['ADDED one', 'MODIFIED one', 'MODIFIED one', 'DELETED one'])
      assert.ok(metadataOf(events[2]?.object ?? {})['deletionTimestamp'])
      const versions = events.map(({ object }) => versionOf(object))
      assert.ok(
        versions.every((version, n) => version > (versions[n - 1] ?? from)),
        versions.join(),
      )
      assert.equal(watching.headers['content-type'], 'application/json')
    },
  },
  {
    name: 'a watch without a version, or from 0, begins with what is there',
    run: async (room) => {
      await createPod(room, 'there')
      for (const query of ['watch=1', 'watch=1&resourceVersion=0']) {
        using watching = await room.watch(`pods?${query}`)
        assert.deepEqual((await watching.take(1)).map(say), ['ADDED there'])
      }
    },
  },
  {
    name: 'a WatchList sends what is there, then a bookmark that says so, then what changes',
    run: async (room) => {
      await createPod(room, 'one')
      await createPod(room, 'two')
      using watching = await room.watch(`pods?${WATCH_LIST}`)
      const events = await watching.take(3)
      assert.deepEqual(events.slice(0, 2).map(say).toSorted(), ['ADDED one', 'ADDED two'])
      const [, , mark] = events as [WatchEvent, WatchEvent, WatchEvent]
      assert.ok(endsInitial(mark), JSON.stringify(mark))
      assert.equal(mark.object['kind'], 'Pod')
      assert.ok(versionOf(mark.object) >= versionOf(events[1]?.object ?? {}))
      await createPod(room, 'three')
      assert.deepEqual((await watching.take(1)).map(say), ['ADDED three'])
    },
  },
  {
    name: 'a WatchList in protobuf is frames of their length, each an envelope',
    run: async (room) => {
      await createPod(room, 'one')
      const { contentType, frames } = await watchFrames(room.subject, room.path(`pods?${WATCH_LIST}`), 2)
      assert.equal(contentType, `${PROTOBUF};stream=watch`)
      assert.deepEqual(
        frames.map((frame) => frame.subarray(2, 2 + (frame[1] ?? 0)).toString()),
        ['ADDED', 'BOOKMARK'],
      )
      assert.ok(frames.every((frame) => frame.includes('k8s\0')))
    },
  },
  {
    name: 'initial events must be asked for as not older than',
    run: async (room) => {
      const { code, body } = await room.get('pods?watch=1&sendInitialEvents=true&allowWatchBookmarks=true')
      assert.deepEqual([code, body['reason']], [422, 'Invalid'])
    },
  },
  {
    name: 'a watch shows what its selector chooses: what enters is added, what leaves is deleted',
    run: async (room) => {
      await createPod(room, 'in', { chosen: 'yes' })
      await createPod(room, 'out', { chosen: 'no' })
      const from = await versionNow(room)
      using watching = await room.watch(`pods?watch=1&resourceVersion=${from}&labelSelector=chosen%3Dyes`)
      await label(room, 'out', { chosen: 'yes' })
      await label(room, 'out', { more: 'yes' })
      await label(room, 'in', { chosen: 'no' })
      await label(room, 'in', { more: 'no' })
      await room.call('DELETE', 'pods/out?gracePeriodSeconds=0')
      const events = await watching.take(5)
      assert.deepEqual(events.map(say), [
        'ADDED out',
        'MODIFIED out',
        'DELETED in',
        'MODIFIED out',
        'DELETED out',
      ])
    },
  },
  {
    name: 'a watch of metadata shows metadata',
    run: async (room) => {
      await createPod(room, 'one', { a: 'b' })
      using watching = await room.watch('pods?watch=1', {
        accept: 'application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1',
      })
      const [event] = await watching.take(1)
      assert.equal(event?.object['kind'], 'PartialObjectMetadata')
      assert.equal(event?.object['spec'], undefined)
      assert.deepEqual(metadataOf(event?.object ?? {})['labels'], { a: 'b' })
    },
  },
  {
    name: 'a watch ends at its time in order, and a bookmark before that says how far it had come',
    run: async (room) => {
      const from = await versionNow(room)
      using watching = await room.watch(
        `pods?watch=1&resourceVersion=${from}&allowWatchBookmarks=true&timeoutSeconds=3`,
      )
      const { body } = await room.post('pods', { metadata: { name: 'one' }, spec: ONE })
      const events = await watching.rest()
      assert.equal(events[0]?.type, 'ADDED')
      const marks = events.filter(({ type }) => type === 'BOOKMARK')
      assert.ok(marks.length > 0, 'a bookmark comes')
      assert.ok(marks.every(({ object }) => versionOf(object) >= versionOf(body)))
      assert.equal(marks[0]?.object['kind'], 'Pod')
    },
  },
  {
    name: 'a watch from what was compacted away is expired',
    run: async (room) => {
      const from = await versionNow(room)
      await createPod(room, 'one')
      await createPod(room, 'two')
      await room.subject.compact()
      using watching = await room.watch(`pods?watch=1&resourceVersion=${from}`)
      const first = await watching.next()
      assert.deepEqual([watching.code, first?.type, first?.object['code']], [200, 'ERROR', 410])
      assert.deepEqual([first?.object['kind'], first?.object['reason']], ['Status', 'Expired'])
      assert.equal(await watching.next(), undefined, 'and it ends')
    },
  },
  {
    name: 'a watch resumes after a restart, also one of a custom kind',
    run: async (room) => {
      const from = await versionNow(room)
      await room.post('tracesessions', sessionBody('kept'))
      await createPod(room, 'one')
      await room.subject.restart()
      await sessionsServed(room.subject, 200)
      const sessions = versionOf((await room.get('tracesessions')).body)
      await createPod(room, 'two')
      using pods = await room.watch(`pods?watch=1&resourceVersion=${from}`)
      const events = [await pods.next(), await pods.next()]
      // What was stored before the restart may be out of the new window.
      if (events[0]?.type === 'ERROR') assert.equal(events[0].object['code'], 410)
      else
        assert.deepEqual(
          events.map((event) => event && say(event)),
          ['ADDED one', 'ADDED two'],
        )
      using custom = await room.watch(`tracesessions?watch=1&resourceVersion=${sessions}`)
      await room.post('tracesessions', sessionBody('new'))
      assert.deepEqual((await custom.take(1)).map(say), ['ADDED new'])
    },
  },
  {
    name: 'a watch from a version that is not there yet is accepted, and shows nothing until that has passed',
    run: async (room) => {
      const now = await versionNow(room)
      using watching = await room.watch(`pods?watch=1&resourceVersion=${now + 1000n}&timeoutSeconds=2`)
      await createPod(room, 'lower')
      assert.deepEqual([watching.code, await watching.rest()], [200, []])
    },
  },
]

const ONE = { containers: [{ name: 'app', image: 'example.com/app:1' }] }
