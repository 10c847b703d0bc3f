// Owns the single executable of this machine's platform: built here, then used as somebody without Node uses it.
// Promises the same output as the bundle, without Node in PATH, under the names of kubectl's plugin, and on the real cluster.

import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { buildExecutable } from '../../scripts/executables/build.ts'
import { hostPlatform } from '../../scripts/executables/platforms.ts'
import { readCluster } from '../cluster/cluster.ts'
import { noCluster } from '../e2e/trace-support.ts'
import { CHECK } from '../support/output-schemas.ts'

const root = join(import.meta.dirname, '..', '..')
const bundle = join(root, 'dist', 'podspan.mjs')
const directory = mkdtempSync(join(tmpdir(), 'podspan-executable-'))
const options = { timeout: 300_000 }
let podspan = ''

before(() => {
  if (!existsSync(bundle)) spawnSync(process.execPath, ['scripts/build.ts'], { cwd: root, stdio: 'inherit' })
  podspan = join(root, buildExecutable(hostPlatform()))
}, options)
after(() => rmSync(directory, { recursive: true }))

interface Ran {
  readonly code: number | null
  readonly out: string
  readonly err: string
}

function run(program: string, args: readonly string[], env: NodeJS.ProcessEnv = {}): Ran {
  const { status, stdout, stderr } = spawnSync(program, args, {
    env: { HOME: directory, PATH: '/usr/bin:/bin', ...env },
    encoding: 'utf8',
    maxBuffer: 2 ** 28,
  })
  return { code: status, out: stdout, err: stderr }
}

for (const name of ['burst', 'image-missing', 'rollout-slower'])
  for (const form of ['waterfall', 'json', 'otlp-json'])
    test(`it replays ${name} as ${form} as the bundle does`, options, () => {
      const args = ['replay', join(root, 'test', 'recordings', `${name}.jsonl.gz`), '-o', form]
      assert.deepEqual(run(podspan, args), run(process.execPath, [bundle, ...args]))
    })

test('its help, its version and its mistakes are those of the bundle', options, () => {
  for (const args of [['--version'], ['--help'], ['session', 'run', '--help'], ['wathc'], ['replay', 'none']])
    assert.deepEqual(run(podspan, args), run(process.execPath, [bundle, ...args]))
})

test(
  "somebody's options for Node do not reach it, and it says nothing of its own about its code cache",
  options,
  () => {
    const { code, out, err } = run(podspan, ['--version'], { NODE_OPTIONS: '--require /none --expose-gc' })
    assert.deepEqual([code, err], [0, ''])
    assert.match(out, /^\d+\.\d+\.\d+\n$/)
  },
)

test("linked under the names of kubectl's plugin it is that plugin", options, () => {
  const [plugin, completion] = ['kubectl-podspan', 'kubectl_complete-podspan'].map((name) =>
    join(directory, name),
  )
  symlinkSync(podspan, plugin ?? '')
  symlinkSync(podspan, completion ?? '')
  assert.match(run(plugin ?? '', ['--help']).out, /^Usage: kubectl podspan /)
  assert.match(run(completion ?? '', ['tr']).out, /^trace\t.*\n:4\n$/)
})

test('it talks to the real cluster', { ...options, skip: noCluster }, () => {
  const args = ['check', '--for', '1s', '-o', 'json', '--kubeconfig', readCluster().kubeconfig]
  const { code, out, err } = run(podspan, args)
  assert.equal(code, 0, err)
  assert.equal(CHECK.parse(JSON.parse(out)).complete, true)
})
