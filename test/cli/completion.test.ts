import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { writeFileSync } from 'node:fs'
import { EXIT } from '../../src/cli/exit.ts'
import { calledAs, invokedAs } from '../../src/cli/invoked.ts'
import { run } from '../../src/cli/program.ts'
import {
  clusterAfter,
  emptyCluster,
  type FilledCluster,
  kubeconfigFor,
  surroundings,
} from './surroundings.ts'

async function answered(...words: string[]): Promise<{ values: string[]; directive: string; err: string }> {
  const { context, out, err } = surroundings()
  assert.equal(await run(['__complete', ...words], context), EXIT.ok)
  const lines = out().trimEnd().split('\n')
  return {
    values: lines.slice(0, -1).map((line) => line.split('\t')[0] ?? ''),
    directive: lines.at(-1) ?? '',
    err: err(),
  }
}

const STATIC: readonly {
  readonly name: string
  readonly words: readonly string[]
  readonly then: readonly string[]
  readonly directive?: string
}[] = [
  { name: 'a command', words: ['ro'], then: ['rollout'] },
  { name: 'a command below another', words: ['session', ''], then: ['run', 'list', 'get', 'help'] },
  { name: 'an option', words: ['trace', 'web', '--slow'], then: ['--slowest'] },
  { name: 'a choice', words: ['watch', '-o', 'j'], then: ['json'] },
  { name: 'a choice behind =', words: ['top', '--sort=p'], then: ['--sort=p90', '--sort=p50'] },
  { name: 'a shell', words: ['completion', 'z'], then: ['zsh'] },
  { name: 'a kind before its name', words: ['rollout', 'd'], then: ['deploy/', 'ds/'], directive: ':6' },
  {
    name: 'the target of a session',
    words: ['session', 'run', '--target', 'st'],
    then: ['sts/'],
    directive: ':6',
  },
  { name: 'a file', words: ['replay', 'one.jsonl', ''], then: [], directive: ':0' },
  { name: 'a file as value', words: ['diff', 'deploy/web', '--from', ''], then: [], directive: ':0' },
  {
    name: "somebody else's command",
    words: ['session', 'run', '--', 'kubectl', '--ver'],
    then: [],
    directive: ':0',
  },
  { name: 'nothing where nothing is known', words: ['top', '--limit', ''], then: [] },
  { name: 'nothing after an unknown command', words: ['exlpain', '--'], then: ['--version', '--help'] },
  { name: 'an option that asks for the version', words: ['--vers'], then: ['--version'] },
]

for (const { name, words, then, directive = ':4' } of STATIC)
  test(`${name} is completed`, async () => {
    const { values, directive: said, err } = await answered(...words)
    assert.deepEqual([values, said, err], [then, directive, ''])
  })

test('all commands are completed but the hidden one', async () => {
  const { values } = await answered('')
  for (const command of ['trace', 'watch', 'top', 'completion', 'help']) assert.ok(values.includes(command))
  assert.ok(!values.includes('__complete'))
})

async function filled(t: TestContext, name: string): Promise<FilledCluster> {
  const cluster = await clusterAfter(name)
  t.after(() => cluster.close())
  return cluster
}

test('pods are completed from the namespace that was given, by metadata only', async (t) => {
  const { kubeconfig, stub } = await filled(t, 'pulls')
  const { values } = await answered('trace', '--kubeconfig', kubeconfig, '-n', 'pulls', 'pull-1')
  assert.deepEqual(values, ['pull-1'])
  const [asked] = stub.requests
  assert.equal(asked?.path, '/api/v1/namespaces/pulls/pods')
  assert.match(String(asked?.headers.accept), /PartialObjectMetadataList/)
})

test('workloads are completed behind their kind', async (t) => {
  const { kubeconfig, stub } = await filled(t, 'burst')
  stub.store.load('deployments', [
    { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'web', namespace: 'shop', uid: 'u1' } },
  ])
  const { values, directive } = await answered(
    'rollout',
    `--kubeconfig=${kubeconfig}`,
    '--namespace=shop',
    'deploy/w',
  )
  assert.deepEqual([values, directive], [['deploy/web'], ':4'])
})

