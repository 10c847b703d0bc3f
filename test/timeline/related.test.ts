// Owns the objects beside the pods: which facts are drawn from them, how they are found, and that they stay few.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ObjectFrame } from '../../src/base/frame.ts'
import type { AttachmentRecord, ClaimRecord, EventRecord, NodeRecord } from '../../src/base/record.ts'
import { fromSeconds } from '../../src/base/time.ts'
import type { RelatedObject } from '../../src/observe/related.ts'
import {
  emptyRelatedObjects,
  foldRelated,
  foldRelatedEvent,
  type Related,
  type RelatedObjects,
  surroundingsOf,
  sweepRelated,
} from '../../src/timeline/related.ts'

const START = 1_790_000_000
let version = 1

const claim = (fields: Partial<ClaimRecord> = {}): ClaimRecord => ({
  resource: 'persistentvolumeclaims',
  uid: 'claim-1',
  name: 'data',
  namespace: 'shop',
  resourceVersion: String(version++),
  createdSeconds: START,
  ...fields,
})

const attachment = (fields: Partial<AttachmentRecord> = {}): AttachmentRecord => ({
  resource: 'volumeattachments',
  uid: 'attachment-1',
  name: 'csi-1',
  namespace: '',
  resourceVersion: String(version++),
  attacher: 'mock',
  node: 'node-1',
  volume: 'pv-1',
  attached: false,
  ...fields,
})

function show(
  objects: RelatedObjects,
  second: number,
  record: RelatedObject,
  frame: Partial<ObjectFrame> = {},
): number {
  const t = fromSeconds(START + second)
  const whole: ObjectFrame = { kind: 'modified', t, source: record.resource, phase: 'live', record, ...frame }
  return foldRelated(objects, whole, record)
}

const factsOf = (related: Related | undefined): string[] =>
  [...(related?.facts.values() ?? [])].map(({ what, detail }) => `${what} ${detail?.value ?? ''}`.trim())

test('each version adds what it shows and the one before did not', () => {
  const objects = emptyRelatedObjects()
  show(objects, 0, claim(), { kind: 'added' })
  show(objects, 1, claim({ annotations: { 'volume.kubernetes.io/selected-node': 'node-1' } }))
  const annotations = {
    'volume.kubernetes.io/selected-node': 'node-1',
    'pv.kubernetes.io/bind-completed': 'yes',
  }
  show(objects, 2, claim({ annotations, volume: 'pv-1', phase: 'Bound' }))
  show(objects, 3, claim({ annotations, volume: 'pv-1', phase: 'Bound', labels: { a: 'b' } }))
  const found = surroundingsOf(objects).related('persistentvolumeclaims', 'shop', 'data')
  assert.deepEqual(factsOf(found), ['created', 'node selected node-1', 'claim bound pv-1'])
})

test('a version that comes again changes nothing', () => {
  const objects = emptyRelatedObjects()
  const bound = claim({ phase: 'Bound' })
  show(objects, 0, bound)
  const before = structuredClone(factsOf(surroundingsOf(objects).related(bound.resource, 'shop', 'data')))
  show(objects, 1, bound)
  assert.deepEqual(factsOf(surroundingsOf(objects).related(bound.resource, 'shop', 'data')), before)
})

test('an attachment is found by its volume, and each failed try is a fact of its own', () => {
  const objects = emptyRelatedObjects()
  show(objects, 0, attachment(), { kind: 'added' })
  show(objects, 1, attachment({ error: { seconds: START + 1, message: 'busy' } }))
  show(objects, 2, attachment({ error: { seconds: START + 2, message: 'busy' } }))
  show(objects, 3, attachment({ attached: true }))
  const [found] = surroundingsOf(objects).linked('volume/pv-1')
  assert.deepEqual(factsOf(found), ['created', 'attach failed', 'attach failed', 'attached'])
  assert.deepEqual(surroundingsOf(objects).linked('volume/pv-2'), [])
})

test('taints that go and conditions that turn are facts of a node, on its own clock', () => {
  const objects = emptyRelatedObjects()
  const node = (fields: Partial<NodeRecord>): NodeRecord => ({
    resource: 'nodes',
    uid: 'node-uid',
    name: 'node-1',
    namespace: '',
    resourceVersion: String(version++),
    ...fields,
  })
  const taints = [{ key: 'node.kubernetes.io/not-ready', effect: 'NoSchedule' }]
  show(objects, 0, node({ taints, conditions: [{ type: 'Ready', status: 'False' }] }), { kind: 'added' })
  const ready = [{ type: 'Ready', status: 'True', transitionSeconds: START + 1 }]
  show(objects, 1, node({ taints, conditions: ready }))
  show(objects, 2, node({ conditions: ready }))
  const found = surroundingsOf(objects).related('nodes', '', 'node-1')
  assert.deepEqual(factsOf(found), [
    'created',
    'taints left node.kubernetes.io/not-ready',
    'condition False',
    'condition True',
    'untainted node.kubernetes.io/not-ready',
    'taints left',
  ])
  const turned = [...(found?.facts.values() ?? [])].find(({ detail }) => detail?.value === 'True')
  assert.deepEqual(
    turned?.stamps.map(({ clock }) => clock),
    ['node/node-1', 'observer'],
  )
})

