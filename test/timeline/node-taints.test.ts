import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { NodeRecord, Taint, Toleration } from '../../src/base/record.ts'
import { NodeTaints } from '../../src/timeline/node-taints.ts'

const node = (taints: readonly Taint[], more: Partial<NodeRecord> = {}): NodeRecord => ({
  resource: 'nodes',
  uid: 'n',
  name: 'node-1',
  namespace: '',
  resourceVersion: '1',
  taints,
  ...more,
})

function listed(): NodeTaints {
  const taints = new NodeTaints()
  taints.isComplete = true
  return taints
}

const GPU: Taint = { key: 'dedicated', value: 'gpu', effect: 'NoSchedule' }
const SLA: Taint = { key: 'sla', value: '950', effect: 'NoExecute' }
const AWAY: Taint = { key: 'node.kubernetes.io/unreachable', effect: 'NoExecute' }

const CASES: readonly (readonly [
  name: string,
  taint: Taint,
  toleration: Toleration,
  isTolerated: boolean,
])[] = [
  ['of another key', GPU, { key: 'other', operator: 'Exists' }, false],
  ['of its key and value', GPU, { key: 'dedicated', value: 'gpu', effect: 'NoSchedule' }, true],
  ['of another value', GPU, { key: 'dedicated', operator: 'Equal', value: 'cpu' }, false],
  ['of another effect', GPU, { key: 'dedicated', operator: 'Exists', effect: 'NoExecute' }, false],
  ['of any value', GPU, { key: 'dedicated', operator: 'Exists' }, true],
  ['of everything', GPU, { operator: 'Exists' }, true],
  ['of no value where there is none', AWAY, { key: AWAY.key }, true],
  ['of more than a number', SLA, { key: 'sla', operator: 'Gt', value: '900' }, true],
  ['of more than the same number', SLA, { key: 'sla', operator: 'Gt', value: '950' }, false],
  ['of less than a number', SLA, { key: 'sla', operator: 'Lt', value: '1000' }, true],
  ['of more than what is no number', GPU, { key: 'dedicated', operator: 'Gt', value: '1' }, false],
  ['of an operator that nobody knows', SLA, { key: 'sla', operator: 'About', value: '950' }, false],
]

for (const [name, taint, toleration, isTolerated] of CASES)
  test(`a toleration ${name} ${isTolerated ? 'lets' : 'does not let'} a pod onto the node`, () => {
    const taints = listed()
    taints.note(undefined, node([taint]))
    assert.equal(taints.untolerated({ tolerations: [toleration] }).length, isTolerated ? 0 : 1)
  })

test('taints are named as kubectl writes them, by name, and forgotten with the last node', () => {
  const taints = listed()
  const both = node([SLA, GPU])
  taints.note(undefined, both)
  taints.note(undefined, node([GPU, { key: 'soft', effect: 'PreferNoSchedule' }]))
  taints.note(undefined, node([AWAY], { unschedulable: true }))
  assert.deepEqual(taints.untolerated({}), ['dedicated=gpu:NoSchedule', 'sla=950:NoExecute'])
  taints.note(both, node([GPU]))
  assert.deepEqual(taints.untolerated({}), ['dedicated=gpu:NoSchedule'])
  taints.note(node([GPU]), undefined)
  taints.note(node([GPU]), node([]))
  assert.deepEqual(taints.untolerated({}), [])
})

test('what only cordoned nodes have counts for a pod that does not mind that', () => {
  const taints = listed()
  taints.note(undefined, node([GPU], { unschedulable: true }))
  assert.deepEqual(taints.untolerated({}), [])
  const tolerations = [{ key: 'node.kubernetes.io/unschedulable', operator: 'Exists' }]
  assert.deepEqual(taints.untolerated({ tolerations }), ['dedicated=gpu:NoSchedule'])
})

test('of thousands of taints a few are named, and none before the nodes are listed', () => {
  const taints = listed()
  for (let index = 0; index < 3000; index++)
    taints.note(undefined, node([{ key: `own-${index}`, effect: 'NoSchedule' }]))
  assert.equal(taints.untolerated({}).length, 20)
  const early = new NodeTaints()
  early.note(undefined, node([GPU]))
  assert.deepEqual(early.untolerated({}), [])
})
