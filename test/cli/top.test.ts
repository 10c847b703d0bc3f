import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { seconds } from '../../src/base/time.ts'
import { EXIT } from '../../src/cli/exit.ts'
import { run } from '../../src/cli/program.ts'
import { createRanking } from '../../src/cli/top-rank.ts'
import type { Trace } from '../../src/trace/trace.ts'
import { loadPods } from '../simulator/bulk.ts'
import { FAILED_PULLS, SLOW_PULL, STATUS_ONLY } from './hand-made.ts'
import { clusterAfter, emptyCluster, type FilledCluster, surroundings } from './surroundings.ts'

/** Recordings are of the past. */
const EVER = ['--since', '200000h']

async function top(t: TestContext, cluster: FilledCluster, ...args: string[]) {
  t.after(() => cluster.close())
  const { context, out, err } = surroundings()
  const code = await run(['top', '--kubeconfig', cluster.kubeconfig, ...args], context)
  return { code, out: out(), err: err() }
}

test('the slowest workloads stand first, with their longest operation and what the slowest start waited for', async (t) => {
  const { code, out, err } = await top(t, await clusterAfter('image-missing'), '-A', ...EVER)
  assert.deepEqual([code, err], [EXIT.ok, ''])
  assert.match(out, /^1 start of 1 workload in the last .*, all namespaces of stub$/m)
  assert.match(out, /^image-missing\/Pod\/late +1 +16\.\d s +16\.\d s +16\.\d s {2}back-off \d\d %$/m)
  assert.match(out, /^ {4}late: Ready after 16\.\d s; .* backing off after failed pulls of$/m)
})

test('pods and events are listed once, and nothing is watched or written', async (t) => {
  const cluster = await clusterAfter('burst')
  await top(t, cluster, '-n', 'burst', ...EVER)
  const asked = cluster.stub.requests.map(
    ({ method, path, query }) => `${method} ${path}${query.has('watch') ? ' watch' : ''}`,
  )
  assert.deepEqual(
    asked.filter((one) => !/version|kube-system/.test(one)),
    ['GET /api/v1/namespaces/burst/pods', 'GET /api/v1/namespaces/burst/events'],
  )
})

test('only starts of pods created since then count', async (t) => {
  const { code, out, err } = await top(t, await clusterAfter('burst'), '-n', 'burst', '--since', '1h')
  assert.deepEqual([code, out], [EXIT.ok, ''])
  assert.match(
    err,
    /None of the 40 pods in namespace burst was created in the last 1 h 00 m; -A .* --since looks further back/,
  )
})

test('where no pod is, JSON is a document without workloads', async (t) => {
  const { code, out, err } = await top(t, await emptyCluster(), '-o', 'json')
  assert.deepEqual([code, JSON.parse(out).workloads], [EXIT.ok, []])
  assert.match(
    err,
    /There are no pods in namespace default; -A looks at all namespaces, 'podspan watch' shows/,
  )
})

test('an interrupt while the lists are read ends it as interrupted', async (t) => {
  const cluster = await clusterAfter('burst')
  t.after(() => cluster.close())
  cluster.stub.fail('pods', 'any', { kind: 'silent' }, 9)
  const { context, abort, err } = surroundings()
  const done = run(['top', '-A', '--kubeconfig', cluster.kubeconfig], context)
  while (!cluster.stub.requests.some(({ resource }) => resource === 'pods'))
    await new Promise((resolve) => setImmediate(resolve))
  abort.abort()
  assert.deepEqual([await done, err()], [EXIT.interrupted, ''])
})

test('selectors go to the API server as they are', async (t) => {
  const cluster = await clusterAfter('plain')
  await top(t, cluster, '-l', 'app in (web)', '--field-selector', 'spec.nodeName=node-1', '-A', ...EVER)
  const query = cluster.stub.requests.find(({ resource }) => resource === 'pods')?.query
  assert.deepEqual(
    [query?.get('labelSelector'), query?.get('fieldSelector')],
    ['app in (web)', 'spec.nodeName=node-1'],
  )
})

test('without rights on events the answer is coarse, and says so', async (t) => {
  const cluster = await clusterAfter('pulls')
  cluster.stub.fail(
    'events',
    'any',
    { kind: 'status', code: 403, reason: 'Forbidden', message: 'events is forbidden' },
    99,
  )
  const { code, out, err } = await top(t, cluster, '-A', '--limit', '2', ...EVER)
  assert.equal(code, EXIT.ok)
  assert.match(err, /past events are incomplete \(events is forbidden\): without them pulls/)
  assert.match(out, /^7 of 7 starts are coarse: events of them have expired/m)
  assert.match(out, /^… and 5 more workloads; --limit shows more\.$/m)
})

test('more pods than a page has are read page by page', async (t) => {
  const cluster = await emptyCluster()
  loadPods(cluster.stub.store, 1200)
  const { code, out } = await top(t, cluster, '-A', '-o', 'json', ...EVER)
  const told = JSON.parse(out) as { starts: number; coarse: number; workloads: { starts: number }[] }
  assert.deepEqual(
    [code, told.starts, told.coarse, told.workloads.map(({ starts }) => starts)],
    [0, 1200, 1200, [1200]],
  )
  assert.equal(cluster.stub.requests.filter(({ resource }) => resource === 'pods').length, 3)
})

const started = (name: string, workload: string, startup: number, some: Partial<Trace> = {}): Trace => ({
  ...SLOW_PULL,
  name,
  workload,
  startup: seconds(startup),
  ...some,
})

test('a start that is not over counts with its length so far, as a lower bound', () => {
  const ranking = createRanking()
  ranking.add(started('a', 'Deployment/a', 3), false)
  ranking.add(started('b', 'Deployment/a', 300, { outcome: 'starting' }), false)
  const [only] = ranking.by('p90')
  assert.deepEqual(
    [only?.p50, only?.max, only?.outcomes],
    [
      { length: seconds(3), atLeast: false },
      { length: seconds(300), atLeast: true },
      { ready: 1, starting: 1 },
    ],
  )
})

test('each key ranks by itself, and equals by name', () => {
  const ranking = createRanking()
  for (const [workload, ...startups] of [
    ['c', 9, 9, 9, 1],
    ['b', 20],
    ['a', 8, 8, 8, 8, 8],
  ] as const)
    for (const startup of startups) ranking.add(started('x', workload, startup), false)
  const order = (sort: Parameters<typeof ranking.by>[0]) =>
    ranking
      .by(sort)
      .map(({ workload }) => workload)
      .join('')
  assert.deepEqual((['p90', 'p50', 'max', 'total', 'starts'] as const).map(order), [
    'bca',
    'bca',
    'bca',
    'acb',
    'acb',
  ])
})

test('shares are of all critical paths together, and a pod without an owner is its own workload', () => {
  const ranking = createRanking()
  for (const trace of [SLOW_PULL, FAILED_PULLS, STATUS_ONLY]) {
    const { workload: _, ...alone } = trace
    ranking.add(alone as Trace, trace === STATUS_ONLY)
  }
  for (const { workload, operations, slowest } of ranking.by('max')) {
    assert.equal(workload, `Pod/${slowest.name}`)
    assert.ok(Math.abs(operations.reduce((sum, { share }) => sum + share, 0) - 1) < 1e-9)
  }
})
