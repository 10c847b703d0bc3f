import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { EXIT } from '../../src/cli/exit.ts'
import { run } from '../../src/cli/program.ts'
import { clusterAfter, changesOf, type FilledCluster, surroundings } from './surroundings.ts'

const recording = (name: string): string => join(import.meta.dirname, '..', 'recordings', `${name}.jsonl.gz`)

interface Done {
  readonly code: number
  readonly out: string
  readonly err: string
}

async function podspan(...argv: string[]): Promise<Done> {
  const { context, out, err } = surroundings()
  const code = await run(argv, context)
  return { code, out: out(), err: err() }
}

const budget = recording('rollout-budget')

test('rollout prints the latest rollout of the workload that is named, or the one of a revision', async () => {
  const latest = await podspan('rollout', 'deploy/shop', '--from', budget)
  assert.equal(latest.code, EXIT.ok)
  assert.match(latest.out, /^rollout-budget\/shop {2}Deployment revision 2 /)
  assert.doesNotMatch(latest.out, /revision 1/)
  const first = await podspan('rollout', 'deploy/shop', '--from', budget, '--revision', '1')
  assert.match(first.out, /^rollout-budget\/shop {2}Deployment revision 1 /)
  assert.equal(latest.err + first.err, '')
})

test('rollout of a recording alone prints all that it holds, the earliest first', async () => {
  const { out } = await podspan('rollout', '--from', recording('rollout-paused'))
  assert.deepEqual(
    out.match(/Deployment revision \d/g),
    [1, 2, 3, 4].map((n) => `Deployment revision ${n}`),
  )
})

test("a hash names a revision too, also the last part of a StatefulSet's", async () => {
  const deployment = await podspan('rollout', 'deploy/shop', '--from', budget, '--revision', '55c7cd475')
  assert.match(deployment.out, /revision 2 \(55c7cd475\)/)
  const set = await podspan(
    'rollout',
    'sts/db',
    '--from',
    recording('rollout-ordered'),
    '--revision',
    'c899c75b5',
  )
  assert.match(set.out, /StatefulSet revision 1 \(db-c899c75b5\)/)
})

test('json is one rollout/v1 document a line, and otlp-json one request whose root is the rollout', async () => {
  const { out } = await podspan('rollout', '--from', budget, '-o', 'json')
  const documents = out
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>)
  assert.deepEqual(
    documents.map((one) => [one['podspan'], one['revision'], one['outcome']]),
    [
      ['rollout/v1', '1', 'complete'],
      ['rollout/v1', '2', 'complete'],
    ],
  )
  const otlp = await podspan('rollout', 'deploy/shop', '--from', budget, '-o', 'otlp-json')
  const { resourceSpans } = JSON.parse(otlp.out) as {
    resourceSpans: { scopeSpans: { spans: { name: string; parentSpanId?: string; traceId: string }[] }[] }[]
  }
  const spans = resourceSpans.flatMap(({ scopeSpans }) => scopeSpans.flatMap((scope) => scope.spans))
  assert.deepEqual(
    spans.filter(({ parentSpanId }) => parentSpanId === undefined).map(({ name }) => name),
    ['rollout'],
  )
  assert.deepEqual([...new Set(spans.map(({ traceId }) => traceId))], [documents[1]?.['traceId']])
})

for (const { name, argv, code, says } of [
  {
    name: 'a pod',
    argv: ['rollout', 'pod/x'],
    code: EXIT.usage,
    says: /pod\/x rolls nothing out; expected deploy\//,
  },
  {
    name: 'a name without a kind',
    argv: ['rollout', 'web'],
    code: EXIT.usage,
    says: /web rolls nothing out/,
  },
  { name: 'nothing at all', argv: ['rollout'], code: EXIT.usage, says: /Which rollout\?/ },
  {
    name: 'a revision that is not there',
    argv: ['rollout', 'deploy/shop', '--from', budget, '--revision', '9'],
    code: EXIT.notFound,
    says: /Deployment shop has no rollout 9: its revisions are 1 and 2\./,
  },
  {
    name: 'a workload that is not there',
    argv: ['rollout', 'deploy/nobody', '--from', budget],
    code: EXIT.notFound,
    says: /No rollout of Deployment nobody is in/,
  },
  {
    name: 'another namespace',
    argv: ['rollout', 'deploy/shop', '--from', budget, '-n', 'elsewhere'],
    code: EXIT.notFound,
    says: /No rollout of Deployment shop/,
  },
  {
    name: 'a file that is none',
    argv: ['rollout', '--from', '/nowhere.jsonl'],
    code: EXIT.input,
    says: /does not exist/,
  },
  {
    name: 'three recordings to compare',
    argv: ['diff', 'deploy/shop', '--from', budget, '--from', budget, '--from', budget],
    code: EXIT.usage,
    says: /one recording, or of two/,
  },
  {
    name: 'a first revision without one before it',
    argv: ['diff', 'deploy/web', '--from', recording('quota')],
    code: EXIT.notFound,
    says: /no revision before 1/,
  },
])
  test(`asked for ${name}, it says so in a sentence`, async () => {
    const done = await podspan(...argv)
    assert.equal(done.code, code)
    assert.match(done.err, says)
    assert.equal(done.out, '')
  })

