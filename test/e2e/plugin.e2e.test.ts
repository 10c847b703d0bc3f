// Owns Podspan as a plugin of the real kubectl, and `top` on the real cluster: links in PATH, as krew makes them.
// Promises that kubectl itself runs and completes it. Makes one namespace with a Deployment, and removes it.

import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { after, before, test } from 'node:test'
import { promisify } from 'node:util'
import { kubectl, readCluster } from '../cluster/cluster.ts'
import { TOP } from '../support/output-schemas.ts'
import { noCluster } from './trace-support.ts'

const options = { skip: noCluster, timeout: 120_000 }
const namespace = 'plugin-e2e'
/** A link to the source would not say what it was called by. */
const bundle = join(import.meta.dirname, '..', '..', 'dist', 'podspan.mjs')
const bin = mkdtempSync(join(tmpdir(), 'podspan-plugin-'))
const web = join(bin, 'web.json')

const DEPLOYMENT = {
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name: 'web', namespace },
  spec: {
    replicas: 2,
    selector: { matchLabels: { app: 'web' } },
    template: {
      metadata: { labels: { app: 'web' } },
      spec: { containers: [{ name: 'app', image: 'localhost:5000/pause:latest' }] },
    },
  },
}

before(async () => {
  if (noCluster) return
  for (const name of ['kubectl-podspan', 'kubectl_complete-podspan']) symlinkSync(bundle, join(bin, name))
  writeFileSync(web, JSON.stringify(DEPLOYMENT))
  await kubectl(['create', 'namespace', namespace])
  await kubectl(['apply', '-f', web])
  await kubectl(['rollout', 'status', 'deploy/web', '-n', namespace, '--timeout=60s'])
})
after(async () => {
  rmSync(bin, { recursive: true })
  if (!noCluster) await kubectl(['delete', 'namespace', namespace, '--wait=false'])
})

/** kubectl, with the links in its PATH and Node 24 before whatever the machine has. */
async function real(...args: string[]): Promise<{ out: string; err: string }> {
  const { binaries, kubeconfig } = readCluster()
  const path = [bin, dirname(process.execPath), process.env['PATH']].join(':')
  const { stdout, stderr } = await promisify(execFile)(binaries['kubectl'] ?? 'kubectl', args, {
    env: { ...process.env, PATH: path, KUBECONFIG: kubeconfig },
  }).catch((failed: { stdout: string; stderr: string }) => failed)
  return { out: stdout, err: stderr }
}

test('kubectl podspan runs, with the name that was typed in its help and its mistakes', options, async () => {
  assert.match((await real('podspan', '--help')).out, /^Usage: kubectl podspan \[options\]/)
  assert.match((await real('podspan', 'tarce')).err, /Did you mean trace\?[^]*Try 'kubectl podspan --help'/)
  assert.match((await real('plugin', 'list')).out, /kubectl-podspan/)
})

test('kubectl completes what stands behind podspan, with names of the cluster', options, async () => {
  assert.match((await real('__complete', 'podspan', 'ro')).out, /^rollout\t.*\n:4\n/)
  assert.match(
    (await real('__complete', 'podspan', 'rollout', '-n', namespace, 'deploy/')).out,
    /^deploy\/web\n:4\n/,
  )
  assert.match((await real('__complete', 'podspan', 'top', '-n', 'plugin')).out, /^plugin-e2e\n/)
})

test('top ranks what was just started, from two lists', options, async () => {
  const { out, err } = await real('podspan', 'top', '-n', namespace, '-o', 'json')
  const { starts, coarse, workloads } = TOP.parse(JSON.parse(out))
  assert.deepEqual([starts, coarse, err], [2, 0, ''])
  assert.deepEqual(
    workloads.map(({ workload, outcomes }) => ({ workload, outcomes })),
    [{ workload: 'Deployment/web', outcomes: { ready: 2 } }],
  )
  assert.match((await real('podspan', 'top', '-n', namespace)).out, /^Deployment\/web +2 +.* s /m)
})
