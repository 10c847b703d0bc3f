// Owns the part of the contract about lists: order, pages, snapshots that are compacted away, selectors, forms.
// Promises the same tests for the simulator and for a real API server. Does not test watches.

import assert from 'node:assert/strict'
import { PROTOBUF } from './contract-client.ts'
import { type Case, createPod, itemsOf, metadataOf, nameOf, type Room, sessionBody } from './contract-room.ts'
import type { Obj } from './encode.ts'

async function fivePods(room: Room): Promise<void> {
  for (const name of ['delta', 'alpha', 'echo', 'charlie', 'bravo'])
    await createPod(room, name, { half: name < 'charlie' ? 'first' : 'second' })
}

const names = (list: Obj): string[] => itemsOf(list).map(nameOf)
const continueOf = (list: Obj): string => encodeURIComponent(String(metadataOf(list)['continue']))

export const LISTS: readonly Case[] = [
  {
    name: 'a list is in the order of names, and says the version that it shows',
    run: async (room) => {
      await fivePods(room)
      const { body } = await room.get('pods')
      assert.deepEqual([body['kind'], body['apiVersion']], ['PodList', 'v1'])
      assert.deepEqual(names(body), ['alpha', 'bravo', 'charlie', 'delta', 'echo'])
      assert.match(String(metadataOf(body)['resourceVersion']), /^[1-9]\d*$/)
      assert.equal(itemsOf(body)[0]?.['kind'], undefined, 'built-in items do not repeat their kind')
    },
  },
  {
    name: 'items of a custom kind say their kind',
    run: async (room) => {
      await room.post('tracesessions', sessionBody('typed'))
      const { body } = await room.get('tracesessions')
      assert.equal(body['kind'], 'TraceSessionList')
      assert.deepEqual(
        [itemsOf(body)[0]?.['kind'], itemsOf(body)[0]?.['apiVersion']],
        ['TraceSession', 'podspan.dev/v1alpha1'],
      )
    },
  },
  {
    name: 'pages are of one version, whatever changes between them',
    run: async (room) => {
      await fivePods(room)
      const first = (await room.get('pods?limit=2')).body
      assert.deepEqual(names(first), ['alpha', 'bravo'])
      assert.equal(metadataOf(first)['remainingItemCount'], 3)
      await createPod(room, 'between')
      await room.call('DELETE', 'pods/echo')
      const second = (await room.get(`pods?limit=2&continue=${continueOf(first)}`)).body
      assert.deepEqual(names(second), ['charlie', 'delta'])
      const third = (await room.get(`pods?limit=2&continue=${continueOf(second)}`)).body
      assert.deepEqual(names(third), ['echo'])
      assert.equal(metadataOf(third)['continue'] ?? '', '')
      const versions = [first, second, third].map((page) => metadataOf(page)['resourceVersion'])
      assert.equal(new Set(versions).size, 1)
    },
  },
  {
    name: 'a snapshot that was compacted away is expired, and the answer says how to read the rest of what is there now',
    run: async (room) => {
      await fivePods(room)
      const first = (await room.get('pods?limit=2')).body
      await createPod(room, 'delta-2')
      await room.subject.compact()
      const { code, body } = await room.get(`pods?limit=2&continue=${continueOf(first)}`)
      assert.deepEqual([code, body['reason'], body['code']], [410, 'Expired', 410])
      const rest = (await room.get(`pods?continue=${continueOf(body)}`)).body
      assert.deepEqual(names(rest), ['charlie', 'delta', 'delta-2', 'echo'])
    },
  },
  {
    name: 'a token that is none is refused',
    run: async (room) => {
      const { code, body } = await room.get('pods?limit=2&continue=nonsense')
      assert.deepEqual([code, body['reason']], [400, 'BadRequest'])
    },
  },
  {
    name: 'a list shows what its selectors choose',
    run: async (room) => {
      await fivePods(room)
      const chosen = async (query: string) => names((await room.get(`pods?${query}`)).body)
      assert.deepEqual(await chosen('labelSelector=half%3Dfirst'), ['alpha', 'bravo'])
      assert.deepEqual(await chosen('labelSelector=half!%3Dfirst'), ['charlie', 'delta', 'echo'])
      assert.deepEqual(await chosen('labelSelector=half+in+(first)'), ['alpha', 'bravo'])
      assert.deepEqual(await chosen('labelSelector=!half'), [])
      assert.deepEqual(await chosen('fieldSelector=metadata.name%3Ddelta'), ['delta'])
      assert.deepEqual(await chosen('fieldSelector=spec.nodeName%3Dnowhere'), [])
    },
  },
  {
    name: 'events are found by the object that they are about',
    run: async (room) => {
      for (const uid of ['u-1', 'u-2'])
        await room.post('events', {
          metadata: { name: uid },
          involvedObject: { kind: 'Pod', namespace: room.namespace, name: 'x', uid },
          reason: 'Tested',
        })
      const { body } = await room.get('events?fieldSelector=involvedObject.uid%3Du-2')
      assert.deepEqual(names(body), ['u-2'])
    },
  },
  {
    name: 'a list of metadata is one, in JSON and in protobuf',
    run: async (room) => {
      await fivePods(room)
      const as = 'as=PartialObjectMetadataList;g=meta.k8s.io;v=v1'
      const { body } = await room.get('pods', { accept: `application/json;${as}` })
      assert.equal(body['kind'], 'PartialObjectMetadataList')
      assert.equal(itemsOf(body)[0]?.['spec'], undefined)
      const packed = await room.get('pods', { accept: `${PROTOBUF};${as},application/json;${as}` })
      assert.equal(packed.headers['content-type'], PROTOBUF)
      assert.ok(packed.bytes.includes('PartialObjectMetadataList'))
    },
  },
  {
    name: 'protobuf is what is answered where it is asked for first',
    run: async (room) => {
      await fivePods(room)
      const { bytes, headers } = await room.get('pods', { accept: `${PROTOBUF},application/json` })
      assert.equal(headers['content-type'], PROTOBUF)
      assert.equal(bytes.subarray(0, 4).toString('latin1'), 'k8s\0')
      assert.ok(bytes.includes('charlie') && bytes.includes('PodList'))
    },
  },
  {
    name: 'a version that is not there yet is too large',
    run: async (room) => {
      const { code, body } = await room.get(
        'pods?resourceVersion=999999999999&resourceVersionMatch=NotOlderThan',
      )
      assert.deepEqual([code, body['reason']], [504, 'Timeout'])
      const { causes } = body['details'] as { causes: readonly { reason: string }[] }
      assert.deepEqual(
        causes.map(({ reason }) => reason),
        ['ResourceVersionTooLarge'],
      )
    },
  },
]