const OLD = 1900
const listed = { kind: 'added', phase: 'initial' } as const
const oldNode = (fields: Partial<NodeRecord> = {}): NodeRecord => ({
  resource: 'nodes',
  uid: 'node-1',
  name: 'node-1',
  namespace: '',
  resourceVersion: String(version++),
  createdSeconds: START - 100_000,
  conditions: [{ type: 'Ready', status: 'True', transitionSeconds: START }],
  ...fields,
})

test('of a node that a list shows long after anything befell it nothing is remembered, and what befalls it then is', () => {
  const objects = emptyRelatedObjects()
  show(objects, OLD, oldNode(), listed)
  const node = surroundingsOf(objects).related('nodes', '', 'node-1')
  assert.deepEqual(factsOf(node), [])
  show(objects, OLD + 1, oldNode({ taints: [{ key: 'node.kubernetes.io/not-ready', effect: 'NoExecute' }] }))
  assert.deepEqual(factsOf(node), ['taints left node.kubernetes.io/not-ready'])
})

for (const [name, second, fields] of [
  ['young', OLD, { createdSeconds: START + OLD - 60 }],
  ['lately ready', OLD - 200, {}],
] as const)
  test(`a node that a list shows ${name} is remembered`, () => {
    const objects = emptyRelatedObjects()
    show(objects, second, oldNode(fields), listed)
    assert.equal(factsOf(surroundingsOf(objects).related('nodes', '', 'node-1'))[0], 'created')
  })

test('another object of the same name begins anew', () => {
  const objects = emptyRelatedObjects()
  show(objects, 0, claim({ phase: 'Bound', volume: 'pv-1' }))
  show(objects, 9, claim({ uid: 'claim-2' }), { kind: 'added' })
  const found = surroundingsOf(objects).related('persistentvolumeclaims', 'shop', 'data')
  assert.deepEqual(factsOf(found), ['created'])
})

test('what is gone can be asked for during half an hour, and not for ever', () => {
  const objects = emptyRelatedObjects()
  const last = attachment({ attached: true })
  show(objects, 0, last)
  show(objects, 1, { ...last, resourceVersion: String(version++) }, { kind: 'deleted' })
  sweepRelated(objects, fromSeconds(START + 1700))
  assert.equal(surroundingsOf(objects).linked('volume/pv-1').length, 1)
  sweepRelated(objects, fromSeconds(START + 1900))
  assert.equal(surroundingsOf(objects).linked('volume/pv-1').length, 0)
  assert.equal(objects.byKey.size, 0)
})

test('what a list no longer shows keeps what was known of it', () => {
  const objects = emptyRelatedObjects()
  show(objects, 0, attachment({ attached: true }))
  const bare: AttachmentRecord = { ...attachment(), attacher: '', node: '', attached: false }
  const { volume: _, ...nameless } = bare
  show(objects, 1, nameless, { kind: 'deleted', phase: 'relist', synthetic: true })
  const [found] = surroundingsOf(objects).linked('volume/pv-1')
  assert.ok(found?.gone)
  assert.ok(factsOf(found).includes('attached') && factsOf(found).includes('deleted'))
})

const event = (reason: string, fields: Partial<EventRecord> = {}): EventRecord => ({
  resource: 'events',
  uid: `event-${version}`,
  name: `data.${version}`,
  namespace: 'shop',
  resourceVersion: String(version++),
  involved: { kind: 'PersistentVolumeClaim', namespace: 'shop', name: 'data' },
  reason,
  message: 'said',
  firstSeconds: START,
  ...fields,
})

function say(objects: RelatedObjects, record: EventRecord): number {
  const t = fromSeconds(START + 1)
  return foldRelatedEvent(objects, { kind: 'added', t, source: 'events', phase: 'live', record }, record)
}

test('events that somebody reads wait for their object, others leave nothing', () => {
  const objects = emptyRelatedObjects()
  say(objects, event('Provisioning'))
  say(objects, event('SomethingElse'))
  say(objects, event('Provisioning', { involved: { kind: 'Secret', namespace: 'shop', name: 'data' } }))
  show(objects, 2, claim(), { kind: 'added' })
  const found = surroundingsOf(objects).related('persistentvolumeclaims', 'shop', 'data')
  assert.deepEqual(factsOf(found), ['noted', 'created'])
  assert.equal(objects.byKey.size, 1)
})

test('of an object that says much, the oldest facts make room, and that is counted', () => {
  const objects = emptyRelatedObjects()
  let dropped = 0
  for (let n = 0; n < 130; n++) dropped += say(objects, event('ProvisioningFailed'))
  assert.equal(dropped, 30)
  const found = surroundingsOf(objects).related('persistentvolumeclaims', 'shop', 'data')
  assert.equal(found?.facts.size, 100)
})

test('an older version that the watch shows again changes nothing', () => {
  const objects = emptyRelatedObjects()
  const unbound = claim()
  const bound = claim({ phase: 'Bound', volume: 'pv-1' })
  for (const [second, record] of [unbound, bound, unbound].entries()) show(objects, second, record)
  const found = surroundingsOf(objects).related('persistentvolumeclaims', 'shop', 'data')
  assert.equal(found?.record, bound)
  show(objects, 4, unbound, { phase: 'relist' })
  assert.equal(surroundingsOf(objects).related('persistentvolumeclaims', 'shop', 'data')?.record, unbound)
})
