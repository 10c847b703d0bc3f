import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { EXIT } from '../../src/cli/exit.ts'
import { run } from '../../src/cli/program.ts'
import { clusterAfter, emptyCluster, surroundings } from './surroundings.ts'

const recording = (name: string): string => join(import.meta.dirname, '..', 'recordings', `${name}.jsonl.gz`)

async function advise(...args: string[]): Promise<{ code: number; out: string; err: string }> {
  const { context, out, err } = surroundings()
  const code = await run(['advise', ...args], context)
  return { code, out: out(), err: err() }
}

test('advice from a recording says how much, of how much, of how many starts, and which span it rests on', async () => {
  const { code, out, err } = await advise('--from', recording('image-missing'), '--min-starts', '1')
  assert.deepEqual([code, err], [EXIT.ok, ''])
  assert.equal(
    out,
    `Pod/late in image-missing: 1 start, P50 16.7 s, P90 16.7 s, P99 16.7 s

image localhost:5000/late:1d69403270f9 present on the node
  would save 15.9 s of 16.7 s at P50 (15.0 s to 15.9 s, n = 1)
  it was there on 0 of 1 starts (0 %)
  rests on pull image, such as span 36a7cf1f5a2de730 of late, trace b8ae9f16493a9fd852ac2a82057c4238

container app: its image is pulled at the first attempt
  would save 15.8 s of 16.7 s at P50 (15.0 s to 15.8 s, n = 1)
  1 of 1 starts backed off
  rests on back-off, such as span 10ddf86354db33e9 of late, trace b8ae9f16493a9fd852ac2a82057c4238
`,
  )
})

test('the JSON form holds the same, in milliseconds', async () => {
  const { out } = await advise('--from', recording('image-missing'), '--min-starts', '1', '-o', 'json')
  const told = JSON.parse(out) as {
    podspan: string
    advice: {
      kind: string
      savings: { percentile: number; lowMs: number; likelyMs: number; highMs: number }[]
    }[]
  }
  const [first] = told.advice
  assert.deepEqual([told.podspan, first?.kind], ['advice/v1', 'image present'])
  const [median] = first?.savings ?? []
  assert.equal(median?.percentile, 50)
  assert.ok(median && median.lowMs === 15_000 && median.likelyMs > 15_000 && median.highMs >= median.likelyMs)
})

test('too few starts are said to be too few', async () => {
  const { code, out } = await advise('deploy/shop', '--from', recording('rollout'), '--min-starts', '50')
  assert.equal(code, EXIT.ok)
  assert.match(
    out,
    /^Deployment\/shop in rollout: 7 starts, .*\nNo advice: 7 of them came to an end, and it takes 50/,
  )
})

test('only what is named is taken from a recording', async () => {
  const { code, err } = await advise('deploy/other', '--from', recording('rollout'))
  assert.deepEqual(
    [code, err],
    [EXIT.notFound, `podspan: No start of deploy/other is in ${recording('rollout')} to learn from.\n`],
  )
  assert.equal((await advise('--from', recording('rollout'), '-n', 'elsewhere')).code, EXIT.notFound)
})

test('several recordings of one workload are one sample', async () => {
  const { out } = await advise('--from', recording('rollout'), '--from', recording('plain'))
  assert.match(out, /Deployment\/shop in rollout: 7 starts/)
  assert.match(out, /Pod\/.* in plain: 1 start/)
})

test('a file that is no recording is refused', async () => {
  assert.equal((await advise('--from', join(import.meta.dirname, 'advise.test.ts'))).code, EXIT.input)
})

for (const target of [[], ['deploy/shop'], ['deploy/shop', 'deploy/shop']])
  test(`from a cluster, with ${target.length} names, it learns from what the API server still holds`, async (t) => {
    const cluster = await clusterAfter('rollout')
    t.after(() => cluster.close())
    const { code, out, err } = await advise(...target, '-n', 'rollout', '--kubeconfig', cluster.kubeconfig)
    assert.equal(code, EXIT.ok, err)
    assert.match(err, /^podspan: reading \d starts of what the API server still holds/)
    assert.match(out, /^Deployment\/shop in rollout: \d starts/)
  })

test('an empty namespace is said to be one', async (t) => {
  const cluster = await emptyCluster()
  t.after(() => cluster.close())
  const { code, err } = await advise('-n', 'empty', '--kubeconfig', cluster.kubeconfig)
  assert.equal(code, EXIT.notFound)
  assert.match(err, /There are no pods in namespace empty/)
})
