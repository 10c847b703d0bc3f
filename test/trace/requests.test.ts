import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ContainerSpec, PodRecord } from '../../src/base/record.ts'
import { parseQuantity, requestsOf } from '../../src/trace/requests.ts'

const NANO = 1_000_000_000n

for (const [text, nano] of [
  ['100m', NANO / 10n],
  ['2', 2n * NANO],
  ['0', 0n],
  ['.5', NANO / 2n],
  ['1.', NANO],
  ['0.1', NANO / 10n],
  ['1e3', 1000n * NANO],
  ['1E3', 1000n * NANO],
  ['12e-1', 1_200_000_000n],
  ['1E', 10n ** 18n * NANO],
  ['1Ei', 2n ** 60n * NANO],
  ['1Gi', 2n ** 30n * NANO],
  ['1.5Gi', 3n * 2n ** 29n * NANO],
  ['500Mi', 500n * 2n ** 20n * NANO],
  ['1k', 1000n * NANO],
  ['3M', 3_000_000n * NANO],
  ['250u', 250_000n],
  ['1n', 1n],
  ['+1', NANO],
  ['-1', -NANO],
  ['9007199254740993', 9_007_199_254_740_993n * NANO],
] as const) {
  test(`the quantity ${text} is ${nano} billionths`, () => assert.equal(parseQuantity(text), nano))
}

test('what is finer than a billionth is rounded up, as the API server does', () => {
  assert.equal(parseQuantity('0.0000000001'), 1n)
  assert.equal(parseQuantity('1.5n'), 2n)
})

for (const text of [
  '',
  '.',
  'm',
  '1 Gi',
  '1gi',
  '1KI',
  '1e',
  '1e3Gi',
  '0x1',
  'NaN',
  '1e999',
  `1${'0'.repeat(99)}`,
]) {
  test(`'${text.slice(0, 20)}' is no quantity`, () => assert.equal(parseQuantity(text), undefined))
}

const container = (requests: Record<string, string>, restartPolicy?: string): ContainerSpec => ({
  name: 'c',
  image: 'i',
  requests,
  ...(restartPolicy ? { restartPolicy } : {}),
})

const pod = (containers: ContainerSpec[], initContainers?: ContainerSpec[]): PodRecord => ({
  resource: 'pods',
  uid: 'u',
  name: 'p',
  namespace: 'n',
  resourceVersion: '1',
  containers,
  ...(initContainers ? { initContainers } : {}),
})

test('requests of containers add up exactly', () => {
  const three = pod(
    [1, 2, 3].map(() => container({ cpu: '100m', memory: '1500000001', 'nvidia.com/gpu': '1' })),
  )
  assert.deepEqual(requestsOf(three), { cpu: 0.3, memory: 4_500_000_003, 'nvidia.com/gpu': 3 })
})

test('of init containers the largest counts, if it is more than all containers together', () => {
  const large = pod(
    [container({ cpu: '1', memory: '1Gi' })],
    [container({ cpu: '3' }), container({ cpu: '2' })],
  )
  assert.deepEqual(requestsOf(large), { cpu: 3, memory: 2 ** 30 })
})

test('a sidecar counts with the containers, and with the init containers after it', () => {
  const sidecar = container({ cpu: '500m' }, 'Always')
  assert.deepEqual(requestsOf(pod([container({ cpu: '1' })], [sidecar, container({ cpu: '2' })])), {
    cpu: 2.5,
  })
  assert.deepEqual(requestsOf(pod([container({ cpu: '1' })], [container({ cpu: '2' }), sidecar])), { cpu: 2 })
  assert.deepEqual(requestsOf(pod([container({ cpu: '4' })], [sidecar, container({ cpu: '2' })])), {
    cpu: 4.5,
  })
})

test('a pod that requests nothing, or nothing that can be read, has no requests', () => {
  assert.equal(requestsOf(pod([{ name: 'c', image: 'i' }])), undefined)
  assert.equal(requestsOf(pod([container({ cpu: '0', memory: 'much' })])), undefined)
})
