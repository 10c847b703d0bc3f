import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { answerReview } from '../../src/inject/review.ts'

const UID = '0b0aa422-b0b8-4b47-a94d-f7cd32bbea36'
const OWN = '00-a94df7cd32bbea360b0aa422b0b84b47-0b0aa422b0b84b47-01'
const CREATED = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01'

const variable = (key: string): object => ({
  name: 'TRACEPARENT',
  valueFrom: { fieldRef: { fieldPath: `metadata.annotations['${key}']` } },
})
const own = variable('podspan.dev/traceparent')
const creators = variable('tracing.k8s.io/traceparent')

const review = (object: unknown, more: object = {}): string =>
  JSON.stringify({
    apiVersion: 'admission.k8s.io/v1',
    kind: 'AdmissionReview',
    request: { uid: 'r-1', operation: 'CREATE', resource: { resource: 'pods' }, object, ...more },
  })

interface Response {
  readonly response: {
    readonly uid: string
    readonly allowed: boolean
    readonly patchType?: string
    readonly patch?: string
  }
}

function patchOf(text: string): unknown {
  const { body, outcome } = answerReview(text)
  const { response } = JSON.parse(body) as Response
  assert.equal(outcome, response.patch === undefined ? 'unchanged' : 'patched')
  assert.deepEqual([response.uid, response.allowed], ['r-1', true])
  assert.equal(response.patchType, response.patch && 'JSONPatch')
  return response.patch === undefined ? undefined : JSON.parse(atob(response.patch))
}

const pod = (spec: object, annotations?: object): object => ({
  metadata: { name: 'web', ...(annotations && { annotations }) },
  spec: { containers: [{ name: 'app' }], ...spec },
})
const add = (path: string, value: unknown): object => ({ op: 'add', path, value })
const first = (value: object): object[] => [add('/spec/containers/0/env', [value])]

const PODS: readonly (readonly [name: string, pod: object, patch: object[] | undefined])[] = [
  ['a container without environment', pod({}), first(own)],
  [
    'one with environment, which stays',
    pod({ containers: [{ env: [{ name: 'A', value: '1' }] }] }),
    [add('/spec/containers/0/env/-', own)],
  ],
  ['a variable that is set', pod({ containers: [{ env: [{ name: 'TRACEPARENT', value: '' }] }] }), undefined],
  [
    'init containers and sidecars beside several containers',
    pod({ containers: [{}, { env: [] }], initContainers: [{}, { restartPolicy: 'Always' }] }),
    [
      add('/spec/containers/0/env', [own]),
      add('/spec/containers/1/env/-', own),
      add('/spec/initContainers/0/env', [own]),
      add('/spec/initContainers/1/env', [own]),
    ],
  ],
  ['a context of the creator', pod({}, { 'tracing.k8s.io/traceparent': CREATED }), first(creators)],
  ['a malformed one', pod({}, { 'tracing.k8s.io/traceparent': 'hello' }), first(own)],
  ['a pod that is bound already', pod({ nodeName: 'node-1' }), undefined],
  [
    'a bound one with a context of its creator',
    pod({ nodeName: 'node-1' }, { 'tracing.k8s.io/traceparent': CREATED }),
    first(creators),
  ],
  ['a mirror pod', pod({}, { 'kubernetes.io/config.mirror': 'x' }), undefined],
]

for (const [name, object, patch] of PODS)
  test(`a pod: ${name}`, () => assert.deepEqual(patchOf(review(object)), patch))

const bind = (metadata: object): unknown => patchOf(review({ metadata }, { subResource: 'binding' }))
const KEY = '/metadata/annotations/podspan.dev~1traceparent'

test('a Binding gets the context that follows from the UID, and annotations if it has none', () => {
  assert.deepEqual(bind({ uid: UID }), [add('/metadata/annotations', {}), add(KEY, OWN)])
  assert.deepEqual(bind({ uid: UID, annotations: { keep: 'me' } }), [add(KEY, OWN)])
})

test('a Binding without a UID, or with a context, is left alone', () => {
  assert.equal(bind({ name: 'web' }), undefined)
  assert.equal(bind({ uid: UID, annotations: { 'podspan.dev/traceparent': CREATED } }), undefined)
})

test('what was patched is not patched again', () => {
  const patched = pod({ containers: [{ env: [own] }] })
  assert.equal(patchOf(review(patched)), undefined)
})

for (const more of [
  { operation: 'UPDATE' },
  { subResource: 'ephemeralcontainers' },
  { resource: { resource: 'deployments' } },
  { object: null },
])
  test(`${JSON.stringify(more)} goes on unchanged`, () =>
    assert.equal(patchOf(review(pod({}), more)), undefined))

for (const body of ['', 'hello', '{}', '{"request":{}}', '[]'])
  test(`garbage is told from what needs no patch: ${body || 'nothing'}`, () =>
    assert.equal(answerReview(body).outcome, 'garbage'))

test('nothing that comes in is refused, or throws', () => {
  const any = fc.anything({ maxDepth: 4 })
  const text = fc.oneof(
    fc.string(),
    any.map((value) => JSON.stringify(value) ?? ''),
    any.map((value) => review(value)),
  )
  fc.assert(
    fc.property(text, (body) => {
      const { response } = JSON.parse(answerReview(body).body) as Response
      assert.equal(response.allowed, true)
    }),
  )
})