test('namespaces and contexts are completed', async (t) => {
  const { kubeconfig, stub } = await filled(t, 'plain')
  stub.store.load(
    'namespaces',
    ['shop', 'shipping', 'web'].map((name) => ({
      apiVersion: 'v1',
      kind: 'Namespace',
      metadata: { name, uid: name },
    })),
  )
  assert.deepEqual((await answered('top', '--kubeconfig', kubeconfig, '-n', 'sh')).values, [
    'shipping',
    'shop',
  ])
  assert.deepEqual((await answered('top', '--kubeconfig', kubeconfig, '--context', '')).values, ['stub'])
})

test('a name that a shell would take apart is left out', async (t) => {
  const { kubeconfig, stub } = await filled(t, 'plain')
  const names = ['web', 'web;rm -rf $HOME', 'web\u001b[2J', 'web\nx']
  stub.store.load(
    'namespaces',
    names.map((name, index) => ({
      apiVersion: 'v1',
      kind: 'Namespace',
      metadata: { name, uid: String(index) },
    })),
  )
  assert.deepEqual((await answered('top', '--kubeconfig', kubeconfig, '-n', '')).values, ['web'])
})

test('where nobody answers nothing is completed and nothing is said', async (t) => {
  const cluster = await emptyCluster()
  t.after(() => cluster.close())
  for (const break_ of [
    async () => cluster.stub.kill(),
    async () => writeFileSync(cluster.kubeconfig, '{'),
    async () => writeFileSync(cluster.kubeconfig, JSON.stringify(kubeconfigFor('http://127.0.0.1:1'))),
  ]) {
    await break_()
    const { values, directive, err } = await answered(
      'session',
      'get',
      '--kubeconfig',
      cluster.kubeconfig,
      '',
    )
    assert.deepEqual([values, directive, err], [[], ':4', ''])
  }
})

test('a cluster that is silent is waited for no longer than people wait', async (t) => {
  const cluster = await emptyCluster()
  t.after(() => cluster.close())
  cluster.stub.fail('pods', 'any', { kind: 'silent' }, 9)
  const { context, out } = surroundings()
  const clock = { ...context.clock, sleep: async () => {} }
  assert.equal(
    await run(['__complete', 'trace', '--kubeconfig', cluster.kubeconfig, 'x'], { ...context, clock }),
    EXIT.ok,
  )
  assert.equal(out(), ':4\n')
})

const INVOKED: readonly (readonly [names: readonly string[], program: string, args: readonly string[]])[] = [
  [['node', '/usr/bin/podspan'], 'podspan', ['top']],
  [['node', '/usr/local/bin/kubectl-podspan'], 'kubectl podspan', ['top']],
  [['C:\\krew\\kubectl-podspan.exe', 'C:\\krew\\podspan.exe'], 'kubectl podspan', ['top']],
  [['/bin/kubectl_complete-podspan', '/bin/podspan'], 'kubectl podspan', ['__complete', 'top']],
]

for (const [names, program, args] of INVOKED)
  test(`${names.join(' ')} is ${program}`, () => {
    assert.deepEqual(invokedAs(names, ['top']), { program, args })
  })

test("as kubectl's plugin help, examples, mistakes and remedies name the command that was typed", async (t) => {
  const cluster = await emptyCluster()
  t.after(() => cluster.close())
  const context = { ...surroundings().context, program: 'kubectl podspan' } as const
  const said = async (...args: string[]): Promise<string> => {
    const { context: fresh, out, err } = surroundings()
    await run(args, { ...fresh, program: context.program })
    return out() + err()
  }
  assert.match(
    await said('trace', '--help'),
    /^Usage: kubectl podspan trace .*^ {2}kubectl podspan trace deploy\/web/ms,
  )
  assert.match(
    await said('trace'),
    /^Usage: kubectl podspan trace .*\nTry 'kubectl podspan trace --help'\.$/m,
  )
  assert.match(await said('wathc'), /Did you mean watch\?[^]*Try 'kubectl podspan --help'\./)
  assert.match(
    await said('top', '--kubeconfig', cluster.kubeconfig),
    /'kubectl podspan watch' shows the next starts/,
  )
  assert.doesNotMatch(await said('--help'), /^ {2}podspan /m)
})

test('only what is a command is renamed', () => {
  const text = "podspan: the podspan pods; 'podspan check' shows. Try: podspan replay x\n  podspan top"
  assert.equal(
    calledAs('kubectl podspan', text),
    "podspan: the podspan pods; 'kubectl podspan check' shows. Try: kubectl podspan replay x\n  kubectl podspan top",
  )
})
