import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { before, test } from 'node:test'
import { changesOf, emptyCluster } from './surroundings.ts'

const root = join(import.meta.dirname, '..', '..')
const bundle = join(root, 'dist', 'podspan.mjs')
const skip =
  spawnSync('script', ['--version']).status !== 0 && 'there is no script, which gives a program a terminal'

before(() => {
  if (!existsSync(bundle)) spawnSync(process.execPath, ['scripts/build.ts'], { cwd: root, stdio: 'inherit' })
})

const ESCAPE = '\u001b'
/** What a terminal of so many rows shows in the end. */
function screenOf(written: string): string[] {
  const lines: string[] = ['']
  let row = 0
  for (const part of written.split(new RegExp(`(${ESCAPE}\\[[?0-9;]*[a-zA-Z]|\r|\n)`))) {
    const up = /\[(\d+)A/.exec(part)?.[1]
    if (part === '\n') {
      row++
      lines[row] ??= ''
    } else if (up !== undefined) row -= Number(up)
    else if (part === `${ESCAPE}[J`) {
      lines.length = row + 1
      lines[row] = ''
    } else if (!part.startsWith(ESCAPE) && part !== '\r') lines[row] = (lines[row] ?? '') + part
  }
  return lines
}

test('on a terminal the table is drawn in place, and Ctrl-C leaves only what is lasting', {
  skip,
  timeout: 60_000,
}, async (t) => {
  const cluster = await emptyCluster()
  t.after(() => cluster.close())
  const command = `stty cols 90 rows 24; exec '${process.execPath}' '${bundle}' watch --settle 1ms --kubeconfig '${cluster.kubeconfig}'`
  const child = spawn('script', ['-qfec', command, '/dev/null'], {
    env: { PATH: process.env['PATH'], TERM: 'xterm', NO_COLOR: '1', LC_ALL: 'C.UTF-8', SHELL: '/bin/sh' },
  })
  t.after(() => child.kill('SIGKILL'))
  let written = ''
  let told = (): void => {}
  child.stdout.on('data', (data: Buffer) => {
    written += data.toString()
    told()
  })
  const until = (pattern: RegExp): Promise<void> =>
    new Promise((resolve) => {
      told = () => void (pattern.test(written) && resolve())
      told()
    })
  await until(/no start in flight/)
  const [pod] = changesOf('plain').filter(({ resource }) => resource === 'pods')
  const { deletionTimestamp: _, ...metadata } = (pod?.object['metadata'] ?? {}) as Record<string, unknown>
  const created = new Date().toISOString().replace(/\.\d+Z/, 'Z')
  const object = { ...pod?.object, metadata: { ...metadata, creationTimestamp: created } }
  cluster.stub.store.apply('pods', { ...object, status: {} })
  await until(/1 start in flight/)
  await until(/waits for/)
  const conditions = [{ type: 'Ready', status: 'True', lastTransitionTime: created }]
  cluster.stub.store.apply('pods', { ...object, status: { phase: 'Running', conditions } })
  await until(/1 ready {3}slowest/)
  const during = screenOf(written).join('\n')
  assert.match(during, /^\d\d:\d\d:\d\dZ {2}ready .*plain\/plain/m)
  assert.match(during, /─{90}\nno start in flight {3}1 ready {3}slowest .*\n$/)
  child.stdin.write('\u0003')
  const code = await new Promise((resolve) => child.on('close', resolve))
  const after = screenOf(written).join('\n')
  assert.equal(code, 0)
  assert.match(after, /plain\/plain[^]*podspan: 1 ready; slowest .* plain\/plain\.\n$/)
  assert.doesNotMatch(after, /in flight|─/)
})
