// Owns the part of the contract about single objects: made, read, replaced, patched, deleted, and refused.
// Promises the same tests for the simulator and for a real API server. Does not test validation: the simulator has none.

import assert from 'node:assert/strict'
import type { Obj } from './encode.ts'
import { type Case, createPod, metadataOf, podBody, type Room, sessionBody } from './contract-room.ts'

const statusOf = (body: Obj): readonly unknown[] => [
  body['kind'],
  body['status'],
  body['reason'],
  body['code'],
]

export const OBJECTS: readonly Case[] = [
  {
    name: 'an object that is made gets a UID, a version, and the second of its making',
    run: async (room) => {
      const before = Math.floor(Date.now() / 1000)
      const { code, body } = await room.post('pods', podBody('made'))
      const { creationTimestamp, name, namespace, resourceVersion, uid } = metadataOf(body)
      assert.equal(code, 201)
      assert.deepEqual([body['kind'], name, namespace], ['Pod', 'made', room.namespace])
      assert.match(String(uid), /^[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}$/)
      assert.match(String(resourceVersion), /^[1-9]\d*$/)
      assert.match(String(creationTimestamp), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/)
      assert.ok(Date.parse(String(creationTimestamp)) / 1000 >= before - 1)
    },
  },
  {
    name: 'a generated name begins as asked for',
    run: async (room) => {
      const { body } = await room.post('pods', {
        ...podBody('x'),
        metadata: { generateName: 'generated-', namespace: room.namespace },
      })
      assert.match(String(metadataOf(body)['name']), /^generated-[a-z0-9]{5}$/)
    },
  },
  {
    name: 'what is there already is not made again',
    run: async (room) => {
      await createPod(room, 'twice')
      const { code, body } = await room.post('pods', podBody('twice'))
      assert.deepEqual([code, ...statusOf(body)], [409, 'Status', 'Failure', 'AlreadyExists', 409])
      assert.equal(body['message'], 'pods "twice" already exists')
    },
  },
  {
    name: 'what is not there is not found, in a Status that names it',
    run: async (room) => {
      const { code, body, headers } = await room.get('pods/nobody')
      assert.deepEqual([code, ...statusOf(body)], [404, 'Status', 'Failure', 'NotFound', 404])
      assert.equal(body['message'], 'pods "nobody" not found')
      assert.deepEqual(body['details'], { name: 'nobody', kind: 'pods' })
      assert.equal(headers['content-type'], 'application/json')
    },
  },
  {
    name: 'a replacement of an older version is a conflict',
    run: async (room) => {
      const first = (await room.post('leases', { metadata: { name: 'old' }, spec: { holderIdentity: 'a' } }))
        .body
      const second = await room.call('PUT', 'leases/old', { ...first, spec: { holderIdentity: 'b' } })
      assert.equal(second.code, 200)
      const { code, body } = await room.call('PUT', 'leases/old', first)
      assert.deepEqual([code, ...statusOf(body)], [409, 'Status', 'Failure', 'Conflict', 409])
      assert.match(String(body['message']), /the object has been modified; please apply your changes/)
    },
  },
  {
    name: 'a replacement that changes nothing keeps the version',
    run: async (room) => {
      const { body } = await room.post('leases', {
        metadata: { name: 'same' },
        spec: { holderIdentity: 'a' },
      })
      const again = await room.call('PUT', 'leases/same', body)
      assert.equal(metadataOf(again.body)['resourceVersion'], metadataOf(body)['resourceVersion'])
    },
  },
  {
    name: 'a merge patch sets what it names, and removes what it names null',
    run: async (room) => {
      await room.post('leases', { metadata: { name: 'merged', labels: { a: '1', b: '2' } }, spec: {} })
      const { code, body } = await room.call('PATCH', 'leases/merged', {
        metadata: { labels: { a: null, c: '3' } },
        spec: { holderIdentity: 'me' },
      })
      assert.equal(code, 200)
      assert.deepEqual(metadataOf(body)['labels'], { b: '2', c: '3' })
      assert.deepEqual(body['spec'], { holderIdentity: 'me' })
    },
  },
  {
    name: 'a JSON patch whose test fails changes nothing',
    run: async (room) => {
      const made = await room.post('tracesessions', sessionBody('tested'))
      const patch = [
        { op: 'test', path: '/metadata/uid', value: 'another' },
        { op: 'add', path: '/metadata/labels', value: { a: 'b' } },
      ]
      const { code, body } = await room.call('PATCH', 'tracesessions/tested', patch, {
        contentType: 'application/json-patch+json',
      })
      assert.deepEqual([code, body['reason'], body['code']], [422, 'Invalid', 422])
      const now = await room.get('tracesessions/tested')
      assert.deepEqual(metadataOf(now.body), metadataOf(made.body))
    },
  },
  {
    name: 'a status is written through its own path, and only there',
    run: async (room) => {
      await room.post('tracesessions', sessionBody('parts'))
      const status = { phase: 'Running' }
      const first = await room.call('PATCH', 'tracesessions/parts/status', {
        status,
        spec: { suspend: true },
      })
      assert.deepEqual(first.body['status'], status)
      assert.equal((first.body['spec'] as Obj)['suspend'] ?? false, false)
      assert.equal(metadataOf(first.body)['generation'], 1)
      const second = await room.call('PATCH', 'tracesessions/parts', {
        status: { phase: 'Passed' },
        spec: { suspend: true },
      })
      assert.deepEqual(second.body['status'], status)
      assert.equal((second.body['spec'] as Obj)['suspend'], true)
      assert.equal(metadataOf(second.body)['generation'], 2)
    },
  },
  {
    name: 'an apply makes what is not there, and changes nothing where nothing differs',
    run: async (room) => {
      const body = sessionBody('applied')
      const apply = () =>
        room.call('PATCH', 'tracesessions/applied?fieldManager=contract&force=true', body, {
          contentType: 'application/apply-patch+yaml',
        })
      const made = await apply()
      const again = await apply()
      assert.deepEqual([made.code, again.code], [201, 200])
      assert.equal(metadataOf(again.body)['resourceVersion'], metadataOf(made.body)['resourceVersion'])
    },
  },
  {
    name: 'a deletion of another UID is a conflict; one without is a success',
    run: async (room) => {
      const { uid } = metadataOf((await room.post('tracesessions', sessionBody('gone'))).body)
      const preconditions = { uid: '00000000-0000-4000-8000-00000000dead' }
      const refused = await room.call('DELETE', 'tracesessions/gone', { preconditions })
      assert.deepEqual([refused.code, refused.body['reason']], [409, 'Conflict'])
      const { code, body } = await room.call('DELETE', 'tracesessions/gone')
      assert.deepEqual([code, body['kind'], body['status']], [200, 'Status', 'Success'])
      assert.equal((body['details'] as Obj)['uid'], uid)
      assert.equal((await room.get('tracesessions/gone')).code, 404)
    },
  },
  {
    name: 'a pod that no node has is gone as soon as it is deleted',
    run: async (room) => {
      await createPod(room, 'unbound')
      assert.equal((await room.call('DELETE', 'pods/unbound')).code, 200)
      assert.equal((await room.get('pods/unbound')).code, 404)
    },
  },
  {
    name: 'an Event is the same one in both of its groups, in the words of each',
    run: async (room) => {
      const made = await room.call('POST', 'events.k8s.io', {
        metadata: { name: 'told' },
        eventTime: '2026-11-22T12:00:00.000001Z',
        reportingController: 'example.com/tester',
        reportingInstance: 'tester-0',
        action: 'Test',
        reason: 'Tested',
        note: 'in words',
        type: 'Normal',
        regarding: { kind: 'Pod', namespace: room.namespace, name: 'nobody', uid: 'u-1' },
      })
      assert.equal(made.code, 201, JSON.stringify(made.body))
      const core = (await room.get('events/told')).body
      assert.deepEqual(
        [core['message'], core['reason'], core['reportingComponent'], core['eventTime']],
        ['in words', 'Tested', 'example.com/tester', '2026-11-22T12:00:00.000001Z'],
      )
      assert.equal((core['involvedObject'] as Obj)['uid'], 'u-1')
      const grouped = (await room.get('events.k8s.io/told')).body
      assert.deepEqual([grouped['note'], grouped['reportingController']], ['in words', 'example.com/tester'])
      assert.equal((grouped['regarding'] as Obj)['uid'], 'u-1')
    },
  },
  {
    name: 'metadata alone is what is asked for, of built-in and custom kinds',
    run: async (room) => {
      await createPod(room, 'partial')
      await room.post('tracesessions', sessionBody('partial'))
      const accept = 'application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1'
      for (const path of ['pods/partial', 'tracesessions/partial']) {
        const { body } = await room.get(path, { accept })
        assert.deepEqual([body['kind'], body['apiVersion']], ['PartialObjectMetadata', 'meta.k8s.io/v1'])
        assert.equal(metadataOf(body)['name'], 'partial')
        assert.equal(body['spec'], undefined)
      }
    },
  },
  {
    name: 'a custom kind has no protobuf: it is refused, or given as JSON where that will do',
    run: async (room: Room) => {
      await room.post('tracesessions', sessionBody('words'))
      const only = await room.get('tracesessions/words', { accept: 'application/vnd.kubernetes.protobuf' })
      assert.equal(only.code, 406)
      const either = await room.get('tracesessions/words', {
        accept: 'application/vnd.kubernetes.protobuf,application/json',
      })
      assert.deepEqual([either.code, either.headers['content-type']], [200, 'application/json'])
    },
  },
]
