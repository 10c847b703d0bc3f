import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'

const script = join(import.meta.dirname, '..', '..', 'scripts', 'first-ten-minutes.sh')

/** Runs the script with programs that only write down how they were called, and answer by these shell cases. */
function runScript(t: TestContext, cases: string): { code: number | null; said: string; calls: string[] } {
  const directory = mkdtempSync(join(tmpdir(), 'podspan-first-'))
  t.after(() => rmSync(directory, { recursive: true }))
  const log = join(directory, 'calls')
  const program = (name: string): string => {
    const path = join(directory, name)
    const text = `#!/bin/sh\necho "${name} $*" >>"${log}"\ncase "${name} $*" in\n${cases}\nesac\n`
    writeFileSync(path, text, { mode: 0o755 })
    return path
  }
  const [KUBECTL, HELM, PODSPAN] = ['kubectl', 'helm', 'podspan'].map(program)
  const env = { PATH: process.env['PATH'], KUBECTL, HELM, PODSPAN }
  // What it leaves running holds its stderr open, and would be waited for.
  const { status, stderr } = spawnSync('sh', [script], { env, encoding: 'utf8', timeout: 20_000 })
  const calls = existsSync(log) ? readFileSync(log, 'utf8').trimEnd().split('\n') : []
  return { code: status, said: stderr, calls }
}

const isReading = (call: string): boolean => /^kubectl get /.test(call)

const OCCUPIED: readonly (readonly [name: string, cases: string, says: RegExp])[] = [
  [
    'another Podspan',
    '*"get deployments"*) echo deployment.apps/podspan ;;',
    /Podspan is in this cluster already/,
  ],
  [
    'the namespace',
    '*"get namespace podspan "*) echo namespace/podspan ;;',
    /there is a namespace podspan already/,
  ],
  [
    'the namespace of the rollout',
    '*"get namespace podspan-demo "*) echo namespace/podspan-demo ;;',
    /there is a namespace podspan-demo already/,
  ],
  ['no answer', '*"get deployments"*) exit 1 ;;', /the cluster does not answer/],
]

for (const [name, cases, says] of OCCUPIED) {
  test(`where there is ${name}, the script only reads and removes nothing`, (t) => {
    const { code, said, calls } = runScript(t, cases)
    assert.equal(code, 1)
    assert.match(said, says)
    assert.deepEqual(
      calls.filter((call) => !isReading(call)),
      [],
    )
  })
}

test('what was made before a step failed is removed, and nothing else', (t) => {
  const { code, calls } = runScript(t, '"kubectl create namespace podspan-demo") exit 1 ;;')
  assert.equal(code, 1)
  assert.deepEqual(
    calls.filter((call) => !isReading(call)),
    [
      'kubectl create namespace podspan',
      'kubectl create namespace podspan-demo',
      'kubectl delete namespace podspan --ignore-not-found --wait=false',
    ],
  )
})

test('a release is uninstalled only after the script has begun to install it', (t) => {
  const removals = (cases: string): string[] =>
    runScript(t, cases).calls.filter((call) => /uninstall|delete/.test(call))
  assert.deepEqual(removals('*"rollout status"*) exit 1 ;;'), [
    'kubectl delete namespace podspan podspan-demo --ignore-not-found --wait=false',
  ])
  assert.deepEqual(removals('"podspan check") exit 1 ;;'), [
    'helm uninstall podspan --namespace podspan',
    'kubectl delete namespace podspan podspan-demo --ignore-not-found --wait=false',
  ])
})

test('what it runs in the background ends with it', (t) => {
  const watch = '"podspan watch"*) echo read-only >&2; exec sleep 300 ;;'
  const { code, said, calls } = runScript(t, `${watch}\n"podspan session"*) exit 1 ;;`)
  assert.equal(code, 1)
  assert.match(said, /session run ended with 1/)
  assert.ok(calls.includes('helm uninstall podspan --namespace podspan'))
})
