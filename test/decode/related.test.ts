import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { AnyRecord } from '../../src/base/record.ts'
import { decodeJson } from '../../src/decode/json.ts'
import { RELATED_SOURCES } from '../../src/decode/resources.ts'

const meta = { uid: 'u-1', name: 'one', namespace: 'shop', resourceVersion: '7' }

function decode(source: string, object: Readonly<Record<string, unknown>>): AnyRecord {
  const decoded = decodeJson(source, { metadata: meta, ...object })
  assert.ok(decoded.ok, JSON.stringify(decoded))
  return decoded.record
}

test('a claim says its class, its volume, and which node was chosen for it', () => {
  const annotations = {
    'volume.kubernetes.io/selected-node': 'node-1',
    'volume.kubernetes.io/storage-provisioner': 'local',
    'someone.else/thing': 'dropped',
  }
  const record = decode('persistentvolumeclaims', {
    metadata: { ...meta, annotations },
    spec: { storageClassName: 'fast', volumeName: 'pv-1', resources: { requests: { storage: '1Gi' } } },
    status: { phase: 'Bound' },
  })
  const { 'someone.else/thing': _, ...kept } = annotations
  assert.deepEqual(record, {
    resource: 'persistentvolumeclaims',
    ...meta,
    annotations: kept,
    storageClass: 'fast',
    volume: 'pv-1',
    phase: 'Bound',
  })
})

test('an attachment says which volume goes to which node, and how its last try failed', () => {
  const record = decode('volumeattachments', {
    metadata: { uid: 'u-1', name: 'csi-1', resourceVersion: '7' },
    spec: { attacher: 'mock', nodeName: 'node-1', source: { persistentVolumeName: 'pv-1' } },
    status: { attached: false, attachError: { time: '2026-11-22T10:00:00Z', message: 'no room' } },
  })
  assert.deepEqual(record, {
    resource: 'volumeattachments',
    uid: 'u-1',
    name: 'csi-1',
    namespace: '',
    resourceVersion: '7',
    attacher: 'mock',
    node: 'node-1',
    volume: 'pv-1',
    attached: false,
    error: { seconds: Date.UTC(2026, 10, 22, 10) / 1000, message: 'no room' },
  })
})

test('a NodeClaim says its node and its conditions', () => {
  const record = decode('nodeclaims', {
    status: {
      nodeName: 'node-9',
      conditions: [{ type: 'Launched', status: 'True', lastTransitionTime: '2026-11-22T10:00:00Z' }],
    },
  })
  assert.deepEqual(record, {
    resource: 'nodeclaims',
    ...meta,
    node: 'node-9',
    conditions: [{ type: 'Launched', status: 'True', transitionSeconds: Date.UTC(2026, 10, 22, 10) / 1000 }],
  })
})

test('a Workload says its queue, and the cluster queue once it has quota', () => {
  const waiting = decode('workloads', { spec: { queueName: 'team' }, status: {} })
  assert.deepEqual(waiting, { resource: 'workloads', ...meta, queue: 'team' })
  const admitted = decode('workloads', {
    spec: { queueName: 'team' },
    status: { admission: { clusterQueue: 'all' }, conditions: [{ type: 'Admitted', status: 'True' }] },
  })
  assert.deepEqual(admitted, {
    resource: 'workloads',
    ...meta,
    queue: 'team',
    clusterQueue: 'all',
    conditions: [{ type: 'Admitted', status: 'True' }],
  })
})

test('a device claim says its drivers once each, for whom it is reserved, and what its devices report', () => {
  const record = decode('resourceclaims', {
    status: {
      allocation: {
        allocationTimestamp: '2026-11-22T10:00:00Z',
        devices: { results: [{ driver: 'gpu' }, { driver: 'gpu' }] },
      },
      reservedFor: [{ resource: 'pods', name: 'web', uid: 'p-1' }],
      devices: [{ driver: 'gpu', conditions: [{ type: 'Ready', status: 'True' }] }],
    },
  })
  assert.deepEqual(record, {
    resource: 'resourceclaims',
    ...meta,
    allocated: true,
    allocatedSeconds: Date.UTC(2026, 10, 22, 10) / 1000,
    drivers: ['gpu'],
    reservedFor: ['p-1'],
    conditions: [{ type: 'Ready', status: 'True' }],
  })
})

for (const source of RELATED_SOURCES) {
  test(`one of ${source} without spec and status is read, one without a name is refused with the path`, () => {
    assert.equal(decode(source, {}).resource, source)
    const refused = decodeJson(source, { metadata: { uid: 'u-1' } })
    assert.ok(!refused.ok)
    assert.equal(refused.error.where, 'metadata.name')
    const odd = decodeJson(source, { metadata: meta, status: [] })
    assert.ok(!odd.ok)
    assert.equal(odd.error.kind, 'wrong-type')
  })
}
