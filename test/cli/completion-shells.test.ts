import assert from 'node:assert/strict'
import { type ChildProcessWithoutNullStreams, spawn, spawnSync } from 'node:child_process'
import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { after, before, test, type TestContext } from 'node:test'
import { emptyCluster, type FilledCluster } from './surroundings.ts'

const root = join(import.meta.dirname, '..', '..')
const bundle = join(root, 'dist', 'podspan.mjs')
const home = mkdtempSync(join(tmpdir(), 'podspan-shells-'))
const bin = join(home, 'bin')
const podspan = join(bin, 'podspan')
let cluster: FilledCluster

const metadata = (name: string, namespace?: string): object => ({ name, namespace, uid: name })

before(async () => {
  if (!existsSync(bundle)) spawnSync(process.execPath, ['scripts/build.ts'], { cwd: root, stdio: 'inherit' })
  mkdirSync(bin)
  writeFileSync(podspan, `#!/bin/sh\nexec '${process.execPath}' '${bundle}' "$@"\n`)
  chmodSync(podspan, 0o755)
  writeFileSync(join(home, 'one recording.jsonl'), '')
  for (const shell of ['bash', 'zsh', 'fish'])
    writeFileSync(join(home, `complete.${shell}`), spawnSync(podspan, ['completion', shell]).stdout)
  cluster = await emptyCluster()
  cluster.stub.store.load('namespaces', [
    { apiVersion: 'v1', kind: 'Namespace', metadata: metadata('shop') },
    { apiVersion: 'v1', kind: 'Namespace', metadata: metadata('other') },
  ])
  cluster.stub.store.load('deployments', [
    { apiVersion: 'apps/v1', kind: 'Deployment', metadata: metadata('checkout', 'default') },
  ])
})
after(async () => {
  await cluster.close()
  // A shell that was killed may still be about to write.
  rmSync(home, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 })
})

/** What is typed, and the line after Tab; the same in every shell. */
const LINES: readonly { readonly typed: string; readonly line: string }[] = [
  { typed: 'podspan tra', line: 'podspan trace ' },
  { typed: 'podspan session ge', line: 'podspan session get ' },
  { typed: 'podspan watch --otlp', line: 'podspan watch --otlp-endpoint ' },
  { typed: 'podspan watch -o waterf', line: 'podspan watch -o waterfall ' },
  { typed: 'podspan top -n sh', line: 'podspan top -n shop ' },
  { typed: 'podspan rollout dep', line: 'podspan rollout deploy/' },
  { typed: 'podspan rollout deploy/ch', line: 'podspan rollout deploy/checkout ' },
  { typed: 'podspan replay one', line: 'podspan replay one\\ recording.jsonl ' },
  { typed: 'podspan exlpain x', line: 'podspan exlpain x' },
]

const environment = (): NodeJS.ProcessEnv => ({
  PATH: `${bin}:${process.env['PATH']}`,
  HOME: home,
  KUBECONFIG: cluster.kubeconfig,
  HISTFILE: '/dev/null',
  TERM: 'dumb',
  LC_ALL: 'C.UTF-8',
})

const has = (command: string): boolean => spawnSync(command, ['--version'], { stdio: 'ignore' }).status === 0

/** Types into a shell that has a terminal, and reads the line that it then holds: Ctrl-G prints it. */
async function typeInto(
  command: string,
  setUp: readonly string[],
  typed: string,
): Promise<{ line: string; shown: string }> {
  const child = spawn('script', ['-qfc', command, '/dev/null'], { cwd: home, env: environment() })
  let shown = ''
  let told = (): void => {}
  child.stdout.on('data', (data: Buffer) => {
    shown += data.toString()
    told()
  })
  const until = (pattern: RegExp): Promise<RegExpExecArray> =>
    new Promise((resolve) => {
      told = () => {
        const found = pattern.exec(shown)
        if (found) resolve(found)
      }
      told()
    })
  child.stdin.write(`${setUp.join('\n')}\necho READ''Y\n`)
  await until(/^READY/m)
  shown = ''
  child.stdin.write(`${typed}\t\u0007`)
  const [, line = ''] = await until(/<<([^<>]*)>>/)
  child.stdin.end()
  child.kill('SIGKILL')
  return { line, shown }
}

/** Not spawnSync: the cluster that is asked lives in this process. */
async function ended(child: ChildProcessWithoutNullStreams): Promise<{ stdout: string; stderr: string }> {
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)])
  return { stdout, stderr }
}

const BASH = [
  'PS1=; bind "set enable-bracketed-paste off"',
  'source ~/complete.bash',
  `show() { printf '\\n<<%s>>\\n' "$READLINE_LINE"; }`,
  `bind -x '"\\C-g": show'`,
]
const ZSH = [
  'PS1=; unsetopt zle_bracketed_paste; autoload -U compinit; compinit -u -D',
  'source ~/complete.zsh',
  `show() { printf '\\n<<%s>>\\n' "$BUFFER" }; zle -N show; bindkey '^G' show`,
]

function shellTest(shell: string, name: string, body: (t: TestContext) => Promise<void>): void {
  const missing = has(shell) ? (shell === 'fish' || has('script') ? undefined : 'script') : shell
  test(
    `${shell}: ${name}`,
    { skip: missing !== undefined && `there is no ${missing} here; make shells installs it` },
    body,
  )
}

for (const { typed, line } of LINES) {
  shellTest('bash', `${typed}⇥ becomes ${line}`, async () => {
    const found = await typeInto('bash --norc --noprofile -i', BASH, typed)
    assert.equal(found.line, line)
    assert.doesNotMatch(found.shown, /error|podspan:|compopt/i)
  })
  shellTest('zsh', `${typed}⇥ becomes ${line}`, async () => {
    const found = await typeInto('zsh -f -i', ZSH, typed)
    assert.equal(found.line.trimEnd(), line.trimEnd())
    assert.doesNotMatch(found.shown, /error|podspan:/i)
  })
  shellTest('fish', `${typed}⇥ becomes ${line}`, async () => {
    const script = `source ~/complete.fish; complete -C ${JSON.stringify(typed)}`
    const { stdout, stderr } = await ended(
      spawn('fish', ['--no-config', '-c', script], { cwd: home, env: environment() }),
    )
    const last = line
      .trim()
      .split(/(?<!\\) /)
      .at(-1)
      ?.replace('\\', '')
    const candidates = stdout
      .split('\n')
      .map((each) => each.split('\t')[0] ?? '')
      .filter((each) => each !== '')
    assert.deepEqual([candidates, stderr], [line === typed ? [] : [last], ''])
  })
}

shellTest('bash', 'a value behind = is completed where bash regards it as a word of its own', async () => {
  const { line } = await typeInto('bash --norc --noprofile -i', BASH, 'podspan top --sort=tot')
  assert.equal(line, 'podspan top --sort=total ')
})

shellTest('bash', 'where no cluster answers nothing is shown and the line stays', async () => {
  const { line, shown } = await typeInto(
    'bash --norc --noprofile -i',
    ['export KUBECONFIG=/none', ...BASH],
    'podspan top -n sh',
  )
  assert.equal(line, 'podspan top -n sh')
  assert.doesNotMatch(shown, /error|cluster|none/i)
})
