import assert from 'node:assert/strict'
import { test } from 'node:test'
import { unixNano } from '../../src/base/time.ts'
import type { TruthSpan } from './collector.ts'
import { parseExports } from './collector.ts'
import { parseTruth, reduceTruth } from './reduce.ts'
import { joinTruth } from './truth.ts'
import { matchWrites, type PodVersion } from './versions.ts'

const uid = '11111111-2222-4333-8444-555555555555'
const at = (moment: number) => unixNano(BigInt(moment))

type SpanFields = Partial<Omit<TruthSpan, 'start' | 'end'>> & { name: string; start: number; end: number }

const span = (fields: SpanFields): TruthSpan => ({
  traceId: 't',
  spanId: fields.name,
  service: 'kubelet',
  attributes: {},
  ...fields,
  start: at(fields.start),
  end: at(fields.end),
})

const call = (name: string, attempt: number, start: number): TruthSpan[] => {
  const path = `runtime.v1.RuntimeService/${name}`
  const id = `${name}-${attempt}`
  const attributes = {
    'container.id': `c${attempt}`,
    ...(name === 'CreateContainer' && { 'container.name': `app_web_shop_${uid}_${attempt}` }),
  }
  const mine = { ...span({ name: path, start, end: start + 10 }), spanId: id, parentSpanId: 'syncPod' }
  const theirs = { ...mine, spanId: `${id}-served`, parentSpanId: id, service: 'containerd', attributes }
  return [mine, theirs]
}

const sync = span({
  ...{ name: 'syncPod', start: 0, end: 100 },
  attributes: { 'k8s.pod.uid': uid, 'k8s.namespace.name': 'shop' },
})

test('a start belongs to the container and attempt whose creation named its id', () => {
  const calls = [0, 1].flatMap((attempt) => [
    ...call('CreateContainer', attempt, 20 * attempt + 1),
    ...call('StartContainer', attempt, 20 * attempt + 12),
  ])
  const truth = joinTruth([sync, ...calls]).byUid.get(uid)
  assert.deepEqual(
    truth?.starts.map(({ container, attempt, span: { end } }) => ({ container, attempt, end })),
    [
      { container: 'app', attempt: 0, end: 22n },
      { container: 'app', attempt: 1, end: 42n },
    ],
  )
})

for (const path of ['url.path', 'http.target'])
  test(`a binding is the update in the trace of the binding request, which says its ${path}`, () => {
    const write = (traceId: string, start: number) => ({
      ...span({ name: 'GuaranteedUpdate etcd3', start, end: start + 1, traceId }),
      attributes: { key: '/pods/shop/web' },
    })
    const post = {
      ...span({ name: 'KubernetesAPI', start: 1, end: 9, traceId: 'b' }),
      attributes: { [path]: '/api/v1/namespaces/shop/pods/web/binding?timeout=1s' },
    }
    const store = joinTruth([post, write('b', 2), write('s', 5)]).byKey.get('shop/web')
    assert.deepEqual([store?.updates.length, store?.bindings.map(({ start }) => start)], [2, [2n]])
  })

const version = (t: number): PodVersion => ({ t: at(t), ready: false, gated: false })
const writes = (...starts: number[]) => starts.map((start) => span({ name: 'w', start, end: start + 2 }))
const cases: readonly { name: string; versions: number[]; writes: number[]; then: (number | undefined)[] }[] =
  [
    { name: 'one write each', versions: [3, 13, 23], writes: [0, 10, 20], then: [0, 10, 20] },
    { name: 'received late, two at a time', versions: [3, 25, 26], writes: [0, 10, 20], then: [0, 10, 20] },
    {
      name: 'a write that changed nothing',
      versions: [3, 13, 43],
      writes: [0, 10, 20, 40],
      then: [0, 10, 40],
    },
    { name: 'a receipt before the write ended', versions: [3, 11], writes: [0, 10], then: [0, 10] },
  ]
for (const { name, versions, writes: starts, then } of cases) {
  test(`each version has its write: ${name}`, () => {
    const matched = matchWrites(versions.map(version), writes(...starts))
    assert.deepEqual(
      matched.map((write) => write && Number(write.start)),
      then,
    )
  })
}

test('what is kept of the truth reads back as it was', () => {
  const kept = reduceTruth([sync, ...call('CreateContainer', 0, 1)], 'shop')
  const back = parseTruth(JSON.stringify(kept))
  assert.deepEqual(
    back.map(({ name, service, start, end }) => ({ name, service, start, end })),
    [
      { name: 'syncPod', service: 'kubelet', start: 0n, end: 100n },
      { name: 'runtime.v1.RuntimeService/CreateContainer', service: 'kubelet', start: 1n, end: 11n },
      { name: 'runtime.v1.RuntimeService/CreateContainer', service: 'containerd', start: 1n, end: 11n },
    ],
  )
  assert.equal(joinTruth(back).byUid.get(uid)?.creates[0]?.attempt, 0)
})

test('a line that is still being written is left for the next read', () => {
  const line = JSON.stringify({ resourceSpans: [] })
  assert.deepEqual(parseExports(`${line}\n${line.slice(0, 9)}`), [])
})