test('with --exit-code a rollout that is not complete is a finding', async () => {
  const deadline = recording('rollout-deadline')
  assert.equal((await podspan('rollout', 'deploy/shop', '--from', deadline)).code, EXIT.ok)
  assert.equal(
    (await podspan('rollout', 'deploy/shop', '--from', deadline, '--exit-code')).code,
    EXIT.finding,
  )
  assert.equal((await podspan('rollout', 'deploy/shop', '--from', budget, '--exit-code')).code, EXIT.ok)
})

test('diff says what got slower and from how many starts, and which image changed', async () => {
  const { out, code } = await podspan(
    'diff',
    'deploy/shop',
    '--from',
    recording('rollout-slower'),
    '--exit-code',
  )
  assert.equal(code, EXIT.finding)
  assert.match(out, /revision 1 \(5fcf6bd498\) → revision 2 /)
  assert.match(out, /Starts are [\d.]+ s slower \(99 %: from .*; 12 and 12 starts\)/)
  assert.match(out, /image of app: localhost:5000\/busybox:latest → localhost:5000\/agnhost:latest/)
})

test('diff of four starts each gives figures and no verdict', async () => {
  const { out, code } = await podspan('diff', 'deploy/shop', '1', '2', '--from', budget, '--exit-code')
  assert.equal(code, EXIT.ok)
  assert.match(out, /4 and 4 starts, of which a verdict needs 8 each/)
})

test('diff of two recordings compares the last rollout of each', async () => {
  const { out } = await podspan(
    'diff',
    'deploy/shop',
    '--from',
    recording('rollout-min-ready'),
    '--from',
    recording('rollout-slower'),
    '-o',
    'json',
  )
  const document = JSON.parse(out) as {
    podspan: string
    before: { revision: string }
    startup: { before: { count: number }; after: { count: number } }
  }
  assert.equal(document.podspan, 'diff/v1')
  assert.deepEqual([document.startup.before.count, document.startup.after.count], [3, 12])
})

async function cluster(t: TestContext, name: string): Promise<FilledCluster> {
  const filled = await clusterAfter(name)
  t.after(() => filled.close())
  return filled
}

const uidOf = (name: string, resource: string): unknown => {
  const last = changesOf(name).findLast((change) => change.resource === resource)
  return (last?.object['metadata'] as { uid: string } | undefined)?.uid
}

for (const [name, target, kind] of [
  ['rollout-budget', 'deploy/shop', 'deployments'],
  ['rollout-ordered', 'sts/db', 'statefulsets'],
  ['rollout-daemonset', 'ds/agent', 'daemonsets'],
] as const)
  test(`a rollout that is over is told from a cluster as from the recording of it: ${name}`, async (t) => {
    const { kubeconfig } = await cluster(t, name)
    const args = ['-n', name, '--kubeconfig', kubeconfig, '-o', 'json', '--settle', '1ms']
    const done = await podspan('rollout', target, ...args)
    assert.equal(done.code, EXIT.ok, done.err)
    const live = JSON.parse(done.out) as Record<string, unknown> & { pods: { name: string }[] }
    const told = await podspan('rollout', target, '--from', recording(name), '-o', 'json')
    const recorded = JSON.parse(told.out) as typeof live
    assert.equal(live['uid'], uidOf(name, kind))
    for (const field of ['traceId', 'revision', 'hash', 'outcome', 'wanted', 'limits'])
      assert.deepEqual(live[field], recorded[field], field)
    assert.deepEqual(live.pods.map((pod) => pod.name).sort(), recorded.pods.map((pod) => pod.name).sort())
  })

test('a workload that is not in the cluster is said, with the namespace', async (t) => {
  const { kubeconfig } = await cluster(t, 'rollout-budget')
  const done = await podspan('rollout', 'deploy/nobody', '-n', 'rollout-budget', '--kubeconfig', kubeconfig)
  assert.equal(done.code, EXIT.notFound)
  assert.match(done.err, /There is no Deployment nobody in namespace rollout-budget/)
})
